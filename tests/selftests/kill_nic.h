/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processes of kill_keep share: the receive rings of a NIC that has no
 * guest's machine around it, the account of its packets, and for each process
 * that may be killed what it is doing. None of it needs the process to be alive.
 */
#ifndef KILL_NIC_H
#define KILL_NIC_H

#include <sys/mman.h>
#include "forked.h"
#include "module_netlink.h"
#include "module_system.h"
#include "netflow.h"
#include "virtq.h"

#define KEEP		"killed"
#define IFNAME		"tap0"
#define NIC_QUEUES	4
#define NIC_PROCS	3
#define USUAL_SLOTS	1000
#define HOLD_SLOTS	4096
/* Longer than a process takes to follow another, with anything in between. */
#define NIC_LEASE_MS	60000
#define BOUND_MS	10000

/* What a process is doing; it says so before it does it. */
enum phase {
	PHASE_NONE,
	PHASE_CREATE,
	PHASE_PIN,
	PHASE_START,
	PHASE_FREEZE,
	PHASE_STOP,
	PHASE_EXPORT,
	PHASE_OFFER,
	PHASE_PASS,
	PHASE_WAIT,
	PHASE_RECEIVE,
	PHASE_CLAIM,
	PHASE_QUEUES,
	PHASE_THAW,
	PHASE_REVOKE,
	PHASE_RELEASE,
	PHASE_LIVE,
	NR_PHASES
};

static const char * const phase_names[NR_PHASES] = {
	"none", "create", "pin", "start", "freeze", "stop", "export", "offer",
	"pass", "wait", "receive", "claim", "queues", "thaw", "revoke",
	"release", "live",
};

/* What a process has come to. */
enum standing {
	STANDING_BUSY,
	STANDING_OWNER,	/* it has an active keep and waits for a command */
	STANDING_GONE,	/* another has it; this one ends */
	STANDING_FAILED,
};

/**
 * struct proc - a process that may be killed
 * @phase: what it is doing
 * @aim: where it waits for @fire, so that the two happen at the same time
 * @aimed: it is there
 * @fire: it may go on
 * @standing: enum standing
 * @generation: that it is or was the owner of
 */
struct proc {
	uint32_t phase;
	uint32_t aim;
	uint32_t aimed;
	uint32_t fire;
	uint32_t standing;
	uint64_t generation;
};

/**
 * struct shared_nic - a NIC, its rings and its packets
 * @rx: its receive rings, used by the owner and emptied by the world
 * @flows: the account of its packets
 * @nr_queues: how many of @rx there are
 * @vhost: the back end is vhost, not a thread that reads
 * @window: packets that may be on their way; more are not sent
 * @tight: a burst may be more than the ring has room for
 * @sending: send as the window allows
 * @quiet: the world has seen that it is not to send
 * @asleep: the guest does not look at its rings, which fill up
 * @burst_wanted: packets that are sent beyond the window
 * @burst_done: how many of these were sent
 * @refused: packets that the interface did not take, which it then says
 * @kills: how many there have been, for messages
 * @strange: buffers that had no packet of ours
 * @kick: eventfds, the same descriptors in all processes
 * @spare: queues that the test itself has open, or -1
 * @pinned: the keep has a queue, and nobody has begun to release it
 * @lives: how many keeps were made
 * @procs: those who may be killed
 */
struct shared_nic {
	struct virtq rx[NIC_QUEUES];
	struct flow flows[FLOWS];
	uint32_t nr_queues;
	bool vhost;
	uint64_t window;
	bool tight;
	bool sending;
	bool quiet;
	bool asleep;
	uint64_t burst_wanted;
	uint64_t burst_done;
	uint64_t refused;
	uint64_t kills;
	uint64_t strange;
	int kick[NIC_QUEUES];
	int spare[NIC_QUEUES];
	bool pinned;
	uint32_t lives;
	struct proc procs[NIC_PROCS];
};

static inline uint64_t nic_sent(const struct shared_nic *nic)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < FLOWS; i++)
		sum += LOAD(nic->flows[i].sent);
	return sum;
}

static inline uint64_t nic_received(const struct shared_nic *nic)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < FLOWS; i++)
		sum += LOAD(nic->flows[i].received);
	return sum;
}

/* The frame in a buffer; its magic number is absent from an empty one. */
static inline struct frame *frame_in(uint8_t *buffer)
{
	return (struct frame *)(buffer + VNET_HDR_LEN);
}

static inline uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

static inline void spin_us(uint64_t us)
{
	uint64_t until = now_us() + us;

	while (now_us() < until)
		;
}

/* A slow kernel takes longer for everything. */
static inline int bound_ms(int ms)
{
	return ms * timeout_factor();
}

/* The same numbers for the same seed. */
static inline uint32_t pick(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return below ? (*state >> 33) % below : 0;
}

#endif /* KILL_NIC_H */
