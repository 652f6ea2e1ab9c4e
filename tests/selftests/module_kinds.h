/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues of each kind, and packets for them. A TAP's or a TUN's queue gets what
 * is sent to the interface; what gets to a macvtap or an ipvtap arrives at one
 * end of a pair of veth. All packets are IPv4, with a number in them, and sent
 * with a packet socket.
 */
#ifndef MODULE_KINDS_H
#define MODULE_KINDS_H

#include <netinet/ip.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include "module_netlink.h"

#define NAME	"nic0"

/**
 * struct kind - a kind of queue
 * @type: of the interface, for ip link; NULL: one of tun
 * @options: for ip link
 * @flags: IFF_TAP or IFF_TUN
 * @usual: slots in the ring
 * @skip: what its packets lack of struct frame
 * @sender: the interface that it gets packets from
 */
struct kind {
	const char *type;
	const char *options;
	int flags;
	int usual;
	size_t skip;
	const char *sender;
};

static const struct kind __attribute__((unused)) tap = {
	.flags = IFF_TAP, .usual = 1000, .sender = NAME,
};

static const struct kind __attribute__((unused)) tun = {
	.flags = IFF_TUN, .usual = 500, .sender = NAME, .skip = ETH_HLEN,
};

static const struct kind __attribute__((unused)) macvtap = {
	.type = "macvtap", .options = "mode bridge", .usual = 500,
	.sender = "veth0",
};

static const struct kind __attribute__((unused)) ipvtap = {
	.type = "ipvtap", .options = "mode l2", .usual = 500, .sender = "veth0",
};

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	uint32_t number;
	uint8_t filler[60];
} __attribute__((packed));

static inline int run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

/* /sys shows the interfaces of the namespace in which it was mounted. */
static inline int new_sysfs(void)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL))
		return -errno;
	return 0;
}

/* Is it in the kernel, or a module of it? */
static inline bool can_be_made(const struct kind *kind)
{
	return !kind->type || !run("modprobe -n -q %s", kind->type);
}

/* With one process: on a slow kernel each takes most of a second. */
static inline int make_link(const struct kind *kind)
{
	return new_sysfs() ?:
	       run("ip -batch - <<-END\n"
		   "link add veth0 type veth peer name veth1\n"
		   "link set veth0 up\n"
		   "link set veth1 up\n"
		   "link add link veth1 name " NAME " type %s %s\n"
		   "addr add 192.0.2.2/24 dev " NAME "\n"
		   "END", kind->type, kind->options);
}

/* The character device that the interface has. */
static inline int open_node(const char *name)
{
	unsigned int major, minor;
	char path[64], node[64];
	FILE *file;
	int fd, n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/tap%d/dev", name,
		 if_index(name));
	file = fopen(path, "r");
	if (!file)
		return -errno;
	n = fscanf(file, "%u:%u", &major, &minor);
	fclose(file);
	if (n != 2)
		return -EPROTO;
	snprintf(node, sizeof(node), "/tmp/module_tap.%d", getpid());
	if (mknod(node, S_IFCHR | 0600, makedev(major, minor)))
		return -errno;
	fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	n = errno;
	unlink(node);
	return fd < 0 ? -n : fd;
}

/* Return: a queue of NAME, without a header before its packets. */
static inline int open_queue(const struct kind *kind, int flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | flags };
	int fd;

	if (!kind->type)
		return tap_open_flags(NAME, kind->flags | flags);
	fd = open_node(NAME);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &ifr))
		return -errno;
	return fd;
}

static inline int set_mac(struct frame *frame)
{
	struct ifreq ifr = {};
	int ret;

	copy_name(ifr.ifr_name, NAME, IFNAMSIZ);
	ret = if_ioctl(SIOCGIFHWADDR, &ifr);
	memcpy(frame->eth.h_dest, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	return ret;
}

/* Return: a socket to send to @kind's queues with. */
static inline int open_sender(const struct kind *kind)
{
	int fd = sender_open(kind->sender), size = 1 << 28;

	/* What is in a macvtap's ring counts as still being sent. */
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

/* Return: how many packets were sent, with those that were not taken. */
static inline int send_burst(const struct kind *kind, int fd, uint32_t first,
			     int count)
{
	struct frame frame = {
		.eth.h_proto = htons(ETH_P_IP),
		.ip.version = 4,
		.ip.ihl = 5,
		.ip.ttl = 1,
		.ip.protocol = 253,
		.ip.saddr = htonl(0xc0000201),
		.ip.daddr = htonl(0xc0000202),
		.ip.tot_len = htons(sizeof(frame) - ETH_HLEN),
	};
	int i, ret = kind->skip ? 0 : set_mac(&frame);

	for (i = 0; !ret && i < count; i++) {
		frame.number = htonl(first + i);
		if (send(fd, (char *)&frame + kind->skip,
			 sizeof(frame) - kind->skip, 0) < 0 && errno != ENOBUFS)
			ret = -errno;
	}
	return ret ?: i;
}

static inline int64_t read_frame(const struct kind *kind, int queue)
{
	ssize_t len, want = sizeof(struct frame) - kind->skip;
	struct frame frame;

	len = read(queue, (char *)&frame + kind->skip, want);
	if (len < 0)
		return -errno;
	if (len != want || frame.ip.protocol != 253)
		return -EPROTO;
	return ntohl(frame.number);
}

/* Return: how many came, in order, from number @first on. */
static inline int read_burst(const struct kind *kind, int queue, uint32_t first)
{
	int i;

	for (i = 0; read_frame(kind, queue) == first + i; i++)
		;
	return i;
}

static inline int pin_queue(const struct kind *kind, int flags,
			    const char *name, int hold_limit, int *queue)
{
	int owner = keep_create_with(name, hold_limit, SHORT_LEASE_MS);
	int ret;

	if (owner < 0)
		return owner;
	*queue = open_queue(kind, flags);
	ret = *queue < 0 ? *queue : keep_pin(owner, *queue);
	if (!ret)
		ret = if_up(NAME);
	return ret ?: owner;
}

#endif /* MODULE_KINDS_H */
