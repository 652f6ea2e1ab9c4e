// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "print.h"

#define DEPTH_MAX	8
#define INDENT		4

static struct print_style style;

/* Has something been printed in the JSON container of each depth? */
static bool filled[DEPTH_MAX];
static int depth;
static bool in_line;

void print_init(const struct print_style *with)
{
	style = *with;
	memset(filled, 0, sizeof(filled));
	depth = 0;
	in_line = false;
}

/*
 * Bytes of the UTF-8 character at @s that may be printed as it is, or 0: not
 * UTF-8, or a control character. A command's name can be any bytes, and a
 * terminal obeys some of them.
 */
static int printable(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	int i, len = *s < 0x80 ? 1 : *s >> 5 == 6 ? 2 : *s >> 4 == 14 ? 3 :
		     *s >> 3 == 30 ? 4 : 0;
	uint32_t c = len == 1 ? *s : *s & 0xff >> (len + 1);

	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (!len || c < least[len] || c > 0x10ffff || c >> 11 == 0x1b ||
	    c < 0x20 || (c >= 0x7f && c < 0xa0))
		return 0;
	return len;
}

static void put_text(const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	int len;

	while (*s) {
		len = printable(s);
		if (len)
			fwrite(s, 1, len, stdout);
		else
			printf("\\x%02x", *s);
		s += len ? len : 1;
	}
}

static void put_json_string(const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	int len;

	putchar('"');
	while (*s) {
		len = printable(s);
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if (len)
			fwrite(s, 1, len, stdout);
		else if (*s < 0x80)
			printf("\\u%04x", *s);
		else
			fputs("\\ufffd", stdout);
		s += len ? len : 1;
	}
	putchar('"');
}

static void json_line(void)
{
	if (style.pretty)
		printf("\n%*s", depth * INDENT, "");
}

/* Before a value: the comma, the line, and the key. */
static void json_key(const char *key)
{
	if (filled[depth])
		putchar(',');
	filled[depth] = true;
	if (depth)
		json_line();
	if (key) {
		put_json_string(key);
		fputs(style.pretty ? ": " : ":", stdout);
	}
}

static void json_open(const char *key, char bracket)
{
	if (!style.json)
		return;
	json_key(key);
	putchar(bracket);
	filled[++depth] = false;
}

static void json_close(char bracket)
{
	if (!style.json)
		return;
	depth--;
	if (filled[depth + 1])
		json_line();
	putchar(bracket);
	/* At the top nothing follows: the next one starts a line of its own. */
	if (!depth) {
		putchar('\n');
		filled[0] = false;
	}
}

void print_open_object(const char *key)
{
	json_open(key, '{');
}

void print_close_object(void)
{
	json_close('}');
}

void print_open_array(const char *key)
{
	json_open(key, '[');
}

void print_close_array(void)
{
	json_close(']');
}

void print_next_line(void)
{
	if (style.json)
		return;
	printf(style.oneline ? "\\" : "\n");
	printf("%*s", INDENT, "");
	in_line = false;
}

void print_end_line(void)
{
	if (style.json)
		return;
	putchar('\n');
	in_line = false;
}

/* Before a field in text: what sets it apart, and its label. */
static void text_label(const char *label)
{
	if (in_line)
		putchar(' ');
	in_line = true;
	if (label)
		printf("%s ", label);
}

static void text_colored(const char *value, enum print_color color)
{
	static const char * const codes[] = {
		[COLOR_NAME] = "1",
		[COLOR_DEVICE] = "36",
		[COLOR_GOOD] = "32",
		[COLOR_HOLD] = "33",
		[COLOR_BAD] = "1;31",
	};

	if (!style.color || color == COLOR_NONE) {
		put_text(value);
		return;
	}
	printf("\033[%sm", codes[color]);
	put_text(value);
	fputs("\033[0m", stdout);
}

void print_string(const char *key, const char *label, const char *value,
		  enum print_color color)
{
	if (style.json) {
		json_key(key);
		put_json_string(value);
	} else {
		text_label(label);
		text_colored(value, color);
	}
}

/* A number, and in text its unit or whatever else @text makes of it. */
static void print_number(const char *key, const char *label, uint64_t value,
			 const char *text)
{
	if (style.json) {
		json_key(key);
		printf("%" PRIu64, value);
	} else {
		text_label(label);
		fputs(text, stdout);
	}
}

void print_u64(const char *key, const char *label, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	print_number(key, label, value, text);
}

void print_hex(const char *key, const char *label, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	print_string(key, label, text, COLOR_NONE);
}

void print_bool(const char *key, const char *label, bool value)
{
	if (style.json) {
		json_key(key);
		fputs(value ? "true" : "false", stdout);
	} else if (value) {
		text_label(NULL);
		fputs(label, stdout);
	}
}

void print_ms(const char *key, const char *label, uint64_t ms)
{
	char text[32];

	if (ms < 1000)
		snprintf(text, sizeof(text), "%" PRIu64 "ms", ms);
	else if (ms % 1000)
		snprintf(text, sizeof(text), "%" PRIu64 ".%03ds", ms / 1000,
			 (int)(ms % 1000));
	else
		snprintf(text, sizeof(text), "%" PRIu64 "s", ms / 1000);
	print_number(key, label, ms, text);
}

void print_ns(const char *key, const char *label, uint64_t ns)
{
	uint64_t us = ns / 1000;
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%03dms", us / 1000,
		 (int)(us % 1000));
	print_number(key, label, ns, text);
}

static void print_flag(const char *name, bool first)
{
	if (style.json) {
		json_key(NULL);
		put_json_string(name);
	} else {
		printf("%s%s", first ? "" : ",", name);
	}
}

void print_flags(const char *key, const char *label, uint64_t value,
		 const struct print_flag *flags, size_t nr)
{
	uint64_t left = value;
	char unknown[24];
	size_t i;

	print_open_array(key);
	if (!style.json)
		text_label(label);
	for (i = 0; i < nr; i++) {
		if (!(value & flags[i].bit))
			continue;
		print_flag(flags[i].name, left == value);
		left &= ~flags[i].bit;
	}
	if (left) {
		snprintf(unknown, sizeof(unknown), "0x%" PRIx64, left);
		print_flag(unknown, left == value);
	}
	if (!value && !style.json)
		fputs("none", stdout);
	print_close_array();
}

void print_heading(const char *key, const char *value)
{
	print_string(key, NULL, value, COLOR_NAME);
	if (!style.json)
		putchar(':');
}

void print_aside(const char *key, const char *value)
{
	if (style.json) {
		print_string(key, NULL, value, COLOR_NONE);
		return;
	}
	text_label(NULL);
	putchar('(');
	put_text(value);
	putchar(')');
}

void print_of(const char *key, const char *key_all, const char *label,
	      uint64_t value, uint64_t all)
{
	print_u64(key, label, value);
	if (style.json)
		print_u64(key_all, NULL, all);
	else
		printf("/%" PRIu64, all);
}

bool print_flush(void)
{
	return !fflush(stdout) && !ferror(stdout);
}
