/*
 * step head: what the head alone decides, before any route: the healthz listener, requests about
 * the server itself (RFC 9110 §7.6.2, §9.3.7), methods that are not served.
 */
#include "common/check.h"
#include "worker/admin/admin.h"
#include "worker/request/driver.h"
#include "worker/tls/tls_conn.h"
#include "worker/wire/path.h"
#include "worker/metrics/scrape.h"

/* The normal form; false for a path that cannot be. */
static bool normal_path(struct request *r)
{
	struct path p;
	char *buf = NULL;

	/* Nearly always the path is normal as it came, and buf is not needed. */
	if (r->in.target.n > 0) {
		buf = arena_alloc(&r->arena, r->in.target.n);
		if (buf == NULL) {
			r->path_bytes = chunk_new_large((uint32_t)r->in.target.n);
			buf = r->path_bytes == NULL ? NULL : r->path_bytes->data;
		}
	}
	if (buf == NULL || path_normalise(r->in.target, buf, &p) == -1)
		return false;
	r->path = p.path;
	r->query = p.query;
	return true;
}

static enum step_next answer_admin(struct request *r)
{
	struct admin_answer a = {.status = 500};

	admin_answer(r->w, &r->in, r->path, &a);
	r->page = str_make(a.body, a.body_n);
	r->page_heap = a.body;
	r->page_type = a.content_type;
	r->scrape = a.scrape;
	if (r->scrape != NULL)
		scrape_attach(r->scrape, r);
	return request_reply(r, a.status, REASON_LOCAL);
}

/* Are we the last to see it? Also counts Max-Forwards down. */
static bool ends_here(struct request *r)
{
	const struct field *f = head_find(&r->in, FIELD_MAX_FORWARDS);
	uint64_t n;

	if (r->in.form == TARGET_ASTERISK)
		return true;
	if (f == NULL || !str_u64(str_make(f->value, f->value_n), UINT32_MAX, &n))
		return false;
	r->max_forwards = (uint32_t)n;
	r->has_max_forwards = true;
	return n == 0;
}

/* RFC 8470 §3: early data may be somebody else's, sent again. */
static bool may_be_early(const struct request *r)
{
	return (r->in.method == METHOD_GET || r->in.method == METHOD_HEAD ||
		r->in.method == METHOD_OPTIONS) &&
	       r->in.framing == FRAMING_NONE && !r->in.upgrade;
}

enum step_next step_head(struct request *r)
{
	r->early = r->tls != NULL && !tls_conn_shaken(r->tls);
	if (r->early && !may_be_early(r))
		return request_reply(r, 425, REASON_TOO_EARLY);
	if (r->in.method == METHOD_CONNECT || r->in.method == METHOD_TRACE)
		return request_reply(r, 405, REASON_METHOD_REFUSED);
	if (!normal_path(r))
		return request_reply(r, 400, REASON_BAD_REQUEST);
	if (r->role == ROLE_HEALTHZ)
		return answer_admin(r);
	if (r->in.method == METHOD_OPTIONS && ends_here(r)) {
		r->allow = true;
		return request_reply(r, 200, REASON_LOCAL);
	}
	return STEP_NEXT;
}
