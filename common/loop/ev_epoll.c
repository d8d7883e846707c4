/*
 * ev_epoll: the loop on epoll(7), level-triggered.
 *
 * The kernel carries the owner's pointer, so an event finds its owner without a lookup. While a
 * batch is delivered each owner knows its place in it: deleting an owner clears that place, which
 * is why no stale pointer is ever called. ev_del_closing() relies on close(2) removing the
 * registration, true as long as nobody else holds the open file.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/ev_ops.h"

#define BATCH 256

struct ev_epoll {
	struct ev ev;
	int epfd;
	int n;
	bool coarse; /* this system waits whole milliseconds only */
	struct epoll_event batch[BATCH];
};

static struct ev_epoll *self(struct ev *ev)
{
	return container_of(ev, struct ev_epoll, ev);
}

static uint32_t to_epoll(const struct ev_fd *f)
{
	return ((f->want & EV_READ) != 0 ? (uint32_t)EPOLLIN : 0) |
	       ((f->want & EV_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0) |
	       (f->shared ? (uint32_t)EPOLLEXCLUSIVE : 0);
}

static unsigned from_epoll(uint32_t events)
{
	return ((events & EPOLLIN) != 0 ? (unsigned)EV_READ : 0) |
	       ((events & EPOLLOUT) != 0 ? (unsigned)EV_WRITE : 0) |
	       ((events & (EPOLLHUP | EPOLLERR)) != 0 ? (unsigned)EV_HUP : 0);
}

static int ctl(struct ev *ev, int op, struct ev_fd *f)
{
	struct epoll_event e = {.events = to_epoll(f), .data.ptr = f};

	ev->ctl_calls++;
	return epoll_ctl(self(ev)->epfd, op, f->fd, &e);
}

static int epoll_backend_add(struct ev *ev, struct ev_fd *f)
{
	return ctl(ev, EPOLL_CTL_ADD, f);
}

/* An exclusive registration cannot be modified (epoll_ctl(2), EINVAL): it is made anew. Without
 * kernel memory for that the descriptor stays silent for a turn and is tried again. */
static void apply_shared(struct ev *ev, struct ev_fd *f)
{
	(void)ctl(ev, EPOLL_CTL_DEL, f); /* ENOENT after a failed try */
	f->applied = 0;
	if (ctl(ev, EPOLL_CTL_ADD, f) == 0) {
		f->applied = f->want;
	} else {
		CHECK(errno == ENOMEM || errno == ENOSPC);
		ev_queue(ev, f);
	}
}

static void epoll_backend_apply(struct ev *ev, struct ev_fd *f)
{
	if (f->shared) {
		apply_shared(ev, f);
		return;
	}
	if (ctl(ev, EPOLL_CTL_MOD, f) == -1)
		BUG("epoll: descriptor %d closed before ev_del (errno %d)", f->fd, errno);
	f->applied = f->want;
}

static void epoll_backend_del(struct ev *ev, struct ev_fd *f, bool closing)
{
	if (f->batched)
		self(ev)->batch[f->place].data.ptr = NULL;
	if (!closing)
		(void)ctl(ev, EPOLL_CTL_DEL, f);
}

static void epoll_backend_move(struct ev *ev, struct ev_fd *f)
{
	if (f->batched)
		self(ev)->batch[f->place].data.ptr = f;
	if (ctl(ev, EPOLL_CTL_MOD, f) == -1)
		BUG("epoll: descriptor %d closed before ev_move (errno %d)", f->fd, errno);
	f->applied = f->want;
}

/* epoll_pwait2(2) is of Linux 5.11, and a container's seccomp profile may be older than that. */
static int wait_fine(struct ev_epoll *ep, int64_t us)
{
	struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	int n = epoll_pwait2(ep->epfd, ep->batch, BATCH, &ts, NULL);

	if (n == -1 && errno != EINTR)
		ep->coarse = true;
	return n;
}

static int wait_coarse(struct ev_epoll *ep, int64_t us)
{
	int64_t ms = us == -1 ? -1 : (us + 999) / 1000;

	return epoll_wait(ep->epfd, ep->batch, BATCH, ms > INT_MAX ? INT_MAX : (int)ms);
}

static int epoll_backend_wait(struct ev *ev, int64_t timeout_us)
{
	struct ev_epoll *ep = self(ev);
	bool fine = timeout_us > 0 && timeout_us % 1000 != 0 && !ep->coarse;
	int n = fine ? wait_fine(ep, timeout_us) : wait_coarse(ep, timeout_us);

	if (n == -1 && fine && ep->coarse)
		n = wait_coarse(ep, timeout_us);
	if (n == -1) {
		CHECK(errno == EINTR);
		n = 0;
	}
	ep->n = n;
	for (int i = 0; i < n; i++) {
		struct ev_fd *f = ep->batch[i].data.ptr;

		f->place = (uint32_t)i;
		f->batched = true;
	}
	return n;
}

static int epoll_backend_deliver(struct ev *ev)
{
	struct ev_epoll *ep = self(ev);
	int calls = 0;

	for (int i = 0; i < ep->n; i++) {
		struct ev_fd *f = ep->batch[i].data.ptr;

		if (f == NULL)
			continue;
		f->batched = false;
		calls += ev_deliver(ev, f, from_epoll(ep->batch[i].events));
	}
	ep->n = 0;
	return calls;
}

static void epoll_backend_free(struct ev *ev)
{
	(void)close(self(ev)->epfd);
	free(self(ev));
}

static const struct ev_ops epoll_ops = {
    .free = epoll_backend_free,
    .add = epoll_backend_add,
    .apply = epoll_backend_apply,
    .del = epoll_backend_del,
    .move = epoll_backend_move,
    .wait = epoll_backend_wait,
    .deliver = epoll_backend_deliver,
};

struct ev *ev_epoll_new(void)
{
	struct ev_epoll *ep = calloc(1, sizeof(*ep));

	if (ep == NULL)
		return NULL;
	ep->ev.ops = &epoll_ops;
	ep->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (ep->epfd == -1) {
		free(ep);
		return NULL;
	}
	return &ep->ev;
}
