/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that have a flow and a number in it, and the account that their
 * receiver keeps of them.
 */
#ifndef NETFLOW_H
#define NETFLOW_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>

#define FLOWS		4
#define FLOW_PACKETS	(1 << 18)
#define MAGIC		0x7461706bU

#define LOAD(x)		__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define STORE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELEASE)

/* One flow in one direction. One process writes @sent, another the rest. */
struct flow {
	uint64_t sent;
	uint64_t received;
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t next;
	uint8_t seen[FLOW_PACKETS / 8];
};

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint32_t magic;
	uint32_t flow;
	uint64_t number;
} __attribute__((packed));

/*
 * The two directions have different addresses, so that tun does not move a
 * flow to another queue when its answer comes: it is not one.
 */
static inline void frame_fill(struct frame *f, bool to_guest, uint32_t flow,
			      uint64_t number)
{
	static const uint8_t guest[] = { 0x52, 0x54, 0, 0, 0, 1 };
	static const uint8_t world[] = { 0x52, 0x54, 0, 0, 0, 2 };

	memset(f, 0, sizeof(*f));
	memcpy(f->eth.h_dest, to_guest ? guest : world, ETH_ALEN);
	memcpy(f->eth.h_source, to_guest ? world : guest, ETH_ALEN);
	f->eth.h_proto = htons(ETH_P_IP);
	f->ip.version = 4;
	f->ip.ihl = 5;
	f->ip.tot_len = htons(sizeof(*f) - sizeof(f->eth));
	f->ip.ttl = 64;
	f->ip.protocol = IPPROTO_UDP;
	f->ip.saddr = htonl(to_guest ? 0x0a000001 : 0x0a010002);
	f->ip.daddr = htonl(to_guest ? 0x0a000002 : 0x0a010001);
	f->udp.source = htons((to_guest ? 1000 : 2000) + flow);
	f->udp.dest = htons((to_guest ? 3000 : 4000) + 7 * flow);
	f->udp.len = htons(sizeof(*f) - sizeof(f->eth) - sizeof(f->ip));
	f->magic = MAGIC;
	f->flow = flow;
	f->number = number;
}

static inline void account(struct flow *flows, const void *packet, size_t len)
{
	struct frame f;
	struct flow *flow;
	uint8_t *byte, bit;

	if (len < sizeof(f))
		return;
	memcpy(&f, packet, sizeof(f));
	if (f.magic != MAGIC || f.flow >= FLOWS || f.number >= FLOW_PACKETS)
		return;
	flow = &flows[f.flow];
	byte = &flow->seen[f.number / 8];
	bit = 1 << f.number % 8;
	if (*byte & bit) {
		flow->duplicated++;
		return;
	}
	*byte |= bit;
	if (f.number < flow->next)
		flow->reordered++;
	else
		flow->next = f.number + 1;
	STORE(flow->received, flow->received + 1);
}

#endif /* NETFLOW_H */
