/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fuzzer of the module's two interfaces.
 *
 * Worlds run beside each other, in rounds: a round has two network namespaces
 * that end with it. In a world some processes share its namespaces, names and
 * interfaces, and send each other descriptors. A process has some threads, the
 * workers, which share a table of descriptors. What a worker does in a step
 * follows from the seed, the worker's number, the number of the step, and from
 * what it has: each step has random numbers of its own, so one that went
 * another way does not change those after it.
 *
 * What is to be fuzzed is in two tables: operations[] in ioctls.c and
 * requests[] in netlink.c. What happens around it is disturbances[] in
 * disturb.c.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NR_WORLDS	4
#define NR_PROCESSES	2	/* in a world */
#define NR_THREADS	2	/* in a process */
#define NR_WORKERS	(NR_WORLDS * NR_PROCESSES * NR_THREADS)
#define NR_NETNS	2	/* in a world */

/* What the calls of a run are counted by. */
enum call_op {
	OP_CREATE,
	OP_CLAIM,
	OP_CLAIM_FORCE,
	OP_OBSERVE,
	OP_CLAIM_OFFER,
	OP_PIN,
	OP_GET_QUEUE,
	OP_OFFER,
	OP_FREEZE,
	OP_REVOKE,
	OP_THAW,
	OP_RELEASE,
	OP_SET_STATE,
	OP_GET_STATE,
	OP_GET_INFO,
	OP_NO_IOCTL,
	OP_CLOSE,
	OP_FDINFO,
	OP_NL_GET,
	OP_NL_DUMP,
	OP_NL_RELEASE,
	OP_NL_SET,
	OP_NL_POLICY,
	OP_NL_NOISE,
	NR_OPS
};

/* What an operation must have done for the run to be one; see operations[]. */
#define MUST_SUCCEED	(1U << 0)
#define MUST_FAIL	(1U << 1)
#define ALLOCATES	(1U << 2)	/* so an allocation must have failed */

struct rng {
	uint64_t state;
};

#define NR_ERRNOS	134

/* Shared by all processes of the run; each worker writes its own only. */
struct worker {
	uint64_t steps;
	uint32_t succeeded[NR_OPS];
	uint32_t failed[NR_OPS][NR_ERRNOS];
	uint32_t injected[NR_OPS];
	uint32_t keep_states[4];
	uint32_t roles[4];
	uint32_t disturbances[32];
	uint32_t injections;
	pid_t pid;
	pid_t tid;
	char wrong[160];	/* an answer that cannot be; "" is none */
};

struct run {
	atomic_ulong calls;
	unsigned long limit;	/* of calls; 0: none */
	atomic_bool stop;
	uint64_t seed;
	bool inject;
	bool trace;
	bool lockdep;
	unsigned int round_steps;
	int family;		/* of generic netlink */
	int group;
	struct worker workers[NR_WORKERS];
};

enum fd_kind {
	KIND_NONE,
	KIND_HANDLE,
	KIND_QUEUE,
	KIND_NETLINK,
	KIND_OTHER,
};

/* A descriptor, and what is believed of it. */
struct slot {
	int16_t fd;
	uint8_t kind;
	uint8_t role;		/* enum tapkeep_role */
	uint8_t state;		/* enum tapkeep_keep_state */
	uint8_t ns;		/* of a netlink socket: network namespace */
	uint16_t queues;
};

#define NR_SLOTS	20
#define NR_COMMON	12
/* Above any descriptor that comes and goes. */
#define FIRST_LASTING_FD 900

struct process {
	struct run *run;
	unsigned int world;
	unsigned int number;	/* in the world */
	int device;
	int exchange[2];	/* between the processes of the world */
	int netns[NR_NETNS];
	int wrong[8];		/* descriptors of the wrong kind */
	unsigned int nr_wrong;
	pthread_barrier_t all_open;
	/* struct slot as a number; shared by the threads. 0: empty. */
	_Atomic uint64_t common[NR_COMMON];
};

/* User memory to call with; see memory.c. */
struct arena {
	uint8_t *pages;		/* two pages, an unmapped one before and after */
	uint8_t *readonly;	/* the first of them once more */
	uint8_t *hot;		/* two pages that all threads write */
};

struct ctx {
	struct rng rng;
	struct run *run;
	struct process *process;
	struct worker *worker;
	unsigned int number;	/* of the worker */
	struct arena arena;
	struct arena states;	/* for what a structure points to */
	int fail_nth;		/* /proc/thread-self/fail-nth, or -1 */
	int rtnl[NR_NETNS];
	int packet[NR_NETNS];
	unsigned int ns;	/* the namespace it is in */
	bool user;		/* without capabilities */
	bool child;
	struct slot slots[NR_SLOTS];
	uint8_t buffer[8192];
};

/* random.c */
void rng_start(struct rng *rng, uint64_t seed, uint64_t worker, uint64_t step);
uint64_t rng_next(struct rng *rng);
uint32_t below(struct ctx *c, uint32_t limit);
bool one_in(struct ctx *c, uint32_t n);
uint64_t odd_number(struct ctx *c);
void fill_random(struct ctx *c, void *to, size_t size);

/* memory.c */
int memory_open(struct arena *arena, uint8_t *hot);
uint8_t *memory_hot(void);
void *memory_place(struct ctx *c, struct arena *arena, const void *from,
		   size_t size, bool odd, bool *readable);

/* slots.c */
struct slot *slot_find(struct ctx *c, enum fd_kind kind);
struct slot *slot_new(struct ctx *c, int fd, enum fd_kind kind);
void slot_close(struct ctx *c, struct slot *slot);
void slot_publish(struct ctx *c);
void slot_take(struct ctx *c);
int slot_borrow(struct ctx *c, enum fd_kind kind, struct slot *to);
void slot_return(struct ctx *c, int at, const struct slot *was, struct slot *now);
void slot_send(struct ctx *c);
void slot_receive(struct ctx *c);
int any_fd(struct ctx *c);
bool is_passing_fd(int fd);

/* ioctls.c */
void ioctl_step(struct ctx *c);
void fill_name(struct ctx *c, char *name, size_t size);

/* netlink.c */
int netlink_resolve(struct run *run);
int netlink_open(struct ctx *c);
void netlink_step(struct ctx *c);

/* disturb.c */
void disturb_step(struct ctx *c);
void disturb_open_queue(struct ctx *c);
void disturb_make_nodes(void);
const char *disturbance_name(unsigned int number);
unsigned int nr_disturbances(void);

/* inject.c */
int inject_prepare(void);
int inject_open(void);
bool inject_arm(struct ctx *c);
bool inject_disarm(struct ctx *c);

/* world.c */
int lasting_fd(int fd);
int write_text(const char *path, const char *text);
void step(struct ctx *c);
void world_run(struct run *run, unsigned int number);

/* report.c */
const char *op_name(enum call_op op);
void count(struct ctx *c, enum call_op op, int err, bool injected);
void count_wrong(struct ctx *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool report(struct run *run, double seconds, unsigned int least);

#endif /* FUZZ_H */
