/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tapkeep-vmm: what a VMM's virtio-net back end needs to hand its TAP queues
 * to the next VMM process, without a word about which VMM it is.
 *
 * The life of a NIC, in calls:
 *
 *   first boot		open the TAP; tapkeep_vmm_create()
 *   restart		tapkeep_vmm_probe() says orphan; tapkeep_vmm_restart(),
 *			tapkeep_vmm_queue_fd() for each queue, start reading,
 *			tapkeep_vmm_thaw()
 *   swap, source	tapkeep_vmm_freeze(); stop the readers;
 *			tapkeep_vmm_export(); tapkeep_vmm_offer(); send offer,
 *			queues and the encoded struct tapkeep_handover; wait
 *	... goes on	tapkeep_vmm_revoke(): only if that succeeds start the
 *			readers again, then tapkeep_vmm_thaw()
 *	... is done	tapkeep_vmm_close()
 *   swap, target	tapkeep_vmm_await(); receive; tapkeep_vmm_accept();
 *			load the rest of the device; tapkeep_vmm_compare();
 *			tapkeep_vmm_claim(); tell the source; start reading;
 *			tapkeep_vmm_thaw()
 *	... fails	before the claim: tapkeep_vmm_close(), and the source
 *			can go on; after it, the target is the owner
 *
 * Functions return 0 or a negative errno, and then fill in the error, which
 * may be NULL. A struct tapkeep_vmm is not locked: one thread at a time.
 */
#ifndef TAPKEEP_VMM_H
#define TAPKEEP_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/tapkeep.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tapkeep_vmm;

/**
 * struct tapkeep_vmm_error - why a call failed, for a person to read
 * @code: errno, positive
 * @msg: a sentence without a full stop, NUL-terminated: what failed, with the
 *	values that did not fit, and what to do where that is known
 */
struct tapkeep_vmm_error {
	int code;
	char msg[256];
};

/**
 * struct tapkeep_nic - the state of a NIC, as in struct tapkeep_state
 * @queues: @nr_queues entries; of whoever filled in the structure
 */
struct tapkeep_nic {
	uint32_t flags;
	uint64_t features;
	uint32_t offloads;
	uint16_t vnet_hdr_len;
	uint8_t vnet_hdr_endian;
	uint8_t mac[6];
	uint16_t active_queue_pairs;
	uint32_t nr_queues;
	struct tapkeep_queue_state *queues;
};

/**
 * struct tapkeep_handover - what the source tells the target
 * @name: the keep
 * @generation: its generation, the source being the owner
 * @nic: the state that the source exported; @nic.queues is allocated by
 *	tapkeep_handover_decode() and freed by tapkeep_handover_clear()
 */
struct tapkeep_handover {
	char name[TAPKEEP_NAME_LEN];
	uint64_t generation;
	struct tapkeep_nic nic;
};

/* What tapkeep_vmm_probe() found. */
enum tapkeep_vmm_found {
	TAPKEEP_VMM_NONE,	/* no keep of that name */
	TAPKEEP_VMM_LIVE,	/* active or frozen, with an owner */
	TAPKEEP_VMM_ORPHAN,	/* to be claimed with tapkeep_vmm_restart() */
};

/**
 * tapkeep_vmm_probe - is there a keep of that name?
 * Return: enum tapkeep_vmm_found, or a negative errno.
 */
int tapkeep_vmm_probe(const char *name, struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_create - make a keep of queues that this process has open
 * @vmm: the new object; tapkeep_vmm_close() frees it
 * @name: the keep's name
 * @hold_limit: ring slots per queue while frozen; 0: the module's default
 * @lease_ms: lease of an orphan; 0: the module's default
 * @fds: the queues' descriptors, in queue order; they stay the caller's
 * @nr: how many
 *
 * On failure no keep is left behind.
 */
int tapkeep_vmm_create(struct tapkeep_vmm **vmm, const char *name,
		       uint32_t hold_limit, uint32_t lease_ms,
		       const int *fds, uint32_t nr,
		       struct tapkeep_vmm_error *err);

/* Claim the orphan @name. The keep is frozen. */
int tapkeep_vmm_restart(struct tapkeep_vmm **vmm, const char *name,
			struct tapkeep_vmm_error *err);

/* Wait for a hand-over of the keep @name: only looks that it exists. */
int tapkeep_vmm_await(struct tapkeep_vmm **vmm, const char *name,
		      struct tapkeep_vmm_error *err);

/* How many queues the keep has. */
uint32_t tapkeep_vmm_nr_queues(const struct tapkeep_vmm *vmm);

/* Return: a new descriptor of queue @index, the caller's. Owner only. */
int tapkeep_vmm_queue_fd(struct tapkeep_vmm *vmm, uint32_t index,
			 struct tapkeep_vmm_error *err);

/* true between a successful create, restart or claim and the loss of it. */
bool tapkeep_vmm_is_owner(const struct tapkeep_vmm *vmm);

/* Start the hold. Before the readers stop. */
int tapkeep_vmm_freeze(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err);

/* Give the state to the keep. After the readers stopped. */
int tapkeep_vmm_export(struct tapkeep_vmm *vmm, const struct tapkeep_nic *nic,
		       struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_offer - make an offer, and what goes with it
 * @vmm: the owner
 * @handover: filled in with what was exported last; to be cleared by the
 *	caller with tapkeep_handover_clear()
 *
 * Return: the offer's descriptor, the caller's: to be sent and closed.
 */
int tapkeep_vmm_offer(struct tapkeep_vmm *vmm,
		      struct tapkeep_handover *handover,
		      struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_accept - check what came, and keep the offer for the claim
 * @vmm: from tapkeep_vmm_await()
 * @handover: decoded from the stream
 * @offer: taken over on success, and closed by tapkeep_vmm_close()
 * @fds: the queues' descriptors as they came; they stay the caller's
 * @nr: how many
 *
 * Refuses when stream, offer, descriptors and keep disagree in name,
 * generation, interface, number of queues or any value of the state: the
 * message names both values. Nothing is changed by a refusal.
 */
int tapkeep_vmm_accept(struct tapkeep_vmm *vmm,
		       const struct tapkeep_handover *handover, int offer,
		       const int *fds, uint32_t nr,
		       struct tapkeep_vmm_error *err);

/* Compare @nic with the keep's state: EINVAL, and both values, if they differ. */
int tapkeep_vmm_compare(struct tapkeep_vmm *vmm, const struct tapkeep_nic *nic,
			struct tapkeep_vmm_error *err);

/* Become the owner by the accepted offer. The keep stays frozen. */
int tapkeep_vmm_claim(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err);

/*
 * Make sure that this process may go on. ESTALE, and the owner's pid and
 * command in the message, if another has claimed the keep.
 */
int tapkeep_vmm_revoke(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err);

/* End the hold. After the readers have started. */
int tapkeep_vmm_thaw(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err);

/* End the keep, of which this process is the owner. */
int tapkeep_vmm_release(struct tapkeep_vmm *vmm,
			struct tapkeep_vmm_error *err);

/*
 * Free the object; NULL is fine. The keep of an owner that did not release it
 * becomes an orphan.
 */
void tapkeep_vmm_close(struct tapkeep_vmm *vmm);

/*
 * The hand-over as bytes: little-endian, with magic, version, length and a
 * CRC-32 of all of it. The same on a stream of the VMM's own and on a socket.
 */

/* Bytes that tapkeep_handover_encode() needs for @nr_queues queues. */
size_t tapkeep_handover_size(uint32_t nr_queues);

/* Return: bytes written, or EMSGSIZE when @len is too small. */
int tapkeep_handover_encode(const struct tapkeep_handover *handover, void *buf,
			    size_t len, struct tapkeep_vmm_error *err);

/*
 * EBADMSG when the bytes are not a hand-over, are truncated or were changed;
 * EPROTONOSUPPORT when they are of a version this library does not know.
 */
int tapkeep_handover_decode(struct tapkeep_handover *handover, const void *buf,
			    size_t len, struct tapkeep_vmm_error *err);

/* Free what tapkeep_handover_decode() or tapkeep_vmm_offer() allocated. */
void tapkeep_handover_clear(struct tapkeep_handover *handover);

/**
 * tapkeep_handover_send - send a hand-over with its descriptors
 * @sock: a connected Unix-domain stream socket
 * @handover: what goes in the message
 * @offer: the offer; it and @fds stay the caller's
 * @fds: one queue descriptor for each of @handover->nic.nr_queues
 * @timeout_ms: how long it may take; -1: no limit
 *
 * Besides the errors of the socket: ENOTSOCK or EPROTOTYPE when @sock is not
 * a Unix-domain stream socket; ETIMEDOUT.
 */
int tapkeep_handover_send(int sock, const struct tapkeep_handover *handover,
			  int offer, const int *fds, int timeout_ms,
			  struct tapkeep_vmm_error *err);

/**
 * tapkeep_handover_recv - receive one
 * @sock: as above
 * @handover: to be cleared by the caller on success
 * @offer: the offer, the caller's
 * @fds: room for TAPKEEP_MAX_QUEUES; the first @handover->nic.nr_queues are
 *	filled in, the caller's
 * @timeout_ms: how long it may take; -1: no limit
 *
 * Besides the errors of decoding: EBADMSG when descriptors are missing or too
 * many, ECONNRESET when the peer closed. On failure every descriptor that
 * came is closed.
 */
int tapkeep_handover_recv(int sock, struct tapkeep_handover *handover,
			  int *offer, int *fds, int timeout_ms,
			  struct tapkeep_vmm_error *err);

#ifdef __cplusplus
}
#endif

#endif /* TAPKEEP_VMM_H */
