// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapkeep release [ name ] NAME [ generation N ]
 */
#include "tool.h"

/* Return: false after an error message. */
static bool parse_generation(char **words, uint64_t *generation)
{
	if (!words[0])
		return true;
	if (!is_prefix(words[0], "generation")) {
		usage_error("Only one keep can be released, of one generation: what is \"%s\"?",
			    words[0]);
		return false;
	}
	if (!words[1]) {
		usage_error("generation needs a number");
		return false;
	}
	if (words[2]) {
		usage_error("There is one generation: what is \"%s\"?",
			    words[2]);
		return false;
	}
	return parse_number("generation", words[1], UINT64_MAX, generation);
}

int cmd_release(int nr_words, char **words)
{
	struct tapkeep_nl_error err;
	uint64_t generation = 0;
	struct tapkeep_nl *nl;
	const char *name;
	int ret = EXIT_OK;

	words = take_name(nr_words, words, &name);
	if (!words)
		return EXIT_USAGE;
	if (!name)
		return usage_error("Which keep? tapkeep release NAME");
	if (!parse_generation(words, &generation))
		return EXIT_USAGE;
	if (tapkeep_nl_open(&nl, &err))
		return kernel_error(NULL, &err);
	if (tapkeep_nl_release(nl, name, generation, &err))
		ret = kernel_error(name, &err);
	tapkeep_nl_close(nl);
	return ret;
}
