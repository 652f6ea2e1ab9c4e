// SPDX-License-Identifier: GPL-2.0-or-later
/* What a datagram looks like: a header, and a filling that depends on it. */
#include <endian.h>
#include <string.h>

#include "traffic.h"

#define MAGIC	0x746b7470U

struct wire {
	uint32_t magic;
	uint32_t run;
	uint32_t flow;
	uint32_t size;
	uint64_t seq;
	uint64_t rx_count;
	uint64_t rx_next;
	uint8_t filling[];
};

_Static_assert(sizeof(struct wire) <= MIN_SIZE, "the header has to fit");

static uint8_t filling(uint64_t seq, size_t at)
{
	return (uint8_t)(seq * 131 + at * 7 + (seq >> 8));
}

void packet_encode(const struct packet *p, void *buf, size_t size)
{
	struct wire *w = buf;
	size_t i;

	w->magic = htole32(MAGIC);
	w->run = htole32(p->run);
	w->flow = htole32(p->flow);
	w->size = htole32((uint32_t)size);
	w->seq = htole64(p->seq);
	w->rx_count = htole64(p->rx_count);
	w->rx_next = htole64(p->rx_next);
	for (i = 0; i < size - sizeof(*w); i++)
		w->filling[i] = filling(p->seq, i);
}

enum packet_kind packet_decode(struct packet *p, const void *buf, size_t size)
{
	const struct wire *w = buf;
	size_t i;

	if (size < MIN_SIZE || le32toh(w->magic) != MAGIC)
		return PACKET_STRAY;
	p->run = le32toh(w->run);
	p->flow = le32toh(w->flow);
	p->seq = le64toh(w->seq);
	p->rx_count = le64toh(w->rx_count);
	p->rx_next = le64toh(w->rx_next);
	if (le32toh(w->size) != size)
		return PACKET_CORRUPT;
	for (i = 0; i < size - sizeof(*w); i++)
		if (w->filling[i] != filling(p->seq, i))
			return PACKET_CORRUPT;
	return PACKET_GOOD;
}
