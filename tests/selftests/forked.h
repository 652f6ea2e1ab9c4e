/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FORKED_H
#define FORKED_H

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A child that does not outlive its parent. Return: 0 in the child. */
static inline pid_t fork_child(const char *name)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	if (getppid() != parent)
		exit(1);
	return 0;
}

#endif /* FORKED_H */
