// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a target refuses, and what it says: the glue against the module, the
 * source and the target in one process.
 */
#include <tapkeep.h>
#include <tapkeep-vmm.h>

#include "module_common.h"

#define KEEP	"vm1"
#define QUEUES	2

static int open_queues(const char *ifname, int *fds)
{
	int i;

	for (i = 0; i < QUEUES; i++) {
		fds[i] = tap_open_flags(ifname, IFF_TAP | IFF_VNET_HDR |
					IFF_MULTI_QUEUE);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

/* Given a frozen keep of two queues, an offer of it, and a target that waits. */
FIXTURE(accept)
{
	int fds[QUEUES];
	int offer;
	struct tapkeep_queue_state queues[QUEUES];
	struct tapkeep_nic nic;
	struct tapkeep_vmm *source, *target;
	struct tapkeep_handover handover;
	struct tapkeep_vmm_error err;
};

#define ASSERT_DONE(call)				\
	ASSERT_EQ(0, call) {				\
		TH_LOG("%s", self->err.msg);		\
	}
#define EXPECT_SAYS(text)				\
	EXPECT_NE(NULL, strstr(self->err.msg, text)) {	\
		TH_LOG("%s", self->err.msg);		\
	}

FIXTURE_SETUP(accept)
{
	uint32_t i;

	ASSERT_EQ(0, new_netns());
	ASSERT_EQ(0, open_queues("tap0", self->fds));
	ASSERT_DONE(tapkeep_vmm_create(&self->source, KEEP, 0, 0, self->fds,
				       QUEUES, &self->err));
	for (i = 0; i < QUEUES; i++)
		self->queues[i] = (struct tapkeep_queue_state){
			.rx_last_avail = 10 + i, .rx_used = 10 + i,
			.tx_last_avail = 20 + i, .tx_used = 20 + i,
			.rx_size = 256, .tx_size = 256,
			.flags = TAPKEEP_QUEUE_ENABLED,
		};
	self->nic = (struct tapkeep_nic){
		.flags = TAPKEEP_STATE_STOPPED,
		.features = 0x100000000ULL,
		.vnet_hdr_len = 10,
		.vnet_hdr_endian = TAPKEEP_ENDIAN_LITTLE,
		.mac = { 0x52, 0x54, 0, 1, 2, 3 },
		.active_queue_pairs = QUEUES,
		.nr_queues = QUEUES,
		.queues = self->queues,
	};
	ASSERT_DONE(tapkeep_vmm_freeze(self->source, &self->err));
	ASSERT_DONE(tapkeep_vmm_export(self->source, &self->nic, &self->err));
	self->offer = tapkeep_vmm_offer(self->source, &self->handover,
					&self->err);
	ASSERT_LE(0, self->offer);
	ASSERT_DONE(tapkeep_vmm_await(&self->target, KEEP, &self->err));
}

FIXTURE_TEARDOWN(accept)
{
	int i;

	if (self->source)
		tapkeep_vmm_release(self->source, NULL);
	tapkeep_vmm_release(self->target, NULL);
	tapkeep_vmm_close(self->source);
	tapkeep_vmm_close(self->target);
	tapkeep_handover_clear(&self->handover);
	for (i = 0; i < QUEUES; i++)
		close(self->fds[i]);
}

static int accept_it(FIXTURE_DATA(accept) *self)
{
	return tapkeep_vmm_accept(self->target, &self->handover, self->offer,
				  self->fds, QUEUES, &self->err);
}

/* A refusal changes nothing: the source can go on, and try again. */
static void source_goes_on(struct __test_metadata *_metadata,
			   FIXTURE_DATA(accept) *self)
{
	EXPECT_FALSE(tapkeep_vmm_is_owner(self->target));
	EXPECT_EQ(-EPERM, tapkeep_vmm_claim(self->target, NULL));
	EXPECT_TRUE(tapkeep_vmm_is_owner(self->source));
	ASSERT_DONE(tapkeep_vmm_revoke(self->source, &self->err));
	ASSERT_DONE(tapkeep_vmm_thaw(self->source, &self->err));
}

TEST_F(accept, a_target_becomes_the_owner)
{
	int fd;

	EXPECT_EQ(QUEUES, tapkeep_vmm_nr_queues(self->target));
	EXPECT_TRUE(tapkeep_vmm_is_owner(self->source));
	EXPECT_FALSE(tapkeep_vmm_is_owner(self->target));
	ASSERT_DONE(accept_it(self));
	ASSERT_DONE(tapkeep_vmm_compare(self->target, &self->nic,
					&self->err));
	EXPECT_EQ(-EPERM, tapkeep_vmm_queue_fd(self->target, 0, NULL));
	ASSERT_DONE(tapkeep_vmm_claim(self->target, &self->err));
	EXPECT_TRUE(tapkeep_vmm_is_owner(self->target));
	EXPECT_FALSE(tapkeep_vmm_is_owner(self->source));
	fd = tapkeep_vmm_queue_fd(self->target, 1, &self->err);
	EXPECT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-ENOENT, tapkeep_vmm_queue_fd(self->target, QUEUES,
						&self->err));
	EXPECT_SAYS("2 queues");
	ASSERT_DONE(tapkeep_vmm_thaw(self->target, &self->err));
	EXPECT_EQ(-ESTALE, tapkeep_vmm_export(self->source, &self->nic,
					      &self->err));
}

/* Each member that differs, one after the other: named, with both values. */
TEST_F(accept, a_state_that_differs_in_one_value_is_refused)
{
	struct tapkeep_nic *nic = &self->handover.nic;
	struct tapkeep_queue_state *queue = &nic->queues[1];

#define REFUSED(member, value, name, keep_says, stream_says) do {	\
	__typeof__(member) was_ = member;				\
									\
	member = value;							\
	EXPECT_EQ(-EINVAL, accept_it(self));				\
	EXPECT_SAYS(name " " keep_says);				\
	EXPECT_SAYS(stream_says);					\
	member = was_;							\
} while (0)
	REFUSED(nic->features, 0x300000000ULL, "features", "0x100000000",
		"0x300000000");
	REFUSED(nic->offloads, 1, "offloads", "0x0", "0x1");
	REFUSED(nic->vnet_hdr_len, 12, "vnet_hdr_len", "10", "12");
	REFUSED(nic->vnet_hdr_endian, TAPKEEP_ENDIAN_BIG, "vnet_hdr_endian",
		"1", "2");
	REFUSED(nic->active_queue_pairs, 1, "active_queue_pairs", "2", "1");
	REFUSED(nic->mac[5], 9, "mac", "52:54:00:01:02:03",
		"52:54:00:01:02:09");
	REFUSED(queue->rx_last_avail, 7, "queue 1 rx_last_avail", "11", "7");
	REFUSED(queue->rx_used, 7, "queue 1 rx_used", "11", "7");
	REFUSED(queue->tx_last_avail, 7, "queue 1 tx_last_avail", "21", "7");
	REFUSED(queue->tx_used, 7, "queue 1 tx_used", "21", "7");
	REFUSED(queue->rx_size, 128, "queue 1 rx_size", "256", "128");
	REFUSED(queue->tx_size, 128, "queue 1 tx_size", "256", "128");
	REFUSED(queue->flags, 0, "queue 1 flags", "0x1", "0x0");
#undef REFUSED
	source_goes_on(_metadata, self);
}

/* The stopped flag is about a process, and the target's has not begun. */
TEST_F(accept, a_device_is_compared_without_the_stopped_flag)
{
	ASSERT_DONE(accept_it(self));
	self->nic.flags = 0;
	EXPECT_EQ(0, tapkeep_vmm_compare(self->target, &self->nic,
					 &self->err));
	self->nic.mac[0] = 0;
	EXPECT_EQ(-EINVAL, tapkeep_vmm_compare(self->target, &self->nic,
					       &self->err));
	EXPECT_SAYS("the device has 00:54");
}

TEST_F(accept, another_keeps_hand_over_is_refused)
{
	strcpy(self->handover.name, "vm2");
	EXPECT_EQ(-EINVAL, accept_it(self));
	EXPECT_SAYS("'vm1'");
	EXPECT_SAYS("'vm2'");
	source_goes_on(_metadata, self);
}

TEST_F(accept, another_keeps_offer_is_refused)
{
	struct tapkeep_vmm *other;
	int tap = tap_open("tap9");
	int offer, handle;

	ASSERT_DONE(tapkeep_vmm_create(&other, "vm2", 0, 0, &tap, 1,
				       &self->err));
	ASSERT_DONE(tapkeep_vmm_freeze(other, &self->err));
	handle = tapkeep_claim_name("vm2", TAPKEEP_CLAIM_FORCE, NULL);
	offer = tapkeep_offer(handle);
	EXPECT_EQ(-EINVAL, tapkeep_vmm_accept(self->target, &self->handover,
					      offer, self->fds, QUEUES,
					      &self->err));
	EXPECT_SAYS("the offer is of keep 'vm2'");
	close(offer);
	EXPECT_EQ(0, tapkeep_release(handle));
	close(handle);
	close(tap);
	tapkeep_vmm_close(other);
	source_goes_on(_metadata, self);
}

TEST_F(accept, another_generation_is_refused)
{
	self->handover.generation = 7;
	EXPECT_EQ(-ESTALE, accept_it(self));
	EXPECT_SAYS("generation 1");
	EXPECT_SAYS("generation 7");
	source_goes_on(_metadata, self);
}

TEST_F(accept, what_is_no_offer_is_refused)
{
	int observer = tapkeep_observe(KEEP);

	EXPECT_EQ(-ESTALE, tapkeep_vmm_accept(self->target, &self->handover,
					      observer, self->fds, QUEUES,
					      &self->err));
	EXPECT_SAYS("not a valid offer");
	close(observer);
	EXPECT_EQ(-ENOTTY, tapkeep_vmm_accept(self->target, &self->handover,
					      self->fds[0], self->fds, QUEUES,
					      &self->err));
	EXPECT_EQ(-EBADF, tapkeep_vmm_accept(self->target, &self->handover,
					     -1, self->fds, QUEUES,
					     &self->err));
	source_goes_on(_metadata, self);
}

TEST_F(accept, a_void_offer_is_refused)
{
	ASSERT_DONE(tapkeep_vmm_revoke(self->source, &self->err));
	EXPECT_EQ(-ESTALE, accept_it(self));
	EXPECT_SAYS("voided");
	source_goes_on(_metadata, self);
}

TEST_F(accept, another_number_of_queues_is_refused)
{
	EXPECT_EQ(-EINVAL, tapkeep_vmm_accept(self->target, &self->handover,
					      self->offer, self->fds, 1,
					      &self->err));
	EXPECT_SAYS("has 2 queues, 1 queue descriptors came");
	self->handover.nic.nr_queues = 1;
	EXPECT_EQ(-EINVAL, tapkeep_vmm_accept(self->target, &self->handover,
					      self->offer, self->fds, 1,
					      &self->err));
	EXPECT_SAYS("has 2 queues, the hand-over has 1");
	source_goes_on(_metadata, self);
}

TEST_F(accept, descriptors_of_another_interface_are_refused)
{
	int others[QUEUES];

	ASSERT_EQ(0, open_queues("tap1", others));
	EXPECT_EQ(-EINVAL, tapkeep_vmm_accept(self->target, &self->handover,
					      self->offer, others, QUEUES,
					      &self->err));
	EXPECT_SAYS("(tap0)");
	EXPECT_SAYS("(tap1)");
	others[0] = self->fds[0];
	EXPECT_EQ(-EINVAL, tapkeep_vmm_accept(self->target, &self->handover,
					      self->offer, others, QUEUES,
					      &self->err));
	source_goes_on(_metadata, self);
}

TEST_F(accept, one_queue_twice_is_refused)
{
	int twice[QUEUES] = { self->fds[0], dup(self->fds[0]) };

	EXPECT_EQ(-EINVAL, tapkeep_vmm_accept(self->target, &self->handover,
					      self->offer, twice, QUEUES,
					      &self->err));
	EXPECT_SAYS("the same queue");
	close(twice[1]);
	source_goes_on(_metadata, self);
}

TEST_F(accept, descriptors_that_are_no_queues_are_refused)
{
	int fds[QUEUES] = { self->fds[0], open("/dev/null", O_RDWR) };

	EXPECT_EQ(-EMEDIUMTYPE,
		  tapkeep_vmm_accept(self->target, &self->handover,
				     self->offer, fds, QUEUES, &self->err));
	EXPECT_SAYS("queue 1");
	close(fds[1]);
	EXPECT_EQ(-EBADF,
		  tapkeep_vmm_accept(self->target, &self->handover,
				     self->offer, fds, QUEUES, &self->err));
	source_goes_on(_metadata, self);
}

/* Given a TAP that was changed after the export, then it is noticed. */
TEST_F(accept, another_vnet_header_is_refused)
{
	int len = 12;

	ASSERT_EQ(0, ioctl(self->fds[0], TUNSETVNETHDRSZ, &len));
	EXPECT_EQ(-EINVAL, accept_it(self));
	EXPECT_SAYS("10 bytes");
	EXPECT_SAYS("one of 12");
	source_goes_on(_metadata, self);
}

TEST_F(accept, a_second_offer_is_not_accepted_over_the_first)
{
	ASSERT_DONE(accept_it(self));
	EXPECT_EQ(-EALREADY, accept_it(self));
	ASSERT_DONE(tapkeep_vmm_claim(self->target, &self->err));
	EXPECT_EQ(-EALREADY, accept_it(self));
}

/* The source has saved its state and ended: its keep is an orphan. */
static void save_and_end(struct __test_metadata *_metadata,
			 FIXTURE_DATA(accept) *self)
{
	tapkeep_handover_clear(&self->handover);
	ASSERT_DONE(tapkeep_vmm_save(self->source, &self->handover,
				     &self->err));
	tapkeep_vmm_close(self->source);
	self->source = NULL;
	close(self->offer);
	ASSERT_EQ(TAPKEEP_VMM_ORPHAN, tapkeep_vmm_probe(KEEP, &self->err));
}

static int accept_saved(FIXTURE_DATA(accept) *self)
{
	return tapkeep_vmm_accept_saved(self->target, &self->handover,
					&self->err);
}

TEST_F(accept, a_saved_keep_is_claimed_by_name)
{
	int fd;

	save_and_end(_metadata, self);
	ASSERT_DONE(accept_saved(self));
	EXPECT_EQ(-EALREADY, accept_saved(self));
	ASSERT_DONE(tapkeep_vmm_compare(self->target, &self->nic,
					&self->err));
	EXPECT_FALSE(tapkeep_vmm_is_owner(self->target));
	ASSERT_DONE(tapkeep_vmm_claim(self->target, &self->err));
	EXPECT_TRUE(tapkeep_vmm_is_owner(self->target));
	fd = tapkeep_vmm_queue_fd(self->target, QUEUES - 1, &self->err);
	EXPECT_LE(0, fd);
	close(fd);
	ASSERT_DONE(tapkeep_vmm_thaw(self->target, &self->err));
}

TEST_F(accept, a_saved_keep_with_an_owner_is_refused)
{
	tapkeep_handover_clear(&self->handover);
	ASSERT_DONE(tapkeep_vmm_save(self->source, &self->handover,
				     &self->err));
	EXPECT_EQ(-EBUSY, accept_saved(self));
	EXPECT_SAYS("live owner");
	source_goes_on(_metadata, self);
}

TEST_F(accept, a_saved_keep_that_had_another_owner_is_refused)
{
	struct tapkeep_vmm *other;

	save_and_end(_metadata, self);
	ASSERT_DONE(tapkeep_vmm_restart(&other, KEEP, &self->err));
	tapkeep_vmm_close(other);
	EXPECT_EQ(-ESTALE, accept_saved(self));
	EXPECT_SAYS("generation 2, and was saved in generation 1");
}

/* Between the comparison and the claim. */
TEST_F(accept, another_owner_at_the_last_moment_is_noticed)
{
	struct tapkeep_vmm *other;

	save_and_end(_metadata, self);
	ASSERT_DONE(accept_saved(self));
	ASSERT_DONE(tapkeep_vmm_restart(&other, KEEP, &self->err));
	EXPECT_EQ(-EBUSY, tapkeep_vmm_claim(self->target, &self->err));
	tapkeep_vmm_close(other);
	EXPECT_EQ(-ESTALE, tapkeep_vmm_claim(self->target, &self->err));
	EXPECT_FALSE(tapkeep_vmm_is_owner(self->target));
	EXPECT_EQ(TAPKEEP_VMM_ORPHAN, tapkeep_vmm_probe(KEEP, &self->err));
}

TEST_F(accept, a_saved_state_is_no_good_once_somebody_reads_again)
{
	tapkeep_handover_clear(&self->handover);
	ASSERT_DONE(tapkeep_vmm_save(self->source, &self->handover,
				     &self->err));
	ASSERT_DONE(tapkeep_vmm_revoke(self->source, &self->err));
	ASSERT_DONE(tapkeep_vmm_thaw(self->source, &self->err));
	tapkeep_vmm_close(self->source);
	self->source = NULL;
	EXPECT_EQ(-EBUSY, accept_saved(self));
	EXPECT_SAYS("TAPKEEP_STATE_STOPPED");
}

TEST_F(accept, a_saved_state_that_differs_is_refused)
{
	save_and_end(_metadata, self);
	self->handover.nic.queues[1].rx_used++;
	EXPECT_EQ(-EINVAL, accept_saved(self));
	EXPECT_SAYS("11");
	EXPECT_SAYS("12");
	EXPECT_EQ(-EPERM, tapkeep_vmm_claim(self->target, NULL));
	self->handover.nic.queues[1].rx_used--;
	ASSERT_DONE(accept_saved(self));
}

/* As a VMM that is given a descriptor and may open nothing itself. */
TEST_F(accept, an_open_device_serves_in_place_of_the_path)
{
	int device = open(TAPKEEP_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	struct tapkeep_vmm *second;
	struct tapkeep_info info;

	ASSERT_LE(0, device);
	ASSERT_EQ(0, setenv("TAPKEEP_DEVICE", "/nonexistent", 1));
	EXPECT_EQ(-ENXIO, tapkeep_vmm_probe(KEEP, NULL));
	EXPECT_EQ(TAPKEEP_VMM_LIVE, tapkeep_vmm_probe_at(device, KEEP,
							 &self->err));
	ASSERT_DONE(tapkeep_vmm_await_at(&second, device, KEEP, &self->err));
	ASSERT_DONE(tapkeep_vmm_info(second, &info, &self->err));
	EXPECT_EQ(TAPKEEP_FROZEN, info.state);
	EXPECT_EQ(QUEUES, info.nr_queues);
	tapkeep_vmm_close(second);
	EXPECT_EQ(-EBUSY, tapkeep_vmm_restart_at(&second, device, KEEP,
						 &self->err));
	EXPECT_SAYS("owner: process");
	tapkeep_vmm_close(self->source);
	self->source = NULL;
	ASSERT_DONE(tapkeep_vmm_restart_at(&self->source, device, KEEP,
					   &self->err));
	close(device);
}

TEST_F(accept, an_owners_handle_is_adopted)
{
	int handle = tapkeep_create("vm2", 0, 0);
	struct tapkeep_vmm *vmm;
	int fds[QUEUES];

	ASSERT_LE(0, handle);
	ASSERT_EQ(0, open_queues("tap1", fds));
	EXPECT_EQ(-EINVAL, tapkeep_vmm_adopt(&vmm, KEEP, handle, &self->err));
	EXPECT_SAYS("keep 'vm2', not of keep '" KEEP "'");
	ASSERT_DONE(tapkeep_vmm_adopt(&vmm, "vm2", handle, &self->err));
	close(handle);
	EXPECT_TRUE(tapkeep_vmm_is_owner(vmm));
	EXPECT_EQ(0, tapkeep_vmm_nr_queues(vmm));
	ASSERT_DONE(tapkeep_vmm_pin(vmm, fds, QUEUES, &self->err));
	EXPECT_EQ(QUEUES, tapkeep_vmm_nr_queues(vmm));
	tapkeep_vmm_close(vmm);
	/* Nobody else has the handle any more. */
	EXPECT_EQ(TAPKEEP_VMM_ORPHAN, tapkeep_vmm_probe("vm2", &self->err));
}

TEST_F(accept, an_offer_is_adopted_once)
{
	struct tapkeep_vmm *vmm;

	ASSERT_DONE(tapkeep_vmm_adopt(&vmm, KEEP, self->offer, &self->err));
	EXPECT_TRUE(tapkeep_vmm_is_owner(vmm));
	EXPECT_FALSE(tapkeep_vmm_is_owner(self->source));
	EXPECT_EQ(QUEUES, tapkeep_vmm_nr_queues(vmm));
	tapkeep_vmm_close(vmm);
	EXPECT_EQ(-ESTALE, tapkeep_vmm_adopt(&vmm, KEEP, self->offer,
					     &self->err));
	EXPECT_EQ(NULL, vmm);
}

TEST_F(accept, what_is_no_handle_is_not_adopted)
{
	struct tapkeep_vmm *vmm;
	int observer = tapkeep_observe(KEEP);

	ASSERT_LE(0, observer);
	EXPECT_EQ(-EPERM, tapkeep_vmm_adopt(&vmm, KEEP, observer, &self->err));
	EXPECT_EQ(-ENOTTY, tapkeep_vmm_adopt(&vmm, KEEP, self->fds[0],
					     &self->err));
	EXPECT_SAYS("not a handle or an offer");
	EXPECT_TRUE(tapkeep_vmm_is_owner(self->source));
	close(observer);
}

TEST_F(accept, an_export_of_the_wrong_size_names_both)
{
	self->nic.nr_queues = 1;
	self->nic.active_queue_pairs = 1;
	EXPECT_EQ(-EMSGSIZE, tapkeep_vmm_export(self->source, &self->nic,
						&self->err));
	EXPECT_SAYS("of 1 queues, the keep has 2");
	self->nic.nr_queues = QUEUES;
	self->nic.vnet_hdr_len = 11;
	EXPECT_EQ(-EINVAL, tapkeep_vmm_export(self->source, &self->nic,
					      &self->err));
	EXPECT_SAYS("vnet header length 11");
}

TEST_F(accept, an_export_of_other_offloads_than_the_interfaces_is_refused)
{
	/* TUN_F_UDP_TUNNEL_GSO, which kernels before 6.17 do not have. */
	const uint32_t newer = TUN_F_CSUM | TUN_F_TSO4 | 0x80;

	ASSERT_EQ(0, ioctl(self->fds[0], TUNSETOFFLOAD, TUN_F_CSUM));
	EXPECT_EQ(-EBADE, tapkeep_vmm_export(self->source, &self->nic,
					     &self->err));
	EXPECT_SAYS("more turned on than the offloads 0:");
	self->nic.offloads = TUN_F_CSUM;
	ASSERT_DONE(tapkeep_vmm_export(self->source, &self->nic, &self->err));
	self->nic.offloads = newer;
	if (!ioctl(self->fds[0], TUNSETOFFLOAD, newer)) {
		ASSERT_DONE(tapkeep_vmm_export(self->source, &self->nic,
					       &self->err));
		return;
	}
	EXPECT_EQ(-EOPNOTSUPP, tapkeep_vmm_export(self->source, &self->nic,
						  &self->err));
	EXPECT_SAYS("cannot do all of the offloads 0x83");
}

TEST_F(accept, a_keep_that_ended_is_named_as_such)
{
	struct tapkeep_vmm *other;

	ASSERT_DONE(tapkeep_vmm_release(self->source, &self->err));
	EXPECT_EQ(-ENODEV, tapkeep_vmm_thaw(self->source, &self->err));
	EXPECT_SAYS("it ended");
	EXPECT_FALSE(tapkeep_vmm_is_owner(self->source));
	EXPECT_GT(0, accept_it(self));
	EXPECT_EQ(TAPKEEP_VMM_NONE, tapkeep_vmm_probe(KEEP, &self->err));
	EXPECT_EQ(-ENOENT, tapkeep_vmm_restart(&other, KEEP, &self->err));
	EXPECT_EQ(NULL, other);
	EXPECT_SAYS("none of that name");
	EXPECT_EQ(-ENOENT, tapkeep_vmm_await(&other, KEEP, &self->err));
	EXPECT_EQ(NULL, other);
}

TEST_F(accept, probing_tells_the_three_cases)
{
	EXPECT_EQ(TAPKEEP_VMM_NONE, tapkeep_vmm_probe("none", &self->err));
	EXPECT_EQ(TAPKEEP_VMM_LIVE, tapkeep_vmm_probe(KEEP, &self->err));
	tapkeep_vmm_close(self->source);
	self->source = NULL;
	EXPECT_TRUE(WITHIN(5000, tapkeep_vmm_probe(KEEP, &self->err) ==
			   TAPKEEP_VMM_ORPHAN));
	ASSERT_DONE(tapkeep_vmm_restart(&self->source, KEEP, &self->err));
	EXPECT_EQ(QUEUES, tapkeep_vmm_nr_queues(self->source));
	EXPECT_TRUE(tapkeep_vmm_is_owner(self->source));
}

/* The highest descriptor of a keep that this process has, or -1. */
static int highest_of_keeps(void)
{
	char path[64], what[64];
	ssize_t len;
	int fd;

	for (fd = 1023; fd >= 0; fd--) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, what, sizeof(what) - 1);
		if (len <= 0)
			continue;
		what[len] = '\0';
		if (strstr(what, "[tapkeep]"))
			return fd;
	}
	return -1;
}

TEST_F(accept, the_handle_is_above_descriptors_that_come_later)
{
	int later;

	tapkeep_vmm_close(self->source);
	self->source = NULL;
	ASSERT_TRUE(WITHIN(5000, tapkeep_vmm_probe(KEEP, &self->err) ==
			   TAPKEEP_VMM_ORPHAN));
	ASSERT_DONE(tapkeep_vmm_restart(&self->source, KEEP, &self->err));
	later = open("/dev/vhost-net", O_RDWR);
	ASSERT_LE(0, later);
	EXPECT_LT(later, highest_of_keeps());
	close(later);
}

/* How many descriptors the process has room for. */
static int table_size(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	int size = -1;

	if (!file)
		return -1;
	while (size < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "FDSize: %d", &size) != 1)
			size = -1;
	fclose(file);
	return size;
}

/* Return: 0 when waiting is what makes the table large. */
static int await_in_a_new_process(void)
{
	struct tapkeep_vmm_error err;
	struct tapkeep_vmm *vmm;

	if (table_size() > 512)
		return 1;
	if (tapkeep_vmm_await(&vmm, KEEP, &err) < 0)
		return 2;
	return table_size() > 512 ? 0 : 3;
}

TEST_F(accept, room_for_the_handle_is_made_before_the_stop)
{
	int status;
	pid_t pid;

	/* A child has no more room than what is open needs. */
	tapkeep_vmm_close(self->source);
	self->source = NULL;
	pid = fork();
	if (pid == 0)
		_exit(await_in_a_new_process());
	ASSERT_TRUE(WITHIN(5000, tapkeep_vmm_probe(KEEP, &self->err) ==
			   TAPKEEP_VMM_ORPHAN));
	ASSERT_DONE(tapkeep_vmm_restart(&self->source, KEEP, &self->err));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(accept, a_failed_create_leaves_no_keep)
{
	int fds[] = { tap_open("tap5"), open("/dev/null", O_RDWR) };
	struct tapkeep_vmm *vmm;

	EXPECT_EQ(-EMEDIUMTYPE, tapkeep_vmm_create(&vmm, "half", 0, 0, fds, 2,
						   &self->err));
	EXPECT_EQ(NULL, vmm);
	EXPECT_SAYS("not a queue of a TAP");
	EXPECT_EQ(TAPKEEP_VMM_NONE, tapkeep_vmm_probe("half", &self->err));
	EXPECT_EQ(-EEXIST, tapkeep_vmm_create(&vmm, KEEP, 0, 0, fds, 1,
					      &self->err));
	EXPECT_SAYS("choose another name");
	EXPECT_EQ(-EINVAL, tapkeep_vmm_create(&vmm, "", 0, 0, fds, 1,
					      &self->err));
	EXPECT_SAYS("A-Z");
	EXPECT_EQ(-ERANGE, tapkeep_vmm_create(&vmm, "x", UINT32_MAX, 0, fds,
					      1, &self->err));
	EXPECT_SAYS("hold_limit_max");
	close(fds[0]);
	close(fds[1]);
}

static int target_of_another_user(void *data)
{
	FIXTURE_DATA(accept) *self = data;
	int ret;

	tapkeep_vmm_close(self->target);
	if (tapkeep_vmm_probe(KEEP, NULL) != -EACCES ||
	    tapkeep_vmm_restart(&self->target, KEEP, NULL) == 0)
		return -EPROTO;
	ret = tapkeep_vmm_await(&self->target, KEEP, &self->err);
	if (!ret)
		ret = accept_it(self);
	if (!ret)
		ret = tapkeep_vmm_claim(self->target, &self->err);
	if (!ret)
		ret = tapkeep_vmm_release(self->target, &self->err);
	if (ret)
		fprintf(stderr, "# %s\n", self->err.msg);
	return ret;
}

/* An offer is a right of its own, whoever it was given to. */
TEST_F(accept, a_target_of_another_user_needs_only_the_offer)
{
	EXPECT_EQ(0, as_user(NOBODY, target_of_another_user, self));
	EXPECT_EQ(TAPKEEP_VMM_NONE, tapkeep_vmm_probe(KEEP, &self->err));
	EXPECT_FALSE(tapkeep_vmm_is_owner(self->source));
}

TEST_HARNESS_MAIN
