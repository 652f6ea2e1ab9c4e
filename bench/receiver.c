// SPDX-License-Identifier: GPL-2.0-or-later
/* Counts what arrives on a UDP socket. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "traffic.h"

#define BATCH	32

struct batch {
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	uint8_t data[BATCH][MAX_SIZE + 1] __attribute__((aligned(8)));
	uint8_t control[BATCH][CMSG_SPACE(sizeof(struct timespec))];
};

static void batch_prepare(struct batch *b)
{
	struct msghdr *hdr;
	int i;

	for (i = 0; i < BATCH; i++) {
		b->iov[i].iov_base = b->data[i];
		b->iov[i].iov_len = sizeof(b->data[i]);
		hdr = &b->msgs[i].msg_hdr;
		memset(hdr, 0, sizeof(*hdr));
		hdr->msg_iov = &b->iov[i];
		hdr->msg_iovlen = 1;
		hdr->msg_control = b->control[i];
		hdr->msg_controllen = sizeof(b->control[i]);
	}
}

static int64_t arrival(struct msghdr *hdr)
{
	struct cmsghdr *c;
	struct timespec ts;

	for (c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	}
	return clock_ns(CLOCK_REALTIME);
}

/* Called with the lock held. */
static void receiver_take(struct receiver *r, const void *buf, size_t size,
			  int64_t when)
{
	enum packet_kind kind;
	struct seqs *flow;
	struct packet p;

	kind = packet_decode(&p, buf, size);
	if (kind == PACKET_STRAY || !r->run.id || p.run != r->run.id) {
		r->stray++;
		return;
	}
	if (kind == PACKET_CORRUPT || p.flow >= r->run.flows ||
	    p.seq >= MAX_SEQ) {
		r->corrupt++;
		return;
	}
	flow = &r->flows[p.flow];
	if (seqs_add(flow, p.seq))
		r->count++;
	if (flow->next > r->next)
		r->next = flow->next;
	if (r->arrived)
		r->arrived(r->arg, &p, when);
}

int receiver_batch(struct receiver *r, int flags)
{
	struct batch *b = r->batch;
	int i, n;

	batch_prepare(b);
	n = recvmmsg(r->fd, b->msgs, BATCH, flags, NULL);
	if (n < 0) {
		/* a port unreachable of an earlier run is reported here */
		if (errno == EINTR || errno == ECONNREFUSED || errno == EAGAIN)
			return 0;
		perror("traffic: recvmmsg");
		exit(1);
	}
	pthread_mutex_lock(&r->lock);
	for (i = 0; i < n; i++)
		receiver_take(r, b->data[i], b->msgs[i].msg_len,
			      arrival(&b->msgs[i].msg_hdr));
	pthread_mutex_unlock(&r->lock);
	return n;
}

/* @port: in: where to listen, 0: any; out: where it listens */
int receiver_open(struct receiver *r, uint16_t *port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(*port),
	};
	socklen_t len = sizeof(addr);
	int one = 1;

	pthread_mutex_init(&r->lock, NULL);
	r->batch = malloc(sizeof(*r->batch));
	if (!r->batch)
		abort();
	r->fd = udp_socket(SOCKET_BUFFER, SOCKET_BUFFER);
	if (r->fd < 0)
		return -1;
	if (setsockopt(r->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    bind(r->fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    getsockname(r->fd, (struct sockaddr *)&addr, &len)) {
		perror("traffic: UDP socket of the receiver");
		return -1;
	}
	*port = ntohs(addr.sin_port);
	return 0;
}

void receiver_begin(struct receiver *r, const struct run *run)
{
	unsigned int i;

	pthread_mutex_lock(&r->lock);
	r->run = *run;
	r->stray = 0;
	r->corrupt = 0;
	r->count = 0;
	r->next = 0;
	for (i = 0; i < run->flows; i++)
		seqs_reset(&r->flows[i]);
	pthread_mutex_unlock(&r->lock);
}

void receiver_totals(struct receiver *r, struct totals *t)
{
	unsigned int i;

	memset(t, 0, sizeof(*t));
	pthread_mutex_lock(&r->lock);
	for (i = 0; i < r->run.flows; i++) {
		t->unique += r->flows[i].unique;
		t->duplicated += r->flows[i].duplicated;
		t->reordered += r->flows[i].reordered;
	}
	t->stray = r->stray;
	t->corrupt = r->corrupt;
	pthread_mutex_unlock(&r->lock);
}
