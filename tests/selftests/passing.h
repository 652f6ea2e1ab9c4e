/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors that are passed over a Unix socket. */
#ifndef PASSING_H
#define PASSING_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PASSED_MAX 3
/* The kernel's SCM_MAX_FD. */
#define SENT_MAX 253

union passed_fds {
	struct cmsghdr head;
	char space[CMSG_SPACE(PASSED_MAX * sizeof(int))];
};

/* Sends @nr descriptors, which can be none, with the first of @len bytes. */
static inline bool send_with_fds(int sock, const void *data, size_t len,
				 const int *fds, unsigned int nr, int flags)
{
	char control[CMSG_SPACE(SENT_MAX * sizeof(int))]
		__attribute__((aligned(__alignof__(struct cmsghdr)))) = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (nr) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
	}
	return sendmsg(sock, &msg, flags | MSG_NOSIGNAL) == (ssize_t)len;
}

/* Return: 0 or the error. */
static inline int pass_fds(int sock, char byte, const int *fds, int nr)
{
	return send_with_fds(sock, &byte, 1, fds, nr, 0) ? 0 : -errno;
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
