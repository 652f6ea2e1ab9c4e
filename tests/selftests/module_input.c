// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bad input at the raw ioctls: each gives one clear error and changes nothing.
 */
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "module_common.h"

FIXTURE(input) {
	struct nic nic;
	int owner;
	int device;
};

FIXTURE_SETUP(input)
{
	ASSERT_EQ(0, nic_open(&self->nic));
	self->owner = self->nic.owner;
	self->device = open("/dev/tapkeep", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(input)
{
	keep_release(self->owner);
	close(self->device);
}

static struct tapkeep_create create_cmd(const char *name)
{
	struct tapkeep_create cmd = { .size = sizeof(cmd) };

	copy_name(cmd.name, name, sizeof(cmd.name));
	return cmd;
}

/* A structure of a later version: ours, and a tail. */
struct later_op {
	struct tapkeep_op op;
	uint64_t tail;
};

TEST_F(input, a_size_that_is_too_small)
{
	struct tapkeep_op op = { .size = 0 };
	struct tapkeep_create create = create_cmd("x");

	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_FREEZE, &op));
	op.size = sizeof(op) - 1;
	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_FREEZE, &op));
	create.size = sizeof(create) - 1;
	EXPECT_EQ(-EINVAL, call(self->device, TAPKEEP_CREATE, &create));
}

TEST_F(input, a_later_structure_with_a_tail_of_zeroes_is_taken)
{
	struct later_op later = { .op.size = sizeof(later) };

	EXPECT_EQ(0, call(self->owner, TAPKEEP_FREEZE, &later));
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(self->owner));
}

TEST_F(input, a_later_structure_with_another_tail_is_refused)
{
	struct later_op later = { .op.size = sizeof(later), .tail = 1 };

	EXPECT_EQ(-E2BIG, call(self->owner, TAPKEEP_FREEZE, &later));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->owner));
}

TEST_F(input, the_size_in_the_command_number_may_be_a_later_one)
{
	struct later_op later = { .op.size = sizeof(later) };
	unsigned long cmd = _IOWR(TAPKEEP_IOC_TYPE, _IOC_NR(TAPKEEP_FREEZE),
				  struct later_op);

	EXPECT_EQ(0, call(self->owner, cmd, &later));
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(self->owner));
}

TEST_F(input, a_structure_larger_than_a_page_is_refused)
{
	struct tapkeep_op *op = calloc(1, 65536);

	op->size = 65536;
	EXPECT_EQ(-E2BIG, call(self->owner, TAPKEEP_FREEZE, op));
	free(op);
}

TEST_F(input, an_address_that_cannot_be_read)
{
	EXPECT_EQ(-EFAULT, call(self->owner, TAPKEEP_FREEZE, NULL));
	EXPECT_EQ(-EFAULT, call(self->device, TAPKEEP_CREATE, (void *)8));
}

/* Return: a copy of @cmd in memory that cannot be written. */
static void *read_only(const void *cmd, size_t size)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(page, cmd, size);
	mprotect(page, 4096, PROT_READ);
	return page;
}

TEST_F(input, a_create_whose_answer_cannot_be_written_makes_no_keep)
{
	struct tapkeep_create cmd = create_cmd("x");

	EXPECT_EQ(-EFAULT, call(self->device, TAPKEEP_CREATE,
				read_only(&cmd, sizeof(cmd))));
	EXPECT_EQ(-ENOENT, named_state("x"));
}

TEST_F(input, a_claim_whose_answer_cannot_be_written_does_not_use_the_offer_up)
{
	struct tapkeep_claim cmd = { .size = sizeof(cmd) };
	int offer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	EXPECT_EQ(-EFAULT, call(offer, TAPKEEP_CLAIM,
				read_only(&cmd, sizeof(cmd))));
	EXPECT_EQ(TAPKEEP_ROLE_OWNER, keep_role(self->owner));
	EXPECT_LE(0, keep_claim_offer(offer));
}

TEST_F(input, a_pin_whose_answer_cannot_be_written_pins_nothing)
{
	struct tapkeep_pin cmd = { .size = sizeof(cmd) };
	int owner = keep_create("x");

	cmd.fd = tap_open("tap1");
	EXPECT_EQ(-EFAULT, call(owner, TAPKEEP_PIN,
				read_only(&cmd, sizeof(cmd))));
	EXPECT_EQ(0, keep_pin(owner, cmd.fd));
}

TEST_F(input, without_a_free_descriptor_no_keep_is_made)
{
	struct tapkeep_create cmd = create_cmd("x");
	struct rlimit limit = { 0, 0 };

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	/* The lowest that was free: none is left below it. */
	limit.rlim_cur = dup(0);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, call(self->device, TAPKEEP_CREATE, &cmd));
	limit.rlim_cur = limit.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-ENOENT, named_state("x"));
}

TEST_F(input, without_a_free_descriptor_an_offer_is_not_used_up)
{
	struct rlimit limit = { 0, 0 };
	int offer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = dup(0);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, keep_claim_offer(offer));
	limit.rlim_cur = limit.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_LE(0, keep_claim_offer(offer));
}

TEST_F(input, what_is_returned_is_close_on_exec)
{
	int observer = keep_observe("nic");
	int offer, claimer, queue;

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->owner, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(observer, F_GETFD));
	queue = keep_get_queue(self->owner, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(queue, F_GETFD));
	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	EXPECT_EQ(FD_CLOEXEC, fcntl(offer, F_GETFD));
	claimer = keep_claim_offer(offer);
	EXPECT_EQ(FD_CLOEXEC, fcntl(claimer, F_GETFD));
}

TEST_F(input, an_unknown_command)
{
	struct tapkeep_op op = { .size = sizeof(op) };
	unsigned long other = _IOWR(TAPKEEP_IOC_TYPE, 0x7f, struct tapkeep_op);

	EXPECT_EQ(-ENOTTY, call(self->device, other, &op));
	EXPECT_EQ(-ENOTTY, call(self->owner, other, &op));
	other = _IOR(TAPKEEP_IOC_TYPE, _IOC_NR(TAPKEEP_FREEZE), struct tapkeep_op);
	EXPECT_EQ(-ENOTTY, call(self->owner, other, &op));
	other = _IOWR(0xbe, _IOC_NR(TAPKEEP_FREEZE), struct tapkeep_op);
	EXPECT_EQ(-ENOTTY, call(self->owner, other, &op));
}

TEST_F(input, a_command_of_the_other_kind_of_file)
{
	struct tapkeep_create create = create_cmd("x");
	struct tapkeep_op op = { .size = sizeof(op) };

	EXPECT_EQ(-ENOTTY, call(self->device, TAPKEEP_FREEZE, &op));
	EXPECT_EQ(-ENOTTY, call(self->owner, TAPKEEP_CREATE, &create));
}

TEST_F(input, an_unknown_flag)
{
	struct tapkeep_create create = create_cmd("x");
	struct tapkeep_op op = { .size = sizeof(op), .flags = 1 };
	struct tapkeep_offer offer = { .size = sizeof(offer), .flags = 1 };
	struct tapkeep_observe observe = { .size = sizeof(observe), .flags = 1,
					   .name = "nic" };

	create.flags = 1;
	EXPECT_EQ(-EINVAL, call(self->device, TAPKEEP_CREATE, &create));
	EXPECT_EQ(-EINVAL, call(self->device, TAPKEEP_OBSERVE, &observe));
	EXPECT_EQ(-EINVAL, keep_claim("nic", 2));
	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_FREEZE, &op));
	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_REVOKE, &op));
	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_THAW, &op));
	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_RELEASE, &op));
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_OFFER, &offer));
}

TEST_F(input, a_reserved_field_that_is_not_zero)
{
	struct tapkeep_create create = create_cmd("x");
	struct tapkeep_observe observe = { .size = sizeof(observe),
					   .name = "nic", .reserved = 1 };
	struct tapkeep_claim claim = { .size = sizeof(claim), .name = "nic",
				       .reserved = 1 };
	struct tapkeep_pin pin = { .size = sizeof(pin), .reserved = 1 };
	struct tapkeep_get_queue get = { .size = sizeof(get), .reserved = 1 };
	struct tapkeep_offer offer = { .size = sizeof(offer), .reserved = 1 };

	create.reserved = 1;
	EXPECT_EQ(-EINVAL, call(self->device, TAPKEEP_CREATE, &create));
	EXPECT_EQ(-EINVAL, call(self->device, TAPKEEP_OBSERVE, &observe));
	EXPECT_EQ(-EINVAL, call(self->device, TAPKEEP_CLAIM, &claim));
	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_PIN, &pin));
	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_GET_QUEUE, &get));
	EXPECT_EQ(-EINVAL, call(self->owner, TAPKEEP_OFFER, &offer));
}

TEST_F(input, a_name_that_names_cannot_have)
{
	char long_name[65];

	memset(long_name, 'x', 64);
	long_name[64] = 0;
	EXPECT_EQ(-EINVAL, keep_create(""));
	EXPECT_EQ(-EINVAL, keep_create(long_name));
	EXPECT_EQ(-EINVAL, keep_create("a b"));
	EXPECT_EQ(-EINVAL, keep_create("a/b"));
	EXPECT_EQ(-EINVAL, keep_create("a\nb"));
	EXPECT_EQ(-EINVAL, keep_create("\xc3\xa4"));
	EXPECT_EQ(-EINVAL, keep_create("\xe9"));
	EXPECT_EQ(-EINVAL, keep_claim("", 0));
	EXPECT_EQ(-EINVAL, keep_claim(long_name, 0));
	EXPECT_EQ(-EINVAL, keep_observe(""));
	EXPECT_EQ(-EINVAL, keep_observe(long_name));
}

TEST_F(input, names_that_are_just_possible)
{
	char long_name[64];

	memset(long_name, 'x', 63);
	long_name[63] = 0;
	EXPECT_LE(0, keep_create(long_name));
	EXPECT_LE(0, keep_create("AZaz09._:-"));
}

TEST_F(input, a_name_that_is_taken)
{
	EXPECT_EQ(-EEXIST, keep_create("nic"));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->owner));
}

TEST_F(input, a_name_that_is_taken_in_another_network_namespace_is_free)
{
	ASSERT_EQ(0, new_netns());
	EXPECT_EQ(-ENOENT, named_state("nic"));
	EXPECT_LE(0, keep_create("nic"));
	EXPECT_EQ(-ENOENT, keep_claim("other", 0));
}

TEST_F(input, a_name_that_there_is_not)
{
	EXPECT_EQ(-ENOENT, keep_claim("x", 0));
	EXPECT_EQ(-ENOENT, keep_observe("x"));
}

TEST_F(input, limits_over_their_maximum)
{
	EXPECT_EQ(-ERANGE, keep_create_with("x", (1 << 20) + 1, 0));
	EXPECT_EQ(-ERANGE, keep_create_with("x", 0, 3600001));
	EXPECT_LE(0, keep_create_with("x", 1 << 20, 3600000));
}

TEST_F(input, more_keeps_than_there_can_be)
{
	static const char * const path =
		"/sys/module/tapkeep/parameters/max_keeps";
	int fd;

	ASSERT_EQ(0, write_file(path, "1"));
	fd = keep_create("x");
	ASSERT_EQ(0, write_file(path, "16384"));
	EXPECT_EQ(-ENOSPC, fd);
	EXPECT_LE(0, keep_create("x"));
}

TEST_F(input, a_pin_of_what_is_not_open)
{
	EXPECT_EQ(-EBADF, keep_pin(self->owner, -1));
	EXPECT_EQ(-EBADF, keep_pin(self->owner, 1000));
	EXPECT_EQ(-EBADF, keep_pin(self->owner,
				   open("/dev/net/tun", O_PATH | O_CLOEXEC)));
}

TEST_F(input, a_pin_of_what_is_not_a_tap)
{
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	EXPECT_EQ(-EMEDIUMTYPE, keep_pin(self->owner, self->owner));
	EXPECT_EQ(-EMEDIUMTYPE, keep_pin(self->owner, self->device));
	EXPECT_EQ(-EMEDIUMTYPE, keep_pin(self->owner, pipes[0]));
	EXPECT_EQ(-EMEDIUMTYPE, keep_pin(self->owner, epoll_create1(0)));
	EXPECT_EQ(-EMEDIUMTYPE,
		  keep_pin(self->owner, socket(AF_UNIX, SOCK_STREAM, 0)));
	EXPECT_EQ(-EMEDIUMTYPE,
		  keep_pin(self->owner, open("/dev/null", O_RDWR)));
}

TEST_F(input, a_pin_of_a_queue_that_is_attached_to_nothing)
{
	EXPECT_EQ(-EBADFD, keep_pin(self->owner, open("/dev/net/tun", O_RDWR)));
}

TEST_F(input, a_pin_of_a_queue_that_is_pinned)
{
	int other = keep_create("other");

	EXPECT_EQ(-EEXIST, keep_pin(self->owner, self->nic.queue));
	EXPECT_EQ(-EEXIST, keep_pin(self->owner, dup(self->nic.queue)));
	EXPECT_EQ(-EBUSY, keep_pin(other, self->nic.queue));
}

TEST_F(input, a_pin_of_a_queue_of_another_interface)
{
	EXPECT_EQ(-EXDEV, keep_pin(self->owner, tap_open("tap1")));
}

TEST_F(input, a_tun_and_a_disabled_queue_can_be_pinned)
{
	struct ifreq detach = { .ifr_flags = IFF_DETACH_QUEUE };
	int tun = keep_create("tun");
	int multi = keep_create("multi");
	int queue;

	EXPECT_EQ(0, keep_pin(tun, tap_open_flags("tun0", IFF_TUN)));
	queue = tap_open_flags("tap1", IFF_TAP | IFF_MULTI_QUEUE);
	EXPECT_EQ(0, keep_pin(multi, queue));
	queue = tap_open_flags("tap1", IFF_TAP | IFF_MULTI_QUEUE);
	ASSERT_EQ(0, ioctl(queue, TUNSETQUEUE, &detach));
	EXPECT_EQ(1, keep_pin(multi, queue));
}

TEST_F(input, a_queue_that_there_is_not)
{
	EXPECT_EQ(-ENOENT, keep_get_queue(self->owner, 1));
	EXPECT_EQ(-ENOENT, keep_get_queue(self->owner, 0xffffffff));
}

TEST_F(input, the_file_of_a_queue_is_the_one_that_was_pinned)
{
	int queue = keep_get_queue(self->owner, 0);

	/* KCMP_FILE */
	EXPECT_EQ(0, syscall(SYS_kcmp, getpid(), getpid(), 0, queue,
			     self->nic.queue));
}

TEST_F(input, an_observer_may_only_look)
{
	int observer = keep_observe("nic");

	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(observer));
	EXPECT_EQ(-EPERM, keep_freeze(observer));
	EXPECT_EQ(-EPERM, keep_thaw(observer));
	EXPECT_EQ(-EPERM, keep_revoke(observer));
	EXPECT_EQ(-EPERM, keep_release(observer));
	EXPECT_EQ(-EPERM, keep_offer(observer));
	EXPECT_EQ(-EPERM, keep_get_queue(observer, 0));
	EXPECT_EQ(-EPERM, keep_pin(observer, self->nic.queue));
	EXPECT_EQ(-EPERM, keep_claim_offer(observer));
}

TEST_F(input, an_offer_may_only_be_claimed)
{
	int offer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	EXPECT_EQ(-EPERM, keep_freeze(offer));
	EXPECT_EQ(-EPERM, keep_thaw(offer));
	EXPECT_EQ(-EPERM, keep_release(offer));
	EXPECT_EQ(-EPERM, keep_get_queue(offer, 0));
	EXPECT_EQ(-EPERM, keep_offer(offer));
}

TEST_F(input, an_owner_cannot_be_claimed_from)
{
	EXPECT_EQ(-EPERM, keep_claim_offer(self->owner));
}

TEST_F(input, a_claim_by_offer_takes_neither_name_nor_flags)
{
	struct tapkeep_claim cmd = { .size = sizeof(cmd), .name = "nic" };
	int offer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	offer = keep_offer(self->owner);
	EXPECT_EQ(-EINVAL, call(offer, TAPKEEP_CLAIM, &cmd));
	memset(cmd.name, 0, sizeof(cmd.name));
	cmd.flags = TAPKEEP_CLAIM_FORCE;
	EXPECT_EQ(-EINVAL, call(offer, TAPKEEP_CLAIM, &cmd));
	EXPECT_LE(0, keep_claim_offer(offer));
}

/* Return: whether @line is in the information about @handle. */
static int fdinfo_has(int handle, const char *line)
{
	char path[64], text[256] = "";
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", handle);
	fd = open(path, O_RDONLY);
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	return size > 0 && strstr(text, line);
}

TEST_F(input, fdinfo_says_what_a_handle_is)
{
	EXPECT_TRUE(fdinfo_has(self->owner, "keep:\tnic\n"));
	EXPECT_TRUE(fdinfo_has(self->owner, "role:\towner\n"));
	EXPECT_TRUE(fdinfo_has(self->owner, "state:\tactive\n"));
	EXPECT_TRUE(fdinfo_has(self->owner, "generation:\t1\n"));
	ASSERT_EQ(0, keep_release(self->owner));
	EXPECT_TRUE(fdinfo_has(self->owner, "keep:\tnic\n"));
	EXPECT_TRUE(fdinfo_has(self->owner, "state:\tended\n"));
}

/*
 * The state that the VMM exports.
 */

static const struct tapkeep_queue_state good_queue = {
	.rx_last_avail = 1,
	.rx_used = 2,
	.tx_last_avail = 3,
	.tx_used = 65535,
	.rx_size = 256,
	.tx_size = 32768,
	.flags = TAPKEEP_QUEUE_ENABLED,
};

static const struct tapkeep_state good_state = {
	.size = sizeof(good_state),
	.flags = TAPKEEP_STATE_STOPPED,
	.features = 0x8000000180000001,
	.offloads = 0x1f,
	.vnet_hdr_len = 12,
	.vnet_hdr_endian = TAPKEEP_ENDIAN_LITTLE,
	.mac = { 0x52, 0x54, 0, 1, 2, 3 },
	.active_queue_pairs = 1,
	.queue_size = sizeof(good_queue),
	.nr_queues = 1,
};

FIXTURE(vmm) {
	struct nic nic;
	int owner;
	struct tapkeep_queue_state queue;
	struct tapkeep_state state;
};

FIXTURE_SETUP(vmm)
{
	ASSERT_EQ(0, nic_open(&self->nic));
	self->owner = self->nic.owner;
	self->queue = good_queue;
	self->state = good_state;
	self->state.queues = (uintptr_t)&self->queue;
}

FIXTURE_TEARDOWN(vmm)
{
	keep_release(self->owner);
}

static int get_state(int handle, struct tapkeep_state *state,
		     struct tapkeep_queue_state *queues, uint32_t nr)
{
	*state = (struct tapkeep_state) {
		.size = sizeof(*state),
		.queue_size = sizeof(*queues),
		.nr_queues = nr,
		.queues = (uintptr_t)queues,
	};
	return call(handle, TAPKEEP_GET_STATE, state);
}

TEST_F(vmm, state_comes_back_as_it_was_exported)
{
	struct tapkeep_queue_state queue;
	struct tapkeep_state state;

	ASSERT_EQ(0, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	ASSERT_EQ(0, get_state(self->owner, &state, &queue, 1));
	EXPECT_EQ(self->state.flags, state.flags);
	EXPECT_EQ(self->state.features, state.features);
	EXPECT_EQ(self->state.offloads, state.offloads);
	EXPECT_EQ(12, state.vnet_hdr_len);
	EXPECT_EQ(TAPKEEP_ENDIAN_LITTLE, state.vnet_hdr_endian);
	EXPECT_EQ(0, memcmp(self->state.mac, state.mac, 6));
	EXPECT_EQ(1, state.active_queue_pairs);
	EXPECT_EQ(1, state.nr_queues);
	EXPECT_EQ(0, memcmp(&self->queue, &queue, sizeof(queue)));
}

TEST_F(vmm, state_goes_with_the_keep_to_offer_and_claimer)
{
	struct tapkeep_queue_state queue;
	struct tapkeep_state state;
	int offer, observer = keep_observe("nic");

	ASSERT_EQ(0, keep_freeze(self->owner));
	ASSERT_EQ(0, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	offer = keep_offer(self->owner);
	EXPECT_EQ(0, get_state(observer, &state, &queue, 1));
	EXPECT_EQ(0, get_state(offer, &state, &queue, 1));
	EXPECT_EQ(0, get_state(keep_claim_offer(offer), &state, &queue, 1));
	EXPECT_EQ(65535, queue.tx_used);
}

TEST_F(vmm, state_is_not_for_a_stale_owner)
{
	struct tapkeep_queue_state queue;
	struct tapkeep_state state;

	ASSERT_EQ(0, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	ASSERT_LE(0, keep_claim("nic", TAPKEEP_CLAIM_FORCE));
	EXPECT_EQ(-ESTALE, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	EXPECT_EQ(-ESTALE, get_state(self->owner, &state, &queue, 1));
}

TEST_F(vmm, an_observer_cannot_set_state)
{
	EXPECT_EQ(-EPERM, call(keep_observe("nic"), TAPKEEP_SET_STATE,
			       &self->state));
}

TEST_F(vmm, there_is_no_state_before_it_is_exported)
{
	struct tapkeep_queue_state queue;
	struct tapkeep_state state;

	EXPECT_EQ(-ENODATA, get_state(self->owner, &state, &queue, 1));
}

TEST_F(vmm, without_room_for_all_queues_their_number_is_told)
{
	struct tapkeep_queue_state queue = { .flags = 77 };
	struct tapkeep_state state;

	ASSERT_EQ(0, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	EXPECT_EQ(-EMSGSIZE, get_state(self->owner, &state, &queue, 0));
	EXPECT_EQ(1, state.nr_queues);
	EXPECT_EQ(77, queue.flags);
}

TEST_F(vmm, the_number_of_queues_must_be_that_of_the_pinned)
{
	struct tapkeep_queue_state queues[2] = {};

	self->state.queues = (uintptr_t)queues;
	self->state.nr_queues = 2;
	EXPECT_EQ(-EMSGSIZE, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	self->state.nr_queues = 0;
	self->state.active_queue_pairs = 0;
	EXPECT_EQ(-EMSGSIZE, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	self->state.nr_queues = 1000000;
	EXPECT_EQ(-EMSGSIZE, call(self->owner, TAPKEEP_SET_STATE, &self->state));
}

/*
 * Exports what is good and then what the test made of it. Return: the error of
 * that, or 0 if it changed anything.
 */
static int refusal(FIXTURE_DATA(vmm) *self)
{
	struct tapkeep_queue_state queue = good_queue;
	struct tapkeep_state state = good_state;
	int ret;

	state.queues = (uintptr_t)&queue;
	if (call(self->owner, TAPKEEP_SET_STATE, &state))
		return 0;
	ret = call(self->owner, TAPKEEP_SET_STATE, &self->state);
	if (get_state(self->owner, &state, &queue, 1) ||
	    state.vnet_hdr_len != good_state.vnet_hdr_len ||
	    state.offloads != good_state.offloads ||
	    memcmp(&queue, &good_queue, sizeof(queue)))
		return 0;
	return ret;
}

TEST_F(vmm, an_unknown_flag_is_refused)
{
	self->state.flags = 2;
	EXPECT_EQ(-EINVAL, refusal(self));
}

TEST_F(vmm, an_unknown_offload_is_refused)
{
	self->state.offloads = 0x200;
	EXPECT_EQ(-EINVAL, refusal(self));
}

TEST_F(vmm, a_header_length_that_does_not_exist_is_refused)
{
	self->state.vnet_hdr_len = 11;
	EXPECT_EQ(-EINVAL, refusal(self));
}

TEST_F(vmm, an_endianness_that_does_not_exist_is_refused)
{
	self->state.vnet_hdr_endian = 3;
	EXPECT_EQ(-EINVAL, refusal(self));
}

TEST_F(vmm, a_reserved_field_is_refused)
{
	self->state.reserved0 = 1;
	EXPECT_EQ(-EINVAL, refusal(self));
}

TEST_F(vmm, more_active_queue_pairs_than_queues_are_refused)
{
	self->state.active_queue_pairs = 2;
	EXPECT_EQ(-EINVAL, refusal(self));
}

TEST_F(vmm, an_unknown_queue_flag_is_refused)
{
	self->queue.flags = 2;
	EXPECT_EQ(-EINVAL, refusal(self));
}

TEST_F(vmm, a_ring_that_is_too_large_is_refused)
{
	self->queue.tx_size = 32769;
	EXPECT_EQ(-EINVAL, refusal(self));
}

TEST_F(vmm, a_queue_size_that_is_too_small_is_refused)
{
	self->state.queue_size = 15;
	EXPECT_EQ(-EINVAL, refusal(self));
}

TEST_F(vmm, a_queue_size_is_at_most_a_page)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *queues = calloc(2, page);

	ASSERT_NE(NULL, queues);
	self->state.queues = (uintptr_t)queues;
	self->state.queue_size = page;
	EXPECT_EQ(0, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	EXPECT_EQ(0, call(self->owner, TAPKEEP_GET_STATE, &self->state));
	self->state.queue_size = page + 1;
	EXPECT_EQ(-E2BIG, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	EXPECT_EQ(-E2BIG, call(self->owner, TAPKEEP_GET_STATE, &self->state));
	free(queues);
}

TEST_F(vmm, queues_that_cannot_be_read_are_refused)
{
	self->state.queues = 8;
	EXPECT_EQ(-EFAULT, refusal(self));
}

TEST_F(vmm, every_header_length_that_exists_is_taken)
{
	static const uint16_t lens[] = { 0, 10, 12, 20, 24 };
	size_t i;

	for (i = 0; i < 5; i++) {
		self->state.vnet_hdr_len = lens[i];
		EXPECT_EQ(0, call(self->owner, TAPKEEP_SET_STATE, &self->state));
	}
}

TEST_F(vmm, queue_states_of_a_later_version)
{
	struct {
		struct tapkeep_queue_state known;
		uint64_t tail;
	} later = { .known = self->queue, .tail = 0 };
	struct tapkeep_state state = self->state;

	state.queue_size = sizeof(later);
	state.queues = (uintptr_t)&later;
	EXPECT_EQ(0, call(self->owner, TAPKEEP_SET_STATE, &state));
	later.tail = 1;
	EXPECT_EQ(-E2BIG, call(self->owner, TAPKEEP_SET_STATE, &state));
	state.queue_size = sizeof(later);
	/* And back: what this module does not know is zero. */
	EXPECT_EQ(0, call(self->owner, TAPKEEP_GET_STATE, &state));
	EXPECT_EQ(0, later.tail);
	EXPECT_EQ(256, later.known.rx_size);
	EXPECT_EQ(sizeof(later), state.queue_size);
}

TEST_HARNESS_MAIN
