// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hold: what arrives while nobody reads is there for the next reader, and
 * the rings have their usual size again when it has been read.
 *
 * All packets are sent to the interface with a packet socket, and numbered.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include "module_netlink.h"

#define BURST	5000	/* more than the usual 1000 slots */
#define USUAL	1000
#define LIMIT	16384

FIXTURE(hold) {
	struct nic nic;
	struct nl_keep k;
};

FIXTURE_SETUP(hold)
{
	ASSERT_EQ(0, nic_open(&self->nic));
}

FIXTURE_TEARDOWN(hold)
{
	keep_release(self->nic.owner);
}

TEST_F(hold, without_it_a_burst_is_cut_off_at_the_usual_size)
{
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	EXPECT_EQ(USUAL, read_packets(self->nic.queue, 0));
}

TEST_F(hold, a_burst_while_frozen_is_there_for_the_claimer_in_order)
{
	int offer, claimer, queue;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	offer = keep_offer(self->nic.owner);
	claimer = keep_claim_offer(offer);
	ASSERT_LE(0, claimer);
	queue = keep_get_queue(claimer, 0);
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, keep_thaw(claimer));
	EXPECT_EQ(BURST, read_packets(queue, 0));
}

TEST_F(hold, what_was_in_the_ring_before_comes_first)
{
	ASSERT_EQ(700, send_packets("tap0", 0, 700));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 700, BURST));
	EXPECT_EQ(700 + BURST, read_packets(self->nic.queue, 0));
}

TEST_F(hold, a_ring_that_was_partly_read_keeps_its_order)
{
	int i;

	ASSERT_EQ(900, send_packets("tap0", 0, 900));
	for (i = 0; i < 605; i++)
		ASSERT_EQ(i, read_packet(self->nic.queue));
	ASSERT_EQ(600, send_packets("tap0", 900, 600));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	EXPECT_EQ(895, ring_used("nic"));
	ASSERT_EQ(BURST, send_packets("tap0", 1500, BURST));
	EXPECT_EQ(895 + BURST, read_packets(self->nic.queue, 605));
}

TEST_F(hold, grows_the_ring_to_the_hold_limit)
{
	EXPECT_EQ(USUAL, ring_size("nic"));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	EXPECT_EQ(LIMIT, ring_size("nic"));
}

TEST_F(hold, leaves_tx_queue_len_alone)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	EXPECT_EQ(USUAL, get_tx_queue_len("tap0"));
}

TEST_F(hold, the_ring_shrinks_when_it_has_been_read)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	ASSERT_EQ(BURST, read_packets(self->nic.queue, 0));
	EXPECT_TRUE(WITHIN(2000, ring_size("nic") == USUAL));
}

TEST_F(hold, the_ring_stays_grown_until_what_is_left_fits)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	sleep_ms(800);
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(LIMIT, self->k.queues[0].ring_size);
	EXPECT_EQ(BURST, self->k.queues[0].ring_used);
	EXPECT_TRUE(self->k.draining);
	EXPECT_EQ(TAPKEEP_ACTIVE, self->k.state);
	EXPECT_EQ(BURST, read_packets(self->nic.queue, 0));
}

TEST_F(hold, shrinking_a_ring_loses_none_of_what_it_holds)
{
	const int left = USUAL / 2;
	int i;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	for (i = 0; i < BURST - left; i++)
		ASSERT_EQ(i, read_packet(self->nic.queue));
	ASSERT_TRUE(WITHIN(5000, ring_size("nic") == USUAL));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_FALSE(self->k.draining);
	EXPECT_EQ(left, self->k.queues[0].ring_used);
	EXPECT_EQ(left, read_packets(self->nic.queue, BURST - left));
}

TEST_F(hold, a_ring_that_would_be_full_stays_grown)
{
	int i;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	for (i = 0; i < BURST - USUAL; i++)
		ASSERT_EQ(i, read_packet(self->nic.queue));
	sleep_ms(3000);
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(LIMIT, self->k.queues[0].ring_size);
	EXPECT_TRUE(self->k.draining);
	ASSERT_EQ(USUAL, send_packets("tap0", BURST, USUAL));
	EXPECT_EQ(2 * USUAL, read_packets(self->nic.queue, BURST - USUAL));
}

TEST_F(hold, the_ring_stays_grown_while_the_reader_catches_up)
{
	/* Few, so that reading them is quick on a slow kernel as well. */
	const int burst = USUAL + USUAL / 2;
	int i;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(burst, send_packets("tap0", 0, burst));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	for (i = 0; i < burst - USUAL / 2; i++)
		ASSERT_EQ(i, read_packet(self->nic.queue));
	sleep_ms(800);
	EXPECT_EQ(LIMIT, ring_size("nic"));
	ASSERT_EQ(USUAL, send_packets("tap0", burst, USUAL));
	EXPECT_EQ(USUAL + USUAL / 2,
		  read_packets(self->nic.queue, burst - USUAL / 2));
	EXPECT_TRUE(WITHIN(1000, ring_size("nic") == USUAL));
}

/*
 * The ring shrinks 100 ms after the thaw, unless an eighth of its usual slots is
 * in use by then. These are few, so that they are sent in time on a slow kernel
 * as well; not each time on a busy machine.
 */
TEST_F(hold, a_burst_soon_after_the_thaw_finds_the_room_of_the_hold)
{
	const int usual = 100, burst = 5 * usual;
	int tries = 10, came = 0;

	ASSERT_EQ(0, set_tx_queue_len("tap0", usual));
	while (came != burst && tries--) {
		ASSERT_TRUE(WITHIN(2000, ring_size("nic") == usual));
		ASSERT_EQ(0, keep_freeze(self->nic.owner));
		ASSERT_EQ(0, keep_thaw(self->nic.owner));
		sleep_ms(50);
		ASSERT_EQ(burst, send_packets("tap0", 0, burst));
		came = read_packets(self->nic.queue, 0);
	}
	EXPECT_EQ(burst, came);
}

TEST_F(hold, a_ring_that_shrank_works_on)
{
	int round;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, keep_freeze(self->nic.owner));
		ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
		ASSERT_EQ(0, keep_thaw(self->nic.owner));
		ASSERT_EQ(BURST, read_packets(self->nic.queue, 0));
		ASSERT_TRUE(WITHIN(2000, ring_size("nic") == USUAL));
		/* Slots that were read are freed 16 at a time. */
		ASSERT_EQ(USUAL + 10, send_packets("tap0", 0, USUAL + 10));
		ASSERT_LE(USUAL - 16, read_packets(self->nic.queue, 0));
	}
}

TEST_F(hold, freeze_while_draining_loses_nothing)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", BURST, BURST));
	EXPECT_EQ(LIMIT, ring_size("nic"));
	EXPECT_EQ(2 * BURST, read_packets(self->nic.queue, 0));
}

TEST_F(hold, release_loses_nothing_of_what_is_held)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_release(self->nic.owner));
	EXPECT_EQ(BURST, read_packets(self->nic.queue, 0));
}

TEST_F(hold, release_gives_an_empty_ring_its_usual_size)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(0, keep_release(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	EXPECT_EQ(USUAL, read_packets(self->nic.queue, 0));
}

TEST_F(hold, a_ring_that_a_keep_left_grown_shrinks_when_it_is_pinned_again)
{
	int again;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_release(self->nic.owner));
	ASSERT_EQ(BURST, read_packets(self->nic.queue, 0));
	again = keep_create("again");
	ASSERT_EQ(0, keep_pin(again, self->nic.queue));
	EXPECT_EQ(USUAL, ring_size("again"));
}

TEST_F(hold, a_ring_that_a_keep_left_full_is_pinned_as_it_is)
{
	int again;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_release(self->nic.owner));
	again = keep_create("again");
	ASSERT_EQ(0, keep_pin(again, self->nic.queue));
	ASSERT_EQ(0, keep_freeze(again));
	ASSERT_EQ(0, keep_thaw(again));
	EXPECT_EQ(BURST, read_packets(self->nic.queue, 0));
}

TEST_F(hold, counts_what_was_held_and_for_how_long)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(BURST, self->k.held);
	sleep_ms(50);
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(0, self->k.held);
	EXPECT_EQ(BURST, self->k.held_total);
	EXPECT_EQ(BURST, self->k.peak);
	EXPECT_EQ(0, self->k.dropped);
	EXPECT_LE(50 * 1000 * 1000, self->k.blackout);
	EXPECT_EQ(self->k.blackout, self->k.blackout_max);
}

TEST_F(hold, the_totals_of_two_holds_add_up)
{
	int64_t longest;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(300, send_packets("tap0", 0, 300));
	sleep_ms(100);
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	longest = self->k.blackout;
	ASSERT_EQ(300, read_packets(self->nic.queue, 0));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(200, send_packets("tap0", 0, 200));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(500, self->k.held_total);
	EXPECT_EQ(300, self->k.peak);
	EXPECT_GT(longest, self->k.blackout);
	EXPECT_EQ(longest, self->k.blackout_max);
}

TEST_F(hold, tx_queue_len_cannot_change_while_frozen)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	EXPECT_EQ(-EBUSY, set_tx_queue_len("tap0", 100));
	EXPECT_EQ(USUAL, get_tx_queue_len("tap0"));
	EXPECT_EQ(BURST, read_packets(self->nic.queue, 0));
}

TEST_F(hold, tx_queue_len_cannot_change_while_draining)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	EXPECT_EQ(-EBUSY, set_tx_queue_len("tap0", 100));
	EXPECT_EQ(BURST, read_packets(self->nic.queue, 0));
}

TEST_F(hold, tx_queue_len_can_change_when_the_ring_has_its_usual_size)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	EXPECT_TRUE(WITHIN(2000, set_tx_queue_len("tap0", 500) == 0));
	EXPECT_EQ(500, ring_size("nic"));
}

TEST_F(hold, tx_queue_len_can_change_after_the_keep_ended)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(0, keep_release(self->nic.owner));
	EXPECT_EQ(0, set_tx_queue_len("tap0", 500));
}

TEST_F(hold, tx_queue_len_of_another_interface_can_change)
{
	int other = tap_open("tap1");

	ASSERT_LE(0, other);
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	EXPECT_EQ(0, set_tx_queue_len("tap1", 500));
}

TEST_F(hold, the_ring_shrinks_to_the_tx_queue_len_that_was_set_after_the_pin)
{
	ASSERT_EQ(0, set_tx_queue_len("tap0", 3000));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	ASSERT_EQ(BURST, read_packets(self->nic.queue, 0));
	EXPECT_TRUE(WITHIN(2000, ring_size("nic") == 3000));
}

TEST_F(hold, follows_tx_queue_len_between_two_holds)
{
	static const int lens[] = { 3000, 100, 0, 1000 };
	size_t i;

	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(WITHIN(2000, !set_tx_queue_len("tap0", lens[i])));
		ASSERT_EQ(0, keep_freeze(self->nic.owner));
		ASSERT_EQ(LIMIT, ring_size("nic"));
		ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
		ASSERT_EQ(0, keep_thaw(self->nic.owner));
		ASSERT_EQ(BURST, read_packets(self->nic.queue, 0));
		EXPECT_TRUE(WITHIN(2000, ring_size("nic") == lens[i]));
	}
}

FIXTURE(limited) {
	struct nic nic;
	struct nl_keep k;
};

FIXTURE_SETUP(limited)
{
	ASSERT_EQ(0, nic_open_with(&self->nic, 2000));
}

FIXTURE_TEARDOWN(limited)
{
	keep_release(self->nic.owner);
}

TEST_F(limited, what_is_beyond_the_hold_limit_is_dropped_and_counted)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(2000, self->k.held);
	EXPECT_EQ(BURST - 2000, self->k.dropped);
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(BURST - 2000, self->k.dropped);
	EXPECT_EQ(2000, read_packets(self->nic.queue, 0));
}

TEST_F(limited, a_ring_that_a_keep_left_full_shrinks_after_a_larger_hold)
{
	int again;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(2000, send_packets("tap0", 0, 2000));
	ASSERT_EQ(0, keep_release(self->nic.owner));
	again = keep_create("again");
	ASSERT_EQ(0, keep_pin(again, self->nic.queue));
	ASSERT_EQ(0, keep_freeze(again));
	EXPECT_EQ(LIMIT, ring_size("again"));
	ASSERT_EQ(0, keep_thaw(again));
	ASSERT_EQ(2000, read_packets(self->nic.queue, 0));
	EXPECT_TRUE(WITHIN(2000, ring_size("again") == USUAL));
}

TEST_F(limited, what_is_dropped_while_active_is_not_counted)
{
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(USUAL, read_packets(self->nic.queue, 0));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(0, self->k.dropped);
}

TEST_F(limited, a_ring_that_is_larger_than_the_limit_is_left_alone)
{
	ASSERT_EQ(0, set_tx_queue_len("tap0", 6000));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	EXPECT_EQ(6000, ring_size("nic"));
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	EXPECT_EQ(BURST, read_packets(self->nic.queue, 0));
	EXPECT_EQ(6000, ring_size("nic"));
}

FIXTURE(many) {
	int nr;
	int owner;
	struct nl_keep k;
};

FIXTURE_VARIANT(many) {
	int nr;
};

FIXTURE_VARIANT_ADD(many, of_4) { .nr = 4 };
FIXTURE_VARIANT_ADD(many, of_256) { .nr = TAPKEEP_MAX_QUEUES };

FIXTURE_SETUP(many)
{
	int i, queue;

	ASSERT_EQ(0, new_netns());
	self->owner = keep_create("nic");
	ASSERT_LE(0, self->owner);
	for (i = 0; i < variant->nr; i++) {
		queue = tap_open_flags("tap0", IFF_TAP | IFF_MULTI_QUEUE);
		ASSERT_LE(0, queue);
		ASSERT_EQ(i, keep_pin(self->owner, queue));
		close(queue);
	}
	ASSERT_EQ(0, if_up("tap0"));
}

FIXTURE_TEARDOWN(many)
{
	keep_release(self->owner);
}

TEST_F(many, queues_grow_and_shrink_together)
{
	struct timespec before, after;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &before);
	ASSERT_EQ(0, keep_freeze(self->owner));
	clock_gettime(CLOCK_MONOTONIC, &after);
	TH_LOG("freezing %d queues took %ld us", variant->nr,
	       (after.tv_sec - before.tv_sec) * 1000000 +
	       (after.tv_nsec - before.tv_nsec) / 1000);
	ASSERT_EQ(0, nl_get("nic", &self->k));
	ASSERT_EQ(variant->nr, self->k.nr_queues);
	for (i = 0; i < variant->nr; i++) {
		EXPECT_EQ(i, self->k.queues[i].index);
		EXPECT_EQ(LIMIT, self->k.queues[i].ring_size);
	}
	ASSERT_EQ(0, keep_thaw(self->owner));
	ASSERT_TRUE(WITHIN(5000, !nl_get("nic", &self->k) && !self->k.draining));
	for (i = 0; i < variant->nr; i++)
		EXPECT_EQ(USUAL, self->k.queues[i].ring_size);
}

TEST_F(many, queues_are_dumped_with_all_their_state)
{
	struct tapkeep_queue_state *qs = calloc(variant->nr, sizeof(*qs));
	struct tapkeep_state state = {
		.size = sizeof(state),
		.queue_size = sizeof(*qs),
		.nr_queues = variant->nr,
		.queues = (uintptr_t)qs,
	};
	struct nl nl;
	int i;

	for (i = 0; i < variant->nr; i++)
		qs[i].rx_used = i;
	ASSERT_EQ(0, call(self->owner, TAPKEEP_SET_STATE, &state));
	ASSERT_EQ(0, nl_open(&nl));
	EXPECT_EQ(1, nl_dump_keeps(&nl, NL_BUFFER, NULL, NULL));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	for (i = 0; i < variant->nr; i++) {
		EXPECT_TRUE(self->k.queues[i].has_state);
		EXPECT_EQ(i, self->k.queues[i].state.rx_used);
	}
	free(qs);
}

TEST_F(many, no_more_queues_than_there_can_be)
{
	int queue, err;

	if (variant->nr < TAPKEEP_MAX_QUEUES) {
		queue = tap_open_flags("tap0", IFF_TAP | IFF_MULTI_QUEUE);
		EXPECT_EQ(variant->nr, keep_pin(self->owner, queue));
		return;
	}
	/* tun's own limit is the same, so the next is one of another TAP. */
	queue = tap_open("tap1");
	err = keep_pin(self->owner, queue);
	EXPECT_EQ(-ENOSPC, err);
}

/* Shared by the sender and the reader of the tests under traffic. */
struct traffic {
	int queue;
	atomic_uint sent;
	atomic_uint read;
	atomic_int refused;
	atomic_llong wrong;
	atomic_bool stop;
	atomic_ullong sent_at;	/* the last one; 0: more will be */
	pthread_t sender;
	pthread_t reader;
};

/* All was read, or what is missing does not come any more. */
static bool is_over(const struct traffic *t)
{
	return t->sent_at && (t->read >= t->sent || now_ms() > t->sent_at + 2000);
}

static void *read_all(void *arg)
{
	struct traffic *t = arg;
	struct pollfd pfd = { .fd = t->queue, .events = POLLIN };
	int64_t number;

	while (!is_over(t)) {
		number = read_packet(t->queue);
		if (number == -EAGAIN) {
			poll(&pfd, 1, 10);
			continue;
		}
		if (number != t->read && !t->wrong)
			t->wrong = number ?: -1;
		t->read++;
	}
	return NULL;
}

/* Never more in flight than the usual ring has room for. */
static void *send_all(void *arg)
{
	struct traffic *t = arg;
	int fd = sender_open("tap0");

	while (!t->stop) {
		if (t->sent - t->read >= 300)
			sched_yield();
		else if (send_packet(fd, t->sent))
			t->refused++;
		else
			t->sent++;
	}
	close(fd);
	return NULL;
}

static int start_traffic(struct traffic *t)
{
	return -pthread_create(&t->reader, NULL, read_all, t) ?:
	       -pthread_create(&t->sender, NULL, send_all, t);
}

static void stop_traffic(struct traffic *t)
{
	t->stop = true;
	pthread_join(t->sender, NULL);
	t->sent_at = now_ms();
	pthread_join(t->reader, NULL);
}

TEST_F(hold, under_traffic_nothing_is_lost_by_freezing_and_thawing)
{
	struct traffic t = { .queue = self->nic.queue };
	int i;

	ASSERT_EQ(0, start_traffic(&t));
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, keep_freeze(self->nic.owner));
		sleep_ms(i % 7);
		EXPECT_EQ(0, keep_thaw(self->nic.owner));
		/* Now and then so long that the rings shrink. */
		sleep_ms(i % 8 ? i % 50 : 150);
	}
	stop_traffic(&t);
	TH_LOG("%u packets through 100 holds", t.sent);
	EXPECT_LT(1000, t.sent);
	EXPECT_EQ(t.sent, t.read);
	EXPECT_EQ(0, t.refused);
	EXPECT_EQ(0, t.wrong);
}

/* Never below what can be in flight. */
static void *change_tx_queue_len(void *arg)
{
	struct traffic *t = arg;
	int i;

	for (i = 0; !t->stop; i++) {
		set_tx_queue_len("tap0", i % 2 ? 1000 : 1200);
		sleep_ms(1);
	}
	return NULL;
}

TEST_F(hold, under_traffic_nothing_is_lost_while_tx_queue_len_changes)
{
	struct traffic t = { .queue = self->nic.queue };
	pthread_t changer;
	int i;

	ASSERT_EQ(0, start_traffic(&t));
	ASSERT_EQ(0, pthread_create(&changer, NULL, change_tx_queue_len, &t));
	for (i = 0; i < 50; i++) {
		EXPECT_EQ(0, keep_freeze(self->nic.owner));
		EXPECT_EQ(LIMIT, ring_size("nic"));
		EXPECT_EQ(0, keep_thaw(self->nic.owner));
		/* Now and then so long that it can change. */
		sleep_ms(i % 4 ? i % 50 : 150);
	}
	stop_traffic(&t);
	pthread_join(changer, NULL);
	/* The core refuses for a moment while it changes; that is no loss. */
	TH_LOG("%u packets, %d refused", t.sent, t.refused);
	EXPECT_EQ(t.sent, t.read);
	EXPECT_EQ(0, t.wrong);
	EXPECT_TRUE(WITHIN(2000, ring_size("nic") == get_tx_queue_len("tap0")));
}

TEST_HARNESS_MAIN
