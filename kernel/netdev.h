/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_NETDEV_H
#define TAPKEEP_NETDEV_H

#include <linux/types.h>

struct net;
struct net_device;
struct tapkeep;
struct tapkeep_queue;

struct net_device *tapkeep_netdev_of_queue(const struct tapkeep_queue *q,
					   struct net *net);
u64 tapkeep_netdev_drops(const struct tapkeep *keep);
int tapkeep_netdev_check_offloads(const struct tapkeep *keep, u32 offloads);
void tapkeep_netdev_attach(struct tapkeep *keep, struct net_device *dev);
void tapkeep_netdev_detach(struct tapkeep *keep);
void tapkeep_netdev_refresh(struct tapkeep *keep);

int tapkeep_netdev_init(void);
void tapkeep_netdev_exit(void);

#endif /* TAPKEEP_NETDEV_H */
