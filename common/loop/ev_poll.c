/*
 * ev_poll: the loop on poll(2), for systems without epoll and as the second opinion in every test.
 *
 * Two parallel tables, one of struct pollfd for the kernel and one of owners; an owner knows its
 * row. A deleted row becomes a hole (fd -1, which poll ignores) and holes are squeezed out before
 * the next wait, so rows never move while events are delivered. Rows added meanwhile lie behind
 * those the wait has seen.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/loop/ev_ops.h"

struct ev_poll {
	struct ev ev;
	struct pollfd *rows;
	struct ev_fd **owners; /* NULL = a hole */
	uint32_t n, cap, holes;
	uint32_t seen; /* rows the last wait covered */
	int ready;     /* of these, with events */
};

static struct ev_poll *self(struct ev *ev)
{
	return container_of(ev, struct ev_poll, ev);
}

static short to_poll(const struct ev_fd *f)
{
	return (short)(((f->want & EV_READ) != 0 ? POLLIN : 0) |
		       ((f->want & EV_WRITE) != 0 ? POLLOUT : 0));
}

static unsigned from_poll(short events)
{
	return ((events & POLLIN) != 0 ? (unsigned)EV_READ : 0) |
	       ((events & POLLOUT) != 0 ? (unsigned)EV_WRITE : 0) |
	       ((events & (POLLHUP | POLLERR)) != 0 ? (unsigned)EV_HUP : 0);
}

static int grow(struct ev_poll *p)
{
	uint32_t cap = p->cap == 0 ? 64 : p->cap * 2;
	void *rows, *owners;

	rows = reallocarray(p->rows, cap, sizeof(*p->rows));
	if (rows == NULL)
		return -1;
	p->rows = rows;
	owners = reallocarray(p->owners, cap, sizeof(struct ev_fd *));
	if (owners == NULL)
		return -1;
	p->owners = owners;
	p->cap = cap;
	return 0;
}

static int poll_backend_add(struct ev *ev, struct ev_fd *f)
{
	struct ev_poll *p = self(ev);

	if (p->n == p->cap && grow(p) == -1)
		return -1;
	f->place = p->n++;
	p->rows[f->place] = (struct pollfd){.fd = f->fd, .events = to_poll(f)};
	p->owners[f->place] = f;
	return 0;
}

static void poll_backend_apply(struct ev *ev, struct ev_fd *f)
{
	self(ev)->rows[f->place].events = to_poll(f);
	f->applied = f->want;
}

static void poll_backend_del(struct ev *ev, struct ev_fd *f, bool closing)
{
	struct ev_poll *p = self(ev);

	p->rows[f->place] = (struct pollfd){.fd = -1};
	p->owners[f->place] = NULL;
	p->holes++;
}

static void poll_backend_move(struct ev *ev, struct ev_fd *f)
{
	self(ev)->owners[f->place] = f;
}

static void squeeze(struct ev_poll *p)
{
	uint32_t to = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->owners[i] == NULL)
			continue;
		p->rows[to] = p->rows[i];
		p->owners[to] = p->owners[i];
		p->owners[to]->place = to;
		to++;
	}
	p->n = to;
	p->holes = 0;
}

static int poll_backend_wait(struct ev *ev, int64_t timeout_us)
{
	struct ev_poll *p = self(ev);
	struct timespec ts = {.tv_sec = timeout_us / 1000000,
			      .tv_nsec = timeout_us % 1000000 * 1000};
	int n;

	if (p->holes > 0)
		squeeze(p);
	n = ppoll(p->rows, p->n, timeout_us == -1 ? NULL : &ts, NULL);
	if (n == -1) {
		CHECK(errno == EINTR || errno == EAGAIN || errno == ENOMEM);
		n = 0;
	}
	p->seen = n == 0 ? 0 : p->n;
	p->ready = n;
	return n;
}

static int poll_backend_deliver(struct ev *ev)
{
	struct ev_poll *p = self(ev);
	int calls = 0;

	for (uint32_t i = 0; i < p->seen && p->ready > 0; i++) {
		struct ev_fd *f = p->owners[i];
		short events = p->rows[i].revents;

		if (events == 0)
			continue;
		p->ready--;
		if ((events & POLLNVAL) != 0)
			BUG("poll: descriptor %d closed before ev_del", f->fd);
		p->rows[i].revents = 0;
		calls += ev_deliver(ev, f, from_poll(events));
	}
	return calls;
}

static void poll_backend_free(struct ev *ev)
{
	free(self(ev)->rows);
	free(self(ev)->owners);
	free(self(ev));
}

static const struct ev_ops poll_ops = {
    .free = poll_backend_free,
    .add = poll_backend_add,
    .apply = poll_backend_apply,
    .del = poll_backend_del,
    .move = poll_backend_move,
    .wait = poll_backend_wait,
    .deliver = poll_backend_deliver,
};

struct ev *ev_poll_new(void)
{
	struct ev_poll *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->ev.ops = &poll_ops;
	return &p->ev;
}
