// SPDX-License-Identifier: GPL-2.0-only

/**
 * DOC: Handle
 *
 * /dev/tapkeep makes, claims and observes keeps by name; that needs no more
 * than to be able to open it, and the right to the keep. What it returns are
 * handles: files of their own, of which each is a capability. They are passed
 * on and inherited as any file; the last close of the owner's counts.
 *
 * Each ioctl is an entry in a table {size, min_size, cmd, fn}. The number and
 * the direction of the command choose the entry, and the size in the structure
 * says what the caller was compiled with, so that a structure can grow.
 *
 * A descriptor is made in this order: reserve it, copy the answer to the user,
 * do the work, install it. The copy comes before the work because it can fail
 * and the work cannot be undone: a claim with a bad address changes nothing.
 * What the answer says (a generation, a number) is verified when the work is
 * done, and if it is another one by then the two are repeated.
 */

#include "handle.h"

#include <linux/anon_inodes.h>
#include <linux/build_bug.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "compat.h"
#include "keep.h"
#include "netdev.h"
#include "queue.h"
#include "table.h"
#include "tapkeep.h"

/* From virtio: the largest ring. */
#define RING_SIZE_MAX	32768

#define TUN_F_KNOWN	(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | \
			 TUN_F_UFO | TUN_F_USO4 | TUN_F_USO6 | \
			 TUN_F_UDP_TUNNEL_GSO | TUN_F_UDP_TUNNEL_GSO_CSUM)

union command {
	struct tapkeep_create create;
	struct tapkeep_claim claim;
	struct tapkeep_observe observe;
	struct tapkeep_pin pin;
	struct tapkeep_get_queue get_queue;
	struct tapkeep_offer offer;
	struct tapkeep_op op;
	struct tapkeep_state state;
	struct tapkeep_info info;
};

/**
 * struct call - one ioctl
 * @handle: of the file, or NULL on the device
 * @arg: the user's structure
 * @user_size: its size
 * @size: the size of ours
 * @cmd: ours, filled in
 */
struct call {
	struct tapkeep_handle *handle;
	void __user *arg;
	u32 user_size;
	u32 size;
	union command cmd;
};

static int respond(struct call *call)
{
	if (copy_to_user(call->arg, &call->cmd, min(call->user_size, call->size)))
		return -EFAULT;
	return 0;
}

static const struct file_operations handle_fops;

/* Return: the file of a new handle on @keep; the handle is ours to fill in. */
static struct file *new_handle(struct tapkeep *keep, enum tapkeep_role role)
{
	struct tapkeep_handle *h;
	struct file *file;

	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return ERR_PTR(-ENOMEM);
	h->keep = keep;
	h->role = role;
	file = anon_inode_getfile("[tapkeep]", &handle_fops, h, O_RDWR);
	if (IS_ERR(file))
		kfree(h);
	else
		tapkeep_get(keep);
	return file;
}

static int handle_release(struct inode *inode, struct file *file)
{
	struct tapkeep_handle *h = file->private_data;

	if (h->role == TAPKEEP_ROLE_OWNER)
		tapkeep_owner_closed(h);
	tapkeep_put(h->keep);
	kfree(h);
	return 0;
}

static void handle_show_fdinfo(struct seq_file *seq, struct file *file)
{
	static const char * const roles[] = {
		[TAPKEEP_ROLE_OBSERVER]	= "observer",
		[TAPKEEP_ROLE_OFFER]	= "offer",
		[TAPKEEP_ROLE_OWNER]	= "owner",
		[TAPKEEP_ROLE_STALE]	= "stale",
	};
	static const char * const states[] = {
		[TAPKEEP_ACTIVE]	= "active",
		[TAPKEEP_FROZEN]	= "frozen",
		[TAPKEEP_ORPHAN]	= "orphan",
		[TAPKEEP_ENDED]		= "ended",
	};
	struct tapkeep_handle *h = file->private_data;
	struct tapkeep_info info = {};

	/* Of one that has ended the role is filled in, and nothing else. */
	if (tapkeep_get_info(h, &info))
		info.state = TAPKEEP_ENDED;
	seq_printf(seq, "keep:\t%s\n", h->keep->name);
	seq_printf(seq, "role:\t%s\n", roles[info.role]);
	seq_printf(seq, "state:\t%s\n", states[info.state]);
	seq_printf(seq, "generation:\t%llu\n", info.generation);
	seq_printf(seq, "queues:\t%u\n", info.nr_queues);
}

/* isalnum() is about Latin-1. */
static bool is_name_char(char c)
{
	return isascii(c) && (isalnum(c) || strchr("._:-", c));
}

/* A name as a user gives it: with a NUL, and of the characters that names have. */
static int check_name(const char *name)
{
	size_t i, len = strnlen(name, TAPKEEP_NAME_LEN);

	if (!len || len == TAPKEEP_NAME_LEN)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!is_name_char(name[i]))
			return -EINVAL;
	return 0;
}

/* 0 stands for the standard. Return: 0; ERANGE @value is over the maximum. */
static int choose(u32 value, unsigned int standard, unsigned int max, u32 *chosen)
{
	if (value > max)
		return -ERANGE;
	*chosen = value ?: min(standard, max);
	return 0;
}

static int choose_limits(const struct tapkeep_create *cmd, u32 *hold_limit,
			 u32 *lease_ms)
{
	return choose(cmd->hold_limit, READ_ONCE(tapkeep_hold_limit),
		      READ_ONCE(tapkeep_hold_limit_max), hold_limit) ?:
	       choose(cmd->lease_ms, READ_ONCE(tapkeep_lease_ms),
		      READ_ONCE(tapkeep_lease_ms_max), lease_ms);
}

static int start_owner(struct call *call, struct file *file)
{
	struct tapkeep_create *cmd = &call->cmd.create;
	int err;

	cmd->fd = get_unused_fd_flags(O_CLOEXEC);
	if (cmd->fd < 0)
		return cmd->fd;
	err = respond(call);
	if (!err)
		err = tapkeep_start(file->private_data);
	if (err)
		put_unused_fd(cmd->fd);
	else
		fd_install(cmd->fd, file);
	return err;
}

static int do_create(struct call *call)
{
	struct tapkeep_create *cmd = &call->cmd.create;
	u32 hold_limit, lease_ms;
	struct tapkeep *keep;
	struct file *file;
	int err;

	if (cmd->flags || cmd->reserved || check_name(cmd->name))
		return -EINVAL;
	err = choose_limits(cmd, &hold_limit, &lease_ms);
	if (err)
		return err;
	keep = tapkeep_new(current->nsproxy->net_ns, cmd->name, hold_limit,
			   lease_ms);
	if (!keep)
		return -ENOMEM;
	file = new_handle(keep, TAPKEEP_ROLE_OWNER);
	tapkeep_put(keep);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = start_owner(call, file);
	if (err)
		fput(file);
	return err;
}

static int try_claim(struct call *call, struct tapkeep_handle *claimer)
{
	struct tapkeep_claim *cmd = &call->cmd.claim;
	int err;

	cmd->generation = tapkeep_generation(claimer->keep) + 1;
	err = respond(call);
	if (err)
		return err;
	if (call->handle)
		return tapkeep_claim_by_offer(call->handle, claimer,
					      cmd->generation);
	return tapkeep_claim_by_name(claimer, cmd->flags & TAPKEEP_CLAIM_FORCE,
				     cmd->generation);
}

static int claim(struct call *call, struct tapkeep *keep)
{
	struct tapkeep_claim *cmd = &call->cmd.claim;
	struct file *file;
	int err;

	file = new_handle(keep, TAPKEEP_ROLE_OWNER);
	if (IS_ERR(file))
		return PTR_ERR(file);
	cmd->fd = get_unused_fd_flags(O_CLOEXEC);
	if (cmd->fd < 0) {
		fput(file);
		return cmd->fd;
	}
	do {
		err = try_claim(call, file->private_data);
	} while (err == -EAGAIN);
	if (err) {
		put_unused_fd(cmd->fd);
		fput(file);
		return err;
	}
	fd_install(cmd->fd, file);
	return 0;
}

static int do_claim_by_name(struct call *call)
{
	struct tapkeep_claim *cmd = &call->cmd.claim;
	struct tapkeep *keep;
	int err;

	if (cmd->flags & ~TAPKEEP_CLAIM_FORCE || cmd->reserved ||
	    check_name(cmd->name))
		return -EINVAL;
	keep = tapkeep_table_find(current->nsproxy->net_ns, cmd->name);
	if (!keep)
		return -ENOENT;
	err = claim(call, keep);
	tapkeep_put(keep);
	return err;
}

static int do_claim_by_offer(struct call *call)
{
	struct tapkeep_claim *cmd = &call->cmd.claim;

	if (cmd->flags || cmd->reserved ||
	    memchr_inv(cmd->name, 0, sizeof(cmd->name)))
		return -EINVAL;
	return claim(call, call->handle->keep);
}

static int install_answer(struct call *call, __s32 *fd, struct file *file)
{
	int err;

	*fd = get_unused_fd_flags(O_CLOEXEC);
	if (*fd < 0)
		return *fd;
	err = respond(call);
	if (err)
		put_unused_fd(*fd);
	else
		fd_install(*fd, file);
	return err;
}

static int do_observe(struct call *call)
{
	struct tapkeep_observe *cmd = &call->cmd.observe;
	struct tapkeep *keep;
	struct file *file;
	int err;

	if (cmd->flags || cmd->reserved || check_name(cmd->name))
		return -EINVAL;
	keep = tapkeep_table_find(current->nsproxy->net_ns, cmd->name);
	if (!keep)
		return -ENOENT;
	file = tapkeep_may(keep) ? new_handle(keep, TAPKEEP_ROLE_OBSERVER) :
				   ERR_PTR(-EACCES);
	tapkeep_put(keep);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = install_answer(call, &cmd->fd, file);
	if (err)
		fput(file);
	return err;
}

/* The number goes to the user before the queue is pinned, see DOC: Handle. */
static int pin(struct call *call, struct tapkeep_queue *q)
{
	struct tapkeep_pin *cmd = &call->cmd.pin;
	struct tapkeep_handle *h = call->handle;
	struct net_device *dev;
	int err;

	dev = tapkeep_netdev_of_queue(q, current->nsproxy->net_ns);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	do {
		err = tapkeep_check_owner(h, &cmd->index);
		if (!err)
			err = respond(call);
		if (!err)
			err = tapkeep_pin(h, q, dev, cmd->index);
	} while (err == -EAGAIN);
	dev_put(dev);
	return err;
}

static int pin_file(struct call *call, struct file *file)
{
	struct tapkeep *keep = call->handle->keep;
	struct tapkeep_queue *q;
	int err;

	do {
		q = tapkeep_queue_new(file, READ_ONCE(keep->hold_limit));
		if (IS_ERR(q))
			return PTR_ERR(q);
		err = pin(call, q);
		if (err)
			tapkeep_queue_free(q);
		/* The limit was changed meanwhile. */
	} while (err == -ERESTART);
	return err;
}

static int do_pin(struct call *call)
{
	struct tapkeep_pin *cmd = &call->cmd.pin;
	struct file *file;
	int err;

	if (cmd->reserved)
		return -EINVAL;
	err = tapkeep_check_owner(call->handle, &cmd->index);
	if (err)
		return err;
	file = fget(cmd->fd);
	if (!file)
		return -EBADF;
	err = pin_file(call, file);
	fput(file);
	return err;
}

static int do_get_queue(struct call *call)
{
	struct tapkeep_get_queue *cmd = &call->cmd.get_queue;
	struct file *file;
	int err;

	if (cmd->reserved)
		return -EINVAL;
	err = tapkeep_get_file(call->handle, cmd->index, &file);
	if (err)
		return err;
	err = install_answer(call, &cmd->fd, file);
	if (err)
		fput(file);
	return err;
}

static int start_offer(struct call *call, struct file *file)
{
	struct tapkeep_offer *cmd = &call->cmd.offer;
	int err;

	cmd->fd = get_unused_fd_flags(O_CLOEXEC);
	if (cmd->fd < 0)
		return cmd->fd;
	err = respond(call);
	if (!err)
		err = tapkeep_offer(call->handle, file->private_data);
	if (err)
		put_unused_fd(cmd->fd);
	else
		fd_install(cmd->fd, file);
	return err;
}

static int do_offer(struct call *call)
{
	struct tapkeep_offer *cmd = &call->cmd.offer;
	struct file *file;
	int err;

	if (cmd->flags || cmd->reserved)
		return -EINVAL;
	file = new_handle(call->handle->keep, TAPKEEP_ROLE_OFFER);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = start_offer(call, file);
	if (err)
		fput(file);
	return err;
}

static int do_freeze(struct call *call)
{
	return call->cmd.op.flags ? -EINVAL : tapkeep_freeze(call->handle);
}

static int do_revoke(struct call *call)
{
	return call->cmd.op.flags ? -EINVAL : tapkeep_revoke(call->handle);
}

static int do_thaw(struct call *call)
{
	return call->cmd.op.flags ? -EINVAL : tapkeep_thaw(call->handle);
}

static int do_release(struct call *call)
{
	return call->cmd.op.flags ? -EINVAL : tapkeep_release(call->handle);
}

static bool is_vnet_hdr_len(u16 len)
{
	return len == 0 || len == 10 || len == 12 || len == 20 || len == 24;
}

static int check_nic(const struct tapkeep_state *nic)
{
	if (nic->flags & ~TAPKEEP_STATE_STOPPED || nic->reserved0 ||
	    nic->offloads & ~TUN_F_KNOWN ||
	    !is_vnet_hdr_len(nic->vnet_hdr_len) ||
	    nic->vnet_hdr_endian > TAPKEEP_ENDIAN_BIG ||
	    nic->queue_size < sizeof(struct tapkeep_queue_state) ||
	    nic->active_queue_pairs > nic->nr_queues)
		return -EINVAL;
	if (nic->queue_size > PAGE_SIZE)
		return -E2BIG;
	if (nic->nr_queues > TAPKEEP_MAX_QUEUES)
		return -EMSGSIZE;
	return 0;
}

static int check_queue_state(const struct tapkeep_queue_state *qs)
{
	if (qs->flags & ~TAPKEEP_QUEUE_ENABLED ||
	    qs->rx_size > RING_SIZE_MAX || qs->tx_size > RING_SIZE_MAX)
		return -EINVAL;
	return 0;
}

static int read_queue_states(struct tapkeep_vmm *vmm)
{
	char __user *from = u64_to_user_ptr(vmm->nic.queues);
	u32 i, size = vmm->nic.queue_size;
	int err = 0;

	for (i = 0; !err && i < vmm->nic.nr_queues; i++, from += size) {
		err = copy_struct_from_user(&vmm->queues[i],
					    sizeof(vmm->queues[i]), from, size);
		if (!err)
			err = check_queue_state(&vmm->queues[i]);
	}
	return err;
}

static int do_set_state(struct call *call)
{
	const struct tapkeep_state *nic = &call->cmd.state;
	struct tapkeep_vmm *vmm;
	int err;

	err = check_nic(nic);
	if (err)
		return err;
	vmm = kzalloc(struct_size(vmm, queues, nic->nr_queues),
		      GFP_KERNEL_ACCOUNT);
	if (!vmm)
		return -ENOMEM;
	vmm->nic = *nic;
	err = read_queue_states(vmm);
	vmm->nic.queues = 0;
	if (!err)
		err = tapkeep_set_vmm(call->handle, &vmm);
	kfree(vmm);
	return err;
}

static int write_queue_states(const struct tapkeep_vmm *vmm, char __user *to,
			      u32 size)
{
	u32 i, known = sizeof(vmm->queues[0]);

	for (i = 0; i < vmm->nic.nr_queues; i++, to += size)
		if (copy_to_user(to, &vmm->queues[i], known) ||
		    clear_user(to + known, size - known))
			return -EFAULT;
	return 0;
}

static int answer_state(struct call *call, const struct tapkeep_vmm *vmm)
{
	struct tapkeep_state *nic = &call->cmd.state;
	const struct tapkeep_state asked = *nic;
	int err;

	*nic = vmm->nic;
	nic->size = asked.size;
	nic->queue_size = asked.queue_size;
	nic->queues = asked.queues;
	err = respond(call);
	if (err)
		return err;
	if (nic->nr_queues > asked.nr_queues)
		return -EMSGSIZE;
	return write_queue_states(vmm, u64_to_user_ptr(asked.queues),
				  asked.queue_size);
}

static int do_get_state(struct call *call)
{
	struct tapkeep_state *nic = &call->cmd.state;
	struct tapkeep_vmm *vmm;
	int err;

	if (nic->queue_size < sizeof(struct tapkeep_queue_state))
		return -EINVAL;
	if (nic->queue_size > PAGE_SIZE)
		return -E2BIG;
	err = tapkeep_get_vmm(call->handle, &vmm);
	if (err)
		return err;
	err = answer_state(call, vmm);
	kfree(vmm);
	return err;
}

static int do_get_info(struct call *call)
{
	int err = tapkeep_get_info(call->handle, &call->cmd.info);

	return err ?: respond(call);
}

/**
 * struct operation - an ioctl
 * @size: size of its structure here
 * @min_size: size of the structure in the first version of the interface
 * @cmd: the command
 * @fn: does it; a structure of at least @min_size was copied, the rest is zero
 */
struct operation {
	u32 size;
	u32 min_size;
	unsigned int cmd;
	int (*fn)(struct call *call);
};

static const struct operation device_operations[] = {
	{ sizeof(struct tapkeep_create), offsetofend(struct tapkeep_create, reserved),
	  TAPKEEP_CREATE, do_create },
	{ sizeof(struct tapkeep_claim), offsetofend(struct tapkeep_claim, reserved),
	  TAPKEEP_CLAIM, do_claim_by_name },
	{ sizeof(struct tapkeep_observe), offsetofend(struct tapkeep_observe, reserved),
	  TAPKEEP_OBSERVE, do_observe },
};

static const struct operation handle_operations[] = {
	{ sizeof(struct tapkeep_claim), offsetofend(struct tapkeep_claim, reserved),
	  TAPKEEP_CLAIM, do_claim_by_offer },
	{ sizeof(struct tapkeep_pin), offsetofend(struct tapkeep_pin, reserved),
	  TAPKEEP_PIN, do_pin },
	{ sizeof(struct tapkeep_get_queue), offsetofend(struct tapkeep_get_queue, reserved),
	  TAPKEEP_GET_QUEUE, do_get_queue },
	{ sizeof(struct tapkeep_offer), offsetofend(struct tapkeep_offer, reserved),
	  TAPKEEP_OFFER, do_offer },
	{ sizeof(struct tapkeep_op), offsetofend(struct tapkeep_op, flags),
	  TAPKEEP_FREEZE, do_freeze },
	{ sizeof(struct tapkeep_op), offsetofend(struct tapkeep_op, flags),
	  TAPKEEP_REVOKE, do_revoke },
	{ sizeof(struct tapkeep_op), offsetofend(struct tapkeep_op, flags),
	  TAPKEEP_THAW, do_thaw },
	{ sizeof(struct tapkeep_op), offsetofend(struct tapkeep_op, flags),
	  TAPKEEP_RELEASE, do_release },
	{ sizeof(struct tapkeep_state), offsetofend(struct tapkeep_state, queues),
	  TAPKEEP_SET_STATE, do_set_state },
	{ sizeof(struct tapkeep_state), offsetofend(struct tapkeep_state, queues),
	  TAPKEEP_GET_STATE, do_get_state },
	{ sizeof(struct tapkeep_info), offsetofend(struct tapkeep_info, reserved),
	  TAPKEEP_GET_INFO, do_get_info },
};

/* The size is left out: it differs when the caller knows another version. */
static bool is_command(unsigned int cmd, unsigned int known)
{
	return !((cmd ^ known) & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT));
}

static long run(const struct operation *op, struct tapkeep_handle *h,
		void __user *arg)
{
	struct call call = {
		.handle = h,
		.arg = arg,
		.size = op->size,
	};
	int err;

	if (get_user(call.user_size, (u32 __user *)arg))
		return -EFAULT;
	if (call.user_size < op->min_size)
		return -EINVAL;
	if (call.user_size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&call.cmd, op->size, arg, call.user_size);
	return err ?: op->fn(&call);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(device_operations); i++)
		if (is_command(cmd, device_operations[i].cmd))
			return run(&device_operations[i], NULL,
				   (void __user *)arg);
	return -ENOTTY;
}

static long handle_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(handle_operations); i++)
		if (is_command(cmd, handle_operations[i].cmd))
			return run(&handle_operations[i], file->private_data,
				   (void __user *)arg);
	return -ENOTTY;
}

static const struct file_operations handle_fops = {
	.owner = THIS_MODULE,
	.release = handle_release,
	.unlocked_ioctl = handle_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = handle_show_fdinfo,
	.llseek = noop_llseek,
};

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* As /dev/net/tun: the rights are in what is asked for. */
static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tapkeep",
	.fops = &device_fops,
	.mode = 0666,
};

/* What is in user memory has the same layout for every architecture. */
static void check_layout(void)
{
	BUILD_BUG_ON(sizeof(struct tapkeep_create) != 88);
	BUILD_BUG_ON(sizeof(struct tapkeep_claim) != 88);
	BUILD_BUG_ON(sizeof(struct tapkeep_observe) != 80);
	BUILD_BUG_ON(sizeof(struct tapkeep_pin) != 16);
	BUILD_BUG_ON(sizeof(struct tapkeep_get_queue) != 16);
	BUILD_BUG_ON(sizeof(struct tapkeep_offer) != 16);
	BUILD_BUG_ON(sizeof(struct tapkeep_op) != 8);
	BUILD_BUG_ON(sizeof(struct tapkeep_queue_state) != 16);
	BUILD_BUG_ON(sizeof(struct tapkeep_state) != 48);
	BUILD_BUG_ON(sizeof(struct tapkeep_info) != 128);
}

int __init tapkeep_device_init(void)
{
	check_layout();
	return misc_register(&device);
}

void tapkeep_device_exit(void)
{
	misc_deregister(&device);
}
