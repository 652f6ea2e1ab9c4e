// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When a QEMU stops its guest: it says so on a QMP socket of its own, which
 * nobody else reads, so that no other program is between the event and a burst.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "traffic.h"

static const char hello[] = "{\"execute\":\"qmp_capabilities\"}\n";
static const char stopped[] = "\"STOP\"";

static int stop_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return -1;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

void stop_forget(struct stop *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->used = 0;
}

int stop_watch(struct stop *s, const char *path)
{
	stop_forget(s);
	s->fd = stop_connect(path);
	if (s->fd < 0)
		return -1;
	/* Its greeting, and its answer. */
	if (read_line(s->fd, s->text, sizeof(s->text), ANSWER_MS) < 0 ||
	    write_all(s->fd, hello, strlen(hello)) ||
	    read_line(s->fd, s->text, sizeof(s->text), ANSWER_MS) < 0 ||
	    !strstr(s->text, "\"return\"")) {
		stop_forget(s);
		return -1;
	}
	return 0;
}

bool stop_came(struct stop *s)
{
	size_t keep = strlen(stopped);
	ssize_t n;

	/* The name may come in two parts; what is before it can go. */
	if (s->used > keep) {
		memmove(s->text, s->text + s->used - keep, keep);
		s->used = keep;
	}
	n = read(s->fd, s->text + s->used, sizeof(s->text) - 1 - s->used);
	if (n <= 0) {
		stop_forget(s);
		return false;
	}
	s->used += n;
	s->text[s->used] = '\0';
	if (!strstr(s->text, stopped))
		return false;
	stop_forget(s);
	return true;
}
