/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of the traffic through a back end: the guest, which has the other
 * side of the virtqueues, and the world, which has the interface. Each is a
 * process of its own and knows nothing of who the back end is. Every packet
 * has a flow and a number; whoever receives it keeps the account.
 */
#ifndef NETTRAFFIC_H
#define NETTRAFFIC_H

#include <linux/if_packet.h>
#include <sys/wait.h>
#include <time.h>

#include "forked.h"
#include "harness.h"
#include "netflow.h"
#include "netmemory.h"

#define RATE_PER_S	2000
#define QUOTA_MAX	100
/* How often both look what there is to do; a slow kernel has to do less. */
#define POLL_US		(300 * timeout_factor())

/* Shared by the test, the guest and the world. */
struct traffic {
	uint32_t sockets_ready;
	bool guest_sends;
	bool world_sends;
	uint32_t guest_rounds;	/* that each sender has looked at its switch */
	uint32_t world_rounds;
	uint64_t burst_wanted;	/* packets that the world sends at once */
	uint64_t burst_done;
	uint64_t send_errors;
	struct flow to_guest[FLOWS];
	struct flow from_guest[FLOWS];
};

/* How many packets to send now, to keep the rate whatever the scheduler does. */
struct pace {
	struct timespec since;
	uint64_t sent;
	bool on;
};

/*
 * A slow kernel must have time left: what waits for it is waited for so much
 * longer only.
 */
static int64_t rate_per_s(void)
{
	return RATE_PER_S / timeout_factor() / timeout_factor();
}

static uint64_t pace_quota(struct pace *pace, bool on)
{
	struct timespec now;
	uint64_t quota;
	int64_t us;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!on || !pace->on)
		*pace = (struct pace){ .since = now, .on = on };
	us = (now.tv_sec - pace->since.tv_sec) * 1000000LL +
	     (now.tv_nsec - pace->since.tv_nsec) / 1000;
	quota = on ? us * rate_per_s() / 1000000 - pace->sent : 0;
	if (quota <= QUOTA_MAX)
		return quota;
	/* Nobody was scheduled for long: that time is not made up for. */
	pace->sent += quota - QUOTA_MAX;
	return QUOTA_MAX;
}

static void guest_set_up(struct netback_memory *memory, uint32_t nr)
{
	uint32_t pair, id;

	for (pair = 0; pair < nr; pair++) {
		for (id = 0; id < VIRTQ_SIZE; id++) {
			memory->pairs[pair].rx.desc[id].len = VIRTQ_BUFFER;
			virtq_make_available(&memory->pairs[pair].rx, id);
		}
	}
}

static void guest_receive(struct virtq *vq, uint16_t *seen,
			  struct flow *flows)
{
	const struct vring_used_elem *elem;

	while (virtq_load(&vq->used.idx) != *seen) {
		elem = &vq->used.ring[(*seen)++ % VIRTQ_SIZE];
		if (elem->len > VNET_HDR_LEN)
			account(flows, vq->buffers[elem->id] +
				VNET_HDR_LEN,
				elem->len - VNET_HDR_LEN);
		virtq_make_available(vq, elem->id);
	}
}

/* Descriptor @idx % VIRTQ_SIZE is free when as many were used. */
static bool guest_send(struct virtq *vq, uint32_t flow,
		       struct flow *flows)
{
	uint16_t idx = vq->avail.idx;
	uint32_t id = idx % VIRTQ_SIZE;
	struct frame f;

	if ((uint16_t)(idx - virtq_load(&vq->used.idx)) >= VIRTQ_SIZE)
		return false;
	frame_fill(&f, false, flow, flows[flow].sent);
	memset(vq->buffers[id], 0, VNET_HDR_LEN);
	memcpy(vq->buffers[id] + VNET_HDR_LEN, &f, sizeof(f));
	vq->desc[id].len = VNET_HDR_LEN + sizeof(f);
	virtq_make_available(vq, id);
	STORE(flows[flow].sent, flows[flow].sent + 1);
	return true;
}

static void guest_main(struct netback_memory *memory, uint32_t nr,
		       struct traffic *traffic)
{
	uint16_t seen[NETBACK_PAIRS] = { 0 };
	struct pace pace = { 0 };
	uint64_t quota;
	uint32_t i, flow = 0;

	for (;;) {
		for (i = 0; i < nr; i++)
			guest_receive(&memory->pairs[i].rx, &seen[i],
				      traffic->to_guest);
		quota = pace_quota(&pace, LOAD(traffic->guest_sends));
		for (; quota; quota--, flow = (flow + 1) % FLOWS) {
			if (!guest_send(&memory->pairs[flow % nr].tx, flow,
					traffic->from_guest))
				break;
			pace.sent++;
		}
		STORE(traffic->guest_rounds, traffic->guest_rounds + 1);
		usleep(POLL_US);
	}
}

/* A packet that nobody listens for yet would count as lost. */
static int world_socket(const char *ifname, struct traffic *traffic)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = if_nametoindex(ifname),
	};
	int sock = socket(AF_PACKET, SOCK_RAW, 0);
	int size = 64 << 20, yes = 1;

	if (sock < 0 ||
	    setsockopt(sock, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes,
		       sizeof(yes)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size,
		       sizeof(size)) ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &size,
		       sizeof(size)) ||
	    bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		exit(1);
	__atomic_add_fetch(&traffic->sockets_ready, 1, __ATOMIC_RELEASE);
	return sock;
}

static void world_send(int sock, uint64_t packets, uint32_t *flow,
		       struct traffic *traffic)
{
	struct frame f;

	for (; packets; packets--, *flow = (*flow + 1) % FLOWS) {
		struct flow *to = &traffic->to_guest[*flow];

		frame_fill(&f, true, *flow, to->sent);
		if (send(sock, &f, sizeof(f), 0) != sizeof(f))
			traffic->send_errors++;
		STORE(to->sent, to->sent + 1);
	}
}

static void world_send_main(const char *ifname, struct traffic *traffic)
{
	int sock = world_socket(ifname, traffic);
	struct pace pace = { 0 };
	uint64_t quota;
	uint32_t flow = 0;

	for (;;) {
		quota = pace_quota(&pace, LOAD(traffic->world_sends));
		world_send(sock, quota, &flow, traffic);
		pace.sent += quota;
		quota = LOAD(traffic->burst_wanted) - traffic->burst_done;
		world_send(sock, quota, &flow, traffic);
		STORE(traffic->burst_done, traffic->burst_done + quota);
		STORE(traffic->world_rounds, traffic->world_rounds + 1);
		usleep(POLL_US);
	}
}

static void world_receive_main(const char *ifname, struct traffic *traffic)
{
	int sock = world_socket(ifname, traffic);
	uint8_t packet[VIRTQ_BUFFER];
	ssize_t len;

	for (;;) {
		len = recv(sock, packet, sizeof(packet), 0);
		if (len > 0)
			account(traffic->from_guest, packet, len);
	}
}

#endif /* NETTRAFFIC_H */
