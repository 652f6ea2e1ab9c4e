// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The netlink half of libtapkeep: sockets and messages. What the messages say
 * is parsed in keep.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tapkeep-netlink.h"

/* The kernel makes its answers as large as what is read at once, up to 32K. */
#define RECEIVE_SIZE	65536
#define ANSWER_SECONDS	10
#define EVENTS_BUFFER	(1 << 20)

struct tapkeep_nl {
	struct nl_sock *sock;
	int family;
	/* of the request under way */
	bool done;
	struct tapkeep_nl_error refusal;
};

__attribute__((format(printf, 3, 4)))
static int set_error(struct tapkeep_nl_error *err, int code, const char *fmt,
		     ...)
{
	va_list args;

	if (err) {
		err->code = code;
		va_start(args, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, args);
		va_end(args);
	}
	return -code;
}

/* libnl's codes lose the errno; these are the ones that can happen here. */
static int errno_of(int nl_error)
{
	switch (-nl_error) {
	case NLE_NOMEM:
		return ENOMEM;
	case NLE_AGAIN:
		return ETIMEDOUT;
	case NLE_PERM:
	case NLE_NOACCESS:
		return EPERM;
	case NLE_OBJ_NOTFOUND:
		return ENOENT;
	case NLE_MSG_TOOSHORT:
	case NLE_MSG_TRUNC:
		return EBADMSG;
	default:
		return EIO;
	}
}

static int nl_failed(struct tapkeep_nl_error *err, const char *what, int ret)
{
	return set_error(err, errno_of(ret), "%s: %s", what, nl_geterror(ret));
}

/* The text of an extended ack, from the attributes at the end of a message. */
static const char *ack_text(struct nlattr *attrs, int len)
{
	struct nlattr *attr = nla_find(attrs, len, NLMSGERR_ATTR_MSG);

	if (!attr || !nla_len(attr) ||
	    ((char *)nla_data(attr))[nla_len(attr) - 1])
		return NULL;
	return nla_data(attr);
}

static void set_refusal(struct tapkeep_nl *nl, int error, const char *text)
{
	nl->done = true;
	set_error(&nl->refusal, -error, "%s", text ? text : strerror(-error));
}

/* The kernel refused: the original message, or its header, is in between. */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct nlmsghdr *hdr = (void *)((char *)e - NLMSG_HDRLEN);
	size_t skip = sizeof(*e);
	const char *text = NULL;

	(void)from;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (hdr->nlmsg_flags & NLM_F_ACK_TLVS &&
	    (size_t)nlmsg_datalen(hdr) > skip)
		text = ack_text((void *)((char *)e + skip),
				nlmsg_datalen(hdr) - skip);
	set_refusal(arg, e->error, text);
	return NL_STOP;
}

/* A dump that the kernel gave up says so in its last message. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	const int size = NLMSG_ALIGN(sizeof(int));
	struct tapkeep_nl *nl = arg;
	const char *text = NULL;
	int error;

	nl->done = true;
	if (nlmsg_datalen(hdr) < (int)sizeof(error))
		return NL_STOP;
	memcpy(&error, nlmsg_data(hdr), sizeof(error));
	if (error >= 0)
		return NL_STOP;
	if (hdr->nlmsg_flags & NLM_F_ACK_TLVS && nlmsg_datalen(hdr) > size)
		text = ack_text((void *)((char *)nlmsg_data(hdr) + size),
				nlmsg_datalen(hdr) - size);
	set_refusal(nl, error, text);
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct tapkeep_nl *nl = arg;

	(void)msg;
	nl->done = true;
	return NL_STOP;
}

/*
 * Something came or went during a dump. All that was there throughout is in it
 * once, which is what is promised; without this libnl would throw it away.
 */
static int on_interruption(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

/* The keeps of an answer. */
struct answer {
	struct tapkeep_keep *keeps;
	size_t nr;
	int error;
};

static void answer_clear(struct answer *answer)
{
	tapkeep_keeps_free(answer->keeps, answer->nr);
	*answer = (struct answer){ 0 };
}

static int on_keep(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *hdr = nlmsg_data(nlmsg_hdr(msg));
	struct answer *answer = arg;
	struct tapkeep_keep *keeps;

	if (answer->error)
		return NL_SKIP;
	keeps = realloc(answer->keeps, (answer->nr + 1) * sizeof(*keeps));
	if (!keeps) {
		answer->error = -ENOMEM;
		return NL_SKIP;
	}
	answer->keeps = keeps;
	answer->error = tapkeep_keep_parse(&keeps[answer->nr], NULL,
					   genlmsg_attrdata(hdr, 0),
					   genlmsg_attrlen(hdr, 0));
	if (!answer->error)
		answer->nr++;
	return NL_SKIP;
}

static int receive_answer(struct tapkeep_nl *nl, struct answer *answer,
			  struct tapkeep_nl_error *err)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int ret;

	if (!cb)
		return set_error(err, ENOMEM, "Out of memory");
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, nl);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, nl);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, nl);
	nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interruption, NULL);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_keep, answer);
	nl->done = false;
	nl->refusal.code = 0;
	do {
		ret = nl_recvmsgs(nl->sock, cb);
	} while (ret >= 0 && !nl->done);
	nl_cb_put(cb);
	if (nl->refusal.code)
		return set_error(err, nl->refusal.code, "%s",
				 nl->refusal.msg);
	if (ret < 0)
		return nl_failed(err, "Cannot receive from the module", ret);
	if (answer->error)
		return set_error(err, -answer->error,
			"The module's answer makes no sense to this library: %s",
			strerror(-answer->error));
	return 0;
}

/* Attributes of a request; 0: none. */
struct numbers {
	uint64_t generation;
	uint32_t lease_ms;
	uint32_t hold_limit;
};

static bool put_numbers(struct nl_msg *msg, const struct numbers *numbers)
{
	if (numbers->generation &&
	    nla_put_u64(msg, TAPKEEP_A_GENERATION, numbers->generation) < 0)
		return false;
	if (numbers->lease_ms &&
	    nla_put_u32(msg, TAPKEEP_A_LEASE, numbers->lease_ms) < 0)
		return false;
	return !numbers->hold_limit ||
	       nla_put_u32(msg, TAPKEEP_A_HOLD_LIMIT, numbers->hold_limit) >= 0;
}

static int request(struct tapkeep_nl *nl, uint8_t cmd, int flags,
		   const char *name, struct numbers numbers,
		   struct answer *answer, struct tapkeep_nl_error *err)
{
	struct nl_msg *msg;
	int ret;

	if (name && strlen(name) >= TAPKEEP_NAME_LEN)
		return set_error(err, ENAMETOOLONG,
				 "A keep's name has at most %d characters",
				 TAPKEEP_NAME_LEN - 1);
	msg = nlmsg_alloc();
	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
				 flags, cmd, TAPKEEP_GENL_VERSION) ||
	    (name && nla_put_string(msg, TAPKEEP_A_NAME, name) < 0) ||
	    !put_numbers(msg, &numbers)) {
		nlmsg_free(msg);
		return set_error(err, ENOMEM, "Out of memory");
	}
	ret = nl_send_auto(nl->sock, msg);
	nlmsg_free(msg);
	if (ret < 0)
		return nl_failed(err, "Cannot send to the module", ret);
	return receive_answer(nl, answer, err);
}

static int set_up(struct tapkeep_nl *nl, struct tapkeep_nl_error *err)
{
	struct timeval bound = { .tv_sec = ANSWER_SECONDS };
	int yes = 1, fd, ret;

	ret = genl_connect(nl->sock);
	if (ret < 0)
		return nl_failed(err, "Cannot open a netlink socket", ret);
	fd = nl_socket_get_fd(nl->sock);
	nl_socket_set_msg_buf_size(nl->sock, RECEIVE_SIZE);
	nl_socket_enable_msg_peek(nl->sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
	nl->family = genl_ctrl_resolve(nl->sock, TAPKEEP_GENL_NAME);
	if (nl->family >= 0)
		return 0;
	if (nl->family == -NLE_OBJ_NOTFOUND)
		return set_error(err, ENXIO,
			"The module is not loaded: modprobe tapkeep");
	return nl_failed(err, "Cannot find the module's netlink family",
			 nl->family);
}

int tapkeep_nl_open(struct tapkeep_nl **nl, struct tapkeep_nl_error *err)
{
	struct tapkeep_nl *new = calloc(1, sizeof(*new));
	int ret;

	*nl = NULL;
	if (!new)
		return set_error(err, ENOMEM, "Out of memory");
	new->sock = nl_socket_alloc();
	ret = new->sock ? set_up(new, err) :
	      set_error(err, ENOMEM, "Out of memory");
	if (ret) {
		tapkeep_nl_close(new);
		return ret;
	}
	*nl = new;
	return 0;
}

void tapkeep_nl_close(struct tapkeep_nl *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sock);
	free(nl);
}

int tapkeep_nl_get(struct tapkeep_nl *nl, const char *name,
		   struct tapkeep_keep *keep, struct tapkeep_nl_error *err)
{
	struct answer answer = { 0 };
	int ret;

	memset(keep, 0, sizeof(*keep));
	ret = request(nl, TAPKEEP_CMD_GET, 0, name, (struct numbers){ 0 },
		      &answer, err);
	if (!ret && answer.nr != 1)
		ret = set_error(err, EBADMSG,
				"The module answered with %zu keeps instead of one",
				answer.nr);
	if (ret) {
		answer_clear(&answer);
		return ret;
	}
	*keep = answer.keeps[0];
	free(answer.keeps);
	return 0;
}

int tapkeep_nl_dump(struct tapkeep_nl *nl, struct tapkeep_keep **keeps,
		    size_t *nr, struct tapkeep_nl_error *err)
{
	struct answer answer = { 0 };
	int ret;

	*keeps = NULL;
	*nr = 0;
	ret = request(nl, TAPKEEP_CMD_GET, NLM_F_DUMP, NULL,
		      (struct numbers){ 0 }, &answer, err);
	if (ret) {
		answer_clear(&answer);
		return ret;
	}
	*keeps = answer.keeps;
	*nr = answer.nr;
	return 0;
}

int tapkeep_nl_release(struct tapkeep_nl *nl, const char *name,
		       uint64_t generation, struct tapkeep_nl_error *err)
{
	const struct numbers numbers = { .generation = generation };
	struct answer answer = { 0 };
	int ret = request(nl, TAPKEEP_CMD_RELEASE, 0, name, numbers, &answer,
			  err);

	answer_clear(&answer);
	return ret;
}

int tapkeep_nl_set(struct tapkeep_nl *nl, const char *name, uint32_t lease_ms,
		   uint32_t hold_limit, struct tapkeep_nl_error *err)
{
	const struct numbers numbers = {
		.lease_ms = lease_ms,
		.hold_limit = hold_limit,
	};
	struct answer answer = { 0 };
	int ret = request(nl, TAPKEEP_CMD_SET, 0, name, numbers, &answer, err);

	answer_clear(&answer);
	return ret;
}

/* As large as this process may have it. */
static void set_events_buffer(int fd)
{
	int size = EVENTS_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int tapkeep_nl_subscribe(struct tapkeep_nl *nl, struct tapkeep_nl_error *err)
{
	int group, control, ret;

	group = genl_ctrl_resolve_grp(nl->sock, TAPKEEP_GENL_NAME,
				      TAPKEEP_GENL_MCGRP_MONITOR);
	if (group < 0)
		return nl_failed(err, "Cannot find the group of events", group);
	/* The controller tells when the family goes with its module. */
	control = genl_ctrl_resolve_grp(nl->sock, "nlctrl", "notify");
	if (control < 0)
		return nl_failed(err, "Cannot find the controller's group",
				 control);
	set_events_buffer(nl_socket_get_fd(nl->sock));
	ret = nl_socket_add_memberships(nl->sock, group, control, 0);
	if (ret < 0)
		return nl_failed(err, "Cannot subscribe to events", ret);
	return 0;
}

int tapkeep_nl_fd(const struct tapkeep_nl *nl)
{
	return nl_socket_get_fd(nl->sock);
}

struct event_reader {
	int (*fn)(uint32_t event, const struct tapkeep_keep *keep, void *arg);
	void *arg;
};

static bool is_family_gone(const struct tapkeep_nl *nl, struct nlmsghdr *hdr)
{
	struct genlmsghdr *genl = nlmsg_data(hdr);
	struct nlattr *id;

	if (hdr->nlmsg_type != GENL_ID_CTRL || genl->cmd != CTRL_CMD_DELFAMILY)
		return false;
	id = nla_find(genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0),
		      CTRL_ATTR_FAMILY_ID);
	return id && nla_len(id) >= (int)sizeof(uint16_t) &&
	       nla_get_u16(id) == nl->family;
}

static int read_event(struct tapkeep_nl *nl, struct nlmsghdr *hdr,
		      const struct event_reader *reader,
		      struct tapkeep_nl_error *err)
{
	struct genlmsghdr *genl = nlmsg_data(hdr);
	struct tapkeep_keep keep;
	uint32_t event;
	int ret;

	if (!genlmsg_valid_hdr(hdr, 0))
		return 0;
	if (is_family_gone(nl, hdr))
		return set_error(err, ENXIO,
			"The module was unloaded: there are no more events");
	if (hdr->nlmsg_type != nl->family || genl->cmd != TAPKEEP_CMD_NTF)
		return 0;
	ret = tapkeep_keep_parse(&keep, &event, genlmsg_attrdata(genl, 0),
				 genlmsg_attrlen(genl, 0));
	if (ret)
		return set_error(err, -ret,
			"The module's event makes no sense to this library: %s",
			strerror(-ret));
	ret = reader->fn(event, &keep, reader->arg);
	tapkeep_keep_clear(&keep);
	return ret;
}

/* libnl's own reading cannot tell lost events from a lack of memory. */
static ssize_t receive_events(struct tapkeep_nl *nl, void *buf,
			      struct tapkeep_nl_error *err)
{
	struct sockaddr_nl from;
	socklen_t from_len = sizeof(from);
	ssize_t len;

	do {
		len = recvfrom(nl_socket_get_fd(nl->sock), buf, RECEIVE_SIZE,
			       MSG_DONTWAIT, (struct sockaddr *)&from,
			       &from_len);
	} while (len < 0 && errno == EINTR);
	if (len < 0 && errno == ENOBUFS)
		return set_error(err, ENOBUFS,
			"Events were lost: they came faster than they were read");
	if (len < 0)
		return set_error(err, errno, "Cannot read events: %s",
				 strerror(errno));
	/* Only the kernel is believed. */
	return from.nl_pid ? 0 : len;
}

int tapkeep_nl_read_events(struct tapkeep_nl *nl,
			   int (*fn)(uint32_t event,
				     const struct tapkeep_keep *keep,
				     void *arg),
			   void *arg, struct tapkeep_nl_error *err)
{
	const struct event_reader reader = { fn, arg };
	struct nlmsghdr *hdr, *buf = malloc(RECEIVE_SIZE);
	ssize_t len;
	int left, ret = 0;

	if (!buf)
		return set_error(err, ENOMEM, "Out of memory");
	len = receive_events(nl, buf, err);
	if (len < 0)
		ret = len;
	left = len;
	for (hdr = buf; !ret && nlmsg_ok(hdr, left);
	     hdr = nlmsg_next(hdr, &left))
		ret = read_event(nl, hdr, &reader, err);
	free(buf);
	return ret;
}
