// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapkeep show [ [ name ] NAME ]
 */
#include <stdlib.h>
#include <string.h>

#include "keep_print.h"
#include "print.h"
#include "tool.h"

static void show_keep(const struct tapkeep_keep *keep)
{
	print_open_object(NULL);
	print_keep_head(keep);
	print_next_line();
	print_keep_owner(keep);
	print_next_line();
	print_keep_hold(keep);
	if (keep->has_vmm)
		print_next_line();
	print_keep_vmm(keep);
	print_keep_queues(keep);
	print_close_object();
	print_end_line();
}

static int by_name(const void *a, const void *b)
{
	const struct tapkeep_keep *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void show_keeps(struct tapkeep_keep *keeps, size_t nr)
{
	size_t i;

	if (nr)
		qsort(keeps, nr, sizeof(*keeps), by_name);
	print_open_array(NULL);
	for (i = 0; i < nr; i++)
		show_keep(&keeps[i]);
	print_close_array();
}

static int show_one(struct tapkeep_nl *nl, const char *name)
{
	struct tapkeep_nl_error err;
	struct tapkeep_keep keep;

	if (tapkeep_nl_get(nl, name, &keep, &err))
		return kernel_error(name, &err);
	show_keeps(&keep, 1);
	tapkeep_keep_clear(&keep);
	return EXIT_OK;
}

static int show_all(struct tapkeep_nl *nl)
{
	struct tapkeep_nl_error err;
	struct tapkeep_keep *keeps;
	size_t nr;

	if (tapkeep_nl_dump(nl, &keeps, &nr, &err))
		return kernel_error("Cannot list the keeps", &err);
	show_keeps(keeps, nr);
	tapkeep_keeps_free(keeps, nr);
	return EXIT_OK;
}

int cmd_show(int nr_words, char **words)
{
	struct tapkeep_nl_error err;
	const char *name = NULL;
	struct tapkeep_nl *nl;
	int ret;

	if (!parse_name(nr_words, words, &name))
		return EXIT_USAGE;
	if (tapkeep_nl_open(&nl, &err))
		return kernel_error(NULL, &err);
	ret = name ? show_one(nl, name) : show_all(nl);
	tapkeep_nl_close(nl);
	return ret;
}
