/* grpc: see grpc.h. The codes are those of google.rpc.Code. */
#include "worker/answer/grpc.h"

#include "worker/wire/h1_write.h"

#define TYPE STR("application/grpc")

bool grpc_request(const struct request *r)
{
	struct str type;

	if (r->in.method != METHOD_POST)
		return false;
	type = head_value(&r->in, FIELD_CONTENT_TYPE);
	if (!str_starts(type, TYPE))
		return false;
	return type.n == TYPE.n || type.p[TYPE.n] == '+' || type.p[TYPE.n] == ';';
}

static struct str status_text(unsigned http_status)
{
	switch (http_status) {
	case 400:
		return STR("13"); /* INTERNAL: it is the library that sent it so */
	case 401:
		return STR("16"); /* UNAUTHENTICATED */
	case 403:
		return STR("7"); /* PERMISSION_DENIED */
	case 404:
	case 405:
	case 501:
		return STR("12"); /* UNIMPLEMENTED: no such method here */
	case 408:
	case 504:
		return STR("4"); /* DEADLINE_EXCEEDED */
	case 413:
		return STR("8"); /* RESOURCE_EXHAUSTED */
	case 429:
	case 502:
	case 503:
		return STR("14"); /* UNAVAILABLE: may be tried again */
	case 500:
		return STR("13");
	default:
		return STR("2"); /* UNKNOWN */
	}
}

unsigned grpc_status(unsigned http_status)
{
	struct str s = status_text(http_status);

	return s.n == 2 ? 10u + (unsigned)(s.p[1] - '0') : (unsigned)(s.p[0] - '0');
}

void grpc_answer(struct request *r)
{
	struct head *h = &r->resp;

	(void)head_add(h, FIELD_CONTENT_TYPE, STR("content-type"), TYPE);
	(void)head_add(h, FIELD_OTHER, STR("grpc-status"), status_text(r->fail_status));
	(void)head_add(h, FIELD_OTHER, STR("grpc-message"), h1_status_phrase(r->fail_status));
	h->status = 200;
	h->has_length = r->in.version < 20; /* HTTP/1 must be told where it ends */
	h->length = 0;
	h->framing = FRAMING_NONE;
}
