/* vars_request: variables about the request as it came. */
#include "common/table/cluster_kind.h"
#include "worker/fcgi/fcgi_params.h"
#include "worker/request/record.h"
#include "worker/rewrite/uri.h"
#include "worker/vars/basic_user.h"
#include "worker/vars/vars_int.h"

/* Values that are texts of the head: there is none when no head was understood. */
static bool give_text(struct vars_out *o, struct str s)
{
	return s.n > 0 && vars_give(o, s);
}

bool var_request(struct vars_out *o)
{
	if (o->r->in.method_text.n == 0)
		return false;
	vars_put(o, o->r->in.method_text);
	text_char(o->t, ' ');
	vars_put(o, o->r->in.target);
	text_char(o->t, ' ');
	text_str(o->t, record_protocol(o->r));
	return true;
}

bool var_request_method(struct vars_out *o)
{
	return give_text(o, o->r->in.method_text);
}

bool var_request_uri(struct vars_out *o)
{
	return give_text(o, o->r->in.target);
}

/* What a query may hold besides: everything that is not unreserved (RFC 3986 §2.3) is escaped, as
 * ingress-nginx does for the rd= of auth-signin. */
bool var_escaped_request_uri(struct vars_out *o)
{
	static const char hex[] = "0123456789ABCDEF";
	struct str s = str_head(o->r->in.target, o->style.most);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char lower = ascii_lower(s.p[i]);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		    c == '_' || c == '.' || c == '~')
			text_char(o->t, s.p[i]);
		else
			text_str(o->t, str_make((char[]){'%', hex[c >> 4], hex[c & 15]}, 3));
	}
	return s.n > 0;
}

bool var_uri(struct vars_out *o)
{
	return give_text(o, o->r->path);
}

bool var_document_uri(struct vars_out *o)
{
	return var_uri(o);
}

/* Decided once the request is on its way to a FastCGI application (fcgi/fcgi_params.c). */
bool var_fastcgi_script_name(struct vars_out *o)
{
	const struct request *r = o->r;
	struct str path;

	if (r->protocol != CLUSTER_FCGI)
		return give_text(o, r->path);
	path = uri_path(r->out.target);
	vars_put(o, path);
	vars_put(o, fcgi_index(r, path));
	return true;
}

bool var_args(struct vars_out *o)
{
	return vars_give(o, o->r->query);
}

bool var_query_string(struct vars_out *o)
{
	return var_args(o);
}

bool var_is_args(struct vars_out *o)
{
	return vars_give(o, o->r->query.n > 0 ? STR("?") : STR(""));
}

bool var_host(struct vars_out *o)
{
	char lower[256];
	struct str host = str_head(o->r->in.host, sizeof(lower));

	for (size_t i = 0; i < host.n; i++)
		lower[i] = ascii_lower(host.p[i]);
	return give_text(o, str_make(lower, host.n));
}

bool var_best_http_host(struct vars_out *o)
{
	return give_text(o, o->r->told.host.n > 0 ? o->r->told.host : o->r->in.authority);
}

bool var_http_host(struct vars_out *o)
{
	return give_text(o, o->r->in.authority);
}

bool var_server_protocol(struct vars_out *o)
{
	return o->r->in.method_text.n > 0 && vars_give(o, record_protocol(o->r));
}

bool var_content_type(struct vars_out *o)
{
	return vars_give(o, head_value(&o->r->in, FIELD_CONTENT_TYPE));
}

bool var_content_length(struct vars_out *o)
{
	if (!o->r->in.has_length)
		return false;
	text_u64(o->t, o->r->in.length);
	return true;
}

bool var_request_length(struct vars_out *o)
{
	text_u64(o->t, o->r->rx_bytes);
	return true;
}

bool var_req_id(struct vars_out *o)
{
	return give_text(o, o->r->request_id);
}

bool var_request_id(struct vars_out *o)
{
	return var_req_id(o);
}

/* "X-Request-ID" for "x_request_id". */
static bool is_named(const struct field *f, struct str name)
{
	if (f->name_n != name.n)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = ascii_lower(f->name[i]);

		if ((c == '-' ? '_' : c) != name.p[i])
			return false;
	}
	return true;
}

/* All fields of the name: nginx joins them with ", ", and cookies with "; ". Fields a step has
 * dropped were received all the same. */
static bool give_fields(struct vars_out *o, const struct head *h)
{
	struct str between = str_eq(o->rest, STR("cookie")) ? STR("; ") : STR(", ");
	bool found = false;

	for (uint16_t i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];

		if (!is_named(f, o->rest))
			continue;
		if (found)
			text_str(o->t, between);
		vars_put(o, str_make(f->value, f->value_n));
		found = true;
	}
	return found;
}

bool var_http_(struct vars_out *o)
{
	return give_fields(o, &o->r->in);
}

/* Of the answer that went to the client. */
bool var_sent_http_(struct vars_out *o)
{
	return o->r->head_sent && give_fields(o, &o->r->resp);
}

bool var_upstream_http_(struct vars_out *o)
{
	const struct request *r = o->r;

	return r->head_sent && r->n_tries > 0 && r->tries[r->n_tries - 1].head_us != 0 &&
	       r->resp.status == r->tries[r->n_tries - 1].status && give_fields(o, &r->resp);
}

/* The value behind "name=" in a list; name in lower case, any case in the list. */
static struct str named_value(struct str list, char separator, struct str name)
{
	while (list.n > 0) {
		ptrdiff_t end = str_chr(list, separator);
		struct str one = end == -1 ? list : str_head(list, (size_t)end);

		list = end == -1 ? STR_NONE : str_from_at(list, (size_t)end + 1);
		one = separator == ';' ? str_trim(one) : one;
		if (one.n > name.n && one.p[name.n] == '=' && str_ieq(str_head(one, name.n), name))
			return str_make(one.p + name.n + 1, one.n - name.n - 1);
	}
	return STR_NONE;
}

bool var_arg_(struct vars_out *o)
{
	return vars_give(o, named_value(o->r->query, '&', o->rest));
}

/* HTTP/2 may send each cookie in a field of its own (RFC 9113 §8.2.3). */
bool var_cookie_(struct vars_out *o)
{
	const struct head *h = &o->r->in;

	for (uint16_t i = 0; i < h->n_fields; i++) {
		const struct field *f = &h->fields[i];

		if (f->id == FIELD_COOKIE &&
		    vars_give(o, named_value(str_make(f->value, f->value_n), ';', o->rest)))
			return true;
	}
	return false;
}

static bool op_reads_field(enum var_id id, struct str rest, const struct field *f)
{
	switch (id) {
	case VAR_HTTP:
		return is_named(f, rest);
	case VAR_COOKIE:
		return f->id == FIELD_COOKIE;
	case VAR_CONTENT_TYPE:
		return f->id == FIELD_CONTENT_TYPE;
	case VAR_PROXY_ADD_XFF:
		return f->id == FIELD_X_FORWARDED_FOR;
	case VAR_REMOTE_USER:
		return basic_user_is(f);
	default:
		return false;
	}
}

bool vars_read_field(struct str program, const struct field *f, bool answer)
{
	struct vars_op op;
	struct str rest;

	while (vars_next(&program, &op, &rest)) {
		if (op.id == VAR_NAMED) /* a map: it may read any */
			return true;
		if (answer ? (op.id == VAR_SENT_HTTP || op.id == VAR_UPSTREAM_HTTP) &&
				 is_named(f, rest)
			   : op_reads_field((enum var_id)op.id, rest, f))
			return true;
	}
	return false;
}
