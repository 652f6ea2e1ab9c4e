/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_QUEUE_H
#define TAPKEEP_QUEUE_H

#include <linux/list.h>
#include <linux/types.h>

struct file;
struct ptr_ring;
struct socket;
struct tapkeep;

/**
 * struct tapkeep_queue_watch - what is seen of a ring that nobody should read
 * @head: its consumer_head when it was looked at last
 * @gone: how far that is from where it was at the beginning
 * @least: the lowest of @gone so far
 */
struct tapkeep_queue_watch {
	int head;
	s64 gone;
	s64 least;
};

/**
 * struct tapkeep_queue - one pinned queue
 * @node: in the table of pinned files; guarded by that table's lock
 * @keep: the keep that pinned it
 * @index: its number in the keep
 * @file: its file, with a reference
 * @sock: the socket in it
 * @is_tap: of tap (macvtap, ipvtap), not of tun
 * @ring: its receive ring
 * @spare: the array that is not in the ring, all NULL: the one for the hold
 *	while the ring has its usual size, the usual one while it is grown
 * @spare_slots: slots in @spare
 * @spare_used: @spare was in the ring and is to be cleared before it can be
 *	in a ring again
 * @grown: the array for the hold is in the ring
 * @hold_slots: what it counts in the limit of slots
 * @watch: for watch.c
 *
 * All but @node is guarded by keep->lock.
 */
struct tapkeep_queue {
	struct hlist_node node;
	struct tapkeep *keep;
	u32 index;
	struct file *file;
	struct socket *sock;
	bool is_tap;
	struct ptr_ring *ring;
	void **spare;
	unsigned int spare_slots;
	bool spare_used;
	bool grown;
	unsigned int hold_slots;
	struct tapkeep_queue_watch watch;
};

struct tapkeep_queue *tapkeep_queue_new(struct file *file, unsigned int slots);
void tapkeep_queue_free(struct tapkeep_queue *q);
int tapkeep_queue_claim_file(struct tapkeep_queue *q, struct tapkeep *keep);
void **tapkeep_queue_alloc_hold(unsigned int slots);
void tapkeep_queue_free_hold(void **array, unsigned int slots);
void **tapkeep_queue_swap_hold(struct tapkeep_queue *q, void **array,
			       unsigned int slots);
void tapkeep_queue_settle(struct tapkeep_queue *q, unsigned int slots);
void tapkeep_queue_grow(struct tapkeep_queue *q);
bool tapkeep_queue_shrink(struct tapkeep_queue *q, unsigned int slots,
			  unsigned int room);
void tapkeep_queue_clear_spare(struct tapkeep_queue *q);
void tapkeep_queue_count(struct tapkeep_queue *q, unsigned int *size,
			 unsigned int *used);

#endif /* TAPKEEP_QUEUE_H */
