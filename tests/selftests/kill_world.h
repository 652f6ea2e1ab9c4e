/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lives on when everybody else is killed: the interface, who sends to it,
 * and the guest that takes the packets out of its rings and keeps the account.
 */
#ifndef KILL_WORLD_H
#define KILL_WORLD_H

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sys/eventfd.h>
#include "kill_nic.h"

#define FEATURE_WORDS	8

/* A gap is told at once: later nobody knows who had been killed just then. */
static void world_account(struct shared_nic *nic, const struct frame *frame)
{
	uint64_t next = nic->flows[frame->flow % FLOWS].next;

	if (frame->number != next)
		printf("# kill %llu: flow %u goes on with %llu instead of %llu\n",
		       (unsigned long long)LOAD(nic->kills), frame->flow,
		       (unsigned long long)frame->number,
		       (unsigned long long)next);
	account(nic->flows, frame, sizeof(*frame));
}

static void world_receive(struct shared_nic *nic, struct virtq *vq,
			  uint16_t *seen, int kick)
{
	const struct vring_used_elem *elem;
	struct frame *frame;
	bool any = false;

	while (virtq_load(&vq->used.idx) != *seen) {
		elem = &vq->used.ring[(*seen)++ % VIRTQ_SIZE];
		frame = frame_in(vq->buffers[elem->id]);
		if (elem->len == VNET_HDR_LEN + sizeof(*frame) &&
		    frame->magic == MAGIC)
			world_account(nic, frame);
		else
			nic->strange++;
		frame->magic = 0;
		virtq_make_available(vq, elem->id);
		any = true;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (any && !(virtq_load(&vq->used.flags) & VRING_USED_F_NO_NOTIFY))
		eventfd_write(kick, 1);
}

static void world_send(struct shared_nic *nic, int sock, uint32_t *next)
{
	struct flow *flow = &nic->flows[*next];
	struct frame frame;

	frame_fill(&frame, true, *next, flow->sent);
	*next = (*next + 1) % FLOWS;
	if (send(sock, &frame, sizeof(frame), 0) == sizeof(frame))
		STORE(flow->sent, flow->sent + 1);
	else
		STORE(nic->refused, nic->refused + 1);
}

__attribute__((noreturn))
static void world_main(struct shared_nic *nic)
{
	uint16_t seen[NIC_QUEUES] = {};
	int sock = sender_open(IFNAME);
	uint32_t i, next = 0;

	for (;;) {
		for (i = 0; i < nic->nr_queues && !LOAD(nic->asleep); i++)
			world_receive(nic, &nic->rx[i], &seen[i], nic->kick[i]);
		for (i = 0; i < 4 && LOAD(nic->sending); i++)
			if (nic_sent(nic) - nic_received(nic) < nic->window)
				world_send(nic, sock, &next);
		while (LOAD(nic->burst_wanted) != nic->burst_done) {
			world_send(nic, sock, &next);
			STORE(nic->burst_done, nic->burst_done + 1);
		}
		STORE(nic->quiet, !LOAD(nic->sending));
		usleep(700);
	}
}

static void rings_prepare(struct shared_nic *nic)
{
	uint32_t i, id;

	for (i = 0; i < nic->nr_queues; i++)
		for (id = 0; id < VIRTQ_SIZE; id++) {
			nic->rx[i].desc[id] = (struct vring_desc){
				.addr = (uintptr_t)nic->rx[i].buffers[id],
				.len = VIRTQ_BUFFER,
				.flags = VRING_DESC_F_WRITE,
			};
			virtq_make_available(&nic->rx[i], id);
		}
}

/* An interface as it is to be afterwards. */
struct looks {
	int index;
	int flags;
	int tx_queue_len;
	uint32_t features[FEATURE_WORDS];
};

static int read_features(uint32_t *features)
{
	struct {
		struct ethtool_gfeatures head;
		struct ethtool_get_features_block blocks[FEATURE_WORDS];
	} get = { .head.cmd = ETHTOOL_GFEATURES, .head.size = FEATURE_WORDS };
	struct ifreq ifr = { .ifr_data = (void *)&get };
	int i, ret;

	copy_name(ifr.ifr_name, IFNAME, IFNAMSIZ);
	ret = if_ioctl(SIOCETHTOOL, &ifr);
	for (i = 0; i < FEATURE_WORDS; i++)
		features[i] = get.blocks[i].active;
	return ret;
}

static int look(struct looks *looks)
{
	struct ifreq ifr = {};

	memset(looks, 0, sizeof(*looks));
	copy_name(ifr.ifr_name, IFNAME, IFNAMSIZ);
	looks->index = if_index(IFNAME);
	looks->tx_queue_len = get_tx_queue_len(IFNAME);
	if (if_ioctl(SIOCGIFFLAGS, &ifr))
		return -errno;
	looks->flags = ifr.ifr_flags;
	return read_features(looks->features);
}

/* What the interface itself has counted as dropped on the way to the queues. */
static int64_t interface_drops(void)
{
	unsigned long long drops = 0;
	char line[256];
	FILE *f = fopen("/proc/self/net/dev", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " " IFNAME
			   ": %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %llu",
			   &drops) == 1)
			break;
	if (f)
		fclose(f);
	return drops;
}

static bool open_queue(int *queue, bool several)
{
	int len = VNET_HDR_LEN;

	*queue = tap_open_flags(IFNAME, IFF_TAP | IFF_VNET_HDR |
				(several ? IFF_MULTI_QUEUE : 0));
	return *queue >= 0 && !ioctl(*queue, TUNSETVNETHDRSZ, &len) &&
	       !ioctl(*queue, TUNSETOFFLOAD, TUN_F_CSUM);
}

#endif /* KILL_WORLD_H */
