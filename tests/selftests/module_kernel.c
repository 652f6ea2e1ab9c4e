// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's own self-tests of tun and of tap, unchanged, beside keeps: one
 * that is active, one that holds packets, one that holds a macvtap's.
 */
#include "module_kinds.h"

#define HELD	2000

struct report {
	int passed;
	int planned;
	int status;
};

/* Built from the kernel's source, beside this program. */
static FILE *start(const char *name, pid_t *pid)
{
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);
	int out[2];

	if (len < 0 || pipe(out))
		return NULL;
	path[len] = 0;
	strcpy(strrchr(path, '/') + 1, name);
	*pid = fork();
	if (!*pid) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		close(out[0]);
		execl(path, path, NULL);
		perror(path);
		_exit(127);
	}
	close(out[1]);
	return fdopen(out[0], "r");
}

/* A test that is skipped has not passed. */
static int run_kernel_test(const char *name, struct report *r)
{
	char line[512];
	FILE *from;
	pid_t pid;

	memset(r, 0, sizeof(*r));
	from = start(name, &pid);
	if (!from)
		return -errno;
	while (fgets(line, sizeof(line), from)) {
		printf("# %s: %s", name, line);
		if (!strncmp(line, "1..", 3))
			r->planned = atoi(line + 3);
		r->passed += !strncmp(line, "ok ", 3) && !strstr(line, "# SKIP");
	}
	fclose(from);
	return waitpid(pid, &r->status, 0) == pid ? 0 : -ECHILD;
}

FIXTURE(kernel) {
	int active;
	int active_queue;
	struct nic frozen;
	int macvtap;
	int macvtap_queue;
	int sender;
	struct report report;
};

FIXTURE_SETUP(kernel)
{
	ASSERT_EQ(0, nic_open(&self->frozen));
	ASSERT_EQ(0, keep_freeze(self->frozen.owner));
	ASSERT_EQ(HELD, send_packets("tap0", 0, HELD));

	ASSERT_EQ(0, make_link(&macvtap));
	self->macvtap = pin_queue(&macvtap, 0, "macvtap", 0,
				  &self->macvtap_queue);
	ASSERT_LE(0, self->macvtap);
	ASSERT_EQ(0, keep_freeze(self->macvtap));
	self->sender = open_sender(&macvtap);
	ASSERT_EQ(HELD, send_burst(&macvtap, self->sender, 0, HELD));

	self->active_queue = tap_open("tap1");
	ASSERT_LE(0, self->active_queue);
	self->active = keep_create("active");
	ASSERT_EQ(0, keep_pin(self->active, self->active_queue));
	ASSERT_EQ(0, if_up("tap1"));
}

/* None of the keeps has noticed. */
FIXTURE_TEARDOWN(kernel)
{
	EXPECT_EQ(HELD, read_packets(self->frozen.queue, 0));
	EXPECT_EQ(0, keep_thaw(self->frozen.owner));
	EXPECT_EQ(0, keep_release(self->frozen.owner));
	EXPECT_EQ(HELD, read_burst(&macvtap, self->macvtap_queue, 0));
	EXPECT_EQ(0, keep_release(self->macvtap));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->active));
	EXPECT_EQ(500, send_packets("tap1", 0, 500));
	EXPECT_EQ(500, read_packets(self->active_queue, 0));
	EXPECT_EQ(0, keep_release(self->active));
}

TEST_F(kernel, the_tests_of_tun_pass_beside_keeps)
{
	ASSERT_EQ(0, run_kernel_test("kernel_tun", &self->report));
	EXPECT_EQ(0, self->report.status);
	EXPECT_LT(0, self->report.planned);
	EXPECT_EQ(self->report.planned, self->report.passed);
}

TEST_F(kernel, the_tests_of_tap_pass_beside_keeps)
{
	ASSERT_EQ(0, run_kernel_test("kernel_tap", &self->report));
	EXPECT_EQ(0, self->report.status);
	EXPECT_LT(0, self->report.planned);
	EXPECT_EQ(self->report.planned, self->report.passed);
}

TEST_HARNESS_MAIN
