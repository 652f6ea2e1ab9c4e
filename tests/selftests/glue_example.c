// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The example VMM back end (tests/example/vmm.c), with a guest and under traffic:
 * the same command line boots, takes over and restarts, and no packet is lost,
 * comes twice or overtakes another.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "nettest.h"

#define KEEP	"example"
#define IFNAME	"tap0"
#define SWAPS	4

struct vmm {
	pid_t pid;
	int output;
};

FIXTURE(example)
{
	char directory[64];
	char path[96];
	char memory_path[32];
	int memory_fd;
	struct netback_memory *memory;
	struct traffic *traffic;
	pid_t ends[TRAFFIC_ENDS];
	struct vmm vmm;
};

/* What is written down beside this program: where the build puts it. */
static void run_vmm(const char *memory, const char *path)
{
	char self[256] = "", program[300];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		_exit(127);
	snprintf(program, sizeof(program), "%s/example/vmm", dirname(self));
	execl(program, "vmm", IFNAME, KEEP, memory, path, NULL);
	_exit(127);
}

/* The one command line. Return: does it say that it is ready? */
static bool vmm_start(struct vmm *vmm, const char *memory, const char *path)
{
	struct pollfd pfd = { .events = POLLIN };
	char word[8] = "";
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return false;
	vmm->pid = fork_child("vmm");
	if (!vmm->pid) {
		dup2(ends[1], STDOUT_FILENO);
		run_vmm(memory, path);
	}
	close(ends[1]);
	vmm->output = ends[0];
	pfd.fd = ends[0];
	return vmm->pid > 0 && poll(&pfd, 1, BOUND_US / 1000) == 1 &&
	       read(ends[0], word, sizeof(word) - 1) > 0 &&
	       !strcmp(word, "ready\n");
}

static void vmm_kill(struct vmm *vmm)
{
	end_child(vmm->pid);
	if (vmm->pid > 0)
		close(vmm->output);
	*vmm = (struct vmm){ 0 };
}

/* Does it end by itself, and without a complaint, within the bound? */
static bool vmm_ends(struct vmm *vmm)
{
	int us, status;

	for (us = 0; us < BOUND_US; us += STEP_US) {
		if (waitpid(vmm->pid, &status, WNOHANG) == vmm->pid) {
			close(vmm->output);
			*vmm = (struct vmm){ 0 };
			return WIFEXITED(status) && !WEXITSTATUS(status);
		}
		usleep(STEP_US);
	}
	return false;
}

#define ASSERT_STARTS(self)						\
	ASSERT_TRUE(vmm_start(&(self)->vmm, (self)->memory_path,	\
			      (self)->path))

/* Given a VMM that was booted, and traffic through it. */
FIXTURE_SETUP(example)
{
	ASSERT_TRUE(set_up_namespace());
	strcpy(self->directory, "/tmp/glue_example.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->directory));
	snprintf(self->path, sizeof(self->path), "%s/socket",
		 self->directory);
	ASSERT_TRUE(map_memory(&self->memory_fd, &self->memory,
			       &self->traffic, 1));
	snprintf(self->memory_path, sizeof(self->memory_path),
		 "/proc/self/fd/%d", self->memory_fd);
	ASSERT_STARTS(self);
	ASSERT_TRUE(interface_up(IFNAME));
	ASSERT_TRUE(start_traffic(self->ends, IFNAME, self->memory, 1,
				  self->traffic));
	ASSERT_TRUE(traffic_flows(self->traffic, 200));
}

FIXTURE_TEARDOWN(example)
{
	end_traffic(self->ends);
	vmm_kill(&self->vmm);
	end_keep(KEEP);
	unlink(self->path);
	rmdir(self->directory);
}

/* When the same command is given again, then the guest runs on under it. */
static void takes_over(struct __test_metadata *_metadata,
		       FIXTURE_DATA(example) *self)
{
	struct vmm source = self->vmm;

	ASSERT_STARTS(self);
	ASSERT_TRUE(vmm_ends(&source));
	ASSERT_TRUE(traffic_flows(self->traffic, 500));
}

TEST_F_TIMEOUT(example, takes_over_again_and_again, 120)
{
	int i;

	for (i = 0; i < SWAPS; i++)
		takes_over(_metadata, self);
	check_account(_metadata, self->traffic);
}

/* Given packets that nobody has read, when it is killed, then the next has them. */
TEST_F_TIMEOUT(example, restarts_after_a_crash, 60)
{
	ASSERT_TRUE(stop_sending(self->traffic));
	drain(self->traffic);
	vmm_kill(&self->vmm);
	ASSERT_TRUE(is_orphan(KEEP));
	ASSERT_TRUE(burst(self->traffic, BURST));

	ASSERT_STARTS(self);
	ASSERT_TRUE(traffic_catches_up(self->traffic));
	STORE(self->traffic->guest_sends, true);
	STORE(self->traffic->world_sends, true);
	ASSERT_TRUE(traffic_flows(self->traffic, 500));
	check_account(_metadata, self->traffic);
}

/* Given a target that dies before it claims, then the source goes on. */
TEST_F_TIMEOUT(example, goes_on_when_its_target_dies, 60)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);
	char some[64];

	strcpy(addr.sun_path, self->path);
	ASSERT_EQ(0, connect(sock, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_LT(0, read(sock, some, sizeof(some)));
	ASSERT_TRUE(burst(self->traffic, BURST));
	close(sock);
	ASSERT_TRUE(traffic_flows(self->traffic, 500));

	/* and the next attempt succeeds */
	takes_over(_metadata, self);
	check_account(_metadata, self->traffic);
}

TEST_HARNESS_MAIN
