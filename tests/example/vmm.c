// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VMM's network back end on libtapkeep-vmm, and nothing else of tapkeep:
 *
 *	vmm IFNAME KEEP MEMORY SOCKET
 *
 * One command line does it all. Where there is no keep, it opens the TAP and
 * boots. Where a process has the keep, it asks that one at SOCKET, takes its
 * guest over, and the other ends. Where that process has died, it goes on with
 * the queues that it left. MEMORY is a file with the guest's memory: here the
 * two virtqueues of a virtio-net device with one queue pair, and their buffers.
 *
 * "ready" on the standard output says that the guest's packets flow.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/virtio_config.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tapkeep-vmm.h>

/* It believes what its guest writes, which a VMM must not. */
#include "virtq.h"

/* For the other VMM to answer, whatever happens to it. */
#define BOUND_MS	5000
/* What the guest can take of TUN_F_*: with no features of the kind, nothing. */
#define OFFLOADS	0
/* Packets of each direction between two looks at the socket. */
#define BUDGET		64

struct memory {
	struct virtq rx, tx;
};

struct vmm {
	const char *ifname, *name, *path;
	struct tapkeep_vmm *keep;
	struct memory *memory;
	int tap;
	/* The device's state, besides what is in the guest's memory. */
	uint16_t rx_last_avail, tx_last_avail;
};

static struct tapkeep_vmm_error error;

/* A process that has no guest yet has nothing better to do than to end. */
static int must(int ret)
{
	if (ret < 0)
		errx(1, "%s", error.msg);
	return ret;
}

/* The device: only what there is a buffer for is taken from the TAP. */
static bool receive(struct vmm *vmm)
{
	uint32_t id, len;
	uint8_t *buffer = virtq_next(&vmm->memory->rx, vmm->rx_last_avail, &id,
				     &len);
	ssize_t got = buffer ? read(vmm->tap, buffer, VIRTQ_BUFFER) : 0;

	if (got <= 0)
		return false;
	vmm->rx_last_avail++;
	virtq_use(&vmm->memory->rx, id, got);
	return true;
}

/* A packet that the TAP does not take stays the guest's. */
static bool transmit(struct vmm *vmm)
{
	uint32_t id, len;
	uint8_t *buffer = virtq_next(&vmm->memory->tx, vmm->tx_last_avail, &id,
				     &len);

	if (!buffer || write(vmm->tap, buffer, len) != (ssize_t)len)
		return false;
	vmm->tx_last_avail++;
	virtq_use(&vmm->memory->tx, id, 0);
	return true;
}

static void work(struct vmm *vmm)
{
	int i;

	for (i = 0; i < BUDGET && receive(vmm) | transmit(vmm); i++)
		;
}

/* What the device is like now: exported by one, compared by the next. */
static struct tapkeep_nic describe(const struct vmm *vmm,
				   struct tapkeep_queue_state *queue)
{
	*queue = (struct tapkeep_queue_state){
		.rx_last_avail = vmm->rx_last_avail,
		.rx_used = vmm->memory->rx.used.idx,
		.tx_last_avail = vmm->tx_last_avail,
		.tx_used = vmm->memory->tx.used.idx,
		.rx_size = VIRTQ_SIZE,
		.tx_size = VIRTQ_SIZE,
		.flags = TAPKEEP_QUEUE_ENABLED,
	};
	return (struct tapkeep_nic){
		.flags = TAPKEEP_STATE_STOPPED,
		.features = 1ULL << VIRTIO_F_VERSION_1,
		.offloads = OFFLOADS,
		.vnet_hdr_len = VNET_HDR_LEN,
		.vnet_hdr_endian = TAPKEEP_ENDIAN_LITTLE,
		.mac = { 0x52, 0x54, 0, 0, 0, 1 },
		.active_queue_pairs = 1,
		.nr_queues = 1,
		.queues = queue,
	};
}

/* First boot: the TAP is opened as always, and then kept. */
static void boot(struct vmm *vmm)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int len = VNET_HDR_LEN;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", vmm->ifname);
	vmm->tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (vmm->tap < 0 || ioctl(vmm->tap, TUNSETIFF, &ifr) ||
	    ioctl(vmm->tap, TUNSETVNETHDRSZ, &len) ||
	    ioctl(vmm->tap, TUNSETOFFLOAD, OFFLOADS))
		err(1, "%s", vmm->ifname);
	must(tapkeep_vmm_create(&vmm->keep, vmm->name, 0, 0, &vmm->tap, 1,
				&error));
}

/* The owner now is this process: read the keep's own queue, and end the hold. */
static void go_on(struct vmm *vmm)
{
	vmm->tap = must(tapkeep_vmm_queue_fd(vmm->keep, 0, &error));
	work(vmm);
	must(tapkeep_vmm_thaw(vmm->keep, &error));
}

/*
 * After a crash nobody says where the dead process was. The used indices do,
 * for a device that uses buffers in order, one at a time.
 */
static void restart(struct vmm *vmm)
{
	must(tapkeep_vmm_restart(&vmm->keep, vmm->name, &error));
	vmm->rx_last_avail = vmm->memory->rx.used.idx;
	vmm->tx_last_avail = vmm->memory->tx.used.idx;
	go_on(vmm);
}

static struct sockaddr_un address(const struct vmm *vmm)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", vmm->path);
	return addr;
}

/* The target's part. If it fails, the source hears the socket close. */
static void take_over(struct vmm *vmm)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = address(vmm);
	int fds[TAPKEEP_MAX_QUEUES], offer;
	struct tapkeep_queue_state queue;
	struct tapkeep_handover handover;
	struct tapkeep_nic nic;
	uint32_t i;

	must(tapkeep_vmm_await(&vmm->keep, vmm->name, &error));
	if (sock < 0 || connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "%s", vmm->path);
	must(tapkeep_handover_recv(sock, &handover, &offer, fds, BOUND_MS,
				   &error));
	must(tapkeep_vmm_accept(vmm->keep, &handover, offer, fds,
				handover.nic.nr_queues, &error));
	for (i = 0; i < handover.nic.nr_queues; i++)
		close(fds[i]);
	/* Load the device, and see that it is what the keep was told. */
	vmm->rx_last_avail = handover.nic.queues[0].rx_last_avail;
	vmm->tx_last_avail = handover.nic.queues[0].tx_last_avail;
	tapkeep_handover_clear(&handover);
	nic = describe(vmm, &queue);
	must(tapkeep_vmm_compare(vmm->keep, &nic, &error));
	/* The point of no return: nothing is left that can fail. */
	must(tapkeep_vmm_claim(vmm->keep, &error));
	close(sock);
	go_on(vmm);
}

/* The source's part, up to when the target has been told everything. */
static int give(struct vmm *vmm, int sock)
{
	struct tapkeep_handover handover;
	struct tapkeep_queue_state queue;
	struct tapkeep_nic nic;
	int offer, ret;

	ret = tapkeep_vmm_freeze(vmm->keep, &error);
	if (ret)
		return ret;
	/* There is one thread, and it is here: the readers have stopped. */
	nic = describe(vmm, &queue);
	ret = tapkeep_vmm_export(vmm->keep, &nic, &error);
	if (ret)
		return ret;
	offer = tapkeep_vmm_offer(vmm->keep, &handover, &error);
	if (offer < 0)
		return offer;
	ret = tapkeep_handover_send(sock, &handover, offer, &vmm->tap, BOUND_MS,
				    &error);
	close(offer);
	tapkeep_handover_clear(&handover);
	return ret;
}

/*
 * Return: has the guest gone? That is not the target's to say, which may have
 * died before its claim or after: it is asked of the keep. Of a claim there and
 * a revoke here exactly one succeeds.
 */
static bool hand_over(struct vmm *vmm, int sock)
{
	struct pollfd closed = { .fd = sock, .events = POLLIN };

	if (give(vmm, sock))
		warnx("%s", error.msg);
	else
		poll(&closed, 1, BOUND_MS);
	close(sock);
	if (tapkeep_vmm_revoke(vmm->keep, &error) == -ESTALE)
		return true;
	work(vmm);
	if (tapkeep_vmm_thaw(vmm->keep, &error))
		warnx("%s", error.msg);
	return false;
}

/* Until the next process has the guest. */
static void run(struct vmm *vmm)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), sock;
	struct sockaddr_un addr = address(vmm);
	struct pollfd fds[] = {
		{ .fd = vmm->tap, .events = POLLIN },
		{ .fd = listener, .events = POLLIN },
	};

	unlink(vmm->path);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, 1))
		err(1, "%s", vmm->path);
	puts("ready");
	fflush(stdout);
	for (;;) {
		/* This guest has no way to kick: it is looked at. */
		poll(fds, 2, 1);
		sock = fds[1].revents ?
		       accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
		if (sock >= 0 && hand_over(vmm, sock))
			return;
		work(vmm);
	}
}

int main(int argc, char **argv)
{
	struct vmm vmm = { 0 };
	int memory;

	if (argc != 5)
		errx(1, "usage: vmm IFNAME KEEP MEMORY SOCKET");
	vmm.ifname = argv[1];
	vmm.name = argv[2];
	vmm.path = argv[4];
	memory = open(argv[3], O_RDWR | O_CLOEXEC);
	vmm.memory = mmap(NULL, sizeof(*vmm.memory), PROT_READ | PROT_WRITE,
			  MAP_SHARED, memory, 0);
	if (vmm.memory == MAP_FAILED)
		err(1, "%s", argv[3]);
	switch (must(tapkeep_vmm_probe(vmm.name, &error))) {
	case TAPKEEP_VMM_NONE:
		boot(&vmm);
		break;
	case TAPKEEP_VMM_LIVE:
		take_over(&vmm);
		break;
	case TAPKEEP_VMM_ORPHAN:
		restart(&vmm);
		break;
	}
	run(&vmm);
	tapkeep_vmm_close(vmm.keep);
	return 0;
}
