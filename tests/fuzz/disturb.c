// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What happens around the module meanwhile: interfaces come, go, move and
 * change, packets pass, descriptors change hands, processes die, parameters
 * change. None of this is counted as a call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include "fuzz.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

#define NR_INTERFACES	5
#define MACVTAP		4
/* As many as there are namespaces. */
#define NR_MACVTAPS	(NR_WORLDS * NR_NETNS)
#define CHILD_STEPS	40
#define CHILD_MS	20
#define MACVTAP_NODE	"/tmp/fuzz-macvtap.%u"

/* What an interface is follows from its number. */
static short fill_ifname(struct ctx *c, char *name)
{
	unsigned int number = below(c, NR_INTERFACES);

	memset(name, 0, IFNAMSIZ);
	snprintf(name, IFNAMSIZ, "t%u", number);
	switch (number) {
	case 0:
		return IFF_TUN | IFF_NO_PI;
	case 1:
	case 2:
		return IFF_TAP | IFF_NO_PI;
	default:
		return IFF_TAP | IFF_MULTI_QUEUE | IFF_NO_PI | IFF_VNET_HDR;
	}
}

static void set_if(struct ctx *c, unsigned long cmd, struct ifreq *ifr)
{
	ioctl(c->packet[c->ns], cmd, ifr);
}

/*
 * Under lockdep an interface of many queues that was up takes seconds to go,
 * with RTNL held: there it stays down.
 */
static void bring_up(struct ctx *c, const char *name, short type, bool up)
{
	struct ifreq ifr = { .ifr_flags = up ? IFF_UP : 0 };

	if (c->run->lockdep && type & IFF_MULTI_QUEUE)
		return;
	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	set_if(c, SIOCSIFFLAGS, &ifr);
}

static void up_or_down(struct ctx *c)
{
	char name[IFNAMSIZ];
	short type = fill_ifname(c, name);

	bring_up(c, name, type, !one_in(c, 4));
}

struct link_request {
	struct nlmsghdr nlh;
	struct ifinfomsg ifi;
	char attrs[96];
};

static void put_attr(struct link_request *r, uint16_t type, const void *value,
		     uint16_t len)
{
	struct rtattr *attr = (void *)((char *)r + NLMSG_ALIGN(r->nlh.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(attr), value, len);
	r->nlh.nlmsg_len = NLMSG_ALIGN(r->nlh.nlmsg_len) + RTA_ALIGN(attr->rta_len);
}

static struct link_request link_request(uint16_t type, uint16_t flags,
					const char *name)
{
	struct link_request r = {
		.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(r.ifi)),
		.nlh.nlmsg_type = type,
		.nlh.nlmsg_flags = NLM_F_REQUEST | flags,
	};

	put_attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
	return r;
}

static void ask(struct ctx *c, struct link_request *r)
{
	int fd = c->rtnl[c->ns];

	send(fd, r, r->nlh.nlmsg_len, MSG_DONTWAIT);
	while (recv(fd, c->buffer, sizeof(c->buffer), MSG_DONTWAIT) > 0)
		;
}

static void ask_link(struct ctx *c, uint16_t type, int netns)
{
	struct link_request r;
	char name[IFNAMSIZ];

	fill_ifname(c, name);
	if (one_in(c, 6))
		name[0] = 'r';
	r = link_request(type, 0, name);
	if (netns >= 0)
		put_attr(&r, IFLA_NET_NS_FD, &netns, sizeof(netns));
	ask(c, &r);
}

static int find_if(struct ctx *c, const char *name)
{
	struct ifreq ifr = {};

	snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	return ioctl(c->packet[c->ns], SIOCGIFINDEX, &ifr) ? 0 : ifr.ifr_ifindex;
}

/* An interface that is up, above @lower if that is not 0. */
static void make_link(struct ctx *c, const char *name, const char *kind, int lower)
{
	struct link_request r = link_request(RTM_NEWLINK,
					     NLM_F_CREATE | NLM_F_EXCL, name);
	struct {
		struct rtattr kind;
		char name[12];
	} info = {
		.kind.rta_type = IFLA_INFO_KIND,
		.kind.rta_len = RTA_LENGTH(strlen(kind) + 1),
	};

	snprintf(info.name, sizeof(info.name), "%s", kind);
	put_attr(&r, IFLA_LINKINFO, &info, RTA_ALIGN(info.kind.rta_len));
	if (lower)
		put_attr(&r, IFLA_LINK, &lower, sizeof(lower));
	r.ifi.ifi_flags = IFF_UP;
	r.ifi.ifi_change = IFF_UP;
	ask(c, &r);
}

/* What gets to the one end of a pair of veth is in the queue of the macvtap. */
static void make_macvtap(struct ctx *c)
{
	if (!find_if(c, "v0")) {
		make_link(c, "v0", "veth", 0);
		bring_up(c, "veth0", 0, true);
	}
	if (find_if(c, "v0") && !find_if(c, "t4"))
		make_link(c, "t4", "macvtap", find_if(c, "v0"));
}

/* Of whatever macvtap: the nodes know no namespace. */
static int open_macvtap(struct ctx *c)
{
	char path[32];

	snprintf(path, sizeof(path), MACVTAP_NODE, 1 + below(c, NR_MACVTAPS));
	return open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

/* So that a queue of it can be opened: a node for each. */
void disturb_make_nodes(void)
{
	unsigned int major, i;
	char line[128], path[32];
	FILE *file = fopen("/proc/devices", "r");

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%u macvtap", &major) != 1 ||
		    !strstr(line, " macvtap\n"))
			continue;
		for (i = 1; i <= NR_MACVTAPS; i++) {
			snprintf(path, sizeof(path), MACVTAP_NODE, i);
			unlink(path);
			mknod(path, S_IFCHR, makedev(major, i));
			chmod(path, 0666);
		}
	}
	if (file)
		fclose(file);
}

static void open_tun(struct ctx *c)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct slot *slot = slot_new(c, fd, KIND_QUEUE);
	struct ifreq ifr = {};
	char name[IFNAMSIZ];
	short type;

	if (!slot)
		return;
	type = fill_ifname(c, name);
	memcpy(ifr.ifr_name, name, IFNAMSIZ);
	ifr.ifr_flags = type;
	if (one_in(c, 24))
		return;	/* attached to nothing */
	if (ioctl(fd, TUNSETIFF, &ifr)) {
		slot_close(c, slot);
		return;
	}
	/* Mostly it stays: to make one costs as much as a hundred calls. */
	if (!one_in(c, 4))
		ioctl(fd, TUNSETPERSIST, 1);
	if (one_in(c, 2)) {
		ioctl(fd, TUNSETOWNER, 65534);
		bring_up(c, name, type, true);
	}
}

void disturb_open_queue(struct ctx *c)
{
	if (below(c, NR_INTERFACES) != MACVTAP) {
		open_tun(c);
		return;
	}
	make_macvtap(c);
	slot_new(c, open_macvtap(c), KIND_QUEUE);
}

static void persist(struct ctx *c)
{
	struct slot *slot = slot_find(c, KIND_QUEUE);

	if (slot)
		ioctl(slot->fd, TUNSETPERSIST, one_in(c, 2));
}

static void attach(struct ctx *c)
{
	struct slot *slot = slot_find(c, KIND_QUEUE);
	struct ifreq ifr = {
		.ifr_flags = one_in(c, 2) ? IFF_DETACH_QUEUE : IFF_ATTACH_QUEUE,
	};

	if (slot)
		ioctl(slot->fd, TUNSETQUEUE, &ifr);
}

static void set_tx_queue_len(struct ctx *c)
{
	struct ifreq ifr = {};

	fill_ifname(c, ifr.ifr_name);
	/* So short that a few packets do not fit, or usual, or more. */
	ifr.ifr_qlen = below(c, one_in(c, 3) ? 2000 : 12);
	set_if(c, SIOCSIFTXQLEN, &ifr);
}

static void rename_if(struct ctx *c)
{
	struct ifreq ifr = {};

	fill_ifname(c, ifr.ifr_name);
	fill_ifname(c, ifr.ifr_newname);
	if (one_in(c, 2))
		ifr.ifr_newname[0] = 'r';
	if (one_in(c, 2))
		ifr.ifr_name[0] = 'r';
	set_if(c, SIOCSIFNAME, &ifr);
}

static void delete_if(struct ctx *c)
{
	ask_link(c, RTM_DELLINK, -1);
}

static void move_if(struct ctx *c)
{
	ask_link(c, RTM_NEWLINK, c->process->netns[!c->ns]);
}

static void send_packets(struct ctx *c)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_802_EX1),
		.sll_halen = ETH_ALEN,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};
	char packet[60] = {};
	char name[IFNAMSIZ];
	uint32_t i;

	fill_ifname(c, name);
	to.sll_ifindex = find_if(c, one_in(c, NR_INTERFACES) ? "veth0" : name);
	if (!to.sll_ifindex)
		return;
	for (i = 1 + below(c, 16); i; i--)
		if (sendto(c->packet[c->ns], packet, sizeof(packet), MSG_DONTWAIT,
			   (struct sockaddr *)&to, sizeof(to)) < 0)
			break;
}

static void read_packets(struct ctx *c)
{
	struct slot *slot = slot_find(c, KIND_QUEUE);
	uint32_t i;

	for (i = below(c, 32); slot && i; i--)
		if (read(slot->fd, c->buffer, sizeof(c->buffer)) < 0)
			break;
}

static void go(struct ctx *c)
{
	unsigned int ns = below(c, NR_NETNS);

	if (!setns(c->process->netns[ns], CLONE_NEWNET))
		c->ns = ns;
}

static void duplicate(struct ctx *c)
{
	struct slot *slot = slot_find(c, KIND_HANDLE), *copy;
	struct slot was;

	if (!slot)
		return;
	was = *slot;
	copy = slot_new(c, fcntl(was.fd, F_DUPFD_CLOEXEC, 3), KIND_HANDLE);
	if (copy) {
		was.fd = copy->fd;
		*copy = was;
	}
}

static void close_one(struct ctx *c)
{
	struct slot *slot = &c->slots[below(c, NR_SLOTS)];

	if (slot->kind)
		slot_close(c, slot);
}

/* It has all of its parent's descriptors, and dies some time or other. */
static void child(struct ctx *c, pid_t parent)
{
	uint32_t i, steps = below(c, CHILD_STEPS);
	uint64_t random = rng_next(&c->rng);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	c->child = true;
	if (c->fail_nth >= 0)
		c->fail_nth = lasting_fd(inject_open());
	for (i = 0; i < steps; i++) {
		rng_start(&c->rng, random, c->number, i);
		if (one_in(c, CHILD_STEPS))
			close_range(3, FIRST_LASTING_FD - 1, 0);
		step(c);
	}
	_exit(0);
}

static void fork_child(struct ctx *c)
{
	uint32_t us = below(c, CHILD_MS * 1000);
	pid_t parent = getpid(), pid;

	if (c->child)
		return;
	pid = fork();
	if (!pid)
		child(c, parent);
	if (pid < 0)
		return;
	usleep(us);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void set_parameter(struct ctx *c)
{
	static const struct {
		const char *path;
		const char *usual;
		const char *other;
	} parameters[] = {
		{ "/sys/module/tapkeep/parameters/max_keeps", "4096", "6" },
		{ "/sys/module/tapkeep/parameters/hold_limit", "16384", "3" },
		{ "/sys/module/tapkeep/parameters/hold_limit_max", "65536", "40" },
		{ "/sys/module/tapkeep/parameters/lease_ms", "500", "1" },
	};
	uint32_t i = below(c, ARRAY_SIZE(parameters));

	write_text(parameters[i].path, parameters[i].other);
	usleep(below(c, 3000));
	write_text(parameters[i].path, parameters[i].usual);
}

static void wait_a_little(struct ctx *c)
{
	usleep(below(c, 4000));
}

struct disturbance {
	const char *name;
	unsigned int weight;
	void (*fn)(struct ctx *c);
};

static const struct disturbance disturbances[] = {
	{ "open a queue",	12, disturb_open_queue },
	{ "set persistent",	2, persist },
	{ "attach or detach",	4, attach },
	{ "up or down",		3, up_or_down },
	{ "tx_queue_len",	4, set_tx_queue_len },
	{ "rename",		2, rename_if },
	{ "delete",		1, delete_if },
	{ "move",		1, move_if },
	{ "send packets",	20, send_packets },
	{ "read packets",	30, read_packets },
	{ "go to a namespace",	6, go },
	{ "duplicate",		10, duplicate },
	{ "close",		30, close_one },
	{ "publish",		80, slot_publish },
	{ "take",		40, slot_take },
	{ "send a descriptor",	60, slot_send },
	{ "receive one",	80, slot_receive },
	{ "fork and kill",	1, fork_child },
	{ "set a parameter",	3, set_parameter },
	{ "wait",		10, wait_a_little },
};

const char *disturbance_name(unsigned int number)
{
	return disturbances[number].name;
}

unsigned int nr_disturbances(void)
{
	return ARRAY_SIZE(disturbances);
}

static uint32_t total_weight(void)
{
	uint32_t total = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(disturbances); i++)
		total += disturbances[i].weight;
	return total;
}

void disturb_step(struct ctx *c)
{
	uint32_t at = below(c, total_weight());
	size_t i;

	for (i = 0; at >= disturbances[i].weight; i++)
		at -= disturbances[i].weight;
	disturbances[i].fn(c);
	c->worker->disturbances[i]++;
}
