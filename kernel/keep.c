// SPDX-License-Identifier: GPL-2.0-only

/**
 * DOC: Keep
 *
 * A keep is made by TAPKEEP_CREATE and lives until it is released, its lease
 * runs out, its interface is deleted or its network namespace ends. In between
 * it is active, frozen or an orphan. enter() is the only place where that
 * changes, and with it the hold, the lease and the events; each function that
 * calls it first decides whether the change is allowed.
 *
 * The structure lives on after the end until the last handle on it is closed;
 * every operation then says ENODEV.
 *
 * Ownership: keep->owner is the one handle that may change the keep. A claim
 * makes another handle the owner and the generation grow, so the former
 * owner's handle is recognised by its generation. Offers carry an epoch in the
 * same way: whatever voids them makes the keep's epoch grow.
 */

#include "keep.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/rtnetlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>

#include "handle.h"
#include "hold.h"
#include "limit.h"
#include "netdev.h"
#include "netlink.h"
#include "queue.h"
#include "table.h"
#include "tapkeep.h"
#include "trace.h"
#include "watch.h"

void tapkeep_get(struct tapkeep *keep)
{
	kref_get(&keep->ref);
}

static void free_keep(struct kref *ref)
{
	struct tapkeep *keep = container_of(ref, struct tapkeep, ref);

	WARN_ON_ONCE(keep->state != TAPKEEP_ENDED);
	put_pid(keep->owner_pid);
	put_pid(keep->former_pid);
	put_pid(keep->ending_pid);
	kfree(keep->vmm);
	mutex_destroy(&keep->lock);
	kfree(keep);
}

void tapkeep_put(struct tapkeep *keep)
{
	kref_put(&keep->ref, free_keep);
}

/* A work item has a reference from when it is queued until it has run. */
void tapkeep_schedule(struct tapkeep *keep, struct delayed_work *work,
		      unsigned int ms)
{
	tapkeep_get(keep);
	if (mod_delayed_work(tapkeep_wq, work, msecs_to_jiffies(ms)))
		tapkeep_put(keep);
}

static void unschedule(struct tapkeep *keep, struct delayed_work *work)
{
	if (cancel_delayed_work(work))
		tapkeep_put(keep);
}

/* May the caller do what needs the right to the keep, not a handle? */
bool tapkeep_may(const struct tapkeep *keep)
{
	return uid_eq(current_euid(), keep->uid) ||
	       ns_capable(keep->net->user_ns, CAP_NET_ADMIN);
}

static void begin_lease(struct tapkeep *keep)
{
	keep->lease_end = jiffies + msecs_to_jiffies(keep->lease_ms);
	tapkeep_schedule(keep, &keep->lease_work, keep->lease_ms);
}

static void void_offers(struct tapkeep *keep)
{
	keep->offer_epoch++;
	keep->offered = false;
}

/* Something has happened that has not changed the state. */
static void tell(struct tapkeep *keep, enum tapkeep_event event)
{
	trace_tapkeep_transition(keep, keep->state, keep->state, event);
	tapkeep_notify(keep, event, TAPKEEP_REASON_UNSPEC);
}

/* From here on somebody may read. */
static void end_watch(struct tapkeep *keep)
{
	if (tapkeep_watch_end(keep))
		tell(keep, TAPKEEP_EVENT_STOLEN);
}

/*
 * The one place where a keep's state changes. Called with the lock held, and
 * where a hold may begin between tapkeep_hold_lock() and _unlock(). @reason is
 * for the event, where that alone does not say why.
 */
static void enter(struct tapkeep *keep, enum tapkeep_keep_state next,
		  enum tapkeep_event event, enum tapkeep_reason reason)
{
	bool held = tapkeep_hold_is_on(keep);
	bool hold = next == TAPKEEP_FROZEN || next == TAPKEEP_ORPHAN;

	if (next != TAPKEEP_ORPHAN)
		end_watch(keep);
	if (hold && !held)
		tapkeep_hold_begin(keep);
	if (held && !hold && tapkeep_hold_end(keep, next == TAPKEEP_ACTIVE))
		tell(keep, TAPKEEP_EVENT_DROPPED);
	if (next == TAPKEEP_ORPHAN)
		begin_lease(keep);
	else if (keep->state == TAPKEEP_ORPHAN)
		unschedule(keep, &keep->lease_work);
	trace_tapkeep_transition(keep, keep->state, next, event);
	keep->state = next;
	tapkeep_notify(keep, event, reason);
}

static void set_owner(struct tapkeep *keep, struct tapkeep_handle *h)
{
	keep->owner = h;
	if (keep->owner_pid) {
		put_pid(keep->former_pid);
		keep->former_pid = keep->owner_pid;
		memcpy(keep->former_comm, keep->owner_comm, TASK_COMM_LEN);
	}
	keep->owner_pid = NULL;
	memset(keep->owner_comm, 0, sizeof(keep->owner_comm));
	if (!h)
		return;
	h->generation = keep->generation;
	keep->owner_pid = get_pid(task_tgid(current));
	rcu_read_lock();
	get_task_comm(keep->owner_comm, current->group_leader);
	rcu_read_unlock();
}

/*
 * The end of a keep. Called with the lock held, returns without it: the files
 * are put where nothing is locked but, in a notifier, RTNL.
 */
static void end_and_unlock(struct tapkeep *keep, enum tapkeep_event event,
			   enum tapkeep_reason reason)
{
	u32 i, nr = keep->nr_queues;

	enter(keep, TAPKEEP_ENDED, event, reason);
	unschedule(keep, &keep->drain_work);
	/* Once: what is left in a ring that stays grown is its reader's. */
	tapkeep_hold_shrink(keep);
	set_owner(keep, NULL);
	tapkeep_netdev_detach(keep);
	tapkeep_table_del(keep);
	keep->nr_queues = 0;
	mutex_unlock(&keep->lock);

	/* Nobody looks at the queues of a keep that has none. */
	for (i = 0; i < nr; i++)
		tapkeep_queue_free(keep->queues[i]);
	tapkeep_put(keep);
	module_put(THIS_MODULE);
}

static void lease_ran_out(struct work_struct *work)
{
	struct tapkeep *keep = container_of(to_delayed_work(work),
					    struct tapkeep, lease_work);

	mutex_lock(&keep->lock);
	/* It may have been claimed, and be another orphan since. */
	if (keep->state == TAPKEEP_ORPHAN &&
	    time_after_eq(jiffies, keep->lease_end))
		end_and_unlock(keep, TAPKEEP_EVENT_EXPIRED,
			       TAPKEEP_REASON_UNSPEC);
	else
		mutex_unlock(&keep->lock);
	tapkeep_put(keep);
}

/* Return: a keep that is in no table and has no owner, or NULL. */
struct tapkeep *tapkeep_new(struct net *net, const char *name, u32 hold_limit,
			    u32 lease_ms)
{
	struct tapkeep *keep = kzalloc(sizeof(*keep), GFP_KERNEL_ACCOUNT);

	if (!keep)
		return NULL;
	kref_init(&keep->ref);
	mutex_init(&keep->lock);
	keep->net = net;
	strscpy(keep->name, name, sizeof(keep->name));
	keep->uid = current_euid();
	keep->hold_limit = hold_limit;
	keep->lease_ms = lease_ms;
	keep->state = TAPKEEP_ENDED;
	INIT_DELAYED_WORK(&keep->lease_work, lease_ran_out);
	tapkeep_hold_init(keep);
	return keep;
}

static bool is_stale(const struct tapkeep_handle *h)
{
	switch (h->role) {
	case TAPKEEP_ROLE_OWNER:
		return h->generation != h->keep->generation;
	case TAPKEEP_ROLE_OFFER:
		return h->offer_epoch != h->keep->offer_epoch;
	default:
		return false;
	}
}

/* May an operation of @role go on with this handle? */
static int check(const struct tapkeep_handle *h, enum tapkeep_role role)
{
	if (h->role != role)
		return -EPERM;
	if (is_stale(h))
		return -ESTALE;
	if (h->keep->state == TAPKEEP_ENDED)
		return -ENODEV;
	return 0;
}

/**
 * tapkeep_start - begin the life of a new keep
 * @h: its owner's handle
 *
 * Return: 0; EDQUOT, EEXIST, ENOSPC, ENOMEM as the table says.
 */
int tapkeep_start(struct tapkeep_handle *h)
{
	struct tapkeep *keep = h->keep;
	int err;

	mutex_lock(&keep->lock);
	err = tapkeep_table_add(keep);
	if (!err) {
		__module_get(THIS_MODULE);
		keep->generation = 1;
		set_owner(keep, h);
		enter(keep, TAPKEEP_ACTIVE, TAPKEEP_EVENT_CREATED,
		      TAPKEEP_REASON_UNSPEC);
	}
	mutex_unlock(&keep->lock);
	return err;
}

u64 tapkeep_generation(struct tapkeep *keep)
{
	u64 generation;

	mutex_lock(&keep->lock);
	generation = keep->generation;
	mutex_unlock(&keep->lock);
	return generation;
}

/* Is @h the owner's? Return: 0 and the number of queues, or why not. */
int tapkeep_check_owner(struct tapkeep_handle *h, u32 *nr_queues)
{
	struct tapkeep *keep = h->keep;
	int err;

	mutex_lock(&keep->lock);
	err = check(h, TAPKEEP_ROLE_OWNER);
	*nr_queues = keep->nr_queues;
	mutex_unlock(&keep->lock);
	return err;
}

static int pin_locked(struct tapkeep *keep, struct tapkeep_queue *q,
		      struct net_device *dev, u32 index)
{
	int err;

	if (keep->state != TAPKEEP_ACTIVE)
		return -EBUSY;
	if (q->hold_slots != keep->hold_limit)
		return -ERESTART;
	if (keep->nr_queues >= tapkeep_limit_queues(keep->net))
		return -ENOSPC;
	if (keep->nr_queues != index)
		return -EAGAIN;
	/* Its notification is still to come, or has been. */
	if (dev->reg_state != NETREG_REGISTERED)
		return -EBADFD;
	if (keep->dev && keep->dev != dev)
		return -EXDEV;
	err = tapkeep_queue_claim_file(q, keep);
	if (err)
		return err;
	if (!keep->dev)
		tapkeep_netdev_attach(keep, dev);
	tapkeep_queue_settle(q, dev->tx_queue_len);
	q->index = index;
	keep->queues[keep->nr_queues++] = q;
	return 0;
}

/**
 * tapkeep_pin - pin a queue
 * @h: the owner's handle
 * @q: the queue; the keep's if this succeeds
 * @dev: its interface
 * @index: the number it is to have
 *
 * Return: 0; EAGAIN the number is another by now; ERESTART the hold limit is
 * another than that of @q; EBADFD, EBUSY, EEXIST, ENOSPC, EXDEV as in the user
 * interface.
 */
int tapkeep_pin(struct tapkeep_handle *h, struct tapkeep_queue *q,
		struct net_device *dev, u32 index)
{
	struct tapkeep *keep = h->keep;
	int err;

	rtnl_lock();
	mutex_lock(&keep->lock);
	err = check(h, TAPKEEP_ROLE_OWNER);
	if (!err)
		err = pin_locked(keep, q, dev, index);
	mutex_unlock(&keep->lock);
	rtnl_unlock();
	return err;
}

/* Return: 0 and the pinned file with a reference; ENOENT no such queue. */
int tapkeep_get_file(struct tapkeep_handle *h, u32 index, struct file **file)
{
	struct tapkeep *keep = h->keep;
	int err;

	mutex_lock(&keep->lock);
	err = check(h, TAPKEEP_ROLE_OWNER);
	if (!err && index >= keep->nr_queues)
		err = -ENOENT;
	if (!err)
		*file = get_file(keep->queues[index]->file);
	mutex_unlock(&keep->lock);
	return err;
}

int tapkeep_freeze(struct tapkeep_handle *h)
{
	struct tapkeep *keep = h->keep;
	bool rtnl = tapkeep_hold_lock(keep);
	int err;

	err = check(h, TAPKEEP_ROLE_OWNER);
	if (!err && keep->state == TAPKEEP_ACTIVE) {
		if (keep->nr_queues)
			enter(keep, TAPKEEP_FROZEN, TAPKEEP_EVENT_FROZEN,
			      TAPKEEP_REASON_UNSPEC);
		else
			err = -EBADFD;
	}
	tapkeep_hold_unlock(keep, rtnl);
	return err;
}

/* Make @offer good. Return: 0; EBUSY the keep is not frozen. */
int tapkeep_offer(struct tapkeep_handle *h, struct tapkeep_handle *offer)
{
	struct tapkeep *keep = h->keep;
	int err;

	mutex_lock(&keep->lock);
	err = check(h, TAPKEEP_ROLE_OWNER);
	if (!err && keep->state != TAPKEEP_FROZEN)
		err = -EBUSY;
	if (!err) {
		offer->offer_epoch = keep->offer_epoch;
		keep->offered = true;
		tell(keep, TAPKEEP_EVENT_OFFERED);
	}
	mutex_unlock(&keep->lock);
	return err;
}

/* Makes @claimer the owner, if @generation is the one to come; else EAGAIN. */
static int claim_locked(struct tapkeep *keep, struct tapkeep_handle *claimer,
			u64 generation, enum tapkeep_reason reason)
{
	if (keep->generation + 1 != generation)
		return -EAGAIN;
	/* What was stolen, was so from the owner before. */
	end_watch(keep);
	keep->generation = generation;
	void_offers(keep);
	set_owner(keep, claimer);
	enter(keep, TAPKEEP_FROZEN, TAPKEEP_EVENT_CLAIMED, reason);
	return 0;
}

/**
 * tapkeep_claim_by_offer - become the owner by an offer
 * @offer: the offer; void afterwards
 * @claimer: the new owner's handle
 * @generation: the generation it is to be the owner of
 *
 * Return: 0; EAGAIN the next generation is another one by now; EPERM @offer
 * is no offer; ESTALE; ENODEV.
 */
int tapkeep_claim_by_offer(struct tapkeep_handle *offer,
			   struct tapkeep_handle *claimer, u64 generation)
{
	struct tapkeep *keep = offer->keep;
	int err;

	mutex_lock(&keep->lock);
	err = check(offer, TAPKEEP_ROLE_OFFER);
	if (!err)
		err = claim_locked(keep, claimer, generation,
				   TAPKEEP_REASON_OFFER);
	mutex_unlock(&keep->lock);
	return err;
}

static int may_claim_by_name(struct tapkeep *keep, bool force)
{
	if (keep->state == TAPKEEP_ENDED)
		return -ENOENT;
	if (!tapkeep_may(keep))
		return -EACCES;
	if (keep->state == TAPKEEP_ORPHAN)
		return 0;
	if (!force)
		return -EBUSY;
	return ns_capable(keep->net->user_ns, CAP_NET_ADMIN) ? 0 : -EACCES;
}

/**
 * tapkeep_claim_by_name - become the owner of an orphan
 * @claimer: the new owner's handle
 * @force: or of a keep that has an owner
 * @generation: the generation it is to be the owner of
 *
 * Return: 0; EAGAIN the next generation is another one by now; EACCES, EBUSY,
 * ENOENT.
 */
int tapkeep_claim_by_name(struct tapkeep_handle *claimer, bool force,
			  u64 generation)
{
	struct tapkeep *keep = claimer->keep;
	bool rtnl = tapkeep_hold_lock(keep);
	int err;

	err = may_claim_by_name(keep, force);
	if (!err)
		err = claim_locked(keep, claimer, generation,
				   keep->owner ? TAPKEEP_REASON_FORCE :
						 TAPKEEP_REASON_NAME);
	tapkeep_hold_unlock(keep, rtnl);
	return err;
}

int tapkeep_revoke(struct tapkeep_handle *h)
{
	struct tapkeep *keep = h->keep;
	int err;

	mutex_lock(&keep->lock);
	err = check(h, TAPKEEP_ROLE_OWNER);
	if (!err)
		end_watch(keep);
	if (!err && keep->offered) {
		void_offers(keep);
		tell(keep, TAPKEEP_EVENT_REVOKED);
	}
	mutex_unlock(&keep->lock);
	return err;
}

int tapkeep_thaw(struct tapkeep_handle *h)
{
	struct tapkeep *keep = h->keep;
	int err;

	mutex_lock(&keep->lock);
	err = check(h, TAPKEEP_ROLE_OWNER);
	if (!err && keep->state == TAPKEEP_FROZEN) {
		void_offers(keep);
		enter(keep, TAPKEEP_ACTIVE, TAPKEEP_EVENT_THAWED,
		      TAPKEEP_REASON_UNSPEC);
	}
	mutex_unlock(&keep->lock);
	return err;
}

int tapkeep_release(struct tapkeep_handle *h)
{
	struct tapkeep *keep = h->keep;
	int err;

	mutex_lock(&keep->lock);
	err = check(h, TAPKEEP_ROLE_OWNER);
	if (err)
		mutex_unlock(&keep->lock);
	else
		end_and_unlock(keep, TAPKEEP_EVENT_RELEASED,
			       TAPKEEP_REASON_OWNER);
	return err;
}

/*
 * If the handle was not just closed, but all of the process is coming to its
 * end: it may have other descriptors, which are not closed yet.
 */
static void note_ending_process(struct tapkeep *keep)
{
	const struct signal_struct *signal = current->signal;

	if (!(current->flags & PF_EXITING) ||
	    (!(signal->flags & SIGNAL_GROUP_EXIT) && atomic_read(&signal->live)))
		return;
	put_pid(keep->ending_pid);
	keep->ending_pid = get_pid(task_tgid(current));
}

/* Return: its number, -1 if it has none for the caller, 0 if it is gone. */
static pid_t ending_pid(const struct tapkeep *keep)
{
	struct task_struct *task;
	bool gone;

	if (!keep->ending_pid)
		return 0;
	rcu_read_lock();
	task = pid_task(keep->ending_pid, PIDTYPE_TGID);
	/* As its pidfd has it. */
	gone = !task || (READ_ONCE(task->exit_state) && thread_group_empty(task));
	rcu_read_unlock();
	return gone ? 0 : pid_vnr(keep->ending_pid) ?: -1;
}

/* The last reference on a handle is gone, perhaps because its process died. */
void tapkeep_owner_closed(struct tapkeep_handle *h)
{
	struct tapkeep *keep = h->keep;
	bool rtnl = tapkeep_hold_lock(keep);

	if (keep->owner == h && !keep->nr_queues) {
		end_and_unlock(keep, TAPKEEP_EVENT_RELEASED,
			       TAPKEEP_REASON_CLOSED);
		if (rtnl)
			rtnl_unlock();
		return;
	}
	if (keep->owner == h) {
		set_owner(keep, NULL);
		note_ending_process(keep);
		enter(keep, TAPKEEP_ORPHAN, TAPKEEP_EVENT_ORPHANED,
		      TAPKEEP_REASON_UNSPEC);
	}
	tapkeep_hold_unlock(keep, rtnl);
}

/*
 * May somebody without a handle, who means the keep in this @generation, or in
 * any if it is 0? Return: 0; ENOENT it has ended; EPERM; ESTALE.
 */
static int check_by_name(const struct tapkeep *keep, u64 generation,
			 bool is_user, bool is_admin)
{
	if (keep->state == TAPKEEP_ENDED)
		return -ENOENT;
	if (!is_user && !is_admin)
		return -EPERM;
	if (generation && generation != keep->generation)
		return -ESTALE;
	return 0;
}

/* Return: 0; EBUSY it has an owner; ENOENT it has ended; EPERM; ESTALE. */
int tapkeep_release_by_name(struct tapkeep *keep, u64 generation, bool is_user,
			    bool is_admin)
{
	int err;

	mutex_lock(&keep->lock);
	err = check_by_name(keep, generation, is_user, is_admin);
	if (!err && keep->owner && !is_admin)
		err = -EBUSY;
	if (err)
		mutex_unlock(&keep->lock);
	else
		end_and_unlock(keep, TAPKEEP_EVENT_RELEASED,
			       TAPKEEP_REASON_NETLINK);
	return err;
}

/* Of an orphan it begins anew. */
static void set_lease(struct tapkeep *keep, u32 lease_ms)
{
	keep->lease_ms = lease_ms;
	if (keep->state == TAPKEEP_ORPHAN)
		begin_lease(keep);
}

static int set_limits_locked(struct tapkeep *keep,
			     const struct tapkeep_settings *set,
			     struct tapkeep_hold_arrays *arrays)
{
	int err = 0;

	if (arrays)
		err = tapkeep_hold_set_limit(keep, arrays);
	if (err)
		return err;
	if (set->lease_ms)
		set_lease(keep, set->lease_ms);
	tell(keep, TAPKEEP_EVENT_CHANGED);
	return 0;
}

/* The memory is there before the lock is taken, which a freeze waits for. */
static int try_set_limits(struct tapkeep *keep,
			  const struct tapkeep_settings *set, u32 nr_queues,
			  bool is_user, bool is_admin)
{
	struct tapkeep_hold_arrays *arrays = NULL;
	int err;

	if (set->hold_limit) {
		arrays = tapkeep_hold_alloc(nr_queues, set->hold_limit);
		if (IS_ERR(arrays))
			return PTR_ERR(arrays);
	}
	mutex_lock(&keep->lock);
	err = check_by_name(keep, set->generation, is_user, is_admin);
	if (!err)
		err = set_limits_locked(keep, set, arrays);
	mutex_unlock(&keep->lock);
	if (arrays)
		tapkeep_hold_free(arrays);
	return err;
}

/**
 * tapkeep_set_limits - change a keep's limits
 * @keep: the keep
 * @set: to what
 * @is_user: whoever asks is the keep's user
 * @is_admin: or an administrator
 *
 * Return: 0; EBUSY its rings are grown; ENOBUFS, ENOMEM; ENOENT it has ended;
 * EPERM; ESTALE.
 */
int tapkeep_set_limits(struct tapkeep *keep, const struct tapkeep_settings *set,
		       bool is_user, bool is_admin)
{
	u32 nr_queues;
	int err;

	do {
		mutex_lock(&keep->lock);
		err = check_by_name(keep, set->generation, is_user, is_admin);
		nr_queues = keep->nr_queues;
		mutex_unlock(&keep->lock);
		if (!err)
			err = try_set_limits(keep, set, nr_queues, is_user,
					     is_admin);
	} while (err == -EAGAIN);
	return err;
}

void tapkeep_end_with_net(struct tapkeep *keep)
{
	mutex_lock(&keep->lock);
	if (keep->state == TAPKEEP_ENDED)
		mutex_unlock(&keep->lock);
	else
		end_and_unlock(keep, TAPKEEP_EVENT_RELEASED,
			       TAPKEEP_REASON_NETNS);
}

void tapkeep_end_with_netdev(struct tapkeep *keep, struct net_device *dev)
{
	mutex_lock(&keep->lock);
	if (keep->dev != dev)
		mutex_unlock(&keep->lock);
	else
		end_and_unlock(keep, TAPKEEP_EVENT_DEVICE_GONE,
			       TAPKEEP_REASON_UNSPEC);
}

static void set_vmm_locked(struct tapkeep *keep, struct tapkeep_vmm **vmm)
{
	bool stopped = (*vmm)->nic.flags & TAPKEEP_STATE_STOPPED;

	swap(keep->vmm, *vmm);
	if (stopped && keep->state == TAPKEEP_FROZEN)
		tapkeep_watch_begin(keep);
	else
		end_watch(keep);
}

/* Replaces the exported state by *vmm, and *vmm by what is to be freed. */
int tapkeep_set_vmm(struct tapkeep_handle *h, struct tapkeep_vmm **vmm)
{
	struct tapkeep *keep = h->keep;
	int err;

	mutex_lock(&keep->lock);
	err = check(h, TAPKEEP_ROLE_OWNER);
	if (!err && (*vmm)->nic.nr_queues != keep->nr_queues)
		err = -EMSGSIZE;
	if (!err)
		err = tapkeep_netdev_check_offloads(keep, (*vmm)->nic.offloads);
	if (!err)
		set_vmm_locked(keep, vmm);
	mutex_unlock(&keep->lock);
	return err;
}

static int copy_vmm(const struct tapkeep *keep, struct tapkeep_vmm **copy)
{
	const struct tapkeep_vmm *vmm = keep->vmm;

	if (!vmm)
		return -ENODATA;
	*copy = kmemdup(vmm, struct_size(vmm, queues, vmm->nic.nr_queues),
			GFP_KERNEL);
	return *copy ? 0 : -ENOMEM;
}

/* Return: 0 and a copy for the caller to free; ENODATA; ENOMEM. */
int tapkeep_get_vmm(struct tapkeep_handle *h, struct tapkeep_vmm **copy)
{
	struct tapkeep *keep = h->keep;
	int err;

	mutex_lock(&keep->lock);
	/* A handle of any role. */
	err = check(h, h->role);
	if (!err)
		err = copy_vmm(keep, copy);
	mutex_unlock(&keep->lock);
	return err;
}

static void fill_info(struct tapkeep *keep, struct tapkeep_info *info)
{
	info->state = keep->state;
	info->nr_queues = keep->nr_queues;
	info->generation = keep->generation;
	memcpy(info->name, keep->name, sizeof(info->name));
	info->ifindex = keep->dev ? keep->dev->ifindex : 0;
	info->owner_pid = pid_vnr(keep->owner_pid);
	memcpy(info->owner_comm, keep->owner_comm, sizeof(info->owner_comm));
	info->hold_limit = keep->hold_limit;
	info->lease_ms = keep->lease_ms;
	info->ending_pid = ending_pid(keep);
	info->reserved = 0;
}

int tapkeep_get_info(struct tapkeep_handle *h, struct tapkeep_info *info)
{
	struct tapkeep *keep = h->keep;
	int err = 0;

	mutex_lock(&keep->lock);
	info->role = is_stale(h) ? TAPKEEP_ROLE_STALE : h->role;
	if (keep->state == TAPKEEP_ENDED)
		err = -ENODEV;
	else
		fill_info(keep, info);
	mutex_unlock(&keep->lock);
	return err;
}
