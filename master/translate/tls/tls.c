/*
 * tls: which certificate a host gets (facts: routing §2, §3). See state.h.
 *
 * The oldest Ingress of a host that has a tls section decides: the entry that names the host, else
 * any of its Secrets whose certificate is for the host. What is not usable, or not for the host, is
 * told, and the default certificate serves. Secrets are nodes beside the graph:
 *
 *     ingress >── g_secret_use ──< g_secret ── cert (master/certs)
 */
#include <stdlib.h>

#include "master/certs/certs.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/named.h"
#include "master/translate/state.h"

struct g_secret_use {
	struct g_ingress *ingress;
	struct g_secret *secret;
	LIST_ENTRY(g_secret_use) of_secret;
	SLIST_ENTRY(g_secret_use) of_ingress;
};

struct g_secret {
	RB_ENTRY(g_secret) entry;
	LIST_HEAD(, g_secret_use) uses;
	struct cert *cert; /* held */
	struct str ns, name;
};

static int secret_cmp(const struct g_secret *a, const struct g_secret *b)
{
	int c = obj_str_cmp(a->ns, b->ns);

	return c != 0 ? c : obj_str_cmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(g_secrets, g_secret, entry, secret_cmp, static __attribute__((unused)))

/* --- nodes and edges ------------------------------------------------------------------------ */

static struct g_secret *find(struct translate *t, struct str ns, struct str name)
{
	struct g_secret key = {.ns = ns, .name = name};

	return RB_FIND(g_secrets, &t->tls.secrets, &key);
}

static struct g_secret *get(struct translate *t, struct str ns, struct str name)
{
	struct g_secret *s = find(t, ns, name);

	if (s != NULL)
		return s;
	s = mem_zalloc(sizeof(*s));
	s->cert = certs_hold(t->tls.certs, ns, name);
	s->ns = cert_ns(s->cert);
	s->name = cert_name(s->cert);
	RB_INSERT(g_secrets, &t->tls.secrets, s);
	return s;
}

static void use(struct translate *t, struct g_ingress *i, struct str name)
{
	struct g_secret *s = get(t, i->ing->o.ns, name);
	struct g_secret_use *u;

	SLIST_FOREACH(u, &i->secrets, of_ingress)
	if (u->secret == s)
		return;
	u = mem_zalloc(sizeof(*u));
	u->ingress = i;
	u->secret = s;
	SLIST_INSERT_HEAD(&i->secrets, u, of_ingress);
	LIST_INSERT_HEAD(&s->uses, u, of_secret);
}

void tls_attach(struct translate *t, struct g_ingress *i)
{
	for (uint32_t n = 0; t->tls.certs != NULL && n < i->ing->n_tls; n++)
		if (i->ing->tls[n].secret.n > 0)
			use(t, i, i->ing->tls[n].secret);
}

static void leave(struct translate *t, struct g_secret *s)
{
	if (!LIST_EMPTY(&s->uses))
		return;
	RB_REMOVE(g_secrets, &t->tls.secrets, s);
	certs_drop(t->tls.certs, s->cert);
	free(s);
}

void tls_detach(struct translate *t, struct g_ingress *i)
{
	struct g_secret_use *u;

	while ((u = SLIST_FIRST(&i->secrets)) != NULL) {
		SLIST_REMOVE_HEAD(&i->secrets, of_ingress);
		LIST_REMOVE(u, of_secret);
		leave(t, u->secret);
		free(u);
	}
}

/* --- a host --------------------------------------------------------------------------------- */

static const struct g_ingress *decider(struct g_ingress *const *by_age, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (by_age[i]->ing->n_tls > 0)
			return by_age[i];
	return NULL;
}

bool tls_wanted(const struct translate *t, const struct g_host *h, struct g_ingress *const *by_age,
		uint32_t n)
{
	return t->tls.certs != NULL && h->name.n > 0 && decider(by_age, n) != NULL;
}

static bool names(const struct ingress_tls *tls, struct str host)
{
	for (uint32_t i = 0; i < tls->hosts.n; i++)
		if (str_eq(tls->hosts.v[i], host))
			return true;
	return false;
}

/* The Secret's certificate; NULL: the default one is meant, or none fits. */
static const struct cert *choose(struct translate *t, const struct g_ingress *i, struct str host)
{
	const struct ingress *ing = i->ing;
	const struct g_secret_use *u;

	for (uint32_t n = 0; n < ing->n_tls; n++) {
		if (!names(&ing->tls[n], host))
			continue;
		return ing->tls[n].secret.n == 0 ? NULL
						 : find(t, ing->o.ns, ing->tls[n].secret)->cert;
	}
	SLIST_FOREACH(u, &i->secrets, of_ingress)
	if (cert_covers(u->secret->cert, host))
		return u->secret->cert;
	return NULL;
}

static bool usable(struct translate *t, struct g_host *h, const struct g_ingress *i,
		   const struct cert *c)
{
	const char *trouble = cert_trouble(c);

	if (trouble != NULL)
		finding_about(&t->findings, &h->found, FINDING_WARN, "BadCertificate", &i->ing->o,
			      "host " STR_FMT " is served with the default certificate, because "
			      "of Secret " STR_FMT "/" STR_FMT ": %s",
			      STR_ARG(h->name), STR_ARG(cert_ns(c)), STR_ARG(cert_name(c)),
			      trouble);
	else if (!cert_covers(c, h->name))
		finding_about(&t->findings, &h->found, FINDING_WARN, "BadCertificate", &i->ing->o,
			      "host " STR_FMT " is served with the default certificate, because "
			      "the one of Secret " STR_FMT "/" STR_FMT " is not for this name: "
			      "issue one with it among the subject alternative names",
			      STR_ARG(h->name), STR_ARG(cert_ns(c)), STR_ARG(cert_name(c)));
	else
		return true;
	return false;
}

int tls_render(struct translate *t, struct g_host *h, struct g_ingress *const *by_age, uint32_t n)
{
	const struct g_ingress *i = h->name.n == 0 ? NULL : decider(by_age, n);
	const struct cert *c;
	struct model_cert m;

	if (t->tls.certs == NULL || h->name.n == 0)
		return 0;
	c = i == NULL ? NULL : choose(t, i, h->name);
	if (c == NULL || !usable(t, h, i, c) || !cert_model(c, &m))
		return t->sink.del_cert(t->sink.arg, h->name);
	m.name = h->name;
	return t->sink.put_cert(t->sink.arg, &m);
}

int tls_render_alias(struct translate *t, struct g_host *h, struct g_host *of,
		     struct g_ingress *const *by_age, uint32_t n, bool *has_cert)
{
	const struct g_ingress *i = of->name.n == 0 ? NULL : decider(by_age, n);
	const struct cert *c;
	struct model_cert m;

	*has_cert = false;
	if (t->tls.certs == NULL)
		return 0;
	c = i == NULL ? NULL : choose(t, i, of->name);
	if (c != NULL && cert_trouble(c) == NULL && !cert_covers(c, h->name))
		finding_about(&t->findings, &of->found, FINDING_WARN, "BadCertificate", &i->ing->o,
			      "server-alias " STR_FMT " is served with the default certificate, "
			      "because the one of Secret " STR_FMT "/" STR_FMT
			      " is not for this name: issue one with it among the subject "
			      "alternative names",
			      STR_ARG(h->name), STR_ARG(cert_ns(c)), STR_ARG(cert_name(c)));
	else if (c != NULL && cert_trouble(c) == NULL && cert_model(c, &m))
		*has_cert = true;
	if (!*has_cert)
		return t->sink.del_cert(t->sink.arg, h->name);
	m.name = h->name;
	return t->sink.put_cert(t->sink.arg, &m);
}

/* --- the default certificate ---------------------------------------------------------------- */

static void hold_default(struct translate *t, struct str ns, struct str name)
{
	if (t->sink.secret_ref != NULL)
		t->sink.secret_ref(t->sink.secrets, ns, name);
	t->tls.default_cert = certs_hold(t->tls.certs, ns, name);
}

static void drop_default(struct translate *t, struct cert *c)
{
	if (t->sink.secret_unref != NULL)
		t->sink.secret_unref(t->sink.secrets, cert_ns(c), cert_name(c));
	certs_drop(t->tls.certs, c);
}

/* default-ssl-certificate is a namespace/name. */
void tls_conf_changed(struct translate *t)
{
	struct str ns, name;
	struct cert *before = t->tls.default_cert;

	if (t->tls.certs == NULL)
		return;
	t->tls.default_cert = NULL;
	if (named_split_full(str_from(t->conf.default_ssl_certificate), &ns, &name))
		hold_default(t, ns, name);
	if (before != NULL)
		drop_default(t, before);
	t->tls.default_queued = true;
}

static void tell_default(struct translate *t, const struct cert *c)
{
	struct obj secret = {.kind = OBJ_SECRET, .ns = cert_ns(c), .name = cert_name(c)};

	finding_begin(&t->tls.found);
	if (cert_trouble(c) != NULL)
		finding_about(&t->findings, &t->tls.found, FINDING_WARN, "BadCertificate", &secret,
			      "names without a certificate are served with a self-signed one, "
			      "because of the Secret of default-ssl-certificate: %s",
			      cert_trouble(c));
	finding_end(&t->tls.found);
}

int tls_flush_default(struct translate *t)
{
	struct tls_state *s = &t->tls;
	struct model_cert m;

	if (s->certs == NULL || !s->default_queued)
		return 0;
	s->default_queued = false;
	s->default_touched = true;
	if (s->default_cert != NULL)
		tell_default(t, s->default_cert);
	if ((s->default_cert == NULL || !cert_model(s->default_cert, &m)) &&
	    !cert_model(certs_self_signed(s->certs), &m))
		return 0; /* changed() follows */
	t->wrote = true;
	m.name = STR_NONE;
	return t->sink.put_cert(t->sink.arg, &m);
}

/* --- events --------------------------------------------------------------------------------- */

void tls_secret_changed(struct translate *t, const struct obj *secret)
{
	if (t->tls.certs != NULL)
		certs_secret_changed(t->tls.certs, secret);
}

void translate_cert_changed(struct translate *t, const struct cert *c)
{
	struct g_secret *s = find(t, cert_ns(c), cert_name(c));
	const struct g_secret_use *u;
	const struct g_link *l;

	up_tls_cert_changed(t, c);
	if (c == t->tls.default_cert || c == certs_self_signed(t->tls.certs))
		t->tls.default_queued = true;
	if (s == NULL)
		return;
	LIST_FOREACH (u, &s->uses, of_secret)
		SLIST_FOREACH(l, &u->ingress->links, of_ingress)
	graph_mark_host(&t->graph, l->host);
}

void tls_published(struct translate *t)
{
	t->tls.default_touched = false;
}

void tls_rolled_back(struct translate *t)
{
	t->tls.default_queued |= t->tls.default_touched;
	t->tls.default_touched = false;
}

void tls_free(struct translate *t)
{
	struct g_ingress *i;

	if (t->tls.certs == NULL)
		return;
	for (i = graph_ingress_first(&t->graph); i != NULL; i = graph_ingress_next(i))
		tls_detach(t, i);
	if (t->tls.default_cert != NULL)
		certs_drop(t->tls.certs, t->tls.default_cert);
	finding_scope_free(&t->tls.found);
}
