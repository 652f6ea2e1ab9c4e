// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: The hand-over as bytes
 *
 * All numbers are little-endian. The magic, the version, the length and the
 * place of the CRC are the same in every version, so that damage can be told
 * from a version that is not known.
 *
 *	offset	bytes	what
 *	0	8	magic: "TAPKEEP" and 0x1a
 *	8	2	version: 1
 *	10	2	bytes of one queue's entry: 16
 *	12	4	length of it all, the CRC included
 *	16	8	generation
 *	24	8	features
 *	32	4	flags, TAPKEEP_STATE_*
 *	36	4	offloads, TUN_F_*
 *	40	2	vnet header length
 *	42	1	vnet header byte order, enum tapkeep_endian
 *	43	1	0
 *	44	6	MAC address
 *	50	2	active queue pairs
 *	52	4	number of queues, 1 to 256
 *	56	64	name, padded with NUL
 *	120	16 * n	one entry for each queue:
 *		+0	2	rx last available index
 *		+2	2	rx used index
 *		+4	2	tx last available index
 *		+6	2	tx used index
 *		+8	2	rx ring size
 *		+10	2	tx ring size
 *		+12	4	flags, TAPKEEP_QUEUE_*
 *	end - 4	4	CRC-32 (IEEE 802.3) of everything before it
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "handover.h"

#define VERSION		1
#define HEADER_SIZE	120
#define QUEUE_SIZE	16
#define CRC_SIZE	4

static const uint8_t magic[8] = { 'T', 'A', 'P', 'K', 'E', 'E', 'P', 0x1a };

static uint8_t *put(uint8_t *to, uint64_t value, unsigned int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*to++ = value & 0xff;
	return to;
}

static uint64_t get(const uint8_t **from, unsigned int bytes)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		value |= (uint64_t)(*from)[i] << (8 * i);
	*from += bytes;
	return value;
}

/* Without a table: a hand-over is at most a few kilobytes, once per swap. */
static uint32_t crc32_of(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0U;
	int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

/* Not isalnum(), which asks the locale. */
static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("._:-", c));
}

static bool name_is_valid(const char *name)
{
	size_t len = strnlen(name, TAPKEEP_NAME_LEN);
	size_t i;

	for (i = 0; i < len; i++)
		if (!is_name_char(name[i]))
			return false;
	for (; i < TAPKEEP_NAME_LEN; i++)
		if (name[i])
			return false;
	return len && len < TAPKEEP_NAME_LEN;
}

size_t tapkeep_handover_size(uint32_t nr_queues)
{
	return HEADER_SIZE + (size_t)nr_queues * QUEUE_SIZE + CRC_SIZE;
}

static uint8_t *put_queue(uint8_t *p, const struct tapkeep_queue_state *queue)
{
	p = put(p, queue->rx_last_avail, 2);
	p = put(p, queue->rx_used, 2);
	p = put(p, queue->tx_last_avail, 2);
	p = put(p, queue->tx_used, 2);
	p = put(p, queue->rx_size, 2);
	p = put(p, queue->tx_size, 2);
	return put(p, queue->flags, 4);
}

static void get_queue(const uint8_t **p, struct tapkeep_queue_state *queue)
{
	queue->rx_last_avail = get(p, 2);
	queue->rx_used = get(p, 2);
	queue->tx_last_avail = get(p, 2);
	queue->tx_used = get(p, 2);
	queue->rx_size = get(p, 2);
	queue->tx_size = get(p, 2);
	queue->flags = get(p, 4);
}

static uint8_t *put_header(uint8_t *p, const struct tapkeep_handover *handover,
			   size_t size)
{
	const struct tapkeep_nic *nic = &handover->nic;
	size_t name_len = strlen(handover->name);

	memcpy(p, magic, sizeof(magic));
	p = put(p + sizeof(magic), VERSION, 2);
	p = put(p, QUEUE_SIZE, 2);
	p = put(p, size, 4);
	p = put(p, handover->generation, 8);
	p = put(p, nic->features, 8);
	p = put(p, nic->flags, 4);
	p = put(p, nic->offloads, 4);
	p = put(p, nic->vnet_hdr_len, 2);
	p = put(p, nic->vnet_hdr_endian, 1);
	p = put(p, 0, 1);
	memcpy(p, nic->mac, sizeof(nic->mac));
	p = put(p + sizeof(nic->mac), nic->active_queue_pairs, 2);
	p = put(p, nic->nr_queues, 4);
	memset(p, 0, TAPKEEP_NAME_LEN);
	memcpy(p, handover->name, name_len);
	return p + TAPKEEP_NAME_LEN;
}

static int check_to_encode(const struct tapkeep_handover *handover, size_t len,
			   struct tapkeep_vmm_error *err)
{
	uint32_t nr = handover->nic.nr_queues;

	if (strnlen(handover->name, TAPKEEP_NAME_LEN) == TAPKEEP_NAME_LEN)
		return tapkeep_vmm_error_set(err, EINVAL,
			"The keep's name in a hand-over has no end within %d bytes",
			TAPKEEP_NAME_LEN);
	if (!nr || nr > TAPKEEP_MAX_QUEUES)
		return tapkeep_vmm_error_set(err, EINVAL,
			"A hand-over has 1 to %d queues, not %u",
			TAPKEEP_MAX_QUEUES, nr);
	if (len < tapkeep_handover_size(nr))
		return tapkeep_vmm_error_set(err, EMSGSIZE,
			"A hand-over of %u queues needs %zu bytes, the buffer has %zu",
			nr, tapkeep_handover_size(nr), len);
	return 0;
}

int tapkeep_handover_encode(const struct tapkeep_handover *handover, void *buf,
			    size_t len, struct tapkeep_vmm_error *err)
{
	int ret = check_to_encode(handover, len, err);
	uint8_t *p = buf;
	size_t size;
	uint32_t i;

	if (ret)
		return ret;
	size = tapkeep_handover_size(handover->nic.nr_queues);
	p = put_header(p, handover, size);
	for (i = 0; i < handover->nic.nr_queues; i++)
		p = put_queue(p, &handover->nic.queues[i]);
	put(p, crc32_of(buf, size - CRC_SIZE), CRC_SIZE);
	return size;
}

int tapkeep_handover_length(const void *buf, size_t *length,
			    struct tapkeep_vmm_error *err)
{
	const uint8_t *p = (const uint8_t *)buf + 12;

	if (memcmp(buf, magic, sizeof(magic)))
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The stream has no hand-over here: check that both VMMs use tapkeep, with the same options");
	*length = get(&p, 4);
	if (*length < TAPKEEP_HANDOVER_PREFIX + CRC_SIZE ||
	    *length > TAPKEEP_HANDOVER_MAX)
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over's length is %zu, which is not within %d to %d: it was damaged on its way",
			*length, TAPKEEP_HANDOVER_PREFIX + CRC_SIZE,
			TAPKEEP_HANDOVER_MAX);
	return 0;
}

/* What is the same in every version. */
static int check_frame(const uint8_t *buf, size_t len,
		       struct tapkeep_vmm_error *err)
{
	const uint8_t *p;
	uint32_t crc, was;
	size_t length;
	int ret;

	if (len < TAPKEEP_HANDOVER_PREFIX)
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over is truncated: %zu bytes came, its first part has %d",
			len, TAPKEEP_HANDOVER_PREFIX);
	ret = tapkeep_handover_length(buf, &length, err);
	if (ret)
		return ret;
	if (length != len)
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over has %zu bytes, and says that it has %zu: it was truncated or damaged on its way",
			len, length);
	p = buf + len - CRC_SIZE;
	was = get(&p, CRC_SIZE);
	crc = crc32_of(buf, len - CRC_SIZE);
	if (crc != was)
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over's CRC is %#010x, its bytes have %#010x: it was damaged on its way",
			was, crc);
	return 0;
}

static int check_layout(const uint8_t *buf, size_t len,
			struct tapkeep_vmm_error *err)
{
	const uint8_t *version_at = buf + 8, *nr_at = buf + 52;
	unsigned int version = get(&version_at, 2);
	unsigned int queue_size = get(&version_at, 2);
	uint32_t nr;

	if (version != VERSION)
		return tapkeep_vmm_error_set(err, EPROTONOSUPPORT,
			"The hand-over has version %u, this library knows %u: use libraries of one release on both sides",
			version, VERSION);
	if (len < HEADER_SIZE + CRC_SIZE)
		return tapkeep_vmm_error_set(err, EBADMSG,
			"A hand-over of version %u has at least %d bytes, this one %zu",
			version, HEADER_SIZE + CRC_SIZE, len);
	nr = get(&nr_at, 4);
	if (!nr || nr > TAPKEEP_MAX_QUEUES || queue_size != QUEUE_SIZE ||
	    len != tapkeep_handover_size(nr))
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over has %zu bytes, which cannot hold %u queues of %u bytes",
			len, nr, queue_size);
	return 0;
}

static uint8_t get_header(const uint8_t *p, struct tapkeep_handover *handover)
{
	struct tapkeep_nic *nic = &handover->nic;
	uint8_t reserved;

	handover->generation = get(&p, 8);
	nic->features = get(&p, 8);
	nic->flags = get(&p, 4);
	nic->offloads = get(&p, 4);
	nic->vnet_hdr_len = get(&p, 2);
	nic->vnet_hdr_endian = get(&p, 1);
	reserved = get(&p, 1);
	memcpy(nic->mac, p, sizeof(nic->mac));
	p += sizeof(nic->mac);
	nic->active_queue_pairs = get(&p, 2);
	nic->nr_queues = get(&p, 4);
	memcpy(handover->name, p, TAPKEEP_NAME_LEN);
	return reserved;
}

static int check_values(const struct tapkeep_handover *handover,
			uint8_t reserved, struct tapkeep_vmm_error *err)
{
	const struct tapkeep_nic *nic = &handover->nic;

	if (!name_is_valid(handover->name))
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over's name is not one that a keep can have");
	if (reserved)
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over's reserved byte is %u instead of 0",
			reserved);
	if (nic->active_queue_pairs > nic->nr_queues)
		return tapkeep_vmm_error_set(err, EBADMSG,
			"The hand-over has %u active queue pairs of %u",
			nic->active_queue_pairs, nic->nr_queues);
	return 0;
}

int tapkeep_handover_decode(struct tapkeep_handover *handover, const void *buf,
			    size_t len, struct tapkeep_vmm_error *err)
{
	const uint8_t *queues = (const uint8_t *)buf + HEADER_SIZE;
	struct tapkeep_handover h = { 0 };
	uint8_t reserved;
	uint32_t i;
	int ret;

	memset(handover, 0, sizeof(*handover));
	ret = check_frame(buf, len, err);
	if (!ret)
		ret = check_layout(buf, len, err);
	if (ret)
		return ret;
	reserved = get_header((const uint8_t *)buf + TAPKEEP_HANDOVER_PREFIX,
			      &h);
	ret = check_values(&h, reserved, err);
	if (ret)
		return ret;
	h.nic.queues = calloc(h.nic.nr_queues, sizeof(*h.nic.queues));
	if (!h.nic.queues)
		return tapkeep_vmm_error_set(err, ENOMEM, "Out of memory");
	for (i = 0; i < h.nic.nr_queues; i++)
		get_queue(&queues, &h.nic.queues[i]);
	*handover = h;
	return 0;
}

void tapkeep_handover_clear(struct tapkeep_handover *handover)
{
	free(handover->nic.queues);
	memset(handover, 0, sizeof(*handover));
}
