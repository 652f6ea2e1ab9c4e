/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A split virtqueue with its buffers, in memory that both sides share: the
 * back end, which uses buffers, and the guest, which makes them available.
 */
#ifndef VIRTQ_H
#define VIRTQ_H

#include <stdint.h>
#include <linux/virtio_ring.h>

#define VIRTQ_SIZE	256
#define VIRTQ_BUFFER	2048
#define VNET_HDR_LEN	12

/* One virtqueue with a buffer for each of its descriptors. */
struct virtq {
	struct vring_desc desc[VIRTQ_SIZE];
	struct {
		uint16_t flags;
		uint16_t idx;
		uint16_t ring[VIRTQ_SIZE];
	} avail;
	struct {
		uint16_t flags;
		uint16_t idx;
		struct vring_used_elem ring[VIRTQ_SIZE];
	} used;
	uint8_t buffers[VIRTQ_SIZE][VIRTQ_BUFFER];
};

static inline uint16_t virtq_load(const uint16_t *idx)
{
	return __atomic_load_n(idx, __ATOMIC_ACQUIRE);
}

static inline void virtq_store(uint16_t *idx, uint16_t value)
{
	__atomic_store_n(idx, value, __ATOMIC_RELEASE);
}

/* The next buffer that the guest has made available, if there is one. */
static inline uint8_t *virtq_next(struct virtq *vq, uint16_t last_avail,
				  uint32_t *id, uint32_t *len)
{
	if (virtq_load(&vq->avail.idx) == last_avail)
		return NULL;
	*id = vq->avail.ring[last_avail % VIRTQ_SIZE];
	*len = vq->desc[*id].len;
	return vq->buffers[*id];
}

static inline void virtq_use(struct virtq *vq, uint32_t id, uint32_t len)
{
	uint16_t used = vq->used.idx;

	vq->used.ring[used % VIRTQ_SIZE] =
		(struct vring_used_elem){ .id = id, .len = len };
	virtq_store(&vq->used.idx, used + 1);
}

static inline void virtq_make_available(struct virtq *vq, uint32_t id)
{
	uint16_t idx = vq->avail.idx;

	vq->avail.ring[idx % VIRTQ_SIZE] = id;
	virtq_store(&vq->avail.idx, idx + 1);
}

#endif /* VIRTQ_H */
