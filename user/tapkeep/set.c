// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapkeep set [ name ] NAME [ lease MILLISECONDS ] [ hold-limit SLOTS ]
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

struct limits {
	uint32_t lease_ms;
	uint32_t hold_limit;
};

/* Return: false after an error message. */
static bool parse_number(const char *limit, const char *typed, uint32_t *number)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(typed, &end, 10);
	if (*typed < '0' || *typed > '9' || *end || errno || !value ||
	    value > UINT32_MAX) {
		usage_error("A %s is a number from 1 upwards, not \"%s\"", limit,
			    typed);
		return false;
	}
	*number = value;
	return true;
}

/* Pairs of a word and a number. Return: false after an error message. */
static bool parse_limits(char **words, struct limits *limits)
{
	for (; words[0]; words += 2) {
		uint32_t *number;

		if (is_prefix(words[0], "lease")) {
			number = &limits->lease_ms;
		} else if (is_prefix(words[0], "hold-limit")) {
			number = &limits->hold_limit;
		} else {
			usage_error("A limit is lease or hold-limit, not \"%s\"",
				    words[0]);
			return false;
		}
		if (!words[1]) {
			usage_error("%s needs a number", words[0]);
			return false;
		}
		if (!parse_number(words[0], words[1], number))
			return false;
	}
	return true;
}

int cmd_set(int nr_words, char **words)
{
	struct tapkeep_nl_error err;
	struct limits limits = { 0 };
	struct tapkeep_nl *nl;
	const char *name;
	int ret = EXIT_OK;

	/* NAME and pairs are an odd number of words: another one is "name". */
	if (nr_words % 2 == 0 && nr_words && !strcmp(words[0], "name"))
		words++;
	if (!nr_words || !words[0] || !words[1])
		return usage_error("What of which keep? tapkeep set NAME lease MILLISECONDS");
	name = *words++;
	if (!*name)
		return usage_error("A keep's name is not empty");
	if (!parse_limits(words, &limits))
		return EXIT_USAGE;
	if (tapkeep_nl_open(&nl, &err))
		return kernel_error(NULL, &err);
	if (tapkeep_nl_set(nl, name, limits.lease_ms, limits.hold_limit, &err))
		ret = kernel_error(name, &err);
	tapkeep_nl_close(nl);
	return ret;
}
