// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hand-over without the module: as bytes, and on a socket. Pipes stand in
 * for the offer and the queues.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <tapkeep-vmm.h>

#include "harness.h"
#include "passing.h"

#define SIZE_MAX_QUEUES	(124 + 16 * TAPKEEP_MAX_QUEUES)
#define BOUND_MS	5000

static struct tapkeep_queue_state queue_states[TAPKEEP_MAX_QUEUES];

static struct tapkeep_handover example(uint32_t nr_queues)
{
	struct tapkeep_handover h = {
		.name = "vm1",
		.generation = 0x1122334455667788ULL,
		.nic = {
			.flags = TAPKEEP_STATE_STOPPED,
			.features = 0x8877665544332211ULL,
			.offloads = 0x7f,
			.vnet_hdr_len = 12,
			.vnet_hdr_endian = TAPKEEP_ENDIAN_LITTLE,
			.mac = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 },
			.active_queue_pairs = nr_queues,
			.nr_queues = nr_queues,
			.queues = queue_states,
		},
	};
	uint32_t i;

	for (i = 0; i < nr_queues && i < TAPKEEP_MAX_QUEUES; i++)
		queue_states[i] = (struct tapkeep_queue_state){
			.rx_last_avail = 0x8001 + i,
			.rx_used = 0x0203 + i,
			.tx_last_avail = 0x0405 + i,
			.tx_used = 0x0607 + i,
			.rx_size = 256 + i,
			.tx_size = 1024 + i,
			.flags = TAPKEEP_QUEUE_ENABLED,
		};
	return h;
}

static bool same(const struct tapkeep_handover *a,
		 const struct tapkeep_handover *b)
{
	return !strcmp(a->name, b->name) && a->generation == b->generation &&
	       a->nic.flags == b->nic.flags &&
	       a->nic.features == b->nic.features &&
	       a->nic.offloads == b->nic.offloads &&
	       a->nic.vnet_hdr_len == b->nic.vnet_hdr_len &&
	       a->nic.vnet_hdr_endian == b->nic.vnet_hdr_endian &&
	       !memcmp(a->nic.mac, b->nic.mac, sizeof(a->nic.mac)) &&
	       a->nic.active_queue_pairs == b->nic.active_queue_pairs &&
	       a->nic.nr_queues == b->nic.nr_queues &&
	       !memcmp(a->nic.queues, b->nic.queues,
		       a->nic.nr_queues * sizeof(*a->nic.queues));
}

/* For forgeries: a CRC of its own, so that only what is forged is wrong. */
static void seal(uint8_t *buf, size_t len)
{
	uint32_t crc = ~0U;
	size_t i;
	int bit;

	for (i = 0; i < len - 4; i++) {
		crc ^= buf[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
	}
	crc = ~crc;
	for (i = 0; i < 4; i++)
		buf[len - 4 + i] = crc >> (8 * i);
}

TEST(round_trip_at_every_number_of_queues)
{
	uint8_t buf[SIZE_MAX_QUEUES];
	struct tapkeep_vmm_error err;
	uint32_t nr;

	for (nr = 1; nr <= TAPKEEP_MAX_QUEUES; nr++) {
		struct tapkeep_handover in = example(nr), out;
		int len = tapkeep_handover_encode(&in, buf, sizeof(buf), &err);

		ASSERT_EQ(tapkeep_handover_size(nr), len);
		ASSERT_EQ(0, tapkeep_handover_decode(&out, buf, len, &err))
			TH_LOG("%s", err.msg);
		ASSERT_TRUE(same(&in, &out));
		tapkeep_handover_clear(&out);
		ASSERT_EQ(NULL, out.nic.queues);
	}
}

/* The layout is a contract between releases: it is written down here again. */
TEST(bytes_are_where_the_documentation_says)
{
	static const uint8_t head[] = {
		'T', 'A', 'P', 'K', 'E', 'E', 'P', 0x1a,	/* magic */
		1, 0, 16, 0,			/* version, queue entry */
		140, 0, 0, 0,			/* length */
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
		1, 0, 0, 0,			/* flags */
		0x7f, 0, 0, 0,			/* offloads */
		12, 0, 1, 0,			/* vnet header */
		0x52, 0x54, 0, 0x12, 0x34, 0x56,
		1, 0,				/* active queue pairs */
		1, 0, 0, 0,			/* queues */
		'v', 'm', '1', 0,
	};
	static const uint8_t queue[] = {
		0x01, 0x80, 0x03, 0x02, 0x05, 0x04, 0x07, 0x06,
		0, 1, 0, 4, 1, 0, 0, 0,
	};
	struct tapkeep_handover in = example(1);
	uint8_t buf[140], sealed[140];

	ASSERT_EQ(140, tapkeep_handover_encode(&in, buf, sizeof(buf), NULL));
	EXPECT_EQ(0, memcmp(buf, head, sizeof(head)));
	EXPECT_EQ(0, memcmp(buf + 120, queue, sizeof(queue)));
	memcpy(sealed, buf, sizeof(buf));
	seal(sealed, sizeof(sealed));
	EXPECT_EQ(0, memcmp(buf, sealed, sizeof(buf)));
}

TEST(truncation_at_every_length_is_refused)
{
	struct tapkeep_handover in = example(3), out;
	uint8_t buf[SIZE_MAX_QUEUES];
	int len, cut;

	len = tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);
	ASSERT_LT(0, len);
	for (cut = 0; cut < len; cut++) {
		/* exactly as large as it is, for the sanitizers to watch */
		uint8_t *part = malloc(cut ? cut : 1);

		memcpy(part, buf, cut);
		ASSERT_EQ(-EBADMSG,
			  tapkeep_handover_decode(&out, part, cut, NULL));
		ASSERT_EQ(NULL, out.nic.queues);
		free(part);
	}
}

TEST(trailing_bytes_are_refused)
{
	struct tapkeep_handover in = example(2), out;
	uint8_t buf[SIZE_MAX_QUEUES] = { 0 };
	int len = tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);

	ASSERT_EQ(-EBADMSG, tapkeep_handover_decode(&out, buf, len + 1, NULL));
}

TEST(every_single_bit_that_flips_is_noticed)
{
	struct tapkeep_handover in = example(2), out;
	uint8_t buf[SIZE_MAX_QUEUES];
	struct tapkeep_vmm_error err;
	int len, bit;

	len = tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);
	ASSERT_LT(0, len);
	for (bit = 0; bit < len * 8; bit++) {
		buf[bit / 8] ^= 1 << bit % 8;
		memset(&err, 0, sizeof(err));
		ASSERT_EQ(-EBADMSG,
			  tapkeep_handover_decode(&out, buf, len, &err));
		ASSERT_EQ(EBADMSG, err.code);
		ASSERT_NE('\0', err.msg[0]);
		buf[bit / 8] ^= 1 << bit % 8;
	}
	ASSERT_EQ(0, tapkeep_handover_decode(&out, buf, len, NULL));
	tapkeep_handover_clear(&out);
}

TEST(another_version_is_told_from_damage)
{
	struct tapkeep_handover in = example(1), out;
	struct tapkeep_vmm_error err;
	uint8_t buf[140];

	tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);
	buf[8] = 2;
	seal(buf, sizeof(buf));
	ASSERT_EQ(-EPROTONOSUPPORT,
		  tapkeep_handover_decode(&out, buf, sizeof(buf), &err));
	EXPECT_NE(NULL, strstr(err.msg, "version 2"));
	EXPECT_NE(NULL, strstr(err.msg, "knows 1"));
}

/* Each is what only a broken or hostile sender makes: the CRC is right. */
TEST(values_out_of_range_are_refused)
{
	static const struct {
		const char *what;
		int offset;
		uint8_t value;
	} forgeries[] = {
		{ "queue entry size", 10, 8 },
		{ "length", 12, 139 },
		{ "length beyond memory", 15, 0xff },
		{ "reserved byte", 43, 1 },
		{ "active pairs over queues", 50, 2 },
		{ "no queues", 52, 0 },
		{ "more queues than bytes", 52, 2 },
		{ "queues times size overflows", 55, 0x10 },
		{ "empty name", 56, 0 },
		{ "slash in the name", 57, '/' },
		{ "bytes after the name's end", 119, 'x' },
	};
	struct tapkeep_handover in = example(1), out;
	uint8_t buf[140];
	size_t i;

	for (i = 0; i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
		tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);
		buf[forgeries[i].offset] = forgeries[i].value;
		seal(buf, sizeof(buf));
		EXPECT_EQ(-EBADMSG, tapkeep_handover_decode(&out, buf,
							    sizeof(buf), NULL))
			TH_LOG("%s", forgeries[i].what);
	}
}

TEST(a_name_without_end_is_refused)
{
	struct tapkeep_handover in = example(1), out;
	uint8_t buf[140];

	tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);
	memset(buf + 56, 'x', TAPKEEP_NAME_LEN);
	seal(buf, sizeof(buf));
	ASSERT_EQ(-EBADMSG,
		  tapkeep_handover_decode(&out, buf, sizeof(buf), NULL));
	memset(in.name, 'x', sizeof(in.name));
	ASSERT_EQ(-EINVAL,
		  tapkeep_handover_encode(&in, buf, sizeof(buf), NULL));
}

TEST(encoding_refuses_what_does_not_fit)
{
	struct tapkeep_handover in = example(2);
	uint8_t buf[SIZE_MAX_QUEUES];
	struct tapkeep_vmm_error err;

	ASSERT_EQ(-EMSGSIZE, tapkeep_handover_encode(&in, buf, 155, &err));
	EXPECT_NE(NULL, strstr(err.msg, "156"));
	EXPECT_NE(NULL, strstr(err.msg, "155"));
	in.nic.nr_queues = 0;
	ASSERT_EQ(-EINVAL,
		  tapkeep_handover_encode(&in, buf, sizeof(buf), NULL));
	in.nic.nr_queues = TAPKEEP_MAX_QUEUES + 1;
	ASSERT_EQ(-EINVAL,
		  tapkeep_handover_encode(&in, buf, sizeof(buf), NULL));
}

static int open_fds(void)
{
	int fd, nr = 0;

	for (fd = 0; fd < 1024; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Two ends of a Unix stream, and pipes to send over it. */
FIXTURE(socket)
{
	int end[2];
	int pipes[1 + TAPKEEP_MAX_QUEUES][2];
	int fds[1 + TAPKEEP_MAX_QUEUES];
	int received[TAPKEEP_MAX_QUEUES];
	int offer;
	struct tapkeep_vmm_error err;
};

FIXTURE_SETUP(socket)
{
	struct rlimit limit = { 4096, 4096 };
	int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, self->end));
	for (i = 0; i <= TAPKEEP_MAX_QUEUES; i++) {
		ASSERT_EQ(0, pipe(self->pipes[i]));
		self->fds[i] = self->pipes[i][0];
	}
	self->offer = -1;
}

FIXTURE_TEARDOWN(socket)
{
	int i;

	close(self->end[0]);
	close(self->end[1]);
	for (i = 0; i <= TAPKEEP_MAX_QUEUES; i++) {
		close(self->pipes[i][0]);
		close(self->pipes[i][1]);
	}
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return !fstat(a, &sa) && !fstat(b, &sb) && sa.st_ino == sb.st_ino;
}

static void check_transfer(struct __test_metadata *_metadata,
			   FIXTURE_DATA(socket) *self, uint32_t nr)
{
	struct tapkeep_handover in = example(nr), out;
	uint32_t i;

	ASSERT_EQ(0, tapkeep_handover_send(self->end[0], &in, self->fds[0],
					   self->fds + 1, BOUND_MS,
					   &self->err))
		TH_LOG("%s", self->err.msg);
	ASSERT_EQ(0, tapkeep_handover_recv(self->end[1], &out, &self->offer,
					   self->received, BOUND_MS,
					   &self->err))
		TH_LOG("%s", self->err.msg);
	ASSERT_TRUE(same(&in, &out));
	ASSERT_TRUE(same_file(self->offer, self->fds[0]));
	ASSERT_EQ(FD_CLOEXEC, fcntl(self->offer, F_GETFD));
	close(self->offer);
	for (i = 0; i < nr; i++) {
		ASSERT_TRUE(same_file(self->received[i], self->fds[1 + i]));
		ASSERT_EQ(FD_CLOEXEC, fcntl(self->received[i], F_GETFD));
		close(self->received[i]);
	}
	tapkeep_handover_clear(&out);
}

/* 252 queues and the offer fill one message of the socket, 253 need two. */
TEST_F(socket, descriptors_arrive_in_order)
{
	static const uint32_t numbers[] = { 1, 2, 4, 251, 252, 253, 255, 256 };
	int before = 0;
	size_t i;

	before = open_fds();
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		check_transfer(_metadata, self, numbers[i]);
	ASSERT_EQ(before, open_fds());
}

/* Given a VMM's own words before and after, when received, then they stay. */
TEST_F(socket, the_stream_goes_on_after_it)
{
	char word[8] = { 0 };

	ASSERT_EQ(5, write(self->end[0], "hello", 5));
	ASSERT_EQ(5, read(self->end[1], word, sizeof(word)));
	check_transfer(_metadata, self, 256);
	ASSERT_EQ(3, write(self->end[0], "bye", 3));
	ASSERT_EQ(3, read(self->end[1], word, sizeof(word)));
}

/* Whatever is asked for, with all descriptors on the first byte. */
static void send_raw(int sock, const uint8_t *buf, size_t len, const int *fds,
		     uint32_t nr)
{
	if (!send_with_fds(sock, buf, len, fds, nr, 0))
		abort();
}

static void expect_refused(struct __test_metadata *_metadata,
			   FIXTURE_DATA(socket) *self, int error)
{
	struct tapkeep_handover out;
	int before = open_fds();
	int fds[TAPKEEP_MAX_QUEUES];

	EXPECT_EQ(-error, tapkeep_handover_recv(self->end[1], &out,
						&self->offer, fds, 200,
						&self->err));
	EXPECT_EQ(error, self->err.code);
	EXPECT_EQ(before, open_fds());
	EXPECT_EQ(-1, self->offer);
	EXPECT_EQ(NULL, out.nic.queues);
}

TEST_F(socket, a_missing_descriptor_is_refused)
{
	struct tapkeep_handover in = example(4);
	uint8_t buf[SIZE_MAX_QUEUES];
	int len = tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);

	send_raw(self->end[0], buf, len, self->fds, 4);
	expect_refused(_metadata, self, EBADMSG);
	EXPECT_NE(NULL, strstr(self->err.msg, "4 descriptors"));
	EXPECT_NE(NULL, strstr(self->err.msg, "make 5"));
}

TEST_F(socket, a_surplus_descriptor_is_refused)
{
	struct tapkeep_handover in = example(4);
	uint8_t buf[SIZE_MAX_QUEUES];
	int len = tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);

	send_raw(self->end[0], buf, len, self->fds, 6);
	expect_refused(_metadata, self, EBADMSG);
	EXPECT_NE(NULL, strstr(self->err.msg, "6 descriptors"));
}

TEST_F(socket, no_descriptor_at_all_is_refused)
{
	struct tapkeep_handover in = example(1);
	uint8_t buf[SIZE_MAX_QUEUES];
	int len = tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);

	send_raw(self->end[0], buf, len, NULL, 0);
	expect_refused(_metadata, self, EBADMSG);
}

TEST_F(socket, a_flood_of_descriptors_is_refused_early)
{
	struct tapkeep_handover in = example(256);
	uint8_t buf[SIZE_MAX_QUEUES];
	int i;

	tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);
	for (i = 0; i < 4; i++)
		send_raw(self->end[0], buf + i, 1, self->fds, 253);
	expect_refused(_metadata, self, EBADMSG);
	EXPECT_NE(NULL, strstr(self->err.msg, "506"));
}

/* Given no room for descriptors, when they come, then none of them stays. */
TEST_F(socket, truncated_control_data_is_refused)
{
	struct tapkeep_handover in = example(8);
	struct rlimit limit;
	int lowest;

	ASSERT_EQ(0, tapkeep_handover_send(self->end[0], &in, self->fds[0],
					   self->fds + 1, BOUND_MS, NULL));
	lowest = dup(0);
	ASSERT_LT(0, lowest);
	close(lowest);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = lowest + 3;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	expect_refused(_metadata, self, EBADMSG);
	EXPECT_NE(NULL, strstr(self->err.msg, "truncated after 3"));
	EXPECT_NE(NULL, strstr(self->err.msg, "RLIMIT_NOFILE"));
}

TEST_F(socket, damaged_bytes_are_refused_and_descriptors_closed)
{
	struct tapkeep_handover in = example(2);
	uint8_t buf[SIZE_MAX_QUEUES];
	int len = tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);

	buf[30] ^= 4;
	send_raw(self->end[0], buf, len, self->fds, 3);
	expect_refused(_metadata, self, EBADMSG);
	EXPECT_NE(NULL, strstr(self->err.msg, "CRC"));
}

TEST_F(socket, a_peer_that_closes_early_is_told_at_every_length)
{
	struct tapkeep_handover in = example(1);
	uint8_t buf[SIZE_MAX_QUEUES];
	int len = tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);
	int cut;

	for (cut = 0; cut < len; cut++) {
		if (cut)
			send_raw(self->end[0], buf, cut, self->fds, 2);
		close(self->end[0]);
		expect_refused(_metadata, self, ECONNRESET);
		close(self->end[1]);
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, self->end));
	}
}

TEST_F(socket, receiving_has_a_bound)
{
	struct tapkeep_handover in = example(1);
	uint8_t buf[SIZE_MAX_QUEUES];
	int64_t start = now_ms();

	tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);
	send_raw(self->end[0], buf, 100, self->fds, 2);
	expect_refused(_metadata, self, ETIMEDOUT);
	EXPECT_LE(200, now_ms() - start);
	EXPECT_GT(BOUND_MS, now_ms() - start);
	EXPECT_NE(NULL, strstr(self->err.msg, "200 ms"));
}

TEST_F(socket, sending_has_a_bound)
{
	struct tapkeep_handover in = example(1);
	int64_t start = now_ms();
	char fill[4096] = { 0 };
	int yes = 1;

	ASSERT_EQ(0, ioctl(self->end[0], FIONBIO, &yes));
	while (write(self->end[0], fill, sizeof(fill)) > 0)
		;
	yes = 0;
	ASSERT_EQ(0, ioctl(self->end[0], FIONBIO, &yes));
	EXPECT_EQ(-ETIMEDOUT,
		  tapkeep_handover_send(self->end[0], &in, self->fds[0],
					self->fds + 1, 200, &self->err));
	EXPECT_LE(200, now_ms() - start);
	EXPECT_GT(BOUND_MS, now_ms() - start);
}

TEST_F(socket, a_peer_that_is_gone_is_an_error_and_not_a_signal)
{
	struct tapkeep_handover in = example(1);

	close(self->end[1]);
	ASSERT_EQ(-EPIPE, tapkeep_handover_send(self->end[0], &in,
						self->fds[0], self->fds + 1,
						BOUND_MS, &self->err));
	EXPECT_NE(NULL, strstr(self->err.msg, "closed"));
}

struct writer {
	int sock;
	const uint8_t *buf;
	size_t len;
	const int *fds;
	uint32_t nr;
};

/* The smallest buffers there are: each side has to wait for the other. */
static void *slow_sender(void *arg)
{
	const struct writer *w = arg;
	size_t i;

	for (i = 0; i < w->len; i++) {
		send_raw(w->sock, w->buf + i, 1, w->fds + i, i < w->nr);
		if (!(i % 16))
			usleep(1000);
	}
	return NULL;
}

TEST_F(socket, one_byte_and_one_descriptor_at_a_time)
{
	struct tapkeep_handover in = example(5), out;
	uint8_t buf[SIZE_MAX_QUEUES];
	struct writer writer = { self->end[0], buf, 0, self->fds, 6 };
	pthread_t thread;
	int i;

	writer.len = tapkeep_handover_encode(&in, buf, sizeof(buf), NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, slow_sender, &writer));
	ASSERT_EQ(0, tapkeep_handover_recv(self->end[1], &out, &self->offer,
					   self->received, BOUND_MS,
					   &self->err))
		TH_LOG("%s", self->err.msg);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_TRUE(same(&in, &out));
	tapkeep_handover_clear(&out);
	ASSERT_TRUE(same_file(self->offer, self->fds[0]));
	for (i = 0; i < 5; i++)
		ASSERT_TRUE(same_file(self->received[i], self->fds[i + 1]));
}

TEST_F(socket, a_socket_that_asks_for_credentials_works_too)
{
	int yes = 1;

	ASSERT_EQ(0, setsockopt(self->end[1], SOL_SOCKET, SO_PASSCRED, &yes,
				sizeof(yes)));
	check_transfer(_metadata, self, 256);
}

static void expect_no_channel(struct __test_metadata *_metadata,
			      FIXTURE_DATA(socket) *self, int fd, int error)
{
	struct tapkeep_handover in = example(1), out;

	EXPECT_EQ(-error, tapkeep_handover_send(fd, &in, self->fds[0],
						self->fds + 1, BOUND_MS,
						&self->err));
	EXPECT_EQ(-error, tapkeep_handover_recv(fd, &out, &self->offer,
						self->received, BOUND_MS,
						&self->err));
	EXPECT_NE(NULL, strstr(self->err.msg, "Unix-domain stream socket"));
}

TEST_F(socket, only_a_unix_stream_will_do)
{
	int dgram[2];
	int tcp = socket(AF_INET, SOCK_STREAM, 0);

	ASSERT_LE(0, tcp);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram));
	expect_no_channel(_metadata, self, self->pipes[0][1], ENOTSOCK);
	expect_no_channel(_metadata, self, tcp, EPROTOTYPE);
	expect_no_channel(_metadata, self, dgram[0], EPROTOTYPE);
	expect_no_channel(_metadata, self, -1, EBADF);
	close(tcp);
	close(dgram[0]);
	close(dgram[1]);
}

/* Without the module, every call that needs it says so, and what to do. */
TEST(a_missing_module_is_named)
{
	struct tapkeep_vmm_error err = { 0 };
	struct tapkeep_vmm *vmm;
	int fd = 0;

	setenv("TAPKEEP_DEVICE", "/nonexistent/tapkeep", 1);
	EXPECT_EQ(-ENXIO, tapkeep_vmm_probe("vm1", &err));
	EXPECT_NE(NULL, strstr(err.msg, "modprobe tapkeep"));
	EXPECT_EQ(-ENXIO, tapkeep_vmm_create(&vmm, "vm1", 0, 0, &fd, 1, &err));
	EXPECT_EQ(NULL, vmm);
	EXPECT_EQ(-ENXIO, tapkeep_vmm_restart(&vmm, "vm1", &err));
	EXPECT_EQ(NULL, vmm);
	EXPECT_EQ(-ENXIO, tapkeep_vmm_await(&vmm, "vm1", NULL));
	EXPECT_EQ(NULL, vmm);
	tapkeep_vmm_close(NULL);
}

TEST(a_name_that_is_too_long_is_refused_without_the_module)
{
	struct tapkeep_vmm_error err = { 0 };
	char name[TAPKEEP_NAME_LEN + 1];

	memset(name, 'x', sizeof(name));
	name[TAPKEEP_NAME_LEN] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, tapkeep_vmm_probe(name, &err));
	EXPECT_NE(NULL, strstr(err.msg, "63"));
}

TEST_HARNESS_MAIN
