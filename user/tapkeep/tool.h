/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TAPKEEP_TOOL_H
#define TAPKEEP_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <tapkeep-netlink.h>

/* What the tool exits with. */
enum {
	EXIT_OK		= 0,
	EXIT_USAGE	= 1,	/* what the user typed */
	EXIT_KERNEL	= 2,	/* what the kernel said */
};

enum when { NEVER, AUTO, ALWAYS };

struct options {
	bool json;
	bool pretty;
	bool statistics;
	bool details;
	bool oneline;
	enum when color;
	const char *netns;
};

extern struct options options;

/* Each returns the tool's exit status; @words are what follows the command. */
int cmd_show(int nr_words, char **words);
int cmd_monitor(int nr_words, char **words);
int cmd_release(int nr_words, char **words);
int cmd_set(int nr_words, char **words);
int cmd_help(int nr_words, char **words);

/* Print "tapkeep: " and a message, to stderr. Return: EXIT_USAGE. */
__attribute__((format(printf, 1, 2)))
int usage_error(const char *fmt, ...);

/*
 * Print what was tried and why it failed, to stderr. Return: EXIT_KERNEL, or
 * EXIT_USAGE for what only the user can have got wrong.
 */
int kernel_error(const char *what, const struct tapkeep_nl_error *err);

/* Does the user mean @word? A prefix is enough. */
bool is_prefix(const char *typed, const char *word);

/*
 * "[ name ] NAME", the only argument that a command takes. The word "name"
 * itself must not be a prefix, because a keep may be called "n".
 * Return: false after an error message.
 */
bool parse_name(int nr_words, char **words, const char **name);

/*
 * The same before pairs of words, as in "NAME lease 5": without "name" that is
 * an odd number of words. Return: the pairs, and *name NULL if there is none;
 * or NULL after an error message.
 */
char **take_name(int nr_words, char **words, const char **name);

/* From 1 to @max. Return: false after an error message. */
bool parse_number(const char *what, const char *typed, uint64_t max,
		  uint64_t *number);

#endif /* TAPKEEP_TOOL_H */
