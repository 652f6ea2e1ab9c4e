// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>
#include <string.h>

#include "traffic.h"

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *usage;
} roles[] = {
	{ "host", host_main,
	  "--guest ADDRESS [--run N] [--rate PPS] [--size BYTES] [--flows N] [--burst N]" },
	{ "guest", guest_main, "[--interface NAME] [--channels N]" },
};

#define NR_ROLES	(sizeof(roles) / sizeof(roles[0]))

int main(int argc, char **argv)
{
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < NR_ROLES && argc > 1; i++)
		if (!strcmp(argv[1], roles[i].name))
			return roles[i].main(argc - 1, argv + 1);
	for (i = 0; i < NR_ROLES; i++)
		fprintf(stderr, "%s traffic %s %s\n", i ? "      " : "Usage:",
			roles[i].name, roles[i].usage);
	return 1;
}
