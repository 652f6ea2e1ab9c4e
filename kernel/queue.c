// SPDX-License-Identifier: GPL-2.0-only

/**
 * DOC: Queue
 *
 * A pinned queue is a reference on its open file, and two arrays of slots:
 * one is in the queue's ring, the other is the spare. Growing and shrinking
 * swap them under the ring's own locks and move what is in the ring, beside
 * tun and vhost, which take the same locks for each packet.
 *
 * Growing needs no memory and cannot fail. Shrinking is refused while more is
 * in the ring than fits, so no packet is ever freed. The array that is in the
 * ring belongs to tun, which frees it with kvfree(); the spare is ours.
 *
 * A file can be pinned once: a table of all pinned files sees to it.
 *
 * Queues are of two drivers: tun (TAP and TUN), and tap, which macvtap and
 * ipvtap share. Both give the socket and the ring of their files, and of no
 * other. tap.ko is there when one of its files is open, and not needed else.
 */

#include "queue.h"

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/if_tap.h>
#include <linux/if_tun.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/ptr_ring.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "compat.h"
#include "limit.h"
#include "trace.h"

static DEFINE_SPINLOCK(pinned_lock);
/* guarded by pinned_lock */
static DEFINE_HASHTABLE(pinned, 8);

/*
 * An array of no slots is a pointer as well: tx_queue_len can be 0. Where there
 * is no memory, or the memory cgroup has no more, the caller is told so and
 * nobody is killed for it.
 */
static void **alloc_slots(unsigned int slots)
{
	return kvcalloc(slots, sizeof(void *), GFP_KERNEL_ACCOUNT |
			__GFP_RETRY_MAYFAIL | __GFP_NOWARN);
}

/* What is between consumer_tail and consumer_head was read already. */
static unsigned int ring_used(const struct ptr_ring *ring)
{
	if (!ring->size || !ring->queue[ring->consumer_head])
		return 0;
	if (ring->producer > ring->consumer_head)
		return ring->producer - ring->consumer_head;
	return ring->size - ring->consumer_head + ring->producer;
}

/*
 * Puts the empty array of @slots slots into the ring, if that leaves @room of
 * them free. Return: the array that was in it, and its size; or NULL.
 */
static void **swap_array(struct tapkeep_queue *q, void **array,
			 unsigned int slots, unsigned int room,
			 unsigned int *old_slots)
{
	struct ptr_ring *ring = q->ring;
	void **old = NULL;
	unsigned long flags;

	spin_lock_irqsave(&ring->consumer_lock, flags);
	spin_lock(&ring->producer_lock);
	if (ring_used(ring) <= slots - room) {
		*old_slots = ring->size;
		old = __ptr_ring_swap_queue(ring, array, slots, GFP_ATOMIC, NULL);
		/* tun may have stopped sending because the ring was full. */
		if (slots > *old_slots)
			tun_wake_queue(q->file, slots);
	}
	spin_unlock(&ring->producer_lock);
	spin_unlock_irqrestore(&ring->consumer_lock, flags);
	return old;
}

/*
 * Swaps the spare and the array in the ring. The new spare is not cleared: it
 * is left to when there is time for it.
 */
static bool swap_spare(struct tapkeep_queue *q, unsigned int room)
{
	unsigned int slots;
	void **old;

	old = swap_array(q, q->spare, q->spare_slots, room, &slots);
	if (!old)
		return false;
	q->spare = old;
	q->spare_slots = slots;
	q->spare_used = true;
	return true;
}

/* When there is time, so that the next time the ring grows it need not wait. */
void tapkeep_queue_clear_spare(struct tapkeep_queue *q)
{
	if (!q->spare_used)
		return;
	memset(q->spare, 0, array_size(q->spare_slots, sizeof(void *)));
	q->spare_used = false;
}

/* Slots in the ring, and how many of them hold a packet. */
void tapkeep_queue_count(struct tapkeep_queue *q, unsigned int *size,
			 unsigned int *used)
{
	struct ptr_ring *ring = q->ring;
	unsigned long flags;

	spin_lock_irqsave(&ring->consumer_lock, flags);
	spin_lock(&ring->producer_lock);
	*size = ring->size;
	*used = ring_used(ring);
	spin_unlock(&ring->producer_lock);
	spin_unlock_irqrestore(&ring->consumer_lock, flags);
}

/* Costs no more than moving what is in the ring. A larger ring is left alone. */
void tapkeep_queue_grow(struct tapkeep_queue *q)
{
	unsigned int size, used;

	if (q->grown)
		return;
	tapkeep_queue_count(q, &size, &used);
	if (size >= q->spare_slots)
		return;
	tapkeep_queue_clear_spare(q);
	q->grown = swap_spare(q, 0);
	if (q->grown)
		trace_tapkeep_grow(q, q->spare_slots, q->hold_slots);
}

/* The interface's tx_queue_len may have changed since the spare was in the ring. */
static bool fit_spare(struct tapkeep_queue *q, unsigned int slots)
{
	void **array;

	if (q->spare_slots == slots)
		return true;
	array = alloc_slots(slots);
	if (!array)
		return false;
	kvfree(q->spare);
	q->spare = array;
	q->spare_slots = slots;
	q->spare_used = false;
	return true;
}

/**
 * tapkeep_queue_shrink - give a grown ring its usual size again
 * @q: the queue
 * @slots: the usual size
 * @room: how many of them must be free then, at most @slots
 *
 * Return: true when the ring is not grown any more; false when too much is in
 * it, or there is no memory: try again later.
 */
bool tapkeep_queue_shrink(struct tapkeep_queue *q, unsigned int slots,
			  unsigned int room)
{
	if (!q->grown)
		return true;
	if (!fit_spare(q, slots))
		return false;
	tapkeep_queue_clear_spare(q);
	if (!swap_spare(q, room))
		return false;
	q->grown = false;
	trace_tapkeep_shrink(q, q->spare_slots, slots);
	return true;
}

/*
 * A keep that ended before its ring was read left it grown. Undo that, if what
 * is in it fits; if not, the ring stays as it is.
 */
void tapkeep_queue_settle(struct tapkeep_queue *q, unsigned int slots)
{
	unsigned int size, used;
	void **array;

	tapkeep_queue_count(q, &size, &used);
	if (size <= slots || used > slots)
		return;
	array = alloc_slots(slots);
	if (!array)
		return;
	/* Whichever of the two is not in the ring. */
	kvfree(swap_array(q, array, slots, 0, &size) ?: array);
}

/* Whoever has @file open keeps the module that the functions are in. */
static bool find_tap_ring(struct tapkeep_queue *q, struct file *file)
{
	struct ptr_ring *(*get_ring)(struct file *file);
	struct socket *(*get_socket)(struct file *file);

	get_ring = symbol_get(tap_get_ptr_ring);
	get_socket = symbol_get(tap_get_socket);
	if (get_ring && get_socket) {
		q->sock = get_socket(file);
		q->ring = get_ring(file);
		q->is_tap = !IS_ERR(q->sock) && !IS_ERR(q->ring);
	}
	if (get_ring)
		symbol_put(tap_get_ptr_ring);
	if (get_socket)
		symbol_put(tap_get_socket);
	return q->is_tap;
}

static bool find_ring(struct tapkeep_queue *q, struct file *file)
{
	q->sock = tun_get_socket(file);
	if (IS_ERR(q->sock))
		return find_tap_ring(q, file);
	q->ring = tun_get_tx_ring(file);
	return true;
}

/* Return: an array for a hold, which counts in the limit; ENOBUFS, ENOMEM. */
void **tapkeep_queue_alloc_hold(unsigned int slots)
{
	int err = tapkeep_limit_add_slots(slots);
	void **array;

	if (err)
		return ERR_PTR(err);
	array = alloc_slots(slots);
	if (array)
		return array;
	tapkeep_limit_del_slots(slots);
	return ERR_PTR(-ENOMEM);
}

void tapkeep_queue_free_hold(void **array, unsigned int slots)
{
	kvfree(array);
	tapkeep_limit_del_slots(slots);
}

/*
 * Another array for the hold of a queue whose ring is not grown. Return: the one
 * before, to be freed.
 */
void **tapkeep_queue_swap_hold(struct tapkeep_queue *q, void **array,
			       unsigned int slots)
{
	void **old = q->spare;

	WARN_ON_ONCE(q->grown);
	q->spare = array;
	q->spare_slots = slots;
	q->spare_used = false;
	q->hold_slots = slots;
	return old;
}

/**
 * tapkeep_queue_new - take a reference on a queue, and the memory for its hold
 * @file: the queue's file
 * @slots: how many the ring has while it holds
 *
 * Return: the queue, not yet in a keep; or an error: EMEDIUMTYPE not a queue
 * of a TAP, TUN, macvtap or ipvtap; ENOBUFS the limit of slots; ENOMEM.
 */
struct tapkeep_queue *tapkeep_queue_new(struct file *file, unsigned int slots)
{
	struct tapkeep_queue *q;
	void **array;

	q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	if (!q)
		return ERR_PTR(-ENOMEM);
	if (!find_ring(q, file)) {
		kfree(q);
		return ERR_PTR(-EMEDIUMTYPE);
	}
	array = tapkeep_queue_alloc_hold(slots);
	if (IS_ERR(array)) {
		kfree(q);
		return ERR_CAST(array);
	}
	tapkeep_queue_swap_hold(q, array, slots);
	q->file = get_file(file);
	return q;
}

/* Return: 0; -EEXIST this keep has pinned the file; -EBUSY another has. */
int tapkeep_queue_claim_file(struct tapkeep_queue *q, struct tapkeep *keep)
{
	unsigned long key = (unsigned long)q->file;
	struct tapkeep_queue *other;
	int err = 0;

	spin_lock(&pinned_lock);
	hash_for_each_possible(pinned, other, node, key) {
		if (other->file == q->file) {
			err = other->keep == keep ? -EEXIST : -EBUSY;
			goto out;
		}
	}
	q->keep = keep;
	hash_add(pinned, &q->node, key);
out:
	spin_unlock(&pinned_lock);
	return err;
}

/* Called without locks of ours: the reference on the file may be the last. */
void tapkeep_queue_free(struct tapkeep_queue *q)
{
	spin_lock(&pinned_lock);
	hash_del(&q->node);
	spin_unlock(&pinned_lock);
	fput(q->file);
	tapkeep_queue_free_hold(q->spare, q->hold_slots);
	kfree(q);
}
