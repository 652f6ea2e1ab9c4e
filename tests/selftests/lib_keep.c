// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libtapkeep against the module: the same keep by ioctl and by netlink.
 */
#include <tapkeep.h>
#include <tapkeep-netlink.h>

#include "module_common.h"

#define BOUND_MS	5000
#define KEEP		"lib"

static struct tapkeep_queue_state queue_state = {
	.rx_last_avail = 1, .rx_used = 2, .tx_last_avail = 3, .tx_used = 4,
	.rx_size = 256, .tx_size = 512, .flags = TAPKEEP_QUEUE_ENABLED,
};

static const struct tapkeep_state vmm_state = {
	.flags = TAPKEEP_STATE_STOPPED,
	.features = 1ULL << 32,
	.vnet_hdr_endian = TAPKEEP_ENDIAN_LITTLE,
	.mac = { 0x52, 0x54, 0, 1, 2, 3 },
	.active_queue_pairs = 1,
	.nr_queues = 1,
};

/* A namespace with a TAP, up, and a keep of its queue. */
FIXTURE(lib)
{
	int tap;
	int owner;
	struct tapkeep_nl *nl;
	struct tapkeep_nl_error err;
	struct tapkeep_keep keep;
};

FIXTURE_SETUP(lib)
{
	ASSERT_EQ(0, new_netns());
	self->tap = tap_open("tap0");
	ASSERT_LE(0, self->tap);
	ASSERT_EQ(0, if_up("tap0"));
	self->owner = tapkeep_create(KEEP, 4096, 5000);
	ASSERT_LE(0, self->owner);
	ASSERT_EQ(0, tapkeep_pin(self->owner, self->tap));
	ASSERT_EQ(0, tapkeep_nl_open(&self->nl, &self->err))
		TH_LOG("%s", self->err.msg);
}

FIXTURE_TEARDOWN(lib)
{
	tapkeep_keep_clear(&self->keep);
	tapkeep_nl_close(self->nl);
	tapkeep_release(self->owner);
	close(self->owner);
	close(self->tap);
}

TEST_F(lib, descriptors_are_close_on_exec)
{
	int observer = tapkeep_observe(KEEP);
	int queue = tapkeep_get_queue(self->owner, 0);
	int offer;

	ASSERT_EQ(0, tapkeep_freeze(self->owner));
	offer = tapkeep_offer(self->owner);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->owner, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(observer, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(queue, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(offer, F_GETFD));
	close(observer);
	close(queue);
	close(offer);
}

TEST_F(lib, state_goes_in_and_comes_out)
{
	struct tapkeep_queue_state queues[4] = { 0 };
	struct tapkeep_state state;

	EXPECT_EQ(-ENODATA, tapkeep_get_state(self->owner, &state, queues, 4));
	ASSERT_EQ(0, tapkeep_set_state(self->owner, &vmm_state, &queue_state));
	ASSERT_EQ(1, tapkeep_get_state(self->owner, &state, queues, 4));
	EXPECT_EQ(vmm_state.features, state.features);
	EXPECT_EQ(vmm_state.flags, state.flags);
	EXPECT_EQ(0, memcmp(vmm_state.mac, state.mac, sizeof(state.mac)));
	EXPECT_EQ((uintptr_t)queues, state.queues);
	EXPECT_EQ(0, memcmp(&queue_state, &queues[0], sizeof(queue_state)));
	EXPECT_EQ(-EMSGSIZE, tapkeep_get_state(self->owner, &state, NULL, 0));
}

TEST_F(lib, a_keep_goes_from_owner_to_owner)
{
	struct tapkeep_info info;
	uint64_t generation = 0;
	int offer, second;

	ASSERT_EQ(0, tapkeep_freeze(self->owner));
	offer = tapkeep_offer(self->owner);
	ASSERT_LE(0, offer);
	second = tapkeep_claim_offer(offer, &generation);
	ASSERT_LE(0, second);
	EXPECT_EQ(2, generation);
	EXPECT_EQ(-ESTALE, tapkeep_thaw(self->owner));
	EXPECT_EQ(-ESTALE, tapkeep_claim_offer(offer, NULL));
	ASSERT_EQ(0, tapkeep_get_info(self->owner, &info));
	EXPECT_EQ(TAPKEEP_ROLE_STALE, info.role);
	EXPECT_EQ(getpid(), info.owner_pid);

	ASSERT_EQ(0, tapkeep_thaw(second));
	close(second);
	ASSERT_LE(0, second = tapkeep_claim_name(KEEP, 0, &generation));
	EXPECT_EQ(3, generation);
	ASSERT_EQ(0, tapkeep_release(second));
	close(second);
	close(offer);
}

TEST_F(lib, bad_arguments_have_their_errno)
{
	char name[TAPKEEP_NAME_LEN + 1];
	struct tapkeep_info info;
	int null = open("/dev/null", O_RDWR);

	memset(name, 'x', TAPKEEP_NAME_LEN);
	name[TAPKEEP_NAME_LEN] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, tapkeep_create(name, 0, 0));
	EXPECT_EQ(-ENAMETOOLONG, tapkeep_claim_name(name, 0, NULL));
	EXPECT_EQ(-ENAMETOOLONG, tapkeep_observe(name));
	EXPECT_EQ(-EEXIST, tapkeep_create(KEEP, 0, 0));
	EXPECT_EQ(-EINVAL, tapkeep_create("", 0, 0));
	EXPECT_EQ(-EINVAL, tapkeep_create("a b", 0, 0));
	EXPECT_EQ(-ERANGE, tapkeep_create("x", UINT32_MAX, 0));
	EXPECT_EQ(-EBUSY, tapkeep_claim_name(KEEP, 0, NULL));
	EXPECT_EQ(-ENOENT, tapkeep_claim_name("none", 0, NULL));
	EXPECT_EQ(-ENOENT, tapkeep_observe("none"));
	EXPECT_EQ(-EEXIST, tapkeep_pin(self->owner, self->tap));
	EXPECT_EQ(-EMEDIUMTYPE, tapkeep_pin(self->owner, null));
	EXPECT_EQ(-EBADF, tapkeep_pin(self->owner, -1));
	EXPECT_EQ(-ENOENT, tapkeep_get_queue(self->owner, 1));
	EXPECT_EQ(-EBUSY, tapkeep_offer(self->owner));
	EXPECT_EQ(-EBADF, tapkeep_freeze(-1));
	EXPECT_EQ(-ENOTTY, tapkeep_get_info(null, &info));
	close(null);
}

TEST_F(lib, the_device_can_be_another_one)
{
	setenv("TAPKEEP_DEVICE", "/dev/null", 1);
	EXPECT_EQ(-ENOTTY, tapkeep_observe(KEEP));
	setenv("TAPKEEP_DEVICE", "/nonexistent", 1);
	EXPECT_EQ(-ENXIO, tapkeep_observe(KEEP));
	setenv("TAPKEEP_DEVICE", "", 1);
	EXPECT_LE(0, tapkeep_observe(KEEP));
}

TEST_F(lib, netlink_says_what_the_ioctls_did)
{
	struct tapkeep_keep *keep = &self->keep;
	struct stat netns;

	ASSERT_EQ(0, stat("/proc/self/ns/net", &netns));
	ASSERT_EQ(0, tapkeep_set_state(self->owner, &vmm_state, &queue_state));
	ASSERT_EQ(0, tapkeep_freeze(self->owner));
	ASSERT_EQ(2000, send_packets("tap0", 0, 2000));
	ASSERT_EQ(0, tapkeep_nl_get(self->nl, KEEP, keep, &self->err))
		TH_LOG("%s", self->err.msg);
	EXPECT_STREQ(KEEP, keep->name);
	EXPECT_EQ(TAPKEEP_FROZEN, keep->state);
	EXPECT_EQ(1, keep->generation);
	EXPECT_EQ(geteuid(), keep->uid);
	EXPECT_EQ(if_index("tap0"), keep->ifindex);
	EXPECT_STREQ("tap0", keep->ifname);
	EXPECT_EQ(netns.st_ino, keep->netns);
	EXPECT_EQ(getpid(), keep->owner_pid);
	EXPECT_STREQ("lib_keep", keep->owner_comm);
	EXPECT_EQ(5000, keep->lease_ms);
	EXPECT_FALSE(keep->has_lease_left);
	EXPECT_EQ(4096, keep->hold_limit);
	EXPECT_EQ(2000, keep->held);
	ASSERT_TRUE(keep->has_vmm);
	EXPECT_EQ(vmm_state.features, keep->vmm.features);
	ASSERT_EQ(1, keep->nr_queues);
	EXPECT_LE(4096, keep->queues[0].ring_size);
	EXPECT_EQ(2000, keep->queues[0].ring_used);
	EXPECT_EQ(0, memcmp(&queue_state, &keep->queues[0].vmm,
			    sizeof(queue_state)));
}

TEST_F(lib, a_keep_that_is_not_there_has_the_kernels_words)
{
	EXPECT_EQ(-ENOENT, tapkeep_nl_get(self->nl, "none", &self->keep,
					  &self->err));
	EXPECT_EQ(ENOENT, self->err.code);
	/* more than strerror() would know */
	EXPECT_NE(NULL, strstr(self->err.msg, "namespace"))
		TH_LOG("%s", self->err.msg);
	EXPECT_EQ(-ENOENT, tapkeep_nl_release(self->nl, "none", 0, NULL));

	/* and the connection is good for the next request */
	EXPECT_EQ(0, tapkeep_nl_get(self->nl, KEEP, &self->keep, NULL));
}

TEST_F(lib, a_name_that_is_too_long_is_not_sent)
{
	char name[TAPKEEP_NAME_LEN + 1];

	memset(name, 'x', TAPKEEP_NAME_LEN);
	name[TAPKEEP_NAME_LEN] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, tapkeep_nl_get(self->nl, name, &self->keep,
						&self->err));
	EXPECT_NE(NULL, strstr(self->err.msg, "63"));
}

TEST_F(lib, a_dump_of_many_keeps_is_complete)
{
	struct tapkeep_keep *keeps;
	int handles[200];
	char name[32];
	size_t nr;
	int i;

	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "many-%d", i);
		ASSERT_LE(0, handles[i] = tapkeep_create(name, 0, 0));
	}
	ASSERT_EQ(0, tapkeep_nl_dump(self->nl, &keeps, &nr, &self->err))
		TH_LOG("%s", self->err.msg);
	EXPECT_EQ(201, nr);
	tapkeep_keeps_free(keeps, nr);
	for (i = 0; i < 200; i++)
		close(handles[i]);
	ASSERT_EQ(0, tapkeep_nl_dump(self->nl, &keeps, &nr, &self->err));
	EXPECT_EQ(1, nr);
	tapkeep_keeps_free(keeps, nr);
}

TEST_F(lib, a_keep_with_very_many_queues_fits)
{
	int owner = tapkeep_create("wide", 16, 0);
	struct tapkeep_keep *keeps;
	int i, fds[TAPKEEP_MAX_QUEUES];
	size_t nr;

	ASSERT_LE(0, owner);
	for (i = 0; i < TAPKEEP_MAX_QUEUES; i++) {
		fds[i] = tap_open_flags("tap1", IFF_TAP | IFF_MULTI_QUEUE);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(i, tapkeep_pin(owner, fds[i]));
	}
	ASSERT_EQ(0, tapkeep_nl_get(self->nl, "wide", &self->keep,
				    &self->err))
		TH_LOG("%s", self->err.msg);
	EXPECT_EQ(TAPKEEP_MAX_QUEUES, self->keep.nr_queues);
	ASSERT_EQ(0, tapkeep_nl_dump(self->nl, &keeps, &nr, &self->err))
		TH_LOG("%s", self->err.msg);
	EXPECT_EQ(2, nr);
	tapkeep_keeps_free(keeps, nr);
	EXPECT_EQ(0, tapkeep_release(owner));
	close(owner);
	for (i = 0; i < TAPKEEP_MAX_QUEUES; i++)
		close(fds[i]);
}

TEST_F(lib, release_ends_the_keep)
{
	ASSERT_EQ(0, tapkeep_nl_release(self->nl, KEEP, 0, &self->err))
		TH_LOG("%s", self->err.msg);
	EXPECT_EQ(-ENODEV, tapkeep_freeze(self->owner));
	EXPECT_EQ(-ENOENT, tapkeep_nl_get(self->nl, KEEP, &self->keep, NULL));
}

TEST_F(lib, release_of_another_generation_is_refused)
{
	EXPECT_EQ(-ESTALE, tapkeep_nl_release(self->nl, KEEP, 2, &self->err));
	EXPECT_EQ(ESTALE, self->err.code);
	EXPECT_NE(NULL, strstr(self->err.msg, "eneration"))
		TH_LOG("%s", self->err.msg);
	EXPECT_EQ(0, tapkeep_nl_release(self->nl, KEEP, 1, &self->err));
	EXPECT_EQ(-ENODEV, tapkeep_freeze(self->owner));
}

static int release_as_nobody(void *unused)
{
	struct tapkeep_nl_error err = { 0 };
	struct tapkeep_nl *nl;
	int ret = tapkeep_nl_open(&nl, &err);

	(void)unused;
	if (!ret)
		ret = tapkeep_nl_release(nl, KEEP, 0, &err);
	if (!ret || !strstr(err.msg, "CAP_NET_ADMIN"))
		return -EPROTO;
	return ret;
}

TEST_F(lib, a_stranger_cannot_release)
{
	EXPECT_EQ(-EPERM, as_user(NOBODY, release_as_nobody, NULL));
	EXPECT_EQ(0, tapkeep_nl_get(self->nl, KEEP, &self->keep, NULL));
}

struct seen {
	int nr;
	uint32_t events[16];
	uint32_t states[16];
	uint64_t generations[16];
};

static int see(uint32_t event, const struct tapkeep_keep *keep, void *arg)
{
	struct seen *seen = arg;

	if (strcmp(keep->name, KEEP) || seen->nr == 16)
		return 0;
	seen->events[seen->nr] = event;
	seen->states[seen->nr] = keep->state;
	seen->generations[seen->nr++] = keep->generation;
	return 0;
}

/* Read until @nr events have been seen, or none comes for long. */
static int see_events(struct tapkeep_nl *nl, struct seen *seen, int nr)
{
	struct pollfd pfd = { .fd = tapkeep_nl_fd(nl), .events = POLLIN };
	int ret = 0;

	while (seen->nr < nr && poll(&pfd, 1, BOUND_MS) > 0) {
		ret = tapkeep_nl_read_events(nl, see, seen, NULL);
		if (ret && ret != -EAGAIN)
			break;
	}
	return ret == -EAGAIN ? 0 : ret;
}

TEST_F(lib, each_change_is_an_event)
{
	static const uint32_t expected[][2] = {
		{ TAPKEEP_EVENT_FROZEN, TAPKEEP_FROZEN },
		{ TAPKEEP_EVENT_OFFERED, TAPKEEP_FROZEN },
		{ TAPKEEP_EVENT_REVOKED, TAPKEEP_FROZEN },
		{ TAPKEEP_EVENT_THAWED, TAPKEEP_ACTIVE },
		{ TAPKEEP_EVENT_ORPHANED, TAPKEEP_ORPHAN },
		{ TAPKEEP_EVENT_CLAIMED, TAPKEEP_FROZEN },
		{ TAPKEEP_EVENT_RELEASED, TAPKEEP_ENDED },
	};
	struct seen seen = { 0 };
	int i, nr = sizeof(expected) / sizeof(expected[0]);

	ASSERT_EQ(0, tapkeep_nl_subscribe(self->nl, &self->err))
		TH_LOG("%s", self->err.msg);
	EXPECT_EQ(-EAGAIN, tapkeep_nl_read_events(self->nl, see, &seen, NULL));
	ASSERT_EQ(0, tapkeep_freeze(self->owner));
	close(tapkeep_offer(self->owner));
	ASSERT_EQ(0, tapkeep_revoke(self->owner));
	ASSERT_EQ(0, tapkeep_thaw(self->owner));
	close(self->owner);
	ASSERT_LE(0, self->owner = tapkeep_claim_name(KEEP, 0, NULL));
	ASSERT_EQ(0, tapkeep_release(self->owner));

	ASSERT_EQ(0, see_events(self->nl, &seen, nr));
	ASSERT_EQ(nr, seen.nr);
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(expected[i][0], seen.events[i]);
		EXPECT_EQ(expected[i][1], seen.states[i]);
	}
	EXPECT_EQ(2, seen.generations[nr - 1]);
}

TEST_F(lib, a_reader_that_is_too_slow_is_told_and_goes_on)
{
	struct seen seen = { 0 };
	int i, small = 4096, ret;

	ASSERT_EQ(0, tapkeep_nl_subscribe(self->nl, &self->err));
	ASSERT_EQ(0, setsockopt(tapkeep_nl_fd(self->nl), SOL_SOCKET, SO_RCVBUF,
				&small, sizeof(small)));
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, tapkeep_freeze(self->owner));
		ASSERT_EQ(0, tapkeep_thaw(self->owner));
	}
	do {
		ret = tapkeep_nl_read_events(self->nl, see, &seen, &self->err);
	} while (!ret);
	ASSERT_EQ(-ENOBUFS, ret);
	EXPECT_NE(NULL, strstr(self->err.msg, "lost"));
	while (!(ret = tapkeep_nl_read_events(self->nl, see, &seen, NULL)))
		;
	EXPECT_EQ(-EAGAIN, ret);
	seen.nr = 0;
	ASSERT_EQ(0, tapkeep_freeze(self->owner));
	ASSERT_EQ(0, see_events(self->nl, &seen, 1));
	EXPECT_EQ(TAPKEEP_EVENT_FROZEN, seen.events[0]);
}

static int stop_at_once(uint32_t event, const struct tapkeep_keep *keep,
			void *arg)
{
	(void)event;
	(void)keep;
	(void)arg;
	return 42;
}

TEST_F(lib, a_reader_can_end_the_reading)
{
	ASSERT_EQ(0, tapkeep_nl_subscribe(self->nl, &self->err));
	ASSERT_EQ(0, tapkeep_freeze(self->owner));
	ASSERT_EQ(0, tapkeep_thaw(self->owner));
	EXPECT_EQ(42, tapkeep_nl_read_events(self->nl, stop_at_once, NULL,
					     NULL));
	EXPECT_EQ(42, tapkeep_nl_read_events(self->nl, stop_at_once, NULL,
					     NULL));
	EXPECT_EQ(-EAGAIN, tapkeep_nl_read_events(self->nl, stop_at_once,
						  NULL, NULL));
}

TEST_HARNESS_MAIN
