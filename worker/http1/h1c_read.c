/* h1c_read: what a client sends: heads, content, what comes ahead, and what is thrown away; see
 * h1c.h. */
#include <errno.h>

#include "common/check.h"
#include "worker/accept/client.h"
#include "worker/http1/h1c.h"
#include "worker/http1/h1c_head.h"
#include "worker/http2/h2_conn.h"
#include "worker/request/request.h"

/*
 * RFC 9113 §3.3: a client that knows we speak HTTP/2 begins with its preface. False: it is
 * HTTP/1. True: the bytes so far are the preface's, or the connection has changed hands and c is
 * gone (*gone).
 */
static bool speaks_http2(struct h1c *c, bool *gone)
{
	static const char preface[] = H2_PREFACE;
	struct str early = h1_in_rest(&c->in);
	size_t n = early.n < H2_PREFACE_LEN ? early.n : H2_PREFACE_LEN;

	*gone = false;
	if (memcmp(early.p, preface, n) != 0 || c->requests > 0 || c->role == ROLE_HEALTHZ ||
	    !c->conn.w->conf->use_http2)
		return false;
	if (n < H2_PREFACE_LEN)
		return n >= 3; /* "P" and "PR" may yet become POST or PROPFIND */
	*gone = true;
	if (client_http2(&c->conn, &c->peer, (enum listener_role)c->role, c->conn.tls != NULL,
			 early) == -1) {
		h1c_close(c, REASON_C_REFUSED, true);
		return true;
	}
	h1_in_clear(&c->in);
	client_forget(c->conn.w, c);
	c->magic = 0;
	slab_put(c->conn.w->clients, c);
	return true;
}

/* RFC 9113 §3.4: a connection error of type PROTOCOL_ERROR, behind our own preface. */
static void refuse_preface(struct h1c *c)
{
	static const char frames[] =
	    "\0\0\0\4\0\0\0\0\0"  /* SETTINGS */
	    "\0\0\10\7\0\0\0\0\0" /* GOAWAY, last stream 0, PROTOCOL_ERROR */
	    "\0\0\0\0\0\0\0\1";
	struct iovec iov = {(void *)(uintptr_t)frames, sizeof(frames) - 1};

	(void)conn_writev(&c->conn, &iov, 1);
	h1c_close(c, REASON_C_H2_ERROR, false);
}

void h1c_parse(struct h1c *c)
{
	bool first = c->state == H1C_IDLE, gone;

	h1c_state_is(c, H1C_HEAD);
	if (*h1_in_rest(&c->in).p == 'P' && speaks_http2(c, &gone)) {
		if (!gone && first)
			h1c_arm(c);
		return;
	}
	switch (h1c_head(c)) {
	case H1C_HEAD_MORE:
		if (first)
			h1c_arm(c); /* for the whole head, whatever progress it makes */
		break;
	case H1C_HEAD_REQUEST:
		h1c_state_is(c, H1C_BUSY);
		conn_no_deadline(&c->conn);
		if (!c->in.done && h1_in_rest(&c->in).n > 0)
			h1c_take_content(c);
		h1_in_trim(&c->in);
		break;
	case H1C_HEAD_REFUSED:
		h1c_state_is(c, H1C_BUSY);
		break;
	case H1C_HEAD_FOREIGN:
		refuse_preface(c);
		break;
	case H1C_HEAD_NO_MEMORY:
		h1c_close(c, REASON_C_REFUSED, true);
		break;
	}
}

bool h1c_read_head(struct h1c *c)
{
	ssize_t n =
	    h1_in_recv(&c->in, &c->conn, NULL, (uint32_t)c->conn.w->conf->client_header_bytes);

	if (n > 0) {
		h1c_count(c, STAT_CLIENT_RX_BYTES, (uint64_t)n);
		h1c_parse(c);
	} else if (n == 0) {
		h1c_close(c,
			  c->state == H1C_HEAD ? REASON_C_CLIENT_RESET
			  : c->requests == 0   ? REASON_C_NO_REQUEST
					       : REASON_C_CLIENT_CLOSED,
			  false);
	} else if (errno == ENOBUFS) {
		h1c_close(c, REASON_C_REFUSED, true);
	} else if (errno != EAGAIN) {
		h1c_close(c, REASON_C_CLIENT_RESET, false);
	} else {
		return false;
	}
	return true;
}

void h1c_take_content(struct h1c *c)
{
	struct request *r = c->side.request;
	uint64_t before = r->up.in;

	if (h1_in_content(&c->in, &r->up, &r->arena) == -1) {
		request_client_ended(r, REASON_BAD_BODY);
		return;
	}
	if (r->up.in != before || r->up.end)
		request_event(r, REQ_CLIENT_DATA);
}

/* Content of the request: into slices, or a large body into the kernel pipe. */
static ssize_t receive_content(struct h1c *c)
{
	struct request *r = c->side.request;
	ssize_t n;

	if (c->conn.tls != NULL || !h1_in_splices(&c->in, c->conn.w, &r->up)) {
		n = h1_in_recv(&c->in, &c->conn, &r->up, UINT32_MAX);
		if (n > 0)
			h1c_take_content(c);
	} else {
		n = h1_in_splice(&c->in, &c->conn, &r->up);
		if (n > 0)
			request_event(r, REQ_CLIENT_DATA);
		else if (n == -1 && errno == EAGAIN && !pipe_empty(&r->up))
			conn_want_less(&c->conn, EV_READ); /* the kernel pipe is full */
	}
	if (n > 0)
		r->rx_bytes += (uint64_t)n;
	return n;
}

/* Is there a place for what would be received? Enough may have been sent ahead already. */
static bool wants_bytes(const struct h1c *c)
{
	if (!c->in.done)
		return c->wanted && pipe_room(&c->side.request->up) > 0;
	return c->in.buf == NULL || chunk_space(c->in.buf) > 0;
}

/* The client has ended its direction: half of a tunnel, else it is gone (as nginx has it). */
static void ended(struct h1c *c, enum reason why)
{
	struct request *r = c->side.request;

	conn_want_less(&c->conn, EV_READ);
	if (c->tunnel && why == REASON_NONE) {
		c->in.done = true;
		r->up.end = true;
		request_event(r, REQ_CLIENT_DATA);
	} else {
		request_client_ended(r, why == REASON_NONE ? REASON_CLIENT_GONE : why);
	}
}

/* While a request is under way: its content, then what the client sends ahead. */
static void read_busy(struct h1c *c)
{
	ssize_t n;

	if (!wants_bytes(c)) {
		conn_want_less(&c->conn, EV_READ);
		return;
	}
	n = c->in.done ? h1_in_recv(&c->in, &c->conn, NULL, UINT32_MAX) : receive_content(c);
	if (n > 0) {
		h1c_count(c, STAT_CLIENT_RX_BYTES, (uint64_t)n);
		h1_in_trim(&c->in);
		h1c_arm(c);
	} else if (n == 0) {
		ended(c, REASON_NONE);
	} else if (errno != EAGAIN) {
		ended(c, errno == ENOBUFS ? REASON_NO_MEMORY : REASON_CLIENT_GONE);
	}
}

static void read_linger(struct h1c *c)
{
	static char waste[16384];
	ssize_t n = conn_recv(&c->conn, waste, sizeof(waste));

	if (n == 0 || (n == -1 && errno != EAGAIN))
		h1c_close(c, REASON_C_ERROR_ANSWERED, false);
	else if (ev_now_ms(c->conn.w->ev) >= c->linger_by_ms)
		h1c_close(c, REASON_C_ERROR_ANSWERED, false);
	else
		h1c_arm(c);
}

void h1c_readable(struct h1c *c)
{
	switch ((enum h1c_state)c->state) {
	case H1C_IDLE:
	case H1C_HEAD:
		(void)h1c_read_head(c);
		break;
	case H1C_BUSY:
		read_busy(c);
		break;
	case H1C_LINGER:
		read_linger(c);
		break;
	}
}

void h1c_read_hung_up(struct h1c *c)
{
	while (!c->in.done && pipe_room(&c->side.request->up) > 0 &&
	       c->side.request->client_end == REASON_NONE)
		read_busy(c);
}
