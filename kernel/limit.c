// SPDX-License-Identifier: GPL-2.0-only

/**
 * DOC: Limit
 *
 * What one can have of us is bounded in each direction in which somebody could
 * want more than there is: keeps of a user, of a network namespace and of all,
 * queues of a keep, and ring slots of all holds. What is for the host is a
 * parameter of the module, what is for a namespace a sysctl of it.
 *
 * A new namespace begins with what the initial one has at that time. A
 * namespace whose user namespace is not the initial one can read its sysctls
 * and not write them, so that whoever may create namespaces cannot help
 * himself to more.
 *
 * A limit that is lowered takes nothing away from who has more.
 */

#include "limit.h"

#include <linux/hashtable.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <linux/user_namespace.h>
#include <linux/wait.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "compat.h"
#include "keep.h"
#include "tapkeep.h"

#define NET_KEEPS	4096

/**
 * struct tapkeep_user - somebody who has a keep
 * @node: in the table of users
 * @uid: who
 * @nr_keeps: how many
 */
struct tapkeep_user {
	struct hlist_node node;
	kuid_t uid;
	unsigned int nr_keeps;
};

/**
 * struct tapkeep_limits - of one network namespace
 * @max_keeps: sysctl
 * @max_queues: sysctl, of each keep
 * @nr_keeps: guarded by limit_lock
 * @sysctls: of this namespace, and an empty one, which older kernels want
 * @header: of their registration
 */
struct tapkeep_limits {
	unsigned int max_keeps;
	unsigned int max_queues;
	unsigned int nr_keeps;
	struct ctl_table sysctls[3];
	struct ctl_table_header *header;
};

static unsigned int limit_net_id;

static DEFINE_MUTEX(limit_lock);
/* All three guarded by limit_lock. */
static DEFINE_HASHTABLE(users, 6);
static unsigned int nr_keeps;
static unsigned long nr_slots;

/* Woken when a keep is not counted any more. */
static DECLARE_WAIT_QUEUE_HEAD(keep_gone);

static struct tapkeep_user *user_of(kuid_t uid)
{
	struct tapkeep_user *user;

	hash_for_each_possible(users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

static struct tapkeep_user *add_user(kuid_t uid)
{
	struct tapkeep_user *user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);

	if (user) {
		user->uid = uid;
		hash_add(users, &user->node, __kuid_val(uid));
	}
	return user;
}

static int add_keep_locked(struct tapkeep_limits *limits, kuid_t uid)
{
	struct tapkeep_user *user;

	if (nr_keeps >= READ_ONCE(tapkeep_max_keeps) ||
	    limits->nr_keeps >= READ_ONCE(limits->max_keeps))
		return -ENOSPC;
	user = user_of(uid);
	if ((user ? user->nr_keeps : 0) >= READ_ONCE(tapkeep_max_keeps_user))
		return -EDQUOT;
	if (!user)
		user = add_user(uid);
	if (!user)
		return -ENOMEM;
	user->nr_keeps++;
	limits->nr_keeps++;
	nr_keeps++;
	return 0;
}

/* One more. Return: 0; EDQUOT the user has enough; ENOSPC all have; ENOMEM. */
int tapkeep_limit_add_keep(struct net *net, kuid_t uid)
{
	int err;

	mutex_lock(&limit_lock);
	err = add_keep_locked(net_generic(net, limit_net_id), uid);
	mutex_unlock(&limit_lock);
	return err;
}

/* The last that the end of a keep does to its namespace, which may end then. */
void tapkeep_limit_del_keep(struct net *net, kuid_t uid)
{
	struct tapkeep_limits *limits = net_generic(net, limit_net_id);
	struct tapkeep_user *user;

	mutex_lock(&limit_lock);
	user = user_of(uid);
	nr_keeps--;
	if (!--user->nr_keeps) {
		hash_del(&user->node);
		kfree(user);
	}
	WRITE_ONCE(limits->nr_keeps, limits->nr_keeps - 1);
	wake_up(&keep_gone);
	mutex_unlock(&limit_lock);
}

/* Slots for a hold. Return: 0; ENOBUFS there would be too many. */
int tapkeep_limit_add_slots(unsigned int slots)
{
	int err = 0;

	mutex_lock(&limit_lock);
	if (nr_slots + slots > READ_ONCE(tapkeep_max_hold_slots))
		err = -ENOBUFS;
	else
		nr_slots += slots;
	mutex_unlock(&limit_lock);
	return err;
}

void tapkeep_limit_del_slots(unsigned int slots)
{
	mutex_lock(&limit_lock);
	nr_slots -= slots;
	mutex_unlock(&limit_lock);
}

/* How many a keep can have in this namespace. */
unsigned int tapkeep_limit_queues(struct net *net)
{
	struct tapkeep_limits *limits = net_generic(net, limit_net_id);

	return READ_ONCE(limits->max_queues);
}

static unsigned int max_queues_limit = TAPKEEP_MAX_QUEUES;
static unsigned int max_keeps_limit = TAPKEEP_MAX_KEEPS_LIMIT;

/* The values are those of a namespace. */
static const struct ctl_table sysctl_templates[] = {
	{
		.procname = "max_keeps",
		.maxlen = sizeof(unsigned int),
		.mode = 0644,
		.proc_handler = proc_douintvec_minmax,
		.extra1 = SYSCTL_ZERO,
		.extra2 = &max_keeps_limit,
	},
	{
		.procname = "max_queues",
		.maxlen = sizeof(unsigned int),
		.mode = 0644,
		.proc_handler = proc_douintvec_minmax,
		.extra1 = SYSCTL_ZERO,
		.extra2 = &max_queues_limit,
	},
};

static void set_up_sysctls(struct tapkeep_limits *limits, bool writable)
{
	size_t i;

	memcpy(limits->sysctls, sysctl_templates, sizeof(sysctl_templates));
	limits->sysctls[0].data = &limits->max_keeps;
	limits->sysctls[1].data = &limits->max_queues;
	for (i = 0; !writable && i < ARRAY_SIZE(sysctl_templates); i++)
		limits->sysctls[i].mode = 0444;
}

static int __net_init limit_net_init(struct net *net)
{
	struct tapkeep_limits *limits = net_generic(net, limit_net_id);
	const struct tapkeep_limits *first = net_generic(&init_net, limit_net_id);

	if (net_eq(net, &init_net)) {
		limits->max_keeps = NET_KEEPS;
		limits->max_queues = TAPKEEP_MAX_QUEUES;
	} else {
		limits->max_keeps = READ_ONCE(first->max_keeps);
		limits->max_queues = READ_ONCE(first->max_queues);
	}
	set_up_sysctls(limits, net->user_ns == &init_user_ns);
	limits->header = register_net_sysctl_sz(net, "net/tapkeep",
						limits->sysctls,
						ARRAY_SIZE(sysctl_templates));
	return limits->header ? 0 : -ENOMEM;
}

static void __net_exit limit_net_exit(struct net *net)
{
	struct tapkeep_limits *limits = net_generic(net, limit_net_id);

	unregister_net_sysctl_table(limits->header);
	/*
	 * The table is empty, but whoever took a keep out of it, in another
	 * namespace perhaps, may still be about to come here.
	 */
	wait_event(keep_gone, !READ_ONCE(limits->nr_keeps));
}

static struct pernet_operations limit_net_ops = {
	.init = limit_net_init,
	.exit = limit_net_exit,
	.id = &limit_net_id,
	.size = sizeof(struct tapkeep_limits),
};

int __init tapkeep_limit_init(void)
{
	return register_pernet_subsys(&limit_net_ops);
}

void tapkeep_limit_exit(void)
{
	unregister_pernet_subsys(&limit_net_ops);
}
