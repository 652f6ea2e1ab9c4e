/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints. What each means is documented in Documentation/module.md; those
 * about a keep are hit with its lock held, so they are in order.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tapkeep

#if !defined(TAPKEEP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TAPKEEP_TRACE_H

#include <linux/pid.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/uidgid.h>
#include <net/net_namespace.h>

#include "keep.h"
#include "queue.h"

/* Their values, for who reads the format. */
TRACE_DEFINE_ENUM(TAPKEEP_ACTIVE);
TRACE_DEFINE_ENUM(TAPKEEP_FROZEN);
TRACE_DEFINE_ENUM(TAPKEEP_ORPHAN);
TRACE_DEFINE_ENUM(TAPKEEP_ENDED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_CREATED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_FROZEN);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_OFFERED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_CLAIMED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_REVOKED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_THAWED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_ORPHANED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_EXPIRED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_RELEASED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_DEVICE_GONE);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_DROPPED);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_STOLEN);
TRACE_DEFINE_ENUM(TAPKEEP_EVENT_CHANGED);

#define show_tapkeep_state(value)				\
	__print_symbolic(value,					\
		{ TAPKEEP_ACTIVE, "active" },			\
		{ TAPKEEP_FROZEN, "frozen" },			\
		{ TAPKEEP_ORPHAN, "orphan" },			\
		{ TAPKEEP_ENDED, "ended" })

#define show_tapkeep_event(value)				\
	__print_symbolic(value,					\
		{ TAPKEEP_EVENT_CREATED, "created" },		\
		{ TAPKEEP_EVENT_FROZEN, "frozen" },		\
		{ TAPKEEP_EVENT_OFFERED, "offered" },		\
		{ TAPKEEP_EVENT_CLAIMED, "claimed" },		\
		{ TAPKEEP_EVENT_REVOKED, "revoked" },		\
		{ TAPKEEP_EVENT_THAWED, "thawed" },		\
		{ TAPKEEP_EVENT_ORPHANED, "orphaned" },		\
		{ TAPKEEP_EVENT_EXPIRED, "expired" },		\
		{ TAPKEEP_EVENT_RELEASED, "released" },		\
		{ TAPKEEP_EVENT_DEVICE_GONE, "device-gone" },	\
		{ TAPKEEP_EVENT_DROPPED, "dropped" },		\
		{ TAPKEEP_EVENT_STOLEN, "stolen" },		\
		{ TAPKEEP_EVENT_CHANGED, "changed" })

TRACE_EVENT(tapkeep_transition,
	    TP_PROTO(const struct tapkeep *keep, enum tapkeep_keep_state from,
		     enum tapkeep_keep_state to, enum tapkeep_event event),
	    TP_ARGS(keep, from, to, event),
	    TP_STRUCT__entry(__array(char, name, TAPKEEP_NAME_LEN)
			     __field(unsigned int, netns)
			     __field(u32, event)
			     __field(u32, from)
			     __field(u32, to)
			     __field(u64, generation)
			     __field(uid_t, uid)
			     __field(pid_t, owner)),
	    TP_fast_assign(memcpy(__entry->name, keep->name, TAPKEEP_NAME_LEN);
			   __entry->netns = keep->net->ns.inum;
			   __entry->event = event;
			   __entry->from = from;
			   __entry->to = to;
			   __entry->generation = keep->generation;
			   __entry->uid = __kuid_val(keep->uid);
			   __entry->owner = pid_nr(keep->owner_pid);),
	    TP_printk("keep=%s netns=%u event=%s from=%s to=%s generation=%llu uid=%u owner=%d",
		      __entry->name, __entry->netns,
		      show_tapkeep_event(__entry->event),
		      show_tapkeep_state(__entry->from),
		      show_tapkeep_state(__entry->to),
		      __entry->generation, __entry->uid, __entry->owner));

TRACE_EVENT(tapkeep_hold_begin,
	    TP_PROTO(const struct tapkeep *keep, u64 ns),
	    TP_ARGS(keep, ns),
	    TP_STRUCT__entry(__array(char, name, TAPKEEP_NAME_LEN)
			     __field(unsigned int, netns)
			     __field(u32, nr_queues)
			     __field(u64, ns)),
	    TP_fast_assign(memcpy(__entry->name, keep->name, TAPKEEP_NAME_LEN);
			   __entry->netns = keep->net->ns.inum;
			   __entry->nr_queues = keep->nr_queues;
			   __entry->ns = ns;),
	    TP_printk("keep=%s netns=%u queues=%u ns=%llu", __entry->name,
		      __entry->netns, __entry->nr_queues, __entry->ns));

TRACE_EVENT(tapkeep_hold_end,
	    TP_PROTO(const struct tapkeep *keep, u64 ns, u64 held, u64 dropped),
	    TP_ARGS(keep, ns, held, dropped),
	    TP_STRUCT__entry(__array(char, name, TAPKEEP_NAME_LEN)
			     __field(unsigned int, netns)
			     __field(u64, ns)
			     __field(u64, held)
			     __field(u64, dropped)),
	    TP_fast_assign(memcpy(__entry->name, keep->name, TAPKEEP_NAME_LEN);
			   __entry->netns = keep->net->ns.inum;
			   __entry->ns = ns;
			   __entry->held = held;
			   __entry->dropped = dropped;),
	    TP_printk("keep=%s netns=%u ns=%llu held=%llu dropped=%llu",
		      __entry->name, __entry->netns, __entry->ns, __entry->held,
		      __entry->dropped));

DECLARE_EVENT_CLASS(tapkeep_ring,
		    TP_PROTO(const struct tapkeep_queue *q, unsigned int from, unsigned int to),
		    TP_ARGS(q, from, to),
		    TP_STRUCT__entry(__array(char, name, TAPKEEP_NAME_LEN)
				     __field(unsigned int, netns)
				     __field(u32, queue)
				     __field(unsigned int, from)
				     __field(unsigned int, to)),
		    TP_fast_assign(memcpy(__entry->name, q->keep->name, TAPKEEP_NAME_LEN);
				   __entry->netns = q->keep->net->ns.inum;
				   __entry->queue = q->index;
				   __entry->from = from;
				   __entry->to = to;),
		    TP_printk("keep=%s netns=%u queue=%u from=%u to=%u", __entry->name,
			      __entry->netns, __entry->queue, __entry->from, __entry->to));

DEFINE_EVENT(tapkeep_ring, tapkeep_grow,
	     TP_PROTO(const struct tapkeep_queue *q, unsigned int from, unsigned int to),
	     TP_ARGS(q, from, to));

DEFINE_EVENT(tapkeep_ring, tapkeep_shrink,
	     TP_PROTO(const struct tapkeep_queue *q, unsigned int from, unsigned int to),
	     TP_ARGS(q, from, to));

#endif /* TAPKEEP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
