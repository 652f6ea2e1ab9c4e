/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's harness, with time limits that TAPKEEP_TIMEOUT_FACTOR of the
 * environment multiplies, as it does those of "run": some kernels are slow.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdlib.h>
#include "kselftest_harness.h"

static inline int timeout_factor(void)
{
	const char *text = getenv("TAPKEEP_TIMEOUT_FACTOR");
	int factor = text ? atoi(text) : 1;

	return factor > 1 ? factor : 1;
}

static inline void scale_timeouts(void)
{
	struct __fixture_metadata *fixture;
	struct __test_metadata *test;

	for (fixture = __fixture_list; fixture; fixture = fixture->next)
		for (test = fixture->tests; test; test = test->next)
			test->timeout *= timeout_factor();
}

static inline int run_tests(int argc, char **argv)
{
	scale_timeouts();
	return test_harness_run(argc, argv);
}

/* What TEST_HARNESS_MAIN calls, and a program that has a main() of its own. */
#define test_harness_run run_tests

#endif /* HARNESS_H */
