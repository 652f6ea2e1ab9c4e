/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TAPKEEP_KEEP_PRINT_H
#define TAPKEEP_KEEP_PRINT_H

#include <tapkeep-netlink.h>

/* A keep's parts, inside an object that is open. */
void print_keep_head(const struct tapkeep_keep *keep);
void print_keep_owner(const struct tapkeep_keep *keep);
void print_keep_hold(const struct tapkeep_keep *keep);
void print_keep_vmm(const struct tapkeep_keep *keep);
void print_keep_queues(const struct tapkeep_keep *keep);
/* Why and by whom, of an event. */
void print_keep_why(const struct tapkeep_keep *keep);

#endif /* TAPKEEP_KEEP_PRINT_H */
