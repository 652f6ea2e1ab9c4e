/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio-net back end without a guest's machine: split virtqueues in a
 * shared memory file, TAP queues, and the glue. It runs in a process of its
 * own and does what it is told on a control socket, one line each:
 *
 *	boot IFNAME KEEP	open the TAP, make the keep, start reading
 *	restart KEEP		claim the orphan, start reading, thaw
 *	await KEEP PATH		wait for a hand-over on the Unix socket PATH
 *	freeze, stop, export	the source's part
 *	send PATH		make an offer and send it
 *	resend PATH		send the last offer again
 *	receive			accept what comes, compare it with the device
 *	claim			become the owner and start reading
 *	start, thaw, revoke, release
 *	features HEX		the features of this process's device
 *	lie HEX			the features in the hand-overs that it sends
 *
 * The answer is "0" or a negative errno and the glue's message.
 */
#ifndef NETBACK_H
#define NETBACK_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tapkeep-vmm.h>

#include "netmemory.h"

#define NETBACK_LINE		512

/* Where a process is in a pair's rings; the memory has the rest. */
struct netback_pair {
	int fd;
	uint16_t rx_last_avail;
	uint16_t tx_last_avail;
};

struct netback {
	struct netback_memory *memory;
	uint32_t nr;
	struct netback_pair pairs[NETBACK_PAIRS];
	bool running;
	uint64_t features;
	uint64_t lie;
	int listener;
	int offer;
	struct tapkeep_vmm *vmm;
	struct tapkeep_handover handover;
	struct tapkeep_vmm_error err;
};

__attribute__((format(printf, 2, 3)))
static int netback_error(struct netback *back, const char *fmt, ...)
{
	int code = errno;
	va_list args;

	back->err.code = code;
	va_start(args, fmt);
	vsnprintf(back->err.msg, sizeof(back->err.msg), fmt, args);
	va_end(args);
	return -code;
}

/* Nothing is read that there is no buffer for: no packet is on the way. */
static bool netback_rx(struct netback *back, uint32_t pair)
{
	struct virtq *vq = &back->memory->pairs[pair].rx;
	struct netback_pair *p = &back->pairs[pair];
	uint32_t id, len;
	uint8_t *buffer;
	ssize_t got;

	buffer = virtq_next(vq, p->rx_last_avail, &id, &len);
	if (!buffer)
		return false;
	got = read(p->fd, buffer, VIRTQ_BUFFER);
	if (got <= 0)
		return false;
	p->rx_last_avail++;
	virtq_use(vq, id, got);
	return true;
}

static bool netback_tx(struct netback *back, uint32_t pair)
{
	struct virtq *vq = &back->memory->pairs[pair].tx;
	struct netback_pair *p = &back->pairs[pair];
	uint32_t id, len;
	uint8_t *buffer;

	buffer = virtq_next(vq, p->tx_last_avail, &id, &len);
	if (!buffer || write(p->fd, buffer, len) != (ssize_t)len)
		return false;
	p->tx_last_avail++;
	virtq_use(vq, id, 0);
	return true;
}

/* Some of what is there, so that commands do not wait long. */
static void netback_work(struct netback *back)
{
	bool busy = true;
	uint32_t pair;
	int i;

	for (i = 0; busy && i < 64; i++) {
		busy = false;
		for (pair = 0; pair < back->nr; pair++) {
			busy |= netback_rx(back, pair);
			busy |= netback_tx(back, pair);
		}
	}
}

static void netback_nic(struct netback *back, struct tapkeep_nic *nic,
			struct tapkeep_queue_state *queues)
{
	uint32_t i;

	*nic = (struct tapkeep_nic){
		.flags = back->running ? 0 : TAPKEEP_STATE_STOPPED,
		.features = back->features,
		.offloads = TUN_F_CSUM,
		.vnet_hdr_len = VNET_HDR_LEN,
		.vnet_hdr_endian = TAPKEEP_ENDIAN_LITTLE,
		.mac = { 0x52, 0x54, 0, 0, 0, 1 },
		.active_queue_pairs = back->nr,
		.nr_queues = back->nr,
		.queues = queues,
	};
	for (i = 0; i < back->nr; i++)
		queues[i] = (struct tapkeep_queue_state){
			.rx_last_avail = back->pairs[i].rx_last_avail,
			.rx_used = back->memory->pairs[i].rx.used.idx,
			.tx_last_avail = back->pairs[i].tx_last_avail,
			.tx_used = back->memory->pairs[i].tx.used.idx,
			.rx_size = VIRTQ_SIZE,
			.tx_size = VIRTQ_SIZE,
			.flags = TAPKEEP_QUEUE_ENABLED,
		};
}

static int netback_open_tap(struct netback *back, const char *ifname)
{
	int len = VNET_HDR_LEN;
	struct ifreq ifr = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
			     (back->nr > 1 ? IFF_MULTI_QUEUE : 0),
	};
	uint32_t i;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	for (i = 0; i < back->nr; i++) {
		int fd = open("/dev/net/tun",
			      O_RDWR | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) ||
		    ioctl(fd, TUNSETVNETHDRSZ, &len) ||
		    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM))
			return netback_error(back, "Cannot open %s: %m",
					     ifname);
		back->pairs[i].fd = fd;
	}
	return 0;
}

static int netback_boot(struct netback *back, const char *ifname,
			const char *keep)
{
	int fds[NETBACK_PAIRS];
	uint32_t i;
	int ret;

	ret = netback_open_tap(back, ifname);
	if (ret)
		return ret;
	for (i = 0; i < back->nr; i++)
		fds[i] = back->pairs[i].fd;
	ret = tapkeep_vmm_create(&back->vmm, keep, 0, 0, fds, back->nr,
				 &back->err);
	back->running = !ret;
	return ret;
}

/* The keep's own descriptors, and none that anybody sent. */
static int netback_take_queues(struct netback *back)
{
	uint32_t i;
	int fd;

	for (i = 0; i < back->nr; i++) {
		fd = tapkeep_vmm_queue_fd(back->vmm, i, &back->err);
		if (fd < 0)
			return fd;
		if (back->pairs[i].fd >= 0)
			close(back->pairs[i].fd);
		back->pairs[i].fd = fd;
	}
	return 0;
}

/*
 * Nobody says where the dead process was. Its used index does: it published
 * one for each packet, in order.
 */
static int netback_restart(struct netback *back, const char *keep)
{
	uint32_t i;
	int ret;

	ret = tapkeep_vmm_restart(&back->vmm, keep, &back->err);
	if (!ret)
		ret = netback_take_queues(back);
	if (ret)
		return ret;
	for (i = 0; i < back->nr; i++) {
		back->pairs[i].rx_last_avail =
			back->memory->pairs[i].rx.used.idx;
		back->pairs[i].tx_last_avail =
			back->memory->pairs[i].tx.used.idx;
	}
	back->running = true;
	return tapkeep_vmm_thaw(back->vmm, &back->err);
}

static void netback_address(struct sockaddr_un *to, const char *path)
{
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	snprintf(to->sun_path, sizeof(to->sun_path), "%s", path);
}

static int netback_await(struct netback *back, const char *keep,
			 const char *path)
{
	struct sockaddr_un addr;

	netback_address(&addr, path);
	unlink(path);
	back->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (back->listener < 0 ||
	    bind(back->listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(back->listener, 1))
		return netback_error(back, "Cannot listen at %s: %m", path);
	return tapkeep_vmm_await(&back->vmm, keep, &back->err);
}

static int netback_export(struct netback *back)
{
	struct tapkeep_queue_state queues[NETBACK_PAIRS];
	struct tapkeep_nic nic;

	netback_nic(back, &nic, queues);
	return tapkeep_vmm_export(back->vmm, &nic, &back->err);
}

static int netback_resend(struct netback *back, const char *path)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr;
	int fds[NETBACK_PAIRS];
	uint32_t i;
	int ret;

	netback_address(&addr, path);
	if (sock < 0 || connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return netback_error(back, "Cannot connect to %s: %m", path);
	for (i = 0; i < back->nr; i++)
		fds[i] = back->pairs[i].fd;
	ret = tapkeep_handover_send(sock, &back->handover, back->offer, fds,
				    NETBACK_BOUND_MS, &back->err);
	close(sock);
	return ret;
}

static int netback_send(struct netback *back, const char *path)
{
	tapkeep_handover_clear(&back->handover);
	if (back->offer >= 0)
		close(back->offer);
	back->offer = tapkeep_vmm_offer(back->vmm, &back->handover,
					&back->err);
	if (back->offer < 0)
		return back->offer;
	if (back->lie)
		back->handover.nic.features = back->lie;
	return netback_resend(back, path);
}

static void netback_load_rings(struct netback *back)
{
	const struct tapkeep_queue_state *queues = back->handover.nic.queues;
	uint32_t i;

	for (i = 0; i < back->nr; i++) {
		back->pairs[i].rx_last_avail = queues[i].rx_last_avail;
		back->pairs[i].tx_last_avail = queues[i].tx_last_avail;
	}
}

/* What a VMM does when its stream says so: accept, load, compare. */
static int netback_receive(struct netback *back)
{
	struct tapkeep_queue_state queues[NETBACK_PAIRS];
	int sock = accept4(back->listener, NULL, NULL, SOCK_CLOEXEC);
	int fds[TAPKEEP_MAX_QUEUES];
	struct tapkeep_nic nic;
	uint32_t i;
	int ret, offer;

	if (sock < 0)
		return netback_error(back, "Cannot accept: %m");
	ret = tapkeep_handover_recv(sock, &back->handover, &offer, fds,
				    NETBACK_BOUND_MS, &back->err);
	close(sock);
	if (ret)
		return ret;
	ret = tapkeep_vmm_accept(back->vmm, &back->handover, offer, fds,
				 back->handover.nic.nr_queues, &back->err);
	for (i = 0; i < back->handover.nic.nr_queues; i++)
		close(fds[i]);
	if (ret) {
		close(offer);
		return ret;
	}
	netback_load_rings(back);
	netback_nic(back, &nic, queues);
	return tapkeep_vmm_compare(back->vmm, &nic, &back->err);
}

static int netback_claim(struct netback *back)
{
	int ret = tapkeep_vmm_claim(back->vmm, &back->err);

	if (!ret)
		ret = netback_take_queues(back);
	back->running = !ret;
	return ret;
}

/* A process that may not go on must not: that is what revoke is for. */
static int netback_start(struct netback *back)
{
	if (!tapkeep_vmm_is_owner(back->vmm)) {
		errno = EPERM;
		return netback_error(back, "Not the owner: will not read");
	}
	back->running = true;
	return 0;
}

static int netback_do(struct netback *back, char *line)
{
	const char *verb = strtok(line, " \n");
	const char *a = strtok(NULL, " \n"), *b = strtok(NULL, " \n");

	back->err = (struct tapkeep_vmm_error){ 0 };
	if (!strcmp(verb, "boot"))
		return netback_boot(back, a, b);
	if (!strcmp(verb, "restart"))
		return netback_restart(back, a);
	if (!strcmp(verb, "await"))
		return netback_await(back, a, b);
	if (!strcmp(verb, "freeze"))
		return tapkeep_vmm_freeze(back->vmm, &back->err);
	if (!strcmp(verb, "export"))
		return netback_export(back);
	if (!strcmp(verb, "send"))
		return netback_send(back, a);
	if (!strcmp(verb, "resend"))
		return netback_resend(back, a);
	if (!strcmp(verb, "receive"))
		return netback_receive(back);
	if (!strcmp(verb, "claim"))
		return netback_claim(back);
	if (!strcmp(verb, "start"))
		return netback_start(back);
	if (!strcmp(verb, "thaw"))
		return tapkeep_vmm_thaw(back->vmm, &back->err);
	if (!strcmp(verb, "revoke"))
		return tapkeep_vmm_revoke(back->vmm, &back->err);
	if (!strcmp(verb, "release"))
		return tapkeep_vmm_release(back->vmm, &back->err);
	if (!strcmp(verb, "stop"))
		back->running = false;
	else if (!strcmp(verb, "features"))
		back->features = strtoull(a, NULL, 16);
	else if (!strcmp(verb, "lie"))
		back->lie = strtoull(a, NULL, 16);
	else
		return netback_error(back, "No command '%s'", verb);
	return 0;
}

/* false when there will be no more commands. */
static bool netback_obey(struct netback *back, int control)
{
	char line[NETBACK_LINE], answer[NETBACK_LINE];
	ssize_t len = recv(control, line, sizeof(line) - 1, 0);
	int ret;

	if (len <= 0)
		return false;
	line[len] = '\0';
	ret = netback_do(back, line);
	len = snprintf(answer, sizeof(answer), "%d %s", ret, back->err.msg);
	return send(control, answer, len, MSG_NOSIGNAL) == len;
}

/* The process: @argv is { program, "back-end", control, memory, pairs }. */
static int netback_main(char **argv)
{
	struct netback back = {
		.nr = atoi(argv[4]),
		.features = 1ULL << VIRTIO_F_VERSION_1 |
			    1ULL << VIRTIO_NET_F_MRG_RXBUF,
		.listener = -1,
		.offer = -1,
	};
	struct pollfd fds[1 + NETBACK_PAIRS];
	int control = atoi(argv[2]);
	uint32_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "back-end");
	back.memory = mmap(NULL, sizeof(*back.memory), PROT_READ | PROT_WRITE,
			   MAP_SHARED, atoi(argv[3]), 0);
	if (back.memory == MAP_FAILED)
		return 1;
	for (i = 0; i < NETBACK_PAIRS; i++)
		back.pairs[i].fd = -1;
	for (;;) {
		fds[0] = (struct pollfd){ .fd = control, .events = POLLIN };
		for (i = 0; i < back.nr; i++)
			fds[1 + i] = (struct pollfd){
				.fd = back.running ? back.pairs[i].fd : -1,
				.events = POLLIN,
			};
		/* The guest has no way to kick: it is looked at. */
		if (poll(fds, 1 + back.nr, back.running ? 1 : -1) < 0)
			return 1;
		if (fds[0].revents && !netback_obey(&back, control))
			return 0;
		if (back.running)
			netback_work(&back);
	}
}

#endif /* NETBACK_H */
