/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the module's raw interface share: each ioctl as a function
 * that returns a negative errno or what came out, TAP queues, and packets with
 * a number in them. Each test runs in a network namespace of its own, without
 * IPv6, so that nothing but the test's packets is in a ring.
 */
#ifndef MODULE_COMMON_H
#define MODULE_COMMON_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/tapkeep.h>
#include "harness.h"

#define NOBODY 65534

static inline void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

static inline uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/*
 * Waits until @condition is true, at most @ms milliseconds, of a slow kernel
 * so many times that; is it true?
 */
#define WITHIN(ms, condition) ({					\
	uint64_t until_ = now_ms() + (ms) * timeout_factor();		\
	bool true_;							\
	while (!(true_ = (condition)) && now_ms() < until_)		\
		sleep_ms(5);						\
	true_;								\
})

/* Fills all of @to; a name that is too long is left without a NUL. */
static inline void copy_name(char *to, const char *name, size_t size)
{
	size_t len = strlen(name);

	memset(to, 0, size);
	memcpy(to, name, len < size ? len : size);
}

static inline int call(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

static inline int on_device(unsigned long cmd, void *arg)
{
	int fd = open("/dev/tapkeep", O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = call(fd, cmd, arg);
	close(fd);
	return ret;
}

/* Return: the owner's handle. */
static inline int keep_create_with(const char *name, uint32_t hold_limit,
				   uint32_t lease_ms)
{
	struct tapkeep_create cmd = {
		.size = sizeof(cmd),
		.hold_limit = hold_limit,
		.lease_ms = lease_ms,
		.fd = -1,
	};
	int ret;

	copy_name(cmd.name, name, sizeof(cmd.name));
	ret = on_device(TAPKEEP_CREATE, &cmd);
	return ret ?: cmd.fd;
}

/* A lease so short that no test's orphan is in the way of the next one. */
#define SHORT_LEASE_MS 2000

static inline int keep_create(const char *name)
{
	return keep_create_with(name, 0, SHORT_LEASE_MS);
}

static inline int keep_claim(const char *name, uint32_t flags)
{
	struct tapkeep_claim cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.fd = -1,
	};
	int ret;

	copy_name(cmd.name, name, sizeof(cmd.name));
	ret = on_device(TAPKEEP_CLAIM, &cmd);
	return ret ?: cmd.fd;
}

static inline int keep_claim_offer(int offer)
{
	struct tapkeep_claim cmd = { .size = sizeof(cmd), .fd = -1 };
	int ret = call(offer, TAPKEEP_CLAIM, &cmd);

	return ret ?: cmd.fd;
}

static inline int keep_observe(const char *name)
{
	struct tapkeep_observe cmd = { .size = sizeof(cmd), .fd = -1 };
	int ret;

	copy_name(cmd.name, name, sizeof(cmd.name));
	ret = on_device(TAPKEEP_OBSERVE, &cmd);
	return ret ?: cmd.fd;
}

/* Return: the queue's number. */
static inline int keep_pin(int handle, int queue)
{
	struct tapkeep_pin cmd = { .size = sizeof(cmd), .fd = queue };
	int ret = call(handle, TAPKEEP_PIN, &cmd);

	return ret ?: (int)cmd.index;
}

static inline int keep_get_queue(int handle, uint32_t index)
{
	struct tapkeep_get_queue cmd = {
		.size = sizeof(cmd),
		.index = index,
		.fd = -1,
	};
	int ret = call(handle, TAPKEEP_GET_QUEUE, &cmd);

	return ret ?: cmd.fd;
}

static inline int keep_offer(int handle)
{
	struct tapkeep_offer cmd = { .size = sizeof(cmd), .fd = -1 };
	int ret = call(handle, TAPKEEP_OFFER, &cmd);

	return ret ?: cmd.fd;
}

static inline int keep_op(int handle, unsigned long op)
{
	struct tapkeep_op cmd = { .size = sizeof(cmd) };

	return call(handle, op, &cmd);
}

static inline int keep_freeze(int handle)
{
	return keep_op(handle, TAPKEEP_FREEZE);
}

static inline int keep_thaw(int handle)
{
	return keep_op(handle, TAPKEEP_THAW);
}

static inline int keep_revoke(int handle)
{
	return keep_op(handle, TAPKEEP_REVOKE);
}

static inline int keep_release(int handle)
{
	return keep_op(handle, TAPKEEP_RELEASE);
}

/* A state that says nothing but whether the readers have stopped. */
static inline int keep_set_flags(int handle, uint32_t nr_queues, uint32_t flags)
{
	static struct tapkeep_queue_state queues[TAPKEEP_MAX_QUEUES];
	struct tapkeep_state cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.queue_size = sizeof(queues[0]),
		.nr_queues = nr_queues,
		.queues = (uintptr_t)queues,
	};

	return call(handle, TAPKEEP_SET_STATE, &cmd);
}

static inline int keep_info(int handle, struct tapkeep_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return call(handle, TAPKEEP_GET_INFO, info);
}

/* Return: enum tapkeep_keep_state, or the error. */
static inline int keep_state(int handle)
{
	struct tapkeep_info info;

	return keep_info(handle, &info) ?: (int)info.state;
}

static inline int keep_role(int handle)
{
	struct tapkeep_info info;

	return keep_info(handle, &info) ?: (int)info.role;
}

static inline int keep_generation(int handle)
{
	struct tapkeep_info info;

	return keep_info(handle, &info) ?: (int)info.generation;
}

/* The state of the keep @name, through an observer of its own. */
static inline int named_state(const char *name)
{
	int fd = keep_observe(name);
	int ret;

	if (fd < 0)
		return fd;
	ret = keep_state(fd);
	close(fd);
	return ret;
}

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static inline int write_in(const char *dir, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return write_file(path, text);
}

static inline int new_netns(void)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	return 0;
}

/* Return: a queue of the interface @name, which is made if it is not there. */
static inline int tap_open_flags(const char *name, int flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_NO_PI | flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	copy_name(ifr.ifr_name, name, IFNAMSIZ);
	if (!ioctl(fd, TUNSETIFF, &ifr))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static inline int tap_open(const char *name)
{
	return tap_open_flags(name, IFF_TAP);
}

/* An ioctl on an interface by its name, in the current namespace. */
static inline int if_ioctl(unsigned long cmd, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, cmd, ifr) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static inline int if_call(const char *name, unsigned long cmd, int value)
{
	struct ifreq ifr = { .ifr_ifindex = value };

	copy_name(ifr.ifr_name, name, IFNAMSIZ);
	return if_ioctl(cmd, &ifr);
}

static inline int if_up(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };

	copy_name(ifr.ifr_name, name, IFNAMSIZ);
	return if_ioctl(SIOCSIFFLAGS, &ifr);
}

static inline int if_index(const char *name)
{
	struct ifreq ifr = {};

	copy_name(ifr.ifr_name, name, IFNAMSIZ);
	return if_ioctl(SIOCGIFINDEX, &ifr) ?: ifr.ifr_ifindex;
}

static inline int set_tx_queue_len(const char *name, int len)
{
	return if_call(name, SIOCSIFTXQLEN, len);
}

static inline int get_tx_queue_len(const char *name)
{
	struct ifreq ifr = {};

	copy_name(ifr.ifr_name, name, IFNAMSIZ);
	return if_ioctl(SIOCGIFTXQLEN, &ifr) ?: ifr.ifr_qlen;
}

static inline int set_ifname(const char *name, const char *to)
{
	struct ifreq ifr = {};

	copy_name(ifr.ifr_name, name, IFNAMSIZ);
	copy_name(ifr.ifr_newname, to, IFNAMSIZ);
	return if_ioctl(SIOCSIFNAME, &ifr);
}

struct packet {
	struct ethhdr eth;
	uint32_t number;
	uint8_t filler[42];
} __attribute__((packed));

/*
 * Return: a socket that sends to the interface @name. The queueing discipline
 * is left out: it drops of its own accord while tx_queue_len changes.
 */
static inline int sender_open(const char *name)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_index(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -errno;
}

/* Return: 0; -ENOBUFS the interface did not take it. */
static inline int send_packet(int fd, uint32_t number)
{
	struct packet packet = {
		.eth.h_proto = htons(ETH_P_802_EX1),
		.number = htonl(number),
	};

	memset(packet.eth.h_dest, 0xff, ETH_ALEN);
	return send(fd, &packet, sizeof(packet), 0) < 0 ? -errno : 0;
}

/*
 * Sends packets number @first and on to the interface. Return: how many, with
 * those that it did not take.
 */
static inline int send_packets(const char *name, uint32_t first, int count)
{
	int fd = sender_open(name);
	int i, ret;

	if (fd < 0)
		return fd;
	for (i = 0; i < count; i++) {
		ret = send_packet(fd, first + i);
		if (ret && ret != -ENOBUFS)
			break;
	}
	close(fd);
	return i;
}

/* Return: the number in the next packet; -EAGAIN there is none. */
static inline int64_t read_packet(int queue)
{
	struct packet packet;
	ssize_t len = read(queue, &packet, sizeof(packet));

	if (len < 0)
		return -errno;
	if (len != sizeof(packet) ||
	    packet.eth.h_proto != htons(ETH_P_802_EX1))
		return -EPROTO;
	return ntohl(packet.number);
}

/* Return: how many packets came, in order, from number @first on. */
static inline int read_packets(int queue, uint32_t first)
{
	int i;

	for (i = 0; read_packet(queue) == first + i; i++)
		;
	return i;
}

/* What a test usually begins with: a keep "nic" with one queue of "tap0". */
struct nic {
	int queue;
	int owner;
};

static inline int nic_open_with(struct nic *nic, uint32_t hold_limit)
{
	int ret;

	ret = new_netns();
	if (ret)
		return ret;
	nic->queue = tap_open("tap0");
	if (nic->queue < 0)
		return nic->queue;
	ret = if_up("tap0");
	if (ret)
		return ret;
	nic->owner = keep_create_with("nic", hold_limit, SHORT_LEASE_MS);
	if (nic->owner < 0)
		return nic->owner;
	return keep_pin(nic->owner, nic->queue);
}

static inline int nic_open(struct nic *nic)
{
	return nic_open_with(nic, 0);
}

/* Runs @fn in a child that has the user @uid and no capabilities. */
static inline int as_user(uid_t uid, int (*fn)(void *), void *arg)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
		    setresuid(uid, uid, uid))
			_exit(255);
		_exit(-fn(arg));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

/* What the kernel counts of the module's users: keeps and open handles. */
static inline int module_users(void)
{
	char text[16] = "";
	int fd = open("/sys/module/tapkeep/refcnt", O_RDONLY);
	int ret;

	if (fd < 0)
		return -errno;
	ret = read(fd, text, sizeof(text) - 1);
	close(fd);
	return ret < 0 ? -errno : atoi(text);
}

static inline int module_unload(void)
{
	return syscall(SYS_delete_module, "tapkeep", O_NONBLOCK) ? -errno : 0;
}

static inline int module_load(void)
{
	struct { char *build, release[200], path[512]; } at = {};
	int fd, ret;
	FILE *f = fopen("/proc/sys/kernel/osrelease", "r");

	at.build = getenv("TAPKEEP_BUILD");
	if (!f || !fgets(at.release, sizeof(at.release), f))
		return -ENOENT;
	fclose(f);
	at.release[strcspn(at.release, "\n")] = 0;
	snprintf(at.path, sizeof(at.path), "%s/kernel/%s/tapkeep.ko",
		 at.build ?: "build", at.release);
	fd = open(at.path, O_RDONLY);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

#endif /* MODULE_COMMON_H */
