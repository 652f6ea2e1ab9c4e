// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What happens to a keep's interface, and what the keep makes of it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "module_netlink.h"
#include "module_system.h"

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
	keep_release(self->nic.owner);
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

static int move_to(const char *name, pid_t pid)
{
	char text[64];

	snprintf(text, sizeof(text), "ip link set %s netns %d", name, pid);
	return run(text);
}

static int nothing(int arg)
{
	return arg;
}

TEST_F(netdev, it_can_be_moved_to_another_namespace)
{
	struct stat there;
	char path[64];
	pid_t pid;
	int go;

	pid = start_in_netns(nothing, 0, &go);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, move_to("tap0", pid));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	ASSERT_EQ(0, stat(path, &there));

	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->nic.owner));
	EXPECT_EQ(0, keep_freeze(self->nic.owner));
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(there.st_ino, self->k.netns);
	EXPECT_STREQ("tap0", self->k.ifname);
	EXPECT_EQ(0, keep_thaw(self->nic.owner));

	/* It goes with the namespace that it is in. */
	close(go);
	waitpid(pid, NULL, 0);
	EXPECT_TRUE(WITHIN(10000, named_state("nic") == -ENOENT));
	EXPECT_EQ(-ENODEV, keep_state(self->nic.owner));
}

static int pin_here(int queue)
{
	int owner = keep_create("moved");
	struct stat here;
	struct nl_keep k;

	if (stat("/proc/self/ns/net", &here))
		return 1;
	if (owner < 0 || keep_pin(owner, queue))
		return 2;
	if (nl_get("moved", &k) || k.netns != (int64_t)here.st_ino)
		return 3;
	return k.ifindex == if_index("tap1") ? 0 : 4;
}

/* @meanwhile: a command between the move and the pin, or NULL */
static void check_pin_where_moved(struct __test_metadata *_metadata,
				  const char *meanwhile)
{
	int queue = tap_open("tap1");
	int go = -1, status;
	pid_t pid;

	ASSERT_LE(0, queue);
	pid = start_in_netns(pin_here, queue, &go);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, move_to("tap1", pid));
	if (meanwhile)
		ASSERT_EQ(0, run(meanwhile));
	ASSERT_EQ(1, write(go, "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

TEST_F(netdev, its_queue_can_be_pinned_where_it_was_moved_to)
{
	check_pin_where_moved(_metadata, NULL);
}

/* Of another kind: it cannot be the one that the queue is of. */
TEST_F(netdev, what_has_its_name_where_it_was_is_not_taken_for_it)
{
	check_pin_where_moved(_metadata,
			      "ip link add tap1 type veth peer name tap2");
}

TEST_F(netdev, its_queue_can_be_pinned_in_another_namespace)
{
	struct stat here;
	int queue = tap_open("tap1");

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, stat("/proc/self/ns/net", &here));
	ASSERT_EQ(0, new_netns());
	ASSERT_EQ(0, keep_pin(keep_create("far"), queue));
	ASSERT_EQ(0, nl_get("far", &self->k));
	EXPECT_EQ(here.st_ino, self->k.netns);
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

struct deleter {
	atomic_bool stop;
	atomic_int deleted;
};

static void *delete_interfaces(void *arg)
{
	int rtnetlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct deleter *deleter = arg;
	int i;

	for (i = 0; !deleter->stop; i++)
		deleter->deleted += !if_delete(rtnetlink,
					       i % 2 ? "race0" : "race1");
	close(rtnetlink);
	return NULL;
}

/* A life of a keep; the interface may go at any moment. */
static int live(int owner, int queue)
{
	int ret = keep_pin(owner, queue);

	return ret ?: keep_freeze(owner) ?: keep_thaw(owner) ?:
	       keep_freeze(owner) ?: keep_release(owner);
}

TEST_F(netdev, deletion_against_everything_else)
{
	uint64_t until = now_ms() + 5000;
	struct deleter deleter = {};
	int i, ret, done = 0, gone = 0;
	int queue, owner;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, delete_interfaces, &deleter));
	for (i = 0; now_ms() < until; i++) {
		queue = tap_open(i % 2 ? "race0" : "race1");
		if (queue < 0)
			continue;
		owner = keep_create("race");
		ASSERT_LE(0, owner);
		/* Every other one is closed as it is instead of released. */
		ret = i % 4 < 2 ? live(owner, queue) :
				  keep_pin(owner, queue);
		EXPECT_TRUE(ret == 0 || ret == -ENODEV || ret == -EBADFD);
		done += !ret;
		gone += !!ret;
		close(queue);
		close(owner);
		owner = keep_claim("race", 0);
		if (owner >= 0) {
			keep_release(owner);
			close(owner);
		}
	}
	deleter.stop = true;
	pthread_join(thread, NULL);
	TH_LOG("%d went through, %d lost their interface, %d were deleted", done,
	       gone, deleter.deleted);
	EXPECT_LT(0, gone);
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
