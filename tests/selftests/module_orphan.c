// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What happens to a keep when its owner dies, and who may take it then.
 */
#include <linux/capability.h>
#include <pthread.h>
#include <semaphore.h>
#include "lingering.h"
#include "module_netlink.h"

#define BURST 5000

FIXTURE(orphan) {
	int result;
	struct nl monitor;
	struct nl_keep k;
	pid_t owner;
	int ready;
};

/* What the owner does, in a process of its own that is then killed. */
struct life {
	uid_t uid;
	uint32_t lease_ms;
	bool frozen;
};

static int owner_main(const struct life *life)
{
	int queue = tap_open("tap0");
	int owner, ret;

	if (queue < 0 || if_up("tap0"))
		return 1;
	if (life->uid && (setgroups(0, NULL) || setgid(life->uid) ||
			  setuid(life->uid)))
		return 2;
	owner = keep_create_with("nic", 0, life->lease_ms);
	if (owner < 0 || keep_pin(owner, queue))
		return 3;
	ret = life->frozen ? keep_freeze(owner) : 0;
	return ret ? 4 : 0;
}

/* Return: the pid of a process that is the owner and waits to be killed. */
static pid_t start_owner(const struct life *life)
{
	char result = 'x';
	int ready[2];
	pid_t pid;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid) {
		result = '0' + owner_main(life);
		if (write(ready[1], &result, 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &result, 1) != 1 || result != '0') {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = -ECHILD;
	}
	close(ready[0]);
	return pid;
}

static void kill_owner(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int claim_nic(void *arg)
{
	int fd = keep_claim("nic", *(uint32_t *)arg);

	return fd < 0 ? fd : 0;
}

static int claim_as(uid_t uid, uint32_t flags)
{
	return as_user(uid, claim_nic, &flags);
}

static int observe_nic(void *arg)
{
	int fd = keep_observe("nic");

	(void)arg;
	return fd < 0 ? fd : 0;
}

FIXTURE_SETUP(orphan)
{
	ASSERT_EQ(0, new_netns());
	ASSERT_EQ(0, nl_monitor(&self->monitor));
}

FIXTURE_TEARDOWN(orphan)
{
	keep_release(keep_claim("nic", TAPKEEP_CLAIM_FORCE));
}

TEST_F(orphan, is_what_a_killed_owner_leaves)
{
	struct life life = {};
	pid_t owner = start_owner(&life);

	ASSERT_LT(0, owner);
	kill_owner(owner);
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(TAPKEEP_ORPHAN, self->k.state);
	EXPECT_EQ(-1, self->k.owner_pid);
	EXPECT_STREQ("", self->k.owner_comm);
	EXPECT_LT(25000, self->k.lease_left);
	EXPECT_GE(30000, self->k.lease_left);
}

TEST_F(orphan, is_frozen_at_once_and_holds_what_comes)
{
	struct life life = {};
	pid_t owner = start_owner(&life);
	int claimer, queue;

	ASSERT_LT(0, owner);
	ASSERT_EQ(500, send_packets("tap0", 0, 500));
	kill_owner(owner);
	ASSERT_EQ(BURST, send_packets("tap0", 500, BURST));
	claimer = keep_claim("nic", 0);
	ASSERT_LE(0, claimer);
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(claimer));
	queue = keep_get_queue(claimer, 0);
	ASSERT_EQ(0, keep_thaw(claimer));
	EXPECT_EQ(500 + BURST, read_packets(queue, 0));
}

static int own_a_keep(void *arg)
{
	(void)arg;
	return owner_main(&(struct life){ .lease_ms = 20000 });
}

static int32_t ending_pid(void)
{
	struct tapkeep_info info;
	int fd = keep_observe("nic");
	int ret = keep_info(fd, &info);

	close(fd);
	return ret ?: info.ending_pid;
}

static int is_minus_one(void *arg)
{
	(void)arg;
	return ending_pid() == -1 ? 0 : -EPROTO;
}

/* It may still have the interface open, and vhost. */
TEST_F(orphan, says_which_process_is_not_yet_gone)
{
	struct lingering l;
	int claimer;

	ASSERT_EQ(0, linger_start(&l, own_a_keep, NULL));
	EXPECT_EQ(0, ending_pid());
	linger_kill(&l);
	ASSERT_TRUE(WITHIN(1000, named_state("nic") == TAPKEEP_ORPHAN));
	EXPECT_EQ(l.first, ending_pid());
	EXPECT_EQ(0, in_another_pid_namespace(is_minus_one, NULL));

	/* Whoever claims it can see it as well, */
	claimer = keep_claim("nic", 0);
	ASSERT_LE(0, claimer);
	EXPECT_EQ(l.first, ending_pid());
	/* also when it gives up; */
	close(claimer);
	EXPECT_EQ(l.first, ending_pid());
	linger_let_end(&l);
	EXPECT_TRUE(WITHIN(1000, !ending_pid()));
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	/* its number is not gone with it. */
	EXPECT_EQ(l.first, waitpid(l.first, NULL, 0));
	EXPECT_EQ(0, ending_pid());
	keep_release(keep_claim("nic", 0));
}

static void *close_it(void *arg)
{
	close(*(int *)arg);
	return NULL;
}

/* A table of its own, which ends with the thread and before the process. */
static void *end_with_it(void *arg)
{
	if (unshare(CLONE_FILES))
		abort();
	sem_post(arg);
	sleep_ms(300);
	return NULL;
}

TEST_F(orphan, that_was_closed_waits_for_no_process)
{
	struct nic nic;
	pthread_t thread;
	sem_t unshared;

	ASSERT_EQ(0, nic_open(&nic));
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_it, &nic.owner));
	pthread_join(thread, NULL);
	ASSERT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	EXPECT_EQ(0, ending_pid());

	nic.owner = keep_claim("nic", 0);
	sem_init(&unshared, 0, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, end_with_it, &unshared));
	sem_wait(&unshared);
	close(nic.owner);
	EXPECT_EQ(TAPKEEP_FROZEN, named_state("nic"));
	pthread_join(thread, NULL);
	ASSERT_TRUE(WITHIN(1000, named_state("nic") == TAPKEEP_ORPHAN));
	EXPECT_EQ(0, ending_pid());
	keep_release(keep_claim("nic", 0));
}

TEST_F(orphan, of_a_frozen_keep_goes_on_holding)
{
	struct life life = { .frozen = true };
	pid_t owner = start_owner(&life);
	int claimer;

	ASSERT_LT(0, owner);
	ASSERT_EQ(BURST, send_packets("tap0", 0, BURST));
	kill_owner(owner);
	claimer = keep_claim("nic", 0);
	ASSERT_LE(0, claimer);
	EXPECT_EQ(BURST, read_packets(keep_get_queue(claimer, 0), 0));
}

TEST_F(orphan, keeps_the_interface_after_all_who_had_it_open_are_gone)
{
	struct life life = {};
	pid_t owner = start_owner(&life);

	ASSERT_LT(0, owner);
	kill_owner(owner);
	sleep_ms(200);
	EXPECT_LT(0, if_index("tap0"));
	ASSERT_EQ(0, keep_release(keep_claim("nic", 0)));
	EXPECT_TRUE(WITHIN(10000, if_index("tap0") == -ENODEV));
}

TEST_F(orphan, ends_with_its_lease)
{
	struct life life = { .lease_ms = 300 };
	pid_t owner = start_owner(&life);

	ASSERT_LT(0, owner);
	kill_owner(owner);
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	EXPECT_TRUE(WITHIN(3000, named_state("nic") == -ENOENT));
	EXPECT_TRUE(WITHIN(10000, if_index("tap0") == -ENODEV));
	EXPECT_EQ(TAPKEEP_EVENT_CREATED, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_ORPHANED, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_EXPIRED, nl_event(&self->monitor, &self->k));
	EXPECT_EQ(TAPKEEP_ENDED, self->k.state);
	EXPECT_STREQ("tap0", self->k.ifname);
}

TEST_F(orphan, does_not_end_before_its_lease)
{
	struct life life = { .lease_ms = 1000 };
	pid_t owner = start_owner(&life);
	uint64_t killed;

	ASSERT_LT(0, owner);
	killed = now_ms();
	kill_owner(owner);
	EXPECT_TRUE(WITHIN(3000, named_state("nic") == -ENOENT));
	EXPECT_LE(1000, now_ms() - killed);
}

TEST_F(orphan, that_was_claimed_does_not_end_with_the_lease)
{
	struct life life = { .lease_ms = 300 };
	pid_t owner = start_owner(&life);
	int claimer;

	ASSERT_LT(0, owner);
	kill_owner(owner);
	claimer = keep_claim("nic", 0);
	ASSERT_LE(0, claimer);
	sleep_ms(600);
	EXPECT_EQ(TAPKEEP_FROZEN, keep_state(claimer));
}

TEST_F(orphan, has_a_new_lease_each_time)
{
	struct life life = { .lease_ms = 600 };
	pid_t owner = start_owner(&life);
	int i, claimer;

	ASSERT_LT(0, owner);
	kill_owner(owner);
	for (i = 0; i < 5; i++) {
		sleep_ms(300);
		claimer = keep_claim("nic", 0);
		ASSERT_LE(0, claimer);
		close(claimer);
	}
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	EXPECT_TRUE(WITHIN(3000, named_state("nic") == -ENOENT));
}

TEST_F(orphan, can_be_claimed_by_its_user)
{
	struct life life = { .uid = NOBODY };
	pid_t owner = start_owner(&life);

	ASSERT_LT(0, owner);
	kill_owner(owner);
	EXPECT_EQ(0, claim_as(NOBODY, 0));
}

TEST_F(orphan, cannot_be_claimed_by_another_user)
{
	struct life life = { .uid = NOBODY };
	pid_t owner = start_owner(&life);

	ASSERT_LT(0, owner);
	kill_owner(owner);
	EXPECT_EQ(-EACCES, claim_as(1234, 0));
	EXPECT_EQ(-EACCES, claim_as(1234, TAPKEEP_CLAIM_FORCE));
	EXPECT_EQ(-EACCES, as_user(1234, observe_nic, NULL));
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
}

TEST_F(orphan, can_be_claimed_with_CAP_NET_ADMIN)
{
	struct life life = { .uid = NOBODY };
	pid_t owner = start_owner(&life);

	ASSERT_LT(0, owner);
	kill_owner(owner);
	EXPECT_LE(0, keep_claim("nic", 0));
}

TEST_F(orphan, force_is_not_for_the_user_of_a_live_keep)
{
	struct life life = { .uid = NOBODY };
	pid_t owner = start_owner(&life);

	ASSERT_LT(0, owner);
	EXPECT_EQ(-EBUSY, claim_as(NOBODY, 0));
	EXPECT_EQ(-EACCES, claim_as(NOBODY, TAPKEEP_CLAIM_FORCE));
	EXPECT_EQ(0, as_user(NOBODY, observe_nic, NULL));
	kill_owner(owner);
}

TEST_F(orphan, can_be_claimed_by_an_offer_whoever_has_that)
{
	int queue = tap_open("tap0");
	int owner = keep_create("nic");
	int offer, status;
	pid_t pid;

	ASSERT_EQ(0, keep_pin(owner, queue));
	ASSERT_EQ(0, keep_freeze(owner));
	offer = keep_offer(owner);
	ASSERT_LE(0, offer);
	close(owner);
	pid = fork();
	if (!pid) {
		if (setuid(NOBODY))
			_exit(1);
		_exit(keep_claim_offer(offer) < 0);
	}
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
}

TEST_F(orphan, keeps_the_module_loaded)
{
	struct life life = {};
	pid_t owner;

	ASSERT_TRUE(WITHIN(10000, module_users() == 0));
	owner = start_owner(&life);
	ASSERT_LT(0, owner);
	EXPECT_EQ(-EWOULDBLOCK, module_unload());
	kill_owner(owner);
	EXPECT_EQ(1, module_users());
	EXPECT_EQ(-EWOULDBLOCK, module_unload());
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
}

TEST_F(orphan, of_a_namespace_that_nobody_is_in_ends_with_its_lease)
{
	struct life life = { .lease_ms = 500 };
	int status;
	pid_t pid;

	ASSERT_TRUE(WITHIN(10000, module_users() == 0));
	pid = fork();
	/* The queue's socket keeps the namespace, the keep keeps the queue. */
	if (!pid) {
		new_netns();
		_exit(owner_main(&life));
	}
	waitpid(pid, &status, 0);
	ASSERT_EQ(0, status);
	EXPECT_EQ(1, module_users());
	EXPECT_TRUE(WITHIN(10000, module_users() == 0));
}

TEST_F(orphan, ends_with_its_network_namespace)
{
	int queue = tap_open("tap0");
	int status, again;
	pid_t pid;

	ASSERT_TRUE(WITHIN(10000, module_users() == 0));
	pid = fork();
	/* The queue is of our namespace, the keep of another. */
	if (!pid) {
		int owner;

		new_netns();
		owner = keep_create_with("nic", 0, 0);
		_exit(owner < 0 || keep_pin(owner, queue));
	}
	waitpid(pid, &status, 0);
	ASSERT_EQ(0, status);
	EXPECT_TRUE(WITHIN(10000, module_users() == 0));
	again = keep_create("nic");
	EXPECT_EQ(0, keep_pin(again, queue));
}

TEST_F(orphan, the_module_can_be_unloaded_when_the_last_keep_has_ended)
{
	struct life life = { .lease_ms = 100 };
	pid_t owner = start_owner(&life);
	int i;

	ASSERT_LT(0, owner);
	kill_owner(owner);
	EXPECT_TRUE(WITHIN(5000, module_unload() == 0));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, module_load());
		EXPECT_EQ(0, module_unload());
	}
	EXPECT_EQ(0, module_load());
	EXPECT_LE(0, keep_create("again"));
}

TEST_HARNESS_MAIN
