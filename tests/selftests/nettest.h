/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of a back end under traffic have in common: a network namespace,
 * the traffic, its account, and the end of it all.
 */
#ifndef NETTEST_H
#define NETTEST_H

#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <tapkeep.h>
#include <tapkeep-vmm.h>

#include "harness.h"
#include "nettraffic.h"

#define TRAFFIC_ENDS	3
/*
 * More than a ring has room for that is not grown. A slow kernel must have read
 * it before the module's patience with a ring that is still grown ends.
 */
#define BURST		(timeout_factor() > 1 ? 1100 : 6000)
#define STEP_US		2000
#define QUIET_US	(2000000 * timeout_factor())
#define BOUND_US	(NETBACK_BOUND_MS * 1000 * timeout_factor())

/* In a namespace of its own there is no address and no other traffic. */
static bool set_up_namespace(void)
{
	int fd, ok;

	if (unshare(CLONE_NEWNET))
		return false;
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY);
	ok = fd < 0 || write(fd, "1", 1) == 1;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool interface_up(const char *ifname)
{
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { 0 };
	bool ok;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	ok = !ioctl(sock, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags |= IFF_UP;
	ok = ok && !ioctl(sock, SIOCSIFFLAGS, &ifr);
	close(sock);
	return ok;
}

static bool map_memory(int *fd, struct netback_memory **memory,
		       struct traffic **traffic, uint32_t pairs)
{
	*fd = memfd_create("guest", 0);
	if (*fd < 0 || ftruncate(*fd, sizeof(**memory)))
		return false;
	*memory = mmap(NULL, sizeof(**memory), PROT_READ | PROT_WRITE,
		       MAP_SHARED, *fd, 0);
	*traffic = mmap(NULL, sizeof(**traffic), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (*memory == MAP_FAILED || *traffic == MAP_FAILED)
		return false;
	guest_set_up(*memory, pairs);
	return true;
}

/* @ends: the processes, for end_traffic() */
static bool start_traffic(pid_t *ends, const char *ifname,
			  struct netback_memory *memory, uint32_t pairs,
			  struct traffic *traffic)
{
	int us;

	ends[0] = fork_child("guest");
	if (!ends[0])
		guest_main(memory, pairs, traffic);
	ends[1] = fork_child("world-send");
	if (!ends[1])
		world_send_main(ifname, traffic);
	ends[2] = fork_child("world-receive");
	if (!ends[2])
		world_receive_main(ifname, traffic);
	for (us = 0; LOAD(traffic->sockets_ready) < 2; us += STEP_US) {
		if (us >= BOUND_US)
			return false;
		usleep(STEP_US);
	}
	STORE(traffic->guest_sends, true);
	STORE(traffic->world_sends, true);
	return true;
}

static void end_child(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void end_traffic(const pid_t *ends)
{
	int i;

	for (i = 0; i < TRAFFIC_ENDS; i++)
		end_child(ends[i]);
}

static bool is_orphan(const char *keep)
{
	struct tapkeep_vmm_error err;
	int us;

	for (us = 0; us < BOUND_US; us += STEP_US) {
		if (tapkeep_vmm_probe(keep, &err) == TAPKEEP_VMM_ORPHAN)
			return true;
		usleep(STEP_US);
	}
	return false;
}

/* Whoever has it, and in whatever state it is. */
static void end_keep(const char *keep)
{
	int handle = tapkeep_claim_name(keep, TAPKEEP_CLAIM_FORCE, NULL);

	if (handle < 0)
		return;
	tapkeep_release(handle);
	close(handle);
}

static uint64_t sum_sent(const struct flow *flows)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < FLOWS; i++)
		sum += LOAD(flows[i].sent);
	return sum;
}

static uint64_t sum_received(const struct flow *flows)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < FLOWS; i++)
		sum += LOAD(flows[i].received);
	return sum;
}

/* Wait until @packets more have come through in each direction. */
static bool traffic_flows(struct traffic *traffic, uint64_t packets)
{
	uint64_t in = sum_received(traffic->to_guest) + packets;
	uint64_t out = sum_received(traffic->from_guest) + packets;
	int us;

	for (us = 0; us < BOUND_US; us += STEP_US) {
		if (sum_received(traffic->to_guest) >= in &&
		    sum_received(traffic->from_guest) >= out)
			return true;
		usleep(STEP_US);
	}
	return false;
}

/* Wait until all that was sent to the guest until now has come through. */
static bool traffic_catches_up(struct traffic *traffic)
{
	uint64_t sent = sum_sent(traffic->to_guest);
	int us;

	for (us = 0; us < BOUND_US; us += STEP_US) {
		if (sum_received(traffic->to_guest) >= sent)
			return true;
		usleep(STEP_US);
	}
	return false;
}

/* Send @packets from the world at once, and wait until they are sent. */
static bool burst(struct traffic *traffic, uint64_t packets)
{
	uint64_t wanted = traffic->burst_wanted + packets;
	int us;

	STORE(traffic->burst_wanted, wanted);
	for (us = 0; us < BOUND_US; us += STEP_US) {
		if (LOAD(traffic->burst_done) == wanted)
			return true;
		usleep(STEP_US);
	}
	return false;
}

/* A sender that is in its second round from now has seen what is set now. */
static bool stop_sending(struct traffic *traffic)
{
	uint32_t guest = LOAD(traffic->guest_rounds);
	uint32_t world = LOAD(traffic->world_rounds);
	int us;

	STORE(traffic->guest_sends, false);
	STORE(traffic->world_sends, false);
	for (us = 0; us < BOUND_US; us += STEP_US) {
		if (LOAD(traffic->guest_rounds) - guest >= 2 &&
		    LOAD(traffic->world_rounds) - world >= 2)
			return true;
		usleep(STEP_US);
	}
	return false;
}

/* Everything that is still on its way arrives, or nothing does any more. */
static void drain(struct traffic *traffic)
{
	uint64_t seen, last = 0;
	int us;

	for (us = 0; us < QUIET_US; us += STEP_US) {
		seen = sum_received(traffic->to_guest) +
		       sum_received(traffic->from_guest);
		if (seen == sum_sent(traffic->to_guest) +
			    sum_sent(traffic->from_guest))
			break;
		if (seen != last)
			us = 0;
		last = seen;
		usleep(STEP_US);
	}
	/* Time for what comes twice. */
	usleep(50000);
}

static void check_flows(struct __test_metadata *_metadata,
			const struct flow *flows, const char *direction,
			uint64_t spare)
{
	uint64_t lost, disorder;
	int i;

	for (i = 0; i < FLOWS; i++) {
		lost = flows[i].sent - flows[i].received;
		disorder = flows[i].duplicated + flows[i].reordered;
		EXPECT_LT(0, flows[i].sent);
		EXPECT_LE(lost + disorder, spare) {
			TH_LOG("%s, flow %d: sent %llu lost %llu duplicated %llu reordered %llu",
			       direction, i,
			       (unsigned long long)flows[i].sent,
			       (unsigned long long)lost,
			       (unsigned long long)flows[i].duplicated,
			       (unsigned long long)flows[i].reordered);
		}
	}
}

/* The account: nothing lost, nothing twice, nothing out of order. */
static void check_account(struct __test_metadata *_metadata,
			  struct traffic *traffic)
{
	EXPECT_TRUE(stop_sending(traffic));
	drain(traffic);
	EXPECT_EQ(0, traffic->send_errors);
	check_flows(_metadata, traffic->to_guest, "to guest", 0);
	check_flows(_metadata, traffic->from_guest, "from guest", 0);
}

#endif /* NETTEST_H */
