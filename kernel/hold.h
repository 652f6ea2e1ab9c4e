/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_HOLD_H
#define TAPKEEP_HOLD_H

#include <linux/types.h>

struct tapkeep;

/**
 * struct tapkeep_hold_arrays - memory for the holds of all queues of a keep
 * @slots: of each
 * @nr: how many
 * @arrays: one for each queue
 */
struct tapkeep_hold_arrays {
	unsigned int slots;
	u32 nr;
	void **arrays[];
};

bool tapkeep_hold_lock(struct tapkeep *keep);
void tapkeep_hold_unlock(struct tapkeep *keep, bool rtnl);
void tapkeep_hold_begin(struct tapkeep *keep);
u64 tapkeep_hold_end(struct tapkeep *keep, bool thawed);
bool tapkeep_hold_is_on(const struct tapkeep *keep);
bool tapkeep_hold_is_draining(const struct tapkeep *keep);
void tapkeep_hold_shrink(struct tapkeep *keep);
struct tapkeep_hold_arrays *tapkeep_hold_alloc(u32 nr, unsigned int slots);
void tapkeep_hold_free(struct tapkeep_hold_arrays *arrays);
int tapkeep_hold_set_limit(struct tapkeep *keep,
			   struct tapkeep_hold_arrays *arrays);
u64 tapkeep_hold_held(struct tapkeep *keep);
u64 tapkeep_hold_dropped(struct tapkeep *keep);
void tapkeep_hold_init(struct tapkeep *keep);

#endif /* TAPKEEP_HOLD_H */
