// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void sleep_until(int64_t deadline)
{
	struct timespec ts = {
		.tv_sec = deadline / NSEC_PER_SEC,
		.tv_nsec = deadline % NSEC_PER_SEC,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}

/* The FORCE variants: no limit of this system decides what is measured. */
int udp_socket(int sndbuf, int rcvbuf)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		perror("traffic: socket");
		return -1;
	}
	if ((sndbuf && setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf,
				  sizeof(sndbuf))) ||
	    (rcvbuf && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf,
				  sizeof(rcvbuf)))) {
		perror("traffic: socket buffer (this needs CAP_NET_ADMIN)");
		close(fd);
		return -1;
	}
	return fd;
}

/* @priority: SCHED_FIFO's; 0: an ordinary thread */
int start_thread(pthread_t *t, void *(*fn)(void *), void *arg, int priority)
{
	struct sched_param param = { .sched_priority = priority };
	int err;

	err = pthread_create(t, NULL, fn, arg);
	if (!err && priority)
		err = pthread_setschedparam(*t, SCHED_FIFO, &param);
	if (err) {
		fprintf(stderr, "traffic: thread: %s\n", strerror(err));
		return -1;
	}
	return 0;
}

uint64_t field(const char *line, const char *key, uint64_t missing)
{
	size_t len = strlen(key);
	const char *at = line;

	while ((at = strstr(at, key))) {
		if ((at == line || at[-1] == ' ') && at[len] == '=')
			return strtoull(at + len + 1, NULL, 10);
		at += len;
	}
	return missing;
}

int readable_of(int first, int second, int64_t wait_ns)
{
	struct pollfd pfd[] = {
		{ .fd = first, .events = POLLIN },
		{ .fd = second, .events = POLLIN },
	};
	struct timespec ts;

	wait_ns = wait_ns > 0 ? wait_ns : 0;
	ts.tv_sec = wait_ns / NSEC_PER_SEC;
	ts.tv_nsec = wait_ns % NSEC_PER_SEC;
	if (ppoll(pfd, 2, &ts, NULL) <= 0)
		return -1;
	return pfd[0].revents ? first : second;
}

bool readable(int fd, int64_t wait_ns)
{
	return readable_of(fd, -1, wait_ns) == fd;
}

int read_line(int fd, char *buf, size_t len, int timeout_ms)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + timeout_ms * NSEC_PER_MSEC;
	size_t used = 0;
	ssize_t n;
	int64_t left;

	while (used + 1 < len) {
		left = end - clock_ns(CLOCK_MONOTONIC);
		if (left <= 0 || !readable(fd, left))
			break;
		n = read(fd, buf + used, len - 1 - used);
		if (n <= 0)
			break;
		used += n;
		if (buf[used - 1] == '\n') {
			buf[used - 1] = '\0';
			return used - 1;
		}
	}
	return -1;
}

int write_all(int fd, const void *buf, size_t len)
{
	const uint8_t *at = buf;
	ssize_t n;

	while (len) {
		n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
		len -= n;
	}
	return 0;
}
