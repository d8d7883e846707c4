/*
 * stream_relay: bytes both ways until both are ended. See stream.h.
 *
 * A way receives while its pipe has room, and sends until its sink is full: a full sink stops the
 * reading of its source, and that is the whole of backpressure. The end of one direction is passed
 * on as a half-close. Bulk goes through a kernel pipe (flow/splice.h), which is given back whenever
 * it runs dry; an idle session holds no memory but its own.
 * A way breaks when its source is reset or its sink takes no more; the other one is still
 * relayed to its end, since an endpoint may answer and close without reading everything.
 */
#include <errno.h>

#include "common/check.h"
#include "common/net/net.h"
#include "worker/flow/splice.h"
#include "worker/stream/stream.h"

#define ROUNDS   16   /* receives a way may do before others have their turn */
#define TAIL_MIN 4096 /* less room than that at the end of a chunk is not received into */
#define IOV_MOST PIPE_SLICES

enum moved {
	MOVED,
	STUCK, /* nothing to do until the loop says so */
	DEAD,
	NO_MEMORY
};

/* --- receiving ------------------------------------------------------------------------------ */

static bool wants_kernel(const struct way *y, const struct worker *w)
{
	return y->bulk && y->pipe.kernel == NULL && y->pipe.bytes == 0 &&
	       y->bytes >= w->conf->splice_threshold_bytes;
}

static void leave_kernel(struct way *y)
{
	splice_close(y->pipe.kernel);
	y->pipe.kernel = NULL;
	y->bulk = false;
}

static enum moved received(struct way *y, ssize_t n)
{
	if (n > 0) {
		y->bytes += (uint64_t)n;
		return MOVED;
	}
	if (n == 0 && !y->torn) {
		y->ended = true;
		return MOVED;
	}
	return n == -1 && errno == EAGAIN ? STUCK : DEAD;
}

static enum moved receive_kernel(struct way *y, const struct conn *from)
{
	ssize_t n = splice_in(y->pipe.kernel, from->fd, SPLICE_PIPE_BYTES);
	enum moved m = received(y, n);

	if (m == STUCK && splice_bytes(y->pipe.kernel) == 0)
		leave_kernel(y); /* the source has nothing now */
	return m;
}

static enum moved receive_chunk(struct way *y, struct conn *from)
{
	struct chunk *c = pipe_tail(&y->pipe, TAIL_MIN);
	bool fresh = c == NULL;
	enum moved m;
	uint32_t at;
	ssize_t n;

	if (fresh)
		c = chunk_new(from->w->chunks);
	if (c == NULL) {
		stat_add(from->w->slot, STAT_SLAB_EXHAUSTED, 1);
		y->starved = true;
		return pipe_empty(&y->pipe) ? NO_MEMORY : STUCK;
	}
	y->starved = false;
	at = c->fill;
	n = conn_recv(from, c->data + at, chunk_space(c));
	y->bulk = n > 0 && (uint32_t)n == chunk_space(c);
	m = received(y, n);
	if (n > 0) {
		c->fill += (uint32_t)n;
		pipe_put(&y->pipe, c, at, (uint32_t)n);
	}
	if (fresh)
		chunk_unref(c);
	return m;
}

/* Room to receive into: a kernel pipe is emptied first. */
static bool has_room(const struct way *y)
{
	if (y->ended || y->broken || (y->starved && !pipe_empty(&y->pipe)))
		return false;
	return y->pipe.kernel != NULL ? splice_bytes(y->pipe.kernel) == 0 : pipe_room(&y->pipe) > 0;
}

static enum moved receive(struct way *y, struct conn *from)
{
	if (!has_room(y))
		return STUCK;
	if (wants_kernel(y, from->w))
		y->pipe.kernel = splice_open(from->w->splices);
	return y->pipe.kernel != NULL ? receive_kernel(y, from) : receive_chunk(y, from);
}

/* --- sending -------------------------------------------------------------------------------- */

static enum moved sent(ssize_t n)
{
	if (n > 0)
		return MOVED;
	return n == 0 || errno == EAGAIN ? STUCK : DEAD;
}

static enum moved send_some(struct way *y, struct conn *to)
{
	struct iovec iov[IOV_MOST];
	enum moved m;
	unsigned used;
	size_t bytes;
	ssize_t n;

	if (pipe_empty(&y->pipe))
		return STUCK;
	if (y->pipe.kernel != NULL)
		return sent(splice_out(y->pipe.kernel, to->fd, splice_bytes(y->pipe.kernel)));
	used = pipe_iov(&y->pipe, iov, IOV_MOST, SIZE_MAX, &bytes);
	n = conn_writev(to, iov, used);
	m = sent(n);
	if (m == MOVED)
		pipe_consume(&y->pipe, (size_t)n);
	return m;
}

/* --- one way -------------------------------------------------------------------------------- */

static void broke(struct stream *s, struct way *y, enum reason why)
{
	y->broken = true;
	pipe_clear(&y->pipe);
	if (s->broke == REASON_NONE)
		s->broke = why;
}

static enum reason reset_by(const struct stream *s, const struct conn *c)
{
	return c == &s->client ? REASON_S_CLIENT_RESET : REASON_S_UP_RESET;
}

/* True when anything moved. */
static bool turn(struct stream *s, struct way *y, struct conn *from, struct conn *to)
{
	enum moved in = receive(y, from), out;

	if (in == DEAD || in == NO_MEMORY) { /* who was reset takes nothing either */
		enum reason why = in == DEAD ? reset_by(s, from) : REASON_S_NO_MEMORY;

		broke(s, &s->up_way, why);
		broke(s, &s->down_way, why);
	}
	if (y->broken)
		return false;
	out = send_some(y, to);
	if (out == DEAD)
		broke(s, y, reset_by(s, to));
	return in == MOVED || out == MOVED;
}

static void pass_on_end(struct way *y, struct conn *to)
{
	if (!y->ended || y->closed || y->broken || !pipe_empty(&y->pipe))
		return;
	if (y->pipe.kernel != NULL)
		leave_kernel(y);
	conn_half_close(to);
	y->closed = true;
}

static void set_interest(const struct way *y, struct conn *from, struct conn *to)
{
	if (has_room(y))
		conn_want_more(from, EV_READ);
	else
		conn_want_less(from, EV_READ);
	if (!y->broken && !pipe_empty(&y->pipe))
		conn_want_more(to, EV_WRITE);
	else
		conn_want_less(to, EV_WRITE);
}

/* A connection that is out of the loop is not reported again: it is read to its end now, as far as
 * the sink takes it. */
static bool pump(struct stream *s, struct way *y, struct conn *from, struct conn *to)
{
	bool any = false;

	for (unsigned i = 0; (i < ROUNDS || from->hup) && turn(s, y, from, to); i++)
		any = true;
	pass_on_end(y, to);
	set_interest(y, from, to);
	return any;
}

/* --- both ----------------------------------------------------------------------------------- */

static bool is_over(const struct way *y)
{
	return y->closed || y->broken;
}

static void pump_both(struct stream *s)
{
	bool any = pump(s, &s->up_way, &s->client, &s->up);

	any |= pump(s, &s->down_way, &s->up, &s->client);
	if (is_over(&s->up_way) && is_over(&s->down_way))
		stream_end(s, s->broke == REASON_NONE ? REASON_S_DONE : s->broke);
	else if (any)
		conn_deadline(&s->client, s->client.w->conf->proxy_stream_timeout_ms);
}

/* Dead both ways. Reset, it takes nothing more either, and what it sent is cut; ended both ways,
 * the ways know already. */
static void hung_up(struct stream *s, struct conn *c, struct way *to_it, struct way *from_it)
{
	conn_hung_up(c);
	if (net_connect_error(c->fd) == 0)
		return;
	from_it->torn = true;
	if (!is_over(to_it))
		broke(s, to_it, reset_by(s, c));
}

static void up_ready(struct ev_fd *f, unsigned ready)
{
	struct stream *s = container_of(f, struct stream, up.ev);

	if ((ready & EV_HUP) != 0)
		hung_up(s, &s->up, &s->up_way, &s->down_way);
	pump_both(s);
}

void stream_client_ready(struct ev_fd *f, unsigned ready)
{
	struct stream *s = container_of(f, struct stream, client.ev);

	if (s->state == STREAM_CONNECTING) { /* only its death is reported now */
		stream_end(s, REASON_S_CLIENT_GONE);
		return;
	}
	if ((ready & EV_HUP) != 0)
		hung_up(s, &s->client, &s->down_way, &s->up_way);
	pump_both(s);
}

void stream_idle(struct timer *t)
{
	stream_end(container_of(t, struct stream, client.timer), REASON_S_IDLE);
}

void stream_relay(struct stream *s)
{
	s->state = STREAM_RELAYING;
	s->up.ev.fn = up_ready;
	conn_want_less(&s->up, EV_WRITE);
	conn_deadline(&s->client, s->client.w->conf->proxy_stream_timeout_ms);
	pump_both(s);
}
