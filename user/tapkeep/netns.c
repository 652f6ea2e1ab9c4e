// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "netns.h"
#include "tool.h"

#define NETNS_DIR "/run/netns"

int netns_enter(const char *netns)
{
	char path[4096];
	int fd, ret;

	snprintf(path, sizeof(path), "%s%s",
		 strchr(netns, '/') ? "" : NETNS_DIR "/", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return usage_error("Cannot open network namespace \"%s\": %s",
				   netns, strerror(errno));
	ret = setns(fd, CLONE_NEWNET) ? errno : 0;
	close(fd);
	if (ret == EINVAL)
		return usage_error("\"%s\" is not a network namespace", netns);
	if (!ret)
		return EXIT_OK;
	fprintf(stderr, "tapkeep: Cannot enter network namespace \"%s\": %s\n",
		netns, strerror(ret));
	return EXIT_KERNEL;
}

bool netns_name(uint64_t inode, char *name, size_t size)
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	bool found = false;
	struct stat st;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (*entry->d_name == '.' ||
		    fstatat(dirfd(dir), entry->d_name, &st, 0))
			continue;
		found = st.st_ino == inode;
		if (found)
			snprintf(name, size, "%s", entry->d_name);
	}
	closedir(dir);
	return found;
}
