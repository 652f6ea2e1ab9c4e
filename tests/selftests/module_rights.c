// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may do what by a keep's name: its user, another user, root of a user
 * namespace, an administrator of the network namespace. And that whoever has
 * a descriptor needs none of that.
 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include "module_netlink.h"

#define USER		4321	/* the keep's */
#define STRANGER	1234
#define OVERFLOW	65534
/* Users of the initial namespace that a container has. */
#define FIRST_UID	100000
#define NR_UIDS		1000

FIXTURE(rights) {
	int queue;
	int owner;
	struct nl_keep k;
};

/* The effective user counts, and the rest of us is still root. */
static int create_as(uid_t uid, const char *name)
{
	int fd;

	if (setresuid(-1, uid, -1))
		return -errno;
	fd = keep_create_with(name, 0, 10000);
	if (setresuid(-1, 0, -1))
		return -errno;
	return fd;
}

FIXTURE_SETUP(rights)
{
	ASSERT_EQ(0, new_netns());
	self->queue = tap_open("tap0");
	ASSERT_EQ(0, if_up("tap0"));
	self->owner = create_as(USER, "nic");
	ASSERT_EQ(0, keep_pin(self->owner, self->queue));
}

FIXTURE_TEARDOWN(rights)
{
	keep_release(keep_claim("nic", TAPKEEP_CLAIM_FORCE));
}

static int handle_or_error(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int claim_nic(void *arg)
{
	(void)arg;
	return handle_or_error(keep_claim("nic", 0));
}

static int force_nic(void *arg)
{
	(void)arg;
	return handle_or_error(keep_claim("nic", TAPKEEP_CLAIM_FORCE));
}

static int observe_nic(void *arg)
{
	(void)arg;
	return handle_or_error(keep_observe("nic"));
}

static int release_nic(void *arg)
{
	(void)arg;
	return nl_release("nic");
}

/* Gives the caller, who is @uid outside, the names of root and all its rights. */
static int become_root_of_user_namespace(uid_t uid)
{
	char map[32];

	/* Or else /proc/self is root's. */
	prctl(PR_SET_DUMPABLE, 1);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (unshare(CLONE_NEWUSER))
		return -errno;
	return write_file("/proc/self/uid_map", map);
}

/* Return: what the first of them gave that was not refused as it should be. */
static int all_is_refused(void *arg)
{
	int ret;

	(void)arg;
	ret = claim_nic(NULL);
	if (ret != -EACCES)
		return ret ?: -ENOMSG;
	ret = force_nic(NULL);
	if (ret != -EACCES)
		return ret ?: -ENOMSG;
	ret = observe_nic(NULL);
	if (ret != -EACCES)
		return ret ?: -ENOMSG;
	ret = release_nic(NULL);
	return ret == -EPERM ? 0 : ret ?: -ENOMSG;
}

TEST_F(rights, of_its_user_end_where_there_is_a_live_owner)
{
	EXPECT_EQ(-EBUSY, as_user(USER, claim_nic, NULL));
	EXPECT_EQ(-EACCES, as_user(USER, force_nic, NULL));
	EXPECT_EQ(-EBUSY, as_user(USER, release_nic, NULL));
	EXPECT_EQ(0, as_user(USER, observe_nic, NULL));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->owner));
}

TEST_F(rights, of_its_user_are_enough_for_an_orphan)
{
	close(self->owner);
	EXPECT_EQ(0, as_user(USER, claim_nic, NULL));
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	EXPECT_EQ(0, as_user(USER, release_nic, NULL));
}

TEST_F(rights, another_user_has_none)
{
	EXPECT_EQ(0, as_user(STRANGER, all_is_refused, NULL));
	close(self->owner);
	EXPECT_EQ(0, as_user(STRANGER, all_is_refused, NULL));
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
}

static int all_is_refused_to_root_of_user_namespace(void *arg)
{
	return become_root_of_user_namespace(STRANGER) ?: all_is_refused(arg);
}

TEST_F(rights, root_of_a_user_namespace_has_none_outside_of_it)
{
	EXPECT_EQ(0, as_user(STRANGER, all_is_refused_to_root_of_user_namespace,
			     NULL));
	close(self->owner);
	EXPECT_EQ(0, as_user(STRANGER, all_is_refused_to_root_of_user_namespace,
			     NULL));
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
}

static int claim_from_user_namespace(void *arg)
{
	return become_root_of_user_namespace(USER) ?: claim_nic(arg);
}

static int force_from_user_namespace(void *arg)
{
	return become_root_of_user_namespace(USER) ?: force_nic(arg);
}

TEST_F(rights, its_user_is_that_in_any_user_namespace)
{
	EXPECT_EQ(-EACCES, as_user(USER, force_from_user_namespace, NULL));
	close(self->owner);
	EXPECT_EQ(0, as_user(USER, claim_from_user_namespace, NULL));
}

/* A look from a user namespace in which only STRANGER has a number. */
static int look_from_user_namespace(void *arg)
{
	struct nl_keep *k = arg;
	int ret = become_root_of_user_namespace(STRANGER) ?: nl_get("nic", k);

	return ret ?: k->uid == OVERFLOW ? 0 : -ENOMSG;
}

TEST_F(rights, everybody_may_look_and_sees_the_users_that_it_knows)
{
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(USER, self->k.uid);
	EXPECT_EQ(0, as_user(STRANGER, look_from_user_namespace, &self->k));
}

static int hear_of_own_keep(void *arg)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int ret = nl_monitor(nl);

	if (ret)
		return ret;
	ret = handle_or_error(keep_create("mine"));
	if (ret)
		return ret;
	return nl_event(nl, arg) == TAPKEEP_EVENT_CREATED ? 0 : -ENOMSG;
}

TEST_F(rights, everybody_may_make_a_keep_and_listen)
{
	struct stat device;

	EXPECT_EQ(0, as_user(STRANGER, hear_of_own_keep, &self->k));
	ASSERT_EQ(0, stat("/dev/tapkeep", &device));
	EXPECT_EQ(0666, device.st_mode & 07777);
}

/* 0: none. */
static int set_capabilities(uint64_t capabilities)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ .effective = capabilities, .permitted = capabilities },
		{ .effective = capabilities >> 32, .permitted = capabilities >> 32 },
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int all_is_refused_without_capabilities(void *arg)
{
	return set_capabilities(0) ?: all_is_refused(arg);
}

TEST_F(rights, root_has_none_without_its_capabilities)
{
	EXPECT_EQ(0, as_user(0, all_is_refused_without_capabilities, NULL));
	close(self->owner);
	EXPECT_EQ(0, as_user(0, all_is_refused_without_capabilities, NULL));
}

/* Runs @fn in a child that is STRANGER, and has CAP_NET_ADMIN. */
static int as_administrator(int (*fn)(void *))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (prctl(PR_SET_KEEPCAPS, 1) ||
		    setresuid(STRANGER, STRANGER, STRANGER) ||
		    set_capabilities(1ull << CAP_NET_ADMIN))
			_exit(255);
		_exit(-fn(NULL));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

TEST_F(rights, CAP_NET_ADMIN_has_them_all)
{
	EXPECT_EQ(-EBUSY, as_administrator(claim_nic));
	EXPECT_EQ(0, as_administrator(observe_nic));
	EXPECT_EQ(0, as_administrator(force_nic));
	EXPECT_EQ(TAPKEEP_ROLE_STALE, keep_role(self->owner));
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	EXPECT_EQ(0, as_administrator(claim_nic));
	EXPECT_EQ(0, as_administrator(release_nic));
	EXPECT_EQ(-ENOENT, named_state("nic"));
}

TEST_F(rights, a_socket_that_a_stranger_opened_gives_none_to_root)
{
	int own = keep_create("of-root");
	struct nl nl;

	ASSERT_EQ(0, setresuid(-1, STRANGER, -1));
	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, setresuid(-1, 0, -1));
	EXPECT_EQ(-EPERM, nl_release_on(&nl, "nic"));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->owner));
	/* Not even of its own: somebody else may have it send this. */
	EXPECT_EQ(-EPERM, nl_release_on(&nl, "of-root"));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(own));
}

/* A VMM: no privileges, in namespaces of its own, and two descriptors. */
static int live_by_descriptors(void *arg)
{
	const int *fds = arg;
	int owner = fds[0], second = fds[1], claimer, offer, queue;

	if (become_root_of_user_namespace(STRANGER) || unshare(CLONE_NEWNET) ||
	    set_capabilities(0))
		return -ENOTSUP;
	if (keep_claim("nic", 0) != -ENOENT || nl_get("nic", NULL) != -ENOENT)
		return -ENOTUNIQ;
	if (keep_pin(owner, second) != 1 || keep_freeze(owner) ||
	    keep_set_flags(owner, 2, TAPKEEP_STATE_STOPPED))
		return -EBADFD;
	offer = keep_offer(owner);
	claimer = keep_claim_offer(offer);
	queue = keep_get_queue(claimer, 0);
	if (claimer < 0 || queue < 0 || keep_thaw(claimer))
		return -EBADE;
	if (read_packet(queue) != 42)
		return -ENODATA;
	return keep_release(claimer);
}

TEST_F(rights, who_has_descriptors_needs_none)
{
	int owner = create_as(USER, "vmm");
	int queue = tap_open_flags("tap1", IFF_TAP | IFF_MULTI_QUEUE);
	int fds[] = {
		owner,
		tap_open_flags("tap1", IFF_TAP | IFF_MULTI_QUEUE),
	};
	struct ifreq detach = { .ifr_flags = IFF_DETACH_QUEUE };

	ASSERT_EQ(0, keep_pin(owner, queue));
	/* So that the packet is in the first. */
	ASSERT_EQ(0, call(fds[1], TUNSETQUEUE, &detach));
	ASSERT_EQ(0, if_up("tap1"));
	ASSERT_EQ(1, send_packets("tap1", 42, 1));
	EXPECT_EQ(0, as_user(STRANGER, live_by_descriptors, fds));
	EXPECT_EQ(-ENODEV, keep_state(owner));
}

/* A container: a user namespace of several users, and its network namespace. */
struct container {
	pid_t pid;
	int to_parent[2];
	int to_child[2];
};

/* Makes a keep, and leaves it an orphan. */
static int make_orphan(void *arg)
{
	int owner = keep_create_with("nic", 0, 10000);

	if (owner < 0)
		return owner;
	return keep_pin(owner, *(int *)arg);
}

static int set_lease(void *arg)
{
	const struct limits limits = { .lease = 10000 };
	struct nl nl;

	(void)arg;
	return nl_open(&nl) ?: set_limits(&nl, limits);
}

/* What its root does in it. Return: 0, and there is an orphan of user 7. */
static int administer(void)
{
	int queue, ret;

	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return -ECHILD;
	queue = tap_open("tap0");
	if (queue < 0)
		return queue;
	ret = as_user(7, make_orphan, &queue);
	if (ret)
		return ret;
	/* Another user of the container has no right, its root has all. */
	ret = as_user(8, claim_nic, NULL);
	if (ret != -EACCES)
		return ret ?: -ENOMSG;
	ret = as_user(0, claim_nic, NULL);
	if (ret)
		return ret;
	ret = as_user(0, force_nic, NULL);
	if (ret)
		return ret;
	ret = as_user(8, set_lease, NULL);
	if (ret != -EPERM)
		return ret ?: -ENOMSG;
	return as_user(0, set_lease, NULL);
}

static int write_map(pid_t pid, const char *file)
{
	char path[64], map[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	snprintf(map, sizeof(map), "0 %d %d", FIRST_UID, NR_UIDS);
	return write_file(path, map);
}

static int start_container(struct container *c)
{
	char byte = 0;

	/* As on every system that has udev. */
	if (chmod("/dev/net/tun", 0666) ||
	    pipe(c->to_parent) || pipe(c->to_child))
		return -errno;
	c->pid = fork();
	if (!c->pid) {
		/* So that it ends with this process, however that ends. */
		close(c->to_child[1]);
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) ||
		    write(c->to_parent[1], &byte, 1) != 1 ||
		    read(c->to_child[0], &byte, 1) != 1)
			_exit(255);
		byte = -administer();
		if (write(c->to_parent[1], &byte, 1) != 1 ||
		    read(c->to_child[0], &byte, 1))
			_exit(255);
		_exit(0);
	}
	if (read(c->to_parent[0], &byte, 1) != 1 ||
	    write_map(c->pid, "uid_map") || write_map(c->pid, "gid_map") ||
	    write(c->to_child[1], &byte, 1) != 1 ||
	    read(c->to_parent[0], &byte, 1) != 1)
		return -EPIPE;
	return -byte;
}

TEST_F(rights, of_an_administrator_of_the_namespace)
{
	struct container c;
	struct nl nl;
	char path[64];
	int netns, own = open("/proc/self/ns/net", O_RDONLY);

	ASSERT_EQ(0, start_container(&c));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", c.pid);
	netns = open(path, O_RDONLY);
	ASSERT_EQ(0, setns(netns, CLONE_NEWNET));
	/* From outside its user has the number that it has there. */
	ASSERT_EQ(0, nl_get("nic", &self->k));
	EXPECT_EQ(FIRST_UID + 7, self->k.uid);
	EXPECT_EQ(TAPKEEP_ORPHAN, self->k.state);
	EXPECT_EQ(-EACCES, as_user(STRANGER, claim_nic, NULL));
	/* Who is above the container is above its administrator. */
	EXPECT_EQ(0, as_administrator(claim_nic));
	EXPECT_EQ(0, as_user(FIRST_UID + 7, claim_nic, NULL));
	ASSERT_EQ(0, nl_monitor(&nl));
	EXPECT_EQ(0, as_administrator(release_nic));
	/* An event has the numbers of the container: one for all that read it. */
	EXPECT_EQ(TAPKEEP_EVENT_RELEASED, nl_event(&nl, &self->k));
	EXPECT_EQ(7, self->k.uid);
	EXPECT_EQ(OVERFLOW, self->k.actor_uid);
	close(c.to_child[1]);
	waitpid(c.pid, NULL, 0);
	ASSERT_EQ(0, setns(own, CLONE_NEWNET));
}

TEST_HARNESS_MAIN
