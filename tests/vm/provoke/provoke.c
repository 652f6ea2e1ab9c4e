// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One fault of each kind that a kernel which looks for faults must find, for
 * tests/vm/finds. "insmod provoke.ko fault=NAME" commits it and stays loaded,
 * so that reports can name the function.
 */
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

static char *fault = "";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "Which fault to commit");

static int warn(void)
{
	WARN(1, "a warning that was asked for\n");
	return 0;
}

static int sleep_in_atomic(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
	return 0;
}

static int read_without_rcu(void)
{
	static int value;
	static int __rcu *pointer = RCU_INITIALIZER(&value);

	return *rcu_dereference(pointer);
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static void lock_both(struct mutex *outer, struct mutex *inner)
{
	mutex_lock(outer);
	mutex_lock(inner);
	mutex_unlock(inner);
	mutex_unlock(outer);
}

static int lock_in_two_orders(void)
{
	lock_both(&first, &second);
	lock_both(&second, &first);
	return 0;
}

static int use_after_free(void)
{
	char *memory = kzalloc(64, GFP_KERNEL);

	if (!memory)
		return -ENOMEM;
	kfree(memory);
	(void)READ_ONCE(memory[8]);
	return 0;
}

static int index_out_of_bounds(void)
{
	static struct {
		int array[4];
		int beyond;
	} memory;
	int index = 4;

	OPTIMIZER_HIDE_VAR(index);
	memory.array[index] = 1;
	return 0;
}

static int add_to_list_twice(void)
{
	LIST_HEAD(list);
	LIST_HEAD(entry);

	list_add(&entry, &list);
	list_add(&entry, &list);
	return 0;
}

static void no_timer(struct timer_list *timer)
{
}

static int init_active_timer(void)
{
	static struct timer_list timer;

	timer_setup(&timer, no_timer, 0);
	mod_timer(&timer, jiffies + 60 * HZ);
	timer_setup(&timer, no_timer, 0);
	return 0;
}

static int destroy_used_cache(void)
{
	struct kmem_cache *cache = kmem_cache_create("provoke", 64, 0,
						     SLAB_NO_MERGE, NULL);

	if (!cache || !kmem_cache_alloc(cache, GFP_KERNEL))
		return -ENOMEM;
	kmem_cache_destroy(cache);
	return 0;
}

static const struct net_device_ops no_ops;
static struct net_device *netdev;
static netdevice_tracker tracker;

static void put_netdev(struct work_struct *work)
{
	netdev_put(netdev, &tracker);
}

static DECLARE_DELAYED_WORK(put_work, put_netdev);

static void setup_netdev(struct net_device *dev)
{
	dev->netdev_ops = &no_ops;
}

/* Its deletion waits for the reference, which is put seconds later. */
static int delete_used_netdev(void)
{
	int err;

	netdev = alloc_netdev(0, "provoke%d", NET_NAME_ENUM, setup_netdev);
	if (!netdev)
		return -ENOMEM;
	err = register_netdev(netdev);
	if (!err) {
		netdev_hold(netdev, &tracker, GFP_KERNEL);
		schedule_delayed_work(&put_work, 4 * HZ);
		unregister_netdev(netdev);
	}
	free_netdev(netdev);
	return err;
}

static int hang(void)
{
	schedule_timeout_uninterruptible(6 * HZ);
	return 0;
}

static int keep_a_processor(void)
{
	preempt_disable();
	mdelay(8000);
	preempt_enable();
	return 0;
}

static int lose_memory(void)
{
	int i;

	/* Some, as the address of the last may still be on a stack. */
	for (i = 0; i < 8; i++)
		if (!kzalloc(64, GFP_KERNEL))
			return -ENOMEM;
	return 0;
}

static const struct {
	const char *name;
	int (*commit)(void);
} faults[] = {
	{ "warn", warn },
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "read_without_rcu", read_without_rcu },
	{ "lock_in_two_orders", lock_in_two_orders },
	{ "use_after_free", use_after_free },
	{ "index_out_of_bounds", index_out_of_bounds },
	{ "add_to_list_twice", add_to_list_twice },
	{ "init_active_timer", init_active_timer },
	{ "destroy_used_cache", destroy_used_cache },
	{ "delete_used_netdev", delete_used_netdev },
	{ "hang", hang },
	{ "keep_a_processor", keep_a_processor },
	{ "lose_memory", lose_memory },
};

static int __init provoke_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(fault, faults[i].name))
			return faults[i].commit();
	return -EINVAL;
}

static void __exit provoke_exit(void)
{
	/* What has been committed cannot be undone, only ended. */
	flush_delayed_work(&put_work);
}

module_init(provoke_init);
module_exit(provoke_exit);

MODULE_DESCRIPTION("Commits a fault that the kernel must find");
MODULE_LICENSE("GPL");
