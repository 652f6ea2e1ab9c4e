/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TAPKEEP_NETNS_H
#define TAPKEEP_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Go to the network namespace of this name in /run/netns, or of this path.
 * Return: 0, or the tool's exit status after an error message.
 */
int netns_enter(const char *netns);

/* The name in /run/netns of the namespace with this inode, if it has one. */
bool netns_name(uint64_t inode, char *name, size_t size);

#endif /* TAPKEEP_NETNS_H */
