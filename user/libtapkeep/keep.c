// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From attributes to a struct tapkeep_keep: parsing, and no I/O.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <netlink/attr.h>

#include "tapkeep-netlink.h"

static struct nla_policy keep_policy[TAPKEEP_A_MAX + 1] = {
	[TAPKEEP_A_NAME]		= { .type = NLA_STRING, .minlen = 1 },
	[TAPKEEP_A_EVENT]		= { .type = NLA_U32 },
	[TAPKEEP_A_STATE]		= { .type = NLA_U32 },
	[TAPKEEP_A_GENERATION]		= { .type = NLA_U64 },
	[TAPKEEP_A_UID]			= { .type = NLA_U32 },
	[TAPKEEP_A_IFINDEX]		= { .type = NLA_U32 },
	[TAPKEEP_A_IFNAME]		= { .type = NLA_STRING },
	[TAPKEEP_A_NETNS]		= { .type = NLA_U64 },
	[TAPKEEP_A_OWNER_PID]		= { .type = NLA_U32 },
	[TAPKEEP_A_OWNER_COMM]		= { .type = NLA_STRING },
	[TAPKEEP_A_LEASE]		= { .type = NLA_U32 },
	[TAPKEEP_A_LEASE_LEFT]		= { .type = NLA_U32 },
	[TAPKEEP_A_HOLD_LIMIT]		= { .type = NLA_U32 },
	[TAPKEEP_A_HELD]		= { .type = NLA_U64 },
	[TAPKEEP_A_HELD_TOTAL]		= { .type = NLA_U64 },
	[TAPKEEP_A_PEAK]		= { .type = NLA_U64 },
	[TAPKEEP_A_DROPPED]		= { .type = NLA_U64 },
	[TAPKEEP_A_BLACKOUT]		= { .type = NLA_U64 },
	[TAPKEEP_A_BLACKOUT_MAX]	= { .type = NLA_U64 },
	[TAPKEEP_A_DRAINING]		= { .type = NLA_FLAG },
	[TAPKEEP_A_VMM]			= { .type = NLA_NESTED },
	[TAPKEEP_A_QUEUE]		= { .type = NLA_NESTED },
	[TAPKEEP_A_STOLEN]		= { .type = NLA_U64 },
	[TAPKEEP_A_REASON]		= { .type = NLA_U32 },
	[TAPKEEP_A_ACTOR_PID]		= { .type = NLA_U32 },
	[TAPKEEP_A_ACTOR_UID]		= { .type = NLA_U32 },
	[TAPKEEP_A_FORMER_PID]		= { .type = NLA_U32 },
	[TAPKEEP_A_FORMER_COMM]		= { .type = NLA_STRING },
};

static struct nla_policy vmm_policy[TAPKEEP_A_VMM_MAX + 1] = {
	[TAPKEEP_A_VMM_FLAGS]		= { .type = NLA_U32 },
	[TAPKEEP_A_VMM_FEATURES]	= { .type = NLA_U64 },
	[TAPKEEP_A_VMM_OFFLOADS]	= { .type = NLA_U32 },
	[TAPKEEP_A_VMM_VNET_HDR_LEN]	= { .type = NLA_U16 },
	[TAPKEEP_A_VMM_VNET_HDR_ENDIAN]	= { .type = NLA_U8 },
	[TAPKEEP_A_VMM_MAC]		= { .minlen = 6, .maxlen = 6 },
	[TAPKEEP_A_VMM_ACTIVE_QUEUE_PAIRS] = { .type = NLA_U16 },
};

static struct nla_policy queue_policy[TAPKEEP_A_QUEUE_MAX + 1] = {
	[TAPKEEP_A_QUEUE_INDEX]		= { .type = NLA_U32 },
	[TAPKEEP_A_QUEUE_RING_SIZE]	= { .type = NLA_U32 },
	[TAPKEEP_A_QUEUE_RING_USED]	= { .type = NLA_U32 },
	[TAPKEEP_A_QUEUE_FLAGS]		= { .type = NLA_U32 },
	[TAPKEEP_A_QUEUE_RX_LAST_AVAIL]	= { .type = NLA_U16 },
	[TAPKEEP_A_QUEUE_RX_USED]	= { .type = NLA_U16 },
	[TAPKEEP_A_QUEUE_RX_SIZE]	= { .type = NLA_U16 },
	[TAPKEEP_A_QUEUE_TX_LAST_AVAIL]	= { .type = NLA_U16 },
	[TAPKEEP_A_QUEUE_TX_USED]	= { .type = NLA_U16 },
	[TAPKEEP_A_QUEUE_TX_SIZE]	= { .type = NLA_U16 },
};

/* What is absent is 0. */
static uint8_t get_u8(struct nlattr *attr)
{
	return attr ? nla_get_u8(attr) : 0;
}

static uint16_t get_u16(struct nlattr *attr)
{
	return attr ? nla_get_u16(attr) : 0;
}

static uint32_t get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static uint64_t get_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static void get_string(char *to, size_t size, struct nlattr *attr)
{
	if (attr)
		nla_strlcpy(to, attr, size);
}

static int parse_vmm(struct tapkeep_state *vmm, struct nlattr *nest)
{
	struct nlattr *a[TAPKEEP_A_VMM_MAX + 1];

	if (nla_parse_nested(a, TAPKEEP_A_VMM_MAX, nest, vmm_policy) < 0)
		return -EBADMSG;
	vmm->flags = get_u32(a[TAPKEEP_A_VMM_FLAGS]);
	vmm->features = get_u64(a[TAPKEEP_A_VMM_FEATURES]);
	vmm->offloads = get_u32(a[TAPKEEP_A_VMM_OFFLOADS]);
	vmm->vnet_hdr_len = get_u16(a[TAPKEEP_A_VMM_VNET_HDR_LEN]);
	vmm->vnet_hdr_endian = get_u8(a[TAPKEEP_A_VMM_VNET_HDR_ENDIAN]);
	vmm->active_queue_pairs = get_u16(a[TAPKEEP_A_VMM_ACTIVE_QUEUE_PAIRS]);
	if (a[TAPKEEP_A_VMM_MAC])
		memcpy(vmm->mac, nla_data(a[TAPKEEP_A_VMM_MAC]),
		       sizeof(vmm->mac));
	return 0;
}

static int parse_queue(struct tapkeep_keep_queue *queue, struct nlattr *nest)
{
	struct nlattr *a[TAPKEEP_A_QUEUE_MAX + 1];

	if (nla_parse_nested(a, TAPKEEP_A_QUEUE_MAX, nest, queue_policy) < 0)
		return -EBADMSG;
	*queue = (struct tapkeep_keep_queue){
		.index = get_u32(a[TAPKEEP_A_QUEUE_INDEX]),
		.ring_size = get_u32(a[TAPKEEP_A_QUEUE_RING_SIZE]),
		.ring_used = get_u32(a[TAPKEEP_A_QUEUE_RING_USED]),
		.vmm = {
			.flags = get_u32(a[TAPKEEP_A_QUEUE_FLAGS]),
			.rx_last_avail =
				get_u16(a[TAPKEEP_A_QUEUE_RX_LAST_AVAIL]),
			.rx_used = get_u16(a[TAPKEEP_A_QUEUE_RX_USED]),
			.rx_size = get_u16(a[TAPKEEP_A_QUEUE_RX_SIZE]),
			.tx_last_avail =
				get_u16(a[TAPKEEP_A_QUEUE_TX_LAST_AVAIL]),
			.tx_used = get_u16(a[TAPKEEP_A_QUEUE_TX_USED]),
			.tx_size = get_u16(a[TAPKEEP_A_QUEUE_TX_SIZE]),
		},
	};
	return 0;
}

/* A multi-attribute: nla_parse() has only the last of them. */
static int parse_queues(struct tapkeep_keep *keep, const void *attrs, int len)
{
	struct nlattr *attr;
	uint32_t nr = 0;
	int left, ret;

	nla_for_each_attr(attr, (struct nlattr *)attrs, len, left)
		nr += nla_type(attr) == TAPKEEP_A_QUEUE;
	if (!nr)
		return 0;
	keep->queues = calloc(nr, sizeof(*keep->queues));
	if (!keep->queues)
		return -ENOMEM;
	nla_for_each_attr(attr, (struct nlattr *)attrs, len, left) {
		if (nla_type(attr) != TAPKEEP_A_QUEUE)
			continue;
		ret = parse_queue(&keep->queues[keep->nr_queues++], attr);
		if (ret)
			return ret;
	}
	return 0;
}

static void parse_who_and_where(struct tapkeep_keep *keep, struct nlattr **a)
{
	get_string(keep->name, sizeof(keep->name), a[TAPKEEP_A_NAME]);
	keep->state = get_u32(a[TAPKEEP_A_STATE]);
	keep->generation = get_u64(a[TAPKEEP_A_GENERATION]);
	keep->uid = get_u32(a[TAPKEEP_A_UID]);
	keep->ifindex = get_u32(a[TAPKEEP_A_IFINDEX]);
	get_string(keep->ifname, sizeof(keep->ifname), a[TAPKEEP_A_IFNAME]);
	keep->netns = get_u64(a[TAPKEEP_A_NETNS]);
	keep->owner_pid = get_u32(a[TAPKEEP_A_OWNER_PID]);
	get_string(keep->owner_comm, sizeof(keep->owner_comm),
		   a[TAPKEEP_A_OWNER_COMM]);
	keep->former_pid = get_u32(a[TAPKEEP_A_FORMER_PID]);
	get_string(keep->former_comm, sizeof(keep->former_comm),
		   a[TAPKEEP_A_FORMER_COMM]);
	keep->lease_ms = get_u32(a[TAPKEEP_A_LEASE]);
	keep->has_lease_left = a[TAPKEEP_A_LEASE_LEFT];
	keep->lease_left_ms = get_u32(a[TAPKEEP_A_LEASE_LEFT]);
}

static void parse_why(struct tapkeep_keep *keep, struct nlattr **a)
{
	keep->reason = get_u32(a[TAPKEEP_A_REASON]);
	keep->has_actor = a[TAPKEEP_A_ACTOR_PID];
	keep->actor_pid = get_u32(a[TAPKEEP_A_ACTOR_PID]);
	keep->actor_uid = get_u32(a[TAPKEEP_A_ACTOR_UID]);
}

static void parse_hold(struct tapkeep_keep *keep, struct nlattr **a)
{
	keep->hold_limit = get_u32(a[TAPKEEP_A_HOLD_LIMIT]);
	keep->held = get_u64(a[TAPKEEP_A_HELD]);
	keep->held_total = get_u64(a[TAPKEEP_A_HELD_TOTAL]);
	keep->peak = get_u64(a[TAPKEEP_A_PEAK]);
	keep->dropped = get_u64(a[TAPKEEP_A_DROPPED]);
	keep->stolen = get_u64(a[TAPKEEP_A_STOLEN]);
	keep->blackout_ns = get_u64(a[TAPKEEP_A_BLACKOUT]);
	keep->blackout_max_ns = get_u64(a[TAPKEEP_A_BLACKOUT_MAX]);
	keep->draining = a[TAPKEEP_A_DRAINING];
}

int tapkeep_keep_parse(struct tapkeep_keep *keep, uint32_t *event,
		       const void *attrs, size_t len)
{
	struct nlattr *a[TAPKEEP_A_MAX + 1];
	int ret;

	memset(keep, 0, sizeof(*keep));
	if (len > INT_MAX ||
	    nla_parse(a, TAPKEEP_A_MAX, (struct nlattr *)attrs, len,
		      keep_policy) < 0 ||
	    !a[TAPKEEP_A_NAME])
		return -EBADMSG;
	if (event)
		*event = get_u32(a[TAPKEEP_A_EVENT]);
	parse_who_and_where(keep, a);
	parse_why(keep, a);
	parse_hold(keep, a);
	keep->has_vmm = a[TAPKEEP_A_VMM];
	ret = keep->has_vmm ? parse_vmm(&keep->vmm, a[TAPKEEP_A_VMM]) : 0;
	if (!ret)
		ret = parse_queues(keep, attrs, len);
	if (ret)
		tapkeep_keep_clear(keep);
	return ret;
}

void tapkeep_keep_clear(struct tapkeep_keep *keep)
{
	free(keep->queues);
	memset(keep, 0, sizeof(*keep));
}

void tapkeep_keeps_free(struct tapkeep_keep *keeps, size_t nr)
{
	while (nr)
		tapkeep_keep_clear(&keeps[--nr]);
	free(keeps);
}

const char *tapkeep_state_name(uint32_t state)
{
	static const char * const names[] = {
		[TAPKEEP_ACTIVE] = "active",
		[TAPKEEP_FROZEN] = "frozen",
		[TAPKEEP_ORPHAN] = "orphan",
		[TAPKEEP_ENDED] = "ended",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : NULL;
}

const char *tapkeep_event_name(uint32_t event)
{
	static const char * const names[TAPKEEP_EVENT_MAX + 1] = {
		[TAPKEEP_EVENT_CREATED] = "created",
		[TAPKEEP_EVENT_FROZEN] = "frozen",
		[TAPKEEP_EVENT_OFFERED] = "offered",
		[TAPKEEP_EVENT_CLAIMED] = "claimed",
		[TAPKEEP_EVENT_REVOKED] = "revoked",
		[TAPKEEP_EVENT_THAWED] = "thawed",
		[TAPKEEP_EVENT_ORPHANED] = "orphaned",
		[TAPKEEP_EVENT_EXPIRED] = "expired",
		[TAPKEEP_EVENT_RELEASED] = "released",
		[TAPKEEP_EVENT_DEVICE_GONE] = "device-gone",
		[TAPKEEP_EVENT_DROPPED] = "dropped",
		[TAPKEEP_EVENT_STOLEN] = "stolen",
		[TAPKEEP_EVENT_CHANGED] = "changed",
	};

	return event <= TAPKEEP_EVENT_MAX ? names[event] : NULL;
}

const char *tapkeep_reason_name(uint32_t reason)
{
	static const char * const names[TAPKEEP_REASON_MAX + 1] = {
		[TAPKEEP_REASON_OWNER] = "owner",
		[TAPKEEP_REASON_CLOSED] = "closed",
		[TAPKEEP_REASON_NETLINK] = "netlink",
		[TAPKEEP_REASON_NETNS] = "netns",
		[TAPKEEP_REASON_OFFER] = "offer",
		[TAPKEEP_REASON_NAME] = "name",
		[TAPKEEP_REASON_FORCE] = "force",
	};

	return reason <= TAPKEEP_REASON_MAX ? names[reason] : NULL;
}
