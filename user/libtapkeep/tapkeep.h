/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libtapkeep: the ioctl interface of the tapkeep module, one function each.
 *
 * What each operation does, and each error, is documented at its ioctl in
 * <linux/tapkeep.h>. Here: every function returns a negative errno on
 * failure, and has changed nothing then; descriptors that are returned are
 * close-on-exec and the caller's to close; descriptors that are passed in stay
 * the caller's, and so does all memory. The functions keep no state, take no
 * lock, do not wait, and can be called from any thread. A name is looked up in
 * the network namespace of the thread that calls.
 *
 * Over the releases: the structures of <linux/tapkeep.h> are here as they were
 * when the program was built. When one has grown, the functions that take it
 * get another symbol version, and a program that was linked before gets the old
 * one.
 *
 * The netlink half is in <tapkeep-netlink.h>.
 */
#ifndef TAPKEEP_H
#define TAPKEEP_H

#include <stdint.h>
#include <linux/tapkeep.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Path of the control device; the environment variable TAPKEEP_DEVICE wins. */
#define TAPKEEP_DEVICE_PATH "/dev/tapkeep"

/**
 * tapkeep_create - make a keep and become its owner
 * @name: its name
 * @hold_limit: ring slots per queue while frozen; 0: the module's default
 * @lease_ms: lease of an orphan in milliseconds; 0: the module's default
 *
 * Return: the owner's handle. Besides the errors of TAPKEEP_CREATE, and like
 * every function that takes a name: ENXIO when the module is not loaded (never
 * ENOENT, which would be "no keep of that name"), EACCES when the device may
 * not be opened, ENAMETOOLONG when @name does not fit.
 */
int tapkeep_create(const char *name, uint32_t hold_limit, uint32_t lease_ms);

/**
 * tapkeep_claim_name - become the owner of an orphan
 * @name: the keep's name
 * @flags: TAPKEEP_CLAIM_FORCE or 0
 * @generation: the new generation; may be NULL
 *
 * Return: the owner's handle.
 */
int tapkeep_claim_name(const char *name, uint32_t flags, uint64_t *generation);

/**
 * tapkeep_claim_offer - become the owner by an offer, which is then used up
 * @offer: the offer's descriptor
 * @generation: the new generation; may be NULL
 *
 * Return: the owner's handle.
 */
int tapkeep_claim_offer(int offer, uint64_t *generation);

/* Return: an observer's handle of the keep @name. */
int tapkeep_observe(const char *name);

/*
 * The same on a control device that is open already: for a process that may
 * not open it itself, and was given the descriptor. -1: open it.
 */
int tapkeep_create_at(int device, const char *name, uint32_t hold_limit,
		      uint32_t lease_ms);
int tapkeep_claim_name_at(int device, const char *name, uint32_t flags,
			  uint64_t *generation);
int tapkeep_observe_at(int device, const char *name);

/* Pin a queue. Return: its number in the keep. */
int tapkeep_pin(int handle, int queue_fd);

/* Return: a descriptor of the pinned queue number @index. */
int tapkeep_get_queue(int handle, uint32_t index);

/* Return: an offer of the frozen keep. */
int tapkeep_offer(int handle);

/* Return: 0. See TAPKEEP_FREEZE, _REVOKE, _THAW and _RELEASE. */
int tapkeep_freeze(int handle);
int tapkeep_revoke(int handle);
int tapkeep_thaw(int handle);
int tapkeep_release(int handle);

/**
 * tapkeep_set_state - export the VMM's state
 * @handle: the owner's handle
 * @state: @size, @queue_size and @queues are filled in by the call and need
 *	not be set; @nr_queues counts @queues
 * @queues: one entry for each pinned queue
 *
 * Return: 0.
 */
int tapkeep_set_state(int handle, const struct tapkeep_state *state,
		      const struct tapkeep_queue_state *queues);

/**
 * tapkeep_get_state - what the VMM exported last
 * @handle: any handle
 * @state: filled in; its member @queues is the address of @queues
 * @queues: room for @nr_queues entries
 * @nr_queues: as it says
 *
 * Return: the number of queues there are; EMSGSIZE when there is not enough
 * room.
 */
int tapkeep_get_state(int handle, struct tapkeep_state *state,
		      struct tapkeep_queue_state *queues, uint32_t nr_queues);

/* Return: 0. Works on a stale handle as well, and says so in @info->role. */
int tapkeep_get_info(int handle, struct tapkeep_info *info);

#ifdef __cplusplus
}
#endif

#endif /* TAPKEEP_H */
