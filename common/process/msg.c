/*
 * msg: see msg.h.
 *
 * The receiver judges a packet in one place, judge(), by its row of the table alone; a
 * descriptor that came with a refused message is closed before anything else is done.
 */
#include "common/process/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/check.h"
#include "common/process/pass_fd.h"

enum msg_direction {
	TO_WORKER,
	TO_MASTER
};
enum msg_descriptor {
	NO_FD,
	MAY_FD
};

struct msg_rule {
	const char *name;
	enum msg_type type;
	enum msg_direction direction;
	uint32_t min_len, max_len;
	enum msg_descriptor descriptor;
	unsigned states;
};

static const struct msg_rule rules[] = {
#define MSG(id, number, direction, min, max, descriptor, states) \
	{#id, MSG_##id, direction, min, max, descriptor, states},
#include "common/process/msg_tbl.h"
#undef MSG
};

#define MSG(id, number, direction, min, max, descriptor, states) \
	_Static_assert((min) <= (max) && (max) <= MSG_DATA_MAX, "size of " #id);
#include "common/process/msg_tbl.h"
#undef MSG

static const struct msg_rule *rule_of(unsigned type)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if ((unsigned)rules[i].type == type)
			return &rules[i];
	return NULL;
}

const char *msg_name(enum msg_type type)
{
	const struct msg_rule *r = rule_of(type);

	return r == NULL ? "?" : r->name;
}

int msg_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
}

void msg_chan_init(struct msg_chan *c, int fd, enum msg_side side, enum msg_state state)
{
	*c = (struct msg_chan){.fd = fd, .side = side, .state = state};
}

int msg_send(struct msg_chan *c, enum msg_type type, const void *data, size_t len, int fd)
{
	const struct msg_rule *r = rule_of(type);
	struct msg_head head = {.type = (uint16_t)type, .len = (uint32_t)len, .id = c->next_id};
	struct iovec iov[2] = {{&head, sizeof(head)}, {(void *)(uintptr_t)data, len}};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1};
	union pass_fd room;

	CHECK(r != NULL && (r->direction == TO_WORKER) == (c->side == MSG_MASTER));
	CHECK(len >= r->min_len && len <= r->max_len && (fd == -1 || r->descriptor == MAY_FD));
	pass_fd(&mh, &room, fd);
	if (sendmsg(c->fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		return -1;
	c->next_id++;
	return 0;
}

static enum msg_got bad(struct msg_chan *c, const char *what, unsigned type)
{
	const struct msg_rule *r = rule_of(type);

	(void)snprintf(c->why, sizeof(c->why), "message %u (%s): %s", type,
		       r == NULL ? "unknown" : r->name, what);
	return MSG_BAD;
}

/* The whole contract of msg_tbl.h; n bytes arrived, n_fds descriptors with them. */
static enum msg_got judge(struct msg_chan *c, const struct msg_head *h, size_t n, unsigned n_fds,
			  int flags)
{
	const struct msg_rule *r;

	if (n < sizeof(*h))
		return bad(c, "shorter than its head", 0);
	r = rule_of(h->type);
	if (r == NULL)
		return bad(c, "not in the table", h->type);
	if ((r->direction == TO_WORKER) != (c->side == MSG_WORKER))
		return bad(c, "sent in the wrong direction", h->type);
	if ((r->states & (unsigned)c->state) == 0)
		return bad(c, "not permitted in this state", h->type);
	if (h->flags != 0)
		return bad(c, "unknown flags", h->type);
	if ((flags & MSG_TRUNC) != 0 || h->len != n - sizeof(*h))
		return bad(c, "its length is not what arrived", h->type);
	if (h->len < r->min_len || h->len > r->max_len)
		return bad(c, "length out of bounds", h->type);
	if ((flags & MSG_CTRUNC) != 0 || n_fds > (r->descriptor == MAY_FD ? 1u : 0u))
		return bad(c, "more descriptors than permitted", h->type);
	return MSG_OK;
}

/* Takes the descriptors out of the control data: the first into *fd, the others are closed. */
static unsigned take_fds(struct msghdr *mh, int *fd)
{
	unsigned n = 0;

	*fd = -1;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(mh); h != NULL; h = CMSG_NXTHDR(mh, h)) {
		size_t count;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++, n++) {
			int got;

			memcpy(&got, CMSG_DATA(h) + i * sizeof(int), sizeof(got));
			if (*fd == -1)
				*fd = got;
			else
				close(got);
		}
	}
	return n;
}

enum msg_got msg_recv(struct msg_chan *c, struct msg *m)
{
	struct msg_head head = {0};
	struct iovec iov[2] = {{&head, sizeof(head)}, {m->data, sizeof(m->data)}};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))]; /* room to see a second one */
	} control;
	struct msghdr mh = {.msg_iov = iov,
			    .msg_iovlen = 2,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes)};
	enum msg_got got;
	unsigned n_fds;
	ssize_t n;

	do
		n = recvmsg(c->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? MSG_NONE : MSG_EOF;
	if (n == 0)
		return MSG_EOF;
	n_fds = take_fds(&mh, &m->fd);
	got = judge(c, &head, (size_t)n, n_fds, mh.msg_flags);
	if (got != MSG_OK && m->fd != -1) {
		close(m->fd);
		m->fd = -1;
	}
	m->type = (enum msg_type)head.type;
	m->id = head.id;
	m->len = head.len;
	return got;
}
