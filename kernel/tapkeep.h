/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_TAPKEEP_H
#define TAPKEEP_TAPKEEP_H

#include <linux/bits.h>
#include <linux/types.h>

#ifdef pr_fmt
#undef pr_fmt
#endif
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

struct workqueue_struct;

#define TAPKEEP_MAX_KEEPS_LIMIT	BIT(20)

/* Runs leases and shrinking; flushed when the module is unloaded. */
extern struct workqueue_struct *tapkeep_wq;

extern unsigned int tapkeep_hold_limit;
extern unsigned int tapkeep_hold_limit_max;
extern unsigned int tapkeep_lease_ms;
extern unsigned int tapkeep_lease_ms_max;
extern unsigned int tapkeep_max_keeps;
extern unsigned int tapkeep_max_keeps_user;
extern unsigned long tapkeep_max_hold_slots;

#endif /* TAPKEEP_TAPKEEP_H */
