// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queues of every kind: TAP, TUN, macvtap, ipvtap; persistent, many, detached.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <stdatomic.h>
#include "module_kinds.h"

#define BURST	3000
#define LIMIT	16384

/* Of newer kernels: a full ring stops the sender, where there is a qdisc. */
#ifndef IFF_BACKPRESSURE
#define IFF_BACKPRESSURE 0x0080
#endif

FIXTURE(kind) {
	const struct kind *kind;
	int queue;
	int owner;
	int sender;
	struct nl_keep k;
};

FIXTURE_VARIANT(kind) { const struct kind *kind; };
FIXTURE_VARIANT_ADD(kind, tap) { .kind = &tap };
FIXTURE_VARIANT_ADD(kind, tun) { .kind = &tun };
FIXTURE_VARIANT_ADD(kind, macvtap) { .kind = &macvtap };
FIXTURE_VARIANT_ADD(kind, ipvtap) { .kind = &ipvtap };

FIXTURE_SETUP(kind)
{
	self->kind = variant->kind;
	if (!can_be_made(self->kind))
		SKIP(return, "this kernel has no %s", self->kind->type);
	ASSERT_EQ(0, new_netns());
	if (self->kind->type)
		ASSERT_EQ(0, make_link(self->kind));
	self->owner = pin_queue(self->kind, 0, "nic", 0, &self->queue);
	ASSERT_LE(0, self->owner);
	self->sender = open_sender(self->kind);
	ASSERT_LE(0, self->sender);
}

FIXTURE_TEARDOWN(kind)
{
	keep_release(self->owner);
}

TEST_F(kind, is_pinned_with_its_interface)
{
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_STREQ(NAME, self->k.ifname);
	EXPECT_EQ(if_index(NAME), self->k.ifindex);
	EXPECT_EQ(self->kind->usual, self->k.queues[0].ring_size);
	EXPECT_EQ(-EEXIST, keep_pin(self->owner, self->queue));
}

TEST_F(kind, without_a_hold_a_burst_is_cut_off_at_the_usual_size)
{
	ASSERT_EQ(BURST, send_burst(self->kind, self->sender, 0, BURST));
	EXPECT_EQ(self->kind->usual, read_burst(self->kind, self->queue, 0));
}

TEST_F(kind, a_burst_while_frozen_is_there_for_the_claimer_in_order)
{
	int claimer, queue;

	ASSERT_EQ(200, send_burst(self->kind, self->sender, 0, 200));
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(LIMIT, ring_size("nic"));
	ASSERT_EQ(BURST, send_burst(self->kind, self->sender, 200, BURST));
	claimer = keep_claim_offer(keep_offer(self->owner));
	ASSERT_LE(0, claimer);
	queue = keep_get_queue(claimer, 0);
	ASSERT_EQ(0, keep_thaw(claimer));
	EXPECT_EQ(200 + BURST, read_burst(self->kind, queue, 0));
	EXPECT_TRUE(WITHIN(3000, ring_size("nic") == (int)self->kind->usual));
	ASSERT_EQ(400, send_burst(self->kind, self->sender, 0, 400));
	EXPECT_EQ(400, read_burst(self->kind, queue, 0));
	keep_release(claimer);
}

TEST_F(kind, an_orphan_holds_and_keeps_it_attached)
{
	int claimer;

	close(self->queue);
	close(self->owner);
	ASSERT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	ASSERT_EQ(BURST, send_burst(self->kind, self->sender, 0, BURST));
	claimer = keep_claim("nic", 0);
	ASSERT_LE(0, claimer);
	EXPECT_EQ(BURST, read_burst(self->kind, keep_get_queue(claimer, 0), 0));
	keep_release(claimer);
}

TEST_F(kind, what_is_beyond_the_limit_is_dropped_and_counted)
{
	int queue, owner;

	ASSERT_EQ(0, keep_release(self->owner));
	close(self->queue);
	owner = pin_queue(self->kind, 0, "small", 2000, &queue);
	ASSERT_LE(0, owner);
	close(self->sender);
	self->sender = open_sender(self->kind);
	ASSERT_EQ(0, keep_freeze(owner));
	ASSERT_EQ(BURST, send_burst(self->kind, self->sender, 0, BURST));
	ASSERT_EQ(0, nl_get("small", &self->k));
	EXPECT_EQ(2000, self->k.held);
	EXPECT_EQ(BURST - 2000, self->k.dropped);
	EXPECT_EQ(2000, read_burst(self->kind, queue, 0));
	keep_release(owner);
}

TEST_F(kind, tx_queue_len_changes_between_holds_and_not_in_one)
{
	ASSERT_EQ(0, set_tx_queue_len(NAME, 700));
	EXPECT_EQ(700, ring_size("nic"));
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(LIMIT, ring_size("nic"));
	EXPECT_EQ(-EBUSY, set_tx_queue_len(NAME, 100));
	EXPECT_EQ(700, get_tx_queue_len(NAME));
	ASSERT_EQ(BURST, send_burst(self->kind, self->sender, 0, BURST));
	ASSERT_EQ(0, keep_thaw(self->owner));
	EXPECT_EQ(BURST, read_burst(self->kind, self->queue, 0));
	EXPECT_TRUE(WITHIN(3000, ring_size("nic") == 700));
	EXPECT_EQ(0, set_tx_queue_len(NAME, 100));
	EXPECT_EQ(100, ring_size("nic"));
}

TEST_F(kind, its_deletion_ends_the_keep_in_the_middle_of_a_hold)
{
	ASSERT_EQ(0, keep_freeze(self->owner));
	ASSERT_EQ(BURST, send_burst(self->kind, self->sender, 0, BURST));
	ASSERT_EQ(0, run("ip link del " NAME));
	EXPECT_EQ(-ENODEV, keep_state(self->owner));
	EXPECT_EQ(-ENOENT, named_state("nic"));
	EXPECT_EQ(-ENODEV, if_index(NAME));
	EXPECT_EQ(-EBADFD, keep_pin(keep_create("late"), self->queue));
}

TEST_F(kind, a_rename_and_a_move_leave_it_in_the_keep)
{
	int here = open("/proc/self/ns/net", O_RDONLY), there;
	struct stat st;

	ASSERT_EQ(0, keep_freeze(self->owner));
	ASSERT_EQ(0, run("ip link set " NAME " down"));
	ASSERT_EQ(0, set_ifname(NAME, "other0"));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_STREQ("other0", self->k.ifname);

	ASSERT_EQ(0, new_netns());
	there = open("/proc/self/ns/net", O_RDONLY);
	ASSERT_EQ(0, fstat(there, &st));
	ASSERT_EQ(0, setns(here, CLONE_NEWNET));
	ASSERT_EQ(0, run("ip link set other0 netns /proc/%d/fd/%d", getpid(),
			 there));
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(self->owner));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(st.st_ino, self->k.netns);
	EXPECT_EQ(LIMIT, self->k.queues[0].ring_size);
	ASSERT_EQ(0, keep_release(self->owner));

	ASSERT_EQ(0, setns(there, CLONE_NEWNET));
	ASSERT_EQ(0, keep_pin(keep_create("moved"), self->queue));
	ASSERT_EQ(0, nl_get("moved", &self->k));
	EXPECT_STREQ("other0", self->k.ifname);
	EXPECT_EQ(st.st_ino, self->k.netns);
}

/* What a VMM has set on a queue, and what the next one finds there. */
struct settings {
	int header;
	int little_endian;
	unsigned short flags;
};

static int get_settings(int queue, struct settings *s)
{
	struct ifreq ifr = {};

	if (ioctl(queue, TUNGETVNETHDRSZ, &s->header) ||
	    ioctl(queue, TUNGETVNETLE, &s->little_endian) ||
	    ioctl(queue, TUNGETIFF, &ifr))
		return -errno;
	s->flags = ifr.ifr_flags;
	return 0;
}

TEST_F(kind, its_settings_are_the_next_owners)
{
	struct settings before, after;
	int header = 12, yes = 1, claimer;

	ASSERT_EQ(0, ioctl(self->queue, TUNSETVNETHDRSZ, &header));
	ASSERT_EQ(0, ioctl(self->queue, TUNSETVNETLE, &yes));
	ASSERT_EQ(0, ioctl(self->queue, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4));
	ASSERT_EQ(0, get_settings(self->queue, &before));
	EXPECT_EQ(12, before.header);
	close(self->queue);
	close(self->owner);
	claimer = keep_claim("nic", 0);
	ASSERT_LE(0, claimer);
	ASSERT_EQ(0, get_settings(keep_get_queue(claimer, 0), &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	keep_release(claimer);
}

static int set_offloads(int owner, uint32_t offloads)
{
	struct tapkeep_queue_state qs = {};
	struct tapkeep_state state = {
		.size = sizeof(state),
		.offloads = offloads,
		.vnet_hdr_len = 24,
		.queue_size = sizeof(qs),
		.nr_queues = 1,
		.queues = (uintptr_t)&qs,
	};

	return call(owner, TAPKEEP_SET_STATE, &state);
}

/* Newer ones than the headers know that this is built with. */
#define USO_BOTH	0x060
#define TUNNEL		0x080
#define TUNNEL_CSUM	0x100

/* A kernel knows an offload, or this kind of queue does not take it. */
TEST_F(kind, a_state_has_only_offloads_that_the_queue_takes)
{
	static const uint32_t more[] = {
		0, TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN, TUN_F_UFO,
		USO_BOTH, TUNNEL, TUNNEL_CSUM,
	};
	uint32_t offloads = 0;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		ret = ioctl(self->queue, TUNSETOFFLOAD, offloads | more[i]);
		EXPECT_EQ(ret ? -EOPNOTSUPP : 0,
			  set_offloads(self->owner, offloads | more[i]));
		if (!ret)
			offloads |= more[i];
	}
	/* What every kernel has. */
	EXPECT_EQ(0x1f, offloads & 0x1f);
}

/* Such a guest would be given packets that it does not understand. */
TEST_F(kind, a_state_without_an_offload_that_is_on_is_refused)
{
	const uint32_t on = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN;
	int queue, owner;

	ASSERT_EQ(0, keep_release(self->owner));
	close(self->queue);
	owner = pin_queue(self->kind, IFF_VNET_HDR, "header", 0, &queue);
	ASSERT_LE(0, owner);
	ASSERT_EQ(0, ioctl(queue, TUNSETOFFLOAD, on));
	EXPECT_EQ(-EBADE, set_offloads(owner, 0));
	EXPECT_EQ(-EBADE, set_offloads(owner, on & ~TUN_F_CSUM));
	EXPECT_EQ(-EBADE, set_offloads(owner, on & ~TUN_F_TSO4));
	EXPECT_EQ(-EBADE, set_offloads(owner, on & ~TUN_F_TSO_ECN));
	EXPECT_EQ(0, set_offloads(owner, on));
	EXPECT_EQ(0, set_offloads(owner, on | TUN_F_TSO6));
	ASSERT_EQ(0, ioctl(queue, TUNSETOFFLOAD, 0));
	EXPECT_EQ(0, set_offloads(owner, 0));
	keep_release(owner);
}

static int turn_tso_off(void)
{
	struct ethtool_value off = { .cmd = ETHTOOL_STSO };
	struct ifreq ifr = { .ifr_data = (void *)&off };

	copy_name(ifr.ifr_name, NAME, IFNAMSIZ);
	return if_ioctl(SIOCETHTOOL, &ifr);
}

/*
 * That is an administrator's matter, of which a VMM knows nothing. What was set
 * on a queue of tap is no feature of its interface.
 */
TEST_F(kind, a_state_can_have_an_offload_that_was_turned_off_since)
{
	const uint32_t set = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	ASSERT_EQ(0, ioctl(self->queue, TUNSETOFFLOAD, set));
	if (!self->kind->type)
		ASSERT_EQ(0, turn_tso_off());
	EXPECT_EQ(0, set_offloads(self->owner, set));
}

/* Shared by the threads of the test under traffic. */
struct traffic {
	const struct kind *kind;
	int queue;
	int sender;
	atomic_uint sent;
	atomic_uint read;
	atomic_llong wrong;
	atomic_bool stop;
	atomic_bool all_sent;
};

/* Never more in flight than the usual ring has room for. */
static void *send_all(void *arg)
{
	struct traffic *t = arg;
	const int some = 10;

	while (!t->stop) {
		if (t->sent - t->read > 300)
			sched_yield();
		else if (send_burst(t->kind, t->sender, t->sent, some) == some)
			t->sent += some;
	}
	return NULL;
}

static void *read_all(void *arg)
{
	struct traffic *t = arg;
	struct pollfd pfd = { .fd = t->queue, .events = POLLIN };
	int64_t number;
	bool last;

	/* Until nothing comes any more, of what was sent by then. */
	do {
		last = t->all_sent;
		while (poll(&pfd, 1, last ? 500 : 10) > 0) {
			number = read_frame(t->kind, t->queue);
			if (number == -EAGAIN)
				continue;
			if (number != t->read && !t->wrong)
				t->wrong = number ?: -1;
			t->read++;
		}
	} while (!last);
	return NULL;
}

TEST_F(kind, under_traffic_nothing_is_lost_by_freezing_and_thawing)
{
	struct traffic t = {
		.kind = self->kind,
		.queue = self->queue,
		.sender = self->sender,
	};
	pthread_t sender, reader;
	int i;

	ASSERT_EQ(0, pthread_create(&reader, NULL, read_all, &t));
	ASSERT_EQ(0, pthread_create(&sender, NULL, send_all, &t));
	for (i = 0; i < 40; i++) {
		EXPECT_EQ(0, keep_freeze(self->owner));
		sleep_ms(i % 7);
		EXPECT_EQ(0, keep_thaw(self->owner));
		/* Now and then so long that the rings shrink. */
		sleep_ms(i % 4 ? i % 50 : 150);
	}
	t.stop = true;
	pthread_join(sender, NULL);
	t.all_sent = true;
	pthread_join(reader, NULL);
	TH_LOG("%u packets through 40 holds", t.sent);
	EXPECT_LT(500, t.sent);
	EXPECT_EQ(t.sent, t.read);
	EXPECT_EQ(0, t.wrong);
}

FIXTURE(many) {
	const struct kind *kind;
	int queues[TAPKEEP_MAX_QUEUES];
	int owner;
	int sender;
	struct nl_keep k;
};

FIXTURE_VARIANT(many) { const struct kind *kind; };
FIXTURE_VARIANT_ADD(many, tap) { .kind = &tap };
FIXTURE_VARIANT_ADD(many, tun) { .kind = &tun };
FIXTURE_VARIANT_ADD(many, macvtap) { .kind = &macvtap };
FIXTURE_VARIANT_ADD(many, ipvtap) { .kind = &ipvtap };

static int open_queues(int *queues, int nr, const struct kind *kind)
{
	int i;

	for (i = 0; i < nr; i++) {
		queues[i] = open_queue(kind, IFF_MULTI_QUEUE);
		if (queues[i] < 0)
			return queues[i];
	}
	return if_up(NAME);
}

static int set_attached(int queue, bool attached)
{
	struct ifreq ifr = {
		.ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
	};

	return ioctl(queue, TUNSETQUEUE, &ifr) ? -errno : 0;
}

FIXTURE_SETUP(many)
{
	self->kind = variant->kind;
	if (!can_be_made(self->kind))
		SKIP(return, "this kernel has no %s", self->kind->type);
	ASSERT_EQ(0, new_netns());
	if (self->kind->type)
		ASSERT_EQ(0, make_link(self->kind));
	self->owner = keep_create("nic");
	ASSERT_LE(0, self->owner);
}

FIXTURE_TEARDOWN(many)
{
	keep_release(self->owner);
}

/* Have all rings of the keep @slots slots? */
static bool all_are(struct nl_keep *k, int slots)
{
	int i;

	if (nl_get("nic", k) || !k->nr_queues)
		return false;
	for (i = 0; i < k->nr_queues; i++)
		if ((int)k->queues[i].ring_size != slots)
			return false;
	return true;
}

TEST_F(many, two_hundred_and_fifty_six_queues_grow_and_shrink)
{
	int i;

	ASSERT_EQ(0, open_queues(self->queues, TAPKEEP_MAX_QUEUES, self->kind));
	for (i = 0; i < TAPKEEP_MAX_QUEUES; i++)
		ASSERT_EQ(i, keep_pin(self->owner, self->queues[i]));
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_TRUE(all_are(&self->k, LIMIT));
	EXPECT_EQ(TAPKEEP_MAX_QUEUES, self->k.nr_queues);
	ASSERT_EQ(0, keep_thaw(self->owner));
	EXPECT_TRUE(WITHIN(5000, all_are(&self->k, self->kind->usual)));
}

TEST_F(many, a_queue_is_detached_and_attached_again_in_a_hold)
{
	ASSERT_EQ(0, open_queues(self->queues, 2, self->kind));
	ASSERT_EQ(0, keep_pin(self->owner, self->queues[0]));
	ASSERT_EQ(1, keep_pin(self->owner, self->queues[1]));
	self->sender = open_sender(self->kind);
	ASSERT_EQ(0, keep_freeze(self->owner));
	ASSERT_EQ(0, set_attached(self->queues[0], false));
	ASSERT_EQ(BURST, send_burst(self->kind, self->sender, 0, BURST));
	EXPECT_EQ(-EBUSY, set_tx_queue_len(NAME, 100));
	ASSERT_EQ(0, set_attached(self->queues[0], true));
	EXPECT_TRUE(all_are(&self->k, LIMIT));
	EXPECT_EQ(0, self->k.queues[0].ring_used);
	EXPECT_EQ(BURST, self->k.queues[1].ring_used);
	ASSERT_EQ(0, keep_thaw(self->owner));
	EXPECT_EQ(BURST, read_burst(self->kind, self->queues[1], 0));
	EXPECT_TRUE(WITHIN(3000, all_are(&self->k, self->kind->usual)));
}

TEST_F(many, a_queue_that_is_detached_can_be_pinned_and_attached_later)
{
	ASSERT_EQ(0, open_queues(self->queues, 2, self->kind));
	ASSERT_EQ(0, set_attached(self->queues[0], false));
	ASSERT_EQ(0, keep_pin(self->owner, self->queues[0]));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_STREQ(NAME, self->k.ifname);
	ASSERT_EQ(0, keep_freeze(self->owner));
	ASSERT_EQ(0, set_attached(self->queues[0], true));
	ASSERT_EQ(0, set_attached(self->queues[1], false));
	self->sender = open_sender(self->kind);
	ASSERT_EQ(BURST, send_burst(self->kind, self->sender, 0, BURST));
	EXPECT_EQ(BURST, read_burst(self->kind, self->queues[0], 0));
}

TEST_F(many, a_detached_queue_follows_tx_queue_len)
{
	ASSERT_EQ(0, open_queues(self->queues, 2, self->kind));
	ASSERT_EQ(0, keep_pin(self->owner, self->queues[0]));
	ASSERT_EQ(1, keep_pin(self->owner, self->queues[1]));
	ASSERT_EQ(0, set_attached(self->queues[0], false));
	ASSERT_EQ(0, set_tx_queue_len(NAME, 800));
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_TRUE(all_are(&self->k, LIMIT));
	ASSERT_EQ(0, keep_thaw(self->owner));
	EXPECT_TRUE(WITHIN(3000, all_are(&self->k, 800)));
}

TEST_F(many, the_deletion_of_the_interface_ends_a_keep_with_a_detached_queue)
{
	ASSERT_EQ(0, open_queues(self->queues, 2, self->kind));
	ASSERT_EQ(0, keep_pin(self->owner, self->queues[0]));
	ASSERT_EQ(0, set_attached(self->queues[0], false));
	ASSERT_EQ(0, keep_freeze(self->owner));
	ASSERT_EQ(0, run("ip link del " NAME));
	EXPECT_EQ(-ENODEV, keep_state(self->owner));
}

FIXTURE(module) {
	int queue;
	int owner;
};

FIXTURE_SETUP(module)
{
	if (run("modinfo -F filename tap | grep -q '\\.ko'"))
		SKIP(return, "tap is no module of this kernel");
	ASSERT_EQ(0, new_netns());
}

FIXTURE_TEARDOWN(module)
{
	keep_release(self->owner);
	run("modprobe vhost_net");
}

/*
 * All that need it are unloaded first. What was made by the test before this
 * one goes a moment later.
 */
static bool tap_unloads(void)
{
	return WITHIN(10000, !run("rmmod vhost_net ipvtap macvtap tap 2>/dev/null;"
				  "! test -e /sys/module/tap"));
}

TEST_F(module, of_macvtap_is_not_needed)
{
	struct nic nic;

	ASSERT_TRUE(tap_unloads());
	ASSERT_EQ(0, nic_open(&nic));
	EXPECT_EQ(-EMEDIUMTYPE, keep_pin(nic.owner, open("/dev/null", O_RDWR)));
	EXPECT_EQ(0, access("/sys/module/tapkeep", F_OK));
	keep_release(nic.owner);
}

TEST_F(module, of_macvtap_stays_while_a_queue_is_pinned)
{
	ASSERT_EQ(0, make_link(&macvtap));
	self->owner = pin_queue(&macvtap, 0, "nic", 0, &self->queue);
	ASSERT_LE(0, self->owner);
	close(self->queue);
	EXPECT_NE(0, run("rmmod vhost_net; rmmod macvtap 2>/dev/null"));
	EXPECT_NE(0, run("rmmod tap 2>/dev/null"));
	ASSERT_EQ(0, run("ip link del " NAME));
	EXPECT_TRUE(tap_unloads());
}

FIXTURE(persistent) {
	int queue;
	int owner;
};

FIXTURE_VARIANT(persistent) { const struct kind *kind; };
FIXTURE_VARIANT_ADD(persistent, tap) { .kind = &tap };
FIXTURE_VARIANT_ADD(persistent, tun) { .kind = &tun };

FIXTURE_SETUP(persistent)
{
	ASSERT_EQ(0, new_netns());
	self->owner = pin_queue(variant->kind, 0, "nic", 0, &self->queue);
	ASSERT_LE(0, self->owner);
}

FIXTURE_TEARDOWN(persistent)
{
	keep_release(self->owner);
}

TEST_F(persistent, interface_stays_when_the_keep_ends)
{
	ASSERT_EQ(0, ioctl(self->queue, TUNSETPERSIST, 1));
	close(self->queue);
	ASSERT_EQ(0, keep_freeze(self->owner));
	ASSERT_EQ(0, keep_release(self->owner));
	EXPECT_LT(0, if_index(NAME));
	/* Its queue is free again, and the next one starts as usual. */
	self->queue = open_queue(variant->kind, 0);
	ASSERT_LE(0, self->queue);
	ASSERT_EQ(0, keep_pin(keep_create("nic"), self->queue));
	EXPECT_EQ(variant->kind->usual, ring_size("nic"));
}

TEST_F(persistent, or_not_the_interface_stays_while_the_keep_does)
{
	close(self->queue);
	EXPECT_LT(0, if_index(NAME));
	ASSERT_EQ(0, keep_release(self->owner));
	EXPECT_TRUE(WITHIN(2000, if_index(NAME) == -ENODEV));
}

/*
 * A sender that goes through the queueing discipline, as most do. Where a full
 * ring stops it, what is behind waits in the qdisc until the ring has room:
 * then there is all of it, and else what fitted.
 */
TEST(a_sender_that_a_full_ring_has_stopped_goes_on_when_it_grows)
{
	int flags = 0, queue, owner, sender, no = 0, first;

	ASSERT_EQ(0, new_netns());
	queue = open("/dev/net/tun", O_RDWR);
	ASSERT_EQ(0, ioctl(queue, TUNGETFEATURES, &flags));
	close(queue);
	flags &= IFF_BACKPRESSURE;
	TH_LOG("a full ring %s", flags ? "stops the sender" : "drops");
	owner = pin_queue(&tap, flags, "nic", 0, &queue);
	ASSERT_LE(0, owner);
	sender = open_sender(&tap);
	ASSERT_EQ(0, setsockopt(sender, SOL_PACKET, PACKET_QDISC_BYPASS, &no,
				sizeof(no)));
	ASSERT_EQ(1500, send_burst(&tap, sender, 0, 1500));
	EXPECT_EQ(1000, ring_used("nic"));
	ASSERT_EQ(0, keep_freeze(owner));
	first = flags ? 1500 : 1000;
	EXPECT_TRUE(WITHIN(2000, ring_used("nic") == first));
	ASSERT_EQ(1000, send_burst(&tap, sender, first, 1000));
	EXPECT_TRUE(WITHIN(2000, ring_used("nic") == first + 1000));
	ASSERT_EQ(0, keep_thaw(owner));
	EXPECT_EQ(first + 1000, read_burst(&tap, queue, 0));
	/* And on again, when the ring is as small as before. */
	EXPECT_TRUE(WITHIN(3000, ring_size("nic") == 1000));
	ASSERT_EQ(900, send_burst(&tap, sender, 0, 900));
	EXPECT_TRUE(WITHIN(2000, ring_used("nic") == 900));
	EXPECT_EQ(900, read_burst(&tap, queue, 0));
	keep_release(owner);
}

TEST_HARNESS_MAIN
