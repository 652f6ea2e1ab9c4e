// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owners and claimers are killed at random instants, with traffic on the
 * interface, and every packet is accounted for afterwards.
 *
 *	world --- AF_PACKET --- tap0 --- ring --- back end --- rings --- world
 *	(sends)			 keep	 (those who are killed)	 (receives)
 *
 * The run is a sequence of eras, each in a network namespace of its own with
 * another NIC: one queue or several, read by a thread or by vhost, its
 * descriptors open elsewhere or only in the keep. An era is a sequence of
 * rounds: processes hand over, restart, release or change their minds, and one
 * or two of them are killed; then somebody must be the owner, or the keep must
 * be an orphan. At its end the NIC must be as it was.
 *
 *	kill_keep [--kills=N] [--seed=N]
 *
 * The same seed gives the same rounds; when exactly a process dies is up to
 * the machine.
 */
#include <getopt.h>
#include <sys/eventfd.h>
#include "kill_victim.h"
#include "kill_world.h"
#include "kselftest.h"

/* Of all kills as many, but not fewer or more than that. */
#define ERA_SHARE	6
#define ERA_KILLS_MIN	50
#define ERA_KILLS_MAX	250
#define DEFAULT_KILLS	300
#define PROGRESS_MS	5000
#define BURST		2000
/* A ring, what vhost has in its hands, and the guest's buffers; and more. */
#define FULL		(USUAL_SLOTS + 64 + VIRTQ_SIZE + 100)
#define RANDOM_US	6000
#define SPARE_NAME	"kill0"

/* What all eras together have come to; shared with them. */
struct totals {
	uint64_t kills;
	uint64_t hits[NR_PHASES];
	uint64_t eras;
	uint64_t sent;
	uint64_t delivered;
	uint64_t held;
	uint64_t refused;
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t strange;
	uint64_t leaked;
	uint64_t wrong;		/* states that a keep should not be in */
	uint64_t changed;	/* interfaces that are not as they were */
	uint64_t next_progress;
};

struct member {
	pid_t pid;
	int control;
	struct proc *proc;
};

/**
 * struct era - one NIC, and who comes and goes
 * @random: the state of pick()
 * @keep_only: only the keep and its owner have the queues open
 * @owner: who waits for a command as the owner, or NULL
 * @generation: of the last owner
 * @lives: keeps that there had been by then
 */
struct era {
	struct totals *totals;
	struct shared_nic *nic;
	uint64_t random;
	uint64_t target;
	uint64_t started;
	bool keep_only;
	struct looks looks;
	struct member members[NIC_PROCS];
	struct member *owner;
	uint64_t generation;
	uint32_t lives;
	pid_t world;
};

__attribute__((format(printf, 2, 3)))
static void wrong(uint64_t *counter, const char *fmt, ...)
{
	va_list args;

	++*counter;
	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

static void close_spares(struct shared_nic *nic)
{
	int i;

	for (i = 0; i < NIC_QUEUES; i++)
		if (nic->spare[i] >= 0) {
			close(nic->spare[i]);
			nic->spare[i] = -1;
		}
}

/*
 * Those who are killed
 */

static uint32_t choose(struct era *era, uint32_t below)
{
	return pick(&era->random, below);
}

static bool one_in(struct era *era, uint32_t n)
{
	return !choose(era, n);
}

/* @peers are the ends of a socket for a target: the second is its own. */
static struct member *spawn(struct era *era, enum role role, enum phase aim,
			    const int *peers, pid_t peer_pid)
{
	struct victim victim = { .nic = era->nic, .handle = -1, .peer = -1 };
	struct member *m = era->members;
	int ends[2];

	while (m->pid)
		m++;
	*m->proc = (struct proc){ .aim = aim };
	victim.me = m->proc;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return NULL;
	m->pid = fork_child("victim");
	if (!m->pid) {
		close(ends[0]);
		victim.control = ends[1];
		if (peers) {
			close(peers[0]);
			victim.peer = peers[1];
			victim.peer_pid = peer_pid;
		}
		victim_main(&victim, role);
	}
	close(ends[1]);
	m->control = ends[0];
	return m->pid > 0 ? m : NULL;
}

static void order(struct member *m, enum command what, enum phase aim, int fd)
{
	STORE(m->proc->aimed, 0);
	STORE(m->proc->fire, 0);
	STORE(m->proc->aim, aim);
	STORE(m->proc->standing, STANDING_BUSY);
	pass_fds(m->control, what, &fd, fd >= 0);
}

static void ended(struct era *era, struct member *m, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		STORE(era->nic->kills, ++era->totals->kills);
		era->totals->hits[m->proc->phase]++;
	} else if (status || m->proc->standing != STANDING_GONE) {
		wrong(&era->totals->wrong,
		      "a process ended by itself in %s, status %#x",
		      phase_names[m->proc->phase], status);
	}
	if (era->owner == m)
		era->owner = NULL;
	close(m->control);
	m->pid = 0;
}

static void reap(struct era *era, struct member *m)
{
	int status;

	if (m->pid && waitpid(m->pid, &status, 0) == m->pid)
		ended(era, m, status);
}

static void kill_members(struct era *era, struct member *a, struct member *b)
{
	if (a && a->pid)
		kill(a->pid, SIGKILL);
	if (b && b->pid)
		kill(b->pid, SIGKILL);
	if (a)
		reap(era, a);
	if (b)
		reap(era, b);
}

/* Waits until @m is where it is to be killed, or will not be. */
static void wait_for_aim(struct member *m)
{
	uint64_t until = now_us() + 2 * AIM_BOUND_US;

	while (!LOAD(m->proc->aimed) && now_us() < until &&
	       LOAD(m->proc->standing) == STANDING_BUSY)
		usleep(30);
	STORE(m->proc->fire, 1);
}

/* Kills @m, and @also at the same time, in the middle of what @m does. */
static void strike(struct era *era, struct member *m, struct member *also)
{
	enum phase aim = m->proc->aim;

	if (aim) {
		wait_for_aim(m);
		/* Some operations are short. */
		spin_us(era->totals->hits[aim] ? choose(era, 200) :
						 choose(era, 30));
	} else {
		usleep(choose(era, RANDOM_US));
	}
	kill_members(era, m, also);
}

/* Waits until all who live have come to something. */
static void settle(struct era *era)
{
	uint64_t until = now_ms() + bound_ms(BOUND_MS);
	struct member *m;
	uint32_t standing;

	for (m = era->members; m < era->members + NIC_PROCS; m++) {
		if (!m->pid)
			continue;
		while ((standing = LOAD(m->proc->standing)) == STANDING_BUSY &&
		       now_ms() < until)
			usleep(100);
		if (standing == STANDING_OWNER && !era->owner) {
			era->owner = m;
		} else if (standing == STANDING_OWNER && era->owner != m) {
			wrong(&era->totals->wrong, "there are two owners");
		} else if (standing == STANDING_BUSY) {
			wrong(&era->totals->wrong, "a process is stuck in %s",
			      phase_names[m->proc->phase]);
			kill(m->pid, SIGKILL);
		}
		if (standing != STANDING_OWNER)
			reap(era, m);
	}
}

/* Somebody is the owner of an active keep, or it is an orphan, or not there. */
static void check_state(struct era *era)
{
	int state = named_state(KEEP);
	bool pinned = LOAD(era->nic->pinned);

	if (era->owner) {
		if (state != TAPKEEP_ACTIVE)
			wrong(&era->totals->wrong,
			      "an owner that thawed has a keep of state %d", state);
		if (era->lives == era->nic->lives &&
		    era->owner->proc->generation < era->generation)
			wrong(&era->totals->wrong, "the generation fell");
		era->lives = era->nic->lives;
		era->generation = era->owner->proc->generation;
	} else if (state != TAPKEEP_ORPHAN && (state != -ENOENT || pinned)) {
		wrong(&era->totals->wrong,
		      "nobody owns the keep, and its state is %d", state);
	}
}

/*
 * The rounds
 */

/* Now and then at any time; else first where nobody was killed yet. */
static enum phase choose_aim(struct era *era, const enum phase *phases,
			     uint32_t nr)
{
	uint32_t i;

	if (one_in(era, 4))
		return PHASE_NONE;
	for (i = 0; i < nr; i++)
		if (!era->totals->hits[phases[i]])
			return phases[i];
	return phases[choose(era, nr)];
}

#define ONE_OF(era, ...) ({						\
	static const enum phase phases_[] = { __VA_ARGS__ };		\
	choose_aim(era, phases_, sizeof(phases_) / sizeof(phases_[0]));	\
})

/* Who of an owner and a target is killed, and in whose operation. */
enum casualties {
	OWNER_ONLY,
	TARGET_ONLY,
	BOTH_IN_OWNERS,
	BOTH_IN_TARGETS,
	OWNER_AFTER_TARGET,
	NR_CASUALTIES
};

static void kill_in_hand_over(struct era *era, enum casualties who,
			      struct member *owner, struct member *target)
{
	switch (who) {
	case OWNER_ONLY:
		strike(era, owner, NULL);
		break;
	case BOTH_IN_OWNERS:
		strike(era, owner, target);
		break;
	case TARGET_ONLY:
		strike(era, target, NULL);
		break;
	case BOTH_IN_TARGETS:
		strike(era, target, owner);
		break;
	default:
		/* The one that would have gone on. */
		strike(era, target, NULL);
		strike(era, owner, NULL);
	}
}

static void hand_over_round(struct era *era)
{
	enum casualties who = choose(era, NR_CASUALTIES);
	enum phase owner_aim = PHASE_NONE, target_aim = PHASE_NONE;
	struct member *owner = era->owner, *target;
	int peers[2];

	if (who == OWNER_ONLY || who == BOTH_IN_OWNERS)
		owner_aim = ONE_OF(era, PHASE_FREEZE, PHASE_STOP, PHASE_EXPORT,
				   PHASE_OFFER, PHASE_OFFER, PHASE_PASS,
				   PHASE_WAIT);
	else
		target_aim = ONE_OF(era, PHASE_RECEIVE, PHASE_CLAIM,
				    PHASE_CLAIM, PHASE_QUEUES, PHASE_START,
				    PHASE_THAW);
	if (who == OWNER_AFTER_TARGET)
		owner_aim = ONE_OF(era, PHASE_REVOKE, PHASE_START, PHASE_THAW);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, peers))
		return;
	target = spawn(era, ROLE_TARGET, target_aim, peers, owner->pid);
	order(owner, COMMAND_HAND_OVER, owner_aim, peers[0]);
	close(peers[0]);
	close(peers[1]);
	era->owner = NULL;
	kill_in_hand_over(era, who, owner, target);
}

/* The owner is killed in what it does for itself; somebody may wait for that. */
static void exercise_round(struct era *era, bool heir)
{
	struct member *owner = era->owner;
	enum phase aim;

	aim = ONE_OF(era, PHASE_FREEZE, PHASE_STOP, PHASE_OFFER, PHASE_REVOKE,
		     PHASE_CLAIM, PHASE_START, PHASE_THAW, PHASE_THAW);
	if (heir)
		spawn(era, ROLE_HEIR, 0, NULL, 0);
	era->owner = NULL;
	order(owner, COMMAND_EXERCISE, aim, -1);
	strike(era, owner, NULL);
}

/* Two bursts would be more than is held. */
static bool has_caught_up(struct era *era)
{
	return nic_sent(era->nic) - nic_received(era->nic) <= era->nic->window;
}

/* More than the window allows, at once. */
static void burst(struct era *era, uint32_t packets)
{
	uint64_t until = now_ms() + bound_ms(BOUND_MS);

	STORE(era->nic->burst_wanted, era->nic->burst_wanted + packets);
	while (LOAD(era->nic->burst_done) != era->nic->burst_wanted &&
	       now_ms() < until)
		usleep(1000);
}

/*
 * The guest does not look, so all is full: its buffers, vhost's hands and the
 * ring. Then vhost dies, and there must be room for what it gives back.
 */
static void full_round(struct era *era)
{
	struct member *owner = era->owner;

	STORE(era->nic->asleep, true);
	burst(era, FULL);
	era->owner = NULL;
	kill_members(era, owner, NULL);
	STORE(era->nic->asleep, false);
}

static void release_round(struct era *era)
{
	struct member *owner = era->owner;
	enum phase aim;

	aim = ONE_OF(era, PHASE_FREEZE, PHASE_RELEASE, PHASE_RELEASE,
		     PHASE_CREATE, PHASE_PIN, PHASE_START);
	era->owner = NULL;
	order(owner, COMMAND_RELEASE, aim, -1);
	strike(era, owner, NULL);
}

/* One or two start where nobody is, and one or two are killed. */
static void restart_round(struct era *era)
{
	struct member *first, *second = NULL;
	enum phase aim;

	if (LOAD(era->nic->pinned))
		aim = ONE_OF(era, PHASE_CLAIM, PHASE_QUEUES, PHASE_START,
			     PHASE_THAW);
	else
		aim = ONE_OF(era, PHASE_CREATE, PHASE_PIN, PHASE_PIN,
			     PHASE_START);
	/* More often than not they are to live, so that there is an owner. */
	if (one_in(era, 2))
		aim = PHASE_LIVE;
	first = spawn(era, ROLE_RESTART, aim, NULL, 0);
	/* Not with vhost: before it is gone nobody else may read. */
	if (!era->nic->vhost && one_in(era, 4))
		second = spawn(era, ROLE_RESTART, 0, NULL, 0);
	if (aim != PHASE_LIVE)
		strike(era, first, second && one_in(era, 2) ? second : NULL);
}

/* Whoever was killed in the middle of pinning left queues that hold nothing. */
static bool all_is_held(struct era *era)
{
	int fd = keep_observe(KEEP);
	struct tapkeep_info info;
	bool held;

	if (fd < 0)
		return false;
	held = !keep_info(fd, &info) && info.state == TAPKEEP_ORPHAN &&
	       info.nr_queues == era->nic->nr_queues;
	close(fd);
	return held;
}

static void one_round(struct era *era)
{
	uint32_t what = choose(era, 10);

	if (!era->owner) {
		if (all_is_held(era) && has_caught_up(era) && one_in(era, 12))
			burst(era, BURST);
		restart_round(era);
	} else if (era->nic->tight && has_caught_up(era) && one_in(era, 4)) {
		full_round(era);
	} else if (what < 6) {
		hand_over_round(era);
	} else if (what < 8) {
		exercise_round(era, !era->nic->vhost);
	} else if (era->keep_only) {
		exercise_round(era, false);
	} else {
		release_round(era);
	}
	settle(era);
	check_state(era);
	if (era->keep_only && era->owner)
		close_spares(era->nic);
}

static void progress(struct era *era)
{
	uint64_t now = now_ms();

	if (now < era->totals->next_progress)
		return;
	era->totals->next_progress = now + PROGRESS_MS;
	printf("# %llu of %llu kills, %llu s, era %llu: sent %llu, received %llu\n",
	       (unsigned long long)era->totals->kills,
	       (unsigned long long)era->target,
	       (unsigned long long)(now - era->started) / 1000,
	       (unsigned long long)era->totals->eras + 1,
	       (unsigned long long)nic_sent(era->nic),
	       (unsigned long long)nic_received(era->nic));
}

/*
 * The end of an era
 */

/* The test itself is the next claimer. */
static void take_over(struct era *era, struct victim *v)
{
	*v = (struct victim){
		.nic = era->nic,
		.me = era->members[0].proc,
		.handle = -1,
	};
	*v->me = (struct proc){};
	memcpy(v->queues, era->nic->spare, sizeof(v->queues));
	memset(era->nic->spare, 0xff, sizeof(era->nic->spare));
	claim_by_name(v, false);
}

static uint64_t in_the_rings(void)
{
	uint64_t sum = 0;
	struct nl_keep k;
	int i;

	if (nl_get(KEEP, &k))
		return 0;
	for (i = 0; i < k.nr_queues; i++)
		sum += k.queues[i].ring_used;
	return sum;
}

static void sum_up(struct era *era, uint64_t held)
{
	struct totals *totals = era->totals;
	struct shared_nic *nic = era->nic;
	int64_t drops = interface_drops();
	uint64_t received = nic_received(nic);
	int i;

	if (held > received)
		held = received;
	totals->sent += nic_sent(nic);
	totals->delivered += received - held;
	totals->held += held;
	totals->strange += nic->strange;
	/* What is dropped, its sender is told; that is not counted as sent. */
	if (drops > (int64_t)nic->refused || (nic->refused && !nic->tight))
		wrong(&totals->changed,
		      "the interface dropped %lld, of which it refused %llu",
		      (long long)drops, (unsigned long long)nic->refused);
	totals->refused += nic->refused;
	for (i = 0; i < FLOWS; i++) {
		totals->duplicated += nic->flows[i].duplicated;
		totals->reordered += nic->flows[i].reordered;
	}
}

static void compare_looks(struct era *era)
{
	const struct looks *then = &era->looks;
	struct looks now;

	if (look(&now)) {
		wrong(&era->totals->changed, "the interface is gone");
		return;
	}
	if (memcmp(then, &now, sizeof(now)))
		wrong(&era->totals->changed,
		      "the interface had index %d, flags %#x, tx_queue_len %d; now %d, %#x, %d%s",
		      then->index, then->flags, then->tx_queue_len, now.index,
		      now.flags, now.tx_queue_len,
		      memcmp(then->features, now.features,
			     sizeof(now.features)) ? ", other features" : "");
}

/* Reads all there is, and gives the world time for it. */
static void take_account(struct era *era, struct victim *v)
{
	uint64_t until = now_ms() + bound_ms(3000), held = in_the_rings();
	uint32_t i;

	for (i = 0; i < era->nic->nr_queues; i++)
		recover(&era->nic->rx[i]);
	while (read_some(v) ||
	       (nic_received(era->nic) != nic_sent(era->nic) &&
		now_ms() < until))
		usleep(500);
	sum_up(era, held);
}

static bool rings_are_usual(uint32_t nr)
{
	struct nl_keep k;
	int i;

	if (nl_get(KEEP, &k) || k.nr_queues != (int)nr)
		return false;
	for (i = 0; i < k.nr_queues; i++)
		if (k.queues[i].ring_size != USUAL_SLOTS)
			return false;
	return true;
}

/* A keep that was released while its ring was full leaves that to the next. */
static void check_rings(struct era *era, struct victim *v)
{
	thaw(v);
	if (!era->keep_only) {
		must(v, keep_release(v->handle));
		if (!create(v))
			give_up(v, -EEXIST);
	}
	if (!WITHIN(5000, rings_are_usual(era->nic->nr_queues)))
		wrong(&era->totals->changed, "a ring has not its usual size");
}

static void count_keep(struct nl_keep *k, void *arg)
{
	struct era *era = arg;

	wrong(&era->totals->leaked, "there is a keep %s of state %lld", k->name,
	      (long long)k->state);
}

static void check_dump(struct era *era)
{
	struct nl nl;

	if (nl_open(&nl) || nl_dump_keeps(&nl, sizeof(nl.buffer), count_keep,
					  era) < 0)
		wrong(&era->totals->wrong, "no dump");
	close(nl.fd);
}

/* By its last close, or by somebody who deletes it under an orphan. */
static void end_interface(struct era *era, struct victim *v, bool delete)
{
	int rtnetlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	uint64_t then = now_ms();
	uint32_t i;

	if (!delete)
		must(v, keep_release(v->handle));
	close(v->handle);
	if (delete && if_delete(rtnetlink, IFNAME))
		wrong(&era->totals->leaked, "the interface cannot be deleted");
	check_dump(era);
	for (i = 0; i < era->nic->nr_queues; i++)
		close(v->queues[i]);
	if (!WITHIN(3000, if_index(IFNAME) == -ENODEV))
		wrong(&era->totals->leaked, "the interface stays");
	else if (now_ms() - then > (uint64_t)bound_ms(3000))
		wrong(&era->totals->leaked, "the interface took long to go");
	close(rtnetlink);
}

static void end_era(struct era *era)
{
	struct member *m;
	struct victim v;
	int i;

	for (m = era->members; m < era->members + NIC_PROCS; m++)
		kill_members(era, m, NULL);
	era->nic->sending = false;
	WITHIN(BOUND_MS, LOAD(era->nic->quiet));
	take_over(era, &v);
	take_account(era, &v);
	compare_looks(era);
	check_rings(era, &v);
	kill(era->world, SIGKILL);
	waitpid(era->world, NULL, 0);
	end_interface(era, &v, one_in(era, 2));
	for (i = 0; i < NIC_QUEUES; i++)
		close(era->nic->kick[i]);
}

/*
 * Eras
 */

static struct shared_nic *map_nic(void)
{
	struct shared_nic *nic = mmap(NULL, sizeof(*nic),
				      PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return nic == MAP_FAILED ? NULL : nic;
}

static void choose_nic(struct era *era)
{
	static const uint32_t queues[] = { 1, 1, 2, NIC_QUEUES };
	struct shared_nic *nic = era->nic;

	nic->nr_queues = queues[choose(era, 4)];
	nic->vhost = era->totals->eras % 3 == 1;
	nic->tight = nic->vhost && nic->nr_queues == 1;
	nic->window = 100 + choose(era, 500);
	era->keep_only = era->totals->eras % 2;
	printf("# era %llu: %u queues, %s%s, %s\n",
	       (unsigned long long)era->totals->eras + 1, nic->nr_queues,
	       nic->vhost ? "vhost" : "threads", nic->tight ? ", full" : "",
	       era->keep_only ? "only in the keep" : "open elsewhere");
}

static bool start_nic(struct era *era)
{
	struct shared_nic *nic = era->nic;
	char text[96];
	uint32_t i;

	snprintf(text, sizeof(text),
		 "ip link add name kill1 type veth peer name " SPARE_NAME
		 " netns %d", getppid());
	if (new_netns() || run(text))
		return false;
	memset(nic->spare, 0xff, sizeof(nic->spare));
	for (i = 0; i < NIC_QUEUES; i++)
		nic->kick[i] = eventfd(0, EFD_NONBLOCK);
	for (i = 0; i < nic->nr_queues; i++)
		if (!open_queue(&nic->spare[i], nic->nr_queues > 1))
			return false;
	rings_prepare(nic);
	if (if_up(IFNAME) || look(&era->looks))
		return false;
	for (i = 0; i < NIC_PROCS; i++)
		era->members[i].proc = &nic->procs[i];
	nic->sending = true;
	era->world = fork_child("world");
	if (!era->world)
		world_main(nic);
	return era->world > 0;
}

/* A process of its own, so that the namespace goes with it. */
__attribute__((noreturn))
static void era_main(struct era *era)
{
	uint64_t until = era->target / ERA_SHARE;

	era->nic = map_nic();
	if (until < ERA_KILLS_MIN)
		until = ERA_KILLS_MIN;
	if (until > ERA_KILLS_MAX)
		until = ERA_KILLS_MAX;
	until += era->totals->kills;
	if (until > era->target)
		until = era->target;
	if (!era->nic)
		_exit(1);
	choose_nic(era);
	if (!start_nic(era)) {
		wrong(&era->totals->wrong, "the NIC cannot be made");
		_exit(1);
	}
	while (era->totals->kills < until && !era->totals->wrong) {
		one_round(era);
		progress(era);
	}
	end_era(era);
	era->totals->eras++;
	_exit(0);
}

static bool nothing_is_wrong(const struct totals *totals)
{
	return !totals->wrong && !totals->changed && !totals->leaked &&
	       !totals->strange && !totals->duplicated && !totals->reordered &&
	       totals->sent == totals->delivered + totals->held;
}

/* The era's process is bounded too; what it started goes with it. */
static void run_era(struct era *era)
{
	struct totals *totals = era->totals;
	uint64_t until = now_ms() + bound_ms(120000), eras = totals->eras;
	pid_t pid = fork_child("era");
	int status;

	if (!pid)
		era_main(era);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() > until) {
			wrong(&totals->wrong, "an era does not end");
			kill(pid, SIGKILL);
			until = UINT64_MAX;
		}
		usleep(10000);
	}
	if (status || totals->eras == eras)
		wrong(&totals->wrong, "an era ended early, status %#x", status);
	if (!WITHIN(20000, if_index(SPARE_NAME) == -ENODEV))
		wrong(&totals->leaked, "its network namespace stays");
	if (!WITHIN(BOUND_MS, module_users() == 0))
		wrong(&totals->leaked, "the module has %d users",
		      module_users());
}

static void reload(struct totals *totals)
{
	if (module_unload())
		wrong(&totals->leaked, "the module cannot be unloaded: %m");
	else if (module_load())
		wrong(&totals->wrong, "the module cannot be loaded again");
}

/* Did every operation have somebody killed in it? */
static bool all_hit(const struct totals *totals)
{
	bool all = true;
	int i;

	printf("# killed in");
	for (i = PHASE_CREATE; i < NR_PHASES; i++) {
		printf(" %s %llu", phase_names[i],
		       (unsigned long long)totals->hits[i]);
		all &= totals->hits[i] > 0;
	}
	printf("\n");
	return all || totals->kills < DEFAULT_KILLS;
}

static void report(const struct totals *totals)
{
	ksft_set_plan(5);
	ksft_test_result(totals->sent == totals->delivered + totals->held &&
			 !totals->duplicated && !totals->reordered &&
			 !totals->strange,
			 "every packet is there once and in order\n");
	ksft_test_result(!totals->wrong,
			 "every keep has an owner or is an orphan\n");
	ksft_test_result(!totals->changed,
			 "every interface is as it was\n");
	ksft_test_result(!totals->leaked, "nothing is left behind\n");
	ksft_test_result(all_hit(totals),
			 "somebody was killed in every operation\n");
}

static void figure(const char *name, int64_t value)
{
	printf("%s=%lld ", name, (long long)value);
}

static void print_figures(const struct totals *totals, double seconds,
			  uint64_t seed)
{
	figure("kills", totals->kills);
	figure("sent", totals->sent);
	figure("delivered", totals->delivered);
	figure("held", totals->held);
	figure("lost", totals->sent - totals->delivered - totals->held);
	figure("duplicated", totals->duplicated);
	figure("reordered", totals->reordered);
	figure("leaked", totals->leaked);
	printf("seconds=%.1f seed=%llu\n", seconds, (unsigned long long)seed);
}

static bool read_options(int argc, char **argv, uint64_t *kills, uint64_t *seed)
{
	static const struct option options[] = {
		{ "kills", required_argument, NULL, 'k' },
		{ "seed", required_argument, NULL, 's' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'k')
			*kills = strtoull(optarg, NULL, 0);
		else if (option == 's')
			*seed = strtoull(optarg, NULL, 0);
		else
			return false;
	}
	return *kills > 0 && optind == argc;
}

int main(int argc, char **argv)
{
	uint64_t kills = DEFAULT_KILLS, seed = now_us() % 1000000;
	struct era era = { .started = now_ms() };
	struct totals *totals;

	if (!read_options(argc, argv, &kills, &seed)) {
		fprintf(stderr, "Usage: kill_keep [--kills=N] [--seed=N]\n");
		return 2;
	}
	setlinebuf(stdout);
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED || new_netns())
		return 1;
	ksft_print_header();
	printf("# seed %llu\n", (unsigned long long)seed);
	era.totals = totals;
	era.target = kills;
	totals->next_progress = now_ms() + PROGRESS_MS;
	while (totals->kills < kills && nothing_is_wrong(totals)) {
		era.random = (seed * 1000003 + totals->eras) * 0x9e3779b97f4a7c15ull;
		run_era(&era);
	}
	reload(totals);
	report(totals);
	print_figures(totals, (now_ms() - era.started) / 1000.0, seed);
	return ksft_cnt.ksft_fail || totals->kills < kills;
}
