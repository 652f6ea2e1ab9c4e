// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that runs out in the middle of each operation: its first allocation
 * fails, then its second, and so on until it has none left to fail. What fails
 * must say ENOMEM and have changed nothing; what needs no memory must not fail.
 *
 * Needs a kernel with fault injection, and is not for any other.
 */
#include <dirent.h>
#include "module_netlink.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"
/* Where modules are: all others are built into the kernel of these tests. */
#define MODULES_FROM	"0xffffffffa0000000"
#define MODULES_TO	"0xffffffffff000000"
#define NTH_MAX		200

/* So few slots that they are no more than a page, which has no second try. */
#define SLOTS		256

static struct tapkeep_queue_state queue_state = {
	.rx_last_avail = 1, .rx_used = 2, .tx_last_avail = 3, .tx_used = 4,
	.rx_size = 256, .tx_size = 256,
};

/* What must be as it was after a failure. */
struct snapshot {
	int users;
	int descriptors;
	int keeps;
	struct tapkeep_info info;
	struct nl_keep k;
};

FIXTURE(nomem) {
	struct nic nic;
	int spare_queue;
	int other;	/* an offer, or a keep without a queue */
	struct nl nl;
	struct nl monitor;
	struct nl_keep k;
	struct snapshot before, after;
};

/* Of this process: each has its own count. */
static int fail_nth_fd = -1;

static bool open_fail_nth(void)
{
	close(fail_nth_fd);
	fail_nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	return fail_nth_fd >= 0;
}

static int set_failslab(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), FAILSLAB "%s", name);
	return write_file(path, value);
}

/* Only what is allocated on behalf of the module, and without a word in the log. */
static int prepare_failslab(void)
{
	return set_failslab("verbose", "0") ?:
	       set_failslab("ignore-gfp-wait", "N") ?:
	       set_failslab("require-start", MODULES_FROM) ?:
	       set_failslab("require-end", MODULES_TO) ?:
	       set_failslab("times", "-1") ?:
	       set_failslab("probability", "0");
}

static void set_fail_nth(int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", nth);
	if (pwrite(fail_nth_fd, text, strlen(text), 0) < 0)
		abort();
}

/* Has the allocation failed that was to? Either way no other one will. */
static bool has_failed(void)
{
	char text[16] = "";
	bool failed;

	if (pread(fail_nth_fd, text, sizeof(text) - 1, 0) < 0)
		abort();
	failed = !atoi(text);
	set_fail_nth(0);
	return failed;
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static void look(FIXTURE_DATA(nomem) *self, struct snapshot *at)
{
	at->descriptors = count_descriptors();
	at->keeps = nl_dump_keeps(&self->nl, sizeof(self->nl.buffer), NULL, NULL);
	at->users = module_users();
	keep_info(self->nic.owner, &at->info);
	nl_get_on(&self->nl, "nic", &at->k);
	/* Of an orphan it gets less. */
	at->k.lease_left = 0;
}

/* Files that were made and given up are closed by the kernel in its own time. */
static void expect_unchanged(struct __test_metadata *_metadata,
			     FIXTURE_DATA(nomem) *self)
{
	struct snapshot *a = &self->before, *b = &self->after;

	EXPECT_TRUE(WITHIN(2000, module_users() == a->users));
	look(self, b);
	EXPECT_EQ(a->users, b->users);
	EXPECT_EQ(a->descriptors, b->descriptors);
	EXPECT_EQ(a->keeps, b->keeps);
	EXPECT_EQ(a->info.state, b->info.state);
	EXPECT_EQ(a->info.generation, b->info.generation);
	EXPECT_EQ(0, memcmp(&a->info, &b->info, sizeof(a->info)));
	EXPECT_EQ(a->k.nr_queues, b->k.nr_queues);
	EXPECT_EQ(0, memcmp(&a->k, &b->k, sizeof(a->k)));
}

typedef int (*operation)(FIXTURE_DATA(nomem) *self);
/* Undoes what the operation did and returned; for a descriptor it is close(). */
typedef void (*undoing)(FIXTURE_DATA(nomem) *self, int ret);

static int attempt(FIXTURE_DATA(nomem) *self, operation operate, int nth,
		   bool *failed)
{
	int ret;

	set_fail_nth(nth);
	ret = operate(self);
	*failed = has_failed();
	return ret;
}

/*
 * Operates with each of its allocations failing, and once with all of them
 * there. Return: how often it failed.
 */
static int fail_each(struct __test_metadata *_metadata,
		     FIXTURE_DATA(nomem) *self, operation operate, undoing undo)
{
	bool failed = true;
	int nth, ret, failures = 0;

	for (nth = 1; failed; nth++) {
		ASSERT_GT(NTH_MAX, nth);
		look(self, &self->before);
		ret = attempt(self, operate, nth, &failed);
		if (failed && ret < 0) {
			EXPECT_EQ(-ENOMEM, ret);
			expect_unchanged(_metadata, self);
			failures++;
		} else {
			ASSERT_LE(0, ret);
			undo(self, ret);
		}
	}
	return failures;
}

static void close_it(FIXTURE_DATA(nomem) *self, int fd)
{
	(void)self;
	close(fd);
}

static void do_nothing(FIXTURE_DATA(nomem) *self, int ret)
{
	(void)self;
	(void)ret;
}

FIXTURE_SETUP(nomem)
{
	ASSERT_TRUE(open_fail_nth());
	ASSERT_EQ(0, prepare_failslab());
	ASSERT_EQ(0, new_netns());
	self->nic.queue = tap_open("tap0");
	ASSERT_LE(0, self->nic.queue);
	ASSERT_EQ(0, if_up("tap0"));
	self->nic.owner = keep_create_with("nic", SLOTS, 0);
	ASSERT_EQ(0, keep_pin(self->nic.owner, self->nic.queue));
	self->spare_queue = tap_open("tap1");
	ASSERT_LE(0, self->spare_queue);
	ASSERT_EQ(0, nl_open(&self->nl));
	self->other = -1;
}

FIXTURE_TEARDOWN(nomem)
{
	set_failslab("probability", "0");
	keep_release(self->nic.owner);
	keep_release(self->other);
}

static int do_create(FIXTURE_DATA(nomem) *self)
{
	(void)self;
	return keep_create("another");
}

TEST_F(nomem, create)
{
	int failures = fail_each(_metadata, self, do_create, close_it);

	TH_LOG("%d failures", failures);
	/* The keep, the handle, the file and its name. */
	EXPECT_LE(4, failures);
	EXPECT_EQ(-ENOENT, named_state("another"));
}

static int do_observe(FIXTURE_DATA(nomem) *self)
{
	(void)self;
	return keep_observe("nic");
}

TEST_F(nomem, observe)
{
	int failures = fail_each(_metadata, self, do_observe, close_it);

	TH_LOG("%d failures", failures);
	EXPECT_LE(3, failures);
}

static int do_pin(FIXTURE_DATA(nomem) *self)
{
	return keep_pin(self->other, self->spare_queue);
}

static void begin_anew(FIXTURE_DATA(nomem) *self, int ret)
{
	(void)ret;
	keep_release(self->other);
	close(self->other);
	self->other = keep_create_with("another", SLOTS, 0);
}

TEST_F(nomem, pin)
{
	int failures;

	begin_anew(self, 0);
	failures = fail_each(_metadata, self, do_pin, begin_anew);
	TH_LOG("%d failures", failures);
	/* The queue, and the slots of its hold. */
	EXPECT_LE(2, failures);
	/* Nothing is left of the pins that failed. */
	EXPECT_EQ(0, do_pin(self));
}

static int do_freeze(FIXTURE_DATA(nomem) *self)
{
	return keep_freeze(self->nic.owner);
}

static void undo_freeze(FIXTURE_DATA(nomem) *self, int ret)
{
	(void)ret;
	keep_thaw(self->nic.owner);
}

TEST_F(nomem, freeze_needs_none)
{
	EXPECT_EQ(0, fail_each(_metadata, self, do_freeze, undo_freeze));
}

static int do_thaw(FIXTURE_DATA(nomem) *self)
{
	return keep_thaw(self->nic.owner);
}

static void undo_thaw(FIXTURE_DATA(nomem) *self, int ret)
{
	(void)ret;
	keep_freeze(self->nic.owner);
}

TEST_F(nomem, thaw_needs_none)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	EXPECT_EQ(0, fail_each(_metadata, self, do_thaw, undo_thaw));
}

static int do_offer(FIXTURE_DATA(nomem) *self)
{
	return keep_offer(self->nic.owner);
}

TEST_F(nomem, offer)
{
	int failures;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	failures = fail_each(_metadata, self, do_offer, close_it);
	TH_LOG("%d failures", failures);
	EXPECT_LE(3, failures);
}

static int do_revoke(FIXTURE_DATA(nomem) *self)
{
	return keep_revoke(self->nic.owner);
}

static void undo_revoke(FIXTURE_DATA(nomem) *self, int ret)
{
	(void)ret;
	close(self->other);
	self->other = keep_offer(self->nic.owner);
}

TEST_F(nomem, revoke_needs_none)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	self->other = keep_offer(self->nic.owner);
	EXPECT_EQ(0, fail_each(_metadata, self, do_revoke, undo_revoke));
}

static int do_claim_offer(FIXTURE_DATA(nomem) *self)
{
	return keep_claim_offer(self->other);
}

/* The claimer is the owner now, and offers the keep again. */
static void undo_claim_offer(FIXTURE_DATA(nomem) *self, int claimer)
{
	close(self->nic.owner);
	close(self->other);
	self->nic.owner = claimer;
	self->other = keep_offer(claimer);
}

TEST_F(nomem, claim_by_offer)
{
	int failures;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	self->other = keep_offer(self->nic.owner);
	failures = fail_each(_metadata, self, do_claim_offer, undo_claim_offer);
	TH_LOG("%d failures", failures);
	EXPECT_LE(3, failures);
}

static int do_claim_by_name(FIXTURE_DATA(nomem) *self)
{
	(void)self;
	return keep_claim("nic", 0);
}

TEST_F(nomem, claim_by_name)
{
	int failures;

	close(self->nic.owner);
	self->nic.owner = -1;
	failures = fail_each(_metadata, self, do_claim_by_name, close_it);
	TH_LOG("%d failures", failures);
	EXPECT_LE(3, failures);
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	self->nic.owner = keep_claim("nic", 0);
}

static int do_get_queue(FIXTURE_DATA(nomem) *self)
{
	return keep_get_queue(self->nic.owner, 0);
}

TEST_F(nomem, get_queue_needs_none)
{
	EXPECT_EQ(0, fail_each(_metadata, self, do_get_queue, close_it));
}

static int table_size(void)
{
	char line[128];
	int size = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "FDSize: %d", &size) == 1)
			break;
	if (f)
		fclose(f);
	return size;
}

/* The next descriptor needs a larger table. */
static void fill_table(void)
{
	int size = table_size();

	while (dup(0) < size - 1)
		;
}

/* What a child says with its exit status. */
#define INJECTED	1
#define NO_MEMORY	2
#define BROKEN		4

static int child_main(FIXTURE_DATA(nomem) *self, operation operate, int nth)
{
	bool failed;
	int ret;

	if (!open_fail_nth())
		return BROKEN;
	fill_table();
	ret = attempt(self, operate, nth, &failed);
	if (ret < 0 && ret != -ENOMEM)
		return BROKEN;
	return (failed ? INJECTED : 0) | (ret < 0 ? NO_MEMORY : 0);
}

/* In a child: its table is small again. */
static int attempt_with_full_table(FIXTURE_DATA(nomem) *self,
				   operation operate, int nth, bool *failed)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(child_main(self, operate, nth));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) & BROKEN)
		return -ECHILD;
	*failed = WEXITSTATUS(status) & INJECTED;
	return WEXITSTATUS(status) & NO_MEMORY ? -ENOMEM : 0;
}

static void expect_more_failures(struct __test_metadata *_metadata,
				 FIXTURE_DATA(nomem) *self, operation operate,
				 undoing undo, int with_room)
{
	bool failed = true;
	int nth, ret, failures = 0;

	for (nth = 1; failed; nth++) {
		ASSERT_GT(NTH_MAX, nth);
		look(self, &self->before);
		ret = attempt_with_full_table(self, operate, nth, &failed);
		if (failed && ret < 0) {
			EXPECT_EQ(-ENOMEM, ret);
			expect_unchanged(_metadata, self);
			failures++;
		} else {
			ASSERT_EQ(0, ret);
			undo(self, ret);
		}
	}
	TH_LOG("%d failures, %d with room for a descriptor", failures, with_room);
	EXPECT_LT(with_room, failures);
}

/* The child that claimed it is gone, and what it left is an orphan. */
static void claim_from_the_dead(FIXTURE_DATA(nomem) *self, int ret)
{
	(void)ret;
	undo_claim_offer(self, keep_claim("nic", 0));
}

TEST_F(nomem, a_larger_table_of_descriptors)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	expect_more_failures(_metadata, self, do_get_queue, do_nothing, 0);
	expect_more_failures(_metadata, self, do_offer, do_nothing,
			     fail_each(_metadata, self, do_offer, close_it));
	self->other = keep_offer(self->nic.owner);
	expect_more_failures(_metadata, self, do_claim_offer,
			     claim_from_the_dead,
			     fail_each(_metadata, self, do_claim_offer,
				       undo_claim_offer));
}

static int do_set_state(FIXTURE_DATA(nomem) *self)
{
	struct tapkeep_state state = {
		.size = sizeof(state),
		.queue_size = sizeof(queue_state),
		.nr_queues = 1,
		.queues = (uintptr_t)&queue_state,
	};

	return call(self->nic.owner, TAPKEEP_SET_STATE, &state);
}

/* So that each time another state would replace the one before. */
static void change_state(FIXTURE_DATA(nomem) *self, int ret)
{
	(void)self;
	(void)ret;
	queue_state.rx_used++;
}

TEST_F(nomem, set_state)
{
	ASSERT_EQ(0, do_set_state(self));
	change_state(self, 0);
	EXPECT_EQ(1, fail_each(_metadata, self, do_set_state, change_state));
}

static int do_get_state(FIXTURE_DATA(nomem) *self)
{
	struct tapkeep_queue_state qs;
	struct tapkeep_state state = {
		.size = sizeof(state),
		.queue_size = sizeof(qs),
		.nr_queues = 1,
		.queues = (uintptr_t)&qs,
	};

	return call(self->nic.owner, TAPKEEP_GET_STATE, &state);
}

TEST_F(nomem, get_state)
{
	ASSERT_EQ(0, do_set_state(self));
	EXPECT_EQ(1, fail_each(_metadata, self, do_get_state, do_nothing));
}

static int do_get_info(FIXTURE_DATA(nomem) *self)
{
	struct tapkeep_info info;

	return keep_info(self->nic.owner, &info);
}

TEST_F(nomem, get_info_needs_none)
{
	EXPECT_EQ(0, fail_each(_metadata, self, do_get_info, do_nothing));
}

/* Whoever is refused is told why, as far as there is memory for that. */
static int do_nl_get(FIXTURE_DATA(nomem) *self)
{
	struct nl_keep k;
	int ret = nl_get_on(&self->nl, "nic", &k);

	if (ret && !strstr(self->nl.extack, "no memory for the answer"))
		return -EPROTO;
	return ret ?: -strcmp(k.name, "nic");
}

TEST_F(nomem, netlink_get)
{
	int failures = fail_each(_metadata, self, do_nl_get, do_nothing);

	TH_LOG("%d failures", failures);
	EXPECT_LE(2, failures);
}

static int do_nl_dump(FIXTURE_DATA(nomem) *self)
{
	int count = nl_dump_keeps(&self->nl, sizeof(self->nl.buffer), NULL, NULL);

	return count == self->before.keeps ? count : count < 0 ? count : -EPROTO;
}

TEST_F(nomem, netlink_dump_needs_none_of_the_module)
{
	EXPECT_EQ(0, fail_each(_metadata, self, do_nl_dump, do_nothing));
}

/* The core's allocations for a dump: an end before its time is an error. */
TEST_F(nomem, netlink_dump)
{
	bool failed = true;
	int nth, ret, failures = 0;

	ASSERT_EQ(0, set_failslab("require-start", "0"));
	ASSERT_EQ(0, set_failslab("require-end", "0xffffffffffffffff"));
	for (nth = 1; failed; nth++) {
		ASSERT_GT(NTH_MAX, nth);
		look(self, &self->before);
		ret = attempt(self, do_nl_dump, nth, &failed);
		failures += ret < 0;
		if (ret < 0)
			EXPECT_TRUE(ret == -ENOMEM || ret == -ENOBUFS);
		/* What is left of a dump that failed is not the next one's. */
		close(self->nl.fd);
		ASSERT_EQ(0, nl_open(&self->nl));
		expect_unchanged(_metadata, self);
	}
	TH_LOG("%d failures", failures);
	EXPECT_LE(2, failures);
}

static int do_nl_release(FIXTURE_DATA(nomem) *self)
{
	return nl_release_on(&self->nl, "another");
}

TEST_F(nomem, netlink_release_needs_none)
{
	begin_anew(self, 0);
	EXPECT_EQ(0, fail_each(_metadata, self, do_nl_release, begin_anew));
}

static int do_release(FIXTURE_DATA(nomem) *self)
{
	return keep_release(self->other);
}

static void begin_frozen(FIXTURE_DATA(nomem) *self, int ret)
{
	begin_anew(self, ret);
	do_pin(self);
	keep_freeze(self->other);
}

TEST_F(nomem, release_needs_none)
{
	begin_frozen(self, 0);
	EXPECT_EQ(0, fail_each(_metadata, self, do_release, begin_frozen));
}

static int do_die(FIXTURE_DATA(nomem) *self)
{
	return close(self->nic.owner);
}

static void live_again(FIXTURE_DATA(nomem) *self, int ret)
{
	(void)ret;
	self->nic.owner = keep_claim("nic", 0);
	keep_thaw(self->nic.owner);
}

/* There is nobody whom the last close of a handle could tell that it failed. */
TEST_F(nomem, an_owners_death_needs_none)
{
	bool failed = true;
	int nth;

	for (nth = 1; failed; nth++) {
		ASSERT_GT(NTH_MAX, nth);
		attempt(self, do_die, nth, &failed);
		EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
		live_again(self, 0);
		ASSERT_LE(0, self->nic.owner);
	}
}

static void forget_events(FIXTURE_DATA(nomem) *self)
{
	while (recv(self->monitor.fd, self->monitor.buffer, NL_BUFFER,
		    MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		;
}

/*
 * Operates with each of its allocations failing while somebody listens: what
 * is done is told, or the listener is told that it missed something. Return:
 * how often it was.
 */
static int told_or_missed(struct __test_metadata *_metadata,
			  FIXTURE_DATA(nomem) *self, operation operate,
			  undoing undo, int event)
{
	int nth, ret, got, missed = 0;
	bool failed = true;

	for (nth = 1; failed; nth++) {
		ASSERT_GT(NTH_MAX, nth);
		ret = attempt(self, operate, nth, &failed);
		if (ret < 0) {
			EXPECT_TRUE(failed);
			EXPECT_EQ(-ENOMEM, ret);
			continue;
		}
		got = nl_event(&self->monitor, &self->k);
		EXPECT_TRUE(got == event || (failed && got == -ENOBUFS)) {
			TH_LOG("event %d, not %d", got, event);
		}
		missed += got == -ENOBUFS;
		undo(self, ret);
		forget_events(self);
	}
	return missed;
}

/*
 * At least the message and its data are missed. One of them can be passed over
 * where the kernel's debugging fills a pool of its own in one attempt and not
 * in the next, since that counts as an allocation too.
 */
static void expect_told(struct __test_metadata *_metadata,
			FIXTURE_DATA(nomem) *self, operation operate,
			undoing undo, int event)
{
	int missed = 0, round;

	for (round = 0; round < 5 && missed < 2; round++)
		missed = told_or_missed(_metadata, self, operate, undo, event);
	EXPECT_LE(2, missed) {
		TH_LOG("event %d was missed %d times", event, missed);
	}
}

TEST_F(nomem, events)
{
	ASSERT_EQ(0, nl_monitor(&self->monitor));
	expect_told(_metadata, self, do_create, close_it, TAPKEEP_EVENT_CREATED);
	expect_told(_metadata, self, do_freeze, undo_freeze,
		    TAPKEEP_EVENT_FROZEN);
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	forget_events(self);
	expect_told(_metadata, self, do_thaw, undo_thaw, TAPKEEP_EVENT_THAWED);
	expect_told(_metadata, self, do_offer, close_it, TAPKEEP_EVENT_OFFERED);
	undo_revoke(self, 0);
	forget_events(self);
	expect_told(_metadata, self, do_revoke, undo_revoke,
		    TAPKEEP_EVENT_REVOKED);
	expect_told(_metadata, self, do_claim_offer, undo_claim_offer,
		    TAPKEEP_EVENT_CLAIMED);
	expect_told(_metadata, self, do_die, live_again, TAPKEEP_EVENT_ORPHANED);
	begin_anew(self, 0);
	forget_events(self);
	expect_told(_metadata, self, do_nl_release, begin_anew,
		    TAPKEEP_EVENT_RELEASED);
}

static void remember(struct nl_keep *k, void *to)
{
	if (!strcmp(k->name, "another"))
		*(struct nl_keep *)to = *k;
}

/*
 * A ring that a former keep left grown has no array of the usual size: it is
 * allocated for the shrinking.
 */
TEST_F(nomem, a_ring_shrinks_when_there_is_memory_again)
{
	const int usual = 400, burst = 700;
	int i;

	ASSERT_EQ(0, if_up("tap1"));
	ASSERT_EQ(0, set_tx_queue_len("tap1", usual));
	self->other = keep_create_with("another", 1000, 0);
	ASSERT_EQ(0, do_pin(self));
	ASSERT_EQ(0, keep_freeze(self->other));
	ASSERT_EQ(burst, send_packets("tap1", 0, burst));
	ASSERT_EQ(0, keep_release(self->other));
	self->other = keep_create_with("another", 2000, 0);
	ASSERT_EQ(0, do_pin(self));
	ASSERT_EQ(0, keep_freeze(self->other));
	ASSERT_EQ(burst, read_packets(self->spare_queue, 0));

	ASSERT_EQ(0, set_failslab("probability", "100"));
	ASSERT_EQ(0, keep_thaw(self->other));
	/* A dump: it needs no memory of the module's. */
	for (i = 0; i < 5; i++) {
		sleep_ms(200);
		nl_dump_keeps(&self->nl, NL_BUFFER, remember, &self->k);
		EXPECT_EQ(2000, self->k.queues[0].ring_size);
		EXPECT_TRUE(self->k.draining);
	}
	ASSERT_EQ(0, set_failslab("probability", "0"));
	EXPECT_TRUE(WITHIN(2000, ring_size("another") == usual));
}

TEST_F(nomem, loading_the_module)
{
	int nth, ret, failures = 0;
	bool failed = true;

	ASSERT_EQ(0, keep_release(self->nic.owner));
	close(self->nic.owner);
	ASSERT_TRUE(WITHIN(5000, module_unload() == 0));
	for (nth = 1; failed; nth++) {
		ASSERT_GT(NTH_MAX, nth);
		set_fail_nth(nth);
		ret = module_load();
		failed = has_failed();
		if (ret) {
			EXPECT_TRUE(failed);
			EXPECT_EQ(-ENOMEM, ret);
			failures++;
		} else {
			EXPECT_EQ(0, module_unload());
		}
	}
	TH_LOG("%d failures", failures);
	/* The queue of work, the namespaces, the family and the device. */
	EXPECT_LE(4, failures);
	EXPECT_EQ(0, module_load());
	EXPECT_LE(0, keep_create("again"));
}

TEST_HARNESS_MAIN
