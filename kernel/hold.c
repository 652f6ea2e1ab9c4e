// SPDX-License-Identifier: GPL-2.0-only

/**
 * DOC: Hold
 *
 * While a keep is frozen or an orphan, the rings of its queues have hold_limit
 * slots. The hold begins with one swap of arrays per queue and counts from
 * there: how long it lasted, what was in the rings at its end, and what the
 * interface dropped meanwhile all the same.
 *
 * After the thaw the rings are drained by whoever reads them. We look after a
 * while, in which a guest gets to its usual speed, and every now and then,
 * whether a ring of the usual size would be nearly empty, and shrink ring by
 * ring: what arrives while the guest catches up must find as much room as if
 * there had been no hold. A ring that is never that empty
 * shrinks after a while when it would be half full. Until all are shrunk the
 * keep is draining. A freeze meanwhile just grows again those that were shrunk.
 */

#include "hold.h"

#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/overflow.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "keep.h"
#include "netdev.h"
#include "queue.h"
#include "trace.h"

#define DRAIN_MS_FIRST		100
#define DRAIN_MS_LAST		320
/* For how long a ring must be nearly empty to shrink, at most 1/8 full. */
#define DRAIN_PATIENCE_MS	2000
#define NEARLY_EMPTY_SHIFT	3
/* After that: half full, which leaves room for a burst. */
#define HALF_EMPTY_SHIFT	1

bool tapkeep_hold_is_on(const struct tapkeep *keep)
{
	return keep->state == TAPKEEP_FROZEN || keep->state == TAPKEEP_ORPHAN;
}

bool tapkeep_hold_is_draining(const struct tapkeep *keep)
{
	return keep->state == TAPKEEP_ACTIVE && keep->rings_grown;
}

/*
 * Locks the keep such that a hold can begin. Return: whether RTNL was needed
 * for that, for tapkeep_hold_unlock().
 */
bool tapkeep_hold_lock(struct tapkeep *keep)
{
	mutex_lock(&keep->lock);
	if (!keep->dev_changed)
		return false;
	mutex_unlock(&keep->lock);
	rtnl_lock();
	mutex_lock(&keep->lock);
	tapkeep_netdev_refresh(keep);
	return true;
}

void tapkeep_hold_unlock(struct tapkeep *keep, bool rtnl)
{
	mutex_unlock(&keep->lock);
	if (rtnl)
		rtnl_unlock();
}

/* Packets in the rings now. */
u64 tapkeep_hold_held(struct tapkeep *keep)
{
	unsigned int size, used;
	u64 held = 0;
	u32 i;

	for (i = 0; i < keep->nr_queues; i++) {
		tapkeep_queue_count(keep->queues[i], &size, &used);
		held += used;
	}
	return held;
}

/* In all holds so far, the one that is on included. */
u64 tapkeep_hold_dropped(struct tapkeep *keep)
{
	u64 dropped = keep->stats.dropped;

	if (tapkeep_hold_is_on(keep))
		dropped += tapkeep_netdev_drops(keep) - keep->stats.drops_then;
	return dropped;
}

/* Between tapkeep_hold_lock() and tapkeep_hold_unlock(). */
void tapkeep_hold_begin(struct tapkeep *keep)
{
	u32 i;

	keep->stats.since = ktime_get_ns();
	keep->stats.drops_then = tapkeep_netdev_drops(keep);
	keep->rings_grown = true;
	for (i = 0; i < keep->nr_queues; i++)
		tapkeep_queue_grow(keep->queues[i]);
	trace_tapkeep_hold_begin(keep, ktime_get_ns() - keep->stats.since);
}

/*
 * Called with the keep still frozen or an orphan, and its lock held. Return:
 * what the interface dropped in this hold.
 */
u64 tapkeep_hold_end(struct tapkeep *keep, bool thawed)
{
	struct tapkeep_hold_stats *stats = &keep->stats;
	u64 drops = tapkeep_netdev_drops(keep);
	u64 dropped = drops - stats->drops_then;
	u64 held = tapkeep_hold_held(keep);
	u64 ns = ktime_get_ns() - stats->since;

	trace_tapkeep_hold_end(keep, ns, held, dropped);
	stats->dropped += dropped;
	/* Whoever asks before the state changes must not count them again. */
	stats->drops_then = drops;
	stats->total += held;
	stats->peak = max(stats->peak, held);
	if (!thawed)
		return dropped;
	stats->blackout = ns;
	stats->blackout_max = max(stats->blackout_max, stats->blackout);
	keep->drain_ms = DRAIN_MS_FIRST;
	tapkeep_schedule(keep, &keep->drain_work, keep->drain_ms);
	return dropped;
}

/* Return: true when no ring is grown any more. */
static bool shrink(struct tapkeep *keep, unsigned int room)
{
	bool all = true;
	u32 i;

	for (i = 0; i < keep->nr_queues; i++)
		all &= tapkeep_queue_shrink(keep->queues[i], keep->usual_slots,
					    room);
	if (all)
		keep->rings_grown = false;
	return all;
}

/*
 * Whatever fits, once. Called with the lock held, and of an interface that is
 * deleted with RTNL: the memory is not cleared that is about to be freed.
 */
void tapkeep_hold_shrink(struct tapkeep *keep)
{
	shrink(keep, 0);
}

static bool drained(struct tapkeep *keep)
{
	u64 thawed = keep->stats.since + keep->stats.blackout;
	unsigned int slots = keep->usual_slots;
	int shift = HALF_EMPTY_SHIFT;
	bool all;
	u32 i;

	if (ktime_get_ns() - thawed < DRAIN_PATIENCE_MS * NSEC_PER_MSEC)
		shift = NEARLY_EMPTY_SHIFT;
	all = shrink(keep, slots - (slots >> shift));
	for (i = 0; i < keep->nr_queues; i++)
		tapkeep_queue_clear_spare(keep->queues[i]);
	return all;
}

static void drain(struct work_struct *work)
{
	struct tapkeep *keep = container_of(to_delayed_work(work),
					    struct tapkeep, drain_work);

	mutex_lock(&keep->lock);
	if (tapkeep_hold_is_draining(keep) && !drained(keep)) {
		keep->drain_ms = min(2 * keep->drain_ms, DRAIN_MS_LAST);
		tapkeep_schedule(keep, &keep->drain_work, keep->drain_ms);
	}
	mutex_unlock(&keep->lock);
	tapkeep_put(keep);
}

void tapkeep_hold_free(struct tapkeep_hold_arrays *arrays)
{
	while (arrays->nr)
		tapkeep_queue_free_hold(arrays->arrays[--arrays->nr],
					arrays->slots);
	kfree(arrays);
}

/* Return: memory for @nr queues, ENOBUFS, ENOMEM. */
struct tapkeep_hold_arrays *tapkeep_hold_alloc(u32 nr, unsigned int slots)
{
	struct tapkeep_hold_arrays *arrays;
	void **array;

	arrays = kzalloc(struct_size(arrays, arrays, nr), GFP_KERNEL_ACCOUNT);
	if (!arrays)
		return ERR_PTR(-ENOMEM);
	arrays->slots = slots;
	while (arrays->nr < nr) {
		array = tapkeep_queue_alloc_hold(slots);
		if (IS_ERR(array)) {
			tapkeep_hold_free(arrays);
			return ERR_CAST(array);
		}
		arrays->arrays[arrays->nr++] = array;
	}
	return arrays;
}

/*
 * Takes the arrays, and leaves those that the keep had. Called with the lock
 * held. Return: 0; EAGAIN not as many as there are queues; EBUSY a ring is
 * grown, or will be.
 */
int tapkeep_hold_set_limit(struct tapkeep *keep,
			   struct tapkeep_hold_arrays *arrays)
{
	u32 i;

	if (keep->rings_grown)
		return -EBUSY;
	if (arrays->nr != keep->nr_queues)
		return -EAGAIN;
	for (i = 0; i < arrays->nr; i++)
		arrays->arrays[i] = tapkeep_queue_swap_hold(keep->queues[i],
							    arrays->arrays[i],
							    arrays->slots);
	swap(keep->hold_limit, arrays->slots);
	return 0;
}

void tapkeep_hold_init(struct tapkeep *keep)
{
	INIT_DELAYED_WORK(&keep->drain_work, drain);
}
