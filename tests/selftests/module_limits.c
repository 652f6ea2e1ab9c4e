// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much there can be: keeps of a user, of a namespace and of all, queues of
 * a keep, slots of all holds, memory of a cgroup.
 */
#include <sys/mount.h>
#include <sys/prctl.h>
#include "module_netlink.h"

#define PARAMETER(name)	"/sys/module/tapkeep/parameters/" name
#define SYSCTL(name)	"/proc/sys/net/tapkeep/" name

static long read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);
	int ret;

	if (fd < 0)
		return -errno;
	ret = read(fd, text, sizeof(text) - 1);
	close(fd);
	return ret < 0 ? -errno : atol(text);
}

static int write_number(const char *path, long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", number);
	return write_file(path, text);
}

FIXTURE(limits) {
	long max_keeps_user;
	long max_hold_slots;
	long max_keeps;
};

FIXTURE_SETUP(limits)
{
	self->max_keeps_user = read_number(PARAMETER("max_keeps_user"));
	self->max_hold_slots = read_number(PARAMETER("max_hold_slots"));
	self->max_keeps = read_number(PARAMETER("max_keeps"));
	ASSERT_EQ(0, new_netns());
	/* What an earlier test has left counts until its lease is over. */
	ASSERT_TRUE(WITHIN(10000, module_users() == 0));
}

FIXTURE_TEARDOWN(limits)
{
	write_number(PARAMETER("max_keeps_user"), self->max_keeps_user);
	write_number(PARAMETER("max_hold_slots"), self->max_hold_slots);
	write_number(PARAMETER("max_keeps"), self->max_keeps);
}

TEST_F(limits, are_as_documented)
{
	EXPECT_EQ(16384, self->max_keeps);
	EXPECT_EQ(4096, self->max_keeps_user);
	EXPECT_EQ(1 << 26, self->max_hold_slots);
	EXPECT_EQ(4096, read_number(SYSCTL("max_keeps")));
	EXPECT_EQ(256, read_number(SYSCTL("max_queues")));
}

TEST_F(limits, keeps_of_a_namespace)
{
	int first;

	ASSERT_EQ(0, write_number(SYSCTL("max_keeps"), 2));
	first = keep_create("a");
	ASSERT_LE(0, first);
	ASSERT_LE(0, keep_create("b"));
	EXPECT_EQ(-ENOSPC, keep_create("c"));
	ASSERT_EQ(0, keep_release(first));
	EXPECT_LE(0, keep_create("c"));
	/* Another namespace has its own, and not this one's. */
	ASSERT_EQ(0, new_netns());
	EXPECT_EQ(4096, read_number(SYSCTL("max_keeps")));
	EXPECT_LE(0, keep_create("a"));
	EXPECT_LE(0, keep_create("b"));
	EXPECT_LE(0, keep_create("c"));
}

TEST_F(limits, keeps_of_all)
{
	ASSERT_EQ(0, write_number(PARAMETER("max_keeps"), 1));
	ASSERT_LE(0, keep_create("a"));
	ASSERT_EQ(0, new_netns());
	EXPECT_EQ(-ENOSPC, keep_create("b"));
}

/* Whoever asks for nothing does not get more than could be asked for. */
TEST_F(limits, defaults_are_not_over_the_maximum)
{
	struct tapkeep_info info;
	long hold, lease;
	int err;

	hold = read_number(PARAMETER("hold_limit_max"));
	lease = read_number(PARAMETER("lease_ms_max"));
	ASSERT_EQ(0, write_number(PARAMETER("hold_limit_max"), 1000));
	ASSERT_EQ(0, write_number(PARAMETER("lease_ms_max"), 500));
	err = keep_info(keep_create_with("a", 0, 0), &info);
	ASSERT_EQ(0, write_number(PARAMETER("hold_limit_max"), hold));
	ASSERT_EQ(0, write_number(PARAMETER("lease_ms_max"), lease));
	ASSERT_EQ(0, err);
	EXPECT_EQ(1000, info.hold_limit);
	EXPECT_EQ(500, info.lease_ms);
}

static int create_named(void *name)
{
	int fd = keep_create(name);

	return fd < 0 ? fd : 0;
}

/* The effective user counts, and the rest of us is still root. */
static int create_as(uid_t uid, const char *name)
{
	int fd;

	if (setresuid(-1, uid, -1))
		return -errno;
	fd = keep_create(name);
	if (setresuid(-1, 0, -1))
		return -errno;
	return fd;
}

TEST_F(limits, keeps_of_a_user)
{
	int first;

	ASSERT_EQ(0, write_number(PARAMETER("max_keeps_user"), 2));
	first = create_as(NOBODY, "a");
	ASSERT_LE(0, first);
	ASSERT_LE(0, create_as(NOBODY, "b"));
	EXPECT_EQ(-EDQUOT, create_as(NOBODY, "c"));
	/* Whatever the namespace. */
	ASSERT_EQ(0, new_netns());
	EXPECT_EQ(-EDQUOT, create_as(NOBODY, "a"));
	EXPECT_EQ(-EDQUOT, as_user(NOBODY, create_named, "a"));
	/* Another user is not held up by that. */
	EXPECT_EQ(0, as_user(1234, create_named, "a"));
	EXPECT_LE(0, create_as(1234, "b"));
	close(first);
	EXPECT_LE(0, create_as(NOBODY, "c"));
}

TEST_F(limits, a_name_that_is_taken_uses_nothing_up)
{
	int i;

	ASSERT_EQ(0, write_number(SYSCTL("max_keeps"), 2));
	ASSERT_LE(0, keep_create("a"));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(-EEXIST, keep_create("a"));
	EXPECT_LE(0, keep_create("b"));
}

TEST_F(limits, lowering_one_takes_nothing_away)
{
	int first = keep_create("a");

	ASSERT_LE(0, keep_create("b"));
	ASSERT_EQ(0, write_number(SYSCTL("max_keeps"), 1));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(first));
	EXPECT_EQ(-ENOSPC, keep_create("c"));
}

TEST_F(limits, queues_of_a_keep)
{
	int owner = keep_create("a");
	int i;

	ASSERT_EQ(0, write_number(SYSCTL("max_queues"), 2));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(i, keep_pin(owner, tap_open_flags("tap0", IFF_TAP |
							    IFF_MULTI_QUEUE)));
	EXPECT_EQ(-ENOSPC, keep_pin(owner, tap_open_flags("tap0", IFF_TAP |
							  IFF_MULTI_QUEUE)));
	keep_release(owner);
}

TEST_F(limits, values_that_make_no_sense_are_refused)
{
	EXPECT_EQ(-EINVAL, write_number(SYSCTL("max_queues"), 257));
	EXPECT_EQ(-EINVAL, write_number(SYSCTL("max_keeps"), (1 << 20) + 1));
	EXPECT_EQ(-EINVAL, write_number(SYSCTL("max_keeps"), -1));
	EXPECT_EQ(-EINVAL, write_number(PARAMETER("max_keeps_user"), -1));
	EXPECT_EQ(256, read_number(SYSCTL("max_queues")));
}

TEST_F(limits, slots_of_all_holds)
{
	int owner = keep_create_with("a", 1000, 0);
	int other = keep_create_with("b", 1000, 0);
	int queue = tap_open("tap1");

	ASSERT_EQ(0, keep_pin(owner, tap_open("tap0")));
	ASSERT_EQ(0, write_number(PARAMETER("max_hold_slots"), 1999));
	EXPECT_EQ(-ENOBUFS, keep_pin(other, queue));
	ASSERT_EQ(0, write_number(PARAMETER("max_hold_slots"), 2000));
	EXPECT_EQ(0, keep_pin(other, queue));
	keep_release(other);
	/* What ends gives them back. */
	other = keep_create_with("b", 1000, 0);
	EXPECT_EQ(0, keep_pin(other, queue));
	/* What was refused for another reason has used none up. */
	ASSERT_EQ(0, write_number(PARAMETER("max_hold_slots"), 3000));
	EXPECT_EQ(-EEXIST, keep_pin(other, queue));
	ASSERT_EQ(0, write_number(PARAMETER("max_hold_slots"), 2000));
	keep_release(other);
	other = keep_create_with("b", 1000, 0);
	EXPECT_EQ(0, keep_pin(other, queue));
	keep_release(owner);
	keep_release(other);
}

TEST_F(limits, a_new_namespace_begins_with_what_the_initial_one_has)
{
	long seen = -1;
	int status;
	pid_t pid = fork();

	/* Everything of this test is in a namespace of its own, but for this. */
	if (!pid) {
		int init = open("/proc/1/ns/net", O_RDONLY);

		if (setns(init, CLONE_NEWNET) ||
		    write_number(SYSCTL("max_keeps"), 77))
			_exit(255);
		if (!unshare(CLONE_NEWNET))
			seen = read_number(SYSCTL("max_keeps"));
		if (setns(init, CLONE_NEWNET) ||
		    write_number(SYSCTL("max_keeps"), 4096))
			_exit(255);
		_exit(seen);
	}
	waitpid(pid, &status, 0);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(77, WEXITSTATUS(status));
}

/* In a user namespace of its own, as its root. */
static int write_sysctl_of_container(void *arg)
{
	(void)arg;
	/* Or else /proc/self is root's. */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -ENOTSUP;
	if (write_file("/proc/self/uid_map", "0 65534 1"))
		return -ECHILD;
	if (read_number(SYSCTL("max_keeps")) != 4096)
		return -ENODATA;
	return write_number(SYSCTL("max_keeps"), 5000);
}

TEST_F(limits, a_container_reads_its_sysctls_and_does_not_write_them)
{
	EXPECT_EQ(-EACCES, as_user(NOBODY, write_sysctl_of_container, NULL));
}

FIXTURE(cgroup) {
	char path[64];
	bool mounted;
};

FIXTURE_SETUP(cgroup)
{
	ASSERT_EQ(0, new_netns());
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("cgroup2", "/tmp", "cgroup2", 0, NULL));
	self->mounted = true;
	ASSERT_EQ(0, write_file("/tmp/cgroup.subtree_control", "+memory"));
	snprintf(self->path, sizeof(self->path), "/tmp/tapkeep-%d", getpid());
	ASSERT_EQ(0, mkdir(self->path, 0755));
}

FIXTURE_TEARDOWN(cgroup)
{
	if (!self->mounted)
		return;
	write_file("/tmp/cgroup.procs", "0");
	WITHIN(5000, rmdir(self->path) == 0);
	umount("/tmp");
}

/* 8 MiB of slots. */
#define SLOTS		(1 << 20)
#define SLOTS_SIZE	(SLOTS * 8L)

static long memory_of(const char *dir)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/memory.current", dir);
	return read_number(path);
}

TEST_F(cgroup, of_who_pins_is_charged_for_the_hold)
{
	int owner = keep_create_with("a", SLOTS, 0);
	int queue = tap_open("tap0");
	long before, pinned;

	ASSERT_EQ(0, write_in(self->path, "cgroup.procs", "0"));
	before = memory_of(self->path);
	ASSERT_LE(0, before);
	ASSERT_EQ(0, keep_pin(owner, queue));
	pinned = memory_of(self->path);
	EXPECT_LE(SLOTS_SIZE, pinned - before);
	EXPECT_GE(SLOTS_SIZE * 9 / 8, pinned - before);
	ASSERT_EQ(0, keep_release(owner));
	EXPECT_TRUE(WITHIN(5000, memory_of(self->path) <
			   pinned - SLOTS_SIZE * 7 / 8));
}

TEST_F(cgroup, without_room_refuses_the_pin_and_nobody_is_killed)
{
	int owner = keep_create_with("a", SLOTS, 0);
	int i, ret = 0;

	ASSERT_EQ(0, write_in(self->path, "memory.max", "32M"));
	ASSERT_EQ(0, write_in(self->path, "cgroup.procs", "0"));
	for (i = 0; i < 8 && ret >= 0; i++)
		ret = keep_pin(owner, tap_open_flags("tap0", IFF_TAP |
						     IFF_MULTI_QUEUE));
	EXPECT_EQ(-ENOMEM, ret);
	EXPECT_LE(2, i);
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(owner));
	EXPECT_EQ(0, keep_freeze(owner));
	EXPECT_EQ(0, keep_thaw(owner));
	keep_release(owner);
}

TEST_F(cgroup, without_room_refuses_a_larger_hold_and_says_so)
{
	const struct limits limits = { .hold_limit = SLOTS };
	int i, owner = keep_create_with("nic", 100, 0);
	struct nl_keep k;
	struct nl nl;

	for (i = 0; i < 8; i++)
		ASSERT_EQ(i, keep_pin(owner, tap_open_flags("tap0", IFF_TAP |
							    IFF_MULTI_QUEUE)));
	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, write_in(self->path, "memory.max", "32M"));
	ASSERT_EQ(0, write_in(self->path, "cgroup.procs", "0"));
	EXPECT_EQ(-ENOMEM, set_limits(&nl, limits));
	EXPECT_NE(NULL, strstr(nl.extack, "no memory for the hold"));
	ASSERT_EQ(0, nl_get_on(&nl, "nic", &k));
	EXPECT_EQ(100, k.hold_limit);
	keep_release(owner);
}

TEST_HARNESS_MAIN
