// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One TCP stream: the host sends bytes that it can compute again from their
 * offset, the guest checks them and sends each back inverted. Nobody ever
 * connects again, so the stream either survives or it does not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define CHUNK		1024
#define PERIOD_MS	50
#define FINISH_MS	20000

static uint8_t content(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static void stream_break(struct stream_totals *t, const char *what)
{
	t->broken = true;
	snprintf(t->why, sizeof(t->why), "%s at byte %llu: %s", what,
		 (unsigned long long)t->received, strerror(errno));
}

static void stream_check(struct stream_totals *t, const uint8_t *buf,
			 size_t len, uint8_t mask)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (buf[i] != (content(t->received + i) ^ mask)) {
			errno = EBADMSG;
			stream_break(t, "content");
			break;
		}
	}
	t->received += len;
}

/* Return: false at the end of the stream, or when it is broken. */
static bool stream_read(int fd, struct stream_totals *t, uint8_t *buf,
			size_t len, uint8_t mask, ssize_t *got)
{
	*got = recv(fd, buf, len, 0);
	if (*got < 0) {
		stream_break(t, "receive");
		return false;
	}
	if (*got)
		stream_check(t, buf, *got, mask);
	return *got && !t->broken;
}

static bool stream_write(int fd, struct stream_totals *t)
{
	uint8_t buf[CHUNK];
	size_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = content(t->sent + i);
	if (write_all(fd, buf, sizeof(buf))) {
		stream_break(t, "send");
		return false;
	}
	t->sent += sizeof(buf);
	return true;
}

static int stream_connect(struct stream *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval bound = { .tv_sec = FINISH_MS / 1000 };

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound)) ||
	    connect(fd, (struct sockaddr *)&s->to, sizeof(s->to))) {
		stream_break(&s->totals, "connect");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void stream_exchange(struct stream *s, int fd)
{
	struct stream_totals *t = &s->totals;
	int64_t end = 0, next = clock_ns(CLOCK_MONOTONIC);
	uint8_t buf[CHUNK];
	int64_t now;
	ssize_t got;

	for (;;) {
		now = clock_ns(CLOCK_MONOTONIC);
		if (!end && s->stop) {
			shutdown(fd, SHUT_WR);
			end = now + FINISH_MS * NSEC_PER_MSEC;
		}
		if (!end && now >= next) {
			if (!stream_write(fd, t))
				return;
			next += PERIOD_MS * NSEC_PER_MSEC;
		}
		if (end && now >= end) {
			errno = ETIMEDOUT;
			stream_break(t, "end");
			return;
		}
		if (readable(fd, (end ? end : next) - now) &&
		    !stream_read(fd, t, buf, sizeof(buf), 0xff, &got))
			return;
	}
}

static void *stream_thread(void *arg)
{
	struct stream *s = arg;
	int fd = stream_connect(s);

	if (fd >= 0) {
		stream_exchange(s, fd);
		close(fd);
	}
	return NULL;
}

int stream_start(struct stream *s)
{
	memset(&s->totals, 0, sizeof(s->totals));
	s->stop = false;
	return start_thread(&s->thread, stream_thread, s, 0);
}

bool stream_finish(struct stream *s)
{
	struct stream_totals *t = &s->totals;

	s->stop = true;
	pthread_join(s->thread, NULL);
	if (!t->broken && t->received != t->sent) {
		errno = ENODATA;
		stream_break(t, "early end");
	}
	return !t->broken && t->sent;
}

void stream_answer(int fd, struct stream_totals *t)
{
	uint8_t buf[CHUNK];
	ssize_t got;
	int i;

	while (stream_read(fd, t, buf, sizeof(buf), 0, &got)) {
		for (i = 0; i < got; i++)
			buf[i] ^= 0xff;
		if (write_all(fd, buf, got)) {
			stream_break(t, "send");
			break;
		}
		t->sent += got;
	}
}
