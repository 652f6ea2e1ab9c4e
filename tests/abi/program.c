// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program of somebody else's, as it finds the installed libraries. It calls
 * something of each part that needs no module: exit status 0 when the answers
 * are right.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#ifdef WITH_VMM
#include <tapkeep-vmm.h>

/* A hand-over goes through a socket, and comes out as it was. */
static int works(void)
{
	struct tapkeep_queue_state queue = { .rx_size = 256, .tx_size = 512 };
	struct tapkeep_handover in = {
		.name = "vm1",
		.generation = 7,
		.nic = { .vnet_hdr_len = 12, .nr_queues = 1, .queues = &queue },
	}, out;
	struct tapkeep_vmm_error err;
	int end[2], offer, fds[TAPKEEP_MAX_QUEUES];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, end) ||
	    tapkeep_handover_send(end[0], &in, 0, &(int){ 1 }, 1000, &err) ||
	    tapkeep_handover_recv(end[1], &out, &offer, fds, 1000, &err))
		return 0;
	return !strcmp(out.name, "vm1") && out.generation == 7 &&
	       out.nic.queues[0].tx_size == 512 &&
	       tapkeep_vmm_probe("vm1", &err) == -ENXIO && err.code == ENXIO;
}
#else
#include <tapkeep.h>
#include <tapkeep-netlink.h>

/* Both halves: without a module, and without a name. */
static int works(void)
{
	struct tapkeep_keep keep;

	return !strcmp(tapkeep_state_name(TAPKEEP_FROZEN), "frozen") &&
	       tapkeep_keep_parse(&keep, NULL, "", 0) == -EBADMSG &&
	       tapkeep_observe("vm1") == -ENXIO;
}
#endif

int main(void)
{
	setenv("TAPKEEP_DEVICE", "/nonexistent/tapkeep", 1);
	return works() ? 0 : 1;
}
