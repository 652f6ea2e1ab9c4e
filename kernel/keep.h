/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TAPKEEP_KEEP_H
#define TAPKEEP_KEEP_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>
#include <linux/tapkeep.h>

struct cred;
struct net;
struct pid;
struct tapkeep_handle;
struct tapkeep_queue;

/**
 * struct tapkeep_hold_stats - what the holds of a keep counted
 * @since: when the hold that is on began, in ns of the monotonic clock
 * @drops_then: what the interface had dropped when it began
 * @total: packets that were in the rings at the ends of holds
 * @peak: most of them at one end
 * @dropped: what the interface dropped in the holds that have ended
 * @stolen: what was taken out of the rings while they were watched
 * @blackout: length of the last hold that was thawed, in ns
 * @blackout_max: of the longest one
 */
struct tapkeep_hold_stats {
	u64 since;
	u64 drops_then;
	u64 total;
	u64 peak;
	u64 dropped;
	u64 stolen;
	u64 blackout;
	u64 blackout_max;
};

/**
 * struct tapkeep_watch - whether the readers have stopped, as the owner said
 * @on: they have
 * @reads_then: what the interface had handed to readers when they had
 */
struct tapkeep_watch {
	bool on;
	u64 reads_then;
};

/**
 * struct tapkeep_vmm - the state that the VMM exported
 * @nic: as it came, without the address in it
 * @queues: @nic.nr_queues of them
 */
struct tapkeep_vmm {
	struct tapkeep_state nic;
	struct tapkeep_queue_state queues[];
};

/**
 * struct tapkeep - a keep
 * @ref: held by the table, each handle and each work item that is queued
 * @lock: guards what says so
 * @net: its network namespace; valid until @state is TAPKEEP_ENDED
 * @name: unique in @net; constant
 * @uid: the keep's user; constant
 * @hold_limit: ring slots per queue while frozen; written with @lock held
 * @lease_ms: the lease of an orphan; guarded by @lock
 * @name_node: guarded by the table's lock
 * @id: number in the table; constant
 * @state: TAPKEEP_ENDED before it is in the table and after it was;
 *	guarded by @lock
 * @generation: of the owner that there is or was last; guarded by @lock
 * @offer_epoch: offers of an earlier one are void; guarded by @lock
 * @offered: there may be offers of this epoch; guarded by @lock
 * @owner: the owner's handle, without a reference: its end sets this to NULL;
 *	guarded by @lock
 * @owner_pid: the owner's process; guarded by @lock
 * @owner_comm: its name; guarded by @lock
 * @former_pid: the process of the owner before, or NULL; guarded by @lock
 * @former_comm: its name; guarded by @lock
 * @ending_pid: the process whose end closed the owner's handle, or NULL;
 *	guarded by @lock
 * @lease_end: in jiffies, of an orphan; guarded by @lock
 * @lease_work: ends the orphan
 * @queues: pinned, in order; guarded by @lock
 * @nr_queues: how many; guarded by @lock
 * @vmm: what the VMM exported, or NULL; guarded by @lock
 * @stats: guarded by @lock
 * @watch: guarded by @lock
 * @rings_grown: tun must not resize the rings now; guarded by @lock
 * @drain_ms: when to look again whether the rings can shrink; guarded by @lock
 * @drain_work: shrinks them
 * @dev: the interface, with a reference, or NULL; guarded by @lock
 * @dev_tracker: of that reference
 * @usual_slots: of a ring that is not grown: the interface's tx_queue_len;
 *	written with RTNL and @lock held
 * @dev_changed: tun may be resizing rings now; guarded by @lock, and set and
 *	cleared with RTNL held
 * @dev_node: guarded by the lock of the attached keeps (netdev.c)
 * @dev_event: the last one that was told to this keep; guarded by the same
 */
struct tapkeep {
	struct kref ref;
	struct mutex lock; /* see above */
	struct net *net;
	char name[TAPKEEP_NAME_LEN];
	kuid_t uid;
	u32 hold_limit;
	u32 lease_ms;

	struct hlist_node name_node;
	int id;

	enum tapkeep_keep_state state;
	u64 generation;
	u64 offer_epoch;
	bool offered;
	struct tapkeep_handle *owner;
	struct pid *owner_pid;
	char owner_comm[TASK_COMM_LEN];
	struct pid *former_pid;
	char former_comm[TASK_COMM_LEN];
	struct pid *ending_pid;
	unsigned long lease_end;
	struct delayed_work lease_work;

	struct tapkeep_queue *queues[TAPKEEP_MAX_QUEUES];
	u32 nr_queues;
	struct tapkeep_vmm *vmm;

	struct tapkeep_hold_stats stats;
	struct tapkeep_watch watch;
	bool rings_grown;
	unsigned int drain_ms;
	struct delayed_work drain_work;

	struct net_device *dev;
	netdevice_tracker dev_tracker;
	unsigned int usual_slots;
	bool dev_changed;
	struct hlist_node dev_node;
	unsigned int dev_event;
};

struct tapkeep *tapkeep_new(struct net *net, const char *name, u32 hold_limit,
			    u32 lease_ms);
void tapkeep_get(struct tapkeep *keep);
void tapkeep_put(struct tapkeep *keep);
void tapkeep_schedule(struct tapkeep *keep, struct delayed_work *work,
		      unsigned int ms);
bool tapkeep_may(const struct tapkeep *keep);

/* What handles do: each checks that the handle may, or says why not. */
int tapkeep_start(struct tapkeep_handle *h);
int tapkeep_pin(struct tapkeep_handle *h, struct tapkeep_queue *q,
		struct net_device *dev, u32 index);
int tapkeep_get_file(struct tapkeep_handle *h, u32 index, struct file **file);
int tapkeep_freeze(struct tapkeep_handle *h);
int tapkeep_offer(struct tapkeep_handle *h, struct tapkeep_handle *offer);
int tapkeep_claim_by_offer(struct tapkeep_handle *offer,
			   struct tapkeep_handle *claimer, u64 generation);
int tapkeep_claim_by_name(struct tapkeep_handle *claimer, bool force,
			  u64 generation);
int tapkeep_revoke(struct tapkeep_handle *h);
int tapkeep_thaw(struct tapkeep_handle *h);
int tapkeep_release(struct tapkeep_handle *h);
int tapkeep_set_vmm(struct tapkeep_handle *h, struct tapkeep_vmm **vmm);
int tapkeep_get_vmm(struct tapkeep_handle *h, struct tapkeep_vmm **copy);
int tapkeep_get_info(struct tapkeep_handle *h, struct tapkeep_info *info);
int tapkeep_check_owner(struct tapkeep_handle *h, u32 *nr_queues);
u64 tapkeep_generation(struct tapkeep *keep);
void tapkeep_owner_closed(struct tapkeep_handle *h);

/**
 * struct tapkeep_settings - limits of a keep to be set
 * @generation: in which the keep is to be; 0: whichever
 * @hold_limit: 0: as it is
 * @lease_ms: 0: as it is
 */
struct tapkeep_settings {
	u64 generation;
	u32 hold_limit;
	u32 lease_ms;
};

/* What others do to it. */
int tapkeep_set_limits(struct tapkeep *keep, const struct tapkeep_settings *set,
		       bool is_user, bool is_admin);
int tapkeep_release_by_name(struct tapkeep *keep, u64 generation, bool is_user,
			    bool is_admin);
void tapkeep_end_with_net(struct tapkeep *keep);
void tapkeep_end_with_netdev(struct tapkeep *keep, struct net_device *dev);

#endif /* TAPKEEP_KEEP_H */
