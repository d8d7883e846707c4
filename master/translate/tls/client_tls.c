/*
 * client_tls: what a host wants of its clients' TLS: auth-tls-*, ssl-ciphers,
 * ssl-prefer-server-ciphers (facts: annotations §0, §3; routing §6). See state.h.
 *
 * A matter of the host: the oldest Ingress that says something decides. What cannot be had as it
 * was asked for closes the host (403 to everything) and is told: nobody comes in unseen because a
 * Secret is missing. Secrets with a CA are nodes beside the graph:
 *
 *     ingress >── g_ca: the bundle of its Secret, or what is wrong with it
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "master/certs/ca_bundle.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/named.h"
#include "master/translate/regex_check.h"
#include "master/translate/state.h"

struct g_ca {
	RB_ENTRY(g_ca) entry;
	LIST_HEAD(, g_ingress) uses;
	struct ca_bundle *bundle; /* NULL: trouble says why */
	char trouble[CA_WHY_MAX];
	struct str ns, name;
};

static int ca_cmp(const struct g_ca *a, const struct g_ca *b)
{
	int c = obj_str_cmp(a->ns, b->ns);

	return c != 0 ? c : obj_str_cmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(g_cas, g_ca, entry, ca_cmp, static __attribute__((unused)))

/* --- Secrets -------------------------------------------------------------------------------- */

static struct str value(const struct secret *s, const char *key)
{
	const struct str *v = obj_map_get(&s->data, str_from(key));

	return v == NULL ? STR_NONE : *v;
}

static void read_secret(struct translate *t, struct g_ca *c)
{
	const struct obj *o = store_get(t->store, OBJ_SECRET, c->ns, c->name);
	const struct secret *s = o == NULL ? NULL : obj_secret(o);

	ca_bundle_free(c->bundle);
	c->bundle = NULL;
	if (s == NULL)
		(void)snprintf(c->trouble, sizeof(c->trouble),
			       "it does not exist: create it, or correct the name");
	else if (value(s, "ca.crt").n == 0)
		(void)snprintf(c->trouble, sizeof(c->trouble),
			       "it holds no ca.crt: put the CA's certificate there");
	else
		c->bundle = ca_bundle_parse(value(s, "ca.crt"), value(s, "ca.crl"), c->trouble);
}

static struct g_ca *find(struct translate *t, struct str ns, struct str name)
{
	struct g_ca key = {.ns = ns, .name = name};

	return RB_FIND(g_cas, &t->cas, &key);
}

static struct g_ca *get(struct translate *t, struct str ns, struct str name)
{
	struct g_ca *c = find(t, ns, name);

	if (c != NULL)
		return c;
	c = mem_zalloc(sizeof(*c));
	c->ns = mem_str(ns);
	c->name = mem_str(name);
	LIST_INIT(&c->uses);
	RB_INSERT(g_cas, &t->cas, c);
	read_secret(t, c);
	return c;
}

static void leave(struct translate *t, struct g_ca *c)
{
	if (!LIST_EMPTY(&c->uses))
		return;
	RB_REMOVE(g_cas, &t->cas, c);
	ca_bundle_free(c->bundle);
	mem_str_free(c->ns);
	mem_str_free(c->name);
	free(c);
}

void client_tls_secret_changed(struct translate *t, const struct obj *secret)
{
	struct g_ca *c = find(t, secret->ns, secret->name);
	const struct g_ingress *i;
	const struct g_link *l;

	if (c == NULL)
		return;
	read_secret(t, c);
	LIST_FOREACH (i, &c->uses, of_ca)
		SLIST_FOREACH(l, &i->links, of_ingress)
	graph_mark_host(&t->graph, l->host);
}

/* --- an Ingress ----------------------------------------------------------------------------- */

/* The Secret that is named; NULL, or why it cannot be used. */
static const char *named_secret(const struct translate *t, const struct g_ingress *i,
				struct str *ns, struct str *name)
{
	if (!named_split_full(i->annots->auth_tls_secret, ns, name))
		return "auth-tls-secret must be the namespace and the name of a Secret, like "
		       "default/client-ca";
	if (!str_eq(*ns, i->ing->o.ns) && !t->conf.allow_cross_namespace)
		return "auth-tls-secret names another namespace, and "
		       "allow-cross-namespace-resources "
		       "is off: put the Secret into the Ingress' own";
	return NULL;
}

static bool asks(const struct g_ingress *i)
{
	return i->annots->auth_tls_secret.n > 0 || annots_spoilt(i->annots, ANNOT_AUTH_TLS_SECRET);
}

void client_tls_attach(struct translate *t, struct g_ingress *i)
{
	struct str ns, name;

	i->ca = NULL;
	if (!asks(i) || named_secret(t, i, &ns, &name) != NULL)
		return;
	if (t->sink.secret_ref != NULL)
		t->sink.secret_ref(t->sink.secrets, ns, name);
	i->ca = get(t, ns, name);
	LIST_INSERT_HEAD(&i->ca->uses, i, of_ca);
}

void client_tls_detach(struct translate *t, struct g_ingress *i)
{
	struct g_ca *c = i->ca;

	if (c == NULL)
		return;
	i->ca = NULL;
	LIST_REMOVE(i, of_ca);
	if (t->sink.secret_unref != NULL)
		t->sink.secret_unref(t->sink.secrets, c->ns, c->name);
	leave(t, c);
}

void client_tls_free(struct translate *t)
{
	for (struct g_ingress *i = graph_ingress_first(&t->graph); i != NULL;
	     i = graph_ingress_next(i))
		client_tls_detach(t, i);
}

/* --- a host --------------------------------------------------------------------------------- */

struct judging {
	struct translate *t;
	struct g_host *host;
	const struct g_ingress *by; /* who decides */
};

static const char *shown(const struct g_host *h)
{
	return h->name.n == 0 ? "*" : h->name.p;
}

static void tell_closed(const struct judging *j, const char *why)
{
	const struct g_ca *c = j->by->ca;

	if (c != NULL && c->bundle == NULL)
		finding_about(&j->t->findings, &j->host->found, FINDING_WARN, "BadClientCA",
			      &j->by->ing->o,
			      "host %s answers 403 to everything, because of Secret " STR_FMT
			      "/" STR_FMT " of auth-tls-secret: %s",
			      shown(j->host), STR_ARG(c->ns), STR_ARG(c->name), why);
	else
		finding_about(&j->t->findings, &j->host->found, FINDING_WARN, "BadClientCA",
			      &j->by->ing->o, "host %s answers 403 to everything: %s",
			      shown(j->host), why);
}

/* Why the host must stay closed; NULL when it need not. buf: for words that are made here. */
static const char *trouble_of(const struct judging *j, char buf[REGEX_ERROR_MAX + 64])
{
	const struct annots *a = j->by->annots;
	char err[REGEX_ERROR_MAX];
	struct str ns, name;
	const char *why = named_secret(j->t, j->by, &ns, &name);

	if (why != NULL)
		return why;
	if (j->by->ca->bundle == NULL)
		return j->by->ca->trouble;
	if (annots_spoilt(a, ANNOT_AUTH_TLS_MATCH) ||
	    (a->auth_tls_match.n > 0 && !str_starts(a->auth_tls_match, STR("CN="))))
		return "auth-tls-match-cn must be a regular expression that begins with CN=";
	if (a->auth_tls_match.n == 0 || regex_check(a->auth_tls_match, err))
		return NULL;
	(void)snprintf(buf, REGEX_ERROR_MAX + 64, "auth-tls-match-cn is no regular expression (%s)",
		       err);
	return buf;
}

/* Without a redirect to https nobody is asked for a certificate on the plain port. */
static void look_at_plain(const struct judging *j, bool has_cert)
{
	const struct annots *a = j->by->annots;

	if (a->auth_tls_verify != TLS_VERIFY_ON || a->force_ssl_redirect ||
	    (a->ssl_redirect && has_cert))
		return;
	finding_about(&j->t->findings, &j->host->found, FINDING_WARN, "ClientCANotEverywhere",
		      &j->by->ing->o,
		      "host %s is served over plain HTTP too, where no client has a certificate: "
		      "set force-ssl-redirect, or give the host a tls section",
		      shown(j->host));
}

static void auth(const struct judging *j, struct model_tls *m, bool has_cert)
{
	const struct annots *a = j->by->annots;
	struct client_tls *c = &m->wants;
	char buf[REGEX_ERROR_MAX + 64];
	const char *why = trouble_of(j, buf);
	const struct ca_bundle *b;

	c->flags |= CLIENT_TLS_AUTH;
	if (why != NULL) {
		c->flags |= CLIENT_TLS_DENY;
		tell_closed(j, why);
		return;
	}
	b = j->by->ca->bundle;
	c->flags |= a->auth_tls_pass ? CLIENT_TLS_PASS_CERT : 0;
	c->verify = (uint8_t)a->auth_tls_verify;
	c->depth = (uint8_t)(a->auth_tls_depth == 0 ? 1 : a->auth_tls_depth);
	c->error_page = a->auth_tls_error_page;
	c->match = a->auth_tls_match;
	m->ca = b->certs;
	m->n_ca = b->n_certs;
	m->crls = b->crls;
	m->n_crls = b->n_crls;
	look_at_plain(j, has_cert);
}

static bool same_auth(const struct annots *a, const struct annots *b)
{
	return str_eq(a->auth_tls_secret, b->auth_tls_secret) &&
	       a->auth_tls_verify == b->auth_tls_verify && a->auth_tls_depth == b->auth_tls_depth &&
	       str_eq(a->auth_tls_error_page, b->auth_tls_error_page) &&
	       a->auth_tls_pass == b->auth_tls_pass && str_eq(a->auth_tls_match, b->auth_tls_match);
}

static void tell_younger(const struct judging *j, const struct g_ingress *i)
{
	if (same_auth(i->annots, j->by->annots))
		return;
	finding_about(&j->t->findings, &j->host->found, FINDING_WARN, "ClientCATaken", &i->ing->o,
		      "auth-tls-* have no effect on host %s, because Ingress " STR_FMT "/" STR_FMT
		      ", which is older, says otherwise: make them alike",
		      shown(j->host), STR_ARG(j->by->ing->o.ns), STR_ARG(j->by->ing->o.name));
}

/* Words of OpenSSL's notation, of which at least one is a cipher. */
static bool ciphers_ok(struct str s)
{
	static const char more[] = "+:_-!@=,. ";
	SSL_CTX *ctx;
	char text[2048];
	bool ok;

	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    memchr(more, s.p[i], sizeof(more) - 1) == NULL)
			return false;
	}
	if (s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	ctx = SSL_CTX_new(TLS_server_method());
	ok = ctx != NULL && SSL_CTX_set_cipher_list(ctx, text) == 1;
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

static void ciphers(struct translate *t, struct g_host *h, struct g_ingress *i,
		    struct client_tls *c)
{
	if (ciphers_ok(i->annots->ssl_ciphers))
		c->ciphers = i->annots->ssl_ciphers;
	else
		finding_about(&t->findings, &h->found, FINDING_WARN, "BadCiphers", &i->ing->o,
			      "ssl-ciphers names no cipher that exists: host %s has those of "
			      "ssl-ciphers in the ConfigMap or silex.conf",
			      shown(h));
}

bool client_tls_model(struct translate *t, struct g_host *h, struct g_ingress *const *by_age,
		      uint32_t n, struct model_tls *m)
{
	bool has_cert = tls_wanted(t, h, by_age, n), ordered = false, chosen = false;
	struct judging j = {t, h, NULL};

	*m = (struct model_tls){.n_ca = 0};
	for (uint32_t k = 0; k < n; k++) {
		struct g_ingress *i = by_age[k];

		if (asks(i) && j.by == NULL) {
			j.by = i;
			auth(&j, m, has_cert);
		} else if (asks(i)) {
			tell_younger(&j, i);
		}
		if (!chosen && annots_has(i->annots, ANNOT_SSL_CIPHERS))
			ciphers(t, h, i, &m->wants);
		chosen = chosen || annots_has(i->annots, ANNOT_SSL_CIPHERS);
		if (!ordered && annots_has(i->annots, ANNOT_SSL_PREFER_OURS))
			m->wants.flags |= i->annots->ssl_prefer_ours ? CLIENT_TLS_OUR_ORDER
								     : CLIENT_TLS_ANY_ORDER;
		ordered = ordered || annots_has(i->annots, ANNOT_SSL_PREFER_OURS);
	}
	return m->wants.flags != 0 || m->wants.ciphers.n > 0;
}
