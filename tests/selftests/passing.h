/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors that are passed over a Unix socket, each time with one byte. */
#ifndef PASSING_H
#define PASSING_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PASSED_MAX 3

union passed_fds {
	struct cmsghdr head;
	char space[CMSG_SPACE(PASSED_MAX * sizeof(int))];
};

/* Sends @nr descriptors, which can be none. Return: 0 or the error. */
static inline int pass_fds(int sock, char byte, const int *fds, int nr)
{
	union passed_fds control = {};
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nr) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, nr * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* Return: the byte that came, with a descriptor or -1; 0: none will come. */
static inline int take_fd(int sock, int flags, int *fd)
{
	union passed_fds control = {};
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	*fd = -1;
	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | flags) != 1)
		return 0;
	if (msg.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(&control.head), sizeof(*fd));
	return byte;
}

#endif /* PASSING_H */
