// SPDX-License-Identifier: GPL-2.0-only

/**
 * DOC: Watch
 *
 * From when the owner of a frozen keep has exported that its readers have
 * stopped, until the keep is claimed, thawed or ended or the owner takes that
 * back, nobody should take a packet out of a ring. What somebody takes all the
 * same is stolen: a guest got it, or somebody threw it away, and whoever claims
 * will not find it. It is counted by looking at the beginning, at the end and
 * whenever somebody asks; reading and writing the ring is not touched.
 *
 * There are two witnesses, and the one that has seen more is believed:
 *
 * - The ring's consumer_head says how many packets have left it, in any way.
 *   It is blind to whole rounds of the ring. A vhost that is removed moves it
 *   backwards to give up to 64 packets back: those were not stolen, but
 *   they must not hide others that were. So what counts is how far the head is
 *   from the lowest place that it was seen at.
 * - tun counts each packet that it hands to a reader as transmitted by the
 *   interface. That sees through both, but is blind to packets that are purged
 *   or could not be copied. It only says something about the keep when the
 *   interface has no other queues.
 */

#include "watch.h"

#include <linux/minmax.h>
#include <linux/netdevice.h>
#include <linux/ptr_ring.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <net/rtnetlink.h>

#include "keep.h"
#include "queue.h"

/* The most that vhost takes out of a ring at once. */
#define GIVE_BACK_MAX	64

/* Return: where the next packet is taken from; the ring's size in *size. */
static int consumer_head(struct ptr_ring *ring, int *size)
{
	unsigned long flags;
	int head;

	spin_lock_irqsave(&ring->consumer_lock, flags);
	head = ring->consumer_head;
	*size = ring->size;
	spin_unlock_irqrestore(&ring->consumer_lock, flags);
	return head;
}

static void begin_queue(struct tapkeep_queue *q)
{
	int size;

	q->watch = (struct tapkeep_queue_watch){
		.head = consumer_head(q->ring, &size),
	};
}

/* How far a head went from @from to @to; backwards if vhost can have done that. */
static int distance(int from, int to, int size)
{
	int forwards = (to - from + size) % size;

	if (size - forwards <= min(GIVE_BACK_MAX, size / 2))
		return forwards - size;
	return forwards;
}

/* Return: packets that have left the ring and are not back. */
static u64 left_queue(struct tapkeep_queue *q)
{
	struct tapkeep_queue_watch *w = &q->watch;
	int head, size;

	head = consumer_head(q->ring, &size);
	if (!size)
		return 0;
	w->gone += distance(w->head, head, size);
	w->least = min(w->least, w->gone);
	w->head = head;
	return w->gone - w->least;
}

static u64 left_rings(struct tapkeep *keep)
{
	u64 left = 0;
	u32 i;

	for (i = 0; i < keep->nr_queues; i++)
		left += left_queue(keep->queues[i]);
	return left;
}

static bool has_interface_alone(const struct tapkeep *keep)
{
	const struct net_device *dev = keep->dev;

	return dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "tun") &&
	       READ_ONCE(dev->real_num_tx_queues) == keep->nr_queues;
}

static u64 reads(struct tapkeep *keep)
{
	struct rtnl_link_stats64 stats;

	return dev_get_stats(keep->dev, &stats)->tx_packets;
}

static u64 stolen_now(struct tapkeep *keep)
{
	u64 left = left_rings(keep);

	if (!has_interface_alone(keep))
		return left;
	return max(left, reads(keep) - keep->watch.reads_then);
}

/*
 * Of a frozen keep. One that was claimed by force may have no queue, and so no
 * interface: nothing can be stolen from it. Called with the lock held, as the
 * others.
 */
void tapkeep_watch_begin(struct tapkeep *keep)
{
	u32 i;

	if (keep->watch.on || !keep->nr_queues)
		return;
	keep->watch.on = true;
	keep->watch.reads_then = reads(keep);
	for (i = 0; i < keep->nr_queues; i++)
		begin_queue(keep->queues[i]);
}

/* Return: how many were stolen since the beginning; 0 if there was none. */
u64 tapkeep_watch_end(struct tapkeep *keep)
{
	u64 stolen;

	if (!keep->watch.on)
		return 0;
	stolen = stolen_now(keep);
	keep->stats.stolen += stolen;
	keep->watch.on = false;
	return stolen;
}

/* In all holds so far, the one that is on included. */
u64 tapkeep_watch_stolen(struct tapkeep *keep)
{
	return keep->stats.stolen + (keep->watch.on ? stolen_now(keep) : 0);
}
