// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The structures that programs are built with, on a machine with 64 bits. Where
 * one of these does not hold any more after a release, the functions that take
 * the structure need another symbol version (Documentation/glue.md); before it,
 * the number here has to be another.
 */
#include <stddef.h>
#include <tapkeep.h>
#include <tapkeep-netlink.h>
#include <tapkeep-vmm.h>

#define SIZE(type, size)						\
	_Static_assert(sizeof(type) == (size), #type)
#define MEMBER(type, member, offset)					\
	_Static_assert(offsetof(type, member) == (offset), #type "." #member)

SIZE(struct tapkeep_vmm_error, 260);
MEMBER(struct tapkeep_vmm_error, msg, 4);

SIZE(struct tapkeep_nic, 48);
MEMBER(struct tapkeep_nic, features, 8);
MEMBER(struct tapkeep_nic, offloads, 16);
MEMBER(struct tapkeep_nic, vnet_hdr_len, 20);
MEMBER(struct tapkeep_nic, vnet_hdr_endian, 22);
MEMBER(struct tapkeep_nic, mac, 23);
MEMBER(struct tapkeep_nic, active_queue_pairs, 30);
MEMBER(struct tapkeep_nic, nr_queues, 32);
MEMBER(struct tapkeep_nic, queues, 40);

SIZE(struct tapkeep_handover, 120);
MEMBER(struct tapkeep_handover, generation, 64);
MEMBER(struct tapkeep_handover, nic, 72);

SIZE(struct tapkeep_nl_error, 260);
MEMBER(struct tapkeep_nl_error, msg, 4);

SIZE(struct tapkeep_keep_queue, 28);
MEMBER(struct tapkeep_keep_queue, vmm, 12);

SIZE(struct tapkeep_keep, 312);
MEMBER(struct tapkeep_keep, generation, 72);
MEMBER(struct tapkeep_keep, netns, 104);
MEMBER(struct tapkeep_keep, former_pid, 132);
MEMBER(struct tapkeep_keep, lease_ms, 152);
MEMBER(struct tapkeep_keep, held, 168);
MEMBER(struct tapkeep_keep, reason, 228);
MEMBER(struct tapkeep_keep, vmm, 248);
MEMBER(struct tapkeep_keep, queues, 304);

/* Of <linux/tapkeep.h>, as far as the libraries' functions take them. */
SIZE(struct tapkeep_queue_state, 16);
SIZE(struct tapkeep_state, 48);
SIZE(struct tapkeep_info, 128);
