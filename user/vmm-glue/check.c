// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Does what came agree with what the keep has? Every refusal names both
 * values.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/kcmp.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"
#include "error.h"

enum value_base { DEC, HEX };

/* A member of a structure: any size of integer. */
struct member {
	const char *name;
	size_t offset;
	size_t size;
	enum value_base base;
	uint64_t ignore;
};

#define OF_NIC(member)		offsetof(struct tapkeep_nic, member)
#define OF_QUEUE(member)	offsetof(struct tapkeep_queue_state, member)

/* The number of queues first: it decides how many there are to compare. */
static const struct member nic_members[] = {
	{ "nr_queues", OF_NIC(nr_queues), 4, DEC, 0 },
	{ "active_queue_pairs", OF_NIC(active_queue_pairs), 2, DEC, 0 },
	{ "features", OF_NIC(features), 8, HEX, 0 },
	{ "offloads", OF_NIC(offloads), 4, HEX, 0 },
	{ "vnet_hdr_len", OF_NIC(vnet_hdr_len), 2, DEC, 0 },
	{ "vnet_hdr_endian", OF_NIC(vnet_hdr_endian), 1, DEC, 0 },
	{ "flags", OF_NIC(flags), 4, HEX, TAPKEEP_STATE_STOPPED },
};

static const struct member queue_members[] = {
	{ "flags", OF_QUEUE(flags), 4, HEX, 0 },
	{ "rx_size", OF_QUEUE(rx_size), 2, DEC, 0 },
	{ "tx_size", OF_QUEUE(tx_size), 2, DEC, 0 },
	{ "rx_last_avail", OF_QUEUE(rx_last_avail), 2, DEC, 0 },
	{ "rx_used", OF_QUEUE(rx_used), 2, DEC, 0 },
	{ "tx_last_avail", OF_QUEUE(tx_last_avail), 2, DEC, 0 },
	{ "tx_used", OF_QUEUE(tx_used), 2, DEC, 0 },
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t member_value(const struct member *member, const void *base)
{
	const char *p = (const char *)base + member->offset;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (member->size) {
	case sizeof(u64):
		memcpy(&u64, p, sizeof(u64));
		break;
	case sizeof(u32):
		memcpy(&u32, p, sizeof(u32));
		u64 = u32;
		break;
	case sizeof(u16):
		memcpy(&u16, p, sizeof(u16));
		u64 = u16;
		break;
	default:
		u64 = *(const uint8_t *)p;
	}
	return u64 & ~member->ignore;
}

static void print_value(char *to, size_t len, const struct member *member,
			uint64_t value)
{
	snprintf(to, len, member->base == HEX ? "0x%llx" : "%llu",
		 (unsigned long long)value);
}

/* The first of @members in which @a and @b differ, or NULL. */
static const struct member *first_difference(const struct member *members,
					     size_t nr, const void *a,
					     const void *b)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (member_value(&members[i], a) !=
		    member_value(&members[i], b))
			return &members[i];
	return NULL;
}

static int differs(const char *keep_name, const char *of,
		   const struct member *member, const void *keep,
		   const void *other, const char *whose,
		   struct tapkeep_vmm_error *err)
{
	char has[24], says[24];

	print_value(has, sizeof(has), member, member_value(member, keep));
	print_value(says, sizeof(says), member, member_value(member, other));
	return tapkeep_vmm_error_set(err, EINVAL,
		"Keep '%s' has %s%s %s, the %s has %s: start both VMMs with the same options for this NIC",
		keep_name, of, member->name, has, whose, says);
}

static void print_mac(char *to, size_t len, const uint8_t *mac)
{
	snprintf(to, len, "%02x:%02x:%02x:%02x:%02x:%02x",
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static int check_mac(const char *keep_name, const struct tapkeep_nic *keep,
		     const struct tapkeep_nic *other, const char *whose,
		     struct tapkeep_vmm_error *err)
{
	char has[18], says[18];

	if (!memcmp(keep->mac, other->mac, sizeof(keep->mac)))
		return 0;
	print_mac(has, sizeof(has), keep->mac);
	print_mac(says, sizeof(says), other->mac);
	return tapkeep_vmm_error_set(err, EINVAL,
		"Keep '%s' has mac %s, the %s has %s: start both VMMs with the same options for this NIC",
		keep_name, has, whose, says);
}

int tapkeep_check_nic(const char *keep_name, const struct tapkeep_nic *keep,
		      const struct tapkeep_nic *other, const char *whose,
		      struct tapkeep_vmm_error *err)
{
	const struct member *member;
	char of[24];
	uint32_t i;
	int ret;

	member = first_difference(nic_members, ARRAY_SIZE(nic_members), keep,
				  other);
	if (member)
		return differs(keep_name, "", member, keep, other, whose, err);
	ret = check_mac(keep_name, keep, other, whose, err);
	for (i = 0; !ret && i < keep->nr_queues; i++) {
		const void *a = &keep->queues[i], *b = &other->queues[i];

		member = first_difference(queue_members,
					  ARRAY_SIZE(queue_members), a, b);
		if (!member)
			continue;
		snprintf(of, sizeof(of), "queue %u ", i);
		ret = differs(keep_name, of, member, a, b, whose, err);
	}
	return ret;
}

/* 0 if @a and @b are one open file; or else their order, and < 0 if unknown. */
static int compare_files(int a, int b)
{
	pid_t self = getpid();

	return syscall(SYS_kcmp, self, self, KCMP_FILE, a, b);
}

static int by_file(const void *a, const void *b)
{
	int order = compare_files(*(const int *)a, *(const int *)b);

	return order == 1 ? -1 : order == 2;
}

/* Without kcmp() in the kernel, or the right to it, nothing is refused. */
static int check_different(const int *fds, uint32_t nr,
			   struct tapkeep_vmm_error *err)
{
	int sorted[TAPKEEP_MAX_QUEUES];
	uint32_t i;

	memcpy(sorted, fds, nr * sizeof(*fds));
	qsort(sorted, nr, sizeof(*sorted), by_file);
	for (i = 1; i < nr; i++)
		if (!compare_files(sorted[i - 1], sorted[i]))
			return tapkeep_vmm_error_set(err, EINVAL,
				"Descriptors %d and %d are the same queue",
				sorted[i - 1], sorted[i]);
	return 0;
}

/* false as well where nobody can tell: without CAP_NET_ADMIN. */
static bool is_in_other_netns(int queue_fd)
{
	struct stat its, own;
	int fd = ioctl(queue_fd, TUNGETDEVNETNS);
	bool other;

	if (fd < 0)
		return false;
	other = !fstat(fd, &its) && !stat("/proc/thread-self/ns/net", &own) &&
		its.st_ino != own.st_ino;
	close(fd);
	return other;
}

/*
 * The keep's interface is known by its index and the queue's by its name.
 * They can be compared while the interface is in this process's namespace.
 */
static int check_interface(const struct tapkeep_info *info, uint32_t queue,
			   int fd, const char *ifname,
			   struct tapkeep_vmm_error *err)
{
	unsigned int ifindex = if_nametoindex(ifname);
	char keep_ifname[IF_NAMESIZE] = "?";

	if (!ifindex || ifindex == info->ifindex || is_in_other_netns(fd))
		return 0;
	if_indextoname(info->ifindex, keep_ifname);
	return tapkeep_vmm_error_set(err, EINVAL,
		"Keep '%s' is of interface %u (%s), descriptor %d that came for queue %u is of interface %u (%s)",
		info->name, info->ifindex, keep_ifname, fd, queue, ifindex,
		ifname);
}

/* What TUNGETVNETHDRSZ says has a meaning only with IFF_VNET_HDR. */
static int check_vnet_hdr(const struct tapkeep_nic *nic, uint32_t queue,
			  int fd, bool vnet_hdr, struct tapkeep_vmm_error *err)
{
	int len = 0;

	if (vnet_hdr && ioctl(fd, TUNGETVNETHDRSZ, &len) < 0)
		return tapkeep_vmm_error_set(err, errno,
			"Cannot get the vnet header length of queue %u: %s",
			queue, strerror(errno));
	if (len == nic->vnet_hdr_len)
		return 0;
	return tapkeep_vmm_error_set(err, EINVAL,
		"The hand-over says that queue %u has a vnet header of %u bytes, its descriptor has one of %d",
		queue, nic->vnet_hdr_len, len);
}

static int check_fd(const struct tapkeep_info *info,
		    const struct tapkeep_nic *nic, uint32_t queue, int fd,
		    char *first_ifname, struct tapkeep_vmm_error *err)
{
	struct ifreq ifr = { 0 };
	int ret;

	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return tapkeep_vmm_error_set(err, errno == EBADF ?
					     EBADF : EMEDIUMTYPE,
			"Descriptor %d that came for queue %u of keep '%s' is not an attached TAP queue: %s",
			fd, queue, info->name, strerror(errno));
	if (!queue)
		memcpy(first_ifname, ifr.ifr_name, IFNAMSIZ);
	if (strncmp(first_ifname, ifr.ifr_name, IFNAMSIZ))
		return tapkeep_vmm_error_set(err, EINVAL,
			"Queue 0 of keep '%s' is of interface %.*s, queue %u of %.*s",
			info->name, IFNAMSIZ, first_ifname, queue,
			IFNAMSIZ, ifr.ifr_name);
	ret = check_interface(info, queue, fd, ifr.ifr_name, err);
	if (ret)
		return ret;
	return check_vnet_hdr(nic, queue, fd, ifr.ifr_flags & IFF_VNET_HDR,
			      err);
}

int tapkeep_check_fds(const struct tapkeep_info *info,
		      const struct tapkeep_nic *nic, const int *fds,
		      uint32_t nr, struct tapkeep_vmm_error *err)
{
	char ifname[IFNAMSIZ];
	uint32_t i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = check_fd(info, nic, i, fds[i], ifname, err);
		if (ret)
			return ret;
	}
	return check_different(fds, nr, err);
}
