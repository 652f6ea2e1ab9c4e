// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapkeep monitor
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/signalfd.h>

#include "keep_print.h"
#include "print.h"
#include "tool.h"

/* Local time with its offset, to the microsecond. */
static void print_now(void)
{
	char date[32], zone[8], text[64];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(text, sizeof(text), "%s.%06ld%s", date, now.tv_nsec / 1000,
		 zone);
	print_string("timestamp", NULL, text, COLOR_NONE);
}

static int print_event(uint32_t event, const struct tapkeep_keep *keep,
		       void *arg)
{
	const char *name = tapkeep_event_name(event);
	char number[16];

	(void)arg;
	snprintf(number, sizeof(number), "%u", event);
	print_open_object(NULL);
	print_now();
	print_string("event", NULL, name ? name : number, COLOR_HOLD);
	print_keep_head(keep);
	print_keep_owner(keep);
	print_keep_hold(keep);
	print_keep_vmm(keep);
	print_keep_queues(keep);
	print_keep_why(keep);
	print_close_object();
	print_end_line();
	return 0;
}

/* What came when is not known: only that there was something. */
static void print_overrun(void)
{
	print_open_object(NULL);
	print_now();
	print_string("event", NULL, "overrun", COLOR_BAD);
	if (!options.json)
		print_aside(NULL, "events were lost: see tapkeep show");
	print_close_object();
	print_end_line();
}

/* Everything that has come. Return: 0 to go on, or -1 and the exit status. */
static int print_events(struct tapkeep_nl *nl, int *status)
{
	struct tapkeep_nl_error err;
	int ret;

	do {
		ret = tapkeep_nl_read_events(nl, print_event, NULL, &err);
		if (ret == -ENOBUFS)
			print_overrun();
	} while (!ret || ret == -ENOBUFS);
	if (!print_flush()) {
		fprintf(stderr, "tapkeep: Cannot write: %s\n",
			strerror(errno));
		*status = EXIT_KERNEL;
		return -1;
	}
	if (ret == -EAGAIN)
		return 0;
	*status = kernel_error(NULL, &err);
	return -1;
}

/* SIGINT and SIGTERM end the monitor, and between two events only. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int follow(struct tapkeep_nl *nl, int signals)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = tapkeep_nl_fd(nl), .events = POLLIN },
		/* Whoever reads this went away: POLLERR comes unasked. */
		{ .fd = STDOUT_FILENO },
	};
	int status = EXIT_OK;

	for (;;) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR) {
			fprintf(stderr, "tapkeep: Cannot wait: %s\n",
				strerror(errno));
			return EXIT_KERNEL;
		}
		if (fds[1].revents && print_events(nl, &status))
			return status;
		if (fds[0].revents || fds[2].revents & POLLERR)
			return EXIT_OK;
	}
}

int cmd_monitor(int nr_words, char **words)
{
	struct tapkeep_nl_error err;
	struct tapkeep_nl *nl;
	int signals, ret;

	if (nr_words)
		return usage_error("monitor takes no argument, not \"%s\"",
				   words[0]);
	if (tapkeep_nl_open(&nl, &err))
		return kernel_error(NULL, &err);
	signals = open_signals();
	if (signals < 0) {
		fprintf(stderr, "tapkeep: Cannot wait for signals: %s\n",
			strerror(errno));
		ret = EXIT_KERNEL;
	} else if (tapkeep_nl_subscribe(nl, &err)) {
		ret = kernel_error(NULL, &err);
	} else {
		ret = follow(nl, signals);
	}
	if (signals >= 0)
		close(signals);
	tapkeep_nl_close(nl);
	return ret;
}
