// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The descriptors that a worker has; those that it shares with the threads of
 * its process, who may close them at any time; and those that it sends to the
 * other processes of its world.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/tapkeep.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "fuzz.h"

static uint64_t slot_pack(const struct slot *slot)
{
	uint64_t packed;

	_Static_assert(sizeof(packed) == sizeof(*slot), "a slot is one word");
	memcpy(&packed, slot, sizeof(packed));
	return packed;
}

static void slot_unpack(uint64_t packed, struct slot *slot)
{
	memcpy(slot, &packed, sizeof(*slot));
}

/* Not one of those that the fuzzer needs for itself. */
bool is_passing_fd(int fd)
{
	return fd > 2 && fd < FIRST_LASTING_FD;
}

struct slot *slot_find(struct ctx *c, enum fd_kind kind)
{
	uint32_t i, first = below(c, NR_SLOTS);

	for (i = 0; i < NR_SLOTS; i++) {
		struct slot *slot = &c->slots[(first + i) % NR_SLOTS];

		if (slot->kind == kind)
			return slot;
	}
	return NULL;
}

struct slot *slot_new(struct ctx *c, int fd, enum fd_kind kind)
{
	struct slot *slot;

	if (!is_passing_fd(fd))
		return NULL;
	slot = slot_find(c, KIND_NONE);
	if (!slot) {
		slot = &c->slots[below(c, NR_SLOTS)];
		slot_close(c, slot);
	}
	*slot = (struct slot){ .fd = fd, .kind = kind };
	return slot;
}

/* The last reference on a handle is a call of the module as well. */
void slot_close(struct ctx *c, struct slot *slot)
{
	bool handle = slot->kind == KIND_HANDLE;
	bool armed = handle && inject_arm(c);
	int fd = slot->fd;

	slot->kind = KIND_NONE;
	if (!is_passing_fd(fd))
		return;
	close(fd);
	if (handle)
		count(c, OP_CLOSE, 0, armed && inject_disarm(c));
}

static struct slot *any_slot(struct ctx *c)
{
	uint32_t kind = below(c, 8);

	switch (kind) {
	case 0:
		return slot_find(c, KIND_NETLINK);
	case 1:
	case 2:
		return slot_find(c, KIND_QUEUE);
	default:
		return slot_find(c, KIND_HANDLE);
	}
}

/* Few of those that are of no use any more. */
static struct slot *slot_to_give(struct ctx *c)
{
	struct slot *slot = any_slot(c);

	if (slot && slot->kind == KIND_HANDLE &&
	    (slot->state == TAPKEEP_ENDED || slot->role == TAPKEEP_ROLE_STALE) &&
	    !one_in(c, 8))
		return NULL;
	return slot;
}

/* Gives a descriptor to the threads of the process, and drops what was there. */
void slot_publish(struct ctx *c)
{
	struct slot *slot = slot_to_give(c);
	struct slot old;

	if (!slot)
		return;
	slot_unpack(atomic_exchange(&c->process->common[below(c, NR_COMMON)],
				    slot_pack(slot)), &old);
	*slot = old;
	if (old.kind)
		slot_close(c, slot);
}

void slot_take(struct ctx *c)
{
	struct slot taken, *slot;

	slot_unpack(atomic_exchange(&c->process->common[below(c, NR_COMMON)], 0),
		    &taken);
	if (!taken.kind)
		return;
	slot = slot_new(c, taken.fd, taken.kind);
	if (slot)
		*slot = taken;
}

/*
 * Uses one without taking it: somebody may close it meanwhile. Return: its
 * place, or -1.
 */
int slot_borrow(struct ctx *c, enum fd_kind kind, struct slot *to)
{
	uint32_t i, at = below(c, NR_COMMON);

	for (i = 0; i < NR_COMMON; i++, at = (at + 1) % NR_COMMON) {
		slot_unpack(c->process->common[at], to);
		if (to->kind == kind)
			return at;
	}
	return -1;
}

/* What came of it; if it is of no use any more it goes, whoever uses it. */
void slot_return(struct ctx *c, int at, const struct slot *was, struct slot *now)
{
	uint64_t packed = slot_pack(was);
	bool useless = now->state == TAPKEEP_ENDED || now->role == TAPKEEP_ROLE_STALE;

	if (atomic_compare_exchange_strong(&c->process->common[at], &packed,
					   useless ? 0 : slot_pack(now)) &&
	    useless)
		slot_close(c, now);
}

void slot_send(struct ctx *c)
{
	struct slot *slot = slot_to_give(c);
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { .iov_base = slot, .iov_len = sizeof(*slot) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int fd;

	if (!slot)
		return;
	fd = slot->fd;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (sendmsg(c->process->exchange[below(c, 2)], &msg, MSG_DONTWAIT) < 0)
		return;
	if (!one_in(c, 4))
		slot_close(c, slot);
}

void slot_receive(struct ctx *c)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct slot sent, *slot;
	struct iovec iov = { .iov_base = &sent, .iov_len = sizeof(sent) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(c->process->exchange[below(c, 2)], &msg,
		    MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof(sent))
		return;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg)
		return;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	slot = slot_new(c, fd, sent.kind);
	if (slot) {
		*slot = sent;
		slot->fd = fd;
	}
}

/* A descriptor that is likely to be of the wrong kind, or none. */
int any_fd(struct ctx *c)
{
	struct slot *slot;

	switch (below(c, 8)) {
	case 0:
		return -1;
	case 1:
		return (int)odd_number(c);
	case 2:
		return below(c, 64);
	case 3:
		slot = &c->slots[below(c, NR_SLOTS)];
		return slot->fd;
	default:
		return c->process->wrong[below(c, c->process->nr_wrong)];
	}
}
