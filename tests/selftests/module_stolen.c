// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What somebody takes out of the rings of a frozen keep, after the owner has
 * said that its readers have stopped, and what only looks like that.
 */
#include <linux/vhost.h>
#include <linux/virtio_ring.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include "module_netlink.h"

#define LIMIT		2048
#define VHOST_BATCH	64
#define VRING_NUM	256

FIXTURE(stolen) {
	struct nic nic;
	struct nl monitor;
	struct nl_keep k;
};

static int open_fixture(struct nic *nic, int flags)
{
	int ret = new_netns();

	if (ret)
		return ret;
	nic->queue = tap_open_flags("tap0", IFF_TAP | flags);
	nic->owner = keep_create_with("nic", LIMIT, SHORT_LEASE_MS);
	if (nic->queue < 0 || nic->owner < 0)
		return -EBADF;
	return if_up("tap0") ?: keep_pin(nic->owner, nic->queue);
}

FIXTURE_SETUP(stolen)
{
	ASSERT_EQ(0, open_fixture(&self->nic, IFF_MULTI_QUEUE));
	ASSERT_EQ(0, nl_monitor(&self->monitor));
}

FIXTURE_TEARDOWN(stolen)
{
	keep_release(self->nic.owner);
}

static int64_t stolen_of(const char *name)
{
	struct nl_keep k;

	return nl_get(name, &k) ?: k.stolen;
}

static int read_some(int queue, int count)
{
	int i;

	for (i = 0; i < count && read_packet(queue) >= 0; i++)
		;
	return i;
}

static int stop(const struct nic *nic)
{
	return keep_freeze(nic->owner) ?:
	       keep_set_flags(nic->owner, 1, TAPKEEP_STATE_STOPPED);
}

TEST_F(stolen, nothing_from_a_keep_without_queues)
{
	int claimer;

	ASSERT_LE(0, keep_create("empty"));
	claimer = keep_claim("empty", TAPKEEP_CLAIM_FORCE);
	ASSERT_LE(0, claimer);
	ASSERT_EQ(0, keep_set_flags(claimer, 0, TAPKEEP_STATE_STOPPED));
	EXPECT_EQ(0, stolen_of("empty"));
	EXPECT_EQ(0, keep_thaw(claimer));
}

TEST_F(stolen, nothing_in_a_swap_as_it_should_be)
{
	int claimer;

	ASSERT_EQ(20, send_packets("tap0", 0, 20));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(5, read_some(self->nic.queue, 5));
	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(100, send_packets("tap0", 20, 100));
	claimer = keep_claim_offer(keep_offer(self->nic.owner));
	ASSERT_LE(0, claimer);
	ASSERT_EQ(115, read_packets(self->nic.queue, 5));
	ASSERT_EQ(0, keep_thaw(claimer));
	EXPECT_EQ(0, stolen_of("nic"));
	EXPECT_EQ(TAPKEEP_EVENT_FROZEN, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_OFFERED, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_CLAIMED, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_THAWED, nl_event(&self->monitor, &self->k));
	keep_release(claimer);
}

TEST_F(stolen, what_a_stale_reader_reads_until_the_claim)
{
	int offer, claimer;

	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(100, send_packets("tap0", 0, 100));
	offer = keep_offer(self->nic.owner);
	ASSERT_EQ(30, read_some(self->nic.queue, 30));
	EXPECT_EQ(30, stolen_of("nic"));
	claimer = keep_claim_offer(offer);
	ASSERT_LE(0, claimer);
	ASSERT_EQ(70, read_packets(self->nic.queue, 30));
	EXPECT_EQ(30, stolen_of("nic"));
	EXPECT_EQ(TAPKEEP_EVENT_FROZEN, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_OFFERED, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_STOLEN, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(30, self->k.stolen);
	EXPECT_EQ(1, self->k.generation);
	EXPECT_EQ(TAPKEEP_EVENT_CLAIMED, nl_event(&self->monitor, &self->k));
	keep_release(claimer);
}

TEST_F(stolen, not_what_is_read_before_the_owner_says_that_it_has_stopped)
{
	/* That it had stopped in an earlier hold says nothing about this one. */
	ASSERT_EQ(0, keep_set_flags(self->nic.owner, 1, TAPKEEP_STATE_STOPPED));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(10, send_packets("tap0", 0, 10));
	ASSERT_EQ(10, read_packets(self->nic.queue, 0));
	EXPECT_EQ(0, stolen_of("nic"));
}

TEST_F(stolen, not_what_is_read_after_a_revoke)
{
	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(0, keep_revoke(self->nic.owner));
	ASSERT_EQ(10, send_packets("tap0", 0, 10));
	ASSERT_EQ(10, read_packets(self->nic.queue, 0));
	EXPECT_EQ(0, stolen_of("nic"));
}

TEST_F(stolen, not_what_is_read_after_the_owner_says_that_it_reads)
{
	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(0, keep_set_flags(self->nic.owner, 1, 0));
	ASSERT_EQ(10, send_packets("tap0", 0, 10));
	ASSERT_EQ(10, read_packets(self->nic.queue, 0));
	EXPECT_EQ(0, stolen_of("nic"));
}

TEST_F(stolen, is_told_when_the_owner_goes_on)
{
	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(10, send_packets("tap0", 0, 10));
	ASSERT_EQ(4, read_some(self->nic.queue, 4));
	ASSERT_EQ(0, keep_revoke(self->nic.owner));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	EXPECT_EQ(TAPKEEP_EVENT_FROZEN, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_STOLEN, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(4, self->k.stolen);
	EXPECT_EQ(TAPKEEP_EVENT_THAWED, nl_event(&self->monitor, &self->k));
}

TEST_F(stolen, adds_up_over_the_holds)
{
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, stop(&self->nic));
		/* Once more changes nothing. */
		ASSERT_EQ(10, send_packets("tap0", 0, 10));
		ASSERT_EQ(5, read_some(self->nic.queue, 5));
		ASSERT_EQ(0, stop(&self->nic));
		ASSERT_EQ(2, read_some(self->nic.queue, 2));
		ASSERT_EQ(0, keep_thaw(self->nic.owner));
		ASSERT_EQ(3, read_some(self->nic.queue, 3));
		EXPECT_EQ(7 * (i + 1), stolen_of("nic"));
	}
}

TEST_F(stolen, from_an_orphan_whose_owner_had_stopped)
{
	int claimer;

	ASSERT_EQ(0, stop(&self->nic));
	close(self->nic.owner);
	ASSERT_EQ(10, send_packets("tap0", 0, 10));
	ASSERT_EQ(4, read_some(self->nic.queue, 4));
	claimer = keep_claim("nic", 0);
	ASSERT_LE(0, claimer);
	EXPECT_EQ(4, stolen_of("nic"));
	keep_release(claimer);
}

TEST_F(stolen, more_than_a_ring_has_room_for)
{
	int i;

	ASSERT_EQ(0, stop(&self->nic));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(LIMIT - 20, send_packets("tap0", 0, LIMIT - 20));
		ASSERT_EQ(LIMIT - 20, read_some(self->nic.queue, LIMIT - 20));
	}
	EXPECT_EQ(4 * (LIMIT - 20), stolen_of("nic"));
}

TEST_F(stolen, what_is_purged_by_detaching_the_queue)
{
	struct ifreq ifr = { .ifr_flags = IFF_DETACH_QUEUE };

	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(50, send_packets("tap0", 0, 50));
	ASSERT_EQ(0, call(self->nic.queue, TUNSETQUEUE, &ifr));
	EXPECT_EQ(50, stolen_of("nic"));
}

TEST_F(stolen, not_what_is_read_from_a_queue_that_is_not_in_the_keep)
{
	int other = tap_open_flags("tap0", IFF_TAP | IFF_MULTI_QUEUE);
	struct ifreq ifr = { .ifr_flags = IFF_DETACH_QUEUE };

	ASSERT_LE(0, other);
	ASSERT_EQ(0, stop(&self->nic));
	/* All packets go to the other queue while it is the only one. */
	ASSERT_EQ(0, call(self->nic.queue, TUNSETQUEUE, &ifr));
	ifr.ifr_flags = IFF_ATTACH_QUEUE;
	ASSERT_EQ(10, send_packets("tap0", 0, 10));
	ASSERT_EQ(0, call(self->nic.queue, TUNSETQUEUE, &ifr));
	ASSERT_EQ(10, read_some(other, 10));
	EXPECT_EQ(0, stolen_of("nic"));
}

/* A vhost that takes packets from a queue, and has no buffer to put them in. */
struct vhost {
	int fd;
	void *rings;
};

#define RINGS_SIZE	65536

static int vhost_set_ring(const struct vhost *v, unsigned int index)
{
	char *base = (char *)v->rings + index * RINGS_SIZE / 2;
	struct vhost_vring_state num = { .index = index, .num = VRING_NUM };
	struct vhost_vring_state zero = { .index = index };
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = (uintptr_t)base,
		.avail_user_addr = (uintptr_t)base + 8192,
		.used_user_addr = (uintptr_t)base + 16384,
	};
	struct vhost_vring_file kick = {
		.index = index,
		.fd = eventfd(0, EFD_CLOEXEC),
	};

	return call(v->fd, VHOST_SET_VRING_NUM, &num) ?:
	       call(v->fd, VHOST_SET_VRING_BASE, &zero) ?:
	       call(v->fd, VHOST_SET_VRING_ADDR, &addr) ?:
	       call(v->fd, VHOST_SET_VRING_KICK, &kick);
}

static int vhost_open(struct vhost *v)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} memory = { .head.nregions = 1 };
	int ret;

	v->rings = mmap(NULL, RINGS_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	v->fd = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
	if (v->fd < 0 || v->rings == MAP_FAILED)
		return -errno;
	memory.region.memory_size = RINGS_SIZE;
	memory.region.userspace_addr = (uintptr_t)v->rings;
	ret = call(v->fd, VHOST_SET_OWNER, NULL) ?:
	      call(v->fd, VHOST_SET_MEM_TABLE, &memory);
	return ret ?: vhost_set_ring(v, 0) ?: vhost_set_ring(v, 1);
}

/* @queue -1: none. The ring of received packets is number 0. */
static int vhost_set_backend(const struct vhost *v, int queue)
{
	struct vhost_vring_file backend = { .index = 0, .fd = queue };

	return call(v->fd, VHOST_NET_SET_BACKEND, &backend);
}

/* 200 packets, of which vhost holds a batch. */
static int vhost_takes_a_batch(struct vhost *v, const struct nic *nic)
{
	int ret = vhost_open(v);

	if (ret)
		return ret;
	if (send_packets("tap0", 0, 200) != 200)
		return -EIO;
	ret = vhost_set_backend(v, nic->queue);
	if (ret)
		return ret;
	return WITHIN(5000, ring_used("nic") == 200 - VHOST_BATCH) ? 0 :
								     -ETIMEDOUT;
}

TEST_F(stolen, not_what_vhost_had_taken_before_and_gives_back)
{
	struct vhost v;

	ASSERT_EQ(0, vhost_takes_a_batch(&v, &self->nic));
	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(0, vhost_set_backend(&v, -1));
	EXPECT_EQ(200, ring_used("nic"));
	EXPECT_EQ(0, stolen_of("nic"));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	EXPECT_EQ(0, stolen_of("nic"));
	EXPECT_EQ(200, read_packets(self->nic.queue, 0));
}

TEST_F(stolen, not_what_vhost_takes_and_gives_back)
{
	struct vhost v;

	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(0, vhost_takes_a_batch(&v, &self->nic));
	EXPECT_EQ(VHOST_BATCH, stolen_of("nic"));
	ASSERT_EQ(0, vhost_set_backend(&v, -1));
	EXPECT_EQ(0, stolen_of("nic"));
	EXPECT_EQ(200, read_packets(self->nic.queue, 0));
}

TEST_F(stolen, is_not_hidden_by_what_vhost_gives_back)
{
	struct vhost v;

	ASSERT_EQ(0, vhost_takes_a_batch(&v, &self->nic));
	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(0, vhost_set_backend(&v, -1));
	ASSERT_EQ(10, read_some(self->nic.queue, 10));
	EXPECT_EQ(10, stolen_of("nic"));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	EXPECT_EQ(10, stolen_of("nic"));
}

TEST_F(stolen, what_was_dropped_in_a_hold_is_an_event_as_well)
{
	ASSERT_EQ(0, stop(&self->nic));
	ASSERT_EQ(LIMIT + 50, send_packets("tap0", 0, LIMIT + 50));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	EXPECT_EQ(TAPKEEP_EVENT_FROZEN, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_DROPPED, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(50, self->k.dropped);
	EXPECT_EQ(TAPKEEP_FROZEN, self->k.state);
	EXPECT_EQ(TAPKEEP_EVENT_THAWED, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(50, self->k.dropped);
	EXPECT_EQ(0, self->k.stolen);
}

TEST_HARNESS_MAIN
