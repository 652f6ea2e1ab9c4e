// SPDX-License-Identifier: GPL-2.0-only

/**
 * DOC: Interface
 *
 * A keep is attached to the interface of its first queue until it ends. The
 * network core tells us, with RTNL held, what happens to that:
 *
 * - it is deleted: its keeps end;
 * - its tx_queue_len changes: its driver would resize the rings to that length
 *   and free what does not fit. While a ring is grown this is refused (EBUSY).
 *   If no ring is grown, it resizes after we have agreed, and a freeze must not
 *   come in between: so the next one waits for RTNL, once. Other freezes do
 *   without RTNL, which somebody may hold for long.
 *
 * An interface that is renamed or moves to another namespace stays attached.
 */

#include "netdev.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/if_tap.h>
#include <linux/if_tun.h>
#include <linux/kernel.h>
#include <linux/netdev_features.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/rtnetlink.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <net/rtnetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "keep.h"
#include "queue.h"

static DEFINE_SPINLOCK(attached_lock);
/* Keeps by interface; guarded by attached_lock. */
static DEFINE_HASHTABLE(attached, 8);

/*
 * What tun says in /proc/PID/fdinfo: that is its user interface, where the
 * layout of its structures is nobody's. Takes RTNL.
 */
static int queue_ifname(struct file *file, char *name)
{
	char text[IFNAMSIZ + 16] = "";
	struct seq_file seq = {
		.buf = text,
		.size = sizeof(text) - 1,
	};

	if (!file->f_op->show_fdinfo)
		return -EOPNOTSUPP;
	file->f_op->show_fdinfo(&seq, file);
	if (seq_has_overflowed(&seq) || sscanf(text, "iff: %15s", name) != 1)
		return -EBADFD;
	return 0;
}

static struct net_device *get_tun_by_name(struct net *net, const char *name)
{
	struct net_device *dev = dev_get_by_name(net, name);

	if (!dev)
		return NULL;
	if (dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "tun"))
		return dev;
	dev_put(dev);
	return NULL;
}

/*
 * Looks in @net if it is not where the queue was opened, because it was moved.
 * The name is asked for before and after the look-up, which excludes that the
 * interface was deleted in between and another one got its name.
 */
static struct net_device *netdev_of_tun(const struct tapkeep_queue *q,
					struct net *net)
{
	char name[IFNAMSIZ], again[IFNAMSIZ];
	struct net_device *dev;
	int err;

	err = queue_ifname(q->file, name);
	if (err)
		return ERR_PTR(err);
	dev = get_tun_by_name(sock_net(q->sock->sk), name);
	if (!dev)
		dev = get_tun_by_name(net, name);
	if (!dev)
		return ERR_PTR(-EBADFD);
	err = queue_ifname(q->file, again);
	if (!err && strcmp(name, again))
		err = -EBADFD;
	if (err) {
		dev_put(dev);
		return ERR_PTR(err);
	}
	return dev;
}

/* The structures of tap are in a header, with who may look into them. */
static struct net_device *netdev_of_tap(const struct tapkeep_queue *q)
{
	const struct tap_queue *tq = container_of(q->sock, struct tap_queue, sock);
	struct net_device *dev = ERR_PTR(-EBADFD);
	const struct tap_dev *tap;

	rtnl_lock();
	tap = rtnl_dereference(tq->tap);
	if (tap) {
		dev = tap->dev;
		dev_hold(dev);
	}
	rtnl_unlock();
	return dev;
}

/**
 * tapkeep_netdev_of_queue - the interface that a queue is attached to
 * @q: the queue
 * @net: the caller's network namespace
 *
 * Return: the interface with a reference; or EBADFD: none.
 */
struct net_device *tapkeep_netdev_of_queue(const struct tapkeep_queue *q,
					   struct net *net)
{
	return q->is_tap ? netdev_of_tap(q) : netdev_of_tun(q, net);
}

/*
 * What the interface has dropped of what was for its queues: a TAP sends that,
 * and a macvtap receives it. Called with keep->lock held.
 */
u64 tapkeep_netdev_drops(const struct tapkeep *keep)
{
	struct rtnl_link_stats64 stats;

	if (!keep->dev)
		return 0;
	dev_get_stats(keep->dev, &stats);
	return keep->queues[0]->is_tap ? stats.rx_dropped : stats.tx_dropped;
}

/* Return: the offloads that a guest must know who gets packets of @features. */
static u32 offloads_of(netdev_features_t features)
{
	static const struct {
		netdev_features_t feature;
		u32 offloads;
	} map[] = {
		{ NETIF_F_HW_CSUM, TUN_F_CSUM },
		{ NETIF_F_TSO, TUN_F_TSO4 },
		{ NETIF_F_TSO6, TUN_F_TSO6 },
		{ NETIF_F_TSO_ECN, TUN_F_TSO_ECN },
		{ NETIF_F_GSO_UDP_L4, TUN_F_USO4 | TUN_F_USO6 },
		{ NETIF_F_GSO_UDP_TUNNEL, TUN_F_UDP_TUNNEL_GSO },
		{ NETIF_F_GSO_UDP_TUNNEL_CSUM, TUN_F_UDP_TUNNEL_GSO_CSUM },
	};
	u32 offloads = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(map); i++)
		if (features & map[i].feature)
			offloads |= map[i].offloads;
	return offloads;
}

/* Without a header before the packet nothing of that gets to the reader. */
static netdev_features_t tap_features(const struct tapkeep_queue *q)
{
	const struct tap_queue *tq = container_of(q->sock, struct tap_queue, sock);
	netdev_features_t features = 0;
	const struct tap_dev *tap;

	rcu_read_lock();
	tap = rcu_dereference(tq->tap);
	if (tap && tq->flags & IFF_VNET_HDR)
		features = READ_ONCE(tap->tap_features);
	rcu_read_unlock();
	return features;
}

/**
 * tapkeep_netdev_check_offloads - can these have been set on the interface?
 * @keep: the keep, with its lock held
 * @offloads: TUN_F_* that TUNSETOFFLOAD is said to have set
 *
 * The features of an interface of tun can be fewer than those that were set:
 * an administrator turns them off. They cannot be more.
 *
 * Return: 0; EOPNOTSUPP the interface can never have one of them; EBADE it has
 * others as well.
 */
int tapkeep_netdev_check_offloads(const struct tapkeep *keep, u32 offloads)
{
	u32 has, can = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN |
		       TUN_F_UFO;

	if (!keep->nr_queues)
		return 0;
	if (keep->queues[0]->is_tap) {
		can |= TAP_USO;
		has = offloads_of(tap_features(keep->queues[0]));
	} else {
		can |= offloads_of(keep->dev->hw_features);
		has = offloads_of(READ_ONCE(keep->dev->features));
	}
	if (offloads & ~can)
		return -EOPNOTSUPP;
	return has & ~offloads ? -EBADE : 0;
}

/* Called with RTNL and keep->lock held. */
void tapkeep_netdev_attach(struct tapkeep *keep, struct net_device *dev)
{
	ASSERT_RTNL();
	netdev_hold(dev, &keep->dev_tracker, GFP_KERNEL);
	keep->dev = dev;
	keep->usual_slots = dev->tx_queue_len;
	keep->dev_changed = false;
	spin_lock(&attached_lock);
	hash_add(attached, &keep->dev_node, (unsigned long)dev);
	spin_unlock(&attached_lock);
}

/* Called with keep->lock held. */
void tapkeep_netdev_detach(struct tapkeep *keep)
{
	if (!keep->dev)
		return;
	spin_lock(&attached_lock);
	hash_del(&keep->dev_node);
	spin_unlock(&attached_lock);
	netdev_put(keep->dev, &keep->dev_tracker);
	keep->dev = NULL;
}

/* With RTNL held nobody is in the middle of a change. And keep->lock. */
void tapkeep_netdev_refresh(struct tapkeep *keep)
{
	ASSERT_RTNL();
	if (keep->dev)
		keep->usual_slots = keep->dev->tx_queue_len;
	keep->dev_changed = false;
}

/* Return: a keep on the interface that has not seen event number @nr yet. */
static struct tapkeep *get_attached(struct net_device *dev, unsigned int nr)
{
	struct tapkeep *keep, *found = NULL;

	spin_lock(&attached_lock);
	hash_for_each_possible(attached, keep, dev_node, (unsigned long)dev) {
		if (keep->dev == dev && keep->dev_event != nr) {
			keep->dev_event = nr;
			tapkeep_get(keep);
			found = keep;
			break;
		}
	}
	spin_unlock(&attached_lock);
	return found;
}

/* Return: false if a ring of the keep is grown; else the change is noted. */
static bool let_change(struct tapkeep *keep)
{
	bool ok;

	mutex_lock(&keep->lock);
	ok = !keep->rings_grown;
	if (ok)
		keep->dev_changed = true;
	mutex_unlock(&keep->lock);
	return ok;
}

/* A change that is refused after it was noted costs the next freeze RTNL. */
static int change_tx_queue_len(struct net_device *dev, unsigned int nr)
{
	struct tapkeep *keep;
	bool ok = true;

	while (ok && (keep = get_attached(dev, nr))) {
		ok = let_change(keep);
		tapkeep_put(keep);
	}
	return ok ? NOTIFY_DONE : notifier_from_errno(-EBUSY);
}

static void interface_gone(struct net_device *dev, unsigned int nr)
{
	struct tapkeep *keep;

	while ((keep = get_attached(dev, nr))) {
		tapkeep_end_with_netdev(keep, dev);
		tapkeep_put(keep);
	}
}

static int netdev_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	/* Guarded by RTNL; 0 is of a keep that has seen none. */
	static unsigned int nr;

	switch (event) {
	case NETDEV_CHANGE_TX_QUEUE_LEN:
		nr = nr + 1 ?: 1;
		return change_tx_queue_len(dev, nr);
	case NETDEV_UNREGISTER:
		/* A move to another namespace is told in the same way. */
		if (dev->reg_state != NETREG_UNREGISTERING)
			break;
		nr = nr + 1 ?: 1;
		interface_gone(dev, nr);
		break;
	}
	return NOTIFY_DONE;
}

/* Before tun's own, which resizes and cannot be undone. */
static struct notifier_block netdev_notifier = {
	.notifier_call = netdev_event,
	.priority = 100,
};

int __init tapkeep_netdev_init(void)
{
	return register_netdevice_notifier(&netdev_notifier);
}

void tapkeep_netdev_exit(void)
{
	unregister_netdevice_notifier(&netdev_notifier);
}
