// SPDX-License-Identifier: GPL-2.0-only

/**
 * DOC: Netlink
 *
 * The generic netlink family looks and administers, without descriptors. A
 * request is seen from the network namespace of its socket, and user and
 * process numbers from the requester's namespaces. An event goes to every
 * listener in the keep's network namespace alike: its user number is that of
 * the namespace's user namespace, its process number that of the initial pid
 * namespace.
 *
 * A keep with many queues needs more than the usual message. Replies and
 * events are allocated at the size that the keep needs. A dump asks for as
 * much as the largest keep needs, when there is one that needs more than
 * usual, and goes on by number: it shows each keep that is there from its
 * beginning to its end, once. If others came or went, a message of it has
 * NLM_F_DUMP_INTR.
 *
 * An event that finds no memory is lost, and its listeners are told so
 * (ENOBUFS); what it was about is done all the same.
 */

#include "netlink.h"

#include <linux/cred.h>
#include <linux/if_ether.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "compat.h"
#include "hold.h"
#include "keep.h"
#include "queue.h"
#include "table.h"
#include "tapkeep.h"
#include "watch.h"

/* What the reader of a message can make sense of. */
struct view {
	struct user_namespace *user_ns;
	struct pid_namespace *pid_ns;
};

static struct genl_family family;

/* An upper bound of all attributes of a keep but its queues. */
static size_t keep_size(u32 nr_queues)
{
	const size_t vmm = nla_total_size(0) + 2 * nla_total_size(4) +
			   2 * nla_total_size_64bit(8) +
			   2 * nla_total_size(2) + nla_total_size(1) +
			   nla_total_size(ETH_ALEN);
	const size_t queue = nla_total_size(0) + 4 * nla_total_size(4) +
			     6 * nla_total_size(2);

	return nlmsg_total_size(GENL_HDRLEN) +
	       nla_total_size(TAPKEEP_NAME_LEN) + nla_total_size(IFNAMSIZ) +
	       2 * nla_total_size(TASK_COMM_LEN) + 12 * nla_total_size(4) +
	       10 * nla_total_size_64bit(8) + vmm + nr_queues * queue;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, TAPKEEP_A_PAD);
}

static int put_interface(struct sk_buff *skb, struct net_device *dev)
{
	char name[IFNAMSIZ];
	u64 netns;

	if (!dev)
		return 0;
	/* It may be renamed or moved just now: that is told by RTNL, not by us. */
	strscpy(name, dev->name, sizeof(name));
	rcu_read_lock();
	netns = dev_net(dev)->ns.inum;
	rcu_read_unlock();
	return nla_put_u32(skb, TAPKEEP_A_IFINDEX, dev->ifindex) ?:
	       nla_put_string(skb, TAPKEEP_A_IFNAME, name) ?:
	       put_u64(skb, TAPKEEP_A_NETNS, netns);
}

static int put_owner(struct sk_buff *skb, const struct tapkeep *keep,
		     const struct view *view)
{
	pid_t pid = pid_nr_ns(keep->owner_pid, view->pid_ns);
	int err = 0;

	if (!keep->owner)
		return 0;
	if (pid)
		err = nla_put_u32(skb, TAPKEEP_A_OWNER_PID, pid);
	return err ?: nla_put_string(skb, TAPKEEP_A_OWNER_COMM, keep->owner_comm);
}

/* The owner before this one, or of an orphan the one that it had. */
static int put_former(struct sk_buff *skb, const struct tapkeep *keep,
		      const struct view *view)
{
	pid_t pid = pid_nr_ns(keep->former_pid, view->pid_ns);
	int err = 0;

	if (!keep->former_pid)
		return 0;
	if (pid)
		err = nla_put_u32(skb, TAPKEEP_A_FORMER_PID, pid);
	return err ?: nla_put_string(skb, TAPKEEP_A_FORMER_COMM, keep->former_comm);
}

static int put_lease(struct sk_buff *skb, const struct tapkeep *keep)
{
	unsigned long now = jiffies;
	u32 left = 0;
	int err;

	err = nla_put_u32(skb, TAPKEEP_A_LEASE, keep->lease_ms);
	if (err || keep->state != TAPKEEP_ORPHAN)
		return err;
	if (time_before(now, keep->lease_end))
		left = jiffies_to_msecs(keep->lease_end - now);
	return nla_put_u32(skb, TAPKEEP_A_LEASE_LEFT, left);
}

static int put_hold(struct sk_buff *skb, struct tapkeep *keep)
{
	const struct tapkeep_hold_stats *stats = &keep->stats;
	u64 held = tapkeep_hold_is_on(keep) ? tapkeep_hold_held(keep) : 0;
	int err;

	err = nla_put_u32(skb, TAPKEEP_A_HOLD_LIMIT, keep->hold_limit) ?:
	      put_u64(skb, TAPKEEP_A_HELD, held) ?:
	      put_u64(skb, TAPKEEP_A_HELD_TOTAL, stats->total) ?:
	      put_u64(skb, TAPKEEP_A_PEAK, stats->peak) ?:
	      put_u64(skb, TAPKEEP_A_DROPPED, tapkeep_hold_dropped(keep)) ?:
	      put_u64(skb, TAPKEEP_A_BLACKOUT, stats->blackout) ?:
	      put_u64(skb, TAPKEEP_A_BLACKOUT_MAX, stats->blackout_max) ?:
	      put_u64(skb, TAPKEEP_A_STOLEN, tapkeep_watch_stolen(keep));
	if (!err && tapkeep_hold_is_draining(keep))
		err = nla_put_flag(skb, TAPKEEP_A_DRAINING);
	return err;
}

static int put_nic(struct sk_buff *skb, const struct tapkeep_state *nic)
{
	return nla_put_u32(skb, TAPKEEP_A_VMM_FLAGS, nic->flags) ?:
	       nla_put_u64_64bit(skb, TAPKEEP_A_VMM_FEATURES, nic->features,
				 TAPKEEP_A_VMM_PAD) ?:
	       nla_put_u32(skb, TAPKEEP_A_VMM_OFFLOADS, nic->offloads) ?:
	       nla_put_u16(skb, TAPKEEP_A_VMM_VNET_HDR_LEN, nic->vnet_hdr_len) ?:
	       nla_put_u8(skb, TAPKEEP_A_VMM_VNET_HDR_ENDIAN,
			  nic->vnet_hdr_endian) ?:
	       nla_put(skb, TAPKEEP_A_VMM_MAC, sizeof(nic->mac), nic->mac) ?:
	       nla_put_u16(skb, TAPKEEP_A_VMM_ACTIVE_QUEUE_PAIRS,
			   nic->active_queue_pairs);
}

static int put_vmm(struct sk_buff *skb, const struct tapkeep_vmm *vmm)
{
	struct nlattr *nest;
	int err;

	if (!vmm)
		return 0;
	nest = nla_nest_start(skb, TAPKEEP_A_VMM);
	if (!nest)
		return -EMSGSIZE;
	err = put_nic(skb, &vmm->nic);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

static int put_queue_state(struct sk_buff *skb,
			   const struct tapkeep_queue_state *qs)
{
	return nla_put_u32(skb, TAPKEEP_A_QUEUE_FLAGS, qs->flags) ?:
	       nla_put_u16(skb, TAPKEEP_A_QUEUE_RX_LAST_AVAIL,
			   qs->rx_last_avail) ?:
	       nla_put_u16(skb, TAPKEEP_A_QUEUE_RX_USED, qs->rx_used) ?:
	       nla_put_u16(skb, TAPKEEP_A_QUEUE_RX_SIZE, qs->rx_size) ?:
	       nla_put_u16(skb, TAPKEEP_A_QUEUE_TX_LAST_AVAIL,
			   qs->tx_last_avail) ?:
	       nla_put_u16(skb, TAPKEEP_A_QUEUE_TX_USED, qs->tx_used) ?:
	       nla_put_u16(skb, TAPKEEP_A_QUEUE_TX_SIZE, qs->tx_size);
}

static int put_queue(struct sk_buff *skb, const struct tapkeep *keep, u32 index)
{
	const struct tapkeep_vmm *vmm = keep->vmm;
	unsigned int size, used;
	struct nlattr *nest;
	int err;

	nest = nla_nest_start(skb, TAPKEEP_A_QUEUE);
	if (!nest)
		return -EMSGSIZE;
	tapkeep_queue_count(keep->queues[index], &size, &used);
	err = nla_put_u32(skb, TAPKEEP_A_QUEUE_INDEX, index) ?:
	      nla_put_u32(skb, TAPKEEP_A_QUEUE_RING_SIZE, size) ?:
	      nla_put_u32(skb, TAPKEEP_A_QUEUE_RING_USED, used);
	if (!err && vmm && index < vmm->nic.nr_queues)
		err = put_queue_state(skb, &vmm->queues[index]);
	if (!err)
		nla_nest_end(skb, nest);
	return err;
}

static int put_keep(struct sk_buff *skb, struct tapkeep *keep,
		    const struct view *view)
{
	u32 i;
	int err;

	err = nla_put_string(skb, TAPKEEP_A_NAME, keep->name) ?:
	      nla_put_u32(skb, TAPKEEP_A_STATE, keep->state) ?:
	      put_u64(skb, TAPKEEP_A_GENERATION, keep->generation) ?:
	      nla_put_u32(skb, TAPKEEP_A_UID,
			  from_kuid_munged(view->user_ns, keep->uid)) ?:
	      put_interface(skb, keep->dev) ?:
	      put_owner(skb, keep, view) ?:
	      put_former(skb, keep, view) ?:
	      put_lease(skb, keep) ?:
	      put_hold(skb, keep) ?:
	      put_vmm(skb, keep->vmm);
	for (i = 0; !err && i < keep->nr_queues; i++)
		err = put_queue(skb, keep, i);
	return err;
}

/* Return: the keep of the request's name, with a reference; or an error. */
static struct tapkeep *find(struct genl_info *info)
{
	struct nlattr *name = info->attrs[TAPKEEP_A_NAME];
	struct tapkeep *keep;

	if (GENL_REQ_ATTR_CHECK(info, TAPKEEP_A_NAME)) {
		GENL_SET_ERR_MSG(info, "The name of a keep is needed");
		return ERR_PTR(-EINVAL);
	}
	keep = tapkeep_table_find(genl_info_net(info), nla_data(name));
	if (keep)
		return keep;
	NL_SET_ERR_MSG_ATTR(info->extack, name,
			    "There is no keep of this name in the network namespace");
	return ERR_PTR(-ENOENT);
}

/* Return: a message about the keep, or an error; called with its lock held. */
static struct sk_buff *build_reply(struct genl_info *info, struct tapkeep *keep,
				   const struct view *view)
{
	struct sk_buff *skb;
	void *hdr;
	int err;

	skb = nlmsg_new(keep_size(keep->nr_queues), GFP_KERNEL);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	hdr = genlmsg_put_reply(skb, info, &family, 0, TAPKEEP_CMD_GET);
	err = hdr ? put_keep(skb, keep, view) : -EMSGSIZE;
	if (err) {
		nlmsg_free(skb);
		return ERR_PTR(err);
	}
	genlmsg_end(skb, hdr);
	return skb;
}

static int do_get(struct sk_buff *request, struct genl_info *info)
{
	const struct view view = {
		.user_ns = sk_user_ns(NETLINK_CB(request).sk),
		.pid_ns = task_active_pid_ns(current),
	};
	struct tapkeep *keep = find(info);
	struct sk_buff *skb;

	if (IS_ERR(keep))
		return PTR_ERR(keep);
	mutex_lock(&keep->lock);
	/* It may have ended since it was found. */
	skb = keep->state == TAPKEEP_ENDED ? ERR_PTR(-ENOENT) :
					     build_reply(info, keep, &view);
	mutex_unlock(&keep->lock);
	tapkeep_put(keep);
	if (!IS_ERR(skb))
		return genlmsg_reply(skb, info);
	if (PTR_ERR(skb) == -ENOENT)
		GENL_SET_ERR_MSG(info, "The keep has just ended");
	else
		GENL_SET_ERR_MSG(info, "There is no memory for the answer");
	return PTR_ERR(skb);
}

/* As much as the largest keep needs, so that each fits in an empty message. */
static int dump_start(struct netlink_callback *cb)
{
	struct net *net = sock_net(cb->skb->sk);
	struct tapkeep *keep;
	size_t size = 0;
	int id;

	if (genl_info_dump(cb)->attrs[TAPKEEP_A_NAME]) {
		NL_SET_ERR_MSG(cb->extack, "A dump shows all keeps and takes no name");
		return -EINVAL;
	}
	/* What comes or goes from here on interrupts the dump. */
	cb->seq = tapkeep_table_seq(net);
	cb->prev_seq = cb->seq;
	for (id = 0; (keep = tapkeep_table_next(net, &id)); id++) {
		size = max(size, keep_size(READ_ONCE(keep->nr_queues)));
		tapkeep_put(keep);
	}
	if (size > NLMSG_GOODSIZE)
		cb->min_dump_alloc = size;
	cb->args[0] = 1;
	return 0;
}

static int dump_keep(struct sk_buff *skb, struct netlink_callback *cb,
		     struct tapkeep *keep, const struct view *view)
{
	void *hdr;
	int err;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &family, NLM_F_MULTI, TAPKEEP_CMD_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	err = put_keep(skb, keep, view);
	if (err)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return err;
}

/* cb->args[0]: the lowest number that has not been shown. */
static int do_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct view view = {
		.user_ns = sk_user_ns(NETLINK_CB(cb->skb).sk),
		.pid_ns = task_active_pid_ns(current),
	};
	struct net *net = sock_net(cb->skb->sk);
	struct tapkeep *keep;
	int id = cb->args[0];
	int err = 0;

	cb->seq = tapkeep_table_seq(net);
	for (; (keep = tapkeep_table_next(net, &id)); id++) {
		mutex_lock(&keep->lock);
		if (keep->state != TAPKEEP_ENDED)
			err = dump_keep(skb, cb, keep, &view);
		/* It may have got queues since the start: room for the next call. */
		cb->min_dump_alloc = max_t(size_t, cb->min_dump_alloc,
					   keep_size(keep->nr_queues));
		mutex_unlock(&keep->lock);
		tapkeep_put(keep);
		if (err)
			break;
	}
	/* What has changed meanwhile is told with the next message. */
	cb->seq = tapkeep_table_seq(net);
	cb->args[0] = id;
	return err == -EMSGSIZE && skb->len ? skb->len : err ?: skb->len;
}

/* Whoever means an earlier generation is told of this one. */
static void refuse_stale(struct netlink_ext_ack *extack, struct tapkeep *keep)
{
	pid_t pid;

	mutex_lock(&keep->lock);
	pid = pid_nr_ns(keep->owner_pid, task_active_pid_ns(current));
	if (!keep->owner)
		NL_SET_ERR_MSG_FMT(extack, "Generation %llu now, and without an owner",
				   keep->generation);
	else if (pid)
		NL_SET_ERR_MSG_FMT(extack, "Generation %llu now, owned by %d (%s)",
				   keep->generation, pid, keep->owner_comm);
	else
		NL_SET_ERR_MSG_FMT(extack, "Generation %llu now, owned by %s (not visible)",
				   keep->generation, keep->owner_comm);
	mutex_unlock(&keep->lock);
}

static bool is_admin(struct sk_buff *request, struct genl_info *info)
{
	return netlink_ns_capable(request, genl_info_net(info)->user_ns,
				  CAP_NET_ADMIN);
}

static u64 asked_generation(const struct genl_info *info)
{
	struct nlattr *attr = info->attrs[TAPKEEP_A_GENERATION];

	return attr ? nla_get_u64(attr) : 0;
}

static void refuse_release(struct netlink_ext_ack *extack, struct tapkeep *keep,
			   int err)
{
	switch (err) {
	case -EBUSY:
		NL_SET_ERR_MSG(extack, "It has a live owner; it takes CAP_NET_ADMIN to end it");
		break;
	case -EPERM:
		NL_SET_ERR_MSG(extack, "Only the keep's user may release it, or CAP_NET_ADMIN");
		break;
	case -ESTALE:
		refuse_stale(extack, keep);
		break;
	default:
		NL_SET_ERR_MSG(extack, "The keep has just ended");
	}
}

/*
 * Both who opened the socket and who sends on it must be the keep's user, so
 * that a privileged program cannot be made to release by being given a socket.
 */
static bool is_user(const struct sk_buff *request, const struct tapkeep *keep)
{
	const struct file *file = NETLINK_CB(request).sk->sk_socket->file;

	return uid_eq(current_euid(), keep->uid) &&
	       uid_eq(file->f_cred->euid, keep->uid);
}

static int do_release(struct sk_buff *request, struct genl_info *info)
{
	struct tapkeep *keep = find(info);
	int err;

	if (IS_ERR(keep))
		return PTR_ERR(keep);
	err = tapkeep_release_by_name(keep, asked_generation(info),
				      is_user(request, keep),
				      is_admin(request, info));
	if (err)
		refuse_release(info->extack, keep, err);
	tapkeep_put(keep);
	return err;
}

static void refuse_set(struct netlink_ext_ack *extack, struct tapkeep *keep,
		       int err)
{
	switch (err) {
	case -EBUSY:
		NL_SET_ERR_MSG(extack, "The hold limit cannot change while it holds or drains");
		break;
	case -EPERM:
		NL_SET_ERR_MSG(extack, "Only the keep's user may set its limits, or CAP_NET_ADMIN");
		break;
	case -ESTALE:
		refuse_stale(extack, keep);
		break;
	case -ENOBUFS:
		NL_SET_ERR_MSG(extack, "All holds together have max_hold_slots slots already");
		break;
	case -ENOMEM:
		NL_SET_ERR_MSG(extack, "There is no memory for the hold");
		break;
	default:
		NL_SET_ERR_MSG(extack, "The keep has just ended");
	}
}

/* Return: 0 and the value, 0 if there is none; ERANGE. */
static int read_limit(struct genl_info *info, int type, unsigned int max,
		      u32 *value)
{
	struct nlattr *attr = info->attrs[type];

	*value = attr ? nla_get_u32(attr) : 0;
	if (*value <= max)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, attr,
			    "Over the maximum, which is a parameter of the module");
	return -ERANGE;
}

static int read_settings(struct genl_info *info, struct tapkeep_settings *set)
{
	int err;

	set->generation = asked_generation(info);
	err = read_limit(info, TAPKEEP_A_HOLD_LIMIT,
			 READ_ONCE(tapkeep_hold_limit_max), &set->hold_limit) ?:
	      read_limit(info, TAPKEEP_A_LEASE, READ_ONCE(tapkeep_lease_ms_max),
			 &set->lease_ms);
	if (err || set->hold_limit || set->lease_ms)
		return err;
	GENL_SET_ERR_MSG(info, "Nothing is to be set: neither a lease nor a hold limit");
	return -EINVAL;
}

static int do_set(struct sk_buff *request, struct genl_info *info)
{
	struct tapkeep_settings set;
	struct tapkeep *keep;
	int err;

	err = read_settings(info, &set);
	if (err)
		return err;
	keep = find(info);
	if (IS_ERR(keep))
		return PTR_ERR(keep);
	err = tapkeep_set_limits(keep, &set, is_user(request, keep),
				 is_admin(request, info));
	if (err)
		refuse_set(info->extack, keep, err);
	tapkeep_put(keep);
	return err;
}

static const struct nla_policy policy[] = {
	[TAPKEEP_A_NAME] = {
		.type = NLA_NUL_STRING,
		.len = TAPKEEP_NAME_LEN - 1,
	},
};

static const struct nla_policy release_policy[] = {
	[TAPKEEP_A_NAME] = {
		.type = NLA_NUL_STRING,
		.len = TAPKEEP_NAME_LEN - 1,
	},
	/* Nothing has generation 0. */
	[TAPKEEP_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
};

static const struct nla_policy set_policy[] = {
	[TAPKEEP_A_NAME] = {
		.type = NLA_NUL_STRING,
		.len = TAPKEEP_NAME_LEN - 1,
	},
	[TAPKEEP_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
	[TAPKEEP_A_LEASE] = NLA_POLICY_MIN(NLA_U32, 1),
	[TAPKEEP_A_HOLD_LIMIT] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct genl_ops ops[] = {
	{
		.cmd = TAPKEEP_CMD_GET,
		.policy = policy,
		.maxattr = ARRAY_SIZE(policy) - 1,
		.doit = do_get,
		.start = dump_start,
		.dumpit = do_dump,
	},
	{
		.cmd = TAPKEEP_CMD_RELEASE,
		.doit = do_release,
		.policy = release_policy,
		.maxattr = ARRAY_SIZE(release_policy) - 1,
	},
	{
		.cmd = TAPKEEP_CMD_SET,
		.doit = do_set,
		.policy = set_policy,
		.maxattr = ARRAY_SIZE(set_policy) - 1,
	},
};

static const struct genl_multicast_group groups[] = {
	{ .name = TAPKEEP_GENL_MCGRP_MONITOR },
};

static struct genl_family family __ro_after_init = {
	.name = TAPKEEP_GENL_NAME,
	.version = TAPKEEP_GENL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

/* Who did it, if it was a process and not the kernel by itself. */
static int put_actor(struct sk_buff *skb, const struct view *view)
{
	if (current->flags & PF_KTHREAD)
		return 0;
	return nla_put_u32(skb, TAPKEEP_A_ACTOR_PID,
			   task_tgid_nr_ns(current, view->pid_ns)) ?:
	       nla_put_u32(skb, TAPKEEP_A_ACTOR_UID,
			   from_kuid_munged(view->user_ns, current_euid()));
}

static int put_event(struct sk_buff *skb, struct tapkeep *keep,
		     enum tapkeep_event event, enum tapkeep_reason reason,
		     const struct view *view)
{
	int err = nla_put_u32(skb, TAPKEEP_A_EVENT, event);

	if (!err && reason)
		err = nla_put_u32(skb, TAPKEEP_A_REASON, reason);
	return err ?: put_actor(skb, view) ?: put_keep(skb, keep, view);
}

static struct sk_buff *build_event(struct tapkeep *keep,
				   enum tapkeep_event event,
				   enum tapkeep_reason reason)
{
	const struct view view = {
		.user_ns = keep->net->user_ns,
		.pid_ns = &init_pid_ns,
	};
	struct sk_buff *skb;
	void *hdr;

	skb = nlmsg_new(keep_size(keep->nr_queues), GFP_KERNEL);
	if (!skb)
		return NULL;
	hdr = genlmsg_put(skb, 0, 0, &family, 0, TAPKEEP_CMD_NTF);
	if (!hdr || put_event(skb, keep, event, reason, &view)) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, hdr);
	return skb;
}

/* Called with keep->lock held, which puts the events of a keep in order. */
void tapkeep_notify(struct tapkeep *keep, enum tapkeep_event event,
		    enum tapkeep_reason reason)
{
	struct sk_buff *skb;

	if (!genl_has_listeners(&family, keep->net, 0))
		return;
	skb = build_event(keep, event, reason);
	if (skb)
		genlmsg_multicast_netns(&family, keep->net, skb, 0, 0, GFP_KERNEL);
	else
		genl_set_err(&family, keep->net, 0, 0, -ENOBUFS);
}

int __init tapkeep_netlink_init(void)
{
	return genl_register_family(&family);
}

void tapkeep_netlink_exit(void)
{
	genl_unregister_family(&family);
}
