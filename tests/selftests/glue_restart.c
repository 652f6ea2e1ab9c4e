// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a restart waits for: a back end without a guest that was killed, and
 * whose process does not come to its end.
 */
#include <pthread.h>
#include <tapkeep.h>
#include <tapkeep-vmm.h>

#include "lingering.h"
#include "module_common.h"

#define KEEP		"vm1"
#define DELAY_MS	400
#define BOUND_MS	5000

/* Given a killed process whose keep is an orphan, and that is not gone. */
FIXTURE(restart) {
	struct lingering former;
	struct tapkeep_vmm *vmm;
	struct tapkeep_vmm_error err;
	uint64_t began;
};

static int create_keep(void *arg)
{
	struct tapkeep_vmm **vmm = arg;
	struct tapkeep_vmm_error err;
	int queue = tap_open("tap0");

	return queue < 0 ? queue :
	       tapkeep_vmm_create(vmm, KEEP, 0, 0, &queue, 1, &err);
}

static bool is_orphan(void)
{
	struct tapkeep_vmm_error err;

	return tapkeep_vmm_probe(KEEP, &err) == TAPKEEP_VMM_ORPHAN;
}

FIXTURE_SETUP(restart)
{
	struct tapkeep_vmm *theirs;

	ASSERT_EQ(0, new_netns());
	ASSERT_EQ(0, linger_start(&self->former, create_keep, &theirs));
	linger_kill(&self->former);
	ASSERT_TRUE(WITHIN(1000, is_orphan()));
	self->began = now_ms();
}

FIXTURE_TEARDOWN(restart)
{
	if (self->vmm)
		tapkeep_vmm_release(self->vmm, &self->err);
	tapkeep_vmm_close(self->vmm);
	linger_kill(&self->former);
	linger_let_end(&self->former);
	waitpid(self->former.first, NULL, 0);
}

static void *let_end_late(void *arg)
{
	sleep_ms(DELAY_MS);
	linger_let_end(arg);
	return NULL;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid == pid;
}

TEST_F(restart, waits_until_the_former_owners_process_is_gone)
{
	pthread_t thread;

	EXPECT_FALSE(has_ended(self->former.first));
	ASSERT_EQ(0, pthread_create(&thread, NULL, let_end_late,
				    &self->former));
	ASSERT_EQ(0, tapkeep_vmm_restart(&self->vmm, KEEP, &self->err))
		TH_LOG("%s", self->err.msg);
	EXPECT_TRUE(has_ended(self->former.first));
	EXPECT_LE(DELAY_MS, now_ms() - self->began);
	EXPECT_TRUE(tapkeep_vmm_is_owner(self->vmm));
	EXPECT_EQ(1, tapkeep_vmm_nr_queues(self->vmm));
	pthread_join(thread, NULL);
}

/* It has no number here, so there is no descriptor of it to wait with. */
static int restart_late(void *arg)
{
	FIXTURE_DATA(restart) *self = arg;
	int ret = tapkeep_vmm_restart(&self->vmm, KEEP, &self->err);

	if (ret)
		return ret;
	if (now_ms() - self->began < DELAY_MS)
		return -EAGAIN;
	return tapkeep_vmm_release(self->vmm, &self->err);
}

TEST_F(restart, waits_for_a_process_of_another_pid_namespace)
{
	pthread_t thread;
	pid_t pid;
	int own, status;

	pid = fork_first(&own);
	if (!pid)
		_exit(-restart_late(self));
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, leave_namespace(own));
	ASSERT_EQ(0, pthread_create(&thread, NULL, let_end_late,
				    &self->former));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, status);
}

TEST_F(restart, gives_up_after_a_while_and_says_on_whom)
{
	char process[32];
	uint64_t took;

	EXPECT_EQ(-ETIMEDOUT,
		  tapkeep_vmm_restart(&self->vmm, KEEP, &self->err));
	took = now_ms() - self->began;
	EXPECT_LE(BOUND_MS, took);
	EXPECT_GT(BOUND_MS + 2000 * timeout_factor(), took);
	snprintf(process, sizeof(process), "process %d, ", self->former.first);
	EXPECT_NE(NULL, strstr(self->err.msg, process))
		TH_LOG("%s", self->err.msg);
	EXPECT_EQ(NULL, self->vmm);

	/* and the next attempt succeeds */
	EXPECT_TRUE(is_orphan());
	linger_let_end(&self->former);
	EXPECT_EQ(0, tapkeep_vmm_restart(&self->vmm, KEEP, &self->err))
		TH_LOG("%s", self->err.msg);
}

/* Its process may live as long as it likes: it may be this one. */
TEST_F(restart, does_not_wait_where_the_handle_was_just_closed)
{
	linger_let_end(&self->former);
	ASSERT_EQ(0, tapkeep_vmm_restart(&self->vmm, KEEP, &self->err));
	tapkeep_vmm_close(self->vmm);
	self->began = now_ms();
	ASSERT_EQ(0, tapkeep_vmm_restart(&self->vmm, KEEP, &self->err));
	EXPECT_GT(1000 * timeout_factor(), now_ms() - self->began);
}

TEST_HARNESS_MAIN
