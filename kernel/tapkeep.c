// SPDX-License-Identifier: GPL-2.0-only
/*
 * tapkeep: keep the TAP queues of a virtual NIC across a change of VMM.
 */

/**
 * DOC: Files
 *
 * One file for each noun:
 *
 * - tapkeep.c: parameters, and what is started and stopped in which order;
 * - table.c: the keeps of a network namespace, by name and by number;
 * - limit.c: how much of everything there can be;
 * - keep.c: one keep, its states and everything that changes them;
 * - hold.c: what freezing and thawing do to the rings, and what they count;
 * - watch.c: what is taken out of the rings while nobody should read;
 * - queue.c: one pinned queue and its ring;
 * - handle.c: /dev/tapkeep, the files behind handles, and the ioctls;
 * - netdev.c: the interface of a keep, and what happens to it;
 * - netlink.c: the generic netlink family;
 * - trace.h: the tracepoints.
 */

/**
 * DOC: Locks
 *
 * In the order in which they nest, outermost first:
 *
 * 1. RTNL: taken by the network core around the netdev notifier, and here
 *    for a pin and for the few freezes that must know tx_queue_len anew;
 * 2. keep->lock, a mutex: everything in a keep that changes;
 * 3. the lock of a namespace's table, a mutex: names and numbers;
 *    the lock of the limits (limit.c), a mutex; neither nested in the other;
 *    the lock of the attached keeps (netdev.c) and of the pinned files
 *    (queue.c), both spinlocks, neither nested in the other;
 * 4. a ring's consumer_lock, then its producer_lock, as tun and vhost do.
 *
 * No lock of ours is held while user memory is accessed, because a page fault
 * can take as long as a user likes (userfaultfd), and the netdev notifier
 * would wait for it with RTNL held.
 */

#include "tapkeep.h"

#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/workqueue.h>

#include "handle.h"
#include "limit.h"
#include "netdev.h"
#include "netlink.h"
#include "table.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* kvmalloc() gives no more than INT_MAX bytes. */
#define HOLD_LIMIT_LIMIT	BIT(27)
#define LEASE_MS_LIMIT		(7 * 24 * 3600 * 1000U)

struct workqueue_struct *tapkeep_wq;

unsigned int tapkeep_hold_limit = 16384;
unsigned int tapkeep_hold_limit_max = BIT(20);
unsigned int tapkeep_lease_ms = 30000;
unsigned int tapkeep_lease_ms_max = 3600000;
unsigned int tapkeep_max_keeps = 16384;
unsigned int tapkeep_max_keeps_user = 4096;
unsigned long tapkeep_max_hold_slots = BIT(26);

static int set_hold_limit(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, HOLD_LIMIT_LIMIT);
}

static int set_lease_ms(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, LEASE_MS_LIMIT);
}

static int set_max_keeps(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, TAPKEEP_MAX_KEEPS_LIMIT);
}

static const struct kernel_param_ops hold_limit_ops = {
	.set = set_hold_limit,
	.get = param_get_uint,
};

static const struct kernel_param_ops lease_ms_ops = {
	.set = set_lease_ms,
	.get = param_get_uint,
};

static const struct kernel_param_ops max_keeps_ops = {
	.set = set_max_keeps,
	.get = param_get_uint,
};

module_param_cb(hold_limit, &hold_limit_ops, &tapkeep_hold_limit, 0644);
MODULE_PARM_DESC(hold_limit,
		 "Default of a keep's hold limit, in ring slots per queue (16384)");
module_param_cb(hold_limit_max, &hold_limit_ops, &tapkeep_hold_limit_max, 0644);
MODULE_PARM_DESC(hold_limit_max,
		 "Highest hold limit that can be asked for, in ring slots per queue (1048576)");
module_param_cb(lease_ms, &lease_ms_ops, &tapkeep_lease_ms, 0644);
MODULE_PARM_DESC(lease_ms,
		 "Default of the lease of an orphan, in milliseconds (30000)");
module_param_cb(lease_ms_max, &lease_ms_ops, &tapkeep_lease_ms_max, 0644);
MODULE_PARM_DESC(lease_ms_max,
		 "Longest lease that can be asked for, in milliseconds (3600000)");
module_param_cb(max_keeps, &max_keeps_ops, &tapkeep_max_keeps, 0644);
MODULE_PARM_DESC(max_keeps,
		 "How many keeps there can be, in all network namespaces together (16384)");
module_param_cb(max_keeps_user, &max_keeps_ops, &tapkeep_max_keeps_user, 0644);
MODULE_PARM_DESC(max_keeps_user,
		 "How many keeps a user can have, in all network namespaces together (4096)");
module_param_named(max_hold_slots, tapkeep_max_hold_slots, ulong, 0644);
MODULE_PARM_DESC(max_hold_slots,
		 "How many ring slots there can be for all holds together (67108864)");

static int __init tapkeep_init(void)
{
	int err;

	tapkeep_wq = alloc_workqueue("tapkeep", WQ_UNBOUND, 0);
	if (!tapkeep_wq)
		return -ENOMEM;
	err = tapkeep_limit_init();
	if (err)
		goto err_wq;
	err = tapkeep_table_init();
	if (err)
		goto err_limit;
	err = tapkeep_netdev_init();
	if (err)
		goto err_table;
	err = tapkeep_netlink_init();
	if (err)
		goto err_netdev;
	err = tapkeep_device_init();
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	tapkeep_netlink_exit();
err_netdev:
	tapkeep_netdev_exit();
err_table:
	tapkeep_table_exit();
err_limit:
	tapkeep_limit_exit();
err_wq:
	destroy_workqueue(tapkeep_wq);
	return err;
}

/* Every keep and every open handle has a reference on the module: none is left. */
static void __exit tapkeep_exit(void)
{
	tapkeep_device_exit();
	tapkeep_netlink_exit();
	tapkeep_netdev_exit();
	tapkeep_table_exit();
	tapkeep_limit_exit();
	destroy_workqueue(tapkeep_wq);
}

module_init(tapkeep_init);
module_exit(tapkeep_exit);

MODULE_DESCRIPTION("Keeps TAP queues across a change of VMM");
MODULE_AUTHOR("the tapkeep authors");
MODULE_LICENSE("GPL");
