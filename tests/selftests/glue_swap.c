// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Swaps of a virtio-net back end without a machine around it: processes that
 * hand over through the glue, as VMMs do, while traffic flows both ways.
 *
 *	world --- AF_PACKET --- tap0 --- ring --- back end --- virtqueues --- guest
 *	(2 processes)			 keep	  (old, new)   (memory file) (process)
 *
 * Every packet is counted at both ends: none may be lost, come twice, or
 * overtake another of its flow.
 */
#include "harness.h"
#include "netback.h"
#include "nettest.h"

#define KEEP		"vm1"
#define IFNAME		"tap0"
struct back_end {
	pid_t pid;
	int control;
	char message[NETBACK_LINE];
};

FIXTURE(swap)
{
	char directory[64];
	char path[96];
	int memory_fd;
	struct netback_memory *memory;
	struct traffic *traffic;
	pid_t ends[TRAFFIC_ENDS];
	struct back_end a, b;
};

FIXTURE_VARIANT(swap)
{
	uint32_t pairs;
};

FIXTURE_VARIANT_ADD(swap, one_pair) { .pairs = 1 };
FIXTURE_VARIANT_ADD(swap, four_pairs) { .pairs = 4 };

static void run_back_end(int control, int memory_fd, uint32_t pairs)
{
	char numbers[3][16];

	snprintf(numbers[0], sizeof(numbers[0]), "%d", control);
	snprintf(numbers[1], sizeof(numbers[1]), "%d", memory_fd);
	snprintf(numbers[2], sizeof(numbers[2]), "%u", pairs);
	execl("/proc/self/exe", "glue_swap", "back-end", numbers[0],
	      numbers[1], numbers[2], NULL);
	_exit(127);
}

/* A new process, with a new image: it has nothing of ours but the memory. */
static bool back_end_start(struct back_end *back, int memory_fd,
			   uint32_t pairs)
{
	struct timeval bound = { .tv_sec = NETBACK_BOUND_MS / 1000 };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return false;
	back->pid = fork_child("back-end");
	if (!back->pid) {
		fcntl(ends[1], F_SETFD, 0);
		run_back_end(ends[1], memory_fd, pairs);
	}
	close(ends[1]);
	back->control = ends[0];
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
	return back->pid > 0;
}

/* Return: what the back end answered, or -EIO if it did not. */
static int tell(struct back_end *back, const char *command)
{
	ssize_t len;
	int ret, at;

	if (send(back->control, command, strlen(command), MSG_NOSIGNAL) < 0)
		return -EIO;
	len = recv(back->control, back->message, sizeof(back->message) - 1, 0);
	if (len <= 0)
		return -EIO;
	back->message[len] = '\0';
	if (sscanf(back->message, "%d %n", &ret, &at) < 1)
		return -EIO;
	memmove(back->message, back->message + at, len - at + 1);
	return ret;
}

static int tell_with(struct back_end *back, const char *command,
		     const char *argument)
{
	char line[NETBACK_LINE];

	snprintf(line, sizeof(line), "%s %s", command, argument);
	return tell(back, line);
}

static void back_end_end(struct back_end *back)
{
	if (back->pid <= 0)
		return;
	kill(back->pid, SIGKILL);
	waitpid(back->pid, NULL, 0);
	close(back->control);
	*back = (struct back_end){ 0 };
}

/* It reads nothing any more when this returns. */
static bool stand_still(const struct back_end *back)
{
	int status;

	return !kill(back->pid, SIGSTOP) &&
	       waitpid(back->pid, &status, WUNTRACED) == back->pid &&
	       WIFSTOPPED(status);
}

#define ASSERT_TOLD(back, command)					\
	ASSERT_EQ(0, tell(back, command)) {				\
		TH_LOG("%s: %s", command, (back)->message);		\
	}
#define ASSERT_TOLD_WITH(back, command, argument)			\
	ASSERT_EQ(0, tell_with(back, command, argument)) {		\
		TH_LOG("%s: %s", command, (back)->message);		\
	}
#define EXPECT_SAYS(back, text)						\
	EXPECT_NE(NULL, strstr((back)->message, text)) {		\
		TH_LOG("not in the message: %s", (back)->message);	\
	}

/* Given a back end that was booted, and traffic through it. */
FIXTURE_SETUP(swap)
{
	ASSERT_TRUE(set_up_namespace());
	strcpy(self->directory, "/tmp/glue_swap.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->directory));
	snprintf(self->path, sizeof(self->path), "%s/socket",
		 self->directory);
	ASSERT_TRUE(map_memory(&self->memory_fd, &self->memory,
			       &self->traffic, variant->pairs));
	ASSERT_TRUE(back_end_start(&self->a, self->memory_fd,
				   variant->pairs));
	ASSERT_TOLD(&self->a, "boot " IFNAME " " KEEP);
	ASSERT_TRUE(interface_up(IFNAME));
	ASSERT_TRUE(start_traffic(self->ends, IFNAME, self->memory,
				  variant->pairs, self->traffic));
	ASSERT_TRUE(traffic_flows(self->traffic, 200));
}

FIXTURE_TEARDOWN(swap)
{
	end_traffic(self->ends);
	back_end_end(&self->a);
	back_end_end(&self->b);
	end_keep(KEEP);
	unlink(self->path);
	rmdir(self->directory);
}

/* The source's part up to the offer, and a burst into the stop. */
static void give(struct __test_metadata *_metadata,
		 FIXTURE_DATA(swap) *self, struct back_end *source)
{
	ASSERT_TOLD(source, "freeze");
	ASSERT_TOLD(source, "stop");
	ASSERT_TOLD(source, "export");
	ASSERT_TRUE(burst(self->traffic, BURST));
	ASSERT_TOLD_WITH(source, "send", self->path);
}

static void await(struct __test_metadata *_metadata,
		  FIXTURE_DATA(swap) *self, struct back_end *target,
		  uint32_t pairs)
{
	ASSERT_TRUE(back_end_start(target, self->memory_fd, pairs));
	ASSERT_TOLD_WITH(target, "await " KEEP, self->path);
}

/* A whole swap; @source is a process that is gone afterwards. */
static void swap(struct __test_metadata *_metadata, FIXTURE_DATA(swap) *self,
		 struct back_end *source, struct back_end *target,
		 uint32_t pairs)
{
	await(_metadata, self, target, pairs);
	give(_metadata, self, source);
	ASSERT_TOLD(target, "receive");
	ASSERT_TOLD(target, "claim");
	ASSERT_TOLD(target, "thaw");
	back_end_end(source);
}

TEST_F_TIMEOUT(swap, back_and_forth_under_traffic, 120)
{
	int i;

	for (i = 0; i < 4; i++) {
		swap(_metadata, self, i % 2 ? &self->b : &self->a,
		     i % 2 ? &self->a : &self->b, variant->pairs);
		ASSERT_TRUE(traffic_flows(self->traffic, 500));
		/* Four bursts at once are more than a hold has room for. */
		ASSERT_TRUE(traffic_catches_up(self->traffic));
	}
	check_account(_metadata, self->traffic);
	ASSERT_TOLD(&self->a, "release");
}

/* Given a target that dies before it claims, then the source goes on. */
TEST_F_TIMEOUT(swap, target_killed_before_the_claim, 60)
{
	await(_metadata, self, &self->b, variant->pairs);
	give(_metadata, self, &self->a);
	ASSERT_TOLD(&self->b, "receive");
	back_end_end(&self->b);

	ASSERT_TOLD(&self->a, "revoke");
	ASSERT_TOLD(&self->a, "start");
	ASSERT_TOLD(&self->a, "thaw");
	ASSERT_TRUE(traffic_flows(self->traffic, 500));

	/* and the next attempt succeeds */
	swap(_metadata, self, &self->a, &self->b, variant->pairs);
	ASSERT_TRUE(traffic_flows(self->traffic, 500));
	check_account(_metadata, self->traffic);
	ASSERT_TOLD(&self->b, "release");
}

/* Given a target that claimed, then its source is told who has the keep. */
TEST_F_TIMEOUT(swap, source_cannot_go_on_after_the_claim, 60)
{
	char pid[32];

	await(_metadata, self, &self->b, variant->pairs);
	give(_metadata, self, &self->a);
	ASSERT_TOLD(&self->b, "receive");
	ASSERT_TOLD(&self->b, "claim");

	EXPECT_EQ(-ESTALE, tell(&self->a, "revoke"));
	snprintf(pid, sizeof(pid), "process %d", self->b.pid);
	EXPECT_SAYS(&self->a, pid);
	EXPECT_SAYS(&self->a, "back-end");
	EXPECT_SAYS(&self->a, "generation 2");
	EXPECT_EQ(-ESTALE, tell(&self->a, "thaw"));
	EXPECT_EQ(-EPERM, tell(&self->a, "start"));

	ASSERT_TOLD(&self->b, "thaw");
	ASSERT_TRUE(traffic_flows(self->traffic, 500));
	check_account(_metadata, self->traffic);
	ASSERT_TOLD(&self->b, "release");
}

/* Given a source that dies while frozen, then its offer is still good. */
TEST_F_TIMEOUT(swap, source_killed_while_frozen, 60)
{
	await(_metadata, self, &self->b, variant->pairs);
	give(_metadata, self, &self->a);
	back_end_end(&self->a);

	ASSERT_TOLD(&self->b, "receive");
	ASSERT_TOLD(&self->b, "claim");
	ASSERT_TOLD(&self->b, "thaw");
	ASSERT_TRUE(traffic_flows(self->traffic, 500));
	check_account(_metadata, self->traffic);
	ASSERT_TOLD(&self->b, "release");
}

/*
 * Given packets in the ring that a back end has not read, when it is killed,
 * then they are there for the next one, and so is what came meanwhile.
 */
TEST_F_TIMEOUT(swap, restart_after_a_kill_reads_what_was_in_the_ring, 60)
{
	ASSERT_TRUE(stop_sending(self->traffic));
	drain(self->traffic);
	ASSERT_TRUE(stand_still(&self->a));
	ASSERT_TRUE(burst(self->traffic, 500));
	back_end_end(&self->a);
	ASSERT_TRUE(is_orphan(KEEP));
	ASSERT_TRUE(burst(self->traffic, BURST));

	ASSERT_TRUE(back_end_start(&self->b, self->memory_fd,
				   variant->pairs));
	ASSERT_TOLD(&self->b, "restart " KEEP);
	STORE(self->traffic->guest_sends, true);
	STORE(self->traffic->world_sends, true);
	ASSERT_TRUE(traffic_flows(self->traffic, 500));
	check_account(_metadata, self->traffic);
	ASSERT_TOLD(&self->b, "release");
}

/*
 * Given traffic both ways, when the back end is killed at any instant, then at
 * most the packet that it had in its hands is lost or comes twice.
 */
TEST_F_TIMEOUT(swap, restart_after_a_kill_under_traffic, 60)
{
	uint64_t lost = 0;
	int i;

	back_end_end(&self->a);
	ASSERT_TRUE(is_orphan(KEEP));
	ASSERT_TRUE(burst(self->traffic, BURST));
	ASSERT_TRUE(back_end_start(&self->b, self->memory_fd,
				   variant->pairs));
	ASSERT_TOLD(&self->b, "restart " KEEP);
	ASSERT_TRUE(traffic_flows(self->traffic, 500));
	ASSERT_TRUE(stop_sending(self->traffic));
	drain(self->traffic);
	check_flows(_metadata, self->traffic->to_guest, "to guest", 1);
	check_flows(_metadata, self->traffic->from_guest, "from guest", 1);
	for (i = 0; i < FLOWS; i++)
		lost += self->traffic->to_guest[i].sent -
			self->traffic->to_guest[i].received;
	EXPECT_GE(1, lost);
	ASSERT_TOLD(&self->b, "release");
}

/* Given one offer in two hands, then the first claims and the second is told. */
TEST_F_TIMEOUT(swap, an_offer_is_good_for_one_claim, 60)
{
	struct back_end third = { 0 };

	await(_metadata, self, &self->b, variant->pairs);
	give(_metadata, self, &self->a);
	ASSERT_TOLD(&self->b, "receive");
	await(_metadata, self, &third, variant->pairs);
	ASSERT_TOLD_WITH(&self->a, "resend", self->path);
	ASSERT_TOLD(&third, "receive");

	ASSERT_TOLD(&self->b, "claim");
	EXPECT_EQ(-ESTALE, tell(&third, "claim"));
	EXPECT_SAYS(&third, "void");
	ASSERT_TOLD(&self->b, "thaw");

	/* a used offer is not even accepted */
	back_end_end(&third);
	await(_metadata, self, &third, variant->pairs);
	ASSERT_TOLD_WITH(&self->a, "resend", self->path);
	EXPECT_EQ(-ESTALE, tell(&third, "receive"));
	back_end_end(&third);

	ASSERT_TRUE(traffic_flows(self->traffic, 500));
	check_account(_metadata, self->traffic);
	ASSERT_TOLD(&self->b, "release");
}

static void source_goes_on(struct __test_metadata *_metadata,
			   FIXTURE_DATA(swap) *self)
{
	ASSERT_TOLD(&self->a, "revoke");
	ASSERT_TOLD(&self->a, "start");
	ASSERT_TOLD(&self->a, "thaw");
	ASSERT_TRUE(traffic_flows(self->traffic, 500));
	check_account(_metadata, self->traffic);
	ASSERT_TOLD(&self->a, "release");
}

TEST_F_TIMEOUT(swap, a_stream_that_disagrees_with_the_keep_is_refused, 60)
{
	await(_metadata, self, &self->b, variant->pairs);
	ASSERT_TOLD(&self->a, "lie abc");
	give(_metadata, self, &self->a);
	EXPECT_EQ(-EINVAL, tell(&self->b, "receive"));
	EXPECT_SAYS(&self->b, "features 0x100008000");
	EXPECT_SAYS(&self->b, "0xabc");
	EXPECT_EQ(-EPERM, tell(&self->b, "claim"));
	source_goes_on(_metadata, self);
}

TEST_F_TIMEOUT(swap, a_device_that_disagrees_with_the_keep_is_refused, 60)
{
	await(_metadata, self, &self->b, variant->pairs);
	ASSERT_TOLD(&self->b, "features 100000000");
	give(_metadata, self, &self->a);
	EXPECT_EQ(-EINVAL, tell(&self->b, "receive"));
	EXPECT_SAYS(&self->b, "features 0x100008000");
	EXPECT_SAYS(&self->b, "0x100000000");
	source_goes_on(_metadata, self);
}

/* Given a source that revoked, then a target that is late cannot claim. */
TEST_F_TIMEOUT(swap, a_late_target_cannot_claim, 60)
{
	await(_metadata, self, &self->b, variant->pairs);
	give(_metadata, self, &self->a);
	ASSERT_TOLD(&self->b, "receive");
	ASSERT_TOLD(&self->a, "revoke");
	EXPECT_EQ(-ESTALE, tell(&self->b, "claim"));
	source_goes_on(_metadata, self);
}

/* An offer of a VMM that may still be reading is not made at all. */
TEST_F_TIMEOUT(swap, no_offer_before_the_readers_stop, 60)
{
	await(_metadata, self, &self->b, variant->pairs);
	EXPECT_EQ(-ENODATA, tell_with(&self->a, "send", self->path));
	ASSERT_TOLD(&self->a, "freeze");
	ASSERT_TOLD(&self->a, "export");
	EXPECT_EQ(-EBUSY, tell_with(&self->a, "send", self->path));
	EXPECT_SAYS(&self->a, "TAPKEEP_STATE_STOPPED");
	ASSERT_TOLD(&self->a, "thaw");
	ASSERT_TOLD(&self->a, "stop");
	ASSERT_TOLD(&self->a, "export");
	EXPECT_EQ(-EBUSY, tell_with(&self->a, "send", self->path));
	EXPECT_SAYS(&self->a, "freeze it first");
	source_goes_on(_metadata, self);
}

TEST_F_TIMEOUT(swap, a_live_keep_is_not_restarted, 60)
{
	char pid[32];

	ASSERT_TRUE(back_end_start(&self->b, self->memory_fd,
				   variant->pairs));
	EXPECT_EQ(-EBUSY, tell(&self->b, "restart " KEEP));
	snprintf(pid, sizeof(pid), "process %d", self->a.pid);
	EXPECT_SAYS(&self->b, pid);
	source_goes_on(_metadata, self);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "back-end"))
		return netback_main(argv);
	return test_harness_run(argc, argv);
}
