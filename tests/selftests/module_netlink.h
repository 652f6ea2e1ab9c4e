/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The module's netlink family for the tests: a request and what came back, a
 * dump, and events. libnl builds and parses attributes; the socket is plain,
 * so that errors and the text of the extended ack come as the kernel sent them.
 */
#ifndef MODULE_NETLINK_H
#define MODULE_NETLINK_H

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/genl/genl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include "module_common.h"

/* The largest message: a keep of TAPKEEP_MAX_QUEUES. */
#define NL_BUFFER 65536
/* What is usual. */
#define NL_BUFFER_SMALL 8192

struct nl_queue {
	uint32_t index;
	uint32_t ring_size;
	uint32_t ring_used;
	bool has_state;
	struct tapkeep_queue_state state;
};

/* A keep as netlink tells it; -1: the attribute was absent. */
struct nl_keep {
	char name[TAPKEEP_NAME_LEN];
	int64_t event;
	int64_t state;
	int64_t generation;
	int64_t uid;
	int64_t ifindex;
	char ifname[IFNAMSIZ];
	int64_t netns;
	int64_t owner_pid;
	char owner_comm[32];
	int64_t former_pid;
	char former_comm[32];
	int64_t reason;
	int64_t actor_pid;
	int64_t actor_uid;
	int64_t lease;
	int64_t lease_left;
	int64_t hold_limit;
	int64_t held;
	int64_t held_total;
	int64_t peak;
	int64_t dropped;
	int64_t stolen;
	int64_t blackout;
	int64_t blackout_max;
	bool draining;
	bool has_vmm;
	struct tapkeep_state vmm;
	int nr_queues;
	struct nl_queue queues[TAPKEEP_MAX_QUEUES];
};

struct nl {
	int fd;
	int family;
	int group;
	char extack[256];
	int bad_attr_offset;
	bool interrupted;	/* the last dump */
	char buffer[NL_BUFFER];
};

static inline int64_t nl_number(struct nlattr *attr)
{
	if (!attr)
		return -1;
	switch (nla_len(attr)) {
	case 8:
		return nla_get_u64(attr);
	case 4:
		return nla_get_u32(attr);
	case 2:
		return nla_get_u16(attr);
	default:
		return nla_get_u8(attr);
	}
}

static inline void nl_text(struct nlattr *attr, char *to, size_t size)
{
	to[0] = 0;
	if (attr)
		nla_strlcpy(to, attr, size);
}

static inline void nl_parse_vmm(struct nlattr *nest, struct tapkeep_state *vmm)
{
	struct nlattr *a[TAPKEEP_A_VMM_MAX + 1];

	nla_parse_nested(a, TAPKEEP_A_VMM_MAX, nest, NULL);
	vmm->flags = nl_number(a[TAPKEEP_A_VMM_FLAGS]);
	vmm->features = nl_number(a[TAPKEEP_A_VMM_FEATURES]);
	vmm->offloads = nl_number(a[TAPKEEP_A_VMM_OFFLOADS]);
	vmm->vnet_hdr_len = nl_number(a[TAPKEEP_A_VMM_VNET_HDR_LEN]);
	vmm->vnet_hdr_endian = nl_number(a[TAPKEEP_A_VMM_VNET_HDR_ENDIAN]);
	vmm->active_queue_pairs =
		nl_number(a[TAPKEEP_A_VMM_ACTIVE_QUEUE_PAIRS]);
	if (a[TAPKEEP_A_VMM_MAC] && nla_len(a[TAPKEEP_A_VMM_MAC]) == ETH_ALEN)
		memcpy(vmm->mac, nla_data(a[TAPKEEP_A_VMM_MAC]), ETH_ALEN);
}

static inline void nl_parse_queue(struct nlattr *nest, struct nl_queue *q)
{
	struct nlattr *a[TAPKEEP_A_QUEUE_MAX + 1];

	nla_parse_nested(a, TAPKEEP_A_QUEUE_MAX, nest, NULL);
	q->index = nl_number(a[TAPKEEP_A_QUEUE_INDEX]);
	q->ring_size = nl_number(a[TAPKEEP_A_QUEUE_RING_SIZE]);
	q->ring_used = nl_number(a[TAPKEEP_A_QUEUE_RING_USED]);
	q->has_state = a[TAPKEEP_A_QUEUE_FLAGS];
	if (!q->has_state)
		return;
	q->state.flags = nl_number(a[TAPKEEP_A_QUEUE_FLAGS]);
	q->state.rx_last_avail = nl_number(a[TAPKEEP_A_QUEUE_RX_LAST_AVAIL]);
	q->state.rx_used = nl_number(a[TAPKEEP_A_QUEUE_RX_USED]);
	q->state.rx_size = nl_number(a[TAPKEEP_A_QUEUE_RX_SIZE]);
	q->state.tx_last_avail = nl_number(a[TAPKEEP_A_QUEUE_TX_LAST_AVAIL]);
	q->state.tx_used = nl_number(a[TAPKEEP_A_QUEUE_TX_USED]);
	q->state.tx_size = nl_number(a[TAPKEEP_A_QUEUE_TX_SIZE]);
}

static inline void nl_parse_keep(struct nlmsghdr *nlh, struct nl_keep *k)
{
	struct nlattr *a[TAPKEEP_A_MAX + 1], *pos;
	int left;

	memset(k, 0, sizeof(*k));
	nlmsg_parse(nlh, GENL_HDRLEN, a, TAPKEEP_A_MAX, NULL);
	nl_text(a[TAPKEEP_A_NAME], k->name, sizeof(k->name));
	k->event = nl_number(a[TAPKEEP_A_EVENT]);
	k->state = nl_number(a[TAPKEEP_A_STATE]);
	k->generation = nl_number(a[TAPKEEP_A_GENERATION]);
	k->uid = nl_number(a[TAPKEEP_A_UID]);
	k->ifindex = nl_number(a[TAPKEEP_A_IFINDEX]);
	nl_text(a[TAPKEEP_A_IFNAME], k->ifname, sizeof(k->ifname));
	k->netns = nl_number(a[TAPKEEP_A_NETNS]);
	k->owner_pid = nl_number(a[TAPKEEP_A_OWNER_PID]);
	nl_text(a[TAPKEEP_A_OWNER_COMM], k->owner_comm, sizeof(k->owner_comm));
	k->former_pid = nl_number(a[TAPKEEP_A_FORMER_PID]);
	nl_text(a[TAPKEEP_A_FORMER_COMM], k->former_comm, sizeof(k->former_comm));
	k->reason = nl_number(a[TAPKEEP_A_REASON]);
	k->actor_pid = nl_number(a[TAPKEEP_A_ACTOR_PID]);
	k->actor_uid = nl_number(a[TAPKEEP_A_ACTOR_UID]);
	k->lease = nl_number(a[TAPKEEP_A_LEASE]);
	k->lease_left = nl_number(a[TAPKEEP_A_LEASE_LEFT]);
	k->hold_limit = nl_number(a[TAPKEEP_A_HOLD_LIMIT]);
	k->held = nl_number(a[TAPKEEP_A_HELD]);
	k->held_total = nl_number(a[TAPKEEP_A_HELD_TOTAL]);
	k->peak = nl_number(a[TAPKEEP_A_PEAK]);
	k->dropped = nl_number(a[TAPKEEP_A_DROPPED]);
	k->stolen = nl_number(a[TAPKEEP_A_STOLEN]);
	k->blackout = nl_number(a[TAPKEEP_A_BLACKOUT]);
	k->blackout_max = nl_number(a[TAPKEEP_A_BLACKOUT_MAX]);
	k->draining = a[TAPKEEP_A_DRAINING];
	k->has_vmm = a[TAPKEEP_A_VMM];
	if (k->has_vmm)
		nl_parse_vmm(a[TAPKEEP_A_VMM], &k->vmm);
	nlmsg_for_each_attr(pos, nlh, GENL_HDRLEN, left)
		if (nla_type(pos) == TAPKEEP_A_QUEUE &&
		    k->nr_queues < TAPKEEP_MAX_QUEUES)
			nl_parse_queue(pos, &k->queues[k->nr_queues++]);
}

/* Takes the error and the text out of an ack. */
static inline int nl_parse_ack(struct nl *nl, struct nlmsghdr *nlh)
{
	struct nlmsgerr *ack = NLMSG_DATA(nlh);
	size_t skip = sizeof(*ack);
	struct nlattr *a[NLMSGERR_ATTR_MAX + 1];

	nl->extack[0] = 0;
	nl->bad_attr_offset = -1;
	if (nlh->nlmsg_type == NLMSG_DONE)
		skip = sizeof(int);
	else if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += ack->msg.nlmsg_len - sizeof(ack->msg);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS &&
	    !nlmsg_parse(nlh, skip, a, NLMSGERR_ATTR_MAX, NULL)) {
		nl_text(a[NLMSGERR_ATTR_MSG], nl->extack, sizeof(nl->extack));
		nl->bad_attr_offset = nl_number(a[NLMSGERR_ATTR_OFFS]);
	}
	return ack->error;
}

static inline int nl_post(struct nl *nl, struct nl_msg *msg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	int ret = 0;

	if (send(nl->fd, nlh, nlh->nlmsg_len, 0) < 0)
		ret = -errno;
	nlmsg_free(msg);
	return ret;
}

static inline struct nl_msg *nl_request(struct nl *nl, int flags, int cmd,
					const char *name)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, 0, 1, nl->family, 0, NLM_F_REQUEST | flags, cmd,
		    TAPKEEP_GENL_VERSION);
	if (name)
		nla_put_string(msg, TAPKEEP_A_NAME, name);
	return msg;
}

/* Sends @msg and takes the ack, and a keep before it if @k is not NULL. */
static inline int nl_talk(struct nl *nl, struct nl_msg *msg, struct nl_keep *k)
{
	struct nlmsghdr *nlh;
	int ret, len;

	ret = nl_post(nl, msg);
	while (!ret) {
		len = recv(nl->fd, nl->buffer, sizeof(nl->buffer), 0);
		if (len < 0)
			return -errno;
		for (nlh = (void *)nl->buffer; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return nl_parse_ack(nl, nlh);
			if (k)
				nl_parse_keep(nlh, k);
		}
	}
	return ret;
}

static inline int nl_resolve(struct nl *nl)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *a[CTRL_ATTR_MAX + 1], *g[CTRL_ATTR_MCAST_GRP_MAX + 1];
	int ret, rem;
	struct nlattr *pos;

	genlmsg_put(msg, 0, 1, GENL_ID_CTRL, 0, NLM_F_REQUEST,
		    CTRL_CMD_GETFAMILY, 1);
	nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, TAPKEEP_GENL_NAME);
	ret = nl_post(nl, msg);
	if (ret)
		return ret;
	/* A small one: the kernel makes messages as large as the largest so far. */
	if (recv(nl->fd, nl->buffer, NL_BUFFER_SMALL, 0) < 0)
		return -errno;
	if (nlmsg_parse((void *)nl->buffer, GENL_HDRLEN, a, CTRL_ATTR_MAX, NULL) ||
	    !a[CTRL_ATTR_FAMILY_ID] || !a[CTRL_ATTR_MCAST_GROUPS])
		return -ENOENT;
	nl->family = nla_get_u16(a[CTRL_ATTR_FAMILY_ID]);
	nla_for_each_nested(pos, a[CTRL_ATTR_MCAST_GROUPS], rem) {
		nla_parse_nested(g, CTRL_ATTR_MCAST_GRP_MAX, pos, NULL);
		if (!strcmp(nla_get_string(g[CTRL_ATTR_MCAST_GRP_NAME]),
			    TAPKEEP_GENL_MCGRP_MONITOR))
			nl->group = nla_get_u32(g[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return nl->group ? 0 : -ENOENT;
}

/* A socket in the current network namespace. */
static inline int nl_open(struct nl *nl)
{
	struct timeval timeout = { .tv_sec = 5 };
	int one = 1;

	memset(nl, 0, sizeof(*nl));
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -errno;
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return nl_resolve(nl);
}

static inline int nl_get_on(struct nl *nl, const char *name, struct nl_keep *k)
{
	return nl_talk(nl, nl_request(nl, NLM_F_ACK, TAPKEEP_CMD_GET, name), k);
}

static inline int nl_get(const char *name, struct nl_keep *k)
{
	struct nl nl;
	int ret = nl_open(&nl);

	if (!ret)
		ret = nl_get_on(&nl, name, k);
	close(nl.fd);
	return ret;
}

static inline int nl_release_on(struct nl *nl, const char *name)
{
	return nl_talk(nl, nl_request(nl, NLM_F_ACK, TAPKEEP_CMD_RELEASE, name),
		       NULL);
}

static inline int nl_release(const char *name)
{
	struct nl nl;
	int ret = nl_open(&nl);

	if (!ret)
		ret = nl_release_on(&nl, name);
	close(nl.fd);
	return ret;
}

struct limits {
	uint64_t generation;
	uint32_t lease;
	uint32_t hold_limit;
};

/* 0: without that attribute. */
static inline int set_limits(struct nl *nl, struct limits limits)
{
	struct nl_msg *msg = nl_request(nl, NLM_F_ACK, TAPKEEP_CMD_SET, "nic");

	if (limits.generation)
		nla_put_u64(msg, TAPKEEP_A_GENERATION, limits.generation);
	if (limits.lease)
		nla_put_u32(msg, TAPKEEP_A_LEASE, limits.lease);
	if (limits.hold_limit)
		nla_put_u32(msg, TAPKEEP_A_HOLD_LIMIT, limits.hold_limit);
	return nl_talk(nl, msg, NULL);
}

/*
 * Calls @fn for each keep of a dump, with buffers of @size bytes. Return: how
 * many there were, or the error.
 */
static inline int nl_dump_keeps(struct nl *nl, size_t size,
				void (*fn)(struct nl_keep *k, void *arg), void *arg)
{
	struct nl_keep k;
	struct nlmsghdr *nlh;
	int ret, len, count = 0;

	nl->interrupted = false;
	ret = nl_post(nl, nl_request(nl, NLM_F_DUMP, TAPKEEP_CMD_GET, NULL));
	while (!ret) {
		len = recv(nl->fd, nl->buffer, size, MSG_TRUNC);
		if (len < 0)
			return -errno;
		if (len > (int)size)
			return -EOVERFLOW;
		for (nlh = (void *)nl->buffer; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return nl_parse_ack(nl, nlh);
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				nl->interrupted = true;
			if (nlh->nlmsg_type == NLMSG_DONE)
				return nl_parse_ack(nl, nlh) ?: count;
			nl_parse_keep(nlh, &k);
			if (fn)
				fn(&k, arg);
			count++;
		}
	}
	return ret;
}

/* A socket that gets the events of the current network namespace. */
static inline int nl_monitor(struct nl *nl)
{
	int ret = nl_open(nl);

	if (!ret && setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			       &nl->group, sizeof(nl->group)))
		ret = -errno;
	return ret;
}

/* The next event, for which it waits up to the socket's time limit. */
static inline int nl_event(struct nl *nl, struct nl_keep *k)
{
	struct nlmsghdr *nlh = (void *)nl->buffer;
	int len = recv(nl->fd, nl->buffer, sizeof(nl->buffer), 0);

	if (len < 0)
		return -errno;
	if (!NLMSG_OK(nlh, len) || nlh->nlmsg_type != nl->family)
		return -EPROTO;
	nl_parse_keep(nlh, k);
	return k->event;
}

/* Slots in the ring of queue 0 of the keep @name now. */
static inline int64_t ring_size(const char *name)
{
	struct nl_keep k;

	return nl_get(name, &k) ?: (int64_t)k.queues[0].ring_size;
}

static inline int64_t ring_used(const char *name)
{
	struct nl_keep k;

	return nl_get(name, &k) ?: (int64_t)k.queues[0].ring_used;
}

#endif /* MODULE_NETLINK_H */
