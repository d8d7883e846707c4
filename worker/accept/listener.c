/*
 * listener: see listener.h.
 *
 * Waiting for a shortage to pass, and letting peers go first, is the same act: the sockets are
 * taken out of the loop until the resume timer. A worker never skips twice in a row,
 * so a connection that no peer was woken for waits SKIP_MS and not for ever.
 */
#include "worker/accept/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/net/net.h"
#include "worker/accept/client.h"
#include "worker/stream/stream.h"

#define ACCEPT_BATCH 16   /* most per socket and wake: no worker grabs a whole burst */
#define ACCEPT_STEP  4    /* full batches until the next one is twice as large */
#define SKIP_MS      1    /* peers take what is there within this time, or we do */
#define EXHAUSTED_MS 50   /* until descriptors are looked for again */
#define FAIR_MARGIN  32   /* connections above the mean before fairness matters */
#define LAST_ACCEPTS 1024 /* most taken before the sockets are closed */

struct listener {
	struct listeners *all;
	struct ev_fd watch;
	int fd; /* -1: closed */
	enum listener_role role;
	uint16_t port;       /* of a ROLE_STREAM */
	uint8_t batch, full; /* taken per wake; how often it was there whole */
};

struct listeners {
	struct worker *w;
	struct listener at[BOARD_LISTENS + WORKER_PORTS]; /* of TCP services behind the others */
	unsigned n;
	struct timer resume;
	int reserve;    /* a descriptor kept to be given up when there are none left */
	bool traffic;   /* the first table is there */
	bool skipped;   /* the last wake was left to the peers */
	bool exhausted; /* told once, until accepting works again */
};

static void interest(struct listeners *all, unsigned want, bool health_too)
{
	for (unsigned i = 0; i < all->n; i++)
		if (all->at[i].watch.fd != -1 && (health_too || all->at[i].role != ROLE_HEALTHZ))
			ev_want(all->w->ev, &all->at[i].watch, want);
}

static void pause_accepting(struct listeners *all, uint64_t ms, bool health_too)
{
	interest(all, 0, health_too);
	timer_set(all->w->timers, &all->resume, ev_now_ms(all->w->ev) + ms);
}

static void resume(struct timer *t)
{
	struct listeners *all = container_of(t, struct listeners, resume);

	if (all->reserve == -1)
		all->reserve = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	interest(all, EV_READ, true);
}

static uint64_t active(const struct slot *s)
{
	return atomic_load_explicit(&s->stats[STAT_CONN_ACTIVE], memory_order_relaxed);
}

/* The mean of the peers that accept; false when there is none. What a peer says is believed only
 * up to the limit: a worker gone mad must not make the others wait. */
static bool peers_mean(const struct worker *w, uint64_t *mean)
{
	unsigned slots = atomic_load_explicit(&w->board->slots, memory_order_relaxed);
	uint64_t sum = 0, n = 0;

	for (unsigned i = 0; i < slots && i < SLOT_MAX; i++) {
		const struct slot *s = w->peers[i];
		uint64_t a;

		if (s == NULL || i == w->index ||
		    atomic_load_explicit(&s->state, memory_order_relaxed) != SLOT_READY)
			continue;
		a = active(s);
		sum += a < w->conf->max_connections ? a : w->conf->max_connections;
		n++;
	}
	if (n == 0)
		return false;
	*mean = sum / n;
	return true;
}

/* Is it the peers' turn? */
static bool leave_to_peers(const struct listeners *all)
{
	uint64_t mine = active(all->w->slot), mean;

	if (all->skipped || mine <= FAIR_MARGIN || !peers_mean(all->w, &mean))
		return false;
	return mine >= all->w->conf->max_connections || mine > mean + mean / 4 + FAIR_MARGIN;
}

/* Over the limit, and the peers did not take it: say so instead of letting the client wait. */
static void refuse(struct listener *l, int fd)
{
	struct listeners *all = l->all;
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
				     "Content-Length: 0\r\nConnection: close\r\n\r\n";
	char sink[4096];

	if (l->role != ROLE_STREAM)
		(void)send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)recv(fd, sink, sizeof(sink), MSG_DONTWAIT); /* unread bytes would make it a reset */
	close(fd);
	reason_count(all->w->slot, REASON_C_REFUSED);
}

/* No descriptor: give the reserve up to refuse one connection in words, and wait. */
static void on_exhausted(struct listener *l, int error)
{
	struct listeners *all = l->all;

	stat_add(all->w->slot, STAT_FD_EXHAUSTED, 1);
	if (!all->exhausted)
		log_error("no descriptor or memory to accept with, waiting; raise max open files",
			  LOG_ERRNO(error));
	all->exhausted = true;
	if (all->reserve != -1) {
		struct addr peer;
		int fd;

		close(all->reserve);
		all->reserve = -1;
		fd = net_accept(l->fd, &peer);
		if (fd != -1)
			refuse(l, fd);
	}
	pause_accepting(all, EXHAUSTED_MS, true);
}

/* False: nothing more to take now. */
static bool accept_one(struct listener *l)
{
	struct listeners *all = l->all;
	struct addr peer;
	int fd = net_accept(l->fd, &peer);

	if (fd == -1) {
		if (errno == EAGAIN)
			return false;
		if (!net_accept_exhausted(errno))
			return true; /* it was reset in the queue: the next one */
		on_exhausted(l, errno);
		return false;
	}
	all->exhausted = false;
	if (l->role != ROLE_HEALTHZ &&
	    active(all->w->slot) - all->w->probes >= all->w->conf->max_connections &&
	    !client_make_room(all->w))
		refuse(l, fd);
	else if (l->role == ROLE_STREAM)
		stream_accept(all->w, fd, &peer, l->port);
	else
		client_accept(all->w, fd, &peer, l->role);
	return true;
}

/* As many as lately came per wake: most wakes are for one connection, and looking for a second
 * one costs a system call for nothing. What is left wakes us again. */
static void accept_batch(struct listener *l)
{
	for (unsigned i = 0; i < l->batch && l->fd != -1; i++)
		if (!accept_one(l)) {
			l->batch = 1;
			l->full = 0;
			return;
		}
	if (l->batch < ACCEPT_BATCH && ++l->full == ACCEPT_STEP) {
		l->batch *= 2;
		l->full = 0;
	}
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct listener *l = container_of(f, struct listener, watch);

	if (l->role != ROLE_HEALTHZ) {
		l->all->skipped = leave_to_peers(l->all);
		if (l->all->skipped) {
			pause_accepting(l->all, SKIP_MS, false);
			return;
		}
	}
	accept_batch(l);
}

static int watch(struct listener *l)
{
	return ev_add_shared(l->all->w->ev, &l->watch, l->fd, EV_READ, on_ready);
}

struct listeners *listeners_new(struct worker *w, const enum listener_role *roles, unsigned n)
{
	struct listeners *all;

	CHECK(n <= BOARD_LISTENS);
	all = calloc(1, sizeof(*all));
	if (all == NULL)
		return NULL;
	all->w = w;
	all->n = BOARD_LISTENS + WORKER_PORTS;
	for (unsigned i = 0; i < all->n; i++)
		all->at[i] = (struct listener){.watch = EV_FD_NONE, .fd = -1};
	timer_init(&all->resume, resume);
	all->reserve = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	for (unsigned i = 0; i < n; i++) {
		all->at[i] = (struct listener){.all = all,
					       .watch = EV_FD_NONE,
					       .fd = WORKER_FD_LISTEN + (int)i,
					       .role = roles[i],
					       .batch = 1};
		if (roles[i] == ROLE_HEALTHZ && watch(&all->at[i]) == -1) {
			listeners_free(all);
			return NULL;
		}
	}
	return all;
}

/*
 * What is queued may have woken us and nobody else: once we are gone nobody would look at it
 * until the next connection comes. So it is taken, and served while draining.
 */
static void accept_waiting(struct listener *l)
{
	for (unsigned i = 0; i < LAST_ACCEPTS && l->watch.fd != -1; i++)
		if (!accept_one(l))
			return;
}

int listeners_add(struct listeners *all, unsigned place, int fd, uint16_t port)
{
	struct listener *l = &all->at[BOARD_LISTENS + place];

	CHECK(place < WORKER_PORTS && l->fd == -1);
	*l = (struct listener){.all = all,
			       .watch = EV_FD_NONE,
			       .fd = fd,
			       .role = ROLE_STREAM,
			       .port = port,
			       .batch = 1};
	if (all->traffic && watch(l) == -1) {
		l->fd = -1;
		return -1;
	}
	return 0;
}

static void close_one(struct listener *l)
{
	accept_waiting(l);
	ev_del(l->all->w->ev, &l->watch);
	close(l->fd);
	l->fd = -1;
}

void listeners_remove(struct listeners *all, unsigned place)
{
	if (all->at[BOARD_LISTENS + place].fd != -1)
		close_one(&all->at[BOARD_LISTENS + place]);
}

void listeners_open_traffic(struct listeners *all)
{
	if (all->traffic)
		return;
	all->traffic = true;
	for (unsigned i = 0; i < all->n; i++)
		if (all->at[i].role != ROLE_HEALTHZ && all->at[i].fd != -1 &&
		    watch(&all->at[i]) == -1)
			BUG("listener: cannot watch a socket (errno %d)", errno);
}

void listeners_close(struct listeners *all, bool health_too)
{
	timer_cancel(all->w->timers, &all->resume);
	for (unsigned i = 0; i < all->n; i++) {
		struct listener *l = &all->at[i];

		if (l->fd == -1 || (l->role == ROLE_HEALTHZ && !health_too))
			continue;
		close_one(l);
	}
}

void listeners_share_port(struct listeners *all)
{
	int on = 1;

	for (unsigned i = 0; i < all->n; i++)
		if (all->at[i].fd != -1)
			(void)setsockopt(all->at[i].fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

void listeners_free(struct listeners *all)
{
	if (all == NULL)
		return;
	listeners_close(all, true);
	if (all->reserve != -1)
		close(all->reserve);
	free(all);
}
