/*
 * ev_probe: a descriptor with a script, for the tests of the loop: it counts what it got and, on
 * demand, runs an action inside its callback. Include after cmocka.h.
 */
#ifndef TESTS_UNIT_COMMON_EV_PROBE_H
#define TESTS_UNIT_COMMON_EV_PROBE_H

#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/ev.h"

struct probe {
	struct ev_fd fd;
	struct ev *ev;
	int here, there; /* the two ends; here is registered */
	unsigned calls;
	unsigned got; /* the last readiness */
	void (*act)(struct probe *p);
	struct probe *other;
};

static inline void on_probe(struct ev_fd *f, unsigned ready)
{
	struct probe *p = container_of(f, struct probe, fd);

	p->calls++;
	p->got = ready;
	if (p->act != NULL)
		p->act(p);
}

static inline void probe_open(struct probe *p, struct ev *ev, unsigned want)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv), 0);
	*p = (struct probe){.ev = ev, .here = sv[0], .there = sv[1]};
	assert_int_equal(ev_add(ev, &p->fd, p->here, want, on_probe), 0);
}

static inline void probe_close(struct probe *p)
{
	ev_del(p->ev, &p->fd);
	(void)close(p->here);
	(void)close(p->there);
}

static inline void feed(struct probe *p)
{
	assert_int_equal(write(p->there, "x", 1), 1);
}

static inline void drain(struct probe *p)
{
	char buf[256];

	while (read(p->here, buf, sizeof(buf)) > 0)
		continue;
}

static inline struct ev *loop(void **state)
{
	struct ev *ev = ev_new(*(enum ev_backend *)*state);

	assert_non_null(ev);
	return ev;
}

/* A case under both backends: the initial state is the backend. */
/* clang-format off */
#define BOTH(f)                                   \
	{#f " (epoll)", f, NULL, NULL, &epoll},   \
	{#f " (poll)", f, NULL, NULL, &poll}
/* clang-format on */

#endif
