// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything that a VMM takes from somebody else, given anything: a hand-over as
 * bytes, one on a socket with descriptors, two that are compared, a keep from
 * netlink. What is refused leaves nothing behind, no descriptor above all; what
 * is accepted is what was sent.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <tapkeep-netlink.h>

#include "check.h"
#include "handover.h"
#include "input.h"
#include "libfuzzer.h"
#include "passing.h"

#define MUST(condition)							\
	do {								\
		if (!(condition))					\
			broken(#condition, __LINE__);			\
	} while (0)

static struct {
	unsigned long runs, descriptors;
	unsigned long accepted[INPUT_KINDS], refused[INPUT_KINDS];
} count;
static enum input_kind kind;

static struct tapkeep_vmm_error error;

static void print_figures(void)
{
	static const char * const names[] = {
		[INPUT_BYTES] = "bytes",
		[INPUT_SOCKET] = "socket",
		[INPUT_STATE] = "state",
		[INPUT_NETLINK] = "netlink",
	};
	int i;

	fprintf(stderr, "figures: runs=%lu", count.runs);
	for (i = 0; i < INPUT_KINDS; i++)
		fprintf(stderr, " %s_accepted=%lu %s_refused=%lu", names[i],
			count.accepted[i], names[i], count.refused[i]);
	fprintf(stderr, " descriptors=%lu\n", count.descriptors);
}

__attribute__((noreturn))
static void broken(const char *condition, int line)
{
	fprintf(stderr, "line %d: not true: %s (the last error: %s)\n", line,
		condition, error.msg);
	print_figures();
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	atexit(print_figures);
	return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

/* The library's clock does not depend on the machine, so that runs repeat. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	*now = (struct timespec){ .tv_sec = 1 };
	return 0;
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	MUST(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static bool is_zero(const struct tapkeep_handover *handover)
{
	static const struct tapkeep_handover zero;

	return !memcmp(handover, &zero, sizeof(zero));
}

/* A refusal says why, with an error that is documented. */
static void check_refusal(int ret, const struct tapkeep_handover *handover)
{
	count.refused[kind]++;
	MUST(ret == -EBADMSG || ret == -EPROTONOSUPPORT);
	MUST(error.code == -ret && *error.msg);
	MUST(is_zero(handover));
}

/* What was accepted has one form only: the bytes that it came from. */
static void check_accepted(const struct tapkeep_handover *handover,
			   const uint8_t *data, size_t size)
{
	uint8_t *again = malloc(size);

	count.accepted[kind]++;
	MUST(again);
	MUST(tapkeep_handover_size(handover->nic.nr_queues) == size);
	MUST(tapkeep_handover_encode(handover, again, size, &error) ==
	     (int)size);
	MUST(!memcmp(data, again, size));
	free(again);
}

static bool decode(struct tapkeep_handover *handover, const uint8_t *data,
		   size_t size)
{
	int ret = tapkeep_handover_decode(handover, data, size, &error);

	if (ret)
		check_refusal(ret, handover);
	else
		check_accepted(handover, data, size);
	return !ret;
}

static void try_bytes(const uint8_t *data, size_t size)
{
	struct tapkeep_handover handover;

	if (decode(&handover, data, size))
		tapkeep_handover_clear(&handover);
	MUST(is_zero(&handover));
}

/* The keep has what came first, the stream says what comes next. */
static void try_state(const uint8_t *data, size_t size)
{
	struct tapkeep_handover keep, stream;
	size_t half = size / 2;
	int ret;

	if (!decode(&keep, data, size))
		return;
	MUST(!tapkeep_check_nic(keep.name, &keep.nic, &keep.nic, "stream",
				&error));
	if (decode(&stream, data, size)) {
		stream.nic.queues[half % stream.nic.nr_queues].flags ^= 2;
		ret = tapkeep_check_nic(keep.name, &keep.nic, &stream.nic,
					"stream", &error);
		MUST(ret == -EINVAL && strstr(error.msg, "flags"));
		tapkeep_handover_clear(&stream);
	}
	tapkeep_handover_clear(&keep);
}

/* false: the socket takes no more. */
static bool send_piece(int sock, const uint8_t *data, size_t size, int fd,
		       unsigned int nr)
{
	int fds[SENT_MAX];
	unsigned int i;

	for (i = 0; i < nr; i++)
		fds[i] = fd;
	count.descriptors += nr;
	return send_with_fds(sock, data, size, fds, nr, MSG_DONTWAIT);
}

/* The pieces that @head describes, and what is left over without descriptors. */
static void send_pieces(int sock, const uint8_t *head, const uint8_t *data,
			size_t size)
{
	int i, nr = head[3] % (INPUT_PIECES + 1);

	for (i = 0; i < nr && size; i++) {
		const uint8_t *piece = head + 4 + INPUT_PIECE * i;
		size_t len = piece[0] | piece[1] << 8;

		len = !len ? 1 : len > size ? size : len;
		if (!send_piece(sock, data, len, sock, piece[2] %
				(SENT_MAX + 1)))
			return;
		data += len;
		size -= len;
	}
	if (size)
		send_piece(sock, data, size, -1, 0);
}

/* As many descriptors as are open now, and @more. */
static struct rlimit limit_files(unsigned int more)
{
	struct rlimit was, limit;
	int lowest = dup(0);

	MUST(lowest >= 0 && !getrlimit(RLIMIT_NOFILE, &was));
	close(lowest);
	limit = (struct rlimit){ lowest + more, was.rlim_max };
	MUST(!setrlimit(RLIMIT_NOFILE, &limit));
	return was;
}

/* What follows in the stream is still there. */
static void check_rest(int sock, const uint8_t *rest, size_t size)
{
	uint8_t *buf = malloc(size + 1);
	ssize_t got = 0, more;

	MUST(buf);
	while ((more = recv(sock, buf + got, size + 1 - got,
			    MSG_DONTWAIT)) > 0)
		got += more;
	MUST((size_t)got <= size && !memcmp(buf, rest, got));
	free(buf);
}

static void check_received(int sock, struct tapkeep_handover *handover,
			   int offer, const int *fds, const uint8_t *data,
			   size_t size)
{
	size_t used = tapkeep_handover_size(handover->nic.nr_queues);
	uint32_t i;

	MUST(used <= size);
	check_accepted(handover, data, used);
	check_rest(sock, data + used, size - used);
	MUST(!close(offer));
	for (i = 0; i < handover->nic.nr_queues; i++)
		MUST(!close(fds[i]));
	tapkeep_handover_clear(handover);
}

static void receive(int sock, const uint8_t *data, size_t size)
{
	struct tapkeep_handover handover;
	int fds[TAPKEEP_MAX_QUEUES], offer = -1, ret;

	ret = tapkeep_handover_recv(sock, &handover, &offer, fds, 0, &error);
	if (!ret) {
		check_received(sock, &handover, offer, fds, data, size);
		return;
	}
	MUST(offer == -1);
	if (ret == -ETIMEDOUT || ret == -ECONNRESET) {
		count.refused[kind]++;
		MUST(is_zero(&handover));
	} else {
		check_refusal(ret, &handover);
	}
}

static void try_socket(const uint8_t *head, const uint8_t *data, size_t size)
{
	int before = open_descriptors(), ends[2], yes = 1;
	struct rlimit limit;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	if (head[1] & INPUT_CREDENTIALS)
		setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
	send_pieces(ends[0], head, data, size);
	if (head[1] & INPUT_CLOSES)
		shutdown(ends[0], SHUT_WR);
	if (head[1] & INPUT_FEW_FILES)
		limit = limit_files(head[2]);
	receive(ends[1], data, size);
	if (head[1] & INPUT_FEW_FILES)
		MUST(!setrlimit(RLIMIT_NOFILE, &limit));
	close(ends[0]);
	close(ends[1]);
	MUST(open_descriptors() == before);
}

static void try_netlink(const uint8_t *data, size_t size)
{
	struct tapkeep_keep keep;
	uint32_t event;
	int ret;

	ret = tapkeep_keep_parse(&keep, &event, data, size);
	if (ret) {
		count.refused[kind]++;
		MUST(ret == -EBADMSG);
	} else {
		count.accepted[kind]++;
		MUST(memchr(keep.name, 0, sizeof(keep.name)));
		MUST(memchr(keep.owner_comm, 0, sizeof(keep.owner_comm)));
		tapkeep_keep_clear(&keep);
	}
	MUST(!keep.queues && !keep.nr_queues);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *payload;

	if (size < INPUT_HEAD)
		return -1;
	count.runs++;
	error = (struct tapkeep_vmm_error){ 0 };
	/* Exactly as large as it is, and aligned as a receiver's buffer is. */
	size -= INPUT_HEAD;
	payload = malloc(size ? size : 1);
	MUST(payload);
	memcpy(payload, data + INPUT_HEAD, size);
	kind = data[0] % INPUT_KINDS;
	switch (kind) {
	case INPUT_BYTES:
		try_bytes(payload, size);
		break;
	case INPUT_SOCKET:
		try_socket(data, payload, size);
		break;
	case INPUT_STATE:
		try_state(payload, size);
		break;
	case INPUT_NETLINK:
		try_netlink(payload, size);
		break;
	default:
		break;
	}
	free(payload);
	return 0;
}
