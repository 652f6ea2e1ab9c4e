// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's end: it does what the control connection says, one request and
 * one answer for each connection. Requests can be repeated: the host does so
 * when an answer did not come.
 *
 *	PING				is it up?
 *	START run= rate= size= flows= port=	forget the last run, begin this
 *	STATUS				the counters
 *	STOP				stop sending; the counters
 *	HOLES flow= sent=		which numbers of a flow did not come
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define REQUEST_MS	2000
/* Before everything else in the guest: its reports are the measurement. */
#define PRIORITY	20

struct guest {
	struct receiver receiver;
	pthread_mutex_t lock;	/* guards the next two */
	struct sender sender;
	bool sending;
	struct drops before;
	struct stream_totals stream;
};

struct request {
	const char *name;
	void (*answer)(struct guest *g, const char *line,
		       const struct sockaddr_in *peer, char *out, size_t len);
};

/* Return: how long until the next packet is due, in ns. */
static int64_t send_due(struct guest *g)
{
	int64_t left = NSEC_PER_SEC;

	pthread_mutex_lock(&g->lock);
	if (g->sending) {
		left = g->sender.deadline - clock_ns(CLOCK_MONOTONIC);
		if (left <= 0) {
			sender_paced(&g->sender);
			left = 0;
		}
	}
	pthread_mutex_unlock(&g->lock);
	return left;
}

static void report(struct guest *g)
{
	pthread_mutex_lock(&g->lock);
	if (g->sending)
		sender_report(&g->sender);
	pthread_mutex_unlock(&g->lock);
}

/*
 * One thread for both directions: with a backlog in both, neither starves the
 * other, and each report has the newest counters.
 */
static void *traffic_thread(void *arg)
{
	struct guest *g = arg;

	for (;;) {
		if (readable(g->receiver.fd, send_due(g)) &&
		    receiver_batch(&g->receiver, MSG_DONTWAIT) > 0)
			report(g);
	}
	return NULL;
}

static void guest_stop(struct guest *g)
{
	pthread_mutex_lock(&g->lock);
	if (g->sending)
		sender_close(&g->sender);
	g->sending = false;
	pthread_mutex_unlock(&g->lock);
}

static int guest_begin(struct guest *g, const struct run *run,
		       const struct sockaddr_in *to)
{
	int ret;

	pthread_mutex_lock(&g->lock);
	ret = sender_open(&g->sender, run, to);
	g->sender.report = &g->receiver;
	g->sending = !ret;
	pthread_mutex_unlock(&g->lock);
	return ret;
}

static void answer_ping(struct guest *g, const char *line,
			const struct sockaddr_in *peer, char *out, size_t len)
{
	(void)g;
	(void)line;
	(void)peer;
	snprintf(out, len, "OK\n");
}

static bool run_parse(struct run *run, const char *line)
{
	run->id = field(line, "run", 0);
	run->rate = field(line, "rate", 0);
	run->size = field(line, "size", 0);
	run->flows = field(line, "flows", 0);
	run->port = field(line, "port", 0);
	return run->id && run->rate && run->rate <= MAX_RATE &&
	       run->size >= MIN_SIZE && run->size <= MAX_SIZE &&
	       run->flows && run->flows <= MAX_FLOWS && run->port;
}

static void answer_start(struct guest *g, const char *line,
			 const struct sockaddr_in *peer, char *out, size_t len)
{
	struct sockaddr_in to = *peer;
	struct run run;

	if (!run_parse(&run, line)) {
		snprintf(out, len, "ERROR bad START: %s\n", line);
		return;
	}
	if (g->sending && g->sender.run.id == run.id) {
		snprintf(out, len, "OK\n");
		return;
	}
	guest_stop(g);
	to.sin_port = htons(run.port);
	memset(&g->stream, 0, sizeof(g->stream));
	receiver_begin(&g->receiver, &run);
	snprintf(out, len, drops_read(&g->before) || guest_begin(g, &run, &to) ?
		 "ERROR the guest cannot start\n" : "OK\n");
}

static void answer_status(struct guest *g, const char *line,
			  const struct sockaddr_in *peer, char *out, size_t len)
{
	struct sender *s = &g->sender;
	struct totals t;
	struct drops d;

	(void)line;
	(void)peer;
	receiver_totals(&g->receiver, &t);
	if (drops_read(&d)) {
		snprintf(out, len, "ERROR no counters\n");
		return;
	}
	drops_since(&d, &g->before);
	snprintf(out, len,
		 "OK run=%u unique=%llu duplicated=%llu reordered=%llu stray=%llu corrupt=%llu sent=%llu reports=%llu send_errors=%llu late_us=%lld rcvbuf=%llu sndbuf=%llu softnet=%llu stream=%llu stream_broken=%d\n",
		 g->receiver.run.id, (unsigned long long)t.unique,
		 (unsigned long long)t.duplicated,
		 (unsigned long long)t.reordered, (unsigned long long)t.stray,
		 (unsigned long long)t.corrupt, (unsigned long long)s->sent,
		 (unsigned long long)s->reports,
		 (unsigned long long)s->errors, (long long)s->late / 1000,
		 (unsigned long long)d.rcvbuf, (unsigned long long)d.sndbuf,
		 (unsigned long long)d.softnet,
		 (unsigned long long)g->stream.received, g->stream.broken);
}

static void answer_stop(struct guest *g, const char *line,
			const struct sockaddr_in *peer, char *out, size_t len)
{
	guest_stop(g);
	answer_status(g, line, peer, out, len);
}

static void answer_holes(struct guest *g, const char *line,
			 const struct sockaddr_in *peer, char *out, size_t len)
{
	uint64_t sent = field(line, "sent", 0);
	uint64_t flow = field(line, "flow", 0);
	char holes[256] = "";

	(void)peer;
	pthread_mutex_lock(&g->receiver.lock);
	if (flow < g->receiver.run.flows && sent <= MAX_SEQ)
		seqs_holes(&g->receiver.flows[flow], sent, holes,
			   sizeof(holes));
	pthread_mutex_unlock(&g->receiver.lock);
	snprintf(out, len, "OK %s\n", holes);
}

static const struct request requests[] = {
	{ "PING", answer_ping },
	{ "START", answer_start },
	{ "STATUS", answer_status },
	{ "STOP", answer_stop },
	{ "HOLES", answer_holes },
};

static void guest_answer(struct guest *g, int fd,
			 const struct sockaddr_in *peer)
{
	char line[LINE_MAX_LEN], out[LINE_MAX_LEN];
	size_t i, len;

	if (read_line(fd, line, sizeof(line), REQUEST_MS) < 0)
		return;
	snprintf(out, sizeof(out), "ERROR unknown request\n");
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		len = strlen(requests[i].name);
		if (!strncmp(line, requests[i].name, len) &&
		    (line[len] == ' ' || line[len] == '\0'))
			requests[i].answer(g, line, peer, out, sizeof(out));
	}
	write_all(fd, out, strlen(out));
}

static int listener(uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 16)) {
		fprintf(stderr, "traffic: TCP port %u: %s\n", port,
			strerror(errno));
		exit(1);
	}
	return fd;
}

static void *stream_server(void *arg)
{
	struct guest *g = arg;
	int fd, listening = listener(PORT_STREAM);

	for (;;) {
		fd = accept(listening, NULL, NULL);
		if (fd < 0)
			continue;
		stream_answer(fd, &g->stream);
		close(fd);
	}
	return NULL;
}

static void guest_serve(struct guest *g)
{
	int fd, listening = listener(PORT_CONTROL);
	struct sockaddr_in peer;
	socklen_t len;

	printf("traffic: ready\n");
	fflush(stdout);
	for (;;) {
		len = sizeof(peer);
		fd = accept(listening, (struct sockaddr *)&peer, &len);
		if (fd < 0)
			continue;
		guest_answer(g, fd, &peer);
		close(fd);
	}
}

int guest_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 'i' },
		{ "channels", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	static struct guest guest = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const char *interface = NULL;
	uint16_t port = PORT_UDP;
	uint32_t channels = 0;
	pthread_t thread;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'i':
			interface = optarg;
			break;
		case 'c':
			channels = strtoul(optarg, NULL, 10);
			break;
		default:
			return 1;
		}
	}
	raise_backlog();
	if (interface && raise_txqueuelen(interface, 10000))
		return 1;
	if (interface && channels && set_channels(interface, channels))
		return 1;
	if (receiver_open(&guest.receiver, &port) ||
	    start_thread(&thread, traffic_thread, &guest, PRIORITY) ||
	    start_thread(&thread, stream_server, &guest, 0))
		return 1;
	guest_serve(&guest);
	return 0;
}
