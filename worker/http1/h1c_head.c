/* h1c_head: see h1c_head.h. */
#include "worker/http1/h1c_head.h"

#include "worker/request/driver.h"
#include "worker/request/request.h"

#define HEAD_IN_ARENA  3072 /* larger heads stay in their receive buffer */
#define FIELDS_TO_ADD  19   /* what step rewrite may append */
#define ARRAY_IN_ARENA 3840

static struct h1_limits limits_of(const struct conf *conf)
{
	return (struct h1_limits){
	    .start_line_max = (uint32_t)conf->client_header_line_bytes,
	    .line_max = (uint32_t)conf->client_header_line_bytes,
	    .head_max = (uint32_t)conf->client_header_bytes,
	    .fields_max = (uint16_t)conf->max_header_fields,
	    .underscores = conf->underscores_in_headers,
	    .odd_names = !conf->ignore_invalid_headers,
	};
}

/* A string that borrows from `from` borrows from the copy at `to` now. */
static void move_str(const char **p, const char *from, size_t n, const char *to)
{
	if ((uintptr_t)*p >= (uintptr_t)from && (uintptr_t)*p < (uintptr_t)from + n)
		*p = to + (*p - from);
}

static void move_head(struct head *h, const char *from, size_t n, const char *to)
{
	move_str(&h->method_text.p, from, n, to);
	move_str(&h->target.p, from, n, to);
	move_str(&h->authority.p, from, n, to);
	move_str(&h->host.p, from, n, to);
	move_str(&h->upgrade_proto.p, from, n, to);
	for (uint16_t i = 0; i < h->n_fields; i++) {
		move_str(&h->fields[i].name, from, n, to);
		move_str(&h->fields[i].value, from, n, to);
	}
}

/* The request's own array of fields, with room for those that are added. */
static int keep_fields(struct request *r)
{
	struct head *h = &r->in;
	uint16_t cap = (uint16_t)(h->n_fields + FIELDS_TO_ADD);
	size_t bytes = cap * sizeof(struct field);
	struct field *to;

	if (bytes <= ARRAY_IN_ARENA) {
		to = arena_alloc(&r->arena, bytes);
	} else {
		r->in_array = chunk_new_large((uint32_t)bytes);
		to = r->in_array == NULL ? NULL : (struct field *)(void *)r->in_array->data;
	}
	if (to == NULL)
		return -1;
	memcpy(to, h->fields, h->n_fields * sizeof(*to));
	h->fields = to;
	h->cap_fields = cap;
	return 0;
}

/* The bytes of the head, for the request's life. */
static int keep_bytes(struct request *r, struct h1c *c, struct str head)
{
	char *to;

	if (head.n > HEAD_IN_ARENA) {
		r->in_bytes = chunk_ref(c->in.buf);
		return 0;
	}
	to = arena_alloc(&r->arena, head.n);
	if (to == NULL)
		return -1;
	memcpy(to, head.p, head.n);
	move_head(&r->in, head.p, head.n, to);
	return 0;
}

static struct request *new_request(struct h1c *c)
{
	struct worker *w = c->conn.w;
	struct request *r = request_new(w, &c->side);

	if (r == NULL)
		return NULL;
	r->role = (enum listener_role)c->role;
	r->peer = c->peer;
	r->to_port = c->conn.to_port;
	r->tls = c->conn.tls;
	r->secure = c->conn.tls != NULL;
	c->keep = c->last = false;
	return r;
}

/* Without a request there is no step to answer: say it in the plainest way. */
static enum h1c_head_result no_memory(struct h1c *c)
{
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
				     "Content-Length: 0\r\nConnection: close\r\n\r\n";
	struct iovec iov = {(void *)answer, sizeof(answer) - 1};

	(void)conn_writev(&c->conn, &iov, 1);
	return H1C_HEAD_NO_MEMORY;
}

enum h1c_head_result h1c_refuse(struct h1c *c, uint16_t status, enum reason why)
{
	struct request *r = new_request(c);

	if (r == NULL)
		return no_memory(c);
	r->in = (struct head){.version = 11};
	c->in.done = false; /* where the next message would begin is unknown */
	c->in.framing = FRAMING_NONE;
	r->rx_bytes = h1_in_rest(&c->in).n;
	(void)request_reply(r, status, why);
	driver_post(r);
	return H1C_HEAD_REFUSED;
}

static enum h1c_head_result begin(struct h1c *c, const struct head *h, struct str bytes)
{
	struct request *r = new_request(c);

	if (r == NULL)
		return no_memory(c);
	r->in = *h;
	r->rx_bytes = bytes.n;
	if (keep_fields(r) == -1 || keep_bytes(r, c, bytes) == -1)
		return (void)request_reply(r, 503, REASON_NO_MEMORY), driver_post(r),
		       c->in.done = false, H1C_HEAD_REFUSED;
	c->last = !h->keep_alive;
	h1_in_head_done(&c->in, bytes.n, (enum framing)h->framing, h->length);
	r->up.end = c->in.done;
	driver_post(r);
	return H1C_HEAD_REQUEST;
}

/* The next word of a line, without the blank behind it. */
static struct str word(struct str *rest)
{
	ptrdiff_t blank = str_chr(*rest, ' ');
	struct str w = blank == -1 ? *rest : str_make(rest->p, (size_t)blank);

	*rest = blank == -1 ? STR_NONE : str_from_at(*rest, (size_t)blank + 1);
	return w;
}

/*
 * Where HTTP/2 is spoken too, a connection may begin with its preface. Three words of which the
 * first is no method we know and the last does not speak of HTTP are no request of HTTP/1; nor is
 * a preface that goes on otherwise.
 */
static bool is_foreign(const struct h1c *c, struct str rest)
{
	ptrdiff_t cr = str_chr(rest, '\r');
	struct str line = cr == -1 ? rest : str_make(rest.p, (size_t)cr), method, version;

	if (c->requests > 0 || c->role == ROLE_HEALTHZ || !c->conn.w->conf->use_http2)
		return false;
	if (str_starts(rest, STR("PRI * HTTP/2.0\r\n")))
		return true;
	method = word(&line);
	(void)word(&line);
	version = word(&line);
	return method_parse(method) == METHOD_OTHER && version.n > 0 && line.n == 0 &&
	       !str_ieq(str_head(version, 4), STR("http"));
}

enum h1c_head_result h1c_head(struct h1c *c)
{
	struct worker *w = c->conn.w;
	struct h1_limits limits = limits_of(w->conf);
	struct str rest = h1_in_rest(&c->in);
	struct head h = {.fields = w->fields, .cap_fields = (uint16_t)w->conf->max_header_fields};
	struct h1_refusal refusal;
	size_t used;

	switch (h1_parse_request(rest, &limits, &c->in.scan, &h, &used, &refusal)) {
	case H1_INCOMPLETE:
		return H1C_HEAD_MORE;
	case H1_REFUSED:
		if (is_foreign(c, rest))
			return H1C_HEAD_FOREIGN;
		return h1c_refuse(c, refusal.status, refusal.reason);
	case H1_DONE:
		break;
	}
	return begin(c, &h, str_make(rest.p, used));
}
