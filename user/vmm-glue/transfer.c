// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: The hand-over on a socket
 *
 * The bytes of handover.c, once. The descriptors travel with them, in order:
 * the offer, then the queues from 0 upwards, SCM_RIGHTS_MAX at most with one
 * message of the socket. Which byte a descriptor comes with has no meaning;
 * all have come when the last byte has. The receiver reads not one byte more,
 * so a VMM can go on with its own protocol on the same socket. After an error
 * the place in the stream is lost: close the socket.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>

#include "error.h"
#include "handover.h"

/* The kernel's limit for one message, SCM_MAX_FD. */
#define SCM_RIGHTS_MAX	253
/* The offer and the queues. */
#define FDS_MAX		(1 + TAPKEEP_MAX_QUEUES)

/* A message may bring credentials as well, if the VMM asked for them. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(SCM_RIGHTS_MAX * sizeof(int)) +
		   CMSG_SPACE(sizeof(struct ucred))];
};

struct deadline {
	bool none;
	int64_t at_ms;
	int timeout_ms;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct deadline deadline_in(int timeout_ms)
{
	return (struct deadline){
		.none = timeout_ms < 0,
		.at_ms = now_ms() + timeout_ms,
		.timeout_ms = timeout_ms,
	};
}

/* Wait until @sock is ready for @events. The first look is always allowed. */
static int wait_for(int sock, short events, const struct deadline *deadline,
		    struct tapkeep_vmm_error *err)
{
	struct pollfd pfd = { .fd = sock, .events = events };
	int64_t left = 0;
	int ret;

	do {
		if (!deadline->none)
			left = deadline->at_ms - now_ms();
		ret = poll(&pfd, 1, deadline->none ? -1 : left < 0 ? 0 : left);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return tapkeep_vmm_error_set(err, errno,
			"Cannot wait for the hand-over's socket: %s",
			strerror(errno));
	if (!ret)
		return tapkeep_vmm_error_set(err, ETIMEDOUT,
			"The hand-over did not come through within %d ms: the other VMM does not %s",
			deadline->timeout_ms,
			events == POLLIN ? "send" : "read");
	return 0;
}

static int check_socket(int sock, struct tapkeep_vmm_error *err)
{
	int domain, type;
	socklen_t len = sizeof(int);

	if (getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len))
		return tapkeep_vmm_error_set(err, errno,
			"Descriptor %d cannot carry a hand-over: %s; it takes a Unix-domain stream socket",
			sock, strerror(errno));
	len = sizeof(int);
	if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &len))
		return tapkeep_vmm_error_set(err, errno,
			"Cannot get the type of socket %d: %s", sock,
			strerror(errno));
	if (domain != AF_UNIX || type != SOCK_STREAM)
		return tapkeep_vmm_error_set(err, EPROTOTYPE,
			"A hand-over carries descriptors and takes a Unix-domain stream socket (domain %d, type %d), not domain %d, type %d",
			AF_UNIX, SOCK_STREAM, domain, type);
	return 0;
}

static void attach_fds(struct msghdr *msg, union control *control,
		       const int *fds, uint32_t nr)
{
	struct cmsghdr *cmsg;

	msg->msg_control = control->bytes;
	msg->msg_controllen = CMSG_SPACE(nr * sizeof(int));
	memset(control->bytes, 0, msg->msg_controllen);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
}

static int send_error(struct tapkeep_vmm_error *err, int code)
{
	switch (code) {
	case ETOOMANYREFS:
		return tapkeep_vmm_error_set(err, code,
			"Cannot send the descriptors: too many are on their way already; raise the limit of open files (RLIMIT_NOFILE)");
	case EPIPE:
	case ECONNRESET:
		return tapkeep_vmm_error_set(err, code,
			"Cannot send the hand-over: the other VMM closed the socket");
	default:
		return tapkeep_vmm_error_set(err, code,
			"Cannot send the hand-over: %s", strerror(code));
	}
}

/* Send all of @buf; @nr descriptors travel with its first byte. */
static int send_part(int sock, const uint8_t *buf, size_t len, const int *fds,
		     uint32_t nr, const struct deadline *deadline,
		     struct tapkeep_vmm_error *err)
{
	union control control;
	ssize_t sent;
	int ret;

	while (len) {
		struct iovec iov = { (void *)buf, len };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

		if (nr)
			attach_fds(&msg, &control, fds, nr);
		sent = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent >= 0) {
			buf += sent;
			len -= sent;
			nr = 0;
			continue;
		}
		if (errno == EAGAIN) {
			ret = wait_for(sock, POLLOUT, deadline, err);
			if (ret)
				return ret;
		} else if (errno != EINTR) {
			return send_error(err, errno);
		}
	}
	return 0;
}

/* One byte for each full lot of descriptors, and the rest with the last lot. */
static int send_all(int sock, const uint8_t *buf, size_t len, const int *fds,
		    uint32_t nr, int timeout_ms, struct tapkeep_vmm_error *err)
{
	struct deadline deadline = deadline_in(timeout_ms);
	int ret;

	while (nr > SCM_RIGHTS_MAX) {
		ret = send_part(sock, buf, 1, fds, SCM_RIGHTS_MAX, &deadline,
				err);
		if (ret)
			return ret;
		buf++;
		len--;
		fds += SCM_RIGHTS_MAX;
		nr -= SCM_RIGHTS_MAX;
	}
	return send_part(sock, buf, len, fds, nr, &deadline, err);
}

int tapkeep_handover_send(int sock, const struct tapkeep_handover *handover,
			  int offer, const int *fds, int timeout_ms,
			  struct tapkeep_vmm_error *err)
{
	size_t size = tapkeep_handover_size(handover->nic.nr_queues);
	int all[FDS_MAX];
	uint8_t *buf;
	int ret;

	ret = check_socket(sock, err);
	if (ret)
		return ret;
	buf = malloc(size);
	if (!buf)
		return tapkeep_vmm_error_set(err, ENOMEM, "Out of memory");
	ret = tapkeep_handover_encode(handover, buf, size, err);
	if (ret >= 0) {
		all[0] = offer;
		memcpy(all + 1, fds, handover->nic.nr_queues * sizeof(*fds));
		ret = send_all(sock, buf, size, all,
			       1 + handover->nic.nr_queues, timeout_ms, err);
	}
	free(buf);
	return ret;
}

/* Descriptors as they come: one lot more than can be right. */
struct fd_list {
	uint32_t nr;
	int fds[FDS_MAX + SCM_RIGHTS_MAX];
};

static void fd_list_close(struct fd_list *list)
{
	while (list->nr)
		close(list->fds[--list->nr]);
}

/* Every descriptor in @msg belongs to this process now: take it or close it. */
static void take_fds(struct msghdr *msg, struct fd_list *list)
{
	const uint32_t room = sizeof(list->fds) / sizeof(list->fds[0]);
	struct cmsghdr *cmsg;
	size_t i, nr;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < nr; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd),
			       sizeof(fd));
			if (list->nr < room)
				list->fds[list->nr++] = fd;
			else
				close(fd);
		}
	}
}

static int check_received(const struct msghdr *msg, const struct fd_list *list,
			  struct tapkeep_vmm_error *err)
{
	if (msg->msg_flags & MSG_CTRUNC)
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over's descriptors were truncated after %u: raise the limit of open files (RLIMIT_NOFILE)",
			list->nr);
	if (list->nr > FDS_MAX)
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over came with %u descriptors or more, the most there can be are %d",
			list->nr, FDS_MAX);
	return 0;
}

/* Receive exactly @len bytes, and what descriptors come with them. */
static int recv_part(int sock, uint8_t *buf, size_t len, struct fd_list *list,
		     const struct deadline *deadline,
		     struct tapkeep_vmm_error *err)
{
	union control control;
	size_t done = 0;
	ssize_t got;
	int ret;

	while (done < len) {
		struct iovec iov = { buf + done, len - done };
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = sizeof(control),
		};

		ret = wait_for(sock, POLLIN, deadline, err);
		if (ret)
			return ret;
		got = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			return tapkeep_vmm_error_set(err, errno,
				"Cannot receive the hand-over: %s",
				strerror(errno));
		take_fds(&msg, list);
		ret = check_received(&msg, list, err);
		if (ret)
			return ret;
		if (!got)
			return tapkeep_vmm_error_set(err, ECONNRESET,
				"The other VMM closed the socket before the hand-over was complete: see its log");
		done += got;
	}
	return 0;
}

/* *@buf is allocated, and the caller's whatever is returned. */
static int recv_message(int sock, uint8_t **buf, size_t *len,
			struct fd_list *list, int timeout_ms,
			struct tapkeep_vmm_error *err)
{
	struct deadline deadline = deadline_in(timeout_ms);
	uint8_t prefix[TAPKEEP_HANDOVER_PREFIX];
	int ret;

	ret = recv_part(sock, prefix, sizeof(prefix), list, &deadline, err);
	if (ret)
		return ret;
	ret = tapkeep_handover_length(prefix, len, err);
	if (ret)
		return ret;
	*buf = malloc(*len);
	if (!*buf)
		return tapkeep_vmm_error_set(err, ENOMEM, "Out of memory");
	memcpy(*buf, prefix, sizeof(prefix));
	return recv_part(sock, *buf + sizeof(prefix), *len - sizeof(prefix),
			 list, &deadline, err);
}

/* One for each queue, and the offer. */
static int check_number(const struct fd_list *list, uint32_t nr_queues,
			struct tapkeep_vmm_error *err)
{
	if (list->nr == 1 + nr_queues)
		return 0;
	return tapkeep_vmm_error_set(err, EBADMSG,
		"The hand-over came with %u descriptors, its %u queues and the offer make %u",
		list->nr, nr_queues, 1 + nr_queues);
}

int tapkeep_handover_recv(int sock, struct tapkeep_handover *handover,
			  int *offer, int *fds, int timeout_ms,
			  struct tapkeep_vmm_error *err)
{
	struct fd_list list = { 0 };
	uint8_t *buf = NULL;
	size_t len;
	int ret;

	memset(handover, 0, sizeof(*handover));
	ret = check_socket(sock, err);
	if (!ret)
		ret = recv_message(sock, &buf, &len, &list, timeout_ms, err);
	if (!ret)
		ret = tapkeep_handover_decode(handover, buf, len, err);
	if (!ret)
		ret = check_number(&list, handover->nic.nr_queues, err);
	free(buf);
	if (ret) {
		tapkeep_handover_clear(handover);
		fd_list_close(&list);
		return ret;
	}
	*offer = list.fds[0];
	memcpy(fds, list.fds + 1, handover->nic.nr_queues * sizeof(*fds));
	return 0;
}
