// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's end of one run. It is told what to do on its standard input, one
 * character each, so that a burst starts with one write:
 *
 *	b	a burst: as fast as possible, numbers go on; no longer than
 *		BURST_MS, however few have been sent by then
 *	s	a burst when a QEMU stops its guest next, with the path of its QMP
 *		socket for that, and a newline; it answers when it is ready
 *	q	or the end of the file: stop, wait for the rest, say the result
 *
 * and answers on its standard output with a JSON object a line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define CONNECT_MS	2000
#define REQUEST_TRIES_MS	30000
/* The rest has come when nothing came for so long; at most so long. */
#define QUIET_MS	1000
#define DRAIN_MS	15000
/*
 * A keep's rings have the room of its hold for 100 ms after the thaw at least. A
 * burst that began with the stop is over by then, also on a machine that has no
 * time for it: the rest would be for a guest that runs, and for the usual ring.
 */
#define BURST_MS	90
/* So many are told with their times; the rest is only counted. */
#define MAX_BURSTS	256

struct burst {
	int64_t start;		/* the epoch */
	int64_t ns;
	uint32_t sent;
};

struct host {
	struct sockaddr_in guest;
	struct run run;
	uint32_t burst;		/* packets in one burst */
	struct receiver receiver;
	struct sender sender;
	struct stream stream;
	struct stop stop;
	struct drops before;
	uint64_t bursts;
	uint64_t burst_sent;
	struct burst burst_times[MAX_BURSTS];
	uint64_t reported;	/* the guest's counter in its last report */
	struct gaps from_guest;	/* these and @reported: the receiver's lock */
	struct gaps to_guest;
};

struct guest_counters {
	uint64_t unique, duplicated, reordered, stray, corrupt;
	uint64_t sent, reports, send_errors, late_us;
	uint64_t stream, stream_broken;
	struct drops drops;
};

static void host_arrived(void *arg, const struct packet *p, int64_t when)
{
	struct host *h = arg;

	gaps_event(&h->from_guest, when);
	if (p->rx_count > h->reported) {
		h->reported = p->rx_count;
		gaps_event(&h->to_guest, when);
	}
}

static void *receiver_thread(void *arg)
{
	struct receiver *r = arg;

	for (;;)
		receiver_batch(r, MSG_WAITFORONE);
	return NULL;
}

static int control_connect(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	if (fd < 0)
		return -1;
	if (!connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		return fd;
	if (errno == EINPROGRESS && poll(&pfd, 1, CONNECT_MS) == 1 &&
	    !getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) && !err)
		return fd;
	close(fd);
	return -1;
}

/* One request on a connection of its own. Return: 0 and the answer's line. */
static int control_once(const struct host *h, const char *request,
			char *answer, size_t len)
{
	struct sockaddr_in to = h->guest;
	int fd, ret = -1;

	to.sin_port = htons(PORT_CONTROL);
	fd = control_connect(&to);
	if (fd < 0)
		return -1;
	if (!write_all(fd, request, strlen(request)) &&
	    read_line(fd, answer, len, ANSWER_MS) >= 0)
		ret = 0;
	close(fd);
	return ret;
}

static int control(const struct host *h, const char *request, char *answer,
		   size_t len)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	int64_t end = now + REQUEST_TRIES_MS * NSEC_PER_MSEC;

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		if (!control_once(h, request, answer, len)) {
			if (!strncmp(answer, "OK", 2))
				return 0;
			fprintf(stderr, "traffic: the guest says: %s\n", answer);
			return -1;
		}
		sleep_until(clock_ns(CLOCK_MONOTONIC) + 100 * NSEC_PER_MSEC);
	}
	fprintf(stderr, "traffic: no answer from the guest to %s", request);
	return -1;
}

static int guest_counters(const struct host *h, const char *request,
			  struct guest_counters *c)
{
	char line[LINE_MAX_LEN];

	if (control(h, request, line, sizeof(line)))
		return -1;
	if (field(line, "run", 0) != h->run.id) {
		fprintf(stderr, "traffic: the guest is in another run: %s\n",
			line);
		return -1;
	}
	c->unique = field(line, "unique", 0);
	c->duplicated = field(line, "duplicated", 0);
	c->reordered = field(line, "reordered", 0);
	c->stray = field(line, "stray", 0);
	c->corrupt = field(line, "corrupt", 0);
	c->sent = field(line, "sent", 0);
	c->reports = field(line, "reports", 0);
	c->send_errors = field(line, "send_errors", 0);
	c->late_us = field(line, "late_us", 0);
	c->stream = field(line, "stream", 0);
	c->stream_broken = field(line, "stream_broken", 1);
	c->drops.rcvbuf = field(line, "rcvbuf", 0);
	c->drops.sndbuf = field(line, "sndbuf", 0);
	c->drops.softnet = field(line, "softnet", 0);
	return 0;
}

static int guest_start(const struct host *h)
{
	char request[256], answer[LINE_MAX_LEN];

	snprintf(request, sizeof(request),
		 "START run=%u rate=%u size=%u flows=%u port=%u\n", h->run.id,
		 h->run.rate, h->run.size, h->run.flows, h->run.port);
	return control(h, request, answer, sizeof(answer));
}

static void host_burst(struct host *h)
{
	struct burst b = { .start = clock_ns(CLOCK_REALTIME) };
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	uint32_t i;

	for (i = 0; i < h->burst && b.ns < BURST_MS * NSEC_PER_MSEC; i++) {
		if (!sender_one(&h->sender))
			b.sent++;
		b.ns = clock_ns(CLOCK_MONOTONIC) - start;
	}
	h->burst_sent += b.sent;
	if (h->bursts < MAX_BURSTS)
		h->burst_times[h->bursts] = b;
	h->bursts++;
}

static bool host_watch(struct host *h)
{
	char path[LINE_MAX_LEN];

	if (read_line(STDIN_FILENO, path, sizeof(path), ANSWER_MS) < 0)
		return false;
	if (stop_watch(&h->stop, path)) {
		fprintf(stderr, "traffic: no QMP at %s\n", path);
		return false;
	}
	printf("{\"event\":\"watching\"}\n");
	fflush(stdout);
	return true;
}

/* Return: false when it is time to stop. */
static bool host_command(struct host *h)
{
	char c;

	if (read(STDIN_FILENO, &c, 1) != 1 || c == 'q')
		return false;
	if (c == 'b')
		host_burst(h);
	return c != 's' || host_watch(h);
}

static void host_send(struct host *h)
{
	int fd;

	h->sender.deadline = clock_ns(CLOCK_MONOTONIC);
	for (;;) {
		fd = readable_of(STDIN_FILENO, h->stop.fd, h->sender.deadline -
				 clock_ns(CLOCK_MONOTONIC));
		if (fd == -1)
			sender_paced(&h->sender);
		else if (fd == h->stop.fd && stop_came(&h->stop))
			host_burst(h);
		else if (fd == STDIN_FILENO && !host_command(h))
			return;
	}
}

static void host_close_gaps(struct host *h, struct gaps *g)
{
	pthread_mutex_lock(&h->receiver.lock);
	gaps_close(g, clock_ns(CLOCK_REALTIME));
	pthread_mutex_unlock(&h->receiver.lock);
}

/* Wait until the guest has everything, or gets nothing any more. */
static int drain_to_guest(struct host *h, struct guest_counters *c)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	int64_t end = now + DRAIN_MS * NSEC_PER_MSEC, quiet = now;
	uint64_t last = 0;

	do {
		if (guest_counters(h, "STATUS\n", c))
			return -1;
		if (c->unique == h->sender.sent)
			break;
		now = clock_ns(CLOCK_MONOTONIC);
		if (c->unique != last)
			quiet = now;
		last = c->unique;
		sleep_until(now + 50 * NSEC_PER_MSEC);
	} while (now < end && now < quiet + QUIET_MS * NSEC_PER_MSEC);
	return 0;
}

static void drain_from_guest(struct host *h, uint64_t sent)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	int64_t end = now + DRAIN_MS * NSEC_PER_MSEC, quiet = now;
	uint64_t last = 0, count;

	do {
		count = h->receiver.count;
		if (count == sent)
			break;
		now = clock_ns(CLOCK_MONOTONIC);
		if (count != last)
			quiet = now;
		last = count;
		sleep_until(now + 20 * NSEC_PER_MSEC);
	} while (now < end && now < quiet + QUIET_MS * NSEC_PER_MSEC);
}

/* A duplicate of the last packets can only come after them. */
static void settle(void)
{
	sleep_until(clock_ns(CLOCK_MONOTONIC) + 200 * NSEC_PER_MSEC);
}

static void print_holes_to_guest(const struct host *h)
{
	char request[64], answer[LINE_MAX_LEN];
	unsigned int i;

	for (i = 0; i < h->run.flows; i++) {
		snprintf(request, sizeof(request), "HOLES flow=%u sent=%llu\n",
			 i, (unsigned long long)sender_flow_sent(&h->sender, i));
		if (control(h, request, answer, sizeof(answer)))
			return;
		printf("%s\"%s\"", i ? "," : "", answer + strlen("OK "));
	}
}

static void print_holes_from_guest(struct host *h, uint64_t sent)
{
	const struct sender guest = { .run = h->run, .sent = sent };
	unsigned int i;
	char holes[256];

	for (i = 0; i < h->run.flows; i++) {
		holes[0] = '\0';
		pthread_mutex_lock(&h->receiver.lock);
		seqs_holes(&h->receiver.flows[i], sender_flow_sent(&guest, i),
			   holes, sizeof(holes));
		pthread_mutex_unlock(&h->receiver.lock);
		printf("%s\"%s\"", i ? "," : "", holes);
	}
}

static void print_drops(const char *name, const struct drops *d)
{
	printf("\"%s\":{\"rcvbuf\":%llu,\"sndbuf\":%llu,\"softnet\":%llu},",
	       name, (unsigned long long)d->rcvbuf,
	       (unsigned long long)d->sndbuf, (unsigned long long)d->softnet);
}

static void print_bursts(const struct host *h)
{
	const struct burst *b = h->burst_times;
	uint64_t i;

	printf("\"bursts\":%llu,\"burst_sent\":%llu,\"burst_times\":[",
	       (unsigned long long)h->bursts,
	       (unsigned long long)h->burst_sent);
	for (i = 0; i < h->bursts && i < MAX_BURSTS; i++)
		printf("%s[%.6f,%.3f,%u]", i ? "," : "",
		       (double)b[i].start / NSEC_PER_SEC,
		       (double)b[i].ns / NSEC_PER_MSEC, b[i].sent);
	printf("],");
}

static void print_direction(const char *name, uint64_t sent,
			    const struct totals *t, const struct gaps *g)
{
	printf("\"%s\":{\"sent\":%llu,\"lost\":%llu,\"duplicated\":%llu,", name,
	       (unsigned long long)sent,
	       (unsigned long long)(sent - t->unique),
	       (unsigned long long)t->duplicated);
	printf("\"reordered\":%llu,\"stray\":%llu,\"corrupt\":%llu,",
	       (unsigned long long)t->reordered, (unsigned long long)t->stray,
	       (unsigned long long)t->corrupt);
	printf("\"gap_ms\":%.3f,\"gaps\":",
	       (double)gaps_longest(g) / NSEC_PER_MSEC);
	gaps_print(g, stdout);
	printf(",\"holes\":[");
}

static void print_result(struct host *h, const struct guest_counters *c,
			 bool survived)
{
	const struct totals to = { c->unique, c->duplicated, c->reordered,
				   c->stray, c->corrupt };
	struct totals from;
	struct drops mine;

	if (drops_read(&mine))
		exit(1);
	drops_since(&mine, &h->before);
	receiver_totals(&h->receiver, &from);

	printf("{\"event\":\"result\",\"rate\":%u,\"size\":%u,\"flows\":%u,",
	       h->run.rate, h->run.size, h->run.flows);
	print_direction("to_guest", h->sender.sent, &to, &h->to_guest);
	print_holes_to_guest(h);
	printf("]},");
	print_direction("from_guest", c->sent, &from, &h->from_guest);
	print_holes_from_guest(h, c->sent);
	printf("]},");
	print_drops("host_drops", &mine);
	print_drops("guest_drops", &c->drops);
	printf("\"host_send_errors\":%llu,\"guest_send_errors\":%llu,",
	       (unsigned long long)h->sender.errors,
	       (unsigned long long)c->send_errors);
	printf("\"guest_reports\":%llu,", (unsigned long long)c->reports);
	printf("\"host_late_ms\":%.3f,\"guest_late_ms\":%.3f,",
	       (double)h->sender.late / NSEC_PER_MSEC,
	       (double)c->late_us / 1000);
	print_bursts(h);
	printf("\"tcp_survived\":%s,\"tcp_bytes\":%llu,\"tcp_error\":\"%s\"}\n",
	       survived ? "true" : "false",
	       (unsigned long long)h->stream.totals.received,
	       h->stream.totals.why);
	fflush(stdout);
}

static int host_begin(struct host *h)
{
	receiver_begin(&h->receiver, &h->run);
	if (drops_read(&h->before) || sender_open(&h->sender, &h->run,
						  &h->guest) ||
	    guest_start(h) || stream_start(&h->stream))
		return -1;
	printf("{\"event\":\"started\"}\n");
	fflush(stdout);
	return 0;
}

/*
 * The order is that of the measurement: each direction's gaps end when its
 * sender is told to stop, and only then the rest is waited for.
 */
static int host_end(struct host *h)
{
	struct guest_counters c;
	bool survived;

	host_close_gaps(h, &h->to_guest);
	if (drain_to_guest(h, &c))
		return -1;
	host_close_gaps(h, &h->from_guest);
	if (guest_counters(h, "STOP\n", &c))
		return -1;
	drain_from_guest(h, c.sent);
	survived = stream_finish(&h->stream);
	settle();
	if (guest_counters(h, "STATUS\n", &c))
		return -1;
	if (c.stream_broken || c.stream != h->stream.totals.received)
		survived = false;
	print_result(h, &c, survived);
	return 0;
}

static int parse_run(struct host *h, int argc, char **argv)
{
	static const struct option options[] = {
		{ "guest", required_argument, NULL, 'g' },
		{ "run", required_argument, NULL, 'i' },
		{ "rate", required_argument, NULL, 'r' },
		{ "size", required_argument, NULL, 's' },
		{ "flows", required_argument, NULL, 'f' },
		{ "burst", required_argument, NULL, 'b' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == '?')
			return -1;
		if (opt == 'g') {
			if (!inet_aton(optarg, &h->guest.sin_addr))
				return -1;
			continue;
		}
		*(opt == 'i' ? &h->run.id : opt == 'r' ? &h->run.rate :
		  opt == 's' ? &h->run.size : opt == 'f' ? &h->run.flows :
		  &h->burst) = strtoul(optarg, NULL, 10);
	}
	return h->guest.sin_addr.s_addr && h->run.id && h->run.rate &&
	       h->run.rate <= MAX_RATE && h->run.size >= MIN_SIZE &&
	       h->run.size <= MAX_SIZE && h->run.flows &&
	       h->run.flows <= MAX_FLOWS ? 0 : -1;
}

int host_main(int argc, char **argv)
{
	static struct host host = {
		.guest = { .sin_family = AF_INET },
		.run = { .id = 1, .rate = 1000, .size = 128, .flows = 1 },
		.burst = 3000,
		.stop = { .fd = -1 },
	};
	struct host *h = &host;
	pthread_t thread;

	if (parse_run(h, argc, argv)) {
		fprintf(stderr, "traffic: host needs --guest ADDRESS\n");
		fprintf(stderr, "traffic: sizes are %u to %u, flows 1 to %u\n",
			MIN_SIZE, MAX_SIZE, MAX_FLOWS);
		return 1;
	}
	h->guest.sin_port = htons(PORT_UDP);
	h->stream.to = h->guest;
	h->stream.to.sin_port = htons(PORT_STREAM);
	h->stream.run = h->run.id;
	h->receiver.arrived = host_arrived;
	h->receiver.arg = h;
	raise_backlog();
	if (receiver_open(&h->receiver, &h->run.port) ||
	    start_thread(&thread, receiver_thread, &h->receiver, 0) ||
	    host_begin(h))
		return 1;
	host_send(h);
	return host_end(h) ? 1 : 0;
}
