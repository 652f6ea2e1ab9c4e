// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes that get past the first checks: most inputs are made a hand-over again
 * after libFuzzer has changed some bytes of them, with one part left as it came.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/tapkeep.h>

#include "input.h"
#include "libfuzzer.h"

#define HEADER		120
#define QUEUE		16
#define CRC		4
#define NAME		56

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void put(uint8_t *to, uint64_t value, unsigned int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*to++ = value;
}

static uint32_t crc32_of(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0U;
	int bit;

	while (len--)
		for (crc ^= *p++, bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	return ~crc;
}

static void repair_name(uint8_t *name)
{
	static const char letters[] = "abcXYZ019._:-";
	int i;

	for (i = 0; i < TAPKEEP_NAME_LEN - 1 && name[i]; i++)
		if (!strchr(letters, name[i]))
			name[i] = letters[name[i] % (sizeof(letters) - 1)];
	if (!i)
		name[i++] = 'v';
	memset(name + i, 0, TAPKEEP_NAME_LEN - i);
}

/*
 * Make @len bytes at @p a hand-over, but for one part of it now and then: then
 * that is what is wrong, and everything else is right.
 */
static size_t repair(uint8_t *p, size_t len, uint32_t *random)
{
	uint32_t spared = next_random(random) % 16;
	uint32_t nr = (len - HEADER - CRC) / QUEUE;

	if (nr > TAPKEEP_MAX_QUEUES)
		nr = TAPKEEP_MAX_QUEUES;
	len = HEADER + nr * QUEUE + CRC;
	if (spared != 0)
		memcpy(p, "TAPKEEP\x1a", 8);
	if (spared != 1)
		put(p + 8, 1, 2);
	if (spared != 2)
		put(p + 10, QUEUE, 2);
	if (spared != 3)
		put(p + 12, len, 4);
	if (spared != 4)
		p[43] = 0;
	if (spared != 5)
		put(p + 50, (p[50] | p[51] << 8) % (nr + 1), 2);
	if (spared != 6)
		put(p + 52, nr, 4);
	if (spared != 7)
		repair_name(p + NAME);
	if (spared != 8)
		put(p + len - CRC, crc32_of(p, len - CRC), CRC);
	return len;
}

/* As many descriptors as there have to be, in the pieces that there are. */
static void repair_pieces(uint8_t *head, size_t len)
{
	uint32_t left = 1 + (len - HEADER - CRC) / QUEUE, fds;
	int i, nr = head[3] % (INPUT_PIECES + 1);

	for (i = 0; i < nr; i++) {
		fds = left > 253 ? 253 : left;
		head[4 + INPUT_PIECE * i + 2] = fds;
		left -= fds;
	}
}

/* Attributes that are within the bytes there are, and first of all a name. */
static void repair_attributes(uint8_t *p, size_t len, uint32_t *random)
{
	static const uint8_t name[] = { 6, 0, TAPKEEP_A_NAME, 0, 'v', 0, 0, 0 };
	size_t at, size;

	memcpy(p, name, sizeof(name));
	for (at = sizeof(name); at + 4 <= len; at += (size + 3) & ~3) {
		size = 4 + (p[at] | p[at + 1] << 8) % 33;
		if (size > len - at)
			size = len - at;
		if (!(next_random(random) % 32))
			continue;
		put(p + at, size, 2);
		/* Nested attributes are flagged as such, or not. */
		put(p + at + 2, (p[at + 2] % (TAPKEEP_A_MAX + 2)) |
		    (p[at + 3] & 0x80) << 8, 2);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	const size_t least = INPUT_HEAD + HEADER + QUEUE + CRC;
	uint32_t random = seed | 1;

	size = LLVMFuzzerMutate(data, size, max_size);
	next_random(&random);
	if (!(next_random(&random) % 4) || max_size < least)
		return size;
	if (size < least) {
		memset(data + size, 0, least - size);
		size = least;
	}
	if (data[0] % INPUT_KINDS == INPUT_NETLINK) {
		repair_attributes(data + INPUT_HEAD, size - INPUT_HEAD,
				  &random);
		return size;
	}
	size = INPUT_HEAD + repair(data + INPUT_HEAD, size - INPUT_HEAD,
				   &random);
	if (next_random(&random) % 4)
		repair_pieces(data, size - INPUT_HEAD);
	return size;
}
