/*
 * sources_feeds: where changes come from besides the store: private keys, users, names, checked
 * endpoints, and the two sources of objects themselves. Each ends in a mark and a flush.
 */
#include <errno.h>

#include "common/log/log.h"
#include "k8s/files/manifests.h"
#include "master/resolver.h"
#include "master/sources/sources_int.h"

/* --- certificates ---------------------------------------------------------------------------- */

static void cert_changed(void *arg, struct cert *c)
{
	struct sources *s = arg;

	if (s->translate != NULL)
		translate_cert_changed(s->translate, c);
	sources_wait_for_secrets(s);
	timer_set(ev_timers(s->ev), &s->retry, ev_now_ms(s->ev)); /* many changes, one flush */
}

static void certs_are_settled(void *arg)
{
	struct sources *s = arg;

	if (s->settled && !s->live && sources_secrets_settled(s))
		sources_go_live(s);
	s->ops->keys_ready(s->arg);
}

/* From where it came: the store still has all of it but the key. */
static void secret_wanted(void *arg, struct str ns, struct str name)
{
	struct sources *s = arg;
	const struct obj *o = store_get(s->store, OBJ_SECRET, ns, name);

	if (o != NULL && o->file.n > 0 && s->manifests != NULL)
		manifests_reread(s->manifests, o->file);
	else if (o != NULL && s->kube != NULL)
		kube_secret_again(s->kube, ns, name);
}

static const struct certs_ops certs_ops = {
    .changed = cert_changed,
    .want = secret_wanted,
    .settled = certs_are_settled,
};

int sources_open_certs(struct sources *s, struct keys *keys)
{
	s->certs = certs_new(s->ev, s->store, keys, &certs_ops, s);
	return s->certs == NULL ? -1 : 0;
}

/* --- lists of users -------------------------------------------------------------------------- */

static void users_changed(void *arg, struct users_list *l)
{
	struct sources *s = arg;

	if (s->translate != NULL)
		translate_users_changed(s->translate, l);
	sources_wait_for_secrets(s);
	timer_set(ev_timers(s->ev), &s->retry, ev_now_ms(s->ev));
}

static void users_are_settled(void *arg)
{
	struct sources *s = arg;

	if (s->settled && !s->live && sources_secrets_settled(s))
		sources_go_live(s);
	s->ops->users_ready(s->arg);
}

static const struct users_ops users_ops = {
    .changed = users_changed,
    .want = secret_wanted,
    .settled = users_are_settled,
};

void sources_open_users(struct sources *s, const struct users_process *to)
{
	s->users = users_new(s->ev, s->store, to, &users_ops, s);
}

/* --- names ----------------------------------------------------------------------------------- */

static void name_changed(void *arg, struct str name)
{
	struct sources *s = arg;

	translate_name_changed(s->translate, name);
	sources_flush(s);
}

static bool name_wanted(void *arg, struct str name)
{
	const struct sources *s = arg;

	return translate_wants_name(s->translate, name);
}

static const struct resolver_ops resolver_ops = {.changed = name_changed, .wanted = name_wanted};

int sources_open_resolver(struct sources *s)
{
	s->resolver = resolver_new(s->ev, s->conf->dns_servers, &resolver_ops, s);
	if (s->resolver != NULL)
		return 0;
	log_error("cannot set up the resolver of names", LOG_Z("dns-servers", s->conf->dns_servers),
		  LOG_ERRNO(errno));
	return -1;
}

/* --- endpoints that are checked -------------------------------------------------------------- */

static void endpoint_checked(void *arg, void *cluster)
{
	struct sources *s = arg;

	translate_checked(s->translate, cluster);
	sources_flush(s);
}

void sources_open_checker(struct sources *s)
{
	s->checker = checker_new(s->ev, s->board, endpoint_checked, s);
}

/* --- the manifests directory ----------------------------------------------------------------- */

static void report(void *arg, enum manifests_level level, const char *line)
{
	(void)arg;
	if (level == MANIFESTS_ERROR)
		log_error("manifest", LOG_Z("what", line));
	else if (level == MANIFESTS_WARNING)
		log_warn("manifest", LOG_Z("what", line));
	else
		log_debug("manifest", LOG_Z("what", line));
}

static void applied(void *arg)
{
	sources_flush(arg);
}

static void manifests_synced(void *arg)
{
	struct sources *s = arg;

	s->manifests_read = true;
	sources_begin(s);
}

static const struct manifests_ops manifests_ops = {
    .report = report,
    .applied = applied,
    .synced = manifests_synced,
};

int sources_open_manifests(struct sources *s)
{
	s->manifests = manifests_new(s->ev, s->store, s->conf->manifests, &manifests_ops, s);
	if (s->manifests != NULL)
		return 0;
	log_error("cannot watch the manifests", LOG_Z("directory", s->conf->manifests),
		  LOG_ERRNO(errno));
	return -1;
}

/* --- the API server -------------------------------------------------------------------------- */

static void kube_changed(void *arg)
{
	sources_flush(arg);
}

static void kube_synced(void *arg)
{
	struct sources *s = arg;

	s->kube_read = true;
	sources_begin(s);
}

static bool serves(void *arg, const struct ingress *i)
{
	const struct sources *s = arg;

	return s->translate != NULL && translate_serves(s->translate, i);
}

static const struct kube_ops kube_ops = {
    .changed = kube_changed,
    .synced = kube_synced,
    .settled = sources_settled,
    .settled_again = sources_settled_again,
    .serves = serves,
};

int sources_open_kube(struct sources *s)
{
	s->kube = kube_new(s->ev, s->conf, s->store, s->board, &kube_ops, s);
	return s->kube == NULL ? -1 : 0;
}
