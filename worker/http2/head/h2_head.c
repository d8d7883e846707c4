/* h2_head: see h2_head.h. */
#include "worker/http2/head/h2_head.h"

#include "worker/wire/h1_char.h"
#include "worker/wire/h1_target.h"

#define WEBSOCKET_KEY_LEN 24 /* RFC 6455 §4.1: 16 random bytes in base64 */

static bool same_authority(struct str a, struct str b)
{
	return a.n == 0 || b.n == 0 || str_ieq(a, b);
}

static bool path_ok(struct head *h)
{
	h->form = TARGET_ORIGIN;
	if (h->target.n == 1 && h->target.p[0] == '*') {
		h->form = TARGET_ASTERISK;
		return h->method == METHOD_OPTIONS;
	}
	return h->target.n > 0 && h->target.p[0] == '/' &&
	       h1_all(h->target.p, h->target.n, H1_TARGET);
}

static void framing(struct head *h, const struct h2_fields *f, bool end)
{
	h->has_length = f->n_lengths > 0;
	h->length = f->length;
	h->framing = end || (h->has_length && h->length == 0) ? FRAMING_NONE
		     : h->has_length                          ? FRAMING_LENGTH
							      : FRAMING_CHUNKED;
}

/* The key is ours, since the client of RFC 8441 has none; the origin's answer to it is dropped. */
static bool websocket_key(struct request *r)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *key = arena_alloc(&r->arena, WEBSOCKET_KEY_LEN);
	struct worker *w = r->w;

	if (key == NULL)
		return false;
	for (int i = 0; i < 22; i++) {
		w->rng ^= w->rng << 13;
		w->rng ^= w->rng >> 7;
		w->rng ^= w->rng << 17;
		key[i] = digits[w->rng >> 40 & 63];
	}
	key[21] = digits[(w->rng >> 20 & 3) << 4]; /* 128 bits: the last digit carries two */
	key[22] = key[23] = '=';
	head_drop(&r->in, FIELD_SEC_WEBSOCKET_KEY);
	return head_add(&r->in, FIELD_SEC_WEBSOCKET_KEY, STR("sec-websocket-key"),
			str_make(key, WEBSOCKET_KEY_LEN)) == 0;
}

/* RFC 8441 §4. */
static enum h2_verdict extended_connect(struct request *r, struct h2_fields *f, bool end)
{
	struct head *h = &r->in;

	if (!str_ieq(f->protocol, STR("websocket"))) {
		f->fault = H1_FAULT_TE_CODING; /* 501 */
		return H2_HEAD_REFUSED;
	}
	if (end || f->n_lengths > 0)
		return H2_HEAD_MALFORMED;
	h->method = METHOD_GET;
	h->method_text = STR("GET");
	h->upgrade = true;
	h->upgrade_proto = STR("websocket");
	h->framing = FRAMING_NONE;
	return websocket_key(r) ? H2_HEAD_OK : H2_HEAD_MALFORMED;
}

enum h2_verdict h2_head_request(struct request *r, struct h2_fields *f, bool end, bool *extended)
{
	struct head *h = &r->in;

	h->version = 20;
	h->keep_alive = true;
	if (f->malformed)
		return H2_HEAD_MALFORMED;
	if (f->fault != H1_OK)
		return H2_HEAD_REFUSED;
	if (!h1_all(h->method_text.p, h->method_text.n, H1_TOKEN) || h->method_text.n == 0 ||
	    !same_authority(f->authority, f->host) ||
	    h1_set_authority(h, f->authority.n > 0 ? f->authority : f->host) != H1_OK)
		return H2_HEAD_MALFORMED;
	h->method = method_parse(h->method_text);
	*extended = f->protocol.n > 0;
	if (h->method == METHOD_CONNECT && !*extended) {
		h->form = TARGET_AUTHORITY; /* refused by a step, with 405 */
		h->framing = FRAMING_NONE;
		h->target = h->authority;
		return H2_HEAD_OK;
	}
	if (!path_ok(h) || (!str_ieq(f->scheme, STR("http")) && !str_ieq(f->scheme, STR("https"))))
		return H2_HEAD_MALFORMED;
	if (*extended)
		return extended_connect(r, f, end);
	framing(h, f, end);
	h->expect_continue = f->expect && h->framing != FRAMING_NONE;
	return H2_HEAD_OK;
}

enum h2_verdict h2_head_answer(struct request *r, const struct h2_fields *f, bool end)
{
	struct head *h = &r->resp;

	h->version = 20;
	h->keep_alive = true;
	if (f->malformed || h->status < 100 || h->status > 599 || h->status == 101)
		return H2_HEAD_MALFORMED;
	if (f->fault != H1_OK)
		return H2_HEAD_REFUSED;
	if (h->status < 200)
		return end ? H2_HEAD_MALFORMED : H2_HEAD_OK;
	framing(h, f, end);
	if (h->status == 204 || h->status == 304 || r->out.method == METHOD_HEAD) {
		h->framing = FRAMING_NONE;
		h->has_length = h->has_length && h->status != 204;
	} else if (end && h->has_length && h->length > 0) {
		return H2_HEAD_MALFORMED;
	} else if (end) {
		h->has_length = true; /* towards HTTP/1 the end must be told */
		h->length = 0;
	}
	return H2_HEAD_OK;
}
