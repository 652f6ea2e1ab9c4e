/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests do to the system around a keep: its interface is deleted, its
 * namespace left.
 */
#ifndef MODULE_SYSTEM_H
#define MODULE_SYSTEM_H

#include <linux/rtnetlink.h>
#include "module_common.h"

static inline int run(const char *command)
{
	return system(command);
}

/* Deletes the interface @name without the detour of a program. */
static inline int if_delete(int rtnetlink, const char *name)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifi;
		struct rtattr attr;
		char name[IFNAMSIZ];
	} request = {
		.nlh.nlmsg_len = sizeof(request),
		.nlh.nlmsg_type = RTM_DELLINK,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.attr.rta_len = RTA_LENGTH(IFNAMSIZ),
		.attr.rta_type = IFLA_IFNAME,
	};
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr ack;
		char more[512];
	} reply;

	copy_name(request.name, name, IFNAMSIZ);
	if (send(rtnetlink, &request, sizeof(request), 0) < 0 ||
	    recv(rtnetlink, &reply, sizeof(reply), 0) < 0)
		return -errno;
	return reply.ack.error;
}

/*
 * A process in a network namespace of its own that waits until *@go is written
 * to, and then exits with what @fn returns.
 */
static inline pid_t start_in_netns(int (*fn)(int), int arg, int *go)
{
	int there[2], back[2];
	char byte = 'x';
	pid_t pid;

	if (pipe(there) || pipe(back))
		return -errno;
	pid = fork();
	if (!pid) {
		close(there[1]);
		if (new_netns() || write(back[1], &byte, 1) != 1 ||
		    read(there[0], &byte, 1) != 1)
			_exit(255);
		_exit(fn(arg));
	}
	*go = there[1];
	if (read(back[0], &byte, 1) != 1)
		pid = -ECHILD;
	close(there[0]);
	close(back[0]);
	close(back[1]);
	return pid;
}

#endif /* MODULE_SYSTEM_H */
