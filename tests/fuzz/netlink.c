// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The generic netlink family: for each request a row in requests[]. Then, now
 * and then, something is made wrong. Libraries would refuse to do that, so
 * messages are built by hand.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/tapkeep.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "fuzz.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* Of the header of generic netlink's controller. */
#define CTRL_FAMILY GENL_ID_CTRL
#define MOST_ANSWERS 64

struct message {
	struct nlmsghdr *nlh;
	uint8_t *end;
};

/**
 * struct request - a request of the family, or about it
 * @op: what it is counted as
 * @ctrl: it goes to generic netlink itself
 * @cmd: the command
 * @flags: beside NLM_F_REQUEST and NLM_F_ACK
 * @fill: appends its attributes
 */
struct request {
	enum call_op op;
	bool ctrl;
	uint8_t cmd;
	uint16_t flags;
	void (*fill)(struct ctx *c, struct message *m);
};

static struct nlattr *put(struct message *m, uint16_t type, const void *value,
			  size_t len)
{
	struct nlattr *attr = (void *)m->end;

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memset(m->end + NLA_HDRLEN, 0, NLA_ALIGN(len));
	if (len)
		memcpy(m->end + NLA_HDRLEN, value, len);
	m->end += NLA_ALIGN(attr->nla_len);
	return attr;
}

static void fill_keep(struct ctx *c, struct message *m)
{
	char name[TAPKEEP_NAME_LEN];

	fill_name(c, name, sizeof(name));
	put(m, TAPKEEP_A_NAME, name, strnlen(name, sizeof(name) - 1) + 1);
}

static void fill_generation(struct ctx *c, struct message *m)
{
	uint64_t generation = below(c, 4);

	if (one_in(c, 4))
		put(m, TAPKEEP_A_GENERATION, &generation, sizeof(generation));
}

static void fill_release(struct ctx *c, struct message *m)
{
	fill_keep(c, m);
	fill_generation(c, m);
}

static void fill_set(struct ctx *c, struct message *m)
{
	uint32_t lease = below(c, 2000), hold_limit = below(c, 20000);

	fill_keep(c, m);
	fill_generation(c, m);
	if (one_in(c, 2))
		put(m, TAPKEEP_A_LEASE, &lease, sizeof(lease));
	if (one_in(c, 2))
		put(m, TAPKEEP_A_HOLD_LIMIT, &hold_limit, sizeof(hold_limit));
}

static void fill_none(struct ctx *c, struct message *m)
{
	(void)c;
	(void)m;
}

static void fill_family(struct ctx *c, struct message *m)
{
	put(m, CTRL_ATTR_FAMILY_NAME, one_in(c, 12) ? "tapkeeq" : "tapkeep", 8);
}

static const struct request requests[] = {
	{ OP_NL_GET, false, TAPKEEP_CMD_GET, 0, fill_keep },
	{ OP_NL_GET, false, TAPKEEP_CMD_GET, 0, fill_keep },
	{ OP_NL_DUMP, false, TAPKEEP_CMD_GET, NLM_F_DUMP, fill_none },
	{ OP_NL_RELEASE, false, TAPKEEP_CMD_RELEASE, 0, fill_release },
	{ OP_NL_SET, false, TAPKEEP_CMD_SET, 0, fill_set },
	{ OP_NL_POLICY, true, CTRL_CMD_GETPOLICY, NLM_F_DUMP, fill_family },
	{ OP_NL_NOISE, false, TAPKEEP_CMD_GET, 0, fill_keep },
};

static void begin(struct ctx *c, struct message *m, const struct request *r)
{
	struct genlmsghdr *genl;

	memset(c->buffer, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	m->nlh = (void *)c->buffer;
	m->nlh->nlmsg_type = r->ctrl ? CTRL_FAMILY : c->run->family;
	m->nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | r->flags;
	m->nlh->nlmsg_seq = c->worker->steps;
	genl = NLMSG_DATA(m->nlh);
	genl->cmd = r->cmd;
	genl->version = r->ctrl ? 2 : TAPKEEP_GENL_VERSION;
	m->end = (uint8_t *)genl + GENL_HDRLEN;
	r->fill(c, m);
	m->nlh->nlmsg_len = m->end - c->buffer;
}

static void put_nest(struct ctx *c, struct message *m, int depth)
{
	struct nlattr *nest = put(m, below(c, TAPKEEP_A_MAX + 3), NULL, 0);
	uint8_t junk[40];
	uint32_t i;

	fill_random(c, junk, sizeof(junk));
	for (i = below(c, 3); i; i--)
		put(m, below(c, 12), junk, below(c, sizeof(junk)));
	if (depth)
		put_nest(c, m, depth - 1);
	nest->nla_len = m->end - (uint8_t *)nest;
	if (!one_in(c, 3))
		nest->nla_type |= NLA_F_NESTED;
}

static void put_odd(struct ctx *c, struct message *m)
{
	uint8_t junk[128];
	struct nlattr *attr;

	fill_random(c, junk, sizeof(junk));
	attr = put(m, one_in(c, 2) ? below(c, TAPKEEP_A_MAX + 4) : odd_number(c),
		   junk, below(c, sizeof(junk)));
	if (one_in(c, 3))
		attr->nla_len = odd_number(c);
}

/* One mistake, of which some are none: an attribute that nobody asked for. */
static void make_odd(struct ctx *c, struct message *m)
{
	struct genlmsghdr *genl = NLMSG_DATA(m->nlh);
	uint32_t len = m->end - c->buffer;

	switch (below(c, 8)) {
	case 0:
		put_odd(c, m);
		break;
	case 1:
		put_nest(c, m, below(c, 6));
		break;
	case 2:
		fill_keep(c, m);
		break;
	case 3:
		genl->cmd = odd_number(c);
		break;
	case 4:
		m->nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | odd_number(c);
		break;
	case 5:
		genl->version = odd_number(c);
		genl->reserved = odd_number(c);
		break;
	case 6:	/* shorter or longer than it says */
		m->end -= below(c, len - NLMSG_HDRLEN);
		break;
	default:
		c->buffer[NLMSG_HDRLEN + below(c, len - NLMSG_HDRLEN)] ^=
			1U << below(c, 8);
	}
	m->nlh->nlmsg_len = m->end - c->buffer;
}

/* What is hardly a message any more. */
static void make_noise(struct ctx *c, struct message *m)
{
	uint32_t len = m->end - c->buffer;
	uint32_t i;

	for (i = 1 + below(c, 4); i; i--)
		make_odd(c, m);
	switch (below(c, 5)) {
	case 0:
		m->nlh->nlmsg_len = odd_number(c);
		break;
	case 1:
		fill_random(c, c->buffer + NLMSG_HDRLEN, len - NLMSG_HDRLEN);
		break;
	case 2:
		m->nlh->nlmsg_flags = odd_number(c);
		break;
	case 3:
		memcpy(m->end, c->buffer, len);
		m->end += len;
		break;
	case 4:
		m->end = c->buffer + below(c, len);
		break;
	}
}

/* Return: the error in the answer; -1: it is another message. */
static int answer(const struct nlmsghdr *nlh)
{
	int err;

	if (nlh->nlmsg_type != NLMSG_ERROR && nlh->nlmsg_type != NLMSG_DONE)
		return -1;
	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(err)))
		return 0;
	memcpy(&err, NLMSG_DATA(nlh), sizeof(err));
	return -err;
}

/* Return: the answer to our request among @len bytes, or -1. */
static int read_answer(struct ctx *c, ssize_t len, uint32_t seq)
{
	struct nlmsghdr *nlh = (void *)c->buffer;

	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
		if (nlh->nlmsg_seq == seq && answer(nlh) >= 0)
			return answer(nlh);
	return -1;
}

/*
 * All that came, events as well. Return: the error; ENOMSG there was no answer
 * before @most messages.
 */
static int receive(struct ctx *c, int fd, uint32_t seq, int most)
{
	int err = -1;
	ssize_t len;

	for (; most; most--) {
		len = recv(fd, c->buffer, sizeof(c->buffer), MSG_DONTWAIT);
		if (len < 0 && errno == ENOBUFS)
			continue;
		if (len < 0)
			break;
		if (err < 0)
			err = read_answer(c, len, seq);
	}
	return err < 0 ? ENOMSG : err;
}

/* Return: a socket of the caller's namespace, in one way or another. */
int netlink_open(struct ctx *c)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int one = 1, small = 2048;

	if (fd < 0)
		return -1;
	if (one_in(c, 2))
		setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	if (one_in(c, 2))
		setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one,
			   sizeof(one));
	if (one_in(c, 2))
		setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	/* Few: each gets every event. */
	if (one_in(c, 6))
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			   &c->run->group, sizeof(c->run->group));
	if (one_in(c, 6))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	return fd;
}

static struct slot *find_socket(struct ctx *c)
{
	struct slot *slot = slot_find(c, KIND_NETLINK);
	int fd;

	if (slot && !one_in(c, 64))
		return slot;
	fd = netlink_open(c);
	return fd < 0 ? slot : slot_new(c, fd, KIND_NETLINK);
}

static int exchange(struct ctx *c, const struct request *r, struct slot *slot,
		    struct message *m, bool *injected)
{
	uint32_t seq = m->nlh->nlmsg_seq;
	bool armed = inject_arm(c);
	ssize_t len = send(slot->fd, c->buffer, m->end - c->buffer, MSG_DONTWAIT);
	int err = len < 0 ? errno : 0;

	*injected = armed && inject_disarm(c);
	if (err)
		return err;
	if (r->flags & NLM_F_DUMP && one_in(c, 8)) {
		/* In the middle, or before it began. */
		receive(c, slot->fd, seq, below(c, 2));
		slot_close(c, slot);
		return ENOMSG;
	}
	return receive(c, slot->fd, seq, MOST_ANSWERS);
}

void netlink_step(struct ctx *c)
{
	const struct request *r = &requests[below(c, ARRAY_SIZE(requests))];
	struct slot *slot = find_socket(c);
	struct message m;
	bool injected;
	int err;

	if (!slot)
		return;
	begin(c, &m, r);
	if (r->op == OP_NL_NOISE)
		make_noise(c, &m);
	else if (one_in(c, 5))
		make_odd(c, &m);
	err = exchange(c, r, slot, &m, &injected);
	count(c, r->op, err, injected);
}

static const struct nlattr *find_attr(const void *from, size_t len, int type)
{
	const struct nlattr *attr = from;
	size_t padded;

	while (len >= NLA_HDRLEN && attr->nla_len >= NLA_HDRLEN &&
	       attr->nla_len <= len) {
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
		padded = NLA_ALIGN(attr->nla_len);
		if (padded >= len)
			break;
		len -= padded;
		attr = (const void *)((const char *)attr + padded);
	}
	return NULL;
}

static const struct nlattr *find_in(const struct nlattr *nest, int type)
{
	if (!nest)
		return NULL;
	return find_attr((const char *)nest + NLA_HDRLEN,
			 nest->nla_len - NLA_HDRLEN, type);
}

static int number_of(const struct nlattr *attr, size_t size)
{
	int number = 0;

	if (attr && attr->nla_len == NLA_HDRLEN + size)
		memcpy(&number, (const char *)attr + NLA_HDRLEN, size);
	return number;
}

/* The numbers of the family and of its group. Return: 0, or -1. */
int netlink_resolve(struct run *run)
{
	static const struct request r = {
		OP_NL_GET, true, CTRL_CMD_GETFAMILY, 0, NULL
	};
	static struct ctx c;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct request ask = r;
	struct message m;
	const struct nlattr *group;
	size_t len;
	ssize_t got = -1;

	if (fd < 0)
		return -1;
	c.run = run;
	c.worker = &run->workers[0];
	ask.fill = fill_none;
	begin(&c, &m, &ask);
	put(&m, CTRL_ATTR_FAMILY_NAME, "tapkeep", 8);
	m.nlh->nlmsg_len = m.end - c.buffer;
	if (send(fd, c.buffer, m.nlh->nlmsg_len, 0) > 0)
		got = recv(fd, c.buffer, sizeof(c.buffer), 0);
	close(fd);
	if (got < (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN) || answer(m.nlh) >= 0)
		return -1;
	len = got - NLMSG_HDRLEN - GENL_HDRLEN;
	run->family = number_of(find_attr(c.buffer + NLMSG_HDRLEN + GENL_HDRLEN,
					  len, CTRL_ATTR_FAMILY_ID), 2);
	group = find_attr(c.buffer + NLMSG_HDRLEN + GENL_HDRLEN, len,
			  CTRL_ATTR_MCAST_GROUPS);
	run->group = number_of(find_in(find_in(group, 1),
				       CTRL_ATTR_MCAST_GRP_ID), 4);
	return run->family && run->group ? 0 : -1;
}
