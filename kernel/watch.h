/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_WATCH_H
#define TAPKEEP_WATCH_H

#include <linux/types.h>

struct tapkeep;

void tapkeep_watch_begin(struct tapkeep *keep);
u64 tapkeep_watch_end(struct tapkeep *keep);
u64 tapkeep_watch_stolen(struct tapkeep *keep);

#endif /* TAPKEEP_WATCH_H */
