/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_TAPKEEP_H
#define TAPKEEP_TAPKEEP_H

#include <linux/types.h>

#ifdef pr_fmt
#undef pr_fmt
#endif
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

struct workqueue_struct;

/* Runs leases and shrinking; flushed when the module is unloaded. */
extern struct workqueue_struct *tapkeep_wq;

extern unsigned int tapkeep_hold_limit;
extern unsigned int tapkeep_hold_limit_max;
extern unsigned int tapkeep_lease_ms;
extern unsigned int tapkeep_lease_ms_max;
extern unsigned int tapkeep_max_keeps;

#endif /* TAPKEEP_TAPKEEP_H */
