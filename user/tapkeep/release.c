// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapkeep release [ name ] NAME
 */
#include "tool.h"

int cmd_release(int nr_words, char **words)
{
	struct tapkeep_nl_error err;
	const char *name = NULL;
	struct tapkeep_nl *nl;
	int ret = EXIT_OK;

	if (!parse_name(nr_words, words, &name))
		return EXIT_USAGE;
	if (!name)
		return usage_error("Which keep? tapkeep release NAME");
	if (tapkeep_nl_open(&nl, &err))
		return kernel_error(NULL, &err);
	if (tapkeep_nl_release(nl, name, &err))
		ret = kernel_error(name, &err);
	tapkeep_nl_close(nl);
	return ret;
}
