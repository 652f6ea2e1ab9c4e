/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_NETLINK_H
#define TAPKEEP_NETLINK_H

#include <linux/tapkeep.h>

struct tapkeep;

void tapkeep_notify(struct tapkeep *keep, enum tapkeep_event event,
		    enum tapkeep_reason reason);

int tapkeep_netlink_init(void);
void tapkeep_netlink_exit(void);

#endif /* TAPKEEP_NETLINK_H */
