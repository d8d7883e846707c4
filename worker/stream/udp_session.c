/* udp_session: who talks to which endpoint. See udp.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/net/net.h"
#include "worker/log/access_log.h"
#include "worker/log/stream_line.h"
#include "worker/stream/stream.h"
#include "worker/stream/udp.h"
#include "worker/upstream/pick.h"

#define BUCKETS 4096u /* power of two */
#define BATCH   16    /* datagrams of an endpoint before others have their turn */

struct udp {
	struct slab *slab;
	uint64_t seed;                          /* clients choose their addresses */
	TAILQ_HEAD(udp_ages, udp_session) ages; /* silent longest first */
	LIST_HEAD(, udp_session) buckets[BUCKETS];
	char buffer[UDP_MOST];
};

int udp_init(struct worker *w)
{
	w->udp = calloc(1, sizeof(*w->udp));
	if (w->udp == NULL)
		return -1;
	TAILQ_INIT(&w->udp->ages);
	w->udp->seed = w->rng;
	w->udp->slab =
	    slab_new("udp sessions", sizeof(struct udp_session), w->conf->max_connections);
	return w->udp->slab == NULL ? -1 : 0;
}

char *udp_buffer(struct worker *w)
{
	return w->udp->buffer;
}

size_t udp_sessions(const struct worker *w)
{
	return w->udp == NULL ? 0 : slab_used(w->udp->slab);
}

/* --- the end -------------------------------------------------------------------------------- */

static void log_line(struct worker *w, const struct udp_port *p, const struct udp_path *path,
		     struct stream_record *r)
{
	r->protocol = "UDP";
	r->port = p->port;
	addr_from_sockaddr(&path->client.sa, &r->client);
	reason_count(w->slot, r->reason);
	if (!w->conf->disable_stream_access_log && !w->conf->disable_access_log)
		access_log_stream(w->access_log, r, moment_read(&w->clock, ev_now_us(w->ev)));
}

static void end(struct udp_session *s, enum reason why)
{
	struct worker *w = s->port->w;
	struct stream_record r = {.cluster = stream_name(w, s->cluster),
				  .tries = &s->endpoint,
				  .n_tries = 1,
				  .reason = why,
				  .received = s->received,
				  .sent = s->sent,
				  .start_us = s->start_us};

	log_line(w, s->port, &s->path, &r);
	stat_add(w->slot, STAT_STREAM_RX_BYTES, s->received);
	stat_add(w->slot, STAT_STREAM_TX_BYTES, s->sent);
	stat_sub(w->slot, STAT_STREAM_ACTIVE, 1);
	timer_cancel(w->timers, &s->timer);
	ev_del_closing(w->ev, &s->watch);
	close(s->fd);
	LIST_REMOVE(s, bucket);
	TAILQ_REMOVE(&w->udp->ages, s, age);
	udp_port_left(s->port);
	slab_put(w->udp->slab, s);
}

static void refuse(struct udp_port *p, const struct udp_path *path, size_t n, enum reason why)
{
	struct stream_record r = {.reason = why, .received = n, .start_us = ev_now_us(p->w->ev)};

	struct stream_view v;

	if (table_stream(p->w->table, TRANSPORT_UDP, p->port, &v))
		r.cluster = stream_name(p->w, v.cluster);
	stat_add(p->w->slot, STAT_STREAM_SESSIONS, 1);
	stat_add(p->w->slot, STAT_STREAM_DROPPED, 1);
	log_line(p->w, p, path, &r);
}

static void on_late(struct timer *t)
{
	end(container_of(t, struct udp_session, timer), REASON_S_IDLE);
}

/* Something came or went: it is the youngest now. */
static void touch(struct udp_session *s)
{
	struct worker *w = s->port->w;
	uint64_t ms = w->conf->proxy_stream_timeout_ms;

	if (w->draining && ms > UDP_DRAIN_MS)
		ms = UDP_DRAIN_MS;
	timer_set(w->timers, &s->timer, ev_now_ms(w->ev) + ms);
	TAILQ_REMOVE(&w->udp->ages, s, age);
	TAILQ_INSERT_TAIL(&w->udp->ages, s, age);
}

/* --- from the endpoint ---------------------------------------------------------------------- */

static bool is_answered(const struct udp_session *s)
{
	return s->responses >= s->port->w->conf->proxy_stream_responses * (uint64_t)s->requests;
}

/* False: nothing more now, or s is gone. */
static bool answer_one(struct udp_session *s)
{
	struct worker *w = s->port->w;
	ssize_t n = recv(s->fd, w->udp->buffer, UDP_MOST, 0);

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n == -1) {
		end(s, REASON_S_UP_RESET);
		return false;
	}
	s->responses++;
	if (udp_answer(s, w->udp->buffer, (size_t)n))
		s->sent += (uint64_t)n;
	else
		stat_add(w->slot, STAT_STREAM_DROPPED, 1);
	touch(s);
	if (!is_answered(s))
		return true;
	end(s, REASON_S_DONE);
	return false;
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct udp_session *s = container_of(f, struct udp_session, watch);

	for (unsigned i = 0; i < BATCH && answer_one(s); i++)
		;
}

/* --- from the client ------------------------------------------------------------------------ */

static unsigned bucket_of(const struct worker *w, const struct udp_path *path)
{
	return (unsigned)hash_str(str_make((const char *)path, sizeof(*path)), w->udp->seed) &
	       (BUCKETS - 1);
}

/* Paths are zeroed before they are filled in (udp_port.c), padding included. */
static bool same_path(const struct udp_path *a, const struct udp_path *b)
{
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct udp_session *find(const struct udp_port *p, const struct udp_path *path)
{
	struct udp_session *s;

	LIST_FOREACH (s, &p->w->udp->buckets[bucket_of(p->w, path)], bucket)
		if (s->port == p && same_path(&s->path, path))
			return s;
	return NULL;
}

/* The endpoint of a session to be, and whose it is. */
static bool pick(struct udp_port *p, struct addr *endpoint, uint64_t *cluster)
{
	struct worker *w = p->w;
	struct pick_ask ask = {.now_ms = ev_now_ms(w->ev), .eject = w->eject};
	struct cluster_view c;
	struct stream_view v;

	if (!table_stream(w->table, TRANSPORT_UDP, p->port, &v))
		return false;
	*cluster = v.cluster;
	return table_cluster(w->table, v.cluster, &c) &&
	       pick_endpoint(w->picker, &c, &ask, endpoint);
}

static struct udp_session *room(struct worker *w)
{
	struct udp_session *s = slab_get(w->udp->slab);

	if (s != NULL || TAILQ_EMPTY(&w->udp->ages))
		return s;
	end(TAILQ_FIRST(&w->udp->ages), REASON_S_EVICTED);
	return slab_get(w->udp->slab);
}

/* Of s: descriptor and watch. 0, or -1 with errno. */
static int open_socket(struct worker *w, struct udp_session *s)
{
	s->fd = net_udp_connect(&s->endpoint);
	if (s->fd == -1)
		return -1;
	if (ev_add(w->ev, &s->watch, s->fd, EV_READ, on_ready) == 0)
		return 0;
	close(s->fd);
	return -1;
}

static struct udp_session *begin(struct udp_port *p, const struct udp_path *path, size_t n)
{
	struct worker *w = p->w;
	struct udp_session *s;
	struct addr endpoint;
	uint64_t cluster;

	if (!pick(p, &endpoint, &cluster)) {
		refuse(p, path, n, REASON_S_NO_SERVICE);
		return NULL;
	}
	s = room(w);
	if (s == NULL) {
		refuse(p, path, n, REASON_S_NO_MEMORY);
		return NULL;
	}
	memset(s, 0, sizeof(*s));
	s->port = p;
	s->path = *path;
	s->endpoint = endpoint;
	s->cluster = cluster;
	s->watch = EV_FD_NONE;
	s->start_us = ev_now_us(w->ev);
	timer_init(&s->timer, on_late);
	if (open_socket(w, s) == -1) {
		slab_put(w->udp->slab, s);
		refuse(p, path, n, REASON_S_NO_DESCRIPTOR);
		return NULL;
	}
	p->n_sessions++;
	LIST_INSERT_HEAD(&w->udp->buckets[bucket_of(w, path)], s, bucket);
	TAILQ_INSERT_TAIL(&w->udp->ages, s, age);
	stat_add(w->slot, STAT_STREAM_SESSIONS, 1);
	stat_add(w->slot, STAT_STREAM_ACTIVE, 1);
	return s;
}

void udp_datagram(struct udp_port *p, const struct udp_path *path, const void *data, size_t n)
{
	struct udp_session *s = find(p, path);

	if (s == NULL)
		s = begin(p, path, n);
	if (s == NULL)
		return;
	s->requests++;
	s->received += n;
	touch(s);
	if (send(s->fd, data, n, MSG_NOSIGNAL) == -1) {
		stat_add(p->w->slot, STAT_STREAM_DROPPED, 1);
		if (errno != EAGAIN && errno != ENOBUFS && errno != EMSGSIZE) {
			end(s, REASON_S_UP_RESET); /* the next one begins a new session */
			return;
		}
	}
	if (is_answered(s)) /* no answer is expected at all */
		end(s, REASON_S_DONE);
}

/* --- draining ------------------------------------------------------------------------------- */

void udp_drain(struct worker *w)
{
	struct udp_session *s;
	uint64_t by = ev_now_ms(w->ev) + UDP_DRAIN_MS;

	TAILQ_FOREACH (s, &w->udp->ages, age)
		if (s->timer.due > by)
			timer_set(w->timers, &s->timer, by);
}

void udp_cut_all(struct worker *w)
{
	while (w->udp != NULL && !TAILQ_EMPTY(&w->udp->ages))
		end(TAILQ_FIRST(&w->udp->ages), REASON_S_SHUTDOWN);
}
