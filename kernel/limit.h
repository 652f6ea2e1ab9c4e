/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_LIMIT_H
#define TAPKEEP_LIMIT_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct net;

int tapkeep_limit_add_keep(struct net *net, kuid_t uid);
void tapkeep_limit_del_keep(struct net *net, kuid_t uid);
int tapkeep_limit_add_slots(unsigned int slots);
void tapkeep_limit_del_slots(unsigned int slots);
unsigned int tapkeep_limit_queues(struct net *net);

int tapkeep_limit_init(void);
void tapkeep_limit_exit(void);

#endif /* TAPKEEP_LIMIT_H */
