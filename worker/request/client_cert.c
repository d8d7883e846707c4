/* client_cert: see client_cert.h. */
#include "worker/request/client_cert.h"

#include <string.h>

#include "worker/answer/grpc.h"
#include "worker/rewrite/regex.h"
#include "worker/tls/tls_client.h"
#include "worker/wire/path.h"

#define VERDICT_MAX 128

#define PAGE(text)                                                                \
	STR("<!DOCTYPE html>\n<html>\n<head><title>400 " text "</title></head>\n" \
	    "<body><h1>400 Bad Request</h1>\n<p>" text "</p></body>\n</html>\n")

/* ---- answers ------------------------------------------------------------------------- */

static enum step_next answer(struct request *r, uint16_t status, enum reason why, struct str page)
{
	if (!grpc_request(r)) {
		r->page = page;
		r->page_type = "text/html";
	}
	return request_reply(r, status, why);
}

/* error_page: a path of the host is asked for instead, as nginx does: by GET, and without being
 * looked at again. */
static enum step_next go_to_path(struct request *r, struct str path)
{
	char *buf = arena_alloc(&r->arena, path.n);
	struct str target = arena_str(&r->arena, path);
	struct path p;

	if (buf == NULL || target.p == NULL || path_normalise(target, buf, &p) == -1)
		return request_reply(r, 400, REASON_CERT_MISSING);
	r->in.target = target;
	r->path = p.path;
	r->query = p.query;
	if (r->in.method != METHOD_HEAD) {
		r->in.method = METHOD_GET;
		r->in.method_text = STR("GET");
	}
	r->excused = true;
	return request_goto(r, STEP_ROUTE);
}

static enum step_next refuse(struct request *r, const struct client_tls *v, bool given)
{
	struct str page = given ? PAGE("The SSL certificate error")
				: PAGE("No required SSL certificate was sent");
	enum reason why = given ? REASON_CERT_BAD : REASON_CERT_MISSING;

	if (v->error_page.n == 0)
		return answer(r, 400, why, page);
	if (v->error_page.p[0] == '/')
		return go_to_path(r, v->error_page);
	r->location = arena_str(&r->arena, v->error_page);
	return request_reply(r, r->location.p == NULL ? 400 : 302, why);
}

/* ---- the verdict --------------------------------------------------------------------- */

/* Was the client asked for the certificate on behalf of the host that it now wants? */
static bool is_its_host(const struct request *r, const struct tls_client *c)
{
	if (c->host.n == 0)
		return (r->route.flags & ROUTE_CATCH_ALL) != 0;
	return str_ieq(c->host, r->in.host);
}

static bool is_good(const struct client_tls *v, const struct tls_client *c)
{
	if (c->oversized)
		return false;
	if (c->result == X509_V_OK)
		return true;
	return v->verify == TLS_VERIFY_OPTIONAL_NO_CA && tls_client_unknown_ca(c);
}

/* A match that was given up is none. */
static bool matches(struct request *r, struct str pattern, struct str subject)
{
	bool fits = regex_finds_name(r->w->regexes, pattern, subject);

	return !regex_gave_up(r->w->regexes) && fits;
}

static enum step_next judge(struct request *r, const struct client_tls *v,
			    const struct tls_client *c)
{
	bool given = c != NULL && c->given;

	if (v->verify != TLS_VERIFY_OFF && r->tls != NULL) {
		if (given && !is_good(v, c))
			return refuse(r, v, true);
		if (!given && v->verify == TLS_VERIFY_ON)
			return refuse(r, v, false);
	}
	if (v->match.n > 0 && !matches(r, v->match, given ? c->subject : STR("")))
		return answer(r, 403, REASON_CERT_UNAUTHORIZED,
			      STR("client certificate unauthorized"));
	return STEP_NEXT;
}

enum step_next client_cert_check(struct request *r)
{
	const struct tls_client *c = r->tls == NULL ? NULL : tls_conn_client(r->tls);
	struct client_tls v = {.flags = 0};

	if (r->excused)
		return STEP_NEXT;
	(void)table_tls(r->w->table, r->in.host, &v);
	r->client_tls = v.flags;
	if ((v.flags & CLIENT_TLS_DENY) != 0)
		return request_reply(r, 403, REASON_DENIED);
	if (c != NULL && !is_its_host(r, c))
		return request_reply(r, 421, REASON_MISDIRECTED);
	if ((v.flags & CLIENT_TLS_AUTH) == 0)
		return STEP_NEXT;
	/* Nobody asked: it wanted another host then, or this one has begun to ask since. */
	if (r->tls != NULL && c == NULL && v.verify != TLS_VERIFY_OFF && tls_conn_named(r->tls))
		return request_reply(r, 421, REASON_MISDIRECTED);
	return judge(r, &v, c);
}

/* ---- upstream ------------------------------------------------------------------------ */

static int add(struct head *h, enum field_id id, struct str value)
{
	return value.n == 0 ? 0 : head_add(h, id, field_infos[id].name, value);
}

int client_cert_add(struct request *r, struct head *h)
{
	char buf[VERDICT_MAX];
	struct tls_client *c;
	struct str verdict;

	if ((r->client_tls & CLIENT_TLS_AUTH) == 0 || r->tls == NULL)
		return 0;
	c = tls_conn_client(r->tls);
	verdict = tls_client_verdict(c, buf, sizeof(buf));
	if (verdict.p == buf)
		verdict = arena_str(&r->arena, verdict);
	if (verdict.n == 0 || add(h, FIELD_SSL_CLIENT_VERIFY, verdict) == -1)
		return -1;
	if (c == NULL || !c->given)
		return 0;
	if (add(h, FIELD_SSL_CLIENT_SUBJECT_DN, c->oversized ? STR_NONE : c->subject) == -1 ||
	    add(h, FIELD_SSL_CLIENT_ISSUER_DN, c->oversized ? STR_NONE : c->issuer) == -1)
		return -1;
	if ((r->client_tls & CLIENT_TLS_PASS_CERT) == 0)
		return 0;
	return add(h, FIELD_SSL_CLIENT_CERT, tls_client_escaped(c));
}
