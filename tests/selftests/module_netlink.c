// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The generic netlink family: what it tells, to whom, and what it refuses.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include "lingering.h"
#include "module_netlink.h"

#define MANY 3000

FIXTURE(netlink) {
	struct nic nic;
	int owner;
	struct nl nl;
	struct nl_keep k;
};

/* Every refusal has its text. */
#define EXPECT_SAYS(text)					\
	EXPECT_NE(NULL, strstr(self->nl.extack, text)) {	\
		TH_LOG("%s", self->nl.extack);			\
	}

FIXTURE_SETUP(netlink)
{
	ASSERT_EQ(0, nic_open(&self->nic));
	self->owner = self->nic.owner;
	ASSERT_EQ(0, nl_open(&self->nl));
}

FIXTURE_TEARDOWN(netlink)
{
	keep_release(self->owner);
}

static int export_state(int owner)
{
	static struct tapkeep_queue_state queue = {
		.rx_last_avail = 11,
		.rx_used = 12,
		.rx_size = 256,
		.tx_last_avail = 13,
		.tx_used = 14,
		.tx_size = 512,
		.flags = TAPKEEP_QUEUE_ENABLED,
	};
	struct tapkeep_state state = {
		.size = sizeof(state),
		.flags = TAPKEEP_STATE_STOPPED,
		.features = 0x130000000,
		.offloads = 0x0f,
		.vnet_hdr_len = 12,
		.vnet_hdr_endian = TAPKEEP_ENDIAN_LITTLE,
		.mac = { 0x52, 0x54, 0, 1, 2, 3 },
		.active_queue_pairs = 1,
		.queue_size = sizeof(queue),
		.nr_queues = 1,
		.queues = (uintptr_t)&queue,
	};

	return call(owner, TAPKEEP_SET_STATE, &state);
}

TEST_F(netlink, get_tells_all_about_an_active_keep)
{
	ASSERT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
	EXPECT_STREQ("nic", self->k.name);
	EXPECT_EQ(-1, self->k.event);
	EXPECT_EQ(TAPKEEP_ACTIVE, self->k.state);
	EXPECT_EQ(1, self->k.generation);
	EXPECT_EQ(0, self->k.uid);
	EXPECT_EQ(if_index("tap0"), self->k.ifindex);
	EXPECT_STREQ("tap0", self->k.ifname);
	EXPECT_EQ(getpid(), self->k.owner_pid);
	EXPECT_STREQ("module_netlink", self->k.owner_comm);
	EXPECT_EQ(-1, self->k.former_pid);
	EXPECT_EQ(-1, self->k.actor_pid);
	EXPECT_EQ(SHORT_LEASE_MS, self->k.lease);
	EXPECT_EQ(-1, self->k.lease_left);
	EXPECT_EQ(16384, self->k.hold_limit);
	EXPECT_EQ(0, self->k.held);
	EXPECT_EQ(0, self->k.held_total);
	EXPECT_EQ(0, self->k.peak);
	EXPECT_EQ(0, self->k.dropped);
	EXPECT_EQ(0, self->k.stolen);
	EXPECT_EQ(0, self->k.blackout);
	EXPECT_EQ(0, self->k.blackout_max);
	EXPECT_FALSE(self->k.draining);
	EXPECT_FALSE(self->k.has_vmm);
	ASSERT_EQ(1, self->k.nr_queues);
	EXPECT_EQ(0, self->k.queues[0].index);
	EXPECT_EQ(1000, self->k.queues[0].ring_size);
	EXPECT_EQ(0, self->k.queues[0].ring_used);
	EXPECT_FALSE(self->k.queues[0].has_state);
}

TEST_F(netlink, get_tells_the_state_that_the_vmm_exported)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };

	ASSERT_EQ(0, export_state(self->owner));
	ASSERT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
	ASSERT_TRUE(self->k.has_vmm);
	EXPECT_EQ(TAPKEEP_STATE_STOPPED, self->k.vmm.flags);
	EXPECT_EQ(0x130000000, self->k.vmm.features);
	EXPECT_EQ(0x0f, self->k.vmm.offloads);
	EXPECT_EQ(12, self->k.vmm.vnet_hdr_len);
	EXPECT_EQ(TAPKEEP_ENDIAN_LITTLE, self->k.vmm.vnet_hdr_endian);
	EXPECT_EQ(0, memcmp(mac, self->k.vmm.mac, 6));
	EXPECT_EQ(1, self->k.vmm.active_queue_pairs);
	ASSERT_TRUE(self->k.queues[0].has_state);
	EXPECT_EQ(TAPKEEP_QUEUE_ENABLED, self->k.queues[0].state.flags);
	EXPECT_EQ(11, self->k.queues[0].state.rx_last_avail);
	EXPECT_EQ(12, self->k.queues[0].state.rx_used);
	EXPECT_EQ(256, self->k.queues[0].state.rx_size);
	EXPECT_EQ(13, self->k.queues[0].state.tx_last_avail);
	EXPECT_EQ(14, self->k.queues[0].state.tx_used);
	EXPECT_EQ(512, self->k.queues[0].state.tx_size);
}

TEST_F(netlink, get_tells_what_is_in_a_ring)
{
	ASSERT_EQ(17, send_packets("tap0", 0, 17));
	ASSERT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
	EXPECT_EQ(17, self->k.queues[0].ring_used);
	EXPECT_EQ(0, self->k.held);
}

TEST_F(netlink, get_of_a_keep_without_a_queue_tells_no_interface)
{
	ASSERT_LE(0, keep_create("empty"));
	ASSERT_EQ(0, nl_get_on(&self->nl, "empty", &self->k));
	EXPECT_EQ(-1, self->k.ifindex);
	EXPECT_STREQ("", self->k.ifname);
	EXPECT_EQ(-1, self->k.netns);
	EXPECT_EQ(0, self->k.nr_queues);
}

TEST_F(netlink, get_of_a_name_that_there_is_not)
{
	EXPECT_EQ(-ENOENT, nl_get_on(&self->nl, "x", NULL));
	EXPECT_SAYS("no keep of this name");
	EXPECT_LT(0, self->nl.bad_attr_offset);
}

TEST_F(netlink, a_request_without_a_name)
{
	EXPECT_EQ(-EINVAL, nl_get_on(&self->nl, NULL, NULL));
	EXPECT_SAYS("name of a keep is needed");
	EXPECT_EQ(-EINVAL, nl_release_on(&self->nl, NULL));
	EXPECT_SAYS("name of a keep is needed");
}

/* Between being found by its name and being looked at. */
static int get_it(struct nl *nl)
{
	struct nl_keep k;

	return nl_get_on(nl, "nic", &k);
}

static int release_another(struct nl *nl)
{
	struct nl_msg *msg = nl_request(nl, NLM_F_ACK, TAPKEEP_CMD_RELEASE,
					"nic");

	/* This one is never released by it. */
	nla_put_u64(msg, TAPKEEP_A_GENERATION, 1000);
	return nl_talk(nl, msg, NULL);
}

static int set_the_lease(struct nl *nl)
{
	struct nl_msg *msg = nl_request(nl, NLM_F_ACK, TAPKEEP_CMD_SET, "nic");

	nla_put_u32(msg, TAPKEEP_A_LEASE, SHORT_LEASE_MS);
	return nl_talk(nl, msg, NULL);
}

struct asker {
	int (*ask)(struct nl *nl);
	struct nl nl;
	int ret;
};

static void *ask_until_it_ends(void *arg)
{
	struct asker *asker = arg;

	do {
		asker->ret = asker->ask(&asker->nl);
	} while (!asker->ret || asker->ret == -ESTALE);
	return NULL;
}

/* Return: has somebody been told, within some attempts, that it just ended? */
static bool ends_while_asked(struct asker *asker, int queue)
{
	uint64_t until = now_ms() + 30000 * timeout_factor();
	bool seen = false;
	pthread_t thread;
	int owner;

	while (!seen && now_ms() < until) {
		owner = keep_create_with("nic", 1 << 20, 0);
		if (keep_pin(owner, queue) || keep_freeze(owner) ||
		    pthread_create(&thread, NULL, ask_until_it_ends, asker))
			return false;
		sleep_ms(20);
		keep_release(owner);
		pthread_join(thread, NULL);
		close(owner);
		if (asker->ret != -ENOENT)
			return false;
		seen = strstr(asker->nl.extack, "has just ended");
	}
	return seen;
}

TEST_F_TIMEOUT(netlink, a_request_about_a_keep_that_ends_just_then, 100)
{
	static int (* const asks[])(struct nl *nl) = {
		get_it, release_another, set_the_lease,
	};
	size_t i;

	ASSERT_EQ(0, keep_release(self->owner));
	for (i = 0; i < 3; i++) {
		struct asker asker = { .ask = asks[i], .nl = self->nl };

		EXPECT_TRUE(ends_while_asked(&asker, self->nic.queue)) {
			TH_LOG("%zu: %d %s", i, asker.ret, asker.nl.extack);
		}
	}
}

TEST_F(netlink, get_with_a_name_that_is_too_long)
{
	char name[65];

	memset(name, 'x', 64);
	name[64] = 0;
	EXPECT_EQ(-EINVAL, nl_get_on(&self->nl, name, NULL));
	EXPECT_STRNE("", self->nl.extack);
	name[63] = 0;
	EXPECT_EQ(-ENOENT, nl_get_on(&self->nl, name, NULL));
}

TEST_F(netlink, get_with_a_name_that_has_no_end)
{
	struct nl_msg *msg = nl_request(&self->nl, NLM_F_ACK, TAPKEEP_CMD_GET,
					NULL);

	nla_put(msg, TAPKEEP_A_NAME, 3, "nic");
	EXPECT_EQ(-EINVAL, nl_talk(&self->nl, msg, NULL));
}

TEST_F(netlink, an_attribute_that_is_not_of_a_request)
{
	struct nl_msg *msg = nl_request(&self->nl, NLM_F_ACK, TAPKEEP_CMD_GET,
					"nic");

	nla_put_u32(msg, TAPKEEP_A_STATE, 0);
	EXPECT_EQ(-EINVAL, nl_talk(&self->nl, msg, NULL));
	EXPECT_STRNE("", self->nl.extack);
}

TEST_F(netlink, an_unknown_command)
{
	EXPECT_EQ(-EOPNOTSUPP,
		  nl_talk(&self->nl, nl_request(&self->nl, NLM_F_ACK,
						TAPKEEP_CMD_NTF, "nic"), NULL));
}

TEST_F(netlink, a_keep_of_another_namespace_is_not_seen)
{
	ASSERT_EQ(0, new_netns());
	EXPECT_EQ(-ENOENT, nl_get("nic", &self->k));
	EXPECT_EQ(-ENOENT, nl_release("nic"));
	/* The socket is still of the first one. */
	EXPECT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
}

struct seen {
	int count[MANY];
	int owner[MANY];
};

static void see(struct nl_keep *k, void *arg)
{
	struct seen *seen = arg;
	int number;

	if (sscanf(k->name, "many%d", &number) == 1 && number < MANY)
		seen->count[number]++;
}

TEST_F(netlink, a_dump_shows_each_keep_once)
{
	struct seen seen = {};
	char name[16];
	int i;

	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		ASSERT_LE(0, keep_create(name));
	}
	EXPECT_EQ(301, nl_dump_keeps(&self->nl, NL_BUFFER, see, &seen));
	EXPECT_FALSE(self->nl.interrupted);
	for (i = 0; i < 300; i++)
		EXPECT_EQ(1, seen.count[i]);
}

/* Makes and ends keeps until it is killed. */
static pid_t start_coming_and_going(void)
{
	char name[32];
	pid_t pid = fork();
	int i;

	if (pid)
		return pid;
	for (i = 0;; i++) {
		snprintf(name, sizeof(name), "passing%d", i);
		close(keep_create(name));
	}
}

TEST_F(netlink, a_dump_of_thousands_while_others_come_and_go)
{
	struct rlimit files = { .rlim_cur = 2 * MANY, .rlim_max = 2 * MANY };
	struct seen *seen = calloc(1, sizeof(*seen));
	int round, i, interrupted = 0;
	char name[16];
	pid_t pid;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		seen->owner[i] = keep_create(name);
		ASSERT_LE(0, seen->owner[i]);
	}
	pid = start_coming_and_going();
	ASSERT_LT(0, pid);
	for (round = 1; round <= 5; round++) {
		EXPECT_LE(MANY + 1, nl_dump_keeps(&self->nl, NL_BUFFER, see, seen));
		for (i = 0; i < MANY; i++)
			ASSERT_EQ(round, seen->count[i]);
		interrupted += self->nl.interrupted;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* All but those in which the other process did not run. */
	EXPECT_LT(0, interrupted);
	EXPECT_EQ(MANY + 1, nl_dump_keeps(&self->nl, NL_BUFFER, see, seen));
	EXPECT_FALSE(self->nl.interrupted);
	free(seen);
}

TEST_F(netlink, a_dump_of_small_keeps_fits_small_buffers)
{
	char name[16];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		ASSERT_LE(0, keep_create(name));
	}
	EXPECT_EQ(101, nl_dump_keeps(&self->nl, NL_BUFFER_SMALL, NULL, NULL));
}

static void see_and_end(struct nl_keep *k, void *arg)
{
	struct seen *seen = arg;
	int number;

	see(k, arg);
	if (sscanf(k->name, "many%d", &number) == 1)
		close(seen->owner[number]);
}

TEST_F(netlink, a_dump_goes_on_while_what_it_showed_ends)
{
	struct seen seen = {};
	char name[16];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		seen.owner[i] = keep_create(name);
		ASSERT_LE(0, seen.owner[i]);
	}
	EXPECT_EQ(101, nl_dump_keeps(&self->nl, NL_BUFFER_SMALL, see_and_end, &seen));
	EXPECT_TRUE(self->nl.interrupted);
	for (i = 0; i < 100; i++)
		EXPECT_EQ(1, seen.count[i]);
	EXPECT_EQ(1, nl_dump_keeps(&self->nl, NL_BUFFER, NULL, NULL));
}

/* What is done when a dump of some parts has shown the first of them. */
struct first {
	void (*then)(struct first *first);
	int owner[100];
	int late;
	bool late_seen;
};

static void see_first(struct nl_keep *k, void *arg)
{
	struct first *first = arg;

	if (first->late < 0)
		first->then(first);
	if (!strcmp(k->name, "late"))
		first->late_seen = true;
}

static void make_late(struct first *first)
{
	first->late = keep_create("late");
}

static void replace_one(struct first *first)
{
	close(first->owner[0]);
	first->late = keep_create("late");
}

static void make_hundred(struct first *first)
{
	char name[16];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		first->owner[i] = keep_create(name);
	}
}

TEST_F(netlink, a_dump_says_when_a_keep_comes_meanwhile)
{
	struct first first = { .then = make_late, .late = -1 };

	make_hundred(&first);
	ASSERT_LE(0, first.owner[99]);
	EXPECT_EQ(102, nl_dump_keeps(&self->nl, NL_BUFFER_SMALL, see_first, &first));
	EXPECT_LE(0, first.late);
	EXPECT_TRUE(self->nl.interrupted);
}

/* Also if it could have the number of one that has gone. */
TEST_F(netlink, a_dump_shows_last_what_comes_last)
{
	struct first first = { .then = replace_one, .late = -1 };

	make_hundred(&first);
	ASSERT_LE(0, first.owner[99]);
	nl_dump_keeps(&self->nl, NL_BUFFER_SMALL, see_first, &first);
	EXPECT_LE(0, first.late);
	EXPECT_TRUE(first.late_seen);
}

TEST_F(netlink, an_empty_dump)
{
	ASSERT_EQ(0, keep_release(self->owner));
	EXPECT_EQ(0, nl_dump_keeps(&self->nl, NL_BUFFER, NULL, NULL));
}

/* 6.1 gives the start of a dump no extended ack to write into. */
static bool has_ack_for_dumps(void)
{
	struct utsname uts;

	return !uname(&uts) && strncmp(uts.release, "6.1.", 4);
}

TEST_F(netlink, a_dump_with_a_name_is_refused)
{
	struct nl_msg *msg = nl_request(&self->nl, NLM_F_DUMP, TAPKEEP_CMD_GET,
					"nic");

	EXPECT_EQ(-EINVAL, nl_talk(&self->nl, msg, NULL));
	if (has_ack_for_dumps())
		EXPECT_SAYS("takes no name");
}

TEST_F(netlink, release_by_an_administrator_ends_a_live_keep)
{
	EXPECT_EQ(0, nl_release_on(&self->nl, "nic"));
	EXPECT_EQ(-ENODEV, keep_state(self->owner));
	EXPECT_EQ(-ENOENT, nl_release_on(&self->nl, "nic"));
	EXPECT_SAYS("no keep of this name");
}

static int release_generation(struct nl *nl, uint64_t generation)
{
	struct nl_msg *msg = nl_request(nl, NLM_F_ACK, TAPKEEP_CMD_RELEASE, "nic");

	nla_put_u64(msg, TAPKEEP_A_GENERATION, generation);
	return nl_talk(nl, msg, NULL);
}

/* Before 6.2 the text of an ack can have no values in it. */
static const char *stale_text(const char *text)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (!uname(&name))
		sscanf(name.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 2) ? text :
	       "That is not the generation that there is now";
}

TEST_F(netlink, release_of_an_earlier_generation_names_the_present_owner)
{
	char text[128];

	close(self->owner);
	self->owner = keep_claim("nic", 0);
	ASSERT_LE(0, self->owner);
	EXPECT_EQ(-ESTALE, release_generation(&self->nl, 1));
	snprintf(text, sizeof(text), "Generation 2 now, owned by %d (module_netlink)",
		 getpid());
	EXPECT_STREQ(stale_text(text), self->nl.extack);
	close(self->owner);
	EXPECT_EQ(-ESTALE, release_generation(&self->nl, 1));
	EXPECT_STREQ(stale_text("Generation 2 now, and without an owner"),
		     self->nl.extack);
	EXPECT_EQ(-ERANGE, release_generation(&self->nl, 0));
	EXPECT_STRNE("", self->nl.extack);
	EXPECT_EQ(0, release_generation(&self->nl, 2));
	EXPECT_EQ(-ENOENT, named_state("nic"));
}

/* Return: @ret, if the refusal has the @text. */
static int says(const struct nl *nl, int ret, const char *text)
{
	return ret && !strstr(nl->extack, text) ? -EPROTO : ret;
}

static int release_from_elsewhere(void *arg)
{
	struct nl *nl = arg;

	return says(nl, release_generation(nl, 2),
		    stale_text("Generation 1 now, owned by module_netlink (not visible)"));
}

static void see_pid(struct nl_keep *k, void *arg)
{
	int64_t *pid = arg;

	*pid = k->owner_pid;
}

static int look_from_elsewhere(void *arg)
{
	int64_t dumped = -1;
	struct nl_keep k;

	if (nl_get_on(arg, "nic", &k) ||
	    nl_dump_keeps(arg, NL_BUFFER, see_pid, &dumped) != 1)
		return -EPROTO;
	return k.owner_pid > 0 || dumped > 0 ? -EEXIST : 0;
}

TEST_F(netlink, an_owner_of_another_pid_namespace_has_no_number)
{
	ASSERT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
	ASSERT_EQ(getpid(), self->k.owner_pid);
	EXPECT_EQ(0, in_another_pid_namespace(look_from_elsewhere, &self->nl));
	EXPECT_EQ(-ESTALE, in_another_pid_namespace(release_from_elsewhere,
						    &self->nl));
}

TEST_F(netlink, set_changes_the_hold_limit)
{
	struct limits limits = { .hold_limit = 3000 };

	ASSERT_EQ(0, set_limits(&self->nl, limits));
	ASSERT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
	EXPECT_EQ(3000, self->k.hold_limit);
	EXPECT_EQ(SHORT_LEASE_MS, self->k.lease);
	ASSERT_EQ(500, send_packets("tap0", 0, 500));
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(3000, ring_size("nic"));
	ASSERT_EQ(4000, send_packets("tap0", 500, 4000));
	limits.hold_limit = 5000;
	EXPECT_EQ(-EBUSY, set_limits(&self->nl, limits));
	EXPECT_SAYS("while it holds or drains");
	ASSERT_EQ(0, keep_thaw(self->owner));
	EXPECT_EQ(-EBUSY, set_limits(&self->nl, limits));
	EXPECT_EQ(3000, read_packets(self->nic.queue, 0));
	ASSERT_TRUE(WITHIN(5000, !set_limits(&self->nl, limits)));
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EQ(5000, ring_size("nic"));
}

TEST_F(netlink, set_counts_in_the_limit_of_slots)
{
	static const char * const path =
		"/sys/module/tapkeep/parameters/max_hold_slots";
	struct limits limits = { .hold_limit = 1 << 20, .lease = 7 };
	int i, err;

	ASSERT_EQ(0, write_file(path, "1048576"));
	err = set_limits(&self->nl, limits);
	ASSERT_EQ(0, write_file(path, "67108864"));
	EXPECT_EQ(-ENOBUFS, err);
	EXPECT_SAYS("max_hold_slots");
	ASSERT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
	EXPECT_EQ(16384, self->k.hold_limit);
	EXPECT_EQ(SHORT_LEASE_MS, self->k.lease);
	/* What is replaced is given back: there is room for two of these. */
	limits.hold_limit = 16384;
	ASSERT_EQ(0, write_file(path, "32768"));
	for (i = 0, err = 0; i < 10 && !err; i++)
		err = WITHIN(15000, !set_limits(&self->nl, limits)) ? 0 : -1;
	ASSERT_EQ(0, write_file(path, "67108864"));
	EXPECT_EQ(0, err);
}

TEST_F(netlink, set_of_an_orphan_begins_its_lease_anew)
{
	const struct limits limits = { .lease = 60000 };
	const struct limits shorter = { .lease = 100 };

	close(self->owner);
	ASSERT_EQ(0, set_limits(&self->nl, limits));
	ASSERT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
	EXPECT_EQ(60000, self->k.lease);
	EXPECT_LT(50000, self->k.lease_left);
	sleep_ms(SHORT_LEASE_MS + 200);
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	ASSERT_EQ(0, set_limits(&self->nl, shorter));
	EXPECT_TRUE(WITHIN(5000, named_state("nic") == -ENOENT));
}

TEST_F(netlink, set_of_what_cannot_be)
{
	const struct limits nothing = {};
	const struct limits long_lease = { .lease = 3600001 };
	const struct limits large = { .hold_limit = (1 << 20) + 1 };
	const struct limits stale = { .generation = 2, .lease = 1 };
	char text[128];

	EXPECT_EQ(-EINVAL, set_limits(&self->nl, nothing));
	EXPECT_SAYS("Nothing is to be set");
	EXPECT_EQ(-ERANGE, set_limits(&self->nl, long_lease));
	EXPECT_SAYS("Over the maximum");
	EXPECT_LT(0, self->nl.bad_attr_offset);
	EXPECT_EQ(-ERANGE, set_limits(&self->nl, large));
	EXPECT_SAYS("Over the maximum");
	EXPECT_LT(0, self->nl.bad_attr_offset);
	EXPECT_EQ(-ESTALE, set_limits(&self->nl, stale));
	snprintf(text, sizeof(text), "Generation 1 now, owned by %d (module_netlink)",
		 getpid());
	EXPECT_STREQ(stale_text(text), self->nl.extack);
	ASSERT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
	EXPECT_EQ(SHORT_LEASE_MS, self->k.lease);
	EXPECT_EQ(16384, self->k.hold_limit);
}

static int set_lease(void *arg)
{
	const struct limits limits = { .lease = 4444 };
	struct nl nl;

	(void)arg;
	return nl_open(&nl) ?:
	       says(&nl, set_limits(&nl, limits), "user may set its limits");
}

TEST_F(netlink, set_is_for_the_user_of_the_keep)
{
	EXPECT_EQ(-EPERM, as_user(NOBODY, set_lease, NULL));
	EXPECT_EQ(0, as_user(0, set_lease, NULL));
	ASSERT_EQ(0, nl_get_on(&self->nl, "nic", &self->k));
	EXPECT_EQ(4444, self->k.lease);
}

TEST_F(netlink, a_get_takes_no_generation)
{
	struct nl_msg *msg = nl_request(&self->nl, NLM_F_ACK, TAPKEEP_CMD_GET,
					"nic");

	nla_put_u64(msg, TAPKEEP_A_GENERATION, 1);
	EXPECT_EQ(-EINVAL, nl_talk(&self->nl, msg, NULL));
	EXPECT_STRNE("", self->nl.extack);
}

static int release_nic(void *arg)
{
	struct nl nl;

	return nl_open(&nl) ?: says(&nl, nl_release_on(&nl, "nic"), arg);
}

static int release_on_given_socket(void *arg)
{
	return nl_release_on(arg, "nic");
}

static int get_nic(void *arg)
{
	return nl_get("nic", arg);
}

/* Return: the owner's handle of a keep of NOBODY's. */
static int create_as_user(const char *name)
{
	int fd;

	/* The effective user counts, and the rest of us is still root. */
	if (setresuid(-1, NOBODY, -1))
		return -errno;
	fd = keep_create(name);
	if (setresuid(-1, 0, -1))
		return -errno;
	return fd;
}

TEST_F(netlink, release_of_a_live_keep_by_its_user_is_refused)
{
	int owner;

	ASSERT_EQ(0, keep_release(self->owner));
	owner = create_as_user("nic");
	ASSERT_EQ(0, keep_pin(owner, self->nic.queue));
	EXPECT_EQ(-EBUSY, as_user(NOBODY, release_nic, "has a live owner"));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(owner));
}

TEST_F(netlink, release_of_an_orphan_by_its_user_ends_it)
{
	int owner;

	ASSERT_EQ(0, keep_release(self->owner));
	owner = create_as_user("nic");
	ASSERT_EQ(0, keep_pin(owner, self->nic.queue));
	close(owner);
	ASSERT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	EXPECT_EQ(0, as_user(NOBODY, release_nic, NULL));
	EXPECT_EQ(-ENOENT, named_state("nic"));
}

TEST_F(netlink, release_by_another_user_is_refused)
{
	close(self->owner);
	EXPECT_EQ(-EPERM, as_user(NOBODY, release_nic,
				  "keep's user may release it"));
	EXPECT_EQ(TAPKEEP_ORPHAN, named_state("nic"));
	self->owner = keep_claim("nic", 0);
}

TEST_F(netlink, a_socket_that_another_user_opened_gives_no_right)
{
	/* Opened by root, used by NOBODY. */
	EXPECT_EQ(-EPERM, as_user(NOBODY, release_on_given_socket, &self->nl));
	EXPECT_EQ(TAPKEEP_ACTIVE, keep_state(self->owner));
}

TEST_F(netlink, anyone_may_look)
{
	EXPECT_EQ(0, as_user(NOBODY, get_nic, &self->k));
}

FIXTURE(events) {
	struct nic nic;
	int owner;
	struct nl nl;
	struct nl_keep k;
};

FIXTURE_SETUP(events)
{
	ASSERT_EQ(0, new_netns());
	ASSERT_EQ(0, nl_monitor(&self->nl));
	self->nic.queue = tap_open("tap0");
	ASSERT_EQ(0, if_up("tap0"));
	self->owner = keep_create("nic");
	ASSERT_EQ(0, keep_pin(self->owner, self->nic.queue));
	ASSERT_EQ(TAPKEEP_EVENT_CREATED, nl_event(&self->nl, &self->k));
}

FIXTURE_TEARDOWN(events)
{
	keep_release(self->owner);
}

#define EXPECT_EVENT(event_, state_, generation_) do {			\
	EXPECT_EQ(event_, nl_event(&self->nl, &self->k));		\
	EXPECT_EQ(state_, self->k.state);				\
	EXPECT_EQ(generation_, self->k.generation);			\
	EXPECT_STREQ("nic", self->k.name);				\
} while (0)

TEST_F(events, tell_a_swap_step_by_step)
{
	int offer, claimer;

	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_FROZEN, TAPKEEP_FROZEN, 1);
	EXPECT_EQ(getpid(), self->k.owner_pid);
	EXPECT_EQ(16384, self->k.queues[0].ring_size);
	offer = keep_offer(self->owner);
	EXPECT_EVENT(TAPKEEP_EVENT_OFFERED, TAPKEEP_FROZEN, 1);
	claimer = keep_claim_offer(offer);
	EXPECT_EVENT(TAPKEEP_EVENT_CLAIMED, TAPKEEP_FROZEN, 2);
	close(self->owner);
	self->owner = claimer;
	ASSERT_EQ(0, keep_thaw(claimer));
	EXPECT_EVENT(TAPKEEP_EVENT_THAWED, TAPKEEP_ACTIVE, 2);
	ASSERT_EQ(0, keep_release(claimer));
	EXPECT_EVENT(TAPKEEP_EVENT_RELEASED, TAPKEEP_ENDED, 2);
}

TEST_F(events, tell_a_rollback)
{
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_FROZEN, TAPKEEP_FROZEN, 1);
	ASSERT_LE(0, keep_offer(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_OFFERED, TAPKEEP_FROZEN, 1);
	ASSERT_EQ(0, keep_revoke(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_REVOKED, TAPKEEP_FROZEN, 1);
	ASSERT_EQ(0, keep_thaw(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_THAWED, TAPKEEP_ACTIVE, 1);
}

TEST_F(events, tell_of_an_orphan_and_its_claim)
{
	close(self->owner);
	EXPECT_EVENT(TAPKEEP_EVENT_ORPHANED, TAPKEEP_ORPHAN, 1);
	EXPECT_EQ(-1, self->k.owner_pid);
	self->owner = keep_claim("nic", 0);
	EXPECT_EVENT(TAPKEEP_EVENT_CLAIMED, TAPKEEP_FROZEN, 2);
}

#define EXPECT_WHY(reason_, former_) do {				\
	EXPECT_EQ(reason_, self->k.reason);				\
	EXPECT_EQ(getpid(), self->k.actor_pid);				\
	EXPECT_EQ(0, self->k.actor_uid);				\
	EXPECT_EQ(former_, self->k.former_pid);				\
} while (0)

TEST_F(events, tell_who_and_why)
{
	int offer;

	EXPECT_WHY(-1, -1);
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_FROZEN, TAPKEEP_FROZEN, 1);
	EXPECT_WHY(-1, -1);
	offer = keep_offer(self->owner);
	EXPECT_EVENT(TAPKEEP_EVENT_OFFERED, TAPKEEP_FROZEN, 1);
	close(self->owner);
	EXPECT_EVENT(TAPKEEP_EVENT_ORPHANED, TAPKEEP_ORPHAN, 1);
	EXPECT_WHY(-1, getpid());
	EXPECT_STREQ("module_netlink", self->k.former_comm);
	self->owner = keep_claim_offer(offer);
	EXPECT_EVENT(TAPKEEP_EVENT_CLAIMED, TAPKEEP_FROZEN, 2);
	EXPECT_WHY(TAPKEEP_REASON_OFFER, getpid());
	close(self->owner);
	EXPECT_EVENT(TAPKEEP_EVENT_ORPHANED, TAPKEEP_ORPHAN, 2);
	ASSERT_LE(0, keep_claim("nic", TAPKEEP_CLAIM_FORCE));
	EXPECT_EVENT(TAPKEEP_EVENT_CLAIMED, TAPKEEP_FROZEN, 3);
	EXPECT_WHY(TAPKEEP_REASON_NAME, getpid());
	self->owner = keep_claim("nic", TAPKEEP_CLAIM_FORCE);
	EXPECT_EVENT(TAPKEEP_EVENT_CLAIMED, TAPKEEP_FROZEN, 4);
	EXPECT_WHY(TAPKEEP_REASON_FORCE, getpid());
	ASSERT_EQ(0, keep_release(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_RELEASED, TAPKEEP_ENDED, 4);
	EXPECT_WHY(TAPKEEP_REASON_OWNER, getpid());
}

TEST_F(events, tell_why_a_keep_was_released)
{
	int empty = keep_create("empty");

	ASSERT_EQ(TAPKEEP_EVENT_CREATED, nl_event(&self->nl, &self->k));
	close(empty);
	ASSERT_EQ(TAPKEEP_EVENT_RELEASED, nl_event(&self->nl, &self->k));
	EXPECT_WHY(TAPKEEP_REASON_CLOSED, -1);
	ASSERT_EQ(0, nl_release("nic"));
	EXPECT_EVENT(TAPKEEP_EVENT_RELEASED, TAPKEEP_ENDED, 1);
	EXPECT_WHY(TAPKEEP_REASON_NETLINK, -1);
}

TEST_F(events, of_what_the_kernel_does_by_itself_name_nobody)
{
	int short_lived = keep_create_with("short", 0, 50);

	ASSERT_EQ(0, keep_pin(short_lived, tap_open("tap1")));
	close(short_lived);
	EXPECT_EQ(TAPKEEP_EVENT_CREATED, nl_event(&self->nl, &self->k));
	EXPECT_EQ(TAPKEEP_EVENT_ORPHANED, nl_event(&self->nl, &self->k));
	EXPECT_EQ(getpid(), self->k.actor_pid);
	EXPECT_EQ(TAPKEEP_EVENT_EXPIRED, nl_event(&self->nl, &self->k));
	EXPECT_EQ(-1, self->k.actor_pid);
	EXPECT_EQ(-1, self->k.actor_uid);
	EXPECT_EQ(getpid(), self->k.former_pid);
}

TEST_F(events, tell_of_new_limits)
{
	const struct limits limits = { .lease = 4444 };
	struct nl *nl = calloc(1, sizeof(*nl));

	ASSERT_EQ(0, nl_open(nl));
	ASSERT_EQ(0, set_limits(nl, limits));
	EXPECT_EVENT(TAPKEEP_EVENT_CHANGED, TAPKEEP_ACTIVE, 1);
	EXPECT_EQ(4444, self->k.lease);
	free(nl);
}

TEST_F(events, that_are_not_read_in_time_are_missed_and_that_is_told)
{
	int small = 4096, i;

	ASSERT_EQ(0, setsockopt(self->nl.fd, SOL_SOCKET, SO_RCVBUF, &small,
				sizeof(small)));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, keep_freeze(self->owner));
		ASSERT_EQ(0, keep_thaw(self->owner));
	}
	while ((i = nl_event(&self->nl, &self->k)) > 0)
		;
	EXPECT_EQ(-ENOBUFS, i);
}

TEST_F(events, tell_what_was_held_at_the_end)
{
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_FROZEN, TAPKEEP_FROZEN, 1);
	ASSERT_EQ(3000, send_packets("tap0", 0, 3000));
	ASSERT_EQ(0, keep_thaw(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_THAWED, TAPKEEP_ACTIVE, 1);
	EXPECT_EQ(3000, self->k.held_total);
	EXPECT_LT(0, self->k.blackout);
	EXPECT_TRUE(self->k.draining);
}

TEST_F(events, are_not_sent_for_what_changes_nothing)
{
	ASSERT_EQ(0, keep_thaw(self->owner));
	ASSERT_EQ(0, keep_revoke(self->owner));
	ASSERT_EQ(0, keep_freeze(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_FROZEN, TAPKEEP_FROZEN, 1);
	ASSERT_EQ(0, keep_freeze(self->owner));
	ASSERT_EQ(0, keep_revoke(self->owner));
	ASSERT_EQ(0, keep_thaw(self->owner));
	EXPECT_EVENT(TAPKEEP_EVENT_THAWED, TAPKEEP_ACTIVE, 1);
}

TEST_F(events, stay_in_their_namespace)
{
	struct nl *other = calloc(1, sizeof(*other));
	int fd;

	ASSERT_EQ(0, new_netns());
	ASSERT_EQ(0, nl_monitor(other));
	ASSERT_EQ(0, keep_freeze(self->owner));
	fd = keep_create("here");
	ASSERT_LE(0, fd);
	EXPECT_EQ(TAPKEEP_EVENT_CREATED, nl_event(other, &self->k));
	EXPECT_STREQ("here", self->k.name);
	EXPECT_EVENT(TAPKEEP_EVENT_FROZEN, TAPKEEP_FROZEN, 1);
	free(other);
}

TEST_HARNESS_MAIN
