// SPDX-License-Identifier: GPL-2.0-or-later
/* Counters and limits of the kernel that this runs on. */
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traffic.h"

#define MAX_BACKLOG	"100000"

static uint64_t *drops_member(struct drops *d, const char *name)
{
	if (!strcmp(name, "RcvbufErrors"))
		return &d->rcvbuf;
	if (!strcmp(name, "SndbufErrors"))
		return &d->sndbuf;
	return NULL;
}

/* Two lines: names, and values in the same order. */
static int drops_read_udp(struct drops *d, char *names, char *values)
{
	char *n, *v, *np, *vp;
	uint64_t *member;
	int found = 0;

	n = strtok_r(names, " \n", &np);
	v = strtok_r(values, " \n", &vp);
	while (n && v) {
		member = drops_member(d, n);
		if (member) {
			*member = strtoull(v, NULL, 10);
			found++;
		}
		n = strtok_r(NULL, " \n", &np);
		v = strtok_r(NULL, " \n", &vp);
	}
	return found == 2 ? 0 : -1;
}

static int drops_read_snmp(struct drops *d)
{
	FILE *f = fopen("/proc/net/snmp", "re");
	char names[512], values[512];
	int ret = -1;

	if (!f)
		return -1;
	while (fgets(names, sizeof(names), f)) {
		if (strncmp(names, "Udp: ", 5) ||
		    !fgets(values, sizeof(values), f))
			continue;
		ret = drops_read_udp(d, names + 5, values + 5);
		break;
	}
	fclose(f);
	return ret;
}

static int drops_read_softnet(struct drops *d)
{
	FILE *f = fopen("/proc/net/softnet_stat", "re");
	unsigned int processed, dropped;
	char line[512];

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%x %x", &processed, &dropped) == 2)
			d->softnet += dropped;
	fclose(f);
	return 0;
}

int drops_read(struct drops *d)
{
	memset(d, 0, sizeof(*d));
	if (drops_read_snmp(d) || drops_read_softnet(d)) {
		fprintf(stderr, "traffic: no counters in /proc/net\n");
		return -1;
	}
	return 0;
}

void drops_since(struct drops *d, const struct drops *before)
{
	d->rcvbuf -= before->rcvbuf;
	d->sndbuf -= before->sndbuf;
	d->softnet -= before->softnet;
}

/* Only the initial network namespace has it: the others follow it. */
void raise_backlog(void)
{
	FILE *f = fopen("/proc/sys/net/core/netdev_max_backlog", "we");

	if (!f)
		return;
	fputs(MAX_BACKLOG, f);
	fclose(f);
}

static int interface_ioctl(const char *ifname, unsigned long request,
			   struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -1;
	strncpy(ifr->ifr_name, ifname, IFNAMSIZ - 1);
	ret = ioctl(fd, request, ifr);
	close(fd);
	return ret;
}

int raise_txqueuelen(const char *ifname, int len)
{
	struct ifreq ifr = { .ifr_qlen = len };

	if (interface_ioctl(ifname, SIOCSIFTXQLEN, &ifr)) {
		perror("traffic: SIOCSIFTXQLEN");
		return -1;
	}
	return 0;
}

int set_channels(const char *ifname, uint32_t combined)
{
	struct ethtool_channels channels = {
		.cmd = ETHTOOL_SCHANNELS,
		.combined_count = combined,
	};
	struct ifreq ifr = { .ifr_data = (char *)&channels };

	if (interface_ioctl(ifname, SIOCETHTOOL, &ifr)) {
		perror("traffic: ETHTOOL_SCHANNELS");
		return -1;
	}
	return 0;
}
