/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that may be killed: a back end that becomes the owner of the keep,
 * reads its queues into the NIC's rings, and hands over when it is told to. It
 * has no memory that anybody will need when it is dead.
 *
 * A packet is read straight into the guest's buffer. Whoever is killed after
 * read() and before the used index says so leaves it there, and the next reader
 * finds it: also that packet is accounted for.
 */
#ifndef KILL_VICTIM_H
#define KILL_VICTIM_H

#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include "kill_nic.h"
#include "passing.h"

/* Above all that vhost has: of a process that dies the highest is closed first. */
#define HANDLE_FD_MIN	512
#define AIM_BOUND_US	50000

enum role {
	ROLE_RESTART,	/* claims the orphan, or makes the keep */
	ROLE_TARGET,	/* claims by the offer that comes */
	ROLE_HEIR,	/* claims as soon as the owner is dead */
};

enum command {
	COMMAND_HAND_OVER = 'h',	/* with a socket to the target */
	COMMAND_EXERCISE = 'x',
	COMMAND_RELEASE = 'r',
};

struct victim {
	struct shared_nic *nic;
	struct proc *me;
	int control;
	int peer;
	pid_t peer_pid;
	int handle;
	int queues[NIC_QUEUES];
	int vhost[NIC_QUEUES];
	pthread_mutex_t reading_lock;
	bool reading;
	bool has_reader;
};

__attribute__((noreturn))
static void give_up(struct victim *v, int ret)
{
	printf("# %s, generation %llu: %s\n", phase_names[v->me->phase],
	       (unsigned long long)v->me->generation, strerror(-ret));
	STORE(v->me->standing, STANDING_FAILED);
	_exit(1);
}

__attribute__((noreturn))
static void leave(struct victim *v)
{
	STORE(v->me->standing, STANDING_GONE);
	_exit(0);
}

/* Says what comes next, and waits for whoever is to kill it in the middle. */
static void at(struct victim *v, enum phase phase)
{
	uint64_t until;

	STORE(v->me->phase, phase);
	if (LOAD(v->me->aim) != phase)
		return;
	STORE(v->me->aimed, 1);
	for (until = now_us() + AIM_BOUND_US; now_us() < until;)
		if (LOAD(v->me->fire))
			return;
}

static int must(struct victim *v, int ret)
{
	if (ret < 0)
		give_up(v, ret);
	return ret;
}

static int must_call(struct victim *v, int ret)
{
	return must(v, ret < 0 ? -errno : ret);
}

/* What was read by one that was killed before it could say so. */
static void recover(struct virtq *vq)
{
	uint32_t id, len;
	uint8_t *buffer = virtq_next(vq, vq->used.idx, &id, &len);

	if (buffer && frame_in(buffer)->magic == MAGIC)
		virtq_use(vq, id, VNET_HDR_LEN + sizeof(struct frame));
}

/* Return: whether there was a packet. */
static bool read_one(struct virtq *vq, int queue)
{
	uint32_t id, len;
	uint8_t *buffer = virtq_next(vq, vq->used.idx, &id, &len);
	ssize_t got = buffer ? read(queue, buffer, len) : 0;

	if (got <= 0)
		return false;
	virtq_use(vq, id, got);
	return true;
}

static bool read_some(struct victim *v)
{
	bool busy = false;
	uint32_t i, n;

	for (i = 0; i < v->nic->nr_queues; i++)
		for (n = 0; n < 16; n++) {
			if (!read_one(&v->nic->rx[i], v->queues[i]))
				break;
			busy = true;
		}
	return busy;
}

static void *reader(void *arg)
{
	struct victim *v = arg;
	bool busy;

	for (;;) {
		pthread_mutex_lock(&v->reading_lock);
		busy = v->reading && read_some(v);
		pthread_mutex_unlock(&v->reading_lock);
		if (!busy)
			usleep(300);
	}
	return NULL;
}

static void set_reading(struct victim *v, bool reading)
{
	pthread_t thread;

	pthread_mutex_lock(&v->reading_lock);
	v->reading = reading;
	pthread_mutex_unlock(&v->reading_lock);
	if (reading && !v->has_reader)
		must(v, -pthread_create(&thread, NULL, reader, v));
	v->has_reader = true;
}

/* The guest's memory is this process's: addresses are the same. */
static void vhost_memory(struct victim *v, int vhost)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} memory = {
		.head.nregions = 1,
		.region.guest_phys_addr = (uintptr_t)v->nic,
		.region.userspace_addr = (uintptr_t)v->nic,
		.region.memory_size = sizeof(*v->nic),
	};

	must_call(v, ioctl(vhost, VHOST_SET_MEM_TABLE, &memory));
}

static int vhost_open(struct victim *v, uint32_t queue)
{
	uint64_t features = 1ull << VIRTIO_F_VERSION_1 |
			    1ull << VIRTIO_NET_F_MRG_RXBUF;
	struct virtq *vq = &v->nic->rx[queue];
	struct vhost_vring_state size = { .num = VIRTQ_SIZE };
	struct vhost_vring_file kick = { .fd = v->nic->kick[queue] };
	struct vhost_vring_addr addr = {
		.desc_user_addr = (uintptr_t)vq->desc,
		.avail_user_addr = (uintptr_t)&vq->avail,
		.used_user_addr = (uintptr_t)&vq->used,
	};
	int fd = must_call(v, open("/dev/vhost-net", O_RDWR | O_CLOEXEC));

	must_call(v, ioctl(fd, VHOST_SET_OWNER));
	must_call(v, ioctl(fd, VHOST_SET_FEATURES, &features));
	vhost_memory(v, fd);
	must_call(v, ioctl(fd, VHOST_SET_VRING_NUM, &size));
	must_call(v, ioctl(fd, VHOST_SET_VRING_ADDR, &addr));
	must_call(v, ioctl(fd, VHOST_SET_VRING_KICK, &kick));
	return fd;
}

/* The used index is where the last back end was, whatever became of it. */
static void vhost_start(struct victim *v, uint32_t queue)
{
	struct vhost_vring_state base = { .num = v->nic->rx[queue].used.idx };
	struct vhost_vring_file tap = { .fd = v->queues[queue] };

	must_call(v, ioctl(v->vhost[queue], VHOST_SET_VRING_BASE, &base));
	must_call(v, ioctl(v->vhost[queue], VHOST_NET_SET_BACKEND, &tap));
}

static void back_end_start(struct victim *v)
{
	uint32_t i;

	at(v, PHASE_START);
	for (i = 0; i < v->nic->nr_queues; i++) {
		recover(&v->nic->rx[i]);
		if (v->nic->vhost)
			vhost_start(v, i);
	}
	if (!v->nic->vhost)
		set_reading(v, true);
}

static void back_end_stop(struct victim *v)
{
	struct vhost_vring_file none = { .fd = -1 };
	uint32_t i;

	at(v, PHASE_STOP);
	if (!v->nic->vhost)
		set_reading(v, false);
	for (i = 0; v->nic->vhost && i < v->nic->nr_queues; i++)
		must_call(v, ioctl(v->vhost[i], VHOST_NET_SET_BACKEND, &none));
}

/* The former handle is closed, which does nothing: it is stale or ended. */
static void set_handle(struct victim *v, int handle)
{
	int high = must_call(v, fcntl(handle, F_DUPFD_CLOEXEC, HANDLE_FD_MIN));

	close(handle);
	if (v->handle >= 0)
		close(v->handle);
	v->handle = high;
	v->me->generation = must(v, keep_generation(high));
}

static void set_queue(struct victim *v, uint32_t i, int queue)
{
	if (v->queues[i] >= 0)
		close(v->queues[i]);
	v->queues[i] = queue;
}

/* From queue @first on; the keep is active. */
static void pin_queues(struct victim *v, uint32_t first)
{
	uint32_t i;

	for (i = first; i < v->nic->nr_queues; i++) {
		at(v, PHASE_PIN);
		if (must(v, keep_pin(v->handle, v->queues[i])) != (int)i)
			give_up(v, -EPROTO);
		STORE(v->nic->pinned, true);
	}
}

/* Return: false if another has just made it. */
static bool create(struct victim *v)
{
	int handle;

	at(v, PHASE_CREATE);
	handle = keep_create_with(KEEP, HOLD_SLOTS, NIC_LEASE_MS);
	if (handle == -EEXIST)
		return false;
	set_handle(v, must(v, handle));
	__atomic_add_fetch(&v->nic->lives, 1, __ATOMIC_RELEASE);
	pin_queues(v, 0);
	return true;
}

/* Its predecessor may have been killed before it had pinned them all. */
static void take_queues(struct victim *v)
{
	struct tapkeep_info info;
	uint32_t i;

	at(v, PHASE_QUEUES);
	must(v, keep_info(v->handle, &info));
	for (i = 0; i < info.nr_queues; i++)
		set_queue(v, i, must(v, keep_get_queue(v->handle, i)));
	STORE(v->nic->pinned, info.nr_queues > 0);
	if (info.nr_queues == v->nic->nr_queues)
		return;
	must(v, keep_thaw(v->handle));
	pin_queues(v, info.nr_queues);
}

static void thaw(struct victim *v)
{
	at(v, PHASE_THAW);
	must(v, keep_thaw(v->handle));
}

static void go_on(struct victim *v)
{
	back_end_start(v);
	thaw(v);
}

/*
 * The owner is dead or dies. The one whose keep lives on has it already; and if
 * there is none, it is for the first who makes it.
 */
static void claim_by_name(struct victim *v, bool patient)
{
	uint64_t until = now_ms() + bound_ms(BOUND_MS);
	int handle;

	do {
		at(v, PHASE_CLAIM);
		handle = keep_claim(KEEP, 0);
		if (handle >= 0) {
			set_handle(v, handle);
			take_queues(v);
			return;
		}
		if (handle == -ENOENT && !patient && create(v))
			return;
		if (handle == -EBUSY && !patient)
			leave(v);
		if (handle != -EBUSY && handle != -ENOENT)
			give_up(v, handle);
	} while (now_ms() < until);
	give_up(v, handle);
}

/* The target's part. */
static void claim_offered(struct victim *v)
{
	struct pollfd dead = { .events = POLLIN };
	int offer, handle;

	at(v, PHASE_RECEIVE);
	if (!take_fd(v->peer, 0, &offer) || offer < 0) {
		/* Its vhost may still be giving packets back. */
		dead.fd = syscall(SYS_pidfd_open, v->peer_pid, 0);
		if (dead.fd >= 0)
			poll(&dead, 1, bound_ms(BOUND_MS));
		claim_by_name(v, false);
		go_on(v);
		return;
	}
	at(v, PHASE_CLAIM);
	handle = keep_claim_offer(offer);
	close(offer);
	set_handle(v, must(v, handle));
	take_queues(v);
	go_on(v);
	pass_fds(v->peer, 'k', NULL, 0);
}

/* Frozen, and nobody reads. Return: an offer. */
static int stop_and_offer(struct victim *v)
{
	struct tapkeep_queue_state queues[NIC_QUEUES] = {};
	struct tapkeep_state state = {
		.size = sizeof(state),
		.flags = TAPKEEP_STATE_STOPPED,
		.offloads = TUN_F_CSUM,
		.vnet_hdr_len = VNET_HDR_LEN,
		.queue_size = sizeof(queues[0]),
		.nr_queues = v->nic->nr_queues,
		.queues = (uintptr_t)queues,
	};

	at(v, PHASE_FREEZE);
	must(v, keep_freeze(v->handle));
	back_end_stop(v);
	at(v, PHASE_EXPORT);
	must(v, call(v->handle, TAPKEEP_SET_STATE, &state));
	at(v, PHASE_OFFER);
	return must(v, keep_offer(v->handle));
}

/* The owner's part; it goes on if the target died before it claimed. */
static void hand_over(struct victim *v, int peer)
{
	int offer = stop_and_offer(v);
	int ret, fd;

	at(v, PHASE_PASS);
	ret = pass_fds(peer, 'o', &offer, 1);
	close(offer);
	at(v, PHASE_WAIT);
	if (!ret && take_fd(peer, 0, &fd) == 'k')
		leave(v);
	close(peer);
	at(v, PHASE_REVOKE);
	ret = keep_revoke(v->handle);
	if (ret == -ESTALE)
		leave(v);
	must(v, ret);
	go_on(v);
}

/* Freezes and thaws, and claims from itself, under traffic. */
static void exercise(struct victim *v)
{
	int i, offer;

	for (i = 0; i < 4; i++) {
		at(v, PHASE_FREEZE);
		must(v, keep_freeze(v->handle));
		thaw(v);
		offer = stop_and_offer(v);
		if (i % 2) {
			at(v, PHASE_CLAIM);
			set_handle(v, must(v, keep_claim_offer(offer)));
			take_queues(v);
		} else {
			at(v, PHASE_REVOKE);
			must(v, keep_revoke(v->handle));
		}
		close(offer);
		go_on(v);
	}
}

static void release_and_create(struct victim *v)
{
	at(v, PHASE_FREEZE);
	must(v, keep_freeze(v->handle));
	back_end_stop(v);
	STORE(v->nic->pinned, false);
	at(v, PHASE_RELEASE);
	must(v, keep_release(v->handle));
	if (!create(v))
		give_up(v, -EEXIST);
	back_end_start(v);
}

static void obey(struct victim *v)
{
	int fd;

	for (;;) {
		STORE(v->me->phase, PHASE_LIVE);
		STORE(v->me->standing, STANDING_OWNER);
		switch (take_fd(v->control, 0, &fd)) {
		case COMMAND_HAND_OVER:
			hand_over(v, fd);
			break;
		case COMMAND_EXERCISE:
			exercise(v);
			break;
		case COMMAND_RELEASE:
			release_and_create(v);
			break;
		default:
			_exit(2);
		}
	}
}

/* Before it is the owner, so that it can start as soon as it is. */
static void victim_prepare(struct victim *v)
{
	uint32_t i;

	pthread_mutex_init(&v->reading_lock, NULL);
	for (i = 0; i < v->nic->nr_queues; i++) {
		v->queues[i] = v->nic->spare[i];
		v->vhost[i] = v->nic->vhost ? vhost_open(v, i) : -1;
	}
}

__attribute__((noreturn))
static void victim_main(struct victim *v, enum role role)
{
	victim_prepare(v);
	switch (role) {
	case ROLE_TARGET:
		claim_offered(v);
		break;
	case ROLE_HEIR:
		claim_by_name(v, true);
		go_on(v);
		break;
	case ROLE_RESTART:
		claim_by_name(v, false);
		go_on(v);
		break;
	}
	obey(v);
	_exit(2);
}

#endif /* KILL_VICTIM_H */
