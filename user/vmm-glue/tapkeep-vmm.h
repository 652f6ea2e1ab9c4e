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
 *   no overlap		as a swap, with tapkeep_vmm_save() for the offer and
 *			tapkeep_vmm_accept_saved() for the acceptance; what is
 *			saved lies in a file while the keep is an orphan
 *
 * Returns: a negative errno on failure, and then the error is filled in, which
 * may be NULL; what is returned on success is 0 unless it is said here. A
 * pointer that a successful call would have set is NULL after a failure, a
 * structure is zero or as it was. Nothing is undone by a failure that is not
 * said to be. Errors that every function can give that asks the module:
 * EMFILE, ENFILE, ENOMEM, and EINVAL or ENOTTY from a module of another
 * release that does not know the operation.
 *
 * Descriptors: those passed in stay the caller's, but for the offer that
 * tapkeep_vmm_accept() takes; those returned are the caller's, and close-on-exec.
 *
 * Threads: a struct tapkeep_vmm is not locked: one thread at a time, and any
 * thread. Different ones, and the functions without one, do not know of each
 * other. Nothing here forks, sets signal handlers, or starts threads; the
 * names are those of the network namespace of the thread that calls. Only
 * tapkeep_handover_send() and tapkeep_handover_recv() wait, for no longer than
 * they are told, and tapkeep_vmm_restart(), for no longer than it says.
 *
 * Over the releases: struct tapkeep_vmm is opaque. The structures below are as
 * they are for good: when one has to grow, the functions that take it get
 * another symbol version, and a program that was linked before gets the old one.
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
 * struct tapkeep_nic - the state of a NIC
 * @flags: TAPKEEP_STATE_*
 * @features: virtio features that the guest negotiated, bit n for feature n
 * @offloads: TUN_F_*, as last set with TUNSETOFFLOAD
 * @vnet_hdr_len: bytes of vnet header before each packet: 0, 10, 12, 20 or 24
 * @vnet_hdr_endian: enum tapkeep_endian
 * @mac: in the order of the wire
 * @active_queue_pairs: that the guest uses, at most @nr_queues
 * @nr_queues: queue pairs, 1 to TAPKEEP_MAX_QUEUES: one for each TAP queue
 * @queues: @nr_queues entries; of whoever filled in the structure. Ring sizes
 *	are in descriptors, 0 for a ring that is not set up, indices as in
 *	struct tapkeep_queue_state
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
 * @name: the keep, NUL-terminated
 * @generation: its generation, the source being the owner
 * @nic: the state that the source exported; @nic.queues is allocated by
 *	tapkeep_vmm_offer(), tapkeep_handover_decode() and
 *	tapkeep_handover_recv(), and freed by tapkeep_handover_clear()
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
 * @name: 1 to 63 of the characters A-Z a-z 0-9 . _ : -
 * @err: filled in on failure; may be NULL
 *
 * What is true may not be any more when the caller acts on it: the functions
 * below say so then.
 *
 * Return: enum tapkeep_vmm_found. Errors: EACCES the device may not be opened,
 * or the keep is another user's and the caller has no CAP_NET_ADMIN;
 * ENAMETOOLONG; ENXIO the module is not loaded.
 */
int tapkeep_vmm_probe(const char *name, struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_create - make a keep of queues that this process has open
 * @vmm: the new object, the owner; tapkeep_vmm_close() frees it
 * @name: the keep's name, as above
 * @hold_limit: ring slots per queue while frozen; 0: the module's default
 * @lease_ms: how long an orphan can be claimed, in milliseconds; 0: the
 *	module's default
 * @fds: the queues' descriptors, in queue order, attached to one TAP, TUN,
 *	macvtap or ipvtap interface; they stay the caller's, to be read from
 * @nr: how many
 * @err: filled in on failure; may be NULL
 *
 * The memory for the hold is allocated here. On failure no keep is left behind.
 *
 * Errors: EACCES the device may not be opened; EBADF; EBADFD a queue is not
 * attached; EBUSY a queue is in another keep; EDQUOT, ENOBUFS, ENOSPC a limit,
 * which the message names; EEXIST the name is taken, or a queue was given
 * twice; EINVAL not a name; EMEDIUMTYPE not a queue; ENAMETOOLONG; ENXIO the
 * module is not loaded; ERANGE a limit over its maximum; EXDEV a queue is of
 * another interface than the first.
 */
int tapkeep_vmm_create(struct tapkeep_vmm **vmm, const char *name,
		       uint32_t hold_limit, uint32_t lease_ms,
		       const int *fds, uint32_t nr,
		       struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_restart - become the owner of an orphan, by its name
 * @vmm: the new object, the owner; tapkeep_vmm_close() frees it
 * @name: the keep's name
 * @err: filled in on failure; may be NULL
 *
 * The keep is frozen afterwards, and offers that were made of it are void.
 * If the owner's process died this waits until it is gone altogether, and its
 * vhost with it.
 *
 * Errors: EACCES the keep is another user's and the caller has no
 * CAP_NET_ADMIN, or the device may not be opened; EBUSY it has a live owner,
 * which the message names; ENAMETOOLONG; ENODEV its lease ran out just now;
 * ENOENT no keep of that name; ENXIO the module is not loaded; ETIMEDOUT the
 * dead process is not gone after 5 seconds: the keep is an orphan again, with a
 * new lease.
 */
int tapkeep_vmm_restart(struct tapkeep_vmm **vmm, const char *name,
			struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_await - wait for a hand-over of a keep
 * @vmm: the new object, which owns nothing yet; tapkeep_vmm_close() frees it
 * @name: the keep's name
 * @err: filled in on failure; may be NULL
 *
 * Returns at once, and touches nothing: it looks whether the keep exists, and
 * makes room in the table of descriptors. That the keep is another user's is
 * no error: an offer is a right that is given.
 *
 * Errors: ENAMETOOLONG; ENODEV it ended just now; ENOENT no keep of that name;
 * ENXIO the module is not loaded. Not EACCES: neither another user's keep nor a
 * device that may not be opened is in the way of a claim by an offer.
 */
int tapkeep_vmm_await(struct tapkeep_vmm **vmm, const char *name,
		      struct tapkeep_vmm_error *err);

/*
 * The same on a control device that is open: for a process that may not open
 * /dev/tapkeep itself, and was given the descriptor. It stays the caller's, and
 * open for as long as @vmm is there; -1: open the device. The rights are those
 * of the process that calls, whoever has opened it.
 */
int tapkeep_vmm_probe_at(int device, const char *name,
			 struct tapkeep_vmm_error *err);
int tapkeep_vmm_create_at(struct tapkeep_vmm **vmm, int device,
			  const char *name, uint32_t hold_limit,
			  uint32_t lease_ms, const int *fds, uint32_t nr,
			  struct tapkeep_vmm_error *err);
int tapkeep_vmm_restart_at(struct tapkeep_vmm **vmm, int device,
			   const char *name, struct tapkeep_vmm_error *err);
int tapkeep_vmm_await_at(struct tapkeep_vmm **vmm, int device,
			 const char *name, struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_adopt - become the owner by a handle that was given
 * @vmm: the new object, the owner; tapkeep_vmm_close() frees it
 * @name: the keep's name, which has to be that of @fd's
 * @fd: an owner's handle, or an offer, which is claimed; it stays the caller's.
 *	Of an owner's handle no other descriptor may stay open anywhere: a keep
 *	is an orphan when the last one is closed
 * @err: filled in on failure; may be NULL
 *
 * The device need not be there. The keep can be active, frozen, or without
 * queues yet (tapkeep_vmm_pin()).
 *
 * Errors: EINVAL another keep's; EMFILE; ENODEV it ended; ENOTTY neither a
 * handle nor an offer; EPERM an observer's; ESTALE a handle of a former owner,
 * or an offer that was used or voided.
 */
int tapkeep_vmm_adopt(struct tapkeep_vmm **vmm, const char *name, int fd,
		      struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_pin - pin more queues
 * @vmm: the owner
 * @fds: as in tapkeep_vmm_create()
 * @nr: how many
 * @err: filled in on failure; may be NULL
 *
 * Those before the one that failed stay pinned.
 *
 * Errors: those of tapkeep_vmm_create() that are about queues; EPERM, ESTALE as
 * tapkeep_vmm_freeze().
 */
int tapkeep_vmm_pin(struct tapkeep_vmm *vmm, const int *fds, uint32_t nr,
		    struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_info - what the keep is like now, and who has it
 * @vmm: any
 * @info: filled in
 * @err: filled in on failure; may be NULL
 *
 * Errors: EACCES this process has no descriptor of the keep yet, and it is
 * another user's; ENODEV, ENOENT it ended; ENXIO the module is not loaded.
 */
int tapkeep_vmm_info(const struct tapkeep_vmm *vmm, struct tapkeep_info *info,
		     struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_nr_queues - how many queues the keep has
 * @vmm: any
 *
 * Return: the number; 0 after tapkeep_vmm_await() on another user's keep,
 * until tapkeep_vmm_accept().
 */
uint32_t tapkeep_vmm_nr_queues(const struct tapkeep_vmm *vmm);

/**
 * tapkeep_vmm_queue_fd - a descriptor of one of the keep's queues
 * @vmm: the owner
 * @index: 0 to tapkeep_vmm_nr_queues() - 1
 * @err: filled in on failure; may be NULL
 *
 * Every call makes another descriptor of the same open file: flags such as
 * O_NONBLOCK are common to all of them, and to those of the former owner.
 *
 * Return: the descriptor, the caller's. Errors: ENODEV the keep ended; ENOENT
 * no such queue; EPERM not the owner; ESTALE not the owner any more.
 */
int tapkeep_vmm_queue_fd(struct tapkeep_vmm *vmm, uint32_t index,
			 struct tapkeep_vmm_error *err);

/* true between a successful create, restart or claim and the loss of it. */
bool tapkeep_vmm_is_owner(const struct tapkeep_vmm *vmm);

/**
 * tapkeep_vmm_freeze - start the hold, before the readers stop
 * @vmm: the owner
 * @err: filled in on failure; may be NULL
 *
 * Microseconds per queue. Nothing to do on a frozen keep, which is a success.
 *
 * Errors: EBADFD no queue is pinned; ENODEV the keep ended; EPERM not the
 * owner; ESTALE not the owner any more, and the message names who is.
 */
int tapkeep_vmm_freeze(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_export - give the NIC's state to the keep, in place of the last
 * @vmm: the owner
 * @nic: TAPKEEP_STATE_STOPPED in its flags says that the readers have
 *	stopped: what leaves a frozen keep's rings after that is counted as
 *	stolen
 * @err: filled in on failure; may be NULL
 *
 * Errors: EBADE the interface has an offload turned on that @nic->offloads
 * lacks; EINVAL a value is out of range; EMSGSIZE @nic->nr_queues is not the
 * keep's number; EOPNOTSUPP the interface cannot do one of @nic->offloads;
 * ENODEV, EPERM, ESTALE as tapkeep_vmm_freeze(). The state that was there stays
 * then.
 */
int tapkeep_vmm_export(struct tapkeep_vmm *vmm, const struct tapkeep_nic *nic,
		       struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_offer - make an offer, and what goes with it
 * @vmm: the owner
 * @handover: filled in with what was exported last; to be cleared by the
 *	caller with tapkeep_handover_clear(), zero on failure
 * @err: filled in on failure; may be NULL
 *
 * The offer can be claimed once, until a revoke or a thaw, even if this
 * process dies. Several can be out at a time; the first claim voids the others.
 *
 * Return: the offer's descriptor, the caller's: to be sent and closed.
 * Errors: EBUSY the keep is not frozen, or its state does not say that the
 * readers have stopped; ENODATA no state was exported; ENODEV, EPERM, ESTALE
 * as tapkeep_vmm_freeze().
 */
int tapkeep_vmm_offer(struct tapkeep_vmm *vmm,
		      struct tapkeep_handover *handover,
		      struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_accept - check what came, and keep the offer for the claim
 * @vmm: from tapkeep_vmm_await()
 * @handover: decoded from the stream
 * @offer: taken over on success, and closed by tapkeep_vmm_close(); the
 *	caller's on failure
 * @fds: the queues' descriptors as they came; they stay the caller's
 * @nr: how many
 * @err: filled in on failure; may be NULL
 *
 * Refuses when stream, offer, descriptors and keep disagree in name,
 * generation, interface, number of queues or any value of the state: the
 * message names both values. Nothing is changed by a refusal.
 *
 * Errors: EALREADY this object has an offer or the keep; EBADF; EBUSY the
 * state does not say that the source's readers have stopped; EINVAL something
 * disagrees; EMEDIUMTYPE one of @fds is not an attached TAP queue; ENODATA no
 * state was exported; ENODEV the keep ended; ENOTTY @offer is not an offer;
 * ESTALE the offer was used or voided, or is of another generation.
 */
int tapkeep_vmm_accept(struct tapkeep_vmm *vmm,
		       const struct tapkeep_handover *handover, int offer,
		       const int *fds, uint32_t nr,
		       struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_save - what goes into a state that is saved, with nobody waiting
 * @vmm: the owner, frozen and stopped
 * @handover: as in tapkeep_vmm_offer()
 * @err: filled in on failure; may be NULL
 *
 * Nobody gets an offer. When the owner has ended without a release the keep is
 * an orphan, which holds for its lease; tapkeep_vmm_accept_saved() finds it.
 *
 * Errors: those of tapkeep_vmm_offer().
 */
int tapkeep_vmm_save(struct tapkeep_vmm *vmm,
		     struct tapkeep_handover *handover,
		     struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_accept_saved - check a saved state against the orphan
 * @vmm: from tapkeep_vmm_await()
 * @handover: decoded from what was saved
 * @err: filled in on failure; may be NULL
 *
 * The counterpart of tapkeep_vmm_accept() after tapkeep_vmm_save(). It takes
 * the right to claim by name: the keep's user, or CAP_NET_ADMIN. A refusal
 * changes nothing.
 *
 * Errors: EACCES without that right; EALREADY this VMM has the keep, or one
 * accepted; EBUSY it has an owner, or somebody has read from it since it was
 * saved; EINVAL name, number of queues or a value of the state differ, and the
 * message has both; ENODATA no state was exported; ENODEV, ENOENT it ended;
 * ESTALE it had another owner since it was saved.
 */
int tapkeep_vmm_accept_saved(struct tapkeep_vmm *vmm,
			     const struct tapkeep_handover *handover,
			     struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_compare - compare a device with the keep's state
 * @vmm: the owner, or one that has accepted an offer or what was saved
 * @nic: what the device is like; TAPKEEP_STATE_STOPPED is left out of it
 * @err: filled in on failure; may be NULL
 *
 * Errors: EINVAL they differ, and the message has both values; ENODATA no
 * state was exported; ENODEV the keep ended; EPERM neither offer nor keep.
 */
int tapkeep_vmm_compare(struct tapkeep_vmm *vmm, const struct tapkeep_nic *nic,
			struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_claim - become the owner of what was accepted
 * @vmm: one that has accepted an offer, or what was saved
 * @err: filled in on failure; may be NULL
 *
 * The point of no return. The keep stays frozen, the offer is used up and
 * closed, and whoever had the keep is told ESTALE from now on.
 *
 * Errors: ENODEV the keep ended; EPERM nothing was accepted; ESTALE the offer
 * was used or voided: another process has the keep, and the message names it.
 * After tapkeep_vmm_accept_saved(): EACCES, EBUSY, ENOENT as
 * tapkeep_vmm_restart(); ESTALE somebody else had the keep in between.
 */
int tapkeep_vmm_claim(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_revoke - make sure that this process may go on
 * @vmm: the owner
 * @err: filled in on failure; may be NULL
 *
 * Every offer is void; the keep stays frozen. Start the readers only after
 * this has succeeded.
 *
 * Errors: ENODEV the keep ended; EPERM not the owner; ESTALE another process
 * has claimed the keep, and the message has its pid and command: this one must
 * not read.
 */
int tapkeep_vmm_revoke(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_thaw - end the hold, after the readers have started
 * @vmm: the owner
 * @err: filled in on failure; may be NULL
 *
 * Every offer is void, and the exported state says from now on that somebody
 * reads: it is no good for a hand-over any more. The rings shrink as soon as
 * they are empty enough, without a call. Nothing to do on an active keep, which
 * is a success.
 *
 * Errors: ENODEV, EPERM, ESTALE as tapkeep_vmm_freeze().
 */
int tapkeep_vmm_thaw(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err);

/**
 * tapkeep_vmm_release - end the keep
 * @vmm: the owner; still to be closed with tapkeep_vmm_close()
 * @err: filled in on failure; may be NULL
 *
 * The queues are as long there as somebody has them open.
 *
 * Errors: ENODEV it ended before; EPERM, ESTALE as tapkeep_vmm_freeze().
 */
int tapkeep_vmm_release(struct tapkeep_vmm *vmm,
			struct tapkeep_vmm_error *err);

/*
 * Free the object; NULL is fine. The keep of an owner that did not release it
 * becomes an orphan. Descriptors that were returned stay open.
 */
void tapkeep_vmm_close(struct tapkeep_vmm *vmm);

/*
 * The hand-over as bytes: little-endian, with magic, version, length and a
 * CRC-32 of all of it. The same on a stream of the VMM's own and on a socket.
 */

/*
 * Bytes that tapkeep_handover_encode() needs for @nr_queues queues, of which
 * there are 1 to TAPKEEP_MAX_QUEUES: 4220 at most.
 */
size_t tapkeep_handover_size(uint32_t nr_queues);

/**
 * tapkeep_handover_encode - from a structure to bytes
 * @handover: as from tapkeep_vmm_offer()
 * @buf: room for the bytes
 * @len: of how much
 * @err: filled in on failure; may be NULL
 *
 * Return: bytes written. Errors: EINVAL the name has no end, or the number of
 * queues is out of range; EMSGSIZE @len is too small. @buf is as it was then.
 */
int tapkeep_handover_encode(const struct tapkeep_handover *handover, void *buf,
			    size_t len, struct tapkeep_vmm_error *err);

/**
 * tapkeep_handover_decode - from bytes to a structure
 * @handover: to be cleared by the caller with tapkeep_handover_clear(), zero on
 *	failure
 * @buf: the bytes, from anybody
 * @len: how many, exactly
 * @err: filled in on failure; may be NULL
 *
 * Errors: EBADMSG the bytes are not a hand-over, are too few or too many, were
 * changed, or have a value that is out of range; ENOMEM; EPROTONOSUPPORT they
 * are a hand-over of a version that this library does not know.
 */
int tapkeep_handover_decode(struct tapkeep_handover *handover, const void *buf,
			    size_t len, struct tapkeep_vmm_error *err);

/* Free what belongs to a hand-over, and make it zero. A zero one is fine. */
void tapkeep_handover_clear(struct tapkeep_handover *handover);

/**
 * tapkeep_handover_send - send a hand-over with its descriptors
 * @sock: a connected Unix-domain stream socket, with or without O_NONBLOCK
 * @handover: what goes in the message
 * @offer: the offer; it and @fds stay the caller's
 * @fds: one queue descriptor for each of @handover->nic.nr_queues
 * @timeout_ms: how long it may take, in milliseconds; -1: no limit
 * @err: filled in on failure; may be NULL
 *
 * That it was sent does not say that it was read. After a failure the place in
 * the stream is lost: close the socket.
 *
 * Errors: those of tapkeep_handover_encode(); EBADF; ECONNRESET, EPIPE the
 * other VMM closed (and there is no SIGPIPE); ENOTSOCK or EPROTOTYPE @sock is
 * not a Unix-domain stream socket; ETIMEDOUT the other VMM does not read;
 * ETOOMANYREFS too many descriptors of this user are on their way; others of
 * sendmsg().
 */
int tapkeep_handover_send(int sock, const struct tapkeep_handover *handover,
			  int offer, const int *fds, int timeout_ms,
			  struct tapkeep_vmm_error *err);

/**
 * tapkeep_handover_recv - receive one, and not one byte more
 * @sock: as above
 * @handover: to be cleared by the caller with tapkeep_handover_clear(), zero on
 *	failure
 * @offer: the offer, the caller's; as it was on failure
 * @fds: room for TAPKEEP_MAX_QUEUES; the first @handover->nic.nr_queues are
 *	filled in, the caller's; as they were on failure
 * @timeout_ms: how long it may take, in milliseconds; -1: no limit
 * @err: filled in on failure; may be NULL
 *
 * On failure every descriptor that came is closed, and the place in the stream
 * is lost: close the socket.
 *
 * Errors: those of tapkeep_handover_decode(); EBADF; EBADMSG too few or too
 * many descriptors came, or they were truncated because this process may have
 * no more; ECONNRESET the other VMM closed; ENOTSOCK or EPROTOTYPE @sock is not
 * a Unix-domain stream socket; ETIMEDOUT it did not all come; others of
 * recvmsg().
 */
int tapkeep_handover_recv(int sock, struct tapkeep_handover *handover,
			  int *offer, int *fds, int timeout_ms,
			  struct tapkeep_vmm_error *err);

#ifdef __cplusplus
}
#endif

#endif /* TAPKEEP_VMM_H */
