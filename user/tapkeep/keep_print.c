// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A keep's fields. -s adds what is counted, -d what the VMM exported.
 */
#include <stdio.h>
#include <linux/if_tun.h>

#include "keep_print.h"
#include "netns.h"
#include "print.h"
#include "tool.h"

/* Newer than the headers of the oldest system that this builds on. */
#ifndef TUN_F_USO4
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

static const struct print_flag offload_flags[] = {
	{ TUN_F_CSUM, "csum" },
	{ TUN_F_TSO4, "tso4" },
	{ TUN_F_TSO6, "tso6" },
	{ TUN_F_TSO_ECN, "ecn" },
	{ TUN_F_UFO, "ufo" },
	{ TUN_F_USO4, "uso4" },
	{ TUN_F_USO6, "uso6" },
};

/* A value without a name, of a module that is newer than this tool. */
static void print_enum(const char *key, const char *label, uint32_t value,
		       const char *name, enum print_color color)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", value);
	print_string(key, label, name ? name : number, color);
}

static void print_netns(uint64_t inode)
{
	char name[256];

	if (!netns_name(inode, name, sizeof(name))) {
		print_u64("netns", "netns", inode);
		return;
	}
	print_string("netns_name", "netns", name, COLOR_NONE);
	if (options.json)
		print_u64("netns", NULL, inode);
}

void print_keep_head(const struct tapkeep_keep *keep)
{
	static const enum print_color colors[] = {
		[TAPKEEP_ACTIVE] = COLOR_GOOD,
		[TAPKEEP_FROZEN] = COLOR_HOLD,
		[TAPKEEP_ORPHAN] = COLOR_BAD,
		[TAPKEEP_ENDED] = COLOR_BAD,
	};

	print_heading("name", keep->name);
	if (*keep->ifname)
		print_string("ifname", "dev", keep->ifname, COLOR_DEVICE);
	if (keep->ifindex && options.json)
		print_u64("ifindex", NULL, keep->ifindex);
	if (keep->netns)
		print_netns(keep->netns);
	print_enum("state", "state", keep->state,
		   tapkeep_state_name(keep->state),
		   keep->state <= TAPKEEP_ENDED ? colors[keep->state] :
		   COLOR_NONE);
	print_u64("generation", "generation", keep->generation);
	print_u64("nr_queues", "queues", keep->nr_queues);
}

static void print_former(const struct tapkeep_keep *keep)
{
	if (!*keep->former_comm)
		return;
	if (keep->former_pid)
		print_u64("former_pid", "former", keep->former_pid);
	else if (!options.json)
		print_string(NULL, "former", "?", COLOR_NONE);
	print_aside("former_comm", keep->former_comm);
}

void print_keep_owner(const struct tapkeep_keep *keep)
{
	if (keep->owner_pid)
		print_u64("owner_pid", "owner", keep->owner_pid);
	else if (!options.json)
		print_string(NULL, "owner", *keep->owner_comm ? "?" : "none",
			     COLOR_NONE);
	if (*keep->owner_comm)
		print_aside("owner_comm", keep->owner_comm);
	if (options.details || !*keep->owner_comm)
		print_former(keep);
	print_u64("uid", "uid", keep->uid);
	print_ms("lease_ms", "lease", keep->lease_ms);
	if (keep->has_lease_left)
		print_ms("lease_left_ms", "left", keep->lease_left_ms);
}

void print_keep_hold(const struct tapkeep_keep *keep)
{
	print_u64("hold_limit", "hold", keep->hold_limit);
	print_u64("held", "held", keep->held);
	print_u64("peak", "peak", keep->peak);
	print_u64("dropped", "dropped", keep->dropped);
	if (options.statistics || keep->stolen)
		print_u64("stolen", "stolen", keep->stolen);
	if (options.statistics)
		print_u64("held_total", "held-total", keep->held_total);
	print_bool("draining", "draining", keep->draining);
	print_ns("blackout_ns", "blackout", keep->blackout_ns);
	print_ns("blackout_max_ns", "longest", keep->blackout_max_ns);
}

static const char *endian_name(uint32_t endian)
{
	static const char * const names[] = {
		[TAPKEEP_ENDIAN_NATIVE] = "native",
		[TAPKEEP_ENDIAN_LITTLE] = "little",
		[TAPKEEP_ENDIAN_BIG] = "big",
	};

	return endian < sizeof(names) / sizeof(names[0]) ? names[endian] :
	       NULL;
}

static void print_vmm_details(const struct tapkeep_state *vmm)
{
	char mac[18];

	print_enum("vnet_hdr_endian", "endian", vmm->vnet_hdr_endian,
		   endian_name(vmm->vnet_hdr_endian), COLOR_NONE);
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x",
		 vmm->mac[0], vmm->mac[1], vmm->mac[2], vmm->mac[3],
		 vmm->mac[4], vmm->mac[5]);
	print_string("mac", "mac", mac, COLOR_NONE);
	print_hex("features", "features", vmm->features);
	print_u64("active_queue_pairs", "active-pairs",
		  vmm->active_queue_pairs);
	print_bool("stopped", "stopped", vmm->flags & TAPKEEP_STATE_STOPPED);
}

void print_keep_vmm(const struct tapkeep_keep *keep)
{
	if (!keep->has_vmm)
		return;
	print_flags("offloads", "offloads", keep->vmm.offloads, offload_flags,
		    sizeof(offload_flags) / sizeof(offload_flags[0]));
	print_u64("vnet_hdr_len", "vnet-hdr", keep->vmm.vnet_hdr_len);
	if (options.details)
		print_vmm_details(&keep->vmm);
}

static void print_ring(const char *name, uint16_t size, uint16_t last_avail,
		       uint16_t used)
{
	print_open_object(name);
	if (!options.json)
		print_string(NULL, NULL, name, COLOR_NONE);
	print_u64("size", "size", size);
	print_u64("last_avail", "avail", last_avail);
	print_u64("used", "used", used);
	print_close_object();
}

static void print_queue(const struct tapkeep_keep_queue *queue, bool has_vmm)
{
	const struct tapkeep_queue_state *vmm = &queue->vmm;

	print_next_line();
	print_open_object(NULL);
	print_u64("index", "queue", queue->index);
	print_of("ring_used", "ring_size", "ring", queue->ring_used,
		 queue->ring_size);
	if (options.details && has_vmm) {
		print_bool("enabled", "enabled",
			   vmm->flags & TAPKEEP_QUEUE_ENABLED);
		print_ring("rx", vmm->rx_size, vmm->rx_last_avail,
			   vmm->rx_used);
		print_ring("tx", vmm->tx_size, vmm->tx_last_avail,
			   vmm->tx_used);
	}
	print_close_object();
}

void print_keep_queues(const struct tapkeep_keep *keep)
{
	uint32_t i;

	if (!options.details && !options.statistics)
		return;
	print_open_array("queues");
	for (i = 0; i < keep->nr_queues; i++)
		print_queue(&keep->queues[i], keep->has_vmm);
	print_close_array();
}

void print_keep_why(const struct tapkeep_keep *keep)
{
	if (keep->reason)
		print_enum("reason", "reason", keep->reason,
			   tapkeep_reason_name(keep->reason), COLOR_NONE);
	if (!keep->has_actor)
		return;
	if (keep->actor_pid)
		print_u64("actor_pid", "by", keep->actor_pid);
	else if (!options.json)
		print_string(NULL, "by", "?", COLOR_NONE);
	print_u64("actor_uid", "of", keep->actor_uid);
}
