/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's memory, as the guest and a back end of these tests share it.
 */
#ifndef NETMEMORY_H
#define NETMEMORY_H

#include "virtq.h"

#define NETBACK_PAIRS		4
#define NETBACK_BOUND_MS	10000

struct netback_memory {
	struct {
		struct virtq rx, tx;
	} pairs[NETBACK_PAIRS];
};

#endif /* NETMEMORY_H */
