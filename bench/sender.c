// SPDX-License-Identifier: GPL-2.0-or-later
/* Paced and numbered datagrams, on one socket for each flow. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

/* Periods that a sender may be behind and still send all that was due. */
#define CATCH_UP	4
#define REPORT_NS	NSEC_PER_MSEC

int sender_open(struct sender *s, const struct run *run,
		const struct sockaddr_in *to)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	s->run = *run;
	memset(s->fds, -1, sizeof(s->fds));
	for (i = 0; i < run->flows; i++) {
		s->fds[i] = udp_socket(SOCKET_BUFFER, 0);
		if (s->fds[i] < 0 ||
		    connect(s->fds[i], (const struct sockaddr *)to,
			    sizeof(*to))) {
			perror("traffic: UDP socket of the sender");
			sender_close(s);
			return -1;
		}
	}
	s->deadline = clock_ns(CLOCK_MONOTONIC);
	return 0;
}

void sender_close(struct sender *s)
{
	unsigned int i;

	for (i = 0; i < MAX_FLOWS; i++) {
		if (s->fds[i] >= 0)
			close(s->fds[i]);
		s->fds[i] = -1;
	}
}

int sender_one(struct sender *s)
{
	uint8_t buf[MAX_SIZE] __attribute__((aligned(8)));
	struct packet p = {
		.run = s->run.id,
		.flow = s->sent % s->run.flows,
		.seq = s->sent / s->run.flows,
	};

	if (s->report) {
		p.rx_count = s->report->count;
		p.rx_next = s->report->next;
	}
	packet_encode(&p, buf, s->run.size);
	if (send(s->fds[p.flow], buf, s->run.size, 0) < 0) {
		s->errors++;
		return -1;
	}
	s->sent++;
	s->last = clock_ns(CLOCK_MONOTONIC);
	return 0;
}

/*
 * What was missed in a stop is not sent in a hurry after it: that would delay
 * the reports on what waits to be received.
 */
int sender_paced(struct sender *s)
{
	int64_t period = NSEC_PER_SEC / s->run.rate;
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	int64_t late = now - s->deadline;

	if (late > s->late)
		s->late = late;
	s->deadline += period;
	if (late > CATCH_UP * period)
		s->deadline = now + period;
	return sender_one(s);
}

void sender_report(struct sender *s)
{
	if (clock_ns(CLOCK_MONOTONIC) - s->last < REPORT_NS)
		return;
	if (!sender_one(s))
		s->reports++;
}

uint64_t sender_flow_sent(const struct sender *s, unsigned int flow)
{
	return s->sent / s->run.flows + (flow < s->sent % s->run.flows);
}
