/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR MIT) */
/*
 * tapkeep: keep the TAP queues of a virtual NIC across a change of VMM.
 *
 * A *keep* is a name, the TAP queue files that it pins, the state that the
 * VMM exported, and counters. Names are per network namespace. A *handle* is
 * an open file on a keep; its role is owner (one at most), offer (the right
 * to become the owner, once) or observer. The *generation* counts changes of
 * owner: a handle that was the owner of an earlier generation gets ESTALE.
 *
 * Two interfaces, one for each kind of work:
 *
 *  - ioctls, below: everything that takes or gives a descriptor;
 *  - generic netlink, family "tapkeep", further below: everything that looks
 *    or administers.
 *
 * Life of a keep, and what each ioctl does to it:
 *
 *	state	| freeze | offer | claim by | claim by | revoke | thaw   | owner's
 *		|	 |	 | offer    | name     |	|	 | handle closed
 *	--------+--------+-------+----------+----------+--------+--------+---------
 *	active	| frozen | EBUSY | -	    | EBUSY *  | no-op	| no-op  | orphan
 *	frozen	| no-op	 | offer | frozen + | EBUSY *  | voids	| active | orphan
 *	orphan	| -	 | -	 | frozen + | frozen + | -	| -	 | -
 *
 *	* unless TAPKEEP_CLAIM_FORCE by a caller with CAP_NET_ADMIN: frozen +
 *	+ the claimer becomes the owner and the generation grows by one
 *
 * Release ends the keep in any state; so does the end of an orphan's lease,
 * and the deletion of the interface.
 *
 * While a keep is frozen it *holds*: the receive ring of each pinned queue
 * has as many slots as the keep's hold limit, so that what arrives while
 * nobody reads is kept, and the readers may stop. After the thaw the rings
 * shrink to the interface's tx_queue_len again as soon as what was held has
 * been read. No packet is ever freed by this.
 */
#ifndef _UAPI_LINUX_TAPKEEP_H
#define _UAPI_LINUX_TAPKEEP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Size of a keep's name with its NUL. Characters: A-Z a-z 0-9 . _ : - */
#define TAPKEEP_NAME_LEN	64
/* Queue files that one keep can pin: as many as tun's MAX_TAP_QUEUES. */
#define TAPKEEP_MAX_QUEUES	256

/*
 * ioctls
 * ======
 *
 * Every structure begins with its size in bytes, which the caller sets to
 * sizeof() of what it was compiled with. A shorter structure than the
 * kernel's is extended with zeroes; a longer one is refused with E2BIG if
 * its unknown tail is not zero, or if it is larger than a page. Unknown flags
 * and non-zero reserved fields are EINVAL.
 *
 * Every descriptor that is returned is close-on-exec and belongs to the
 * caller. A descriptor that is passed in stays the caller's: the keep takes a
 * reference of its own.
 *
 * Errors that any of them can give:
 *
 *	E2BIG	the structure has an unknown tail that is not zero, or is
 *		larger than a page
 *	EBADF	a descriptor that was passed in is not open
 *	EFAULT	a pointer cannot be read or written
 *	EINVAL	the size is too small, a flag is unknown, a value out of range
 *	EMFILE, ENFILE	no descriptor is free
 *	ENODEV	the keep ended: its interface is gone, it was released, or
 *		its lease ran out
 *	ENOMEM	no memory
 *	ENOTTY	not an ioctl of this kind of file
 *	EPERM	the handle's role does not allow it
 *	ESTALE	the handle was the owner of an earlier generation; or the
 *		offer was used, or voided by revoke, thaw or a forced claim
 */
#define TAPKEEP_IOC_TYPE	0xBD

/**
 * struct tapkeep_create - TAPKEEP_CREATE on /dev/tapkeep: make a keep
 * @size:	in: sizeof(struct tapkeep_create)
 * @flags:	in: 0
 * @name:	in: the keep's name, NUL-terminated
 * @hold_limit:	in: ring slots per queue while frozen; 0: the module's
 *		default (parameter hold_limit). At most its hold_limit_max
 * @lease_ms:	in: how long an orphan can be claimed, in milliseconds; 0: the
 *		module's default (parameter lease_ms). At most its lease_ms_max
 * @fd:		out: the owner's handle
 * @reserved:	in: 0
 *
 * The keep is active, of generation 1, in the caller's network namespace, and
 * belongs to the caller's effective user. The memory for the hold is charged
 * to the caller's memory cgroup when a queue is pinned.
 *
 * Errors: EDQUOT the user has as many keeps as one can have (parameter
 * max_keeps_user); EEXIST the name is taken; EINVAL the name is empty, has no
 * NUL or has a character that names cannot have; ENOSPC there are as many keeps
 * as the module allows (parameter max_keeps) or the network namespace (sysctl
 * net.tapkeep.max_keeps); ERANGE @hold_limit or @lease_ms is over its maximum.
 */
struct tapkeep_create {
	__u32 size;
	__u32 flags;
	char name[TAPKEEP_NAME_LEN];
	__u32 hold_limit;
	__u32 lease_ms;
	__s32 fd;
	__u32 reserved;
};

#define TAPKEEP_CREATE	_IOWR(TAPKEEP_IOC_TYPE, 0x40, struct tapkeep_create)

/* @flags of struct tapkeep_claim */
#define TAPKEEP_CLAIM_FORCE	(1U << 0) /* from a live owner; CAP_NET_ADMIN */

/**
 * struct tapkeep_claim - TAPKEEP_CLAIM: become the owner
 * @size:	in: sizeof(struct tapkeep_claim)
 * @flags:	in: TAPKEEP_CLAIM_FORCE or 0; 0 on an offer
 * @name:	in: on /dev/tapkeep the keep's name; on an offer all zero
 * @generation:	out: the new generation
 * @fd:		out: the owner's handle
 * @reserved:	in: 0
 *
 * On an offer's descriptor: the keep is frozen or an orphan, and the offer is
 * used up. On /dev/tapkeep: the keep is an orphan, and the caller's effective
 * user is the keep's or the caller has CAP_NET_ADMIN in the user namespace of
 * the keep's network namespace. Either way the keep is frozen afterwards, its
 * outstanding offers are void, and the former owner's handle is stale.
 *
 * Errors: EBUSY by name, and the keep has a live owner; EACCES by name,
 * without the right to it; ENOENT no keep of that name; ESTALE the offer was
 * used or voided.
 */
struct tapkeep_claim {
	__u32 size;
	__u32 flags;
	char name[TAPKEEP_NAME_LEN];
	__aligned_u64 generation;
	__s32 fd;
	__u32 reserved;
};

#define TAPKEEP_CLAIM	_IOWR(TAPKEEP_IOC_TYPE, 0x41, struct tapkeep_claim)

/**
 * struct tapkeep_observe - TAPKEEP_OBSERVE on /dev/tapkeep: look at a keep
 * @size:	in: sizeof(struct tapkeep_observe)
 * @flags:	in: 0
 * @name:	in: the keep's name
 * @fd:		out: an observer's handle: TAPKEEP_GET_INFO and
 *		TAPKEEP_GET_STATE work on it, and it keeps nothing alive
 * @reserved:	in: 0
 *
 * Errors: EACCES the caller is neither the keep's user nor has CAP_NET_ADMIN;
 * ENOENT no keep of that name.
 */
struct tapkeep_observe {
	__u32 size;
	__u32 flags;
	char name[TAPKEEP_NAME_LEN];
	__s32 fd;
	__u32 reserved;
};

#define TAPKEEP_OBSERVE	_IOWR(TAPKEEP_IOC_TYPE, 0x42, struct tapkeep_observe)

/**
 * struct tapkeep_pin - TAPKEEP_PIN on the owner's handle: pin a queue
 * @size:	in: sizeof(struct tapkeep_pin)
 * @fd:		in: a queue of a TAP, TUN, macvtap or ipvtap interface. One that
 *		was detached from it (IFF_DETACH_QUEUE) will do
 * @index:	out: the queue's number in the keep, from 0 upwards
 * @reserved:	in: 0
 *
 * The keep holds a reference on the open file: the queue stays attached, and
 * the interface stays, after every process that had it open is gone. The
 * first queue decides the keep's interface. The memory for the hold is
 * allocated here, and charged to the caller's memory cgroup.
 *
 * Errors: EBADFD the queue is not attached to an interface; EBUSY the keep is
 * not active, or the file is pinned by another keep; EEXIST the file is
 * pinned by this keep; EMEDIUMTYPE @fd is not such a queue; ENOBUFS all
 * holds together would have more ring slots than the module allows (parameter
 * max_hold_slots); ENOMEM no memory, or the memory cgroup has no more; ENOSPC
 * as many are pinned as the network namespace allows (sysctl
 * net.tapkeep.max_queues, at most TAPKEEP_MAX_QUEUES); EXDEV the queue belongs
 * to another interface than the first.
 */
struct tapkeep_pin {
	__u32 size;
	__s32 fd;
	__u32 index;
	__u32 reserved;
};

#define TAPKEEP_PIN	_IOWR(TAPKEEP_IOC_TYPE, 0x43, struct tapkeep_pin)

/**
 * struct tapkeep_get_queue - TAPKEEP_GET_QUEUE on the owner's handle
 * @size:	in: sizeof(struct tapkeep_get_queue)
 * @index:	in: the queue's number in the keep
 * @fd:		out: a descriptor of the pinned file
 * @reserved:	in: 0
 *
 * Errors: ENOENT no queue of that number.
 */
struct tapkeep_get_queue {
	__u32 size;
	__u32 index;
	__s32 fd;
	__u32 reserved;
};

#define TAPKEEP_GET_QUEUE _IOWR(TAPKEEP_IOC_TYPE, 0x44, struct tapkeep_get_queue)

/**
 * struct tapkeep_offer - TAPKEEP_OFFER on the owner's handle: offer the keep
 * @size:	in: sizeof(struct tapkeep_offer)
 * @flags:	in: 0
 * @fd:		out: the offer. Whoever has it can claim the keep, once, with
 *		TAPKEEP_CLAIM on it; TAPKEEP_GET_INFO and TAPKEEP_GET_STATE
 *		work on it before that
 * @reserved:	in: 0
 *
 * An offer survives the death of the owner: it can be claimed from the orphan.
 *
 * Errors: EBUSY the keep is not frozen.
 */
struct tapkeep_offer {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
};

#define TAPKEEP_OFFER	_IOWR(TAPKEEP_IOC_TYPE, 0x45, struct tapkeep_offer)

/**
 * struct tapkeep_op - the operations that need no argument
 * @size:	in: sizeof(struct tapkeep_op)
 * @flags:	in: 0
 *
 * All on the owner's handle:
 *
 * TAPKEEP_FREEZE - from active to frozen. A no-op on a frozen keep. Call it
 *	*before* the readers stop: vhost gives what it had taken back to the
 *	ring when its backend is removed, and a ring that was grown first has
 *	the room for it. Costs a pointer swap per queue.
 *	Errors: EBADFD no queue is pinned.
 *
 * TAPKEEP_REVOKE - outstanding offers are void; the keep stays frozen. After
 *	it nobody else can claim by an offer: this is how an owner makes sure
 *	that it may go on, before it starts its readers, and thaws after them.
 *
 * TAPKEEP_THAW - from frozen to active; outstanding offers are void. A no-op
 *	on an active keep.
 *
 * TAPKEEP_RELEASE - the keep ends: its files are unpinned, its name is free.
 */
struct tapkeep_op {
	__u32 size;
	__u32 flags;
};

#define TAPKEEP_FREEZE	_IOWR(TAPKEEP_IOC_TYPE, 0x46, struct tapkeep_op)
#define TAPKEEP_REVOKE	_IOWR(TAPKEEP_IOC_TYPE, 0x47, struct tapkeep_op)
#define TAPKEEP_THAW	_IOWR(TAPKEEP_IOC_TYPE, 0x48, struct tapkeep_op)
#define TAPKEEP_RELEASE	_IOWR(TAPKEEP_IOC_TYPE, 0x49, struct tapkeep_op)

/* @flags of struct tapkeep_queue_state */
#define TAPKEEP_QUEUE_ENABLED	(1U << 0) /* the guest uses this queue pair */

/**
 * struct tapkeep_queue_state - one queue pair as the VMM left it
 * @rx_last_avail: next available index of the receive ring that the VMM
 *		would read. Split rings: 0 to 65535. Packed rings: the offset
 *		with the wrap counter in bit 15
 * @rx_used:	next used index of the receive ring that the VMM would write
 * @tx_last_avail: the same for the transmit ring
 * @tx_used:	the same for the transmit ring
 * @rx_size:	descriptors in the receive ring, 1 to 32768; 0: not set up
 * @tx_size:	descriptors in the transmit ring, likewise
 * @flags:	TAPKEEP_QUEUE_*
 */
struct tapkeep_queue_state {
	__u16 rx_last_avail;
	__u16 rx_used;
	__u16 tx_last_avail;
	__u16 tx_used;
	__u16 rx_size;
	__u16 tx_size;
	__u32 flags;
};

/* @flags of struct tapkeep_state */
#define TAPKEEP_STATE_STOPPED	(1U << 0) /* the VMM's readers have stopped */

/* @vnet_hdr_endian of struct tapkeep_state */
enum tapkeep_endian {
	TAPKEEP_ENDIAN_NATIVE	= 0,
	TAPKEEP_ENDIAN_LITTLE	= 1,
	TAPKEEP_ENDIAN_BIG	= 2,
};

/**
 * struct tapkeep_state - what the VMM exports about its NIC
 * @size:	in: sizeof(struct tapkeep_state)
 * @flags:	TAPKEEP_STATE_*
 * @features:	virtio features that the guest negotiated
 * @offloads:	TUN_F_* as last set with TUNSETOFFLOAD
 * @vnet_hdr_len: bytes of vnet header before each packet: 0, 10, 12, 20 or
 *		24 (virtio 1.4, 5.1.6)
 * @vnet_hdr_endian: enum tapkeep_endian
 * @reserved0:	0
 * @mac:	the NIC's MAC address
 * @active_queue_pairs: queue pairs that the guest uses, at most @nr_queues
 * @queue_size:	in: sizeof(struct tapkeep_queue_state)
 * @nr_queues:	TAPKEEP_SET_STATE: entries at @queues, as many as queues are
 *		pinned. TAPKEEP_GET_STATE: in: entries that @queues has room
 *		for; out: queues there are
 * @queues:	address of struct tapkeep_queue_state[@nr_queues]
 *
 * TAPKEEP_SET_STATE, on the owner's handle in any state of the keep: replaces
 * the exported state as a whole, or not at all.
 *	Errors: EINVAL an unknown flag or TUN_F_* bit, a header length or an
 *	endianness that does not exist, @active_queue_pairs over @nr_queues;
 *	EMSGSIZE @nr_queues is not the number of pinned queues; EOPNOTSUPP
 *	the interface cannot do one of @offloads: no TUNSETOFFLOAD can have set
 *	it on this kernel; EBADE the interface has one turned on that is not in
 *	@offloads: the guest would get packets that it does not understand. One
 *	that was turned off since, with ethtool, can be in @offloads.
 *	What is kept of it does not grow with @size or @queue_size: at most
 *	TAPKEEP_MAX_QUEUES entries of the size that the kernel knows, some
 *	4 KiB, charged to the caller's memory cgroup.
 *	With TAPKEEP_STATE_STOPPED on a frozen keep, whatever leaves a ring
 *	counts as stolen from then on, until a claim, a revoke, a thaw, or a
 *	state without that flag: each says that somebody may read again.
 *
 * TAPKEEP_GET_STATE, on any handle.
 *	Errors: EMSGSIZE @queues has no room for all (@nr_queues says how many
 *	there are); ENODATA nothing was exported yet.
 */
struct tapkeep_state {
	__u32 size;
	__u32 flags;
	__aligned_u64 features;
	__u32 offloads;
	__u16 vnet_hdr_len;
	__u8 vnet_hdr_endian;
	__u8 reserved0;
	__u8 mac[6];
	__u16 active_queue_pairs;
	__u32 queue_size;
	__u32 nr_queues;
	__aligned_u64 queues;
};

#define TAPKEEP_SET_STATE _IOWR(TAPKEEP_IOC_TYPE, 0x4a, struct tapkeep_state)
#define TAPKEEP_GET_STATE _IOWR(TAPKEEP_IOC_TYPE, 0x4b, struct tapkeep_state)

enum tapkeep_keep_state {
	TAPKEEP_ACTIVE	= 0,
	TAPKEEP_FROZEN	= 1,
	TAPKEEP_ORPHAN	= 2,
	TAPKEEP_ENDED	= 3,	/* only seen in the event that says so */
};

enum tapkeep_role {
	TAPKEEP_ROLE_OBSERVER	= 0,
	TAPKEEP_ROLE_OFFER	= 1,
	TAPKEEP_ROLE_OWNER	= 2,
	TAPKEEP_ROLE_STALE	= 3,	/* was the owner, or a used or void offer */
};

/**
 * struct tapkeep_info - TAPKEEP_GET_INFO on any handle, a stale one as well
 * @size:	in: sizeof(struct tapkeep_info)
 * @state:	out: enum tapkeep_keep_state
 * @role:	out: enum tapkeep_role of this handle
 * @nr_queues:	out: pinned queues
 * @generation:	out: the keep's generation
 * @name:	out: the keep's name
 * @ifindex:	out: the interface, in its own namespace; 0: nothing is pinned
 * @owner_pid:	out: the owner's process, as the caller's pid namespace sees
 *		it; 0: none, or not visible
 * @owner_comm:	out: the owner's command name when it became the owner
 * @hold_limit:	out: ring slots per queue while frozen
 * @lease_ms:	out: the lease that an orphan has
 * @ending_pid:	out: the process whose end closed the owner's handle, as the
 *		caller's pid namespace sees it, or -1 if it does not, until that
 *		process is gone; 0: there is none. Meanwhile its vhost may still
 *		read, or give packets back. Whoever claims by name lets its
 *		readers wait for a 0 here. A pidfd of that number is of that
 *		process if this is the same when asked again
 * @reserved:	out: 0
 */
struct tapkeep_info {
	__u32 size;
	__u32 state;
	__u32 role;
	__u32 nr_queues;
	__aligned_u64 generation;
	char name[TAPKEEP_NAME_LEN];
	__u32 ifindex;
	__s32 owner_pid;
	char owner_comm[16];
	__u32 hold_limit;
	__u32 lease_ms;
	__s32 ending_pid;
	__u32 reserved;
};

#define TAPKEEP_GET_INFO _IOWR(TAPKEEP_IOC_TYPE, 0x4c, struct tapkeep_info)

/*
 * Generic netlink
 * ===============
 *
 * Family "tapkeep", version 1, multicast group "monitor". Everything is seen
 * from the network namespace of the socket. Every refusal carries an extended
 * ack with a text, and the offset of the attribute that was wrong or the type
 * of the one that is missing.
 *
 *	TAPKEEP_CMD_GET		request: TAPKEEP_A_NAME; or a dump without it.
 *		Reply: one keep, all attributes that apply. Anyone may. A dump
 *		has each keep that is there from its beginning to its end,
 *		once; if others came or went meanwhile, a message of it has
 *		NLM_F_DUMP_INTR.
 *		Errors: ENOENT no keep of that name, or it has just ended;
 *		ENOMEM.
 *
 *	TAPKEEP_CMD_RELEASE	request: TAPKEEP_A_NAME, and if only that one
 *		is meant TAPKEEP_A_GENERATION. The keep ends. The keep's user
 *		or CAP_NET_ADMIN in the user namespace of the network namespace
 *		may; both the opener of the socket and the sender must be that.
 *		Errors: EBUSY a live owner has it, and the caller has no
 *		CAP_NET_ADMIN; ENOENT; EPERM; ESTALE it is of another
 *		generation, and the text says of which and who its owner is.
 *
 *	TAPKEEP_CMD_SET		request: TAPKEEP_A_NAME, TAPKEEP_A_LEASE or
 *		TAPKEEP_A_HOLD_LIMIT or both, and TAPKEEP_A_GENERATION as
 *		above. The keep has these limits from now on; the lease of an
 *		orphan begins anew. The keep's user or CAP_NET_ADMIN may, as
 *		above, whether there is a live owner or not. The memory for the
 *		hold is charged to the sender's memory cgroup.
 *		Errors: EBUSY a new hold limit, and the keep is not active, or
 *		its rings have not shrunk yet; ENOBUFS, ENOMEM as
 *		TAPKEEP_PIN; ENOENT; EPERM; ERANGE over the module's maximum,
 *		or 0; ESTALE.
 *
 *	TAPKEEP_CMD_NTF		event: one keep as in the reply to GET, and
 *		before that TAPKEEP_A_EVENT, TAPKEEP_A_REASON where there are
 *		several, and TAPKEEP_A_ACTOR_* if a process did it.
 *
 * All requests: EINVAL TAPKEEP_A_NAME is missing (but in a dump), or there is
 * one in a dump; nothing is to be set; the name is longer than a name can be or
 * has no NUL; there is an attribute that the request does not have. ERANGE the
 * generation is 0. EOPNOTSUPP no such command.
 *
 * Reading the socket gives ENOBUFS when events were lost: because they came
 * faster than they were read, or because there was no memory for one. Ask with
 * TAPKEEP_CMD_GET what is true by now.
 *
 * User and process numbers in a reply are those of the reader: of the user
 * namespace in which its socket was opened, and of the pid namespace of the
 * process that asks. An event is one message for all listeners: its users are
 * those of the user namespace that owns the network namespace (who has no
 * number there is the overflow user, 65534), and its processes those of the
 * initial pid namespace.
 *
 *	TAPKEEP_A_NAME			string, at most TAPKEEP_NAME_LEN - 1
 *	TAPKEEP_A_EVENT			u32, enum tapkeep_event; only in events,
 *					as the next three
 *	TAPKEEP_A_REASON		u32, enum tapkeep_reason: of CLAIMED
 *					and RELEASED
 *	TAPKEEP_A_ACTOR_PID		u32, the process that did it; absent
 *					when the kernel did it by itself
 *	TAPKEEP_A_ACTOR_UID		u32, its effective user
 *	TAPKEEP_A_STATE			u32, enum tapkeep_keep_state
 *	TAPKEEP_A_GENERATION		u64
 *	TAPKEEP_A_UID			u32, the keep's user, see above
 *	TAPKEEP_A_IFINDEX		u32, in the interface's namespace
 *	TAPKEEP_A_IFNAME		string
 *	TAPKEEP_A_NETNS			u64, inode of the interface's network
 *					namespace, as in /proc/PID/ns/net
 *	TAPKEEP_A_OWNER_PID		u32, absent without a visible owner
 *	TAPKEEP_A_OWNER_COMM		string, absent without an owner
 *	TAPKEEP_A_FORMER_PID		u32, the owner before this one, or that
 *					of an orphan; absent as OWNER_PID
 *	TAPKEEP_A_FORMER_COMM		string, absent without one before
 *	TAPKEEP_A_LEASE			u32, ms: what an orphan gets
 *	TAPKEEP_A_LEASE_LEFT		u32, ms: only of an orphan
 *	TAPKEEP_A_HOLD_LIMIT		u32, slots per queue
 *	TAPKEEP_A_HELD			u64, packets in the rings now; 0 when
 *					active
 *	TAPKEEP_A_HELD_TOTAL		u64, packets that were in the rings at
 *					the thaws so far
 *	TAPKEEP_A_PEAK			u64, most packets seen in the rings at
 *					the end of a hold
 *	TAPKEEP_A_DROPPED		u64, what the interface dropped while
 *					frozen, all holds together
 *	TAPKEEP_A_STOLEN		u64, packets that somebody took out of
 *					the rings while frozen, after the owner
 *					had exported TAPKEEP_STATE_STOPPED
 *	TAPKEEP_A_BLACKOUT		u64, ns: freeze to thaw, the last one
 *	TAPKEEP_A_BLACKOUT_MAX		u64, ns: the longest one
 *	TAPKEEP_A_DRAINING		flag: thawed, a ring is still grown
 *	TAPKEEP_A_VMM			nest, absent until state is exported
 *		TAPKEEP_A_VMM_FLAGS		u32, TAPKEEP_STATE_*
 *		TAPKEEP_A_VMM_FEATURES		u64
 *		TAPKEEP_A_VMM_OFFLOADS		u32, TUN_F_*
 *		TAPKEEP_A_VMM_VNET_HDR_LEN	u16
 *		TAPKEEP_A_VMM_VNET_HDR_ENDIAN	u8, enum tapkeep_endian
 *		TAPKEEP_A_VMM_MAC		binary, 6 bytes
 *		TAPKEEP_A_VMM_ACTIVE_QUEUE_PAIRS u16
 *	TAPKEEP_A_QUEUE			nest, once for each pinned queue, in
 *					order (a multi-attribute)
 *		TAPKEEP_A_QUEUE_INDEX		u32
 *		TAPKEEP_A_QUEUE_RING_SIZE	u32, slots of its ring now
 *		TAPKEEP_A_QUEUE_RING_USED	u32, slots in use now
 *		TAPKEEP_A_QUEUE_FLAGS		u32, TAPKEEP_QUEUE_*; this and
 *						the rest only with VMM state
 *		TAPKEEP_A_QUEUE_RX_LAST_AVAIL	u16
 *		TAPKEEP_A_QUEUE_RX_USED		u16
 *		TAPKEEP_A_QUEUE_RX_SIZE		u16
 *		TAPKEEP_A_QUEUE_TX_LAST_AVAIL	u16
 *		TAPKEEP_A_QUEUE_TX_USED		u16
 *		TAPKEEP_A_QUEUE_TX_SIZE		u16
 */
#define TAPKEEP_GENL_NAME		"tapkeep"
#define TAPKEEP_GENL_VERSION		1
#define TAPKEEP_GENL_MCGRP_MONITOR	"monitor"

enum tapkeep_cmd {
	TAPKEEP_CMD_UNSPEC,
	TAPKEEP_CMD_GET,
	TAPKEEP_CMD_RELEASE,
	TAPKEEP_CMD_NTF,
	TAPKEEP_CMD_SET,

	__TAPKEEP_CMD_MAX,
	TAPKEEP_CMD_MAX = __TAPKEEP_CMD_MAX - 1
};

enum tapkeep_event {
	TAPKEEP_EVENT_UNSPEC,
	TAPKEEP_EVENT_CREATED,
	TAPKEEP_EVENT_FROZEN,
	TAPKEEP_EVENT_OFFERED,
	TAPKEEP_EVENT_CLAIMED,
	TAPKEEP_EVENT_REVOKED,
	TAPKEEP_EVENT_THAWED,
	TAPKEEP_EVENT_ORPHANED,
	TAPKEEP_EVENT_EXPIRED,
	TAPKEEP_EVENT_RELEASED,
	TAPKEEP_EVENT_DEVICE_GONE,
	TAPKEEP_EVENT_DROPPED,
	TAPKEEP_EVENT_STOLEN,
	TAPKEEP_EVENT_CHANGED,

	__TAPKEEP_EVENT_MAX,
	TAPKEEP_EVENT_MAX = __TAPKEEP_EVENT_MAX - 1
};

/* Why, where the event alone does not say so. */
enum tapkeep_reason {
	TAPKEEP_REASON_UNSPEC,
	TAPKEEP_REASON_OWNER,	/* the owner asked for it */
	TAPKEEP_REASON_CLOSED,	/* the owner's handle was closed */
	TAPKEEP_REASON_NETLINK,	/* TAPKEEP_CMD_RELEASE */
	TAPKEEP_REASON_NETNS,	/* the network namespace ended */
	TAPKEEP_REASON_OFFER,	/* claimed by an offer */
	TAPKEEP_REASON_NAME,	/* claimed by its name, as an orphan */
	TAPKEEP_REASON_FORCE,	/* claimed by its name, from a live owner */

	__TAPKEEP_REASON_MAX,
	TAPKEEP_REASON_MAX = __TAPKEEP_REASON_MAX - 1
};

enum tapkeep_attr {
	TAPKEEP_A_UNSPEC,
	TAPKEEP_A_PAD,
	TAPKEEP_A_NAME,
	TAPKEEP_A_EVENT,
	TAPKEEP_A_STATE,
	TAPKEEP_A_GENERATION,
	TAPKEEP_A_UID,
	TAPKEEP_A_IFINDEX,
	TAPKEEP_A_IFNAME,
	TAPKEEP_A_NETNS,
	TAPKEEP_A_OWNER_PID,
	TAPKEEP_A_OWNER_COMM,
	TAPKEEP_A_LEASE,
	TAPKEEP_A_LEASE_LEFT,
	TAPKEEP_A_HOLD_LIMIT,
	TAPKEEP_A_HELD,
	TAPKEEP_A_HELD_TOTAL,
	TAPKEEP_A_PEAK,
	TAPKEEP_A_DROPPED,
	TAPKEEP_A_BLACKOUT,
	TAPKEEP_A_BLACKOUT_MAX,
	TAPKEEP_A_DRAINING,
	TAPKEEP_A_VMM,
	TAPKEEP_A_QUEUE,
	TAPKEEP_A_STOLEN,
	TAPKEEP_A_REASON,
	TAPKEEP_A_ACTOR_PID,
	TAPKEEP_A_ACTOR_UID,
	TAPKEEP_A_FORMER_PID,
	TAPKEEP_A_FORMER_COMM,

	__TAPKEEP_A_MAX,
	TAPKEEP_A_MAX = __TAPKEEP_A_MAX - 1
};

enum tapkeep_attr_vmm {
	TAPKEEP_A_VMM_UNSPEC,
	TAPKEEP_A_VMM_PAD,
	TAPKEEP_A_VMM_FLAGS,
	TAPKEEP_A_VMM_FEATURES,
	TAPKEEP_A_VMM_OFFLOADS,
	TAPKEEP_A_VMM_VNET_HDR_LEN,
	TAPKEEP_A_VMM_VNET_HDR_ENDIAN,
	TAPKEEP_A_VMM_MAC,
	TAPKEEP_A_VMM_ACTIVE_QUEUE_PAIRS,

	__TAPKEEP_A_VMM_MAX,
	TAPKEEP_A_VMM_MAX = __TAPKEEP_A_VMM_MAX - 1
};

enum tapkeep_attr_queue {
	TAPKEEP_A_QUEUE_UNSPEC,
	TAPKEEP_A_QUEUE_INDEX,
	TAPKEEP_A_QUEUE_RING_SIZE,
	TAPKEEP_A_QUEUE_RING_USED,
	TAPKEEP_A_QUEUE_FLAGS,
	TAPKEEP_A_QUEUE_RX_LAST_AVAIL,
	TAPKEEP_A_QUEUE_RX_USED,
	TAPKEEP_A_QUEUE_RX_SIZE,
	TAPKEEP_A_QUEUE_TX_LAST_AVAIL,
	TAPKEEP_A_QUEUE_TX_USED,
	TAPKEEP_A_QUEUE_TX_SIZE,

	__TAPKEEP_A_QUEUE_MAX,
	TAPKEEP_A_QUEUE_MAX = __TAPKEEP_A_QUEUE_MAX - 1
};

#endif /* _UAPI_LINUX_TAPKEEP_H */
