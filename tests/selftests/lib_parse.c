// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From netlink attributes to a struct tapkeep_keep, without the module: all
 * that a keep can say, and bytes that make no sense.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netlink.h>
#include <tapkeep-netlink.h>

#include "harness.h"

#define QUEUES	3

/* Attributes as a sender writes them. */
struct attrs {
	uint8_t buf[65536];
	size_t len;
};

static void put(struct attrs *to, int type, const void *value, size_t len)
{
	struct nlattr *attr = (void *)(to->buf + to->len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memset((char *)attr + attr->nla_len, 0, NLA_ALIGN(len) - len);
	memcpy(attr + 1, value, len);
	to->len += NLA_HDRLEN + NLA_ALIGN(len);
}

static void put_string(struct attrs *to, int type, const char *value)
{
	put(to, type, value, strlen(value) + 1);
}

static void put_u64(struct attrs *to, int type, uint64_t value)
{
	put(to, type, &value, sizeof(value));
}

static void put_u32(struct attrs *to, int type, uint32_t value)
{
	put(to, type, &value, sizeof(value));
}

static void put_u16(struct attrs *to, int type, uint16_t value)
{
	put(to, type, &value, sizeof(value));
}

static void put_u8(struct attrs *to, int type, uint8_t value)
{
	put(to, type, &value, sizeof(value));
}

static struct nlattr *nest_start(struct attrs *to, int type)
{
	struct nlattr *nest = (void *)(to->buf + to->len);

	put(to, type | NLA_F_NESTED, "", 0);
	return nest;
}

static void nest_end(struct attrs *to, struct nlattr *nest)
{
	nest->nla_len = to->buf + to->len - (uint8_t *)nest;
}

static void put_vmm(struct attrs *to)
{
	static const uint8_t mac[] = { 0x52, 0x54, 0, 1, 2, 3 };
	struct nlattr *nest = nest_start(to, TAPKEEP_A_VMM);

	put_u32(to, TAPKEEP_A_VMM_FLAGS, TAPKEEP_STATE_STOPPED);
	put_u64(to, TAPKEEP_A_VMM_FEATURES, 0x123456789abcdef0ULL);
	put_u32(to, TAPKEEP_A_VMM_OFFLOADS, 0x7f);
	put_u16(to, TAPKEEP_A_VMM_VNET_HDR_LEN, 12);
	put_u8(to, TAPKEEP_A_VMM_VNET_HDR_ENDIAN, TAPKEEP_ENDIAN_BIG);
	put(to, TAPKEEP_A_VMM_MAC, mac, sizeof(mac));
	put_u16(to, TAPKEEP_A_VMM_ACTIVE_QUEUE_PAIRS, 2);
	nest_end(to, nest);
}

static void put_queue(struct attrs *to, uint32_t index)
{
	struct nlattr *nest = nest_start(to, TAPKEEP_A_QUEUE);

	put_u32(to, TAPKEEP_A_QUEUE_INDEX, index);
	put_u32(to, TAPKEEP_A_QUEUE_RING_SIZE, 16384 + index);
	put_u32(to, TAPKEEP_A_QUEUE_RING_USED, 100 + index);
	put_u32(to, TAPKEEP_A_QUEUE_FLAGS, TAPKEEP_QUEUE_ENABLED);
	put_u16(to, TAPKEEP_A_QUEUE_RX_LAST_AVAIL, 0xffff - index);
	put_u16(to, TAPKEEP_A_QUEUE_RX_USED, 2 + index);
	put_u16(to, TAPKEEP_A_QUEUE_RX_SIZE, 256 + index);
	put_u16(to, TAPKEEP_A_QUEUE_TX_LAST_AVAIL, 3 + index);
	put_u16(to, TAPKEEP_A_QUEUE_TX_USED, 4 + index);
	put_u16(to, TAPKEEP_A_QUEUE_TX_SIZE, 1024 + index);
	nest_end(to, nest);
}

static void put_keep(struct attrs *to, uint32_t queues)
{
	uint32_t i;

	to->len = 0;
	put_string(to, TAPKEEP_A_NAME, "vm1");
	put_u32(to, TAPKEEP_A_EVENT, TAPKEEP_EVENT_ORPHANED);
	put_u32(to, TAPKEEP_A_STATE, TAPKEEP_ORPHAN);
	put_u64(to, TAPKEEP_A_GENERATION, 5000000000ULL);
	put_u32(to, TAPKEEP_A_UID, 1000);
	put_u32(to, TAPKEEP_A_IFINDEX, 7);
	put_string(to, TAPKEEP_A_IFNAME, "tap0");
	put_u64(to, TAPKEEP_A_NETNS, 4026531840ULL);
	put_u32(to, TAPKEEP_A_OWNER_PID, 4711);
	put_string(to, TAPKEEP_A_OWNER_COMM, "qemu-system-x86");
	put_u32(to, TAPKEEP_A_LEASE, 30000);
	put_u32(to, TAPKEEP_A_LEASE_LEFT, 0);
	put_u32(to, TAPKEEP_A_HOLD_LIMIT, 16384);
	put_u64(to, TAPKEEP_A_HELD, 11);
	put_u64(to, TAPKEEP_A_HELD_TOTAL, 12);
	put_u64(to, TAPKEEP_A_PEAK, 13);
	put_u64(to, TAPKEEP_A_DROPPED, 14);
	put_u64(to, TAPKEEP_A_BLACKOUT, 15);
	put_u64(to, TAPKEEP_A_BLACKOUT_MAX, 16);
	put_u64(to, TAPKEEP_A_STOLEN, 17);
	put_u32(to, TAPKEEP_A_REASON, TAPKEEP_REASON_FORCE);
	put_u32(to, TAPKEEP_A_ACTOR_PID, 18);
	put_u32(to, TAPKEEP_A_ACTOR_UID, 19);
	put_u32(to, TAPKEEP_A_FORMER_PID, 20);
	put_string(to, TAPKEEP_A_FORMER_COMM, "qemu-before");
	put(to, TAPKEEP_A_DRAINING, "", 0);
	put_vmm(to);
	for (i = 0; i < queues; i++)
		put_queue(to, i);
}

FIXTURE(parse)
{
	struct attrs attrs;
	struct tapkeep_keep keep;
};

FIXTURE_SETUP(parse)
{
	put_keep(&self->attrs, QUEUES);
}

FIXTURE_TEARDOWN(parse)
{
	tapkeep_keep_clear(&self->keep);
}

TEST_F(parse, every_attribute_of_a_keep)
{
	struct tapkeep_keep *keep = &self->keep;
	uint32_t event;

	ASSERT_EQ(0, tapkeep_keep_parse(keep, &event, self->attrs.buf,
					self->attrs.len));
	EXPECT_EQ(TAPKEEP_EVENT_ORPHANED, event);
	EXPECT_STREQ("vm1", keep->name);
	EXPECT_EQ(TAPKEEP_ORPHAN, keep->state);
	EXPECT_EQ(5000000000ULL, keep->generation);
	EXPECT_EQ(1000, keep->uid);
	EXPECT_EQ(7, keep->ifindex);
	EXPECT_STREQ("tap0", keep->ifname);
	EXPECT_EQ(4026531840ULL, keep->netns);
	EXPECT_EQ(4711, keep->owner_pid);
	EXPECT_STREQ("qemu-system-x86", keep->owner_comm);
	EXPECT_EQ(30000, keep->lease_ms);
	EXPECT_TRUE(keep->has_lease_left);
	EXPECT_EQ(0, keep->lease_left_ms);
	EXPECT_EQ(16384, keep->hold_limit);
	EXPECT_EQ(11, keep->held);
	EXPECT_EQ(12, keep->held_total);
	EXPECT_EQ(13, keep->peak);
	EXPECT_EQ(14, keep->dropped);
	EXPECT_EQ(15, keep->blackout_ns);
	EXPECT_EQ(16, keep->blackout_max_ns);
	EXPECT_EQ(17, keep->stolen);
	EXPECT_EQ(TAPKEEP_REASON_FORCE, keep->reason);
	EXPECT_STREQ("force", tapkeep_reason_name(keep->reason));
	EXPECT_TRUE(keep->has_actor);
	EXPECT_EQ(18, keep->actor_pid);
	EXPECT_EQ(19, keep->actor_uid);
	EXPECT_EQ(20, keep->former_pid);
	EXPECT_STREQ("qemu-before", keep->former_comm);
	EXPECT_TRUE(keep->draining);
}

TEST_F(parse, every_attribute_of_the_vmm_and_the_queues)
{
	struct tapkeep_keep *keep = &self->keep;
	uint32_t i;

	ASSERT_EQ(0, tapkeep_keep_parse(keep, NULL, self->attrs.buf,
					self->attrs.len));
	ASSERT_TRUE(keep->has_vmm);
	EXPECT_EQ(TAPKEEP_STATE_STOPPED, keep->vmm.flags);
	EXPECT_EQ(0x123456789abcdef0ULL, keep->vmm.features);
	EXPECT_EQ(0x7f, keep->vmm.offloads);
	EXPECT_EQ(12, keep->vmm.vnet_hdr_len);
	EXPECT_EQ(TAPKEEP_ENDIAN_BIG, keep->vmm.vnet_hdr_endian);
	EXPECT_EQ(0, memcmp(keep->vmm.mac, "\x52\x54\0\1\2\3", 6));
	EXPECT_EQ(2, keep->vmm.active_queue_pairs);
	ASSERT_EQ(QUEUES, keep->nr_queues);
	for (i = 0; i < QUEUES; i++) {
		const struct tapkeep_keep_queue *queue = &keep->queues[i];

		EXPECT_EQ(i, queue->index);
		EXPECT_EQ(16384 + i, queue->ring_size);
		EXPECT_EQ(100 + i, queue->ring_used);
		EXPECT_EQ(TAPKEEP_QUEUE_ENABLED, queue->vmm.flags);
		EXPECT_EQ(0xffff - i, queue->vmm.rx_last_avail);
		EXPECT_EQ(2 + i, queue->vmm.rx_used);
		EXPECT_EQ(256 + i, queue->vmm.rx_size);
		EXPECT_EQ(3 + i, queue->vmm.tx_last_avail);
		EXPECT_EQ(4 + i, queue->vmm.tx_used);
		EXPECT_EQ(1024 + i, queue->vmm.tx_size);
	}
}

TEST_F(parse, what_is_absent_is_empty)
{
	struct tapkeep_keep *keep = &self->keep;
	uint32_t event = 99;

	self->attrs.len = 0;
	put_string(&self->attrs, TAPKEEP_A_NAME, "bare");
	ASSERT_EQ(0, tapkeep_keep_parse(keep, &event, self->attrs.buf,
					self->attrs.len));
	EXPECT_EQ(TAPKEEP_EVENT_UNSPEC, event);
	EXPECT_STREQ("", keep->ifname);
	EXPECT_STREQ("", keep->owner_comm);
	EXPECT_FALSE(keep->has_lease_left);
	EXPECT_FALSE(keep->draining);
	EXPECT_FALSE(keep->has_vmm);
	EXPECT_EQ(0, keep->nr_queues);
	EXPECT_EQ(NULL, keep->queues);
}

TEST_F(parse, as_many_queues_as_there_can_be)
{
	put_keep(&self->attrs, TAPKEEP_MAX_QUEUES);
	ASSERT_EQ(0, tapkeep_keep_parse(&self->keep, NULL, self->attrs.buf,
					self->attrs.len));
	ASSERT_EQ(TAPKEEP_MAX_QUEUES, self->keep.nr_queues);
	EXPECT_EQ(255, self->keep.queues[255].index);
}

TEST_F(parse, attributes_of_a_newer_module_are_passed_over)
{
	put_u32(&self->attrs, TAPKEEP_A_MAX + 1, 1);
	put_string(&self->attrs, TAPKEEP_A_MAX + 100, "new");
	ASSERT_EQ(0, tapkeep_keep_parse(&self->keep, NULL, self->attrs.buf,
					self->attrs.len));
	EXPECT_EQ(QUEUES, self->keep.nr_queues);
}

TEST_F(parse, a_keep_without_a_name_is_refused)
{
	self->attrs.len = 0;
	put_u32(&self->attrs, TAPKEEP_A_STATE, TAPKEEP_ACTIVE);
	EXPECT_EQ(-EBADMSG, tapkeep_keep_parse(&self->keep, NULL,
					       self->attrs.buf,
					       self->attrs.len));
	EXPECT_EQ(-EBADMSG, tapkeep_keep_parse(&self->keep, NULL,
					       self->attrs.buf, 0));
}

TEST_F(parse, values_of_the_wrong_size_are_refused)
{
	static const int types[] = {
		TAPKEEP_A_STATE, TAPKEEP_A_GENERATION, TAPKEEP_A_HELD,
		TAPKEEP_A_LEASE,
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		self->attrs.len = 0;
		put_string(&self->attrs, TAPKEEP_A_NAME, "vm1");
		put_u16(&self->attrs, types[i], 1);
		EXPECT_EQ(-EBADMSG, tapkeep_keep_parse(&self->keep, NULL,
						       self->attrs.buf,
						       self->attrs.len));
	}
}

TEST_F(parse, a_mac_of_another_length_is_refused)
{
	struct nlattr *nest;
	int len;

	for (len = 0; len <= 8; len++) {
		self->attrs.len = 0;
		put_string(&self->attrs, TAPKEEP_A_NAME, "vm1");
		nest = nest_start(&self->attrs, TAPKEEP_A_VMM);
		put(&self->attrs, TAPKEEP_A_VMM_MAC, "12345678", len);
		nest_end(&self->attrs, nest);
		EXPECT_EQ(len == 6 ? 0 : -EBADMSG,
			  tapkeep_keep_parse(&self->keep, NULL,
					     self->attrs.buf,
					     self->attrs.len));
	}
}

TEST_F(parse, strings_that_are_too_long_are_cut)
{
	char name[200];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	self->attrs.len = 0;
	put_string(&self->attrs, TAPKEEP_A_NAME, name);
	put_string(&self->attrs, TAPKEEP_A_IFNAME, name);
	put_string(&self->attrs, TAPKEEP_A_OWNER_COMM, name);
	ASSERT_EQ(0, tapkeep_keep_parse(&self->keep, NULL, self->attrs.buf,
					self->attrs.len));
	EXPECT_EQ(TAPKEEP_NAME_LEN - 1, strlen(self->keep.name));
	EXPECT_EQ(15, strlen(self->keep.ifname));
	EXPECT_EQ(15, strlen(self->keep.owner_comm));
}

TEST_F(parse, a_string_without_its_nul_is_refused)
{
	self->attrs.len = 0;
	put(&self->attrs, TAPKEEP_A_NAME, "vm12", 4);
	put_u32(&self->attrs, TAPKEEP_A_STATE, 0x41414141);
	EXPECT_EQ(-EBADMSG, tapkeep_keep_parse(&self->keep, NULL,
					       self->attrs.buf,
					       self->attrs.len));
}

/* Exactly as large as it is, for the sanitizers to watch. */
static int parse_copy(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct tapkeep_keep keep;
	int ret;

	memcpy(copy, bytes, len);
	ret = tapkeep_keep_parse(&keep, NULL, copy, len);
	if (!ret)
		tapkeep_keep_clear(&keep);
	free(copy);
	return ret;
}

TEST_F(parse, truncation_at_every_length_is_survived)
{
	size_t cut;
	int ret;

	for (cut = 0; cut < self->attrs.len; cut++) {
		ret = parse_copy(self->attrs.buf, cut);
		ASSERT_TRUE(!ret || ret == -EBADMSG);
	}
}

TEST_F(parse, random_damage_is_survived)
{
	uint8_t bytes[sizeof(self->attrs.buf)];
	int round, i, ret;

	srand(1);
	for (round = 0; round < 20000; round++) {
		memcpy(bytes, self->attrs.buf, self->attrs.len);
		for (i = 0; i <= round % 8; i++)
			bytes[rand() % self->attrs.len] = rand();
		ret = parse_copy(bytes, self->attrs.len);
		ASSERT_TRUE(!ret || ret == -EBADMSG);
	}
}

TEST(states_and_events_have_names)
{
	uint32_t i;

	EXPECT_STREQ("active", tapkeep_state_name(TAPKEEP_ACTIVE));
	EXPECT_STREQ("frozen", tapkeep_state_name(TAPKEEP_FROZEN));
	EXPECT_STREQ("orphan", tapkeep_state_name(TAPKEEP_ORPHAN));
	EXPECT_STREQ("ended", tapkeep_state_name(TAPKEEP_ENDED));
	EXPECT_EQ(NULL, tapkeep_state_name(TAPKEEP_ENDED + 1));
	EXPECT_EQ(NULL, tapkeep_event_name(TAPKEEP_EVENT_UNSPEC));
	for (i = 1; i <= TAPKEEP_EVENT_MAX; i++)
		EXPECT_NE(NULL, tapkeep_event_name(i));
	EXPECT_EQ(NULL, tapkeep_event_name(TAPKEEP_EVENT_MAX + 1));
	EXPECT_EQ(NULL, tapkeep_event_name(UINT32_MAX));
}

TEST_HARNESS_MAIN
