// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What happens to a keep's interface, and what the keep makes of it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "module_netlink.h"

FIXTURE(netdev) {
	struct nic nic;
	struct nl monitor;
	struct nl_keep k;
};

FIXTURE_SETUP(netdev)
{
	ASSERT_EQ(0, nic_open(&self->nic));
	ASSERT_EQ(0, nl_monitor(&self->monitor));
}

FIXTURE_TEARDOWN(netdev)
{
	close(self->nic.owner);
}

static int run(const char *command)
{
	return system(command);
}

TEST_F(netdev, its_deletion_ends_the_keep)
{
	ASSERT_EQ(0, run("ip link del tap0"));
	EXPECT_EQ(-ENODEV, keep_state(self->nic.owner));
	EXPECT_EQ(-ENODEV, keep_freeze(self->nic.owner));
	EXPECT_EQ(-ENOENT, named_state("nic"));
	EXPECT_EQ(TAPKEEP_EVENT_DEVICE_GONE, nl_event(&self->monitor, &self->k));
	EXPECT_STREQ("nic", self->k.name);
	EXPECT_STREQ("tap0", self->k.ifname);
	EXPECT_EQ(TAPKEEP_ENDED, self->k.state);
}

TEST_F(netdev, its_deletion_ends_a_frozen_keep)
{
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(5000, send_packets("tap0", 0, 5000));
	ASSERT_EQ(0, run("ip link del tap0"));
	EXPECT_EQ(-ENODEV, keep_thaw(self->nic.owner));
	EXPECT_EQ(-ENODEV, if_index("tap0"));
}

TEST_F(netdev, its_deletion_ends_an_orphan)
{
	close(self->nic.owner);
	close(self->nic.queue);
	ASSERT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	ASSERT_EQ(0, run("ip link del tap0"));
	EXPECT_EQ(-ENOENT, named_state("nic"));
}

TEST_F(netdev, its_deletion_ends_every_keep_on_it)
{
	int first, second;

	first = keep_create("first");
	second = keep_create("second");
	ASSERT_EQ(0, keep_pin(first, tap_open_flags("tap1", IFF_TAP |
						    IFF_MULTI_QUEUE)));
	ASSERT_EQ(0, keep_pin(second, tap_open_flags("tap1", IFF_TAP |
						     IFF_MULTI_QUEUE)));
	ASSERT_EQ(0, run("ip link del tap1"));
	EXPECT_EQ(-ENODEV, keep_state(first));
	EXPECT_EQ(-ENODEV, keep_state(second));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->nic.owner));
}

TEST_F(netdev, its_queue_can_be_used_for_another_interface_after_the_deletion)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI, .ifr_name = "tap1" };
	int again = keep_create("again");

	ASSERT_EQ(0, run("ip link del tap0"));
	ASSERT_EQ(0, ioctl(self->nic.queue, TUNSETIFF, &ifr));
	EXPECT_EQ(0, keep_pin(again, self->nic.queue));
}

TEST_F(netdev, it_can_be_renamed)
{
	int index = if_index("tap0");

	ASSERT_EQ(0, run("ip link set tap0 down"));
	ASSERT_EQ(0, set_ifname("tap0", "other"));
	ASSERT_EQ(0, if_up("other"));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_STREQ("other", self->k.ifname);
	EXPECT_EQ(index, self->k.ifindex);
	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	EXPECT_EQ(5000, send_packets("other", 0, 5000));
	EXPECT_EQ(5000, read_packets(self->nic.queue, 0));
	ASSERT_EQ(0, run("ip link del other"));
	EXPECT_EQ(-ENODEV, keep_state(self->nic.owner));
}

TEST_F(netdev, it_can_be_moved_to_another_namespace)
{
	struct stat there;
	int pipes[2];
	char byte;
	pid_t pid;
	char text[64];

	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	if (!pid) {
		close(pipes[0]);
		close(self->nic.queue);
		new_netns();
		if (write(pipes[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(pipes[0], &byte, 1));
	snprintf(text, sizeof(text), "ip link set tap0 netns %d", pid);
	ASSERT_EQ(0, run(text));
	snprintf(text, sizeof(text), "/proc/%d/ns/net", pid);
	ASSERT_EQ(0, stat(text, &there));

	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->nic.owner));
	EXPECT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(there.st_ino, self->k.netns);
	EXPECT_STREQ("tap0", self->k.ifname);

	/* It goes with the namespace that it is in. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_TRUE(WITHIN(10000, named_state("nic") == -ENOENT));
	EXPECT_EQ(-ENODEV, keep_state(self->nic.owner));
}

TEST_F(netdev, a_queue_can_be_pinned_after_the_interface_was_moved_here)
{
	struct stat here;
	char text[64];
	int queue, owner, status;
	pid_t pid;

	queue = tap_open("tap1");
	ASSERT_LE(0, queue);
	ASSERT_EQ(0, new_netns());
	ASSERT_EQ(0, stat("/proc/self/ns/net", &here));
	/* From where it is to where we are now. */
	pid = getppid();
	snprintf(text, sizeof(text),
		 "nsenter -t %d -n true && ip link show tap1 2>/dev/null", pid);
	status = run(text);
	EXPECT_NE(0, status);
	owner = keep_create("moved");
	EXPECT_EQ(0, keep_pin(owner, queue));
	ASSERT_EQ(0, nl_get("moved", &self->k));
	EXPECT_NE(here.st_ino, self->k.netns);
}

TEST_F(netdev, netlink_tells_the_namespace_it_is_in)
{
	struct stat here;

	ASSERT_EQ(0, stat("/proc/self/ns/net", &here));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(here.st_ino, self->k.netns);
}

TEST_F(netdev, its_queue_that_is_closed_by_the_vmm_stays_attached)
{
	int queue;

	ASSERT_EQ(0, keep_freeze(self->nic.owner));
	close(self->nic.queue);
	ASSERT_EQ(5000, send_packets("tap0", 0, 5000));
	queue = keep_get_queue(self->nic.owner, 0);
	EXPECT_EQ(5000, read_packets(queue, 0));
}

/* Each keep is pinned, frozen and released while its interface is deleted. */
static void *delete_interfaces(void *arg)
{
	atomic_bool *stop = arg;
	int i;

	for (i = 0; !*stop; i++)
		run(i % 2 ? "ip link del race0 2>/dev/null" :
			    "ip link del race1 2>/dev/null");
	return NULL;
}

TEST_F(netdev, deletion_against_everything_else)
{
	atomic_bool stop = false;
	int i, done = 0, gone = 0;
	pthread_t deleter;

	ASSERT_EQ(0, pthread_create(&deleter, NULL, delete_interfaces,
				    &stop));
	for (i = 0; i < 150; i++) {
		int queue = tap_open(i % 2 ? "race0" : "race1");
		int owner = keep_create("race");
		int ret;

		ASSERT_LE(0, owner);
		ret = keep_pin(owner, queue);
		if (!ret)
			ret = keep_freeze(owner);
		if (!ret)
			ret = keep_thaw(owner);
		if (!ret)
			ret = keep_release(owner);
		EXPECT_TRUE(ret == 0 || ret == -ENODEV || ret == -EBADFD);
		done += ret == 0;
		gone += ret != 0;
		close(queue);
		close(owner);
		keep_release(keep_claim("race", 0));
	}
	stop = true;
	pthread_join(deleter, NULL);
	TH_LOG("%d went through, %d lost their interface", done, gone);
	EXPECT_EQ(-ENOENT, named_state("race"));
}

/* Many threads, one handle. */
struct crowd {
	int owner;
	int queue;
	atomic_bool stop;
};

static void *jostle(void *arg)
{
	struct crowd *crowd = arg;
	int offer, claimer;

	while (!crowd->stop) {
		keep_freeze(crowd->owner);
		offer = keep_offer(crowd->owner);
		keep_pin(crowd->owner, crowd->queue);
		close(keep_get_queue(crowd->owner, 0));
		claimer = keep_claim("nic", TAPKEEP_CLAIM_FORCE);
		keep_revoke(crowd->owner);
		keep_thaw(claimer);
		close(offer);
		close(claimer);
		claimer = keep_claim("nic", 0);
		keep_thaw(claimer);
		if (claimer >= 0)
			close(claimer);
	}
	return NULL;
}

TEST_F(netdev, concurrent_operations_leave_one_owner)
{
	struct crowd crowd = {
		.owner = self->nic.owner,
		.queue = self->nic.queue,
	};
	pthread_t threads[6];
	int i, claimer;

	for (i = 0; i < 6; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, jostle, &crowd));
	sleep_ms(3000);
	crowd.stop = true;
	for (i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	claimer = keep_claim("nic", TAPKEEP_CLAIM_FORCE);
	ASSERT_LE(0, claimer);
	TH_LOG("generation %d", keep_generation(claimer));
	EXPECT_EQ(TAPKEEP_ROLE_OWNER, keep_role(claimer));
	EXPECT_EQ(0, keep_thaw(claimer));
	ASSERT_EQ(0, keep_release(claimer));
	EXPECT_EQ(-ENOENT, named_state("nic"));
}

TEST_HARNESS_MAIN
