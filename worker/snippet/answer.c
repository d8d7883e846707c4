/* answer: what return and rewrite say to the client: a text, another place, or nothing at all. */
#include "worker/answer/location.h"
#include "worker/rewrite/uri.h"
#include "worker/snippet/snippet_int.h"

#define CLOSE_SILENTLY 444 /* nginx' own: no answer, the connection is closed */

enum step_next snippet_failed(struct request *r, enum reason why)
{
	return request_reply(r, 500, why);
}

/* Where Location points: absolute but where relative-redirects is on, as nginx does it. */
enum step_next snippet_go(struct request *r, uint16_t status, struct str url)
{
	bool relative = (r->route.policy->flags & POLICY_RELATIVE) != 0;
	char *to = arena_alloc(&r->arena, 3 * url.n + 1);

	if (to == NULL)
		return snippet_failed(r, REASON_NO_MEMORY);
	url = str_make(to, uri_put_target(to, url));
	if (url.n > 0 && url.p[0] == '/')
		return location_reply(r, status,
				      &(struct location){
					  .https = r->told.https,
					  .host = relative ? STR_NONE : r->in.host,
					  .port = location_port(r),
					  .uri = url,
				      });
	r->location = url;
	return request_reply(r, status, REASON_LOCAL);
}

static enum step_next say(struct request *r, uint16_t status, struct str text)
{
	struct str type = snippet_list(r, SNIP_TYPE);

	type = arena_str(&r->arena, type.n > 0 ? type : STR("text/html"));
	if (type.p == NULL)
		return snippet_failed(r, REASON_NO_MEMORY);
	r->page = text;
	r->page_type = type.p;
	return request_reply_here(r, status, REASON_LOCAL);
}

static enum step_next leave(struct request *r)
{
	r->status = CLOSE_SILENTLY;
	r->reason = REASON_DROPPED;
	return request_goto(r, STEP_FINISH);
}

enum step_next snippet_return(struct request *r, const struct snip_step *s)
{
	struct str value;

	if (s->op.arg == CLOSE_SILENTLY)
		return leave(r);
	if (!snippet_value(r, s->a, &value))
		return snippet_failed(r, REASON_NO_MEMORY);
	switch ((enum snip_what)s->op.how) {
	case SNIP_TEXT:
		return say(r, s->op.arg, value);
	case SNIP_PLACE:
		return snippet_go(r, s->op.arg, value);
	case SNIP_NOTHING:
		break;
	}
	return request_reply(r, s->op.arg, REASON_LOCAL);
}
