// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A world: its rounds, processes and workers. Of two threads of a process one
 * has no rights, and of two processes one is made to run out of memory. World 1
 * is in the user namespace of somebody who has no rights outside of it.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/netlink.h>
#include "fuzz.h"

#define NOBODY		65534
#define SOMEBODY	100000
#define USER_WORLD	1
#define NR_FILES	1024

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = write(fd, text, strlen(text));
	close(fd);
	return len < 0 ? -1 : 0;
}

/* Moves a descriptor to where nobody closes it. */
int lasting_fd(int fd)
{
	int lasting = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_LASTING_FD);

	if (fd >= 0)
		close(fd);
	return lasting;
}

static void die(const char *what)
{
	perror(what);
	_exit(2);
}

/* The children end with who made them. */
static pid_t fork_bound(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
	}
	return pid;
}

static void enter_user_namespace(void)
{
	char map[32];

	if (setresgid(SOMEBODY, SOMEBODY, SOMEBODY) ||
	    setresuid(SOMEBODY, SOMEBODY, SOMEBODY) ||
	    prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER))
		die("a user namespace");
	snprintf(map, sizeof(map), "0 %d 1", SOMEBODY);
	if (write_text("/proc/self/setgroups", "deny") ||
	    write_text("/proc/self/gid_map", map) ||
	    write_text("/proc/self/uid_map", map))
		die("the maps of a user namespace");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void new_netns(struct process *p, int number)
{
	if (unshare(CLONE_NEWNET))
		die("a network namespace");
	/* Or the rings are full of what nobody sent. */
	write_text("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	p->netns[number] = lasting_fd(open("/proc/self/ns/net",
					   O_RDONLY | O_CLOEXEC));
}

static void drop_rights(struct ctx *c)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = {};

	/* As the kernel does it: of this thread only. */
	if (c->process->world == USER_WORLD)
		syscall(SYS_capset, &header, none);
	else if (syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) ||
		 syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY))
		die("dropping rights");
}

static void open_worker(struct ctx *c)
{
	unsigned int i;

	if (memory_open(&c->arena, c->arena.hot) ||
	    memory_open(&c->states, c->arena.hot))
		die("memory");
	for (i = 0; i < NR_NETNS; i++) {
		c->ns = i;
		if (setns(c->process->netns[i], CLONE_NEWNET))
			die("setns");
		c->rtnl[i] = lasting_fd(socket(AF_NETLINK, SOCK_RAW,
					       NETLINK_ROUTE));
		c->packet[i] = lasting_fd(socket(AF_PACKET, SOCK_RAW, 0));
		if (c->rtnl[i] < 0 || c->packet[i] < 0)
			die("a socket");
	}
	c->ns = 0;
	setns(c->process->netns[0], CLONE_NEWNET);
	c->fail_nth = -1;
	if (c->run->inject && c->process->number % 2) {
		c->fail_nth = lasting_fd(inject_open());
		if (c->fail_nth < 0)
			die("fail-nth");
	}
	/* Opened with rights, and soon used without. */
	slot_new(c, netlink_open(c), KIND_NETLINK);
	if (c->user)
		drop_rights(c);
}

void step(struct ctx *c)
{
	uint32_t at = below(c, 100);

	c->worker->steps++;
	if (at < 70)
		ioctl_step(c);
	else if (at < 84)
		netlink_step(c);
	else
		disturb_step(c);
}

static void *work(void *arg)
{
	struct ctx *c = arg;
	uint64_t last = c->worker->steps + c->run->round_steps;

	c->worker->pid = getpid();
	c->worker->tid = gettid();
	rng_start(&c->rng, c->run->seed, c->number, c->worker->steps);
	open_worker(c);
	/* A step can leave the process without free descriptors. */
	pthread_barrier_wait(&c->process->all_open);
	while (c->worker->steps < last && !c->run->stop) {
		rng_start(&c->rng, c->run->seed, c->number, c->worker->steps);
		step(c);
	}
	return NULL;
}

static void open_wrong(struct process *p)
{
	int pipes[2], sockets[2];

	if (pipe2(pipes, O_CLOEXEC) ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets))
		die("descriptors");
	p->wrong[0] = pipes[0];
	p->wrong[1] = sockets[0];
	p->wrong[2] = epoll_create1(EPOLL_CLOEXEC);
	p->wrong[3] = eventfd(0, EFD_CLOEXEC);
	p->wrong[4] = open("/", O_RDONLY | O_CLOEXEC);
	p->wrong[5] = open("/dev/null", O_RDWR | O_CLOEXEC);
	p->wrong[6] = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	p->wrong[7] = open("/dev/tapkeep", O_RDWR | O_CLOEXEC);
	for (p->nr_wrong = 0; p->nr_wrong < 8; p->nr_wrong++) {
		p->wrong[p->nr_wrong] = lasting_fd(p->wrong[p->nr_wrong]);
		if (p->wrong[p->nr_wrong] < 0)
			die("descriptors");
	}
	p->device = p->wrong[7];
}

static void process_run(struct process *p, uint8_t *hot)
{
	unsigned int i, first = (p->world * NR_PROCESSES + p->number) * NR_THREADS;
	struct ctx *workers = calloc(NR_THREADS, sizeof(*workers));
	pthread_t threads[NR_THREADS];

	open_wrong(p);
	pthread_barrier_init(&p->all_open, NULL, NR_THREADS);
	for (i = 0; i < NR_THREADS; i++) {
		workers[i].run = p->run;
		workers[i].process = p;
		workers[i].number = first + i;
		workers[i].worker = &p->run->workers[first + i];
		workers[i].user = i % 2;
		workers[i].arena.hot = hot;
		if (pthread_create(&threads[i], NULL, work, &workers[i]))
			die("a thread");
	}
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

/* Everything that was made in it ends with it. */
static void round_run(struct run *run, unsigned int world)
{
	struct rlimit files = { NR_FILES, NR_FILES };
	struct process p = { .run = run, .world = world };
	uint8_t *hot = memory_hot();
	int status, failed = 0;
	int i;

	setrlimit(RLIMIT_NOFILE, &files);
	if (world == USER_WORLD)
		enter_user_namespace();
	if (!hot || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, p.exchange))
		die("a world");
	for (i = 0; i < 2; i++)
		p.exchange[i] = lasting_fd(p.exchange[i]);
	for (i = 0; i < NR_NETNS; i++)
		new_netns(&p, i);
	for (i = 0; i < NR_PROCESSES; i++) {
		p.number = i;
		if (!fork_bound())
			process_run(&p, hot);
	}
	while (wait(&status) > 0)
		failed |= status;
	_exit(failed ? 1 : 0);
}

void world_run(struct run *run, unsigned int number)
{
	int status = 0;
	pid_t pid;

	while (!run->stop && !status) {
		pid = fork_bound();
		if (!pid)
			round_run(run, number);
		waitpid(pid, &status, 0);
	}
	_exit(status ? 1 : 0);
}
