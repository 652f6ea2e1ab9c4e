// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tapkeep: look at keeps, follow their events, change and end them. The options, the
 * table of commands, and the code that walks it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"
#include "print.h"
#include "tool.h"

#ifndef VERSION
#error "VERSION is defined by the Makefile"
#endif

struct options options;

struct command {
	const char *name;
	int (*function)(int nr_words, char **words);
	const char *arguments;
	const char *description;
};

/* The first is what is done when no command is given. */
static const struct command commands[] = {
	{ "show", cmd_show, "[ [ name ] NAME ]", "show one keep, or all" },
	{ "monitor", cmd_monitor, "", "print events as they come" },
	{ "release", cmd_release, "[ name ] NAME [ generation N ]", "end a keep" },
	{ "set", cmd_set, "[ name ] NAME LIMIT...", "change a keep's limits" },
	{ "help", cmd_help, "", "print this" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

int usage_error(const char *fmt, ...)
{
	va_list args;

	fputs("tapkeep: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

int kernel_error(const char *what, const struct tapkeep_nl_error *err)
{
	fprintf(stderr, "tapkeep: %s%s%s\n", what ? what : "",
		what ? ": " : "", err->msg);
	return err->code == ENAMETOOLONG ? EXIT_USAGE : EXIT_KERNEL;
}

bool is_prefix(const char *typed, const char *word)
{
	return *typed && !strncmp(typed, word, strlen(typed));
}

bool parse_name(int nr_words, char **words, const char **name)
{
	if (nr_words > 1 && !strcmp(words[0], "name")) {
		nr_words--;
		words++;
	}
	if (nr_words > 1) {
		usage_error("Only one name can be given: what is \"%s\"?",
			    words[1]);
		return false;
	}
	*name = nr_words ? words[0] : NULL;
	if (*name && !**name) {
		usage_error("A keep's name is not empty");
		return false;
	}
	return true;
}

char **take_name(int nr_words, char **words, const char **name)
{
	if (nr_words && nr_words % 2 == 0 && !strcmp(words[0], "name"))
		words++;
	*name = *words;
	if (!*name)
		return words;
	if (**name)
		return words + 1;
	usage_error("A keep's name is not empty");
	return NULL;
}

bool parse_number(const char *what, const char *typed, uint64_t max,
		  uint64_t *number)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(typed, &end, 10);
	if (*typed < '0' || *typed > '9' || *end || errno || !value ||
	    value > max) {
		usage_error("A %s is a number from 1 upwards, not \"%s\"", what,
			    typed);
		return false;
	}
	*number = value;
	return true;
}

static void print_usage(FILE *to)
{
	size_t i;

	fputs("Usage: tapkeep [ OPTIONS ] [ COMMAND ]\n"
	      "where  COMMAND, show by default, is one of\n", to);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(to, "         %-8s%-32s%s\n", commands[i].name,
			commands[i].arguments, commands[i].description);
	fputs("       OPTIONS, before or after the command, are\n"
	      "         -j[son]     print JSON\n"
	      "         -p[retty]   print JSON in lines\n"
	      "         -s[tatistics]  more counters, and each queue's ring\n"
	      "         -d[etails]  what the VMM exported, and each queue's indices\n"
	      "         -o[neline]  each keep in one line\n"
	      "         -n[etns] NETNS  in that network namespace\n"
	      "         -c[olor][={always|auto|never}]\n"
	      "         -V[ersion]  -h[elp]\n", to);
}

int cmd_help(int nr_words, char **words)
{
	(void)nr_words;
	(void)words;
	print_usage(stdout);
	return EXIT_OK;
}

static void print_command_usage(const struct command *command)
{
	printf("Usage: tapkeep [ OPTIONS ] %s %s\n       %s\n", command->name,
	       command->arguments, command->description);
}

/* NULL after an error message. */
static const struct command *find_command(const char *typed)
{
	const struct command *found = NULL;
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++) {
		if (!strcmp(typed, commands[i].name))
			return &commands[i];
		if (!is_prefix(typed, commands[i].name))
			continue;
		if (found) {
			usage_error("\"%s\" can be %s or %s", typed,
				    found->name, commands[i].name);
			return NULL;
		}
		found = &commands[i];
	}
	if (!found)
		usage_error("There is no command \"%s\": try \"tapkeep help\"",
			    typed);
	return found;
}

static bool parse_color(const char *typed)
{
	static const char * const names[] = {
		[NEVER] = "never", [AUTO] = "auto", [ALWAYS] = "always",
	};
	int i;

	for (i = NEVER; i <= ALWAYS; i++) {
		if (!strcmp(typed, names[i])) {
			options.color = i;
			return true;
		}
	}
	usage_error("A color can be always, auto or never, not \"%s\"", typed);
	return false;
}

/* One that takes no value. Return: false if it is none of these. */
static bool parse_switch(const char *typed)
{
	const struct {
		const char *name;
		bool *value;
	} switches[] = {
		{ "json", &options.json },
		{ "pretty", &options.pretty },
		{ "statistics", &options.statistics },
		{ "stats", &options.statistics },
		{ "details", &options.details },
		{ "oneline", &options.oneline },
	};
	size_t i;

	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (is_prefix(typed, switches[i].name)) {
			*switches[i].value = true;
			return true;
		}
	}
	return false;
}

/*
 * One option, at @argv[0]. Return: how many of @argv it took; 0 after an error
 * message.
 */
static int parse_option(char **argv)
{
	const char *typed = argv[0] + 1;

	/* As ip has it: --json is -json. */
	typed += *typed == '-';
	if (parse_switch(typed))
		return 1;
	if (!strncmp(typed, "color=", 6))
		return parse_color(typed + 6);
	if (!strncmp(typed, "c=", 2))
		return parse_color(typed + 2);
	if (is_prefix(typed, "color") || is_prefix(typed, "colour")) {
		options.color = ALWAYS;
		return 1;
	}
	if (is_prefix(typed, "netns")) {
		options.netns = argv[1];
		if (argv[1])
			return 2;
		usage_error("-netns needs a name: see ip netns");
		return 0;
	}
	if (is_prefix(typed, "Version")) {
		printf("tapkeep %s\n", VERSION);
		exit(EXIT_OK);
	}
	if (is_prefix(typed, "help")) {
		print_usage(stdout);
		exit(EXIT_OK);
	}
	usage_error("There is no option \"%s\": try \"tapkeep help\"",
		    argv[0]);
	return 0;
}

/* Take the options out of @argv. Return: how many words are left in it, or -1. */
static int parse_options(char **argv)
{
	int nr_words = 0, taken;
	char **word = argv;

	while (*argv) {
		if (!strcmp(*argv, "--")) {
			while (*++argv)
				word[nr_words++] = *argv;
			break;
		}
		if (**argv != '-') {
			word[nr_words++] = *argv++;
			continue;
		}
		taken = parse_option(argv);
		if (!taken)
			return -1;
		argv += taken;
	}
	word[nr_words] = NULL;
	return nr_words;
}

static bool use_color(void)
{
	const char *term = getenv("TERM");

	if (options.color == AUTO)
		return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
	return options.color == ALWAYS;
}

static int run(const struct command *command, int nr_words, char **words)
{
	int ret;

	if (nr_words == 1 && !strcmp(words[0], "help")) {
		print_command_usage(command);
		return EXIT_OK;
	}
	if (options.netns) {
		ret = netns_enter(options.netns);
		if (ret)
			return ret;
	}
	print_init(&(struct print_style){
		.json = options.json,
		.pretty = options.pretty,
		.oneline = options.oneline || command->function == cmd_monitor,
		.color = use_color(),
	});
	return command->function(nr_words, words);
}

int main(int argc, char **argv)
{
	const struct command *command = &commands[0];
	char **words = argv + 1;
	int nr_words, ret;

	(void)argc;
	nr_words = parse_options(words);
	if (nr_words < 0)
		return EXIT_USAGE;
	if (nr_words) {
		command = find_command(*words);
		if (!command)
			return EXIT_USAGE;
		nr_words--;
		words++;
	}
	ret = run(command, nr_words, words);
	if (!print_flush() && !ret) {
		fprintf(stderr, "tapkeep: Cannot write: %s\n",
			strerror(errno));
		ret = EXIT_KERNEL;
	}
	return ret;
}
