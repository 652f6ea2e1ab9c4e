/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text and JSON from one call for each field, so that neither forgets what
 * the other shows. @key is the field's name in JSON, and @label the word
 * before its value in text; NULL: none.
 */
#ifndef TAPKEEP_PRINT_H
#define TAPKEEP_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum print_color {
	COLOR_NONE,
	COLOR_NAME,
	COLOR_DEVICE,
	COLOR_GOOD,
	COLOR_HOLD,
	COLOR_BAD,
};

struct print_style {
	bool json;
	bool pretty;
	bool oneline;	/* text: a backslash instead of each line's end */
	bool color;
};

struct print_flag {
	uint64_t bit;
	const char *name;
};

void print_init(const struct print_style *style);

/* An object or an array; @key is NULL inside an array and at the top. */
void print_open_object(const char *key);
void print_close_object(void);
void print_open_array(const char *key);
void print_close_array(void);

/* Text only: go on in an indented line; end what was printed. */
void print_next_line(void);
void print_end_line(void);

void print_string(const char *key, const char *label, const char *value,
		  enum print_color color);
void print_u64(const char *key, const char *label, uint64_t value);
/* In JSON it is a string: not every reader has integers of 64 bits. */
void print_hex(const char *key, const char *label, uint64_t value);
/* Text: the label alone, if true. */
void print_bool(const char *key, const char *label, bool value);
void print_ms(const char *key, const char *label, uint64_t ms);
void print_ns(const char *key, const char *label, uint64_t ns);
void print_flags(const char *key, const char *label, uint64_t value,
		 const struct print_flag *flags, size_t nr);

/* Text: "NAME:" and "(VALUE)". */
void print_heading(const char *key, const char *value);
void print_aside(const char *key, const char *value);
/* Text: "LABEL A/B". */
void print_of(const char *key, const char *key_all, const char *label,
	      uint64_t value, uint64_t all);

/* Return: false if not everything could be written. */
bool print_flush(void);

#endif /* TAPKEEP_PRINT_H */
