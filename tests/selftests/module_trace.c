// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tracepoints, through an instance of tracefs of the test's own, and what
 * does not go to the log.
 */
#include <stdarg.h>
#include <sys/mount.h>
#include "module_netlink.h"

#define TRACEFS	"/sys/kernel/tracing"
#define TEXT_SIZE (1 << 20)

FIXTURE(trace) {
	struct nic nic;
	char dir[64];
	char *text;
	unsigned long netns;
};

FIXTURE_SETUP(trace)
{
	struct stat netns;

	ASSERT_EQ(0, nic_open_with(&self->nic, 2000));
	ASSERT_EQ(0, stat("/proc/self/ns/net", &netns));
	self->netns = netns.st_ino;
	self->text = malloc(TEXT_SIZE);
	/* It may be there, and then this one is in front of it. */
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("tracefs", TRACEFS, "tracefs", 0, NULL));
	snprintf(self->dir, sizeof(self->dir), TRACEFS "/instances/tapkeep-%d",
		 getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0700));
	ASSERT_EQ(0, write_in(self->dir, "events/tapkeep/enable", "1"));
}

FIXTURE_TEARDOWN(trace)
{
	keep_release(self->nic.owner);
	write_in(self->dir, "events/tapkeep/enable", "0");
	rmdir(self->dir);
	free(self->text);
}

/* All that was traced until now. */
static int read_trace(const char *dir, char *text)
{
	char path[128];
	ssize_t len, got = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/trace", dir);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	while ((len = read(fd, text + got, TEXT_SIZE - 1 - got)) > 0)
		got += len;
	close(fd);
	text[got] = 0;
	return len < 0 ? -errno : 0;
}

/* The next line of tracepoint @name with this in it, after *@from; or NULL. */
__attribute__((format(printf, 3, 4)))
static bool next(char **from, const char *name, const char *fmt, ...)
{
	char words[256], *line, *end;
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	for (line = *from; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		if (strstr(line, name) && strstr(line, words)) {
			*from = end + 1;
			return true;
		}
		*end = '\n';
	}
	printf("# no %s with \"%s\" in:\n%s", name, words, *from);
	return false;
}

#define EXPECT_TRANSITION(event, from, to, generation, owner)		\
	EXPECT_TRUE(next(&at, "tapkeep_transition:",			\
		"keep=nic netns=%lu event=" event " from=" from " to=" to \
		" generation=" generation " uid=0 owner=%d",		\
		self->netns, owner))

TEST_F(trace, of_a_swap_has_every_transition_in_order)
{
	char *at = self->text;
	int offer, claimer;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(0, keep_set_flags(self->nic.owner, 1, TAPKEEP_STATE_STOPPED));
	ASSERT_LE(0, keep_offer(self->nic.owner));
	ASSERT_EQ(0, keep_revoke(self->nic.owner));
	ASSERT_EQ(0, keep_set_flags(self->nic.owner, 1, TAPKEEP_STATE_STOPPED));
	offer = keep_offer(self->nic.owner);
	ASSERT_EQ(2005, send_packets("tap0", 0, 2005));
	ASSERT_EQ(0, read_packet(self->nic.queue));
	claimer = keep_claim_offer(offer);
	ASSERT_LE(0, claimer);
	ASSERT_EQ(0, keep_thaw(claimer));
	close(claimer);
	claimer = keep_claim("nic", 0);
	ASSERT_EQ(0, keep_release(claimer));

	ASSERT_EQ(0, read_trace(self->dir, self->text));
	EXPECT_TRANSITION("frozen", "active", "frozen", "1", getpid());
	EXPECT_TRANSITION("offered", "frozen", "frozen", "1", getpid());
	EXPECT_TRANSITION("revoked", "frozen", "frozen", "1", getpid());
	EXPECT_TRANSITION("offered", "frozen", "frozen", "1", getpid());
	EXPECT_TRANSITION("stolen", "frozen", "frozen", "1", getpid());
	EXPECT_TRANSITION("claimed", "frozen", "frozen", "2", getpid());
	EXPECT_TRANSITION("dropped", "frozen", "frozen", "2", getpid());
	EXPECT_TRANSITION("thawed", "frozen", "active", "2", getpid());
	EXPECT_TRANSITION("orphaned", "active", "orphan", "2", 0);
	EXPECT_TRANSITION("claimed", "orphan", "frozen", "3", getpid());
	EXPECT_TRANSITION("released", "frozen", "ended", "3", getpid());
}

TEST_F(trace, of_the_beginning_and_the_ends_that_nobody_asks_for)
{
	char *at = self->text;
	int owner = keep_create_with("short", 0, 50);

	ASSERT_EQ(0, keep_pin(owner, tap_open("tap1")));
	close(owner);
	ASSERT_TRUE(WITHIN(5000, named_state("short") == -ENOENT));
	ASSERT_EQ(0, system("ip link delete tap0"));
	ASSERT_EQ(-ENODEV, keep_state(self->nic.owner));

	ASSERT_EQ(0, read_trace(self->dir, self->text));
	EXPECT_TRUE(next(&at, "tapkeep_transition: keep=short",
			 "netns=%lu event=created from=ended to=active",
			 self->netns));
	EXPECT_TRUE(next(&at, "tapkeep_transition: keep=short",
			 "netns=%lu event=orphaned from=active to=orphan",
			 self->netns));
	EXPECT_TRUE(next(&at, "tapkeep_transition: keep=short",
			 "netns=%lu event=expired from=orphan to=ended",
			 self->netns));
	EXPECT_TRANSITION("device-gone", "active", "ended", "1", getpid());
}

TEST_F(trace, of_a_hold_has_its_rings_and_its_counts)
{
	char *at = self->text;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(2005, send_packets("tap0", 0, 2005));
	ASSERT_EQ(0, keep_thaw(self->nic.owner));
	ASSERT_EQ(2000, read_packets(self->nic.queue, 0));
	ASSERT_TRUE(WITHIN(5000, ring_size("nic") == 1000));

	ASSERT_EQ(0, read_trace(self->dir, self->text));
	EXPECT_TRUE(next(&at, "tapkeep_grow:", "keep=nic netns=%lu queue=0 from=1000 to=2000",
			 self->netns));
	EXPECT_TRUE(next(&at, "tapkeep_hold_begin:", "keep=nic netns=%lu queues=1 ns=",
			 self->netns));
	EXPECT_TRANSITION("frozen", "active", "frozen", "1", getpid());
	EXPECT_TRUE(next(&at, "tapkeep_hold_end:", "held=2000 dropped=5"));
	EXPECT_TRANSITION("thawed", "frozen", "active", "1", getpid());
	EXPECT_TRUE(next(&at, "tapkeep_shrink:", "keep=nic netns=%lu queue=0 from=2000 to=1000",
			 self->netns));
}

/* Return: records of the log about the module since @fd was opened. */
static int count_log(int fd)
{
	char record[8192];
	ssize_t len;
	int count = 0;

	while ((len = read(fd, record, sizeof(record) - 1)) > 0) {
		record[len] = 0;
		if (strstr(record, "tapkeep")) {
			printf("# %s", record);
			count++;
		}
	}
	return count;
}

TEST_F(trace, of_normal_work_is_not_in_the_log)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int offer, claimer, other;

	ASSERT_LE(0, log);
	lseek(log, 0, SEEK_END);
	/* What is refused and what is lost are normal as well. */
	EXPECT_EQ(-EEXIST, keep_create("nic"));
	EXPECT_EQ(-EBUSY, keep_claim("nic", 0));
	EXPECT_EQ(-EEXIST, keep_pin(self->nic.owner, self->nic.queue));
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	offer = keep_offer(self->nic.owner);
	ASSERT_EQ(2005, send_packets("tap0", 0, 2005));
	claimer = keep_claim_offer(offer);
	ASSERT_EQ(-ESTALE, keep_thaw(self->nic.owner));
	ASSERT_EQ(0, keep_thaw(claimer));
	ASSERT_EQ(2000, read_packets(self->nic.queue, 0));
	ASSERT_TRUE(WITHIN(5000, ring_size("nic") == 1000));
	close(claimer);
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	EXPECT_EQ(0, nl_release("nic"));
	other = keep_create_with("short", 0, 50);
	ASSERT_EQ(0, keep_pin(other, tap_open("tap1")));
	close(other);
	EXPECT_TRUE(WITHIN(5000, named_state("short") == -ENOENT));
	EXPECT_EQ(0, count_log(log));
	/* And that would have been seen. */
	ASSERT_EQ(0, write_file("/dev/kmsg", "tapkeep: a test's own words\n"));
	EXPECT_EQ(1, count_log(log));
}

TEST_HARNESS_MAIN
