/* up_tls: see up_tls.h. */
#include "master/translate/tls/up_tls.h"

#include <errno.h>
#include <stdio.h>

#include "common/hash.h"
#include "master/certs/ca_bundle.h"
#include "master/certs/certs.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/state.h"
#include "master/translate/tls/up_tls_settings.h"

#define KEY_MAX 2048

struct g_profile {
	RB_ENTRY(g_profile) entry;
	STAILQ_ENTRY(g_profile) queue_link, touched_link;
	LIST_HEAD(, g_ingress) users;
	uint32_t asked; /* by how many auth-urls; has no Secret then */
	struct str key; /* all settings as a text: the strings of `set` lie in it */
	uint64_t id;
	struct up_tls_settings set;
	struct cert *cert; /* held; NULL: the Secret has no pair */
	bool queued, touched, live;
	struct finding_scope found;
};

static int profile_cmp(const struct g_profile *a, const struct g_profile *b)
{
	return obj_str_cmp(a->key, b->key);
}

RB_GENERATE_INTERNAL(g_profiles, g_profile, entry, profile_cmp, static __attribute__((unused)))

static bool unused(const struct g_profile *p)
{
	return LIST_EMPTY(&p->users) && p->asked == 0;
}

static void queue(struct translate *t, struct g_profile *p)
{
	if (!p->queued)
		STAILQ_INSERT_TAIL(&t->up_tls.queue, p, queue_link);
	p->queued = true;
}

/* --- the Secret ---------------------------------------------------------------------------- */

static const struct secret *secret_of(const struct translate *t, const struct g_profile *p)
{
	const struct obj *o = store_get(t->store, OBJ_SECRET, p->set.ns, p->set.name);

	return o == NULL ? NULL : obj_secret(o);
}

static struct str value(const struct secret *s, struct str key)
{
	const struct str *v = s == NULL ? NULL : obj_map_get(&s->data, key);

	return v == NULL ? STR_NONE : *v;
}

static bool has_pair(const struct secret *s)
{
	return s != NULL && s->has_pair;
}

/* Held from the start, so that what it says of its key is waited for before all goes live. */
static void hold_pair(struct translate *t, struct g_profile *p, bool wanted)
{
	if (t->tls.certs == NULL || wanted == (p->cert != NULL))
		return;
	if (wanted) {
		p->cert = certs_hold(t->tls.certs, p->set.ns, p->set.name);
	} else {
		certs_drop(t->tls.certs, p->cert);
		p->cert = NULL;
	}
}

/* --- nodes and edges ----------------------------------------------------------------------- */

/* The same text for the same settings, and only for those: no value holds a line's end. */
static size_t key_text(char to[KEY_MAX], const struct up_tls_settings *s)
{
	int n = snprintf(to, KEY_MAX, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT "\n%d%d %u %u",
			 STR_ARG(s->ns), STR_ARG(s->name), STR_ARG(s->ciphers),
			 STR_ARG(s->server_name), s->verify, s->sni, s->depth, s->versions);

	CHECK(n > 0 && n < KEY_MAX); /* up_tls_settings.c bounds the texts */
	return (size_t)n;
}

/* The settings' strings move into the profile's own copy of the text. */
static void own_strings(struct g_profile *p, const struct up_tls_settings *s)
{
	const char *at = p->key.p;

	p->set = *s;
	p->set.ns.p = at;
	p->set.name.p = at += s->ns.n + 1;
	p->set.ciphers.p = at += s->name.n + 1;
	p->set.server_name.p = at + s->ciphers.n + 1;
}

static struct g_profile *get(struct translate *t, const struct up_tls_settings *s)
{
	char text[KEY_MAX];
	struct g_profile key = {.key = str_make(text, key_text(text, s))};
	struct g_profile *p = RB_FIND(g_profiles, &t->up_tls.profiles, &key);

	if (p != NULL)
		return p;
	p = mem_zalloc(sizeof(*p));
	p->key = mem_str(key.key);
	p->id = model_cluster_id(p->key);
	own_strings(p, s);
	LIST_INIT(&p->users);
	RB_INSERT(g_profiles, &t->up_tls.profiles, p);
	return p;
}

static void free_profile(struct translate *t, struct g_profile *p)
{
	hold_pair(t, p, false);
	RB_REMOVE(g_profiles, &t->up_tls.profiles, p);
	finding_scope_free(&p->found);
	mem_str_free(p->key);
	free(p);
}

struct telling {
	struct translate *t;
	struct g_ingress *i;
};

static void tell(void *arg, const char *annotation, const char *text)
{
	struct telling *to = arg;

	finding_about(&to->t->findings, &to->i->found, FINDING_WARN, "AnnotationParsingFailed",
		      &to->i->ing->o, "annotation %s/%s %s", to->t->conf.annotations_prefix,
		      annotation, text);
}

void up_tls_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	struct telling to = {t, i};
	struct up_tls_settings s;

	i->profile = NULL;
	if (!annots_has(a, ANNOT_PROXY_SSL_SECRET) && !annots_spoilt(a, ANNOT_PROXY_SSL_SECRET))
		return;
	if (!up_tls_settings_read(&s, a, i->ing->o.ns, t->conf.allow_cross_namespace, tell, &to)) {
		a->policy.flags |= POLICY_DENY;
		return;
	}
	i->profile = get(t, &s);
	LIST_INSERT_HEAD(&i->profile->users, i, of_profile);
	hold_pair(t, i->profile, has_pair(secret_of(t, i->profile)));
	queue(t, i->profile);
	if (t->sink.secret_ref != NULL)
		t->sink.secret_ref(t->sink.secrets, s.ns, s.name);
}

void up_tls_detach(struct translate *t, struct g_ingress *i)
{
	struct g_profile *p = i->profile;

	if (p == NULL)
		return;
	i->profile = NULL;
	LIST_REMOVE(i, of_profile);
	queue(t, p);
	if (t->sink.secret_unref != NULL)
		t->sink.secret_unref(t->sink.secrets, p->set.ns, p->set.name);
}

bool up_tls_option(const struct translate *t, const struct g_ingress *i,
		   const struct g_ingress *host_wide, struct policy_up_tls *out)
{
	const struct g_ingress *from = t->conf.proxy_ssl_location_only ? i : host_wide;

	if (from == NULL || from->profile == NULL)
		return false;
	*out = (struct policy_up_tls){.profile = from->profile->id,
				      .own = from->profile == i->profile};
	return true;
}

struct g_profile *up_tls_ask(struct translate *t, struct str name)
{
	const struct up_tls_settings s = {.server_name = name,
					  .sni = true,
					  .depth = 1,
					  .versions = PROFILE_TLS12 | PROFILE_TLS13};
	struct g_profile *p = get(t, &s);

	p->asked++;
	queue(t, p);
	return p;
}

void up_tls_ask_no_more(struct translate *t, struct g_profile *p)
{
	p->asked--;
	queue(t, p);
}

uint64_t up_tls_id(const struct g_profile *p)
{
	return p->id;
}

/* --- rendering ----------------------------------------------------------------------------- */

static const struct g_ingress *oldest_user(const struct g_profile *p)
{
	const struct g_ingress *oldest = NULL, *i;

	LIST_FOREACH (i, &p->users, of_profile)
		if (oldest == NULL || obj_age_cmp(&i->ing->o, &oldest->ing->o) < 0)
			oldest = i;
	return oldest;
}

/* What the Secret offers. False: why says what is wrong; an empty why: wait for the keys process.
 * *ca, NULL at first, is the caller's to free. */
static bool read_secret(struct translate *t, struct g_profile *p, struct ca_bundle **ca,
			struct model_cert *own, char why[CA_WHY_MAX])
{
	const struct secret *s = secret_of(t, p);
	struct str authority = value(s, STR("ca.crt"));
	const char *wrong = NULL;

	why[0] = '\0';
	if (p->set.name.n == 0)
		return true; /* an auth service's: no Secret */
	hold_pair(t, p, has_pair(s));
	if (s == NULL)
		wrong = "it does not exist: create it, or correct the name";
	else if (authority.n == 0 && !has_pair(s))
		wrong = "it holds neither ca.crt nor tls.crt and tls.key: put there what the "
			"endpoints want";
	else if (authority.n == 0 && p->set.verify)
		wrong = "it holds no ca.crt, by which proxy-ssl-verify could verify: put the "
			"authority's certificate there";
	else if (has_pair(s) && t->tls.certs == NULL)
		wrong = "its key cannot be used, because without https-port there is no keys "
			"process: set https-port";
	else if (p->cert != NULL)
		wrong = cert_trouble(p->cert);
	if (wrong != NULL)
		(void)snprintf(why, CA_WHY_MAX, "%s", wrong);
	if (wrong == NULL && authority.n > 0)
		*ca = ca_bundle_parse(authority, STR_NONE, why);
	if (wrong != NULL || (authority.n > 0 && *ca == NULL))
		return false;
	return p->cert == NULL || cert_model(p->cert, own);
}

static void refuse(struct translate *t, struct g_profile *p, const char *why)
{
	if (LIST_EMPTY(&p->users))
		return; /* auth services' have nothing that could be bad */
	finding_about(
	    &t->findings, &p->found, FINDING_REFUSED, "AnnotationParsingFailed",
	    &oldest_user(p)->ing->o,
	    "annotation %s/proxy-ssl-secret: its paths answer 503, because of Secret " STR_FMT
	    "/" STR_FMT ": %s",
	    t->conf.annotations_prefix, STR_ARG(p->set.ns), STR_ARG(p->set.name), why);
}

static int del(struct translate *t, struct g_profile *p)
{
	if (!p->live)
		return 0;
	p->live = false;
	t->wrote = true;
	return t->sink.del_profile(t->sink.arg, p->id);
}

static int put(struct translate *t, struct g_profile *p, const struct ca_bundle *ca,
	       const struct model_cert *own)
{
	struct model_profile m = {
	    .id = p->id,
	    .key = own->key,
	    .chain = own->chain,
	    .n_chain = own->n_chain,
	    .ca = ca == NULL ? NULL : ca->certs,
	    .n_ca = ca == NULL ? 0 : ca->n_certs,
	    .ciphers = p->set.ciphers,
	    .name = p->set.server_name,
	    .verify = p->set.verify,
	    .sni = p->set.sni,
	    .depth = p->set.depth,
	    .versions = p->set.versions,
	};

	t->wrote = p->live = true;
	if (t->sink.put_profile(t->sink.arg, &m) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	refuse(t, p, "it is too large: leave the certificates that are needed");
	return del(t, p);
}

static int render_used(struct translate *t, struct g_profile *p)
{
	struct ca_bundle *ca = NULL;
	struct model_cert own = {.n_chain = 0};
	char why[CA_WHY_MAX];
	bool ok = read_secret(t, p, &ca, &own, why);
	int rc;

	if (ok)
		rc = put(t, p, ca, &own);
	else if (why[0] == '\0')
		rc = 0; /* changed() follows; what is there until then stays */
	else
		rc = (refuse(t, p, why), del(t, p));
	ca_bundle_free(ca);
	return rc;
}

int up_tls_flush(struct translate *t)
{
	struct up_tls_state *s = &t->up_tls;
	struct g_profile *p;
	int rc = 0;

	while (rc == 0 && (p = STAILQ_FIRST(&s->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->queue, queue_link);
		p->queued = false;
		if (!p->touched)
			STAILQ_INSERT_TAIL(&s->touched, p, touched_link);
		p->touched = true;
		finding_begin(&p->found);
		rc = unused(p) ? del(t, p) : render_used(t, p);
		finding_end(&p->found);
	}
	return rc;
}

/* --- events -------------------------------------------------------------------------------- */

static void changed(struct translate *t, struct str ns, struct str name)
{
	struct g_profile *p;

	RB_FOREACH(p, g_profiles, &t->up_tls.profiles)
	if (str_eq(p->set.ns, ns) && str_eq(p->set.name, name))
		queue(t, p);
}

void up_tls_secret_changed(struct translate *t, const struct obj *secret)
{
	changed(t, secret->ns, secret->name);
}

void up_tls_cert_changed(struct translate *t, const struct cert *c)
{
	changed(t, cert_ns(c), cert_name(c));
}

void up_tls_published(struct translate *t)
{
	struct g_profile *p;

	while ((p = STAILQ_FIRST(&t->up_tls.touched)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->up_tls.touched, touched_link);
		p->touched = false;
		if (unused(p) && !p->queued)
			free_profile(t, p);
	}
}

/* The table is as it was before: what was put may not be there, what was deleted may. */
void up_tls_rolled_back(struct translate *t)
{
	struct g_profile *p;

	while ((p = STAILQ_FIRST(&t->up_tls.touched)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->up_tls.touched, touched_link);
		p->touched = false;
		p->live = true;
		queue(t, p);
	}
}

void up_tls_init(struct translate *t)
{
	RB_INIT(&t->up_tls.profiles);
	STAILQ_INIT(&t->up_tls.queue);
	STAILQ_INIT(&t->up_tls.touched);
}

void up_tls_free(struct translate *t)
{
	struct g_profile *p;

	while ((p = RB_MIN(g_profiles, &t->up_tls.profiles)) != NULL)
		free_profile(t, p);
}
