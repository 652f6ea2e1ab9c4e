/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that is killed and does not come to its end. All its descriptors
 * are closed, but it is the first of a pid namespace and waits for the others
 * there to be gone; and one of those is a child of ours.
 */
#ifndef LINGERING_H
#define LINGERING_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct lingering {
	pid_t first;
	pid_t other;
};

/* Forks into a new pid namespace. Return: 0 in the child. */
static inline pid_t fork_first(int *own)
{
	*own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (*own < 0 || unshare(CLONE_NEWPID))
		return -errno;
	return fork();
}

static inline int leave_namespace(int own)
{
	int ret = setns(own, CLONE_NEWPID) ? -errno : 0;

	close(own);
	return ret;
}

static inline void linger_main(int (*fn)(void *), void *arg, int ready)
{
	char result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	result = fn(arg);
	if (write(ready, &result, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* The process runs @fn first. Return: what that does, or a negative errno. */
static inline int linger_start(struct lingering *l, int (*fn)(void *), void *arg)
{
	char result = -EPIPE;
	int ready[2], own;

	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	l->first = fork_first(&own);
	if (!l->first)
		linger_main(fn, arg, ready[1]);
	close(ready[1]);
	if (l->first < 0)
		return l->first;
	if (read(ready[0], &result, 1) != 1)
		result = -EPIPE;
	close(ready[0]);
	l->other = fork();
	if (!l->other)
		for (;;)
			pause();
	return leave_namespace(own) ?: result;
}

static inline void linger_kill(const struct lingering *l)
{
	kill(l->first, SIGKILL);
}

static inline void linger_let_end(const struct lingering *l)
{
	waitpid(l->other, NULL, 0);
}

/* Return: what @fn does in a process that has no number for any of ours. */
static inline int in_another_pid_namespace(int (*fn)(void *), void *arg)
{
	int own, status;
	pid_t pid = fork_first(&own);

	if (!pid)
		_exit(-fn(arg));
	if (pid < 0)
		return pid;
	if (leave_namespace(own) || waitpid(pid, &status, 0) != pid ||
	    !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

#endif /* LINGERING_H */
