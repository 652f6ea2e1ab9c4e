// SPDX-License-Identifier: GPL-2.0-or-later
/* What was counted, and whether it was enough. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "fuzz.h"

#define BOTH (MUST_SUCCEED | MUST_FAIL)

static const struct {
	const char *name;
	unsigned int must;
} ops[NR_OPS] = {
	[OP_CREATE]		= { "create", BOTH | ALLOCATES },
	[OP_CLAIM]		= { "claim", BOTH | ALLOCATES },
	[OP_CLAIM_FORCE]	= { "claim-force", BOTH | ALLOCATES },
	[OP_OBSERVE]		= { "observe", BOTH | ALLOCATES },
	[OP_CLAIM_OFFER]	= { "claim-offer", BOTH | ALLOCATES },
	[OP_PIN]		= { "pin", BOTH | ALLOCATES },
	[OP_GET_QUEUE]		= { "get-queue", BOTH },
	[OP_OFFER]		= { "offer", BOTH | ALLOCATES },
	[OP_FREEZE]		= { "freeze", BOTH | ALLOCATES },
	[OP_REVOKE]		= { "revoke", BOTH },
	[OP_THAW]		= { "thaw", BOTH | ALLOCATES },
	[OP_RELEASE]		= { "release", BOTH | ALLOCATES },
	[OP_SET_STATE]		= { "set-state", BOTH | ALLOCATES },
	[OP_GET_STATE]		= { "get-state", BOTH | ALLOCATES },
	[OP_GET_INFO]		= { "get-info", BOTH },
	[OP_NO_IOCTL]		= { "no-ioctl", MUST_FAIL },
	[OP_CLOSE]		= { "close", MUST_SUCCEED | ALLOCATES },
	[OP_FDINFO]		= { "fdinfo", MUST_SUCCEED },
	[OP_NL_GET]		= { "nl-get", BOTH | ALLOCATES },
	[OP_NL_DUMP]		= { "nl-dump", BOTH },
	[OP_NL_RELEASE]		= { "nl-release", BOTH | ALLOCATES },
	[OP_NL_SET]		= { "nl-set", BOTH | ALLOCATES },
	[OP_NL_POLICY]		= { "nl-policy", BOTH },
	[OP_NL_NOISE]		= { "nl-noise", MUST_FAIL },
};

const char *op_name(enum call_op op)
{
	return ops[op].name;
}

/* @injected: an allocation failed in it, which is not always an error. */
void count(struct ctx *c, enum call_op op, int err, bool injected)
{
	struct worker *w = c->worker;
	struct run *run = c->run;

	if (err)
		w->failed[op][err < NR_ERRNOS ? err : 0]++;
	else
		w->succeeded[op]++;
	if (injected)
		w->injected[op]++;
	if (run->trace)
		dprintf(2, "%u.%llu %s%s: %s\n", c->number,
			(unsigned long long)w->steps, ops[op].name,
			injected ? " (no memory)" : "",
			err ? strerrorname_np(err) : "ok");
	if (atomic_fetch_add(&run->calls, 1) + 1 == run->limit)
		run->stop = true;
}

/* The first one of each worker is enough. */
void count_wrong(struct ctx *c, const char *format, ...)
{
	size_t size = sizeof(c->worker->wrong);
	char *text = c->worker->wrong;
	va_list args;
	int len;

	if (text[0])
		return;
	len = snprintf(text, size, "worker %u step %llu: ", c->number,
		       (unsigned long long)c->worker->steps);
	va_start(args, format);
	vsnprintf(text + len, size - len, format, args);
	va_end(args);
}

struct total {
	unsigned long succeeded;
	unsigned long failed;
	unsigned long injected;
	unsigned long errors[NR_ERRNOS];
};

static struct total total_of(const struct run *run, enum call_op op)
{
	struct total total = {};
	int i, err;

	for (i = 0; i < NR_WORKERS; i++) {
		const struct worker *w = &run->workers[i];

		total.succeeded += w->succeeded[op];
		total.injected += w->injected[op];
		for (err = 0; err < NR_ERRNOS; err++) {
			total.failed += w->failed[op][err];
			total.errors[err] += w->failed[op][err];
		}
	}
	return total;
}

static void print_op(enum call_op op, const struct total *total)
{
	int err;

	printf("%-12s %9lu %9lu %8lu ", ops[op].name, total->succeeded,
	       total->failed, total->injected);
	for (err = 0; err < NR_ERRNOS; err++) {
		if (!total->errors[err])
			continue;
		/* Netlink has requests that it does not answer. */
		if (err == ENOMSG)
			printf(" unanswered:%lu", total->errors[err]);
		else
			printf(" %s:%lu", strerrorname_np(err), total->errors[err]);
	}
	printf("\n");
}

/* Return: whether @op did what it must, @least times. */
static bool enough(const struct run *run, enum call_op op, const struct total *total,
		   unsigned int least)
{
	bool ok = true;

	if (ops[op].must & MUST_SUCCEED && total->succeeded < least) {
		printf("shortfall: %s succeeded %lu times, of at least %u\n",
		       ops[op].name, total->succeeded, least);
		ok = false;
	}
	if (ops[op].must & MUST_FAIL && total->failed < least) {
		printf("shortfall: %s failed %lu times, of at least %u\n",
		       ops[op].name, total->failed, least);
		ok = false;
	}
	if (run->inject && ops[op].must & ALLOCATES && total->injected < least) {
		printf("shortfall: %s found no memory %lu times, of at least %u\n",
		       ops[op].name, total->injected, least);
		ok = false;
	}
	return ok;
}

static void print_states(const struct run *run)
{
	unsigned long states[4] = {}, roles[4] = {};
	int i, j;

	for (i = 0; i < NR_WORKERS; i++) {
		for (j = 0; j < 4; j++) {
			states[j] += run->workers[i].keep_states[j];
			roles[j] += run->workers[i].roles[j];
		}
	}
	printf("seen: active:%lu frozen:%lu orphan:%lu, ", states[0], states[1],
	       states[2]);
	printf("observer:%lu offer:%lu owner:%lu stale:%lu\n", roles[0], roles[1],
	       roles[2], roles[3]);
}

static void print_disturbances(const struct run *run)
{
	unsigned int i, j;

	printf("meanwhile:");
	for (i = 0; i < nr_disturbances(); i++) {
		unsigned long times = 0;

		for (j = 0; j < NR_WORKERS; j++)
			times += run->workers[j].disturbances[i];
		printf("%s %s %lu", i ? "," : "", disturbance_name(i), times);
	}
	printf("\n");
}

static bool print_wrong(const struct run *run)
{
	bool none = true;
	int i;

	for (i = 0; i < NR_WORKERS; i++) {
		if (run->workers[i].wrong[0]) {
			printf("shortfall: %s\n", run->workers[i].wrong);
			none = false;
		}
	}
	return none;
}

/* Return: whether every operation did what it must, @least times. */
bool report(struct run *run, double seconds, unsigned int least)
{
	unsigned long succeeded = 0, failed = 0, injected = 0;
	bool ok = true;
	enum call_op op;

	printf("%-12s %9s %9s %8s  errors\n", "call", "succeeded", "failed",
	       "injected");
	for (op = 0; op < NR_OPS; op++) {
		struct total total = total_of(run, op);

		print_op(op, &total);
		succeeded += total.succeeded;
		failed += total.failed;
		injected += total.injected;
	}
	print_states(run);
	print_disturbances(run);
	for (op = 0; op < NR_OPS; op++) {
		struct total total = total_of(run, op);

		ok &= enough(run, op, &total, least);
	}
	ok &= print_wrong(run);
	printf("calls=%lu succeeded=%lu failed=%lu injected=%lu seconds=%.0f seed=%llu\n",
	       run->calls, succeeded, failed, injected, seconds,
	       (unsigned long long)run->seed);
	return ok;
}
