// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ioctl half of libtapkeep: one function for each operation.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "tapkeep.h"

/*
 * A node that is missing and a node without a driver both mean that the
 * module is not loaded. ENOENT would look like "no keep of that name".
 */
static int open_device(void)
{
	const char *path = secure_getenv("TAPKEEP_DEVICE");
	int fd;

	fd = open(path && *path ? path : TAPKEEP_DEVICE_PATH,
		  O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == ENOENT || errno == ENODEV ? -ENXIO : -errno;
}

static int handle_ioctl(int handle, unsigned long cmd, void *arg)
{
	return ioctl(handle, cmd, arg) < 0 ? -errno : 0;
}

/* @device: an open control device, or -1 */
static int device_ioctl(int device, unsigned long cmd, void *arg)
{
	int fd, ret;

	if (device >= 0)
		return handle_ioctl(device, cmd, arg);
	fd = open_device();
	if (fd < 0)
		return fd;
	ret = handle_ioctl(fd, cmd, arg);
	close(fd);
	return ret;
}

static int handle_op(int handle, unsigned long cmd)
{
	struct tapkeep_op op = { .size = sizeof(op) };

	return handle_ioctl(handle, cmd, &op);
}

static int copy_name(char *to, const char *name)
{
	size_t len = strlen(name);

	if (len >= TAPKEEP_NAME_LEN)
		return -ENAMETOOLONG;
	memcpy(to, name, len + 1);
	return 0;
}

int tapkeep_create(const char *name, uint32_t hold_limit, uint32_t lease_ms)
{
	return tapkeep_create_at(-1, name, hold_limit, lease_ms);
}

int tapkeep_create_at(int device, const char *name, uint32_t hold_limit,
		      uint32_t lease_ms)
{
	struct tapkeep_create arg = {
		.size = sizeof(arg),
		.hold_limit = hold_limit,
		.lease_ms = lease_ms,
	};
	int ret = copy_name(arg.name, name);

	if (!ret)
		ret = device_ioctl(device, TAPKEEP_CREATE, &arg);
	return ret ? ret : arg.fd;
}

int tapkeep_claim_name(const char *name, uint32_t flags, uint64_t *generation)
{
	return tapkeep_claim_name_at(-1, name, flags, generation);
}

int tapkeep_claim_name_at(int device, const char *name, uint32_t flags,
			  uint64_t *generation)
{
	struct tapkeep_claim arg = { .size = sizeof(arg), .flags = flags };
	int ret = copy_name(arg.name, name);

	if (!ret)
		ret = device_ioctl(device, TAPKEEP_CLAIM, &arg);
	if (ret)
		return ret;
	if (generation)
		*generation = arg.generation;
	return arg.fd;
}

int tapkeep_claim_offer(int offer, uint64_t *generation)
{
	struct tapkeep_claim arg = { .size = sizeof(arg) };
	int ret = handle_ioctl(offer, TAPKEEP_CLAIM, &arg);

	if (ret)
		return ret;
	if (generation)
		*generation = arg.generation;
	return arg.fd;
}

int tapkeep_observe(const char *name)
{
	return tapkeep_observe_at(-1, name);
}

int tapkeep_observe_at(int device, const char *name)
{
	struct tapkeep_observe arg = { .size = sizeof(arg) };
	int ret = copy_name(arg.name, name);

	if (!ret)
		ret = device_ioctl(device, TAPKEEP_OBSERVE, &arg);
	return ret ? ret : arg.fd;
}

int tapkeep_pin(int handle, int queue_fd)
{
	struct tapkeep_pin arg = { .size = sizeof(arg), .fd = queue_fd };
	int ret = handle_ioctl(handle, TAPKEEP_PIN, &arg);

	return ret ? ret : (int)arg.index;
}

int tapkeep_get_queue(int handle, uint32_t index)
{
	struct tapkeep_get_queue arg = { .size = sizeof(arg), .index = index };
	int ret = handle_ioctl(handle, TAPKEEP_GET_QUEUE, &arg);

	return ret ? ret : arg.fd;
}

int tapkeep_offer(int handle)
{
	struct tapkeep_offer arg = { .size = sizeof(arg) };
	int ret = handle_ioctl(handle, TAPKEEP_OFFER, &arg);

	return ret ? ret : arg.fd;
}

int tapkeep_freeze(int handle)
{
	return handle_op(handle, TAPKEEP_FREEZE);
}

int tapkeep_revoke(int handle)
{
	return handle_op(handle, TAPKEEP_REVOKE);
}

int tapkeep_thaw(int handle)
{
	return handle_op(handle, TAPKEEP_THAW);
}

int tapkeep_release(int handle)
{
	return handle_op(handle, TAPKEEP_RELEASE);
}

int tapkeep_set_state(int handle, const struct tapkeep_state *state,
		      const struct tapkeep_queue_state *queues)
{
	struct tapkeep_state arg = *state;

	arg.size = sizeof(arg);
	arg.queue_size = sizeof(*queues);
	arg.queues = (uintptr_t)queues;
	return handle_ioctl(handle, TAPKEEP_SET_STATE, &arg);
}

int tapkeep_get_state(int handle, struct tapkeep_state *state,
		      struct tapkeep_queue_state *queues, uint32_t nr_queues)
{
	struct tapkeep_state arg = {
		.size = sizeof(arg),
		.queue_size = sizeof(*queues),
		.nr_queues = nr_queues,
		.queues = (uintptr_t)queues,
	};
	int ret = handle_ioctl(handle, TAPKEEP_GET_STATE, &arg);

	if (ret)
		return ret;
	*state = arg;
	return arg.nr_queues;
}

int tapkeep_get_info(int handle, struct tapkeep_info *info)
{
	struct tapkeep_info arg = { .size = sizeof(arg) };
	int ret = handle_ioctl(handle, TAPKEEP_GET_INFO, &arg);

	if (!ret)
		*info = arg;
	return ret;
}
