/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_HANDLE_H
#define TAPKEEP_HANDLE_H

#include <linux/types.h>
#include <linux/tapkeep.h>

struct tapkeep;

/**
 * struct tapkeep_handle - what is behind an open handle
 * @keep: the keep, with a reference
 * @role: what it was made as: owner, offer or observer; constant
 * @generation: of an owner: the one in which it is that, 0 before; guarded by
 *	keep->lock
 * @offer_epoch: of an offer: the one in which it is good; guarded by
 *	keep->lock
 */
struct tapkeep_handle {
	struct tapkeep *keep;
	enum tapkeep_role role;
	u64 generation;
	u64 offer_epoch;
};

int tapkeep_device_init(void);
void tapkeep_device_exit(void);

#endif /* TAPKEEP_HANDLE_H */
