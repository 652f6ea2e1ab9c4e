// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DOC: The life of a VMM's NIC
 *
 * A struct tapkeep_vmm is one process's view of one keep. It has at most two
 * descriptors: the owner's handle, from create, restart or claim on, and an
 * offer, between accept and claim. What the keep is like is asked of the keep
 * whenever it matters, and not remembered: another process may have acted.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <tapkeep.h>

#include "check.h"
#include "error.h"

/* More than most VMMs have open, and within the usual limit of 1024. */
#define HANDLE_AT_LEAST	512

/* For how long a process that was killed may take to end, and how often to ask. */
#define ENDING_BOUND_MS	5000
#define ENDING_STEP_MS	20

struct tapkeep_vmm {
	char name[TAPKEEP_NAME_LEN];
	int device;		/* the control device, the caller's, or -1 */
	int handle;		/* the owner's, or -1 */
	int offer;		/* accepted and not claimed, or -1 */
	int orphan;		/* likewise: an observer's handle, or -1 */
	uint64_t generation;	/* of the orphan when it was accepted */
	uint32_t nr_queues;
};

/* A keep's state with the memory for its queues. */
struct keep_state {
	struct tapkeep_nic nic;
	struct tapkeep_queue_state queues[TAPKEEP_MAX_QUEUES];
};

/* What to do about an errno; @op NULL: whatever was tried. First match wins. */
static const struct {
	const char *op;
	int code;
	const char *advice;
} advices[] = {
	{ "pin a queue of", EBUSY,
	  "the queue is pinned by another keep already" },
	{ "pin a queue of", EBADFD,
	  "the queue is not attached to an interface: TUNSETIFF comes first" },
	{ "pin a queue of", EMEDIUMTYPE,
	  "the descriptor is not a queue of a TAP or TUN interface" },
	{ "pin a queue of", EEXIST, "the same queue was given twice" },
	{ "pin a queue of", EXDEV,
	  "the queue is of another interface than the first" },
	{ "pin a queue of", ENOSPC,
	  "it has as many queues as it can have (sysctl net.tapkeep.max_queues)" },
	{ "pin a queue of", ENOBUFS,
	  "all holds have as many slots as the module allows (parameter max_hold_slots)" },
	{ "create", EEXIST,
	  "it exists: choose another name, or end it (tapkeep release NAME)" },
	{ "create", ENOSPC,
	  "there are as many as can be: module parameter max_keeps, sysctl net.tapkeep.max_keeps" },
	{ "create", EDQUOT,
	  "this user has as many as a user can have (module parameter max_keeps_user)" },
	{ "create", ERANGE,
	  "over the module's parameter hold_limit_max or lease_ms_max" },
	{ "create", EINVAL,
	  "a name has 1 to 63 of the characters A-Z a-z 0-9 . _ : -" },
	{ "freeze", EBADFD, "no queue is pinned" },
	{ "offer", EBUSY, "freeze it first" },
	{ NULL, ENAMETOOLONG, "a name has at most 63 characters" },
	{ NULL, ENXIO,
	  "the module is not loaded: modprobe tapkeep" },
	{ NULL, EACCES,
	  "it takes the keep's user or CAP_NET_ADMIN (and /dev/tapkeep)" },
	{ NULL, ENOENT,
	  "there is none of that name in this network namespace" },
	{ NULL, ENODEV,
	  "it ended: it was released, its interface was deleted, or its lease ran out" },
	{ NULL, EBUSY, "it has a live owner" },
	{ NULL, ESTALE, "another process took it over, or the offer is void" },
	{ NULL, EPERM, "this process is not its owner: claim it first" },
	{ NULL, ENOTTY, "the descriptor is not a handle or an offer" },
};

static const char *advice_for(const char *op, int code)
{
	size_t i;

	for (i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (advices[i].code == code &&
		    (!advices[i].op || !strcmp(advices[i].op, op)))
			return advices[i].advice;
	return strerror(code);
}

/*
 * " (owner: process 12, qemu, generation 3)", or nothing if there is none. A
 * process of another pid namespace has no number here.
 */
static void describe_owner(char *to, size_t len, int handle)
{
	struct tapkeep_info info;
	char pid[24] = "";

	*to = '\0';
	if (handle < 0 || tapkeep_get_info(handle, &info) || !*info.owner_comm)
		return;
	if (info.owner_pid)
		snprintf(pid, sizeof(pid), "process %d, ", info.owner_pid);
	snprintf(to, len, " (owner: %s%.16s, generation %llu)", pid,
		 info.owner_comm, (unsigned long long)info.generation);
}

/*
 * Say why @op failed with @ret, a negative errno. @handle is one of the keep,
 * or -1.
 */
static int keep_error(const char *name, int handle, const char *op, int ret,
		      struct tapkeep_vmm_error *err)
{
	char owner[80] = "";

	if (ret == -ESTALE || ret == -EBUSY)
		describe_owner(owner, sizeof(owner), handle);
	return tapkeep_vmm_error_set(err, -ret, "Cannot %s keep '%.63s': %s%s",
				     op, name, advice_for(op, -ret), owner);
}

static int vmm_error(const struct tapkeep_vmm *vmm, const char *op, int ret,
		     struct tapkeep_vmm_error *err)
{
	return keep_error(vmm->name, vmm->handle, op, ret, err);
}

/* One of the operations that need the owner's handle and nothing else. */
static int owner_op(struct tapkeep_vmm *vmm, const char *op,
		    int (*function)(int handle), struct tapkeep_vmm_error *err)
{
	int ret = vmm->handle < 0 ? -EPERM : function(vmm->handle);

	return ret < 0 ? vmm_error(vmm, op, ret, err) : ret;
}

/* A new object that owns nothing yet. */
static struct tapkeep_vmm *vmm_new(int device, const char *name,
				   struct tapkeep_vmm_error *err)
{
	struct tapkeep_vmm *vmm = calloc(1, sizeof(*vmm));

	if (!vmm) {
		tapkeep_vmm_error_set(err, ENOMEM, "Out of memory");
		return NULL;
	}
	snprintf(vmm->name, sizeof(vmm->name), "%s", name);
	vmm->device = device;
	vmm->handle = -1;
	vmm->offer = -1;
	vmm->orphan = -1;
	return vmm;
}

/* What an observer sees. EACCES: the keep exists, and is somebody else's. */
static int observe(int device, const char *name, struct tapkeep_info *info)
{
	int handle = tapkeep_observe_at(device, name);
	int ret;

	if (handle < 0)
		return handle;
	ret = tapkeep_get_info(handle, info);
	close(handle);
	return ret;
}

int tapkeep_vmm_probe(const char *name, struct tapkeep_vmm_error *err)
{
	return tapkeep_vmm_probe_at(-1, name, err);
}

int tapkeep_vmm_probe_at(int device, const char *name,
			 struct tapkeep_vmm_error *err)
{
	struct tapkeep_info info;
	int ret = observe(device, name, &info);

	/* A keep that ended while it was looked at is gone as well. */
	if (ret == -ENOENT || ret == -ENODEV)
		return TAPKEEP_VMM_NONE;
	if (ret)
		return keep_error(name, -1, "look at", ret, err);
	switch (info.state) {
	case TAPKEEP_ENDED:
		return TAPKEEP_VMM_NONE;
	case TAPKEEP_ORPHAN:
		return TAPKEEP_VMM_ORPHAN;
	default:
		return TAPKEEP_VMM_LIVE;
	}
}

int tapkeep_vmm_pin(struct tapkeep_vmm *vmm, const int *fds, uint32_t nr,
		    struct tapkeep_vmm_error *err)
{
	uint32_t i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = tapkeep_pin(vmm->handle, fds[i]);
		if (ret < 0)
			return vmm_error(vmm, "pin a queue of", ret, err);
		vmm->nr_queues++;
	}
	return 0;
}

/*
 * Of a process that is killed Linux releases the highest descriptors first,
 * and the keep has to be frozen before vhost, which gives packets back then:
 * the handle belongs above the descriptors of vhost, also of one that is only
 * opened later.
 */
static int above_others(int handle)
{
	int moved = handle < 0 ? -1 :
		    fcntl(handle, F_DUPFD_CLOEXEC, HANDLE_AT_LEAST);

	if (moved < 0)
		return handle;
	close(handle);
	return moved;
}

/*
 * A table of descriptors that has to grow for that makes a process with threads
 * wait for RCU, some 10 ms. It does so now, and not when the guest is stopped.
 */
static void make_room_above(void)
{
	int fd = above_others(open("/dev/null", O_RDONLY | O_CLOEXEC));

	if (fd >= 0)
		close(fd);
}

int tapkeep_vmm_create(struct tapkeep_vmm **vmm, const char *name,
		       uint32_t hold_limit, uint32_t lease_ms,
		       const int *fds, uint32_t nr,
		       struct tapkeep_vmm_error *err)
{
	return tapkeep_vmm_create_at(vmm, -1, name, hold_limit, lease_ms, fds,
				     nr, err);
}

int tapkeep_vmm_create_at(struct tapkeep_vmm **vmm, int device,
			  const char *name, uint32_t hold_limit,
			  uint32_t lease_ms, const int *fds, uint32_t nr,
			  struct tapkeep_vmm_error *err)
{
	struct tapkeep_vmm *new = vmm_new(device, name, err);
	int ret;

	*vmm = NULL;
	if (!new)
		return -ENOMEM;
	new->handle = above_others(tapkeep_create_at(device, name, hold_limit,
						     lease_ms));
	if (new->handle < 0) {
		ret = keep_error(name, -1, "create", new->handle, err);
		goto fail;
	}
	ret = tapkeep_vmm_pin(new, fds, nr, err);
	if (ret) {
		tapkeep_release(new->handle);
		goto fail;
	}
	*vmm = new;
	return 0;

fail:
	tapkeep_vmm_close(new);
	return ret;
}

/* The owner of a keep that this process could not have, for the message. */
static int claim_name_error(int device, const char *name, int ret,
			    struct tapkeep_vmm_error *err)
{
	int observer = ret == -EBUSY ? tapkeep_observe_at(device, name) : -1;

	keep_error(name, observer, "claim", ret, err);
	if (observer >= 0)
		close(observer);
	return ret;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/*
 * For the end of process @pid, or for @ms milliseconds. By then its number may
 * be another's: whoever asks the keep again learns whether it is gone. One that
 * has no number here is just given time.
 */
static void wait_for_process(pid_t pid, int ms)
{
	struct pollfd pfd = {
		.fd = pid > 0 ? syscall(SYS_pidfd_open, pid, 0) : -1,
		.events = POLLIN,
	};

	poll(&pfd, 1, ms);
	if (pfd.fd >= 0)
		close(pfd.fd);
}

static int ending_error(const struct tapkeep_vmm *vmm,
			const struct tapkeep_info *info,
			struct tapkeep_vmm_error *err)
{
	char process[48] = "a process of another pid namespace";

	if (info->ending_pid > 0)
		snprintf(process, sizeof(process), "process %d",
			 info->ending_pid);
	return tapkeep_vmm_error_set(err, ETIMEDOUT,
		"Cannot go on with keep '%s': %s, which had it, was killed and has not ended in %d s: see what it waits for, and try again",
		vmm->name, process, ENDING_BOUND_MS / 1000);
}

/*
 * The keep is an orphan as soon as its owner's handle is closed. The dead
 * process has other descriptors: its vhost may still take packets, or give some
 * back, which would then come after later ones.
 */
static int wait_for_former_owner(struct tapkeep_vmm *vmm,
				 struct tapkeep_vmm_error *err)
{
	int64_t until = now_ms() + ENDING_BOUND_MS;
	struct tapkeep_info info;
	int ret;

	for (;;) {
		ret = tapkeep_get_info(vmm->handle, &info);
		if (ret)
			return vmm_error(vmm, "look at", ret, err);
		vmm->nr_queues = info.nr_queues;
		if (!info.ending_pid)
			return 0;
		if (now_ms() >= until)
			return ending_error(vmm, &info, err);
		wait_for_process(info.ending_pid, ENDING_STEP_MS);
	}
}

int tapkeep_vmm_restart(struct tapkeep_vmm **vmm, const char *name,
			struct tapkeep_vmm_error *err)
{
	return tapkeep_vmm_restart_at(vmm, -1, name, err);
}

int tapkeep_vmm_restart_at(struct tapkeep_vmm **vmm, int device,
			   const char *name, struct tapkeep_vmm_error *err)
{
	struct tapkeep_vmm *new = vmm_new(device, name, err);
	int ret;

	*vmm = NULL;
	if (!new)
		return -ENOMEM;
	new->handle = above_others(tapkeep_claim_name_at(device, name, 0,
							 NULL));
	if (new->handle < 0) {
		ret = claim_name_error(device, name, new->handle, err);
		goto fail;
	}
	ret = wait_for_former_owner(new, err);
	if (ret)
		goto fail;
	*vmm = new;
	return 0;

fail:
	tapkeep_vmm_close(new);
	return ret;
}

static int own_handle(int fd, uint32_t role)
{
	int copy;

	if (role != TAPKEEP_ROLE_OWNER)
		return tapkeep_claim_offer(fd, NULL);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? -errno : copy;
}

/* @info is of @fd: what is missing before it is this process's keep? */
static int adopt(struct tapkeep_vmm *vmm, int fd,
		 const struct tapkeep_info *info, struct tapkeep_vmm_error *err)
{
	if (strncmp(vmm->name, info->name, sizeof(vmm->name)))
		return tapkeep_vmm_error_set(err, EINVAL,
			"The descriptor is of keep '%.63s', not of keep '%s'",
			info->name, vmm->name);
	vmm->handle = above_others(own_handle(fd, info->role));
	if (vmm->handle < 0)
		return keep_error(vmm->name, fd, "claim", vmm->handle, err);
	vmm->nr_queues = info->nr_queues;
	return 0;
}

int tapkeep_vmm_adopt(struct tapkeep_vmm **vmm, const char *name, int fd,
		      struct tapkeep_vmm_error *err)
{
	struct tapkeep_vmm *new = vmm_new(-1, name, err);
	struct tapkeep_info info;
	int ret;

	*vmm = NULL;
	if (!new)
		return -ENOMEM;
	ret = tapkeep_get_info(fd, &info);
	/* This is what a TAP answers. */
	if (ret == -EINVAL)
		ret = -ENOTTY;
	ret = ret ? keep_error(name, -1, "adopt", ret, err) :
		    adopt(new, fd, &info, err);
	if (ret) {
		tapkeep_vmm_close(new);
		return ret;
	}
	*vmm = new;
	return 0;
}

int tapkeep_vmm_await(struct tapkeep_vmm **vmm, const char *name,
		      struct tapkeep_vmm_error *err)
{
	return tapkeep_vmm_await_at(vmm, -1, name, err);
}

int tapkeep_vmm_await_at(struct tapkeep_vmm **vmm, int device,
			 const char *name, struct tapkeep_vmm_error *err)
{
	struct tapkeep_info info = { 0 };
	struct tapkeep_vmm *new;
	int ret = observe(device, name, &info);

	*vmm = NULL;
	/* Whoever is given an offer may be another user than the keep's. */
	if (ret && ret != -EACCES)
		return keep_error(name, -1, "wait for", ret, err);
	new = vmm_new(device, name, err);
	if (!new)
		return -ENOMEM;
	new->nr_queues = info.nr_queues;
	make_room_above();
	*vmm = new;
	return 0;
}

/* A descriptor of the keep's, whatever its role; -1: this process has none. */
static int any_handle(const struct tapkeep_vmm *vmm)
{
	if (vmm->offer >= 0)
		return vmm->offer;
	return vmm->orphan >= 0 ? vmm->orphan : vmm->handle;
}

int tapkeep_vmm_info(const struct tapkeep_vmm *vmm, struct tapkeep_info *info,
		     struct tapkeep_vmm_error *err)
{
	int handle = any_handle(vmm);
	int ret = handle < 0 ? observe(vmm->device, vmm->name, info) :
		  tapkeep_get_info(handle, info);

	return ret ? keep_error(vmm->name, -1, "look at", ret, err) : 0;
}

uint32_t tapkeep_vmm_nr_queues(const struct tapkeep_vmm *vmm)
{
	return vmm->nr_queues;
}

int tapkeep_vmm_queue_fd(struct tapkeep_vmm *vmm, uint32_t index,
			 struct tapkeep_vmm_error *err)
{
	int ret;

	if (index >= vmm->nr_queues)
		return tapkeep_vmm_error_set(err, ENOENT,
			"Keep '%s' has %u queues, so none of number %u",
			vmm->name, vmm->nr_queues, index);
	ret = vmm->handle < 0 ? -EPERM : tapkeep_get_queue(vmm->handle, index);
	return ret < 0 ? vmm_error(vmm, "get a queue of", ret, err) : ret;
}

bool tapkeep_vmm_is_owner(const struct tapkeep_vmm *vmm)
{
	struct tapkeep_info info;

	return vmm->handle >= 0 && !tapkeep_get_info(vmm->handle, &info) &&
	       info.role == TAPKEEP_ROLE_OWNER && info.state != TAPKEEP_ENDED;
}

int tapkeep_vmm_freeze(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err)
{
	return owner_op(vmm, "freeze", tapkeep_freeze, err);
}

int tapkeep_vmm_export(struct tapkeep_vmm *vmm, const struct tapkeep_nic *nic,
		       struct tapkeep_vmm_error *err)
{
	struct tapkeep_state state = {
		.flags = nic->flags,
		.features = nic->features,
		.offloads = nic->offloads,
		.vnet_hdr_len = nic->vnet_hdr_len,
		.vnet_hdr_endian = nic->vnet_hdr_endian,
		.active_queue_pairs = nic->active_queue_pairs,
		.nr_queues = nic->nr_queues,
	};
	int ret;

	memcpy(state.mac, nic->mac, sizeof(state.mac));
	ret = vmm->handle < 0 ? -EPERM :
	      tapkeep_set_state(vmm->handle, &state, nic->queues);
	if (ret == -EMSGSIZE)
		return tapkeep_vmm_error_set(err, EMSGSIZE,
			"Cannot export to keep '%s': the state is of %u queues, the keep has %u",
			vmm->name, nic->nr_queues, vmm->nr_queues);
	if (ret == -EINVAL)
		return tapkeep_vmm_error_set(err, EINVAL,
			"Keep '%s' refused the state: a value out of range in flags %#x, offloads %#x, vnet header length %u, endianness %u, %u active pairs of %u, or a ring's",
			vmm->name, nic->flags, nic->offloads,
			nic->vnet_hdr_len, nic->vnet_hdr_endian,
			nic->active_queue_pairs, nic->nr_queues);
	if (ret == -EOPNOTSUPP)
		return tapkeep_vmm_error_set(err, EOPNOTSUPP,
			"Keep '%s' refused the state: its interface cannot do all of the offloads %#x on this kernel",
			vmm->name, nic->offloads);
	if (ret == -EBADE)
		return tapkeep_vmm_error_set(err, EBADE,
			"Keep '%s' refused the state: its interface has more turned on than the offloads %#x: export what TUNSETOFFLOAD set",
			vmm->name, nic->offloads);
	return ret ? vmm_error(vmm, "export to", ret, err) : 0;
}

/* The state of the keep that @handle, of any role, belongs to. */
static int get_keep_state(const struct tapkeep_vmm *vmm, int handle,
			  struct keep_state *keep,
			  struct tapkeep_vmm_error *err)
{
	struct tapkeep_state state;
	int ret = handle < 0 ? -EPERM :
		  tapkeep_get_state(handle, &state, keep->queues,
				    TAPKEEP_MAX_QUEUES);

	if (ret == -ENODATA)
		return tapkeep_vmm_error_set(err, ENODATA,
			"Keep '%s' has no state: the source exports it before it makes an offer",
			vmm->name);
	if (ret < 0)
		return keep_error(vmm->name, handle, "get the state of", ret,
				  err);
	keep->nic = (struct tapkeep_nic){
		.flags = state.flags,
		.features = state.features,
		.offloads = state.offloads,
		.vnet_hdr_len = state.vnet_hdr_len,
		.vnet_hdr_endian = state.vnet_hdr_endian,
		.active_queue_pairs = state.active_queue_pairs,
		.nr_queues = ret,
		.queues = keep->queues,
	};
	memcpy(keep->nic.mac, state.mac, sizeof(keep->nic.mac));
	return 0;
}

static int check_stopped(const char *name, const struct tapkeep_nic *nic,
			 struct tapkeep_vmm_error *err)
{
	if (nic->flags & TAPKEEP_STATE_STOPPED)
		return 0;
	return tapkeep_vmm_error_set(err, EBUSY,
		"The exported state of keep '%s' has flags %#x, without %#x: stop the readers and export again, with TAPKEEP_STATE_STOPPED",
		name, nic->flags, TAPKEEP_STATE_STOPPED);
}

/* @handover gets a copy of the queues of its own. */
static int fill_handover(const struct tapkeep_vmm *vmm,
			 struct tapkeep_handover *handover,
			 struct tapkeep_vmm_error *err)
{
	struct tapkeep_queue_state *queues;
	struct tapkeep_info info;
	struct keep_state keep;
	int ret = vmm->handle < 0 ? -EPERM :
		  tapkeep_get_info(vmm->handle, &info);

	if (ret)
		return vmm_error(vmm, "offer", ret, err);
	ret = get_keep_state(vmm, vmm->handle, &keep, err);
	if (!ret)
		ret = check_stopped(vmm->name, &keep.nic, err);
	if (ret)
		return ret;
	queues = calloc(keep.nic.nr_queues, sizeof(*queues));
	if (!queues)
		return tapkeep_vmm_error_set(err, ENOMEM, "Out of memory");
	memcpy(queues, keep.queues, keep.nic.nr_queues * sizeof(*queues));
	memcpy(handover->name, vmm->name, sizeof(handover->name));
	handover->generation = info.generation;
	handover->nic = keep.nic;
	handover->nic.queues = queues;
	return 0;
}

int tapkeep_vmm_save(struct tapkeep_vmm *vmm,
		     struct tapkeep_handover *handover,
		     struct tapkeep_vmm_error *err)
{
	memset(handover, 0, sizeof(*handover));
	return fill_handover(vmm, handover, err);
}

int tapkeep_vmm_offer(struct tapkeep_vmm *vmm,
		      struct tapkeep_handover *handover,
		      struct tapkeep_vmm_error *err)
{
	int ret = tapkeep_vmm_save(vmm, handover, err);

	if (ret)
		return ret;
	ret = owner_op(vmm, "offer", tapkeep_offer, err);
	if (ret < 0)
		tapkeep_handover_clear(handover);
	return ret;
}

static int check_name(const struct tapkeep_vmm *vmm,
		      const struct tapkeep_handover *handover,
		      struct tapkeep_vmm_error *err)
{
	if (strncmp(vmm->name, handover->name, sizeof(vmm->name)))
		return tapkeep_vmm_error_set(err, EINVAL,
			"This VMM waits for keep '%s', the hand-over is of keep '%.63s'",
			vmm->name, handover->name);
	return 0;
}

/* Is @offer, which @info is of, the one that the stream speaks of? */
static int check_offer(const struct tapkeep_vmm *vmm,
		       const struct tapkeep_info *info,
		       const struct tapkeep_handover *handover,
		       struct tapkeep_vmm_error *err)
{
	int ret = check_name(vmm, handover, err);

	if (ret)
		return ret;
	if (strncmp(vmm->name, info->name, sizeof(vmm->name)))
		return tapkeep_vmm_error_set(err, EINVAL,
			"This VMM waits for keep '%s', the offer is of keep '%.63s'",
			vmm->name, info->name);
	if (info->role != TAPKEEP_ROLE_OFFER)
		return tapkeep_vmm_error_set(err, ESTALE,
			"The descriptor that came for keep '%s' is not a valid offer (role %u, not %u): it was used or voided, let the source make a new one",
			vmm->name, info->role, TAPKEEP_ROLE_OFFER);
	if (info->generation != handover->generation)
		return tapkeep_vmm_error_set(err, ESTALE,
			"Keep '%s' has generation %llu, the hand-over is of generation %llu: let the owner of now make a new one",
			vmm->name, (unsigned long long)info->generation,
			(unsigned long long)handover->generation);
	return 0;
}

static int check_number(const struct tapkeep_vmm *vmm,
			const struct tapkeep_info *info,
			const struct tapkeep_handover *handover,
			struct tapkeep_vmm_error *err)
{
	if (info->nr_queues != handover->nic.nr_queues)
		return tapkeep_vmm_error_set(err, EINVAL,
			"Keep '%s' has %u queues, the hand-over has %u",
			vmm->name, info->nr_queues, handover->nic.nr_queues);
	return 0;
}

static int check_number_came(const struct tapkeep_vmm *vmm,
			     const struct tapkeep_info *info, uint32_t nr,
			     struct tapkeep_vmm_error *err)
{
	if (info->nr_queues != nr)
		return tapkeep_vmm_error_set(err, EINVAL,
			"Keep '%s' has %u queues, %u queue descriptors came",
			vmm->name, info->nr_queues, nr);
	return 0;
}

/* @handle is any of the keep's. */
static int check_state(const struct tapkeep_vmm *vmm, int handle,
		       const struct tapkeep_handover *handover,
		       struct tapkeep_vmm_error *err)
{
	struct keep_state keep;
	int ret = get_keep_state(vmm, handle, &keep, err);

	if (!ret)
		ret = tapkeep_check_nic(vmm->name, &keep.nic, &handover->nic,
					"hand-over", err);
	if (!ret)
		ret = check_stopped(vmm->name, &keep.nic, err);
	if (!ret)
		ret = check_stopped(vmm->name, &handover->nic, err);
	return ret;
}

static int check_handover(const struct tapkeep_vmm *vmm,
			  const struct tapkeep_info *info,
			  const struct tapkeep_handover *handover, int offer,
			  const int *fds, uint32_t nr,
			  struct tapkeep_vmm_error *err)
{
	int ret = check_offer(vmm, info, handover, err);

	if (!ret)
		ret = check_number(vmm, info, handover, err);
	if (!ret)
		ret = check_number_came(vmm, info, nr, err);
	if (!ret)
		ret = check_state(vmm, offer, handover, err);
	if (!ret)
		ret = tapkeep_check_fds(info, &handover->nic, fds, nr, err);
	return ret;
}

static int check_has_none(const struct tapkeep_vmm *vmm,
			  struct tapkeep_vmm_error *err)
{
	if (vmm->handle < 0 && vmm->offer < 0 && vmm->orphan < 0)
		return 0;
	return tapkeep_vmm_error_set(err, EALREADY,
		"Cannot accept an offer of keep '%s': this VMM has %s already",
		vmm->name, vmm->handle >= 0 ? "the keep" : "one");
}

int tapkeep_vmm_accept(struct tapkeep_vmm *vmm,
		       const struct tapkeep_handover *handover, int offer,
		       const int *fds, uint32_t nr,
		       struct tapkeep_vmm_error *err)
{
	struct tapkeep_info info;
	int ret = check_has_none(vmm, err);

	if (ret)
		return ret;
	ret = tapkeep_get_info(offer, &info);
	/* This is what a TAP answers: the descriptors are in the wrong order. */
	if (ret == -EINVAL)
		ret = -ENOTTY;
	if (ret)
		return keep_error(vmm->name, -1, "accept the offer of", ret,
				  err);
	ret = check_handover(vmm, &info, handover, offer, fds, nr, err);
	if (ret)
		return ret;
	vmm->offer = offer;
	vmm->nr_queues = nr;
	return 0;
}

/* Is the orphan, which @info is of, as it was when it was saved? */
static int check_orphan(const struct tapkeep_vmm *vmm,
			const struct tapkeep_info *info,
			const struct tapkeep_handover *handover, int handle,
			struct tapkeep_vmm_error *err)
{
	int ret = check_name(vmm, handover, err);

	if (ret)
		return ret;
	if (info->state != TAPKEEP_ORPHAN)
		return keep_error(vmm->name, handle, "claim", -EBUSY, err);
	if (info->generation != handover->generation)
		return tapkeep_vmm_error_set(err, ESTALE,
			"Keep '%s' has generation %llu, and was saved in generation %llu: it had another owner since (tapkeep release %s, to go on without what it holds)",
			vmm->name, (unsigned long long)info->generation,
			(unsigned long long)handover->generation, vmm->name);
	ret = check_number(vmm, info, handover, err);
	return ret ? ret : check_state(vmm, handle, handover, err);
}

int tapkeep_vmm_accept_saved(struct tapkeep_vmm *vmm,
			     const struct tapkeep_handover *handover,
			     struct tapkeep_vmm_error *err)
{
	struct tapkeep_info info;
	int ret = check_has_none(vmm, err);
	int handle;

	if (ret)
		return ret;
	handle = tapkeep_observe_at(vmm->device, vmm->name);
	if (handle < 0)
		return keep_error(vmm->name, -1, "claim", handle, err);
	ret = tapkeep_get_info(handle, &info);
	if (ret)
		ret = keep_error(vmm->name, handle, "look at", ret, err);
	else
		ret = check_orphan(vmm, &info, handover, handle, err);
	if (ret) {
		close(handle);
		return ret;
	}
	vmm->orphan = handle;
	vmm->generation = info.generation;
	vmm->nr_queues = info.nr_queues;
	return 0;
}

int tapkeep_vmm_compare(struct tapkeep_vmm *vmm, const struct tapkeep_nic *nic,
			struct tapkeep_vmm_error *err)
{
	struct keep_state keep;
	int ret = get_keep_state(vmm, any_handle(vmm), &keep, err);

	return ret ? ret : tapkeep_check_nic(vmm->name, &keep.nic, nic,
					     "device", err);
}

/* What was compared has to be what is claimed: nobody came in between. */
static int claim_orphan(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err)
{
	uint64_t generation;
	int handle = tapkeep_claim_name_at(vmm->device, vmm->name, 0,
					   &generation);

	if (handle < 0)
		return claim_name_error(vmm->device, vmm->name, handle, err);
	if (generation != vmm->generation + 1) {
		close(handle);
		return tapkeep_vmm_error_set(err, ESTALE,
			"Keep '%s' had another owner while it was claimed",
			vmm->name);
	}
	vmm->handle = above_others(handle);
	close(vmm->orphan);
	vmm->orphan = -1;
	return 0;
}

int tapkeep_vmm_claim(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err)
{
	int ret;

	if (vmm->orphan >= 0)
		return claim_orphan(vmm, err);
	if (vmm->offer < 0)
		return tapkeep_vmm_error_set(err, EPERM,
			"Cannot claim keep '%s': no offer was accepted",
			vmm->name);
	ret = tapkeep_claim_offer(vmm->offer, NULL);
	if (ret < 0)
		return keep_error(vmm->name, vmm->offer, "claim", ret, err);
	vmm->handle = above_others(ret);
	close(vmm->offer);
	vmm->offer = -1;
	return 0;
}

int tapkeep_vmm_revoke(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err)
{
	return owner_op(vmm, "go on with", tapkeep_revoke, err);
}

/* A state that was saved is good until somebody reads again. */
static int say_running(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err)
{
	struct tapkeep_queue_state queues[TAPKEEP_MAX_QUEUES];
	struct tapkeep_state state;
	int ret = tapkeep_get_state(vmm->handle, &state, queues,
				    TAPKEEP_MAX_QUEUES);

	if (ret == -ENODATA ||
	    (ret >= 0 && !(state.flags & TAPKEEP_STATE_STOPPED)))
		return 0;
	if (ret >= 0) {
		state.flags &= ~TAPKEEP_STATE_STOPPED;
		ret = tapkeep_set_state(vmm->handle, &state, queues);
	}
	return ret < 0 ? vmm_error(vmm, "thaw", ret, err) : 0;
}

int tapkeep_vmm_thaw(struct tapkeep_vmm *vmm, struct tapkeep_vmm_error *err)
{
	int ret = vmm->handle < 0 ? 0 : say_running(vmm, err);

	return ret ? ret : owner_op(vmm, "thaw", tapkeep_thaw, err);
}

int tapkeep_vmm_release(struct tapkeep_vmm *vmm,
			struct tapkeep_vmm_error *err)
{
	return owner_op(vmm, "release", tapkeep_release, err);
}

void tapkeep_vmm_close(struct tapkeep_vmm *vmm)
{
	if (!vmm)
		return;
	if (vmm->handle >= 0)
		close(vmm->handle);
	if (vmm->offer >= 0)
		close(vmm->offer);
	if (vmm->orphan >= 0)
		close(vmm->orphan);
	free(vmm);
}
