/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_HOLD_H
#define TAPKEEP_HOLD_H

#include <linux/types.h>

struct tapkeep;

bool tapkeep_hold_lock(struct tapkeep *keep);
void tapkeep_hold_unlock(struct tapkeep *keep, bool rtnl);
void tapkeep_hold_begin(struct tapkeep *keep);
u64 tapkeep_hold_end(struct tapkeep *keep, bool thawed);
bool tapkeep_hold_is_on(const struct tapkeep *keep);
bool tapkeep_hold_is_draining(const struct tapkeep *keep);
void tapkeep_hold_shrink(struct tapkeep *keep);
u64 tapkeep_hold_held(struct tapkeep *keep);
u64 tapkeep_hold_dropped(struct tapkeep *keep);
void tapkeep_hold_init(struct tapkeep *keep);

#endif /* TAPKEEP_HOLD_H */
