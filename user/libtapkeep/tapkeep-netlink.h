/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libtapkeep, the netlink half: look at keeps, end them, follow events.
 *
 * Functions return 0 or a negative errno, and then fill in the error, which
 * may be NULL. A connection sees the network namespace that its thread was in
 * when it was opened; it is not locked: one thread at a time, and any thread.
 * Different connections do not know of each other.
 *
 * A request waits for its answer, ten seconds at most. Errors that each can give
 * besides those of its command in <linux/tapkeep.h>, with the kernel's text:
 * EBADMSG the answer makes no sense to this library; EIO netlink failed, as the
 * message says; ENAMETOOLONG; ENOMEM; EPERM; ETIMEDOUT there was no answer.
 * After ETIMEDOUT and EIO close the connection: an answer may still come.
 *
 * Over the releases: struct tapkeep_nl is opaque. The structures below are as
 * they are for good: when one has to grow, the functions that take it get
 * another symbol version, and a program that was linked before gets the old one.
 */
#ifndef TAPKEEP_NETLINK_H
#define TAPKEEP_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/tapkeep.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tapkeep_nl;

/**
 * struct tapkeep_nl_error - why a call failed, for a person to read
 * @code: errno, positive
 * @msg: what the kernel said in its extended ack, or else what the errno
 *	means; without a full stop, NUL-terminated
 */
struct tapkeep_nl_error {
	int code;
	char msg[256];
};

/**
 * struct tapkeep_keep_queue - one pinned queue
 * @index: its number in the keep
 * @ring_size: slots of its ring now
 * @ring_used: slots in use now
 * @vmm: as the VMM left it; all zero unless the keep's @has_vmm is set
 */
struct tapkeep_keep_queue {
	uint32_t index;
	uint32_t ring_size;
	uint32_t ring_used;
	struct tapkeep_queue_state vmm;
};

/**
 * struct tapkeep_keep - a keep as netlink describes it
 *
 * What each member means is documented at its attribute in <linux/tapkeep.h>.
 * Times are in the unit that the member's name ends with.
 *
 * @ifname: empty while nothing is pinned
 * @owner_pid: 0 without a visible owner
 * @owner_comm: empty without an owner
 * @former_pid: 0 without a visible owner before this one
 * @former_comm: empty without an owner before this one
 * @has_lease_left: it is an orphan, and @lease_left_ms says for how long
 * @reason: enum tapkeep_reason; TAPKEEP_REASON_UNSPEC in what is no event, and
 *	where the event says it all
 * @has_actor: it is an event, and @actor_pid and @actor_uid did it
 * @has_vmm: the VMM exported its state: @vmm, and @vmm of each queue
 * @vmm: @size, @queue_size, @nr_queues and @queues are 0
 * @queues: @nr_queues of them
 */
struct tapkeep_keep {
	char name[TAPKEEP_NAME_LEN];
	uint32_t state;
	uint64_t generation;
	uint32_t uid;
	uint32_t ifindex;
	char ifname[16];
	uint64_t netns;
	uint32_t owner_pid;
	char owner_comm[16];
	uint32_t former_pid;
	char former_comm[16];
	uint32_t lease_ms;
	bool has_lease_left;
	uint32_t lease_left_ms;
	uint32_t hold_limit;
	uint64_t held;
	uint64_t held_total;
	uint64_t peak;
	uint64_t dropped;
	uint64_t stolen;
	uint64_t blackout_ns;
	uint64_t blackout_max_ns;
	bool draining;
	uint32_t reason;
	bool has_actor;
	uint32_t actor_pid;
	uint32_t actor_uid;
	bool has_vmm;
	struct tapkeep_state vmm;
	uint32_t nr_queues;
	struct tapkeep_keep_queue *queues;
};

/* Return: the name of the value, or NULL if this library does not know it. */
const char *tapkeep_state_name(uint32_t state);
const char *tapkeep_event_name(uint32_t event);
const char *tapkeep_reason_name(uint32_t reason);

/**
 * tapkeep_keep_parse - from attributes to a struct tapkeep_keep
 * @keep: to be cleared with tapkeep_keep_clear() on success
 * @event: enum tapkeep_event, TAPKEEP_EVENT_UNSPEC in what is no event; may be
 *	NULL
 * @attrs: netlink attributes as in the header's tree
 * @len: bytes at @attrs
 *
 * Attributes that are not known are passed over: a newer module may send
 * them.
 *
 * Return: 0; EBADMSG when an attribute is malformed, or the name is missing;
 * ENOMEM.
 */
int tapkeep_keep_parse(struct tapkeep_keep *keep, uint32_t *event,
		       const void *attrs, size_t len);

/* Free what tapkeep_keep_parse() allocated. */
void tapkeep_keep_clear(struct tapkeep_keep *keep);

/**
 * tapkeep_nl_open - open a connection to the module
 * @nl: the connection, for tapkeep_nl_close(); NULL on failure
 * @err: filled in on failure; may be NULL
 *
 * Errors: EIO, ENOMEM, EPERM, ETIMEDOUT as above; ENXIO the module is not
 * loaded.
 */
int tapkeep_nl_open(struct tapkeep_nl **nl, struct tapkeep_nl_error *err);

/* NULL is fine. */
void tapkeep_nl_close(struct tapkeep_nl *nl);

/**
 * tapkeep_nl_get - one keep
 * @nl: the connection
 * @name: the keep's name
 * @keep: to be cleared with tapkeep_keep_clear() on success, zero on failure
 * @err: filled in on failure; may be NULL
 *
 * Errors: as above; ENOENT no keep of that name.
 */
int tapkeep_nl_get(struct tapkeep_nl *nl, const char *name,
		   struct tapkeep_keep *keep, struct tapkeep_nl_error *err);

/**
 * tapkeep_nl_dump - all keeps of the namespace
 * @nl: the connection
 * @keeps: an array, to be freed with tapkeep_keeps_free(); NULL if there are none
 * @nr: how many
 * @err: filled in on failure; may be NULL
 *
 * A keep that comes or goes meanwhile is there or not; the others are.
 *
 * Errors: as above.
 */
int tapkeep_nl_dump(struct tapkeep_nl *nl, struct tapkeep_keep **keeps,
		    size_t *nr, struct tapkeep_nl_error *err);

/* Free what tapkeep_nl_dump() returned; NULL is fine. */
void tapkeep_keeps_free(struct tapkeep_keep *keeps, size_t nr);

/**
 * tapkeep_nl_release - end a keep
 * @nl: the connection
 * @name: the keep's name
 * @generation: the one that is meant; 0: whichever it is of
 * @err: filled in on failure; may be NULL
 *
 * See TAPKEEP_CMD_RELEASE for who may. Errors: as above; EBUSY a live owner has
 * it; ENOENT no keep of that name; ESTALE it is of another generation.
 */
int tapkeep_nl_release(struct tapkeep_nl *nl, const char *name,
		       uint64_t generation, struct tapkeep_nl_error *err);

/**
 * tapkeep_nl_set - change a keep's limits
 * @nl: the connection
 * @name: the keep's name
 * @lease_ms: how long an orphan can be claimed, in milliseconds; 0: as it is
 * @hold_limit: ring slots per queue while frozen; 0: as it is
 * @err: filled in on failure; may be NULL
 *
 * See TAPKEEP_CMD_SET for who may, and when. Errors: as above; EBUSY a new hold
 * limit, and the keep is not active; EINVAL both are 0; ENOBUFS the module's
 * limit of slots; ENOENT no keep of that name; ERANGE over a maximum.
 */
int tapkeep_nl_set(struct tapkeep_nl *nl, const char *name, uint32_t lease_ms,
		   uint32_t hold_limit, struct tapkeep_nl_error *err);

/*
 * Subscribe to events. Use a connection of its own for them: the other calls
 * would take them for answers. Errors: EIO, ENOENT, ENOMEM, EPERM, ETIMEDOUT as
 * above.
 */
int tapkeep_nl_subscribe(struct tapkeep_nl *nl, struct tapkeep_nl_error *err);

/* To wait on for reading with poll(); it stays the connection's. */
int tapkeep_nl_fd(const struct tapkeep_nl *nl);

/**
 * tapkeep_nl_read_events - hand out the events that have come, without waiting
 * @nl: a connection that is subscribed
 * @fn: called for each, with its @event, enum tapkeep_event, and its @keep,
 *	which is cleared afterwards; ends the reading when it returns non-zero,
 *	and what was read with it is lost
 * @arg: passed on to @fn
 * @err: filled in on failure; may be NULL
 *
 * Return: 0 or what @fn returned. Errors: EAGAIN there is none; EBADMSG one makes
 * no sense to this library; ENOBUFS events were lost because they were not read
 * in time, go on reading; ENOMEM; ENXIO the module was unloaded, there will be
 * no more; others of recvmsg().
 */
int tapkeep_nl_read_events(struct tapkeep_nl *nl,
			   int (*fn)(uint32_t event,
				     const struct tapkeep_keep *keep,
				     void *arg),
			   void *arg, struct tapkeep_nl_error *err);

#ifdef __cplusplus
}
#endif

#endif /* TAPKEEP_NETLINK_H */
