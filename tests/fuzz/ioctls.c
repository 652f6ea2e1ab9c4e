// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ioctls: for each a row in operations[], a function that fills its
 * structure in as it should be, and one that takes what came out. Then, now
 * and then, something is made wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/tapkeep.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "fuzz.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

#define NR_NAMES	8
#define PAGE		4096
#define NR_FILES	1024
/* Of a structure. */
#define MAX_SIZE	512

/**
 * struct operation - an ioctl
 * @op: what it is counted as
 * @cmd: the command
 * @size: of its structure, which begins with that size
 * @device: it is on the device, not on a handle
 * @fill: makes a structure that is right; it is all zero and has its size
 * @done: takes what came out when it succeeded, or NULL
 * @errors: what it can answer beside what every ioctl can
 */
struct operation {
	enum call_op op;
	unsigned int cmd;
	unsigned int size;
	bool device;
	void (*fill)(struct ctx *c, void *to, const struct slot *slot);
	void (*done)(struct ctx *c, const void *from, struct slot *slot);
	int errors[8];
};

static void copy_name(char *name, size_t size, const char *from)
{
	memset(name, 0, size);
	memcpy(name, from, strnlen(from, size));
}

static void odd_name(struct ctx *c, char *name, size_t size)
{
	static const char * const names[] = {
		"", "a/b", "..", "-", "k 0", "k\n", "%n%s", "\xff\xfe", "K0",
		"k0.", "k\xc3\xa9", "0123456789",
	};
	uint32_t choice = below(c, ARRAY_SIZE(names) + 4);

	if (choice < ARRAY_SIZE(names)) {
		copy_name(name, size, names[choice]);
		return;
	}
	memset(name, 'k', size);
	switch (choice - ARRAY_SIZE(names)) {
	case 0:	/* as long as can be */
		name[size - 1] = 0;
		break;
	case 1:	/* no end */
		break;
	case 2:	/* something behind the end */
		name[2] = 0;
		break;
	default:
		fill_random(c, name, size);
	}
}

void fill_name(struct ctx *c, char *name, size_t size)
{
	char usual[16];

	if (one_in(c, 24)) {
		odd_name(c, name, size);
		return;
	}
	snprintf(usual, sizeof(usual), "k%u", below(c, NR_NAMES));
	copy_name(name, size, usual);
}

static void fill_create(struct ctx *c, void *to, const struct slot *slot)
{
	struct tapkeep_create *cmd = to;

	(void)slot;
	fill_name(c, cmd->name, sizeof(cmd->name));
	/* Mostly more than the rings have. */
	cmd->hold_limit = one_in(c, 4) ? 1 + below(c, 100) : 1001 + below(c, 1000);
	cmd->lease_ms = 1 + below(c, 300);
	switch (below(c, 24)) {
	case 0:
		cmd->hold_limit = odd_number(c);
		break;
	case 1:
		cmd->lease_ms = odd_number(c);
		break;
	case 2:
		cmd->hold_limit = 0;
		cmd->lease_ms = 0;
		break;
	case 3:
		cmd->hold_limit = 4096;
		break;
	}
}

static void fill_claim(struct ctx *c, void *to, const struct slot *slot)
{
	struct tapkeep_claim *cmd = to;

	(void)slot;
	fill_name(c, cmd->name, sizeof(cmd->name));
}

static void fill_claim_force(struct ctx *c, void *to, const struct slot *slot)
{
	struct tapkeep_claim *cmd = to;

	fill_claim(c, to, slot);
	cmd->flags = TAPKEEP_CLAIM_FORCE;
}

static void fill_observe(struct ctx *c, void *to, const struct slot *slot)
{
	struct tapkeep_observe *cmd = to;

	(void)slot;
	fill_name(c, cmd->name, sizeof(cmd->name));
}

static void fill_pin(struct ctx *c, void *to, const struct slot *slot)
{
	struct tapkeep_pin *cmd = to;
	struct slot *queue, borrowed;

	(void)slot;
	cmd->fd = any_fd(c);
	if (one_in(c, 8))
		return;
	queue = slot_find(c, KIND_QUEUE);
	if (queue)
		cmd->fd = queue->fd;
	else if (slot_borrow(c, KIND_QUEUE, &borrowed) >= 0)
		cmd->fd = borrowed.fd;
}

static void fill_get_queue(struct ctx *c, void *to, const struct slot *slot)
{
	struct tapkeep_get_queue *cmd = to;

	cmd->index = one_in(c, 16) ? odd_number(c) : below(c, slot->queues + 1);
}

static void fill_nothing(struct ctx *c, void *to, const struct slot *slot)
{
	(void)c;
	(void)to;
	(void)slot;
}

static void fill_queue_state(struct ctx *c, struct tapkeep_queue_state *qs)
{
	fill_random(c, qs, sizeof(*qs));
	qs->rx_size = one_in(c, 32) ? odd_number(c) : 256;
	qs->tx_size = one_in(c, 32) ? odd_number(c) : 1U << below(c, 16);
	qs->flags = one_in(c, 32) ? odd_number(c) : below(c, 2);
}

/* Return: where there are @nr of them, @size apart. */
static uint64_t place_queue_states(struct ctx *c, uint32_t nr, uint32_t size)
{
	struct tapkeep_queue_state qs;
	bool readable;
	uint32_t i;

	if (!size || size > PAGE || nr > PAGE / size)
		nr = 0;
	memset(c->buffer, 0, PAGE);
	for (i = 0; i < nr; i++) {
		fill_queue_state(c, &qs);
		memcpy(c->buffer + i * size, &qs,
		       size < sizeof(qs) ? size : sizeof(qs));
	}
	return (uintptr_t)memory_place(c, &c->states, c->buffer,
				       nr ? nr * size : PAGE, one_in(c, 12),
				       &readable);
}

static uint32_t queue_size(struct ctx *c)
{
	static const uint32_t sizes[] = { 0, 15, 17, 24, 64, 4095, 4096, 4097 };

	if (one_in(c, 16))
		return one_in(c, 3) ? odd_number(c) :
				      sizes[below(c, ARRAY_SIZE(sizes))];
	return sizeof(struct tapkeep_queue_state);
}

static void fill_set_state(struct ctx *c, void *to, const struct slot *slot)
{
	static const uint16_t lengths[] = { 0, 10, 12, 20, 24 };
	struct tapkeep_state *cmd = to;

	cmd->flags = below(c, 2);
	cmd->features = odd_number(c);
	cmd->offloads = below(c, 0x80);
	cmd->vnet_hdr_len = one_in(c, 24) ? odd_number(c) : lengths[below(c, 5)];
	cmd->vnet_hdr_endian = one_in(c, 24) ? odd_number(c) : below(c, 3);
	fill_random(c, cmd->mac, sizeof(cmd->mac));
	cmd->nr_queues = one_in(c, 16) ? odd_number(c) : slot->queues;
	cmd->active_queue_pairs = one_in(c, 24) ? odd_number(c) :
				  below(c, slot->queues + 1);
	cmd->queue_size = queue_size(c);
	cmd->queues = place_queue_states(c, cmd->nr_queues, cmd->queue_size);
}

static void fill_get_state(struct ctx *c, void *to, const struct slot *slot)
{
	struct tapkeep_state *cmd = to;
	bool readable;

	cmd->queue_size = queue_size(c);
	cmd->nr_queues = one_in(c, 8) ? odd_number(c) : slot->queues + 4U;
	cmd->queues = (uintptr_t)memory_place(c, &c->states, c->buffer, PAGE,
					      one_in(c, 12), &readable);
}

/* A descriptor that came out is to be closed by an exec. */
static struct slot *take_fd(struct ctx *c, int fd, enum fd_kind kind)
{
	struct slot *slot;
	int flags;

	if (!is_passing_fd(fd))
		return NULL;
	flags = fcntl(fd, F_GETFD);
	if (flags >= 0 && !(flags & FD_CLOEXEC))
		count_wrong(c, "descriptor %d is not close-on-exec", fd);
	slot = slot_new(c, fd, kind);
	return slot;
}

static void take_handle(struct ctx *c, int fd, enum tapkeep_role role,
			enum tapkeep_keep_state state, uint16_t queues)
{
	struct slot *slot = take_fd(c, fd, KIND_HANDLE);

	if (!slot)
		return;
	slot->role = role;
	slot->state = state;
	slot->queues = queues;
}

static void created(struct ctx *c, const void *from, struct slot *slot)
{
	const struct tapkeep_create *cmd = from;

	(void)slot;
	take_handle(c, cmd->fd, TAPKEEP_ROLE_OWNER, TAPKEEP_ACTIVE, 0);
}

static void claimed(struct ctx *c, const void *from, struct slot *slot)
{
	const struct tapkeep_claim *cmd = from;
	uint16_t queues = slot->queues;

	slot->role = TAPKEEP_ROLE_STALE;
	take_handle(c, cmd->fd, TAPKEEP_ROLE_OWNER, TAPKEEP_FROZEN, queues);
}

static void observed(struct ctx *c, const void *from, struct slot *slot)
{
	const struct tapkeep_observe *cmd = from;

	(void)slot;
	take_handle(c, cmd->fd, TAPKEEP_ROLE_OBSERVER, TAPKEEP_ACTIVE, 1);
}

static void offered(struct ctx *c, const void *from, struct slot *slot)
{
	const struct tapkeep_offer *cmd = from;

	take_handle(c, cmd->fd, TAPKEEP_ROLE_OFFER, TAPKEEP_FROZEN, slot->queues);
}

static void pinned(struct ctx *c, const void *from, struct slot *slot)
{
	const struct tapkeep_pin *cmd = from;

	if (cmd->index >= TAPKEEP_MAX_QUEUES)
		count_wrong(c, "a queue of number %u", cmd->index);
	slot->queues = cmd->index + 1;
}

static void got_queue(struct ctx *c, const void *from, struct slot *slot)
{
	const struct tapkeep_get_queue *cmd = from;

	(void)slot;
	take_fd(c, cmd->fd, KIND_QUEUE);
}

static void frozen(struct ctx *c, const void *from, struct slot *slot)
{
	(void)c;
	(void)from;
	slot->state = TAPKEEP_FROZEN;
}

static void thawed(struct ctx *c, const void *from, struct slot *slot)
{
	(void)c;
	(void)from;
	slot->state = TAPKEEP_ACTIVE;
}

static void ended(struct ctx *c, const void *from, struct slot *slot)
{
	(void)c;
	(void)from;
	slot->state = TAPKEEP_ENDED;
}

static void got_info(struct ctx *c, const void *from, struct slot *slot)
{
	const struct tapkeep_info *info = from;

	if (info->state > TAPKEEP_ORPHAN || info->role > TAPKEEP_ROLE_STALE ||
	    !info->generation || info->nr_queues > TAPKEEP_MAX_QUEUES ||
	    info->reserved || !info->name[0] || info->name[TAPKEEP_NAME_LEN - 1]) {
		count_wrong(c, "an info that cannot be: state %u role %u queues %u",
			    info->state, info->role, info->nr_queues);
		return;
	}
	c->worker->keep_states[info->state]++;
	c->worker->roles[info->role]++;
	slot->state = info->state;
	slot->role = info->role;
	slot->queues = info->nr_queues;
}

static const struct operation operations[] = {
	{ OP_CREATE, TAPKEEP_CREATE, sizeof(struct tapkeep_create), true,
	  fill_create, created, { EDQUOT, EEXIST, ENOSPC, ERANGE } },
	{ OP_CLAIM, TAPKEEP_CLAIM, sizeof(struct tapkeep_claim), true,
	  fill_claim, claimed, { EBUSY, EACCES, ENOENT } },
	{ OP_CLAIM_FORCE, TAPKEEP_CLAIM, sizeof(struct tapkeep_claim), true,
	  fill_claim_force, claimed, { EBUSY, EACCES, ENOENT } },
	{ OP_OBSERVE, TAPKEEP_OBSERVE, sizeof(struct tapkeep_observe), true,
	  fill_observe, observed, { EACCES, ENOENT } },
	{ OP_CLAIM_OFFER, TAPKEEP_CLAIM, sizeof(struct tapkeep_claim), false,
	  fill_nothing, claimed, { EBUSY } },
	{ OP_PIN, TAPKEEP_PIN, sizeof(struct tapkeep_pin), false,
	  fill_pin, pinned,
	  { EBADFD, EBUSY, EEXIST, EMEDIUMTYPE, ENOBUFS, ENOSPC, EXDEV } },
	{ OP_GET_QUEUE, TAPKEEP_GET_QUEUE, sizeof(struct tapkeep_get_queue), false,
	  fill_get_queue, got_queue, { ENOENT } },
	{ OP_OFFER, TAPKEEP_OFFER, sizeof(struct tapkeep_offer), false,
	  fill_nothing, offered, { EBUSY } },
	{ OP_FREEZE, TAPKEEP_FREEZE, sizeof(struct tapkeep_op), false,
	  fill_nothing, frozen, { EBADFD } },
	{ OP_REVOKE, TAPKEEP_REVOKE, sizeof(struct tapkeep_op), false,
	  fill_nothing, NULL, {} },
	{ OP_THAW, TAPKEEP_THAW, sizeof(struct tapkeep_op), false,
	  fill_nothing, thawed, {} },
	{ OP_RELEASE, TAPKEEP_RELEASE, sizeof(struct tapkeep_op), false,
	  fill_nothing, ended, {} },
	{ OP_SET_STATE, TAPKEEP_SET_STATE, sizeof(struct tapkeep_state), false,
	  fill_set_state, NULL, { EBADE, EMSGSIZE, EOPNOTSUPP } },
	{ OP_GET_STATE, TAPKEEP_GET_STATE, sizeof(struct tapkeep_state), false,
	  fill_get_state, NULL, { EMSGSIZE, ENODATA } },
	{ OP_GET_INFO, TAPKEEP_GET_INFO, sizeof(struct tapkeep_info), false,
	  fill_nothing, got_info, {} },
};

/* As often as it stands there. */
static const enum call_op on_device[] = {
	OP_CREATE, OP_CREATE, OP_CREATE, OP_CREATE, OP_CREATE, OP_CLAIM,
	OP_CLAIM, OP_CLAIM, OP_CLAIM_FORCE, OP_OBSERVE, OP_OBSERVE,
};

/* A pin waits for RTNL, and when all do nobody calls. */
static const enum call_op on_new[] = {
	OP_PIN, OP_PIN, OP_PIN, OP_PIN, OP_FREEZE, OP_SET_STATE, OP_GET_INFO,
	OP_GET_INFO, OP_RELEASE, OP_CLOSE,
};

static const enum call_op on_active[] = {
	OP_FREEZE, OP_FREEZE, OP_FREEZE, OP_FREEZE, OP_FREEZE, OP_PIN,
	OP_SET_STATE, OP_SET_STATE, OP_GET_QUEUE, OP_GET_STATE, OP_GET_INFO,
	OP_GET_INFO, OP_OFFER, OP_RELEASE, OP_CLOSE,
};

static const enum call_op on_frozen[] = {
	OP_OFFER, OP_OFFER, OP_OFFER, OP_OFFER, OP_OFFER, OP_THAW, OP_THAW,
	OP_THAW, OP_REVOKE, OP_REVOKE, OP_GET_QUEUE, OP_GET_QUEUE, OP_SET_STATE,
	OP_SET_STATE, OP_GET_STATE, OP_GET_INFO, OP_GET_INFO, OP_FREEZE, OP_PIN,
	OP_RELEASE, OP_CLOSE, OP_CLOSE, OP_CLOSE, OP_FDINFO,
};

static const enum call_op on_offer[] = {
	OP_CLAIM_OFFER, OP_CLAIM_OFFER, OP_CLAIM_OFFER, OP_CLAIM_OFFER,
	OP_GET_INFO, OP_GET_INFO, OP_GET_STATE, OP_GET_STATE, OP_CLOSE,
	OP_FDINFO,
};

static const enum call_op on_observer[] = {
	OP_GET_INFO, OP_GET_INFO, OP_GET_STATE, OP_CLOSE, OP_FDINFO,
};

static const enum call_op on_ended[] = {
	OP_CLOSE, OP_CLOSE, OP_CLOSE, OP_GET_INFO, OP_GET_STATE,
};

static const struct operation *find_operation(enum call_op op)
{
	size_t i;

	for (i = 0; operations[i].op != op; i++)
		;
	return &operations[i];
}

#define CHOOSE(c, ops) ((ops)[below(c, ARRAY_SIZE(ops))])

/* Mostly what the handle is for. */
static enum call_op choose_for(struct ctx *c, const struct slot *slot)
{
	if (one_in(c, 12))
		return operations[below(c, ARRAY_SIZE(operations))].op;
	if (slot->state == TAPKEEP_ENDED || slot->role == TAPKEEP_ROLE_STALE)
		return CHOOSE(c, on_ended);
	if (slot->role == TAPKEEP_ROLE_OFFER)
		return CHOOSE(c, on_offer);
	if (slot->role == TAPKEEP_ROLE_OBSERVER)
		return CHOOSE(c, on_observer);
	if (slot->state == TAPKEEP_FROZEN)
		return CHOOSE(c, on_frozen);
	return slot->queues ? CHOOSE(c, on_active) : CHOOSE(c, on_new);
}

static bool may_answer(const struct operation *o, int err)
{
	static const int always[] = {
		E2BIG, EBADF, EFAULT, EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM,
		ENOTTY, EPERM, ESTALE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(always); i++)
		if (always[i] == err)
			return true;
	for (i = 0; o && i < ARRAY_SIZE(o->errors) && o->errors[i]; i++)
		if (o->errors[i] == err)
			return true;
	return false;
}

/* One ioctl with what is wrong about it. */
struct attempt {
	int fd;
	unsigned int cmd;
	unsigned int size;	/* of what is at @buffer of the context */
	bool odd_place;
	bool starve;		/* no descriptor is free */
	bool foreign;		/* the file may be another's */
};

static void odd_size(struct ctx *c, struct attempt *a)
{
	const uint32_t size = a->size;
	uint32_t told;

	switch (below(c, 6)) {
	case 0:
		told = below(c, size);
		break;
	case 1:	/* a later version's, with nothing in its tail */
		told = size + 8 * (1 + below(c, 16));
		a->size = told;
		break;
	case 2:	/* with something */
		told = size + 1 + below(c, 64);
		a->size = told;
		c->buffer[size + below(c, told - size)] = 1 + below(c, 255);
		break;
	case 3:
		told = PAGE - 1 + below(c, 3);
		a->size = PAGE;
		break;
	default:
		told = odd_number(c);
	}
	memcpy(c->buffer, &told, sizeof(told));
}

static void make_wrong(struct ctx *c, struct attempt *a)
{
	uint32_t at;

	switch (below(c, 8)) {
	case 0:
		odd_size(c, a);
		break;
	case 1:
		at = sizeof(uint32_t) + below(c, a->size - sizeof(uint32_t));
		c->buffer[at] ^= 1U << below(c, 8);
		break;
	case 2:
		at = sizeof(uint32_t) + below(c, a->size - sizeof(uint32_t));
		fill_random(c, c->buffer + at, 1 + below(c, a->size - at));
		break;
	case 3:	/* the size in the command, which does not matter */
		a->cmd = _IOC(_IOC_DIR(a->cmd), _IOC_TYPE(a->cmd),
			      _IOC_NR(a->cmd), below(c, 1U << _IOC_SIZEBITS));
		break;
	case 4:
		a->starve = true;
		break;
	default:
		a->odd_place = true;
	}
}

/* A command that there is not. */
static void wrong_command(struct ctx *c, struct attempt *a)
{
	unsigned int dir = _IOC_DIR(a->cmd), type = _IOC_TYPE(a->cmd);
	unsigned int nr = _IOC_NR(a->cmd);

	switch (below(c, 3)) {
	case 0:
		dir = below(c, 3);
		break;
	case 1:
		type ^= 1U << below(c, 8);
		break;
	default:
		nr ^= 0x80U;
	}
	a->cmd = _IOC(dir, type, nr, _IOC_SIZE(a->cmd));
}

static void let_open(unsigned int files)
{
	struct rlimit limit = { .rlim_cur = files, .rlim_max = NR_FILES };

	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Return: the error; and in the buffer what came out, if that can be told. */
static int attempt(struct ctx *c, const struct attempt *a, bool *readable,
		   bool *injected)
{
	void *arg = memory_place(c, &c->arena, c->buffer, a->size, a->odd_place,
				 readable);
	bool armed;
	int err;

	if (a->starve)
		let_open(0);
	armed = inject_arm(c);
	err = ioctl(a->fd, a->cmd, arg) < 0 ? errno : 0;
	*injected = armed && inject_disarm(c);
	if (a->starve)
		let_open(NR_FILES);
	if (*readable)
		memcpy(c->buffer, arg, a->size);
	return err;
}

/* Of no use any more: its interface is gone. Most of them go. */
static void drop_queue(struct ctx *c)
{
	const struct tapkeep_pin *cmd = (void *)c->buffer;
	int i;

	for (i = 0; i < NR_SLOTS && !one_in(c, 8); i++)
		if (c->slots[i].kind == KIND_QUEUE && c->slots[i].fd == cmd->fd)
			slot_close(c, &c->slots[i]);
}

static void note_error(struct ctx *c, const struct operation *o,
		       const struct attempt *a, struct slot *slot, int err)
{
	if (!a->foreign && !may_answer(o, err))
		count_wrong(c, "%s answers %s", op_name(o->op), strerrorname_np(err));
	if (o->device)
		return;
	if (o->op == OP_PIN && err == EBADFD)
		drop_queue(c);
	if (err == ESTALE)
		slot->role = TAPKEEP_ROLE_STALE;
	if (err == ENODEV)
		slot->state = TAPKEEP_ENDED;
}

static void run_operation(struct ctx *c, const struct operation *o,
			  struct attempt *a, struct slot *slot)
{
	uint64_t filled[MAX_SIZE / 8] = {};
	bool readable, injected;
	int err;

	a->cmd = o->cmd;
	a->size = o->size;
	memcpy(filled, &o->size, sizeof(o->size));
	o->fill(c, filled, slot);
	memset(c->buffer, 0, sizeof(c->buffer));
	memcpy(c->buffer, filled, o->size);
	if (one_in(c, 6))
		make_wrong(c, a);
	err = attempt(c, a, &readable, &injected);
	count(c, o->op, err, injected);
	if (err)
		note_error(c, o, a, slot, err);
	else if (readable && o->done)
		o->done(c, c->buffer, slot);
}

static void device_step(struct ctx *c)
{
	struct attempt a = { .fd = c->process->device };
	/* Who claims by name does not know what it gets. */
	struct slot unknown = { .queues = 1 };

	run_operation(c, find_operation(CHOOSE(c, on_device)), &a, &unknown);
}

static void no_ioctl(struct ctx *c, int fd)
{
	const struct operation *o = &operations[below(c, ARRAY_SIZE(operations))];
	struct attempt a = { .fd = fd, .cmd = o->cmd, .size = o->size };
	bool readable, injected;
	int err;

	wrong_command(c, &a);
	memset(c->buffer, 0, PAGE);
	memcpy(c->buffer, &a.size, sizeof(a.size));
	err = attempt(c, &a, &readable, &injected);
	count(c, OP_NO_IOCTL, err, injected);
	/* A child may have closed everything. */
	if (err != ENOTTY && err != EBADF)
		count_wrong(c, "command %x gives %s", a.cmd,
			    err ? strerrorname_np(err) : "ok");
}

/* What everybody may read of a handle. */
static void fdinfo(struct ctx *c, int handle)
{
	char path[40];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", handle);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	len = read(fd, c->buffer, sizeof(c->buffer));
	count(c, OP_FDINFO, len < 0 ? errno : 0, false);
	close(fd);
}

/* @foreign: another may close it. */
static void use_handle(struct ctx *c, struct slot *slot, bool foreign)
{
	struct attempt a = { .fd = slot->fd, .foreign = foreign };
	enum call_op op = choose_for(c, slot);

	if (op == OP_CLOSE && !foreign) {
		slot_close(c, slot);
		return;
	}
	if (op == OP_FDINFO) {
		fdinfo(c, slot->fd);
		return;
	}
	/* Who may is one of those that share it. */
	if (op == OP_CLOSE)
		op = OP_GET_INFO;
	if (op == OP_PIN && !slot_find(c, KIND_QUEUE))
		disturb_open_queue(c);
	if (one_in(c, 50)) {
		a.fd = any_fd(c);
		a.foreign = true;
	}
	run_operation(c, find_operation(op), &a, slot);
}

static void handle_step(struct ctx *c)
{
	struct slot *slot = slot_find(c, KIND_HANDLE);
	struct slot borrowed, was;
	int at = -1;

	if (!slot || one_in(c, 6))
		at = slot_borrow(c, KIND_HANDLE, &borrowed);
	if (at >= 0) {
		was = borrowed;
		use_handle(c, &borrowed, true);
		slot_return(c, at, &was, &borrowed);
	} else if (slot) {
		use_handle(c, slot, false);
	} else {
		device_step(c);
	}
}

void ioctl_step(struct ctx *c)
{
	struct slot *slot;

	switch (below(c, 64)) {
	case 0:
		no_ioctl(c, c->process->device);
		break;
	case 1:
		slot = slot_find(c, KIND_HANDLE);
		no_ioctl(c, slot ? slot->fd : c->process->device);
		break;
	default:
		if (one_in(c, 4))
			device_step(c);
		else
			handle_step(c);
	}
}
