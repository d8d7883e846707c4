/* fcgi_params: see fcgi_params.h. */
#include "worker/fcgi/fcgi_params.h"

#include <stdio.h>

#include "common/policy/policy_header.h"
#include "common/version.h"
#include "worker/fcgi/fcgi_record.h"
#include "worker/request/record.h"
#include "worker/rewrite/uri.h"
#include "worker/vars/vars.h"

static void pair(struct text *t, struct str name, struct str value)
{
	uint8_t lengths[FCGI_PAIR_MAX];

	text_str(t, str_make((const char *)lengths, fcgi_write_lengths(lengths, name.n, value.n)));
	text_str(t, name);
	text_str(t, value);
}

static void number(struct text *t, struct str name, uint64_t n)
{
	char digits[20];
	struct text d;

	text_fixed(&d, digits, sizeof(digits));
	text_u64(&d, n);
	pair(t, name, str_make(d.p, d.n));
}

struct str fcgi_index(const struct request *r, struct str path)
{
	return str_ends(path, STR("/")) ? policy_find(r->route.policy, POLICY_OPT_FCGI_INDEX)
					: STR_NONE;
}

static void script_name(struct text *t, const struct request *r, struct str path)
{
	struct str index = fcgi_index(r, path), name = STR("SCRIPT_NAME");
	uint8_t lengths[FCGI_PAIR_MAX];

	text_str(t, str_make((const char *)lengths,
			     fcgi_write_lengths(lengths, name.n, path.n + index.n)));
	text_str(t, name);
	text_str(t, path);
	text_str(t, index);
}

static void content(struct text *t, const struct head *h)
{
	bool known = h->framing == FRAMING_LENGTH;

	pair(t, STR("CONTENT_TYPE"), head_value(h, FIELD_CONTENT_TYPE));
	if (known)
		number(t, STR("CONTENT_LENGTH"), h->length);
	else
		pair(t, STR("CONTENT_LENGTH"), STR_NONE);
}

static void client(struct text *t, struct request *r)
{
	char ip[ADDR_TEXT_MAX];

	pair(t, STR("REMOTE_ADDR"), str_make(ip, addr_ip_text(&r->peer, ip)));
	number(t, STR("REMOTE_PORT"), r->peer.port);
}

static void server(struct text *t, const struct request *r)
{
	uint16_t port = r->secure ? 443 : (uint16_t)r->w->conf->http_port;

	pair(t, STR("SERVER_NAME"), r->in.host);
	number(t, STR("SERVER_PORT"), r->told.port != 0 ? r->told.port : port);
	pair(t, STR("SERVER_PROTOCOL"), record_protocol(r));
	pair(t, STR("SERVER_SOFTWARE"), STR("silex/" SILEX_VERSION));
	pair(t, STR("REQUEST_SCHEME"), r->told.https ? STR("https") : STR("http"));
	if (r->told.https)
		pair(t, STR("HTTPS"), STR("on"));
}

static void usual(struct request *r, const struct head *h, struct text *t)
{
	struct str path = uri_path(h->target);

	pair(t, STR("QUERY_STRING"), uri_query(h->target));
	pair(t, STR("REQUEST_METHOD"), h->method_text);
	content(t, h);
	script_name(t, r, path);
	pair(t, STR("REQUEST_URI"), r->in.target);
	pair(t, STR("DOCUMENT_URI"), path);
	pair(t, STR("GATEWAY_INTERFACE"), STR("CGI/1.1"));
	client(t, r);
	server(t, r);
	pair(t, STR("REDIRECT_STATUS"), STR("200")); /* PHP wants it */
}

static char in_name(char c)
{
	c = c == '-' ? '_' : c;
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static void field(struct text *t, const struct field *f)
{
	uint8_t lengths[FCGI_PAIR_MAX];

	text_str(t, str_make((const char *)lengths,
			     fcgi_write_lengths(lengths, f->name_n + 5u, f->value_n)));
	text_lit(t, "HTTP_");
	for (uint16_t i = 0; i < f->name_n; i++)
		text_char(t, in_name(f->name[i]));
	text_str(t, str_make(f->value, f->value_n));
}

static void fields(const struct head *h, struct text *t)
{
	if (h->authority.n > 0)
		pair(t, STR("HTTP_HOST"), h->authority);
	for (uint16_t i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];

		if (!f->drop && f->id != FIELD_PROXY && f->id != FIELD_CONTENT_TYPE)
			field(t, f);
	}
}

int fcgi_params(struct request *r, const struct head *h, struct text *t)
{
	struct str list = policy_find(r->route.policy, POLICY_OPT_FCGI_PARAMS);
	struct policy_header_view v;

	usual(r, h, t);
	fields(h, t);
	while (policy_header_next(&list, &v)) { /* of a name the last one counts */
		struct str value;

		if (!vars_eval(v.value, r, &value))
			return -1;
		pair(t, v.name, value);
	}
	return t->full ? -1 : 0;
}
