// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapkeep set [ name ] NAME [ lease MILLISECONDS ] [ hold-limit SLOTS ]
 */
#include "tool.h"

struct limits {
	uint64_t lease_ms;
	uint64_t hold_limit;
};

/* Pairs of a word and a number. Return: false after an error message. */
static bool parse_limits(char **words, struct limits *limits)
{
	for (; words[0]; words += 2) {
		uint64_t *number;

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
		if (!parse_number(words[0], words[1], UINT32_MAX, number))
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

	words = take_name(nr_words, words, &name);
	if (!words)
		return EXIT_USAGE;
	if (!name || !*words)
		return usage_error("What of which keep? tapkeep set NAME lease MILLISECONDS");
	if (!parse_limits(words, &limits))
		return EXIT_USAGE;
	if (tapkeep_nl_open(&nl, &err))
		return kernel_error(NULL, &err);
	if (tapkeep_nl_set(nl, name, limits.lease_ms, limits.hold_limit, &err))
		ret = kernel_error(name, &err);
	tapkeep_nl_close(nl);
	return ret;
}
