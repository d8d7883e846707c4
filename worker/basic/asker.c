/* asker: see asker.h. */
#include "worker/basic/asker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/timer.h"
#include "worker/request/driver.h"

#define ANSWERS_A_TURN 64

TAILQ_HEAD(wait_list, asker_wait);

struct asker {
	struct worker *w;
	struct ev_fd f;
	struct timer late; /* when the oldest question is given up */
	struct wait_list open;
	unsigned n_open;
	uint64_t next_id;
	struct known *known;
};

static uint64_t now(const struct asker *a)
{
	return ev_now_ms(a->w->ev);
}

static void arm(struct asker *a)
{
	const struct asker_wait *oldest = TAILQ_FIRST(&a->open);

	if (oldest == NULL)
		timer_cancel(a->w->timers, &a->late);
	else
		timer_set(a->w->timers, &a->late, oldest->by_ms);
}

static void leave(struct asker *a, struct asker_wait *w)
{
	TAILQ_REMOVE(&a->open, w, link);
	a->n_open--;
	explicit_bzero(&w->ask, w->n);
}

static void end(struct asker *a, struct asker_wait *w, unsigned how)
{
	leave(a, w);
	w->done(w, how);
}

/* ---- the channel --------------------------------------------------------------------- */

static void detach(struct asker *a)
{
	int fd = a->f.fd;

	if (fd == -1)
		return;
	ev_del(a->w->ev, &a->f);
	(void)close(fd);
}

static void ask_anew(struct asker *a)
{
	struct asker_wait *w;

	TAILQ_FOREACH (w, &a->open, link)
		w->sent = false;
}

static void channel_lost(struct asker *a)
{
	detach(a);
	ask_anew(a);
}

static void send_open(struct asker *a)
{
	struct asker_wait *w;

	if (a->f.fd == -1)
		return;
	TAILQ_FOREACH (w, &a->open, link) {
		if (w->sent || w->follows)
			continue;
		if (send(a->f.fd, &w->ask, w->n, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
			break; /* EAGAIN: when writable; EPIPE: the read side notices */
		w->sent = true;
	}
	ev_want(a->w->ev, &a->f, w == NULL ? EV_READ : EV_READ | EV_WRITE);
}

static struct asker_wait *by_id(struct asker *a, uint64_t id)
{
	struct asker_wait *w;

	TAILQ_FOREACH (w, &a->open, link)
		if (w->ask.head.id == id && w->sent)
			return w;
	return NULL; /* given up meanwhile */
}

static bool same(const struct asker_wait *w, const struct known_digest *d)
{
	return memcmp(&w->digest, d, sizeof(*d)) == 0;
}

/* All that ask the same are answered. */
static void answered(struct asker *a, const struct asker_wait *asked, unsigned verdict)
{
	struct known_digest d = asked->digest;
	struct asker_wait *w, *next;

	if (verdict == BASIC_RIGHT)
		known_add(a->known, &d, now(a));
	for (w = TAILQ_FIRST(&a->open); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (same(w, &d))
			end(a, w, verdict);
	}
	arm(a);
}

static bool take(struct asker *a, const struct basic_reply *r, size_t n)
{
	const struct asker_wait *w;

	if (n != sizeof(*r) || r->verdict < BASIC_RIGHT || r->verdict > BASIC_UNKNOWN)
		return false;
	w = by_id(a, r->id);
	if (w != NULL)
		answered(a, w, r->verdict);
	return true;
}

static void on_channel(struct ev_fd *f, unsigned ready)
{
	struct asker *a = container_of(f, struct asker, f);
	struct basic_reply r;

	for (int i = 0; i < ANSWERS_A_TURN && a->f.fd != -1; i++) {
		ssize_t n = recv(a->f.fd, &r, sizeof(r), MSG_DONTWAIT);

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0 || !take(a, &r, (size_t)n))
			channel_lost(a);
	}
	if ((ready & EV_WRITE) != 0)
		send_open(a);
	driver_run(a->w);
}

int asker_attach(struct asker *a, int fd)
{
	detach(a);
	ask_anew(a);
	if (ev_add(a->w->ev, &a->f, fd, EV_READ, on_channel) == -1) {
		(void)close(fd);
		return -1;
	}
	send_open(a);
	return 0;
}

/* ---- asking -------------------------------------------------------------------------- */

static void on_late(struct timer *t)
{
	struct asker *a = container_of(t, struct asker, late);
	struct asker_wait *w;

	while ((w = TAILQ_FIRST(&a->open)) != NULL && w->by_ms <= now(a)) {
		asker_forget(a, w);
		w->done(w, ASKER_LATE);
	}
	driver_run(a->w);
}

struct known_digest asker_digest(const struct asker *a, uint64_t list, struct str user,
				 struct str password)
{
	return known_digest(a->known, list, user, password);
}

bool asker_knows(const struct asker *a, const struct known_digest *d)
{
	return known_has(a->known, d, now(a));
}

static bool somebody_asks(struct asker *a, const struct known_digest *d)
{
	struct asker_wait *w;

	TAILQ_FOREACH (w, &a->open, link)
		if (same(w, d))
			return true;
	return false;
}

bool asker_ask(struct asker *a, struct asker_wait *w, uint64_t list, struct str user,
	       struct str password)
{
	if (a->n_open >= ASKER_WAITING_MAX)
		return false;
	w->follows = somebody_asks(a, &w->digest);
	w->sent = false;
	w->by_ms = now(a) + BASIC_WAIT_MS;
	w->ask.head.id = ++a->next_id;
	w->ask.head.list = list;
	w->n = basic_ask_write(&w->ask, user, password);
	TAILQ_INSERT_TAIL(&a->open, w, link);
	a->n_open++;
	if (!w->follows)
		send_open(a);
	arm(a);
	return true;
}

/* Whoever asked the same after it asks now. */
static void pass_on(struct asker *a, const struct known_digest *d)
{
	struct asker_wait *w;

	TAILQ_FOREACH (w, &a->open, link) {
		if (!same(w, d))
			continue;
		w->follows = false;
		send_open(a);
		return;
	}
}

void asker_forget(struct asker *a, struct asker_wait *w)
{
	struct known_digest d = w->digest;
	bool asked = !w->follows;

	leave(a, w);
	if (asked)
		pass_on(a, &d);
	arm(a);
}

/* ---- life ---------------------------------------------------------------------------- */

struct asker *asker_of(struct worker *w)
{
	struct asker *a = w->asker;

	if (a != NULL)
		return a;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->w = w;
	a->f = EV_FD_NONE;
	a->known = known_new();
	if (a->known == NULL) {
		free(a);
		return NULL;
	}
	TAILQ_INIT(&a->open);
	timer_init(&a->late, on_late);
	w->asker = a;
	return a;
}

void asker_free(struct asker *a)
{
	if (a == NULL)
		return;
	CHECK(TAILQ_EMPTY(&a->open));
	timer_cancel(a->w->timers, &a->late);
	detach(a);
	known_free(a->known);
	a->w->asker = NULL;
	free(a);
}
