// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two things at once that should not be: each test lets them meet again and
 * again, at instants that close in on where the outcome changes, until both
 * outcomes were seen; and each outcome must be a whole one.
 */
#include <linux/close_range.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include "module_netlink.h"
#include "module_system.h"
#include "passing.h"

#define SEEN_OFTEN	6	/* of each outcome, and then it is enough */
#define RACE_MS		25000	/* the bound, on a slow machine */
#define DELETIONS_MS	50000	/* a deletion waits for RCU */
#define STEP_US_MIN	20
#define STEP_US_MAX	20000
#define LEAD_US_MAX	500000
#define LIMIT		16384

/**
 * struct race - two functions that are called at the same time
 * @a: one
 * @b: the other
 * @arg: for both
 * @lead_us: how much later @a is called; @b, if it is negative
 * @step_us: what @lead_us is changed by next, for the better
 * @a_was_first: the last time
 * @a_ret: what @a returned
 * @b_ret: what @b returned
 * @ready: how many are there
 */
struct race {
	int (*a)(void *arg);
	int (*b)(void *arg);
	void *arg;
	int lead_us;
	int step_us;
	bool a_was_first;
	int a_ret;
	int b_ret;
	atomic_int ready;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void meet(struct race *race, int wait_us)
{
	uint64_t until;

	race->ready++;
	while (race->ready < 2)
		;
	until = now_ns() + (wait_us > 0 ? wait_us * 1000ull : 0);
	while (now_ns() < until)
		;
}

static void *other_side(void *arg)
{
	struct race *race = arg;

	meet(race, -race->lead_us);
	race->b_ret = race->b(race->arg);
	return NULL;
}

static int run_race(struct race *race)
{
	pthread_t thread;

	race->ready = 0;
	if (pthread_create(&thread, NULL, other_side, race))
		return -EAGAIN;
	meet(race, race->lead_us);
	race->a_ret = race->a(race->arg);
	pthread_join(thread, NULL);
	return 0;
}

/**
 * struct score - how often each side came first, and when to stop
 * @a: @a did
 * @b: @b did
 * @until: in any case
 */
struct score {
	int a;
	int b;
	uint64_t until;
};

static bool goes_on(struct score *score)
{
	if (!score->until)
		score->until = now_ms() + RACE_MS * timeout_factor();
	return (score->a < SEEN_OFTEN || score->b < SEEN_OFTEN) &&
	       now_ms() < score->until;
}

/*
 * Moves the two closer to where the outcome changes: in growing steps until it
 * does, and then back in smaller ones.
 */
static void count(struct race *race, struct score *score, bool a_was_first)
{
	bool same = race->a_was_first == a_was_first;
	int step = same ? 2 * race->step_us : race->step_us / 8;

	if (step < STEP_US_MIN)
		step = STEP_US_MIN;
	if (step > STEP_US_MAX)
		step = STEP_US_MAX;
	score->a += a_was_first;
	score->b += !a_was_first;
	race->a_was_first = a_was_first;
	race->step_us = step;
	step += rand() % step;
	race->lead_us += a_was_first ? step : -step;
	if (abs(race->lead_us) > LEAD_US_MAX)
		race->lead_us = 0;
}

#define EXPECT_BOTH(score)						\
	do {								\
		TH_LOG("%d to %d", (score).a, (score).b);		\
		EXPECT_LE(SEEN_OFTEN, (score).a);			\
		EXPECT_LE(SEEN_OFTEN, (score).b);			\
	} while (0)

/* What all tests have: a keep, and what the kernel counts of the module. */
struct ring {
	struct nic nic;
	int offer;
	int second_offer;
	int claimer;
	int rtnetlink;
	int peer[2];
};

static void close_all(struct ring *r)
{
	int *fds[] = { &r->nic.owner, &r->nic.queue, &r->offer,
		       &r->second_offer, &r->claimer };
	size_t i;

	for (i = 0; i < 5; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* Given a keep with a queue of tap0 in the current namespace. */
static int keep_again(struct ring *r)
{
	r->offer = -1;
	r->second_offer = -1;
	r->claimer = -1;
	r->nic.queue = tap_open("tap0");
	r->nic.owner = keep_create("nic");
	return keep_pin(r->nic.owner, r->nic.queue);
}

/* And an offer that two have. */
static int offer_again(struct ring *r)
{
	int ret = keep_again(r);

	ret = ret ?: keep_freeze(r->nic.owner);
	r->offer = ret ?: keep_offer(r->nic.owner);
	r->second_offer = dup(r->offer);
	return r->offer < 0 ? r->offer : 0;
}

static int do_claim(void *arg)
{
	struct ring *r = arg;
	int ret = keep_claim_offer(r->offer);

	if (ret < 0)
		return ret;
	r->claimer = ret;
	return 0;
}

static int do_claim_second(void *arg)
{
	struct ring *r = arg;
	int ret = keep_claim_offer(r->second_offer);

	if (ret < 0)
		return ret;
	r->claimer = ret;
	return 0;
}

static int do_claim_by_name(void *arg)
{
	struct ring *r = arg;
	int ret = keep_claim("nic", 0);

	if (ret < 0)
		return ret;
	r->claimer = ret;
	return 0;
}

static int do_thaw(void *arg)
{
	return keep_thaw(((struct ring *)arg)->nic.owner);
}

static int do_revoke(void *arg)
{
	return keep_revoke(((struct ring *)arg)->nic.owner);
}

static int do_release(void *arg)
{
	return keep_release(((struct ring *)arg)->nic.owner);
}

static int do_freeze(void *arg)
{
	return keep_freeze(((struct ring *)arg)->nic.owner);
}

static int do_pin(void *arg)
{
	struct ring *r = arg;

	return keep_pin(r->nic.owner, r->nic.queue);
}

static int do_offer(void *arg)
{
	struct ring *r = arg;
	int ret = keep_offer(r->nic.owner);

	if (ret < 0)
		return ret;
	close(ret);
	return 0;
}

static int do_get_queue(void *arg)
{
	struct ring *r = arg;
	int ret = keep_get_queue(r->nic.owner, 0);

	if (ret < 0)
		return ret;
	close(ret);
	return 0;
}

static int do_export(void *arg)
{
	struct tapkeep_queue_state queue = {};
	struct tapkeep_state state = {
		.size = sizeof(state),
		.queue_size = sizeof(queue),
		.nr_queues = 1,
		.queues = (uintptr_t)&queue,
	};

	return call(((struct ring *)arg)->nic.owner, TAPKEEP_SET_STATE, &state);
}

static int do_close(void *arg)
{
	struct ring *r = arg;

	close(r->nic.owner);
	r->nic.owner = -1;
	return 0;
}

static int do_delete(void *arg)
{
	return if_delete(((struct ring *)arg)->rtnetlink, "tap0");
}

FIXTURE(offers) {
	struct ring r;
	struct race race;
	struct score score;
};

FIXTURE_SETUP(offers)
{
	ASSERT_EQ(0, new_netns());
	self->race.arg = &self->r;
}

FIXTURE_TEARDOWN(offers)
{
	close_all(&self->r);
}

static int end_keep(struct ring *r)
{
	int ret = nl_release("nic");

	close_all(r);
	return ret;
}

TEST_F(offers, of_two_who_claim_at_once_exactly_one_wins)
{
	self->race.a = do_claim;
	self->race.b = do_claim_second;
	while (goes_on(&self->score)) {
		ASSERT_EQ(0, offer_again(&self->r));
		ASSERT_EQ(0, run_race(&self->race));
		ASSERT_TRUE((self->race.a_ret == 0 &&
			     self->race.b_ret == -ESTALE) ||
			    (self->race.b_ret == 0 &&
			     self->race.a_ret == -ESTALE));
		ASSERT_EQ(TAPKEEP_ROLE_OWNER, keep_role(self->r.claimer));
		ASSERT_EQ(2, keep_generation(self->r.claimer));
		ASSERT_EQ(TAPKEEP_ROLE_STALE, keep_role(self->r.nic.owner));
		count(&self->race, &self->score, !self->race.a_ret);
		ASSERT_EQ(0, end_keep(&self->r));
	}
	EXPECT_BOTH(self->score);
}

/* Either the owner goes on and nobody can claim, or the claimer has it. */
TEST_F(offers, of_thaw_and_claim_exactly_one_wins)
{
	self->race.a = do_claim;
	self->race.b = do_thaw;
	while (goes_on(&self->score)) {
		ASSERT_EQ(0, offer_again(&self->r));
		ASSERT_EQ(0, run_race(&self->race));
		if (!self->race.a_ret) {
			ASSERT_EQ(-ESTALE, self->race.b_ret);
			ASSERT_EQ(TAPKEEP_FROZEN, keep_state(self->r.claimer));
			ASSERT_EQ(LIMIT, ring_size("nic"));
		} else {
			ASSERT_EQ(-ESTALE, self->race.a_ret);
			ASSERT_EQ(0, self->race.b_ret);
			ASSERT_EQ(TAPKEEP_ACTIVE,
				  keep_state(self->r.nic.owner));
			ASSERT_EQ(1, keep_generation(self->r.nic.owner));
		}
		count(&self->race, &self->score, !self->race.a_ret);
		ASSERT_EQ(0, end_keep(&self->r));
	}
	EXPECT_BOTH(self->score);
}

TEST_F(offers, of_revoke_and_claim_exactly_one_wins)
{
	self->race.a = do_claim;
	self->race.b = do_revoke;
	while (goes_on(&self->score)) {
		ASSERT_EQ(0, offer_again(&self->r));
		ASSERT_EQ(0, run_race(&self->race));
		ASSERT_EQ(self->race.a_ret ? 0 : -ESTALE, self->race.b_ret);
		ASSERT_EQ(self->race.a_ret ? -ESTALE : 0, self->race.a_ret);
		ASSERT_EQ(self->race.a_ret ? TAPKEEP_ROLE_OWNER :
					     TAPKEEP_ROLE_STALE,
			  keep_role(self->r.nic.owner));
		count(&self->race, &self->score, !self->race.a_ret);
		ASSERT_EQ(0, end_keep(&self->r));
	}
	EXPECT_BOTH(self->score);
}

TEST_F(offers, of_release_and_claim_exactly_one_wins)
{
	self->race.a = do_claim;
	self->race.b = do_release;
	while (goes_on(&self->score)) {
		ASSERT_EQ(0, offer_again(&self->r));
		ASSERT_EQ(0, run_race(&self->race));
		if (!self->race.a_ret) {
			ASSERT_EQ(-ESTALE, self->race.b_ret);
			ASSERT_EQ(TAPKEEP_FROZEN, named_state("nic"));
			ASSERT_EQ(0, nl_release("nic"));
		} else {
			ASSERT_EQ(-ENODEV, self->race.a_ret);
			ASSERT_EQ(0, self->race.b_ret);
			ASSERT_EQ(-ENOENT, named_state("nic"));
		}
		count(&self->race, &self->score, !self->race.a_ret);
		close_all(&self->r);
	}
	EXPECT_BOTH(self->score);
}

/*
 * An owner that dies while its offer is claimed: there is no moment at which
 * the claim could fail, and the keep is not an orphan afterwards.
 */
TEST_F(offers, the_death_of_the_owner_does_not_take_the_keep_from_a_claimer)
{
	struct nl monitor;
	struct nl_keep k;

	ASSERT_EQ(0, nl_monitor(&monitor));
	self->race.a = do_claim;
	self->race.b = do_close;
	while (goes_on(&self->score)) {
		bool orphan_first = false;

		ASSERT_EQ(0, offer_again(&self->r));
		ASSERT_EQ(0, run_race(&self->race));
		ASSERT_EQ(0, self->race.a_ret);
		ASSERT_EQ(TAPKEEP_FROZEN, keep_state(self->r.claimer));
		ASSERT_EQ(2, keep_generation(self->r.claimer));
		while (nl_event(&monitor, &k) != TAPKEEP_EVENT_CLAIMED)
			orphan_first |= k.event == TAPKEEP_EVENT_ORPHANED;
		count(&self->race, &self->score, !orphan_first);
		ASSERT_EQ(0, end_keep(&self->r));
		ASSERT_EQ(TAPKEEP_EVENT_RELEASED, nl_event(&monitor, &k));
	}
	EXPECT_BOTH(self->score);
}

/* By name there is something to claim only after the owner's death. */
TEST_F(offers, claim_by_name_waits_for_the_death_of_the_owner)
{
	self->race.a = do_claim_by_name;
	self->race.b = do_close;
	while (goes_on(&self->score)) {
		ASSERT_EQ(0, keep_again(&self->r));
		ASSERT_EQ(0, run_race(&self->race));
		if (!self->race.a_ret) {
			ASSERT_EQ(TAPKEEP_FROZEN, keep_state(self->r.claimer));
		} else {
			ASSERT_EQ(-EBUSY, self->race.a_ret);
			ASSERT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
		}
		count(&self->race, &self->score, self->race.a_ret);
		ASSERT_EQ(0, end_keep(&self->r));
	}
	EXPECT_BOTH(self->score);
}

/* When each was done: what they return does not tell. */
static uint64_t pinned_at, set_at;

static int do_pin_timed(void *arg)
{
	int ret = do_pin(arg);

	pinned_at = now_ns();
	return ret;
}

static int do_set_limit(void *arg)
{
	const struct limits limits = { .hold_limit = 3000 };
	struct nl nl;
	int ret = nl_open(&nl);

	(void)arg;
	ret = ret ?: set_limits(&nl, limits);
	set_at = now_ns();
	close(nl.fd);
	return ret;
}

/* Its memory is allocated before it is known what it is pinned into. */
TEST_F(offers, a_pin_has_the_limit_that_is_set_meanwhile)
{
	struct nl_keep k;

	self->r.offer = -1;
	self->r.second_offer = -1;
	self->r.claimer = -1;
	self->race.a = do_pin_timed;
	self->race.b = do_set_limit;
	while (goes_on(&self->score)) {
		self->r.nic.queue = tap_open("tap0");
		self->r.nic.owner = keep_create_with("nic", 1 << 20, 0);
		ASSERT_EQ(0, run_race(&self->race));
		ASSERT_EQ(0, self->race.a_ret);
		ASSERT_EQ(0, self->race.b_ret);
		ASSERT_EQ(0, keep_freeze(self->r.nic.owner));
		ASSERT_EQ(0, nl_get("nic", &k));
		ASSERT_EQ(3000, k.hold_limit);
		ASSERT_EQ(3000, k.queues[0].ring_size);
		count(&self->race, &self->score, pinned_at < set_at);
		ASSERT_EQ(0, keep_release(self->r.nic.owner));
		close_all(&self->r);
	}
	EXPECT_BOTH(self->score);
}

/*
 * The interface is deleted in the middle of each operation
 */

FIXTURE(deleted) {
	struct ring r;
	struct race race;
	struct score score;
	struct nl monitor;
};

FIXTURE_VARIANT(deleted) {
	int (*prepare)(struct ring *r);
	int (*operation)(void *arg);
	int late;	/* what it says when it comes too late */
};

static int frozen_again(struct ring *r)
{
	int ret = keep_again(r);

	return ret ?: keep_freeze(r->nic.owner);
}

static int orphan_again(struct ring *r)
{
	int ret = keep_again(r);

	close(r->nic.owner);
	r->nic.owner = -1;
	return ret;
}

static int unpinned_again(struct ring *r)
{
	int ret = keep_again(r);

	/* The name is free again, and nothing is pinned. */
	ret = ret ?: keep_release(r->nic.owner);
	close(r->nic.owner);
	r->nic.owner = ret ?: keep_create("nic");
	return r->nic.owner < 0 ? r->nic.owner : 0;
}

FIXTURE_VARIANT_ADD(deleted, in_pin) {
	.prepare = unpinned_again, .operation = do_pin, .late = -EBADFD,
};

FIXTURE_VARIANT_ADD(deleted, in_freeze) {
	.prepare = keep_again, .operation = do_freeze, .late = -ENODEV,
};

FIXTURE_VARIANT_ADD(deleted, in_thaw) {
	.prepare = frozen_again, .operation = do_thaw, .late = -ENODEV,
};

FIXTURE_VARIANT_ADD(deleted, in_offer) {
	.prepare = frozen_again, .operation = do_offer, .late = -ENODEV,
};

FIXTURE_VARIANT_ADD(deleted, in_claim) {
	.prepare = offer_again, .operation = do_claim, .late = -ENODEV,
};

FIXTURE_VARIANT_ADD(deleted, in_claim_by_name) {
	.prepare = orphan_again, .operation = do_claim_by_name, .late = -ENOENT,
};

FIXTURE_VARIANT_ADD(deleted, in_revoke) {
	.prepare = offer_again, .operation = do_revoke, .late = -ENODEV,
};

FIXTURE_VARIANT_ADD(deleted, in_get_queue) {
	.prepare = keep_again, .operation = do_get_queue, .late = -ENODEV,
};

FIXTURE_VARIANT_ADD(deleted, in_export) {
	.prepare = frozen_again, .operation = do_export, .late = -ENODEV,
};

/* That always succeeds: whether it was in time, the events tell. */
FIXTURE_VARIANT_ADD(deleted, in_the_owners_death) {
	.prepare = keep_again, .operation = do_close,
};

FIXTURE_VARIANT_ADD(deleted, in_release) {
	.prepare = frozen_again, .operation = do_release, .late = -ENODEV,
};

FIXTURE_SETUP(deleted)
{
	ASSERT_EQ(0, new_netns());
	self->race.arg = &self->r;
	self->r.rtnetlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
				   NETLINK_ROUTE);
	ASSERT_LE(0, self->r.rtnetlink);
	ASSERT_EQ(0, nl_monitor(&self->monitor));
}

FIXTURE_TEARDOWN(deleted)
{
	close_all(&self->r);
}

/*
 * The events until the end of the keep. Return: that one; it is the last.
 * *@orphaned: whether it had been one by then.
 */
static int last_event(struct nl *monitor, bool *orphaned)
{
	struct nl_keep k;
	int event;

	*orphaned = false;
	do {
		event = nl_event(monitor, &k);
		*orphaned |= event == TAPKEEP_EVENT_ORPHANED;
	} while (event > 0 && k.state != TAPKEEP_ENDED);
	return event;
}

/*
 * What there is of the keep afterwards: nothing, but if it came too late to pin
 * the interface a keep without one, which is released.
 */
static int left_over(struct ring *r, bool unpinned)
{
	int handle = r->claimer >= 0 ? r->claimer : r->nic.owner;
	int state = handle < 0 ? -ENODEV : keep_state(handle);

	if (state != (unpinned ? TAPKEEP_ACTIVE : -ENODEV))
		return 1;
	if (unpinned && keep_release(handle))
		return 2;
	return named_state("nic") == -ENOENT ? 0 : 3;
}

/*
 * The operation is done or comes too late; the deletion goes through at once
 * either way, and no keep is left on what is gone.
 */
TEST_F_TIMEOUT(deleted, interface, 60)
{
	bool is_pin = variant->operation == do_pin;
	bool is_close = variant->operation == do_close;
	bool is_release = variant->operation == do_release;

	self->race.a = variant->operation;
	self->race.b = do_delete;
	self->score.until = now_ms() + DELETIONS_MS * timeout_factor();
	while (goes_on(&self->score)) {
		bool done, released, orphaned;

		ASSERT_EQ(0, variant->prepare(&self->r));
		if (is_pin)
			ASSERT_EQ(TAPKEEP_EVENT_RELEASED,
				  last_event(&self->monitor, &orphaned));
		ASSERT_EQ(0, run_race(&self->race));
		done = !self->race.a_ret;
		if (!done)
			ASSERT_EQ(variant->late, self->race.a_ret);
		ASSERT_EQ(0, self->race.b_ret);
		ASSERT_EQ(-ENODEV, if_index("tap0"));
		ASSERT_EQ(0, left_over(&self->r, is_pin && !done));
		released = (is_release && done) || (is_pin && !done);
		ASSERT_EQ(released ? TAPKEEP_EVENT_RELEASED :
				     TAPKEEP_EVENT_DEVICE_GONE,
			  last_event(&self->monitor, &orphaned));
		count(&self->race, &self->score, is_close ? orphaned : done);
		close_all(&self->r);
	}
	EXPECT_BOTH(self->score);
	EXPECT_TRUE(WITHIN(10000, module_users() == 0));
}

/*
 * A namespace that ends
 */

FIXTURE(namespace) {
	struct ring r;
	struct race race;
};

FIXTURE_SETUP(namespace)
{
	ASSERT_EQ(0, new_netns());
	ASSERT_TRUE(WITHIN(10000, module_users() == 0));
}

FIXTURE_TEARDOWN(namespace)
{
	close_all(&self->r);
}

/* In a namespace of its own: a keep on a queue of ours, whose owner it gives. */
static int give_owner(int sock, int queue)
{
	int owner;

	if (new_netns())
		return 1;
	owner = keep_create("nic");
	if (owner < 0 || keep_pin(owner, queue))
		return 2;
	return pass_fds(sock, 'o', &owner, 1) ? 3 : 0;
}

/* Given a keep in a namespace whose last process ends while its owner works. */
TEST_F_TIMEOUT(namespace, that_ends_in_the_middle_ends_its_keep_for_good, 60)
{
	int round, pair[2], status, ret, done = 0;
	uint64_t until;
	pid_t pid;

	self->r.nic.queue = tap_open("tap0");
	for (round = 0; round < 12; round++) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
		pid = fork();
		if (!pid)
			_exit(give_owner(pair[1], self->r.nic.queue));
		ASSERT_EQ('o', take_fd(pair[0], 0, &self->r.nic.owner));

		/* Each operation is whole until the first that is too late. */
		until = now_ms() + 10000;
		for (ret = 0; !ret && now_ms() < until; done++) {
			ret = keep_freeze(self->r.nic.owner);
			ret = ret ?: do_offer(&self->r);
			ret = ret ?: keep_thaw(self->r.nic.owner);
		}
		ASSERT_EQ(-ENODEV, ret);
		ASSERT_EQ(-ENODEV, keep_freeze(self->r.nic.owner));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);

		/* The queue is free, and the interface was none of its. */
		close(self->r.nic.owner);
		self->r.nic.owner = keep_create("nic");
		ASSERT_EQ(0, keep_pin(self->r.nic.owner, self->r.nic.queue));
		ASSERT_EQ(0, keep_release(self->r.nic.owner));
		close(self->r.nic.owner);
		close(pair[0]);
		close(pair[1]);
	}
	self->r.nic.owner = -1;
	TH_LOG("%d times before it was too late", done);
	EXPECT_TRUE(WITHIN(10000, module_users() == 0));
}

static int do_let_namespace_end(void *arg)
{
	return close(((struct ring *)arg)->peer[0]);
}

/* In a namespace that nobody is in: the descriptor of it is all there is. */
static int keep_in_namespace(struct ring *r)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int ret = new_netns();

	if (ret)
		return ret;
	r->peer[0] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	r->nic.owner = keep_create("nic");
	ret = setns(home, CLONE_NEWNET) ? -errno : 0;
	close(home);
	return ret ?: r->nic.owner < 0 ? r->nic.owner : 0;
}

/* Whoever releases still has to count what is gone when the namespace is. */
TEST_F_TIMEOUT(namespace, that_ends_while_its_keep_is_released_from_elsewhere, 60)
{
	struct race race = { .a = do_release, .b = do_let_namespace_end,
			     .arg = &self->r, .step_us = 2000 };
	struct score score = {};

	while (goes_on(&score)) {
		ASSERT_EQ(0, keep_in_namespace(&self->r));
		ASSERT_EQ(0, run_race(&race));
		ASSERT_EQ(0, race.b_ret);
		ASSERT_TRUE(!race.a_ret || race.a_ret == -ENODEV);
		close(self->r.nic.owner);
		count(&race, &score, !race.a_ret);
	}
	self->r.nic.owner = -1;
	EXPECT_BOTH(score);
	EXPECT_TRUE(WITHIN(10000, module_users() == 0));
}

static int nothing(int arg)
{
	return arg;
}

/* Given an interface that was moved to a namespace which ends. */
TEST_F_TIMEOUT(namespace, that_the_interface_is_in_ends_the_keep_on_it, 60)
{
	char text[64];
	int round, ret, go = -1;
	uint64_t until;
	pid_t pid;

	for (round = 0; round < 6; round++) {
		ASSERT_EQ(0, keep_again(&self->r));
		pid = start_in_netns(nothing, 0, &go);
		ASSERT_LT(0, pid);
		snprintf(text, sizeof(text), "ip link set tap0 netns %d", pid);
		ASSERT_EQ(0, run(text));
		close(go);
		until = now_ms() + 10000;
		for (ret = 0; !ret && now_ms() < until;) {
			ret = keep_freeze(self->r.nic.owner);
			ret = ret ?: keep_thaw(self->r.nic.owner);
		}
		ASSERT_EQ(-ENODEV, ret);
		ASSERT_EQ(-ENOENT, named_state("nic"));
		waitpid(pid, NULL, 0);
		close_all(&self->r);
	}
	EXPECT_TRUE(WITHIN(10000, module_users() == 0));
}

/*
 * tx_queue_len
 */

struct lengths {
	atomic_bool stop;
	atomic_int set;
	atomic_int refused;
	atomic_int strange;
};

static void *change_lengths(void *arg)
{
	static const int lens[] = { 1000, 300, 5000 };
	struct lengths *lengths = arg;
	int i, ret;

	for (i = 0; !lengths->stop; i++) {
		ret = set_tx_queue_len("tap0", lens[i % 3]);
		lengths->set += !ret;
		lengths->refused += ret == -EBUSY;
		lengths->strange += ret && ret != -EBUSY;
	}
	return NULL;
}

/* A frozen ring is as large as the limit, whenever the change came. */
TEST(tx_queue_len_changed_against_freeze_never_shrinks_the_hold)
{
	struct lengths lengths = {};
	uint64_t until = now_ms() + 4000;
	uint32_t number = 0;
	struct nic nic;
	pthread_t thread;
	int rounds;

	ASSERT_EQ(0, nic_open(&nic));
	ASSERT_EQ(0, pthread_create(&thread, NULL, change_lengths, &lengths));
	for (rounds = 0; now_ms() < until; rounds++) {
		ASSERT_EQ(0, keep_freeze(nic.owner));
		ASSERT_EQ(LIMIT, ring_size("nic"));
		ASSERT_EQ(400, send_packets("tap0", number, 400));
		ASSERT_EQ(LIMIT, ring_size("nic"));
		ASSERT_EQ(400, read_packets(nic.queue, number));
		number += 400;
		ASSERT_EQ(0, keep_thaw(nic.owner));
		/* Until there is room for a change again. */
		ASSERT_TRUE(WITHIN(5000, ring_size("nic") != LIMIT));
	}
	lengths.stop = true;
	pthread_join(thread, NULL);
	TH_LOG("%d freezes, %d changes, %d refused", rounds, lengths.set,
	       lengths.refused);
	EXPECT_LT(0, lengths.set);
	EXPECT_LT(0, lengths.refused);
	EXPECT_EQ(0, lengths.strange);
	EXPECT_EQ(get_tx_queue_len("tap0"), ring_size("nic"));
	keep_release(nic.owner);
}

/*
 * The module
 */

struct user {
	atomic_bool stop;
	atomic_bool has_it;
	atomic_int opened;
	atomic_int absent;
	atomic_int wrong;
};

static void *use_module(void *arg)
{
	struct user *user = arg;
	struct tapkeep_create cmd;
	int fd, ret;

	while (!user->stop) {
		fd = open("/dev/tapkeep", O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			user->wrong += errno != ENOENT && errno != ENXIO &&
				       errno != ENODEV;
			user->absent++;
			continue;
		}
		user->has_it = true;
		user->opened++;
		cmd = (struct tapkeep_create){ .size = sizeof(cmd), .fd = -1 };
		strcpy(cmd.name, "nic");
		ret = call(fd, TAPKEEP_CREATE, &cmd);
		user->wrong += ret != 0;
		close(fd);
		/* The handle alone keeps the module as well. */
		user->wrong += keep_state(cmd.fd) != TAPKEEP_ACTIVE;
		user->has_it = false;
		close(cmd.fd);
	}
	return NULL;
}

TEST_F_TIMEOUT(namespace, no_open_file_ever_loses_its_module, 60)
{
	struct user user = {};
	uint64_t until = now_ms() + RACE_MS * timeout_factor();
	int unloaded = 0, refused = 0, lost = 0;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, use_module, &user));
	while ((unloaded < SEEN_OFTEN || refused < SEEN_OFTEN ||
		user.opened < SEEN_OFTEN) && now_ms() < until) {
		if (module_unload()) {
			refused++;
			continue;
		}
		unloaded++;
		lost += user.has_it;
		ASSERT_EQ(0, module_load());
	}
	user.stop = true;
	pthread_join(thread, NULL);
	TH_LOG("%d times unloaded, %d refused, %d opened, %d not there",
	       unloaded, refused, user.opened, user.absent);
	EXPECT_LE(SEEN_OFTEN, unloaded);
	EXPECT_LE(SEEN_OFTEN, refused);
	EXPECT_LE(SEEN_OFTEN, user.opened);
	EXPECT_EQ(0, lost);
	EXPECT_EQ(0, user.wrong);
}

/*
 * Handles that are inherited, passed on, and closed by others
 */

/* Both ends close, and with them what is on the way. */
static int do_close_ends(void *arg)
{
	struct ring *r = arg;

	shutdown(r->peer[1], SHUT_RDWR);
	close(r->peer[0]);
	close(r->peer[1]);
	return 0;
}

static int do_take(void *arg)
{
	struct ring *r = arg;

	return take_fd(r->peer[1], MSG_DONTWAIT, &r->claimer) ? 0 : -1;
}

/* Given the owner's handle on its way, then it arrives or the keep is an orphan. */
TEST_F(offers, a_handle_on_its_way_arrives_or_is_closed)
{
	self->race.a = do_take;
	self->race.b = do_close_ends;
	while (goes_on(&self->score)) {
		ASSERT_EQ(0, keep_again(&self->r));
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0,
					self->r.peer));
		ASSERT_EQ(0, pass_fds(self->r.peer[0], 'o', &self->r.nic.owner,
				      1));
		close(self->r.nic.owner);
		self->r.nic.owner = -1;
		ASSERT_EQ(TAPKEEP_ACTIVE, named_state("nic"));
		ASSERT_EQ(0, run_race(&self->race));
		if (!self->race.a_ret) {
			ASSERT_EQ(TAPKEEP_ACTIVE, keep_state(self->r.claimer));
			ASSERT_EQ(TAPKEEP_ROLE_OWNER,
				  keep_role(self->r.claimer));
		} else {
			ASSERT_TRUE(WITHIN(5000, named_state("nic") ==
						 TAPKEEP_ORPHAN));
		}
		count(&self->race, &self->score, !self->race.a_ret);
		ASSERT_EQ(0, end_keep(&self->r));
	}
	EXPECT_BOTH(self->score);
}

/* The socket's own descriptors are on the way as well: nobody can reach it. */
TEST_F(offers, a_handle_in_a_cycle_of_sockets_is_collected)
{
	int fds[3], other[2], round;

	for (round = 0; round < 10; round++) {
		ASSERT_EQ(0, keep_again(&self->r));
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0,
					self->r.peer));
		fds[0] = self->r.nic.owner;
		fds[1] = self->r.peer[0];
		fds[2] = self->r.peer[1];
		ASSERT_EQ(0, pass_fds(self->r.peer[0], 'o', fds, 3));
		close(self->r.nic.owner);
		self->r.nic.owner = -1;
		close(self->r.peer[0]);
		close(self->r.peer[1]);
		/* The collector runs when some other socket is closed. */
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, other));
		close(other[0]);
		close(other[1]);
		ASSERT_TRUE(WITHIN(5000, named_state("nic") == TAPKEEP_ORPHAN));
		ASSERT_EQ(0, end_keep(&self->r));
	}
	EXPECT_TRUE(WITHIN(10000, module_users() == 0));
}

#define HEIRS 6

/* Given a handle in many processes, then the last one's end makes the orphan. */
TEST_F_TIMEOUT(offers, an_inherited_handle_counts_until_its_last_holder_ends, 60)
{
	atomic_int *left = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int round, i, claimer, refused = 0;
	pid_t pids[HEIRS];

	for (round = 0; round < 20; round++) {
		uint64_t until = now_ms() + 10000;

		*left = 0;
		ASSERT_EQ(0, keep_again(&self->r));
		for (i = 0; i < HEIRS; i++) {
			pids[i] = fork();
			if (!pids[i]) {
				usleep(rand() % 5000 + 300 * i);
				++*left;
				_exit(0);
			}
		}
		close(self->r.nic.owner);
		self->r.nic.owner = -1;
		while ((claimer = keep_claim("nic", 0)) == -EBUSY &&
		       now_ms() < until)
			refused++;
		ASSERT_LE(0, claimer);
		/* None of them can have it any more. */
		ASSERT_EQ(HEIRS, *left);
		for (i = 0; i < HEIRS; i++)
			waitpid(pids[i], NULL, 0);
		ASSERT_EQ(TAPKEEP_FROZEN, keep_state(claimer));
		ASSERT_EQ(2, keep_generation(claimer));
		self->r.claimer = claimer;
		ASSERT_EQ(0, end_keep(&self->r));
	}
	EXPECT_LT(0, refused);
}

static int do_close_range(void *arg)
{
	struct ring *r = arg;

	return syscall(SYS_close_range, r->nic.owner, r->nic.owner, 0);
}

/*
 * Given a close_range over the handle of an operation, then the operation is
 * done or has no descriptor; and the keep is an orphan after both.
 */
TEST_F(offers, close_range_in_the_middle_of_a_freeze_leaves_an_orphan)
{
	self->race.a = do_freeze;
	self->race.b = do_close_range;
	while (goes_on(&self->score)) {
		ASSERT_EQ(0, keep_again(&self->r));
		ASSERT_EQ(0, run_race(&self->race));
		ASSERT_EQ(0, self->race.b_ret);
		if (self->race.a_ret)
			ASSERT_EQ(-EBADF, self->race.a_ret);
		self->r.nic.owner = -1;
		ASSERT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
		ASSERT_EQ(LIMIT, ring_size("nic"));
		count(&self->race, &self->score, !self->race.a_ret);
		ASSERT_EQ(0, end_keep(&self->r));
	}
	EXPECT_BOTH(self->score);
}

/* The number that a new handle will have is known: the lowest that is free. */
static int do_create(void *arg)
{
	struct ring *r = arg;

	r->nic.owner = keep_create("nic");
	return r->nic.owner < 0 ? r->nic.owner : 0;
}

static int do_close_next(void *arg)
{
	struct ring *r = arg;

	return syscall(SYS_close_range, r->claimer, r->claimer + 1, 0);
}

/* What is closed before it is there stays; what is there is gone with its keep. */
TEST_F(offers, close_range_in_the_middle_of_a_create_leaves_all_or_nothing)
{
	self->race.a = do_create;
	self->race.b = do_close_next;
	while (goes_on(&self->score)) {
		bool there;

		/* The device's descriptor is the first, the handle the next. */
		self->r.claimer = dup(0);
		close(self->r.claimer);
		ASSERT_EQ(0, run_race(&self->race));
		ASSERT_EQ(0, self->race.b_ret);
		self->r.claimer = -1;
		self->r.nic.queue = -1;
		if (self->race.a_ret) {
			/* It was the device's that was closed. */
			ASSERT_EQ(-EBADF, self->race.a_ret);
			ASSERT_EQ(-ENOENT, named_state("nic"));
			continue;
		}
		there = fcntl(self->r.nic.owner, F_GETFD) >= 0;
		if (there)
			ASSERT_EQ(TAPKEEP_ACTIVE,
				  keep_state(self->r.nic.owner));
		ASSERT_EQ(there ? TAPKEEP_ACTIVE : -ENOENT, named_state("nic"));
		count(&self->race, &self->score, !there);
		if (there)
			ASSERT_EQ(0, keep_release(self->r.nic.owner));
		close(self->r.nic.owner);
		self->r.nic.owner = -1;
	}
	EXPECT_BOTH(self->score);
	EXPECT_TRUE(WITHIN(10000, module_users() == 0));
}

/* Another thread's own table of descriptors is no concern of ours. */
static void *close_all_in_a_copy(void *arg)
{
	(void)arg;
	if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_UNSHARE))
		return (void *)1;
	return NULL;
}

TEST_F(offers, close_range_in_a_copy_of_the_descriptors_closes_nothing)
{
	void *ret = NULL;
	pthread_t thread;

	ASSERT_EQ(0, keep_again(&self->r));
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_all_in_a_copy, NULL));
	ASSERT_EQ(0, keep_freeze(self->r.nic.owner));
	pthread_join(thread, &ret);
	EXPECT_EQ(NULL, ret);
	EXPECT_EQ(0, keep_thaw(self->r.nic.owner));
	EXPECT_EQ(TAPKEEP_ROLE_OWNER, keep_role(self->r.nic.owner));
}

TEST_HARNESS_MAIN
