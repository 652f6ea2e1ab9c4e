// SPDX-License-Identifier: GPL-2.0-or-later
/* Which numbers of a flow have come. */
#include <stdlib.h>
#include <string.h>

#include "traffic.h"

void seqs_reset(struct seqs *s)
{
	uint64_t *bitmap = s->bitmap;

	if (!bitmap)
		bitmap = malloc(MAX_SEQ / 8);
	if (!bitmap)
		abort();
	memset(bitmap, 0, MAX_SEQ / 8);
	memset(s, 0, sizeof(*s));
	s->bitmap = bitmap;
}

static bool seqs_has(const struct seqs *s, uint64_t seq)
{
	return s->bitmap[seq / 64] & (1ULL << (seq % 64));
}

bool seqs_add(struct seqs *s, uint64_t seq)
{
	if (seqs_has(s, seq)) {
		s->duplicated++;
		return false;
	}
	s->bitmap[seq / 64] |= 1ULL << (seq % 64);
	s->unique++;
	if (seq < s->next)
		s->reordered++;
	else
		s->next = seq + 1;
	return true;
}

void seqs_holes(const struct seqs *s, uint64_t sent, char *buf, size_t len)
{
	size_t used = strlen(buf);
	uint64_t from, to;
	int n;

	for (from = 0; from < sent; from = to + 1) {
		to = from;
		if (seqs_has(s, from))
			continue;
		while (to + 1 < sent && !seqs_has(s, to + 1))
			to++;
		n = snprintf(buf + used, len - used, "%s%llu-%llu",
			     used ? "," : "", (unsigned long long)from,
			     (unsigned long long)to);
		if (n < 0 || (size_t)n >= len - used) {
			buf[used] = '\0';
			return;
		}
		used += n;
	}
}
