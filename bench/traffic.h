/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traffic: numbered packets between a host and its guest, counted exactly.
 *
 *	host ── UDP, numbered ──> guest		"to_guest"
 *	host <── UDP, numbered ── guest		"from_guest"; each packet also
 *						says what the guest received
 *	host <── TCP, checked ──> guest		one stream, never reconnected
 *	host ── control, TCP, one connection for each request ──> guest
 *
 * A guest's clock stands still while the guest is stopped, so only the host
 * measures time: by the kernel's time stamp of each arrival, and for the other
 * direction by the arrival of the first report that says that the guest went
 * on receiving. The resolution of the latter is one report: 1 / rate.
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PORT_CONTROL	7700
#define PORT_STREAM	7701
#define PORT_UDP	7702

#define MAX_FLOWS	16
#define MIN_SIZE	64
#define MAX_SIZE	1400
#define MAX_RATE	100000
#define SOCKET_BUFFER	(32 << 20)
/* Numbers that one flow can use in one run. */
#define MAX_SEQ		(1ULL << 22)
#define LINE_MAX_LEN	1024
#define ANSWER_MS	3000

#define NSEC_PER_SEC	1000000000LL
#define NSEC_PER_MSEC	1000000LL

/* What one run does; the host decides, and tells the guest. */
struct run {
	uint32_t id;
	uint32_t rate;		/* packets per second, each direction */
	uint32_t size;		/* payload bytes */
	uint32_t flows;
	uint16_t port;		/* the host's UDP port */
};

/* seqs.c: which numbers of a flow have come */
struct seqs {
	uint64_t *bitmap;
	uint64_t next;		/* highest number + 1 */
	uint64_t unique;
	uint64_t duplicated;
	uint64_t reordered;
};

void seqs_reset(struct seqs *s);
/* Return: true if @seq is new. */
bool seqs_add(struct seqs *s, uint64_t seq);
/* Append "a-b" for each hole below @sent to @buf, as many as fit. */
void seqs_holes(const struct seqs *s, uint64_t sent, char *buf, size_t len);

/* gaps.c: the longest times in which nothing happened */
#define MAX_GAPS	128

struct gap {
	int64_t start;
	int64_t length;
};

struct gaps {
	int64_t last;		/* 0: nothing happened yet */
	int64_t end;		/* what happens after it does not count; 0: none */
	unsigned int nr;
	struct gap top[MAX_GAPS];
};

void gaps_event(struct gaps *g, int64_t now);
/* Count no further than @now: a gap that is open then ends there. */
void gaps_close(struct gaps *g, int64_t now);
int64_t gaps_longest(const struct gaps *g);
void gaps_print(const struct gaps *g, FILE *out);

/* packet.c: what a datagram looks like */
struct packet {
	uint32_t run;
	uint32_t flow;
	uint64_t seq;
	uint64_t rx_count;	/* what its sender had received: packets */
	uint64_t rx_next;	/* and the highest number + 1 */
};

enum packet_kind { PACKET_GOOD, PACKET_STRAY, PACKET_CORRUPT };

void packet_encode(const struct packet *p, void *buf, size_t size);
enum packet_kind packet_decode(struct packet *p, const void *buf, size_t size);

/* receiver.c: counts what arrives on a UDP socket */
struct batch;

struct receiver {
	int fd;
	struct batch *batch;
	pthread_mutex_t lock;	/* guards what follows, except the atomics */
	struct run run;		/* id 0: everything is stray */
	struct seqs flows[MAX_FLOWS];
	uint64_t stray;
	uint64_t corrupt;
	atomic_ullong count;
	atomic_ullong next;
	/* called with the lock held; @when: the kernel's time of arrival */
	void (*arrived)(void *arg, const struct packet *p, int64_t when);
	void *arg;
};

int receiver_open(struct receiver *r, uint16_t *port);
/* Take what is there, some at a time. @flags: recvmmsg()'s. Return: how many. */
int receiver_batch(struct receiver *r, int flags);
void receiver_begin(struct receiver *r, const struct run *run);

struct totals {
	uint64_t unique, duplicated, reordered, stray, corrupt;
};

void receiver_totals(struct receiver *r, struct totals *t);

/* sender.c: paced and numbered */
struct sender {
	struct run run;
	int fds[MAX_FLOWS];
	uint64_t sent;
	uint64_t errors;
	uint64_t reports;	/* of these, sent for what had arrived */
	int64_t deadline;
	int64_t last;
	int64_t late;		/* the furthest it ever was behind */
	const struct receiver *report;	/* whose counters go along, or NULL */
};

int sender_open(struct sender *s, const struct run *run,
		const struct sockaddr_in *to);
void sender_close(struct sender *s);
/* Send the next packet. Its number is used up only if it could be sent. */
int sender_one(struct sender *s);
/* Send one and move the deadline on by one period. */
int sender_paced(struct sender *s);
/* Tell at once that something arrived, but not more than once in a ms. */
void sender_report(struct sender *s);
uint64_t sender_flow_sent(const struct sender *s, unsigned int flow);

/* stream.c: TCP with content that is checked */
struct stream_totals {
	uint64_t sent;
	uint64_t received;
	bool broken;		/* an error, or wrong content */
	char why[96];
};

struct stream {
	struct sockaddr_in to;
	uint32_t run;
	pthread_t thread;
	atomic_bool stop;
	struct stream_totals totals;
};

int stream_start(struct stream *s);
/* Half-close, wait for the rest (bounded). Return: did it survive? */
bool stream_finish(struct stream *s);
/* The guest's end: answer on @fd until its end. */
void stream_answer(int fd, struct stream_totals *t);

/* stop.c: when a QEMU stops its guest */
struct stop {
	int fd;			/* to QMP; -1: not watched */
	size_t used;
	char text[LINE_MAX_LEN];
};

/* Connect to the QMP socket at @path, which nobody else has. Return: 0 or -1. */
int stop_watch(struct stop *s, const char *path);
/* Call when there is something to read. Return: true once, when it stops. */
bool stop_came(struct stop *s);
void stop_forget(struct stop *s);

/* kernel.c: counters and limits of this kernel */
struct drops {
	uint64_t rcvbuf;	/* /proc/net/snmp, Udp: RcvbufErrors */
	uint64_t sndbuf;	/* SndbufErrors */
	uint64_t softnet;	/* /proc/net/softnet_stat: backlog overflows */
};

int drops_read(struct drops *d);
void drops_since(struct drops *d, const struct drops *before);
void raise_backlog(void);
int raise_txqueuelen(const char *ifname, int len);
int set_channels(const char *ifname, uint32_t combined);

/* util.c */
int64_t clock_ns(clockid_t clock);
void sleep_until(int64_t deadline);
int udp_socket(int sndbuf, int rcvbuf);
int start_thread(pthread_t *t, void *(*fn)(void *), void *arg, int priority);
/* The number after " @key=" in @line, or @missing. */
uint64_t field(const char *line, const char *key, uint64_t missing);
/*
 * Is there something to read from @fd, within @wait_ns? Not rounded up: who is
 * before others must not spin for the rest.
 */
bool readable(int fd, int64_t wait_ns);
/* From one of two, of which the @second may be -1? Return: which, or -1. */
int readable_of(int first, int second, int64_t wait_ns);
/* Read a line within @timeout_ms. Return: its length without the newline. */
int read_line(int fd, char *buf, size_t len, int timeout_ms);
int write_all(int fd, const void *buf, size_t len);

int host_main(int argc, char **argv);
int guest_main(int argc, char **argv);

#endif /* TRAFFIC_H */
