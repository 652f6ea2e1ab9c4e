// SPDX-License-Identifier: GPL-2.0-or-later
/* The longest times in which nothing happened. */
#include <string.h>

#include "traffic.h"

static void gaps_note(struct gaps *g, int64_t start, int64_t length)
{
	unsigned int i, least = 0;

	if (g->nr < MAX_GAPS) {
		g->top[g->nr++] = (struct gap){ start, length };
		return;
	}
	for (i = 1; i < MAX_GAPS; i++)
		if (g->top[i].length < g->top[least].length)
			least = i;
	if (length > g->top[least].length)
		g->top[least] = (struct gap){ start, length };
}

void gaps_event(struct gaps *g, int64_t now)
{
	if (g->end)
		return;
	if (g->last)
		gaps_note(g, g->last, now - g->last);
	g->last = now;
}

void gaps_close(struct gaps *g, int64_t now)
{
	if (g->last && now > g->last)
		gaps_note(g, g->last, now - g->last);
	g->end = now;
}

int64_t gaps_longest(const struct gaps *g)
{
	int64_t longest = 0;
	unsigned int i;

	for (i = 0; i < g->nr; i++)
		if (g->top[i].length > longest)
			longest = g->top[i].length;
	return longest;
}

/* A JSON list of [start in seconds of the epoch, length in ms]. */
void gaps_print(const struct gaps *g, FILE *out)
{
	bool first = true;
	unsigned int i;

	fputc('[', out);
	for (i = 0; i < g->nr; i++) {
		if (g->top[i].length < 5 * NSEC_PER_MSEC)
			continue;
		fprintf(out, "%s[%.6f,%.3f]", first ? "" : ",",
			(double)g->top[i].start / NSEC_PER_SEC,
			(double)g->top[i].length / NSEC_PER_MSEC);
		first = false;
	}
	fputc(']', out);
}
