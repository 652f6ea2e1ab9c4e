// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls the module in every way that a user can, and many at once, for a number
 * of calls or a time. To be run as root, in a VM: while it runs it changes the
 * module's parameters and the mode of /dev/net/tun, and turns modprobe off.
 *
 * What it does is what the module answers, not whether the kernel is well: that
 * is for the kernel to say. The last line has the figures.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "fuzz.h"

#define TUN		"/dev/net/tun"
#define HANG_S		120
#define END_S		120
#define PROGRESS_S	10
#define ROUND_STEPS	4000
/* Of that many calls, each kind must succeed and fail once. */
#define CALLS_FOR_ONE	20000

struct options {
	double seconds;
	int least;
};

#define PARAMETER(name) "/sys/module/tapkeep/parameters/" name

/* What is set for the run, and was before. */
static struct {
	const char *path;
	const char *value;
	char before[128];
} settings[] = {
	{ .path = PARAMETER("hold_limit"), .value = "16384" },
	{ .path = PARAMETER("hold_limit_max"), .value = "65536" },
	{ .path = PARAMETER("lease_ms"), .value = "500" },
	{ .path = PARAMETER("lease_ms_max"), .value = "1000" },
	{ .path = PARAMETER("max_keeps"), .value = "4096" },
	/* The kernel would start it for each interface that there is not. */
	{ .path = "/proc/sys/kernel/modprobe", .value = "\n" },
};

#define NR_SETTINGS (sizeof(settings) / sizeof(*settings))

static struct stat tun_before;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int read_text(const char *path, char *to, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t len = 0;

	if (file) {
		len = fread(to, 1, size - 1, file);
		fclose(file);
	}
	to[len] = 0;
	return len ? 0 : -1;
}

static int references(void)
{
	char text[32];

	if (read_text("/sys/module/tapkeep/refcnt", text, sizeof(text)))
		return -1;
	return atoi(text);
}

static void fail(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	exit(2);
}

static void set_up(void)
{
	size_t i;

	/* A kernel without them may have them built in. */
	if (system("modprobe -q -a macvtap veth") < 0)
		fail("there is no shell");
	disturb_make_nodes();
	for (i = 0; i < NR_SETTINGS; i++)
		if (read_text(settings[i].path, settings[i].before,
			      sizeof(settings[i].before)) ||
		    write_text(settings[i].path, settings[i].value))
			fail("cannot set the module's parameters: run it as root, in a VM");
	if (stat(TUN, &tun_before) || chmod(TUN, 0666))
		fail("there is no " TUN);
}

static void restore(void)
{
	size_t i;

	for (i = 0; i < NR_SETTINGS; i++)
		write_text(settings[i].path, settings[i].before);
	chmod(TUN, tun_before.st_mode & 07777);
}

static void show_stack(const struct worker *w)
{
	char path[64], stack[4096];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stack", w->pid, w->tid);
	if (read_text(path, stack, sizeof(stack)))
		snprintf(stack, sizeof(stack), "(it has no stack to be seen)\n");
	fprintf(stderr, "fuzz: task %d is at:\n%s", w->tid, stack);
}

/* Return: whether some worker has done nothing for too long. */
static bool hangs(struct run *run, uint64_t *steps, double *since)
{
	int i;

	for (i = 0; i < NR_WORKERS; i++) {
		struct worker *w = &run->workers[i];

		if (w->steps != steps[i]) {
			steps[i] = w->steps;
			since[i] = now();
		} else if (now() - since[i] > HANG_S) {
			printf("shortfall: worker %d hangs after step %llu\n", i,
			       (unsigned long long)w->steps);
			show_stack(w);
			return true;
		}
	}
	return false;
}

static int start_worlds(struct run *run, pid_t *worlds)
{
	int i;

	fflush(NULL);
	for (i = 0; i < NR_WORLDS; i++) {
		worlds[i] = fork();
		if (worlds[i] < 0)
			return -1;
		if (!worlds[i])
			world_run(run, i);
	}
	return 0;
}

/* Return: whether all came to an end of their own. */
static bool end_worlds(struct run *run, const pid_t *worlds)
{
	double deadline = now() + END_S;
	int i, status, left = NR_WORLDS;
	bool ok = true;

	run->stop = true;
	while (left && now() < deadline) {
		if (waitpid(-1, &status, WNOHANG) > 0) {
			left--;
			ok &= !status;
		} else {
			usleep(20000);
		}
	}
	if (!ok)
		printf("shortfall: a process failed\n");
	if (left) {
		printf("shortfall: a world does not end\n");
		for (i = 0; i < NR_WORKERS; i++)
			show_stack(&run->workers[i]);
		for (i = 0; i < NR_WORLDS; i++)
			kill(worlds[i], SIGKILL);
	}
	return ok && !left;
}

static bool world_ended(void)
{
	siginfo_t info = {};

	return !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid;
}

/* Until it is enough, or something is wrong. */
static bool watch(struct run *run, double seconds)
{
	double since[NR_WORKERS], started = now(), next = started + PROGRESS_S;
	uint64_t steps[NR_WORKERS] = {};
	int i;

	for (i = 0; i < NR_WORKERS; i++)
		since[i] = started;
	while (!run->stop && (!seconds || now() - started < seconds)) {
		usleep(50000);
		if (hangs(run, steps, since))
			return false;
		if (world_ended() && !run->stop) {
			printf("shortfall: a world ended before its time\n");
			return false;
		}
		if (now() < next)
			continue;
		next += PROGRESS_S;
		fprintf(stderr, "fuzz: %lu calls, %.0f/s\n", run->calls,
			run->calls / (now() - started));
	}
	return true;
}

/* Orphans, and what the namespaces still have, go in their own time. */
static bool nothing_left(int before)
{
	double deadline = now() + END_S;

	while (references() > before && now() < deadline)
		usleep(50000);
	if (references() <= before)
		return true;
	printf("shortfall: %d keeps or handles are left\n", references() - before);
	return false;
}

static const char usage[] =
	"usage: fuzz --calls N|--seconds S [--seed SEED] [--least N] [--inject] [--trace]";

static void parse(int argc, char **argv, struct run *run, struct options *options)
{
	static const struct option names[] = {
		{ "calls", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'e' },
		{ "least", required_argument, NULL, 'l' },
		{ "inject", no_argument, NULL, 'i' },
		{ "trace", no_argument, NULL, 't' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'c':
			run->limit = strtoul(optarg, NULL, 0);
			break;
		case 's':
			options->seconds = strtod(optarg, NULL);
			break;
		case 'e':
			run->seed = strtoull(optarg, NULL, 0);
			break;
		case 'l':
			options->least = atoi(optarg);
			break;
		case 'i':
			run->inject = true;
			break;
		case 't':
			run->trace = true;
			break;
		default:
			fail(usage);
		}
	}
	if (optind < argc || (!run->limit && options->seconds <= 0))
		fail("--calls or --seconds says when to end");
}

static struct run *new_run(void)
{
	struct run *run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t seed;

	if (run == MAP_FAILED || getrandom(&seed, sizeof(seed), 0) < 0)
		fail("no memory");
	run->seed = seed;
	run->round_steps = ROUND_STEPS;
	run->lockdep = !access("/proc/lockdep_stats", F_OK);
	return run;
}

int main(int argc, char **argv)
{
	struct options options = { .least = -1 };
	struct run *run = new_run();
	int before = references();
	pid_t worlds[NR_WORLDS];
	double started;
	bool ok;

	parse(argc, argv, run, &options);
	if (netlink_resolve(run))
		fail("there is no family tapkeep: is the module loaded?");
	if (run->inject && inject_prepare())
		fail("this kernel cannot let allocations fail: leave --inject out");
	set_up();
	fprintf(stderr, "fuzz: seed=%llu\n", (unsigned long long)run->seed);
	started = now();
	ok = !start_worlds(run, worlds) && watch(run, options.seconds);
	ok &= end_worlds(run, worlds);
	ok &= nothing_left(before);
	restore();
	if (options.least < 0)
		options.least = 1 + run->calls / CALLS_FOR_ONE;
	ok &= report(run, now() - started, options.least);
	return ok ? 0 : 1;
}
