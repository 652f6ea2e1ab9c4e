// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Allocations that fail. The kernel fails the n-th one of a task when it is
 * asked to (fail-nth), which can be repeated where a probability cannot; and
 * counts only those with the module on the stack.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fuzz.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define MODULE_TEXT	"/sys/module/tapkeep/sections/.text"

static unsigned long module_size(void)
{
	FILE *file = fopen("/proc/modules", "r");
	unsigned long size = 0;
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "tapkeep %lu", &size) == 1)
			break;
	if (file)
		fclose(file);
	return size;
}

static int only_for_the_module(void)
{
	unsigned long start = 0;
	char text[32];
	FILE *file = fopen(MODULE_TEXT, "r");

	if (!file)
		return -1;
	if (fscanf(file, "%lx", &start) != 1)
		start = 0;
	fclose(file);
	if (!start)
		return -1;
	snprintf(text, sizeof(text), "%lu", start);
	if (write_text(FAILSLAB "require-start", text))
		return -1;
	snprintf(text, sizeof(text), "%lu", start + module_size());
	return write_text(FAILSLAB "require-end", text);
}

/* Return: 0; -1 this kernel cannot do it, or the caller may not. */
int inject_prepare(void)
{
	if (access("/proc/self/fail-nth", W_OK) ||
	    write_text(FAILSLAB "verbose", "0") ||
	    write_text(FAILSLAB "ignore-gfp-wait", "N") ||
	    write_text(FAILSLAB "cache-filter", "N"))
		return -1;
	return only_for_the_module();
}

/* Of the thread that calls it. */
int inject_open(void)
{
	return open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
}

/* Return: whether the next call of the worker may find no memory. */
bool inject_arm(struct ctx *c)
{
	char nth[2] = "1";

	if (c->fail_nth < 0 || one_in(c, 2))
		return false;
	nth[0] += below(c, 6);
	return pwrite(c->fail_nth, nth, 1, 0) == 1;
}

/* Return: whether it did. */
bool inject_disarm(struct ctx *c)
{
	char left[16] = "";

	if (pread(c->fail_nth, left, sizeof(left) - 1, 0) <= 0)
		return false;
	if (atoi(left) == 0) {
		c->worker->injections++;
		return true;
	}
	if (pwrite(c->fail_nth, "0", 1, 0) != 1)
		count_wrong(c, "fail-nth cannot be disarmed");
	return false;
}
