/* source: see source.h. */
#include "k8s/watch/source.h"

#include <bsd/sys/tree.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/log/log.h"
#include "k8s/watch/reflector_int.h"

#define FIXED_MAX     12
#define RENEW_MOST_MS (10u * SOURCE_RENEW_MS)

/* A Secret watched by its name. */
struct secret_watch {
	RB_ENTRY(secret_watch) link;
	struct resource_scope scope;
	struct reflector *reflector; /* NULL: out of memory, tried again at the next reference */
	uint32_t refs;
	bool synced;                    /* its first picture is there */
	bool again;                     /* to be read again by the task */
	bool orphan;                    /* in source.orphans */
	SLIST_ENTRY(secret_watch) next; /* there */
};

static int secret_cmp(const struct secret_watch *a, const struct secret_watch *b)
{
	int ns = strcmp(a->scope.ns, b->scope.ns);

	if (a->scope.kind != b->scope.kind)
		return a->scope.kind < b->scope.kind ? -1 : 1;
	return ns != 0 ? ns : strcmp(a->scope.name, b->scope.name);
}

RB_HEAD(secret_tree, secret_watch);
RB_GENERATE_INTERNAL(secret_tree, secret_watch, link, secret_cmp, static __attribute__((unused)))

struct source {
	struct ev *ev;
	struct api_client *client, *secrets_client;
	struct store *store;
	bool all_secrets;
	bool all_again; /* the reflector of all Secrets is to read again */
	uint32_t idle_ms;
	const struct source_ops *ops;
	void *arg;
	struct reflector *fixed[FIXED_MAX];
	unsigned n_fixed, n_synced;
	struct secret_tree secrets;
	unsigned secrets_pending;           /* not synced yet */
	SLIST_HEAD(, secret_watch) orphans; /* refs fell to 0: let go by the task, if still so */
	struct ev_task sweep;
	struct ev_task reread;
	struct timer renew;
	uint64_t renew_by_ms; /* 0: nothing came since the last time */
};

static void on_changed(void *arg)
{
	struct source *s = arg;

	s->ops->changed(s->arg);
}

static void on_synced(void *arg, struct reflector *r)
{
	struct source *s = arg;

	(void)r;
	if (++s->n_synced == s->n_fixed)
		s->ops->synced(s->arg);
}

static struct secret_watch *secret_find(struct source *s, enum obj_kind kind, struct str ns,
					struct str name);

/* One Secret less to wait for. */
static void secret_there(struct source *s, struct secret_watch *w)
{
	if (w->synced)
		return;
	w->synced = true;
	if (--s->secrets_pending == 0)
		s->ops->settled(s->arg);
}

static void on_secret_synced(void *arg, struct reflector *r)
{
	const struct resource_scope *scope = reflector_scope(r);
	struct source *s = arg;
	struct secret_watch *w =
	    secret_find(s, scope->kind, str_from(scope->ns), str_from(scope->name));

	CHECK(w != NULL);
	secret_there(s, w);
}

static void on_refused(void *arg, struct reflector *r, const char *object, const char *why)
{
	struct source *s = arg;

	(void)r;
	s->ops->refused(s->arg, object, why);
}

static void on_forbidden(void *arg, struct reflector *r, const char *why)
{
	struct source *s = arg;

	(void)r;
	s->ops->forbidden(s->arg, why);
}

static void on_passed(void *arg);

static const struct reflector_ops fixed_ops = {
    .changed = on_changed,
    .synced = on_synced,
    .forbidden = on_forbidden,
    .refused = on_refused,
};
static const struct reflector_ops all_secrets_ops = {
    .changed = on_changed,
    .synced = on_synced,
    .forbidden = on_forbidden,
    .passed = on_passed,
    .refused = on_refused,
};
static const struct reflector_ops secret_ops = {
    .changed = on_changed,
    .synced = on_secret_synced,
    .forbidden = on_forbidden,
    .passed = on_passed,
    .refused = on_refused,
};

static int add(struct source *s, enum obj_kind kind, const char *ns, const char *name)
{
	struct resource_scope scope = {.kind = kind};
	bool secret = kind == OBJ_SECRET;
	struct reflector *r;

	CHECK(s->n_fixed < FIXED_MAX);
	if (obj_kind_namespaced(kind))
		(void)snprintf(scope.ns, sizeof(scope.ns), "%s", ns);
	(void)snprintf(scope.name, sizeof(scope.name), "%s", name);
	r = reflector_new(s->ev, secret ? s->secrets_client : s->client, s->store, &scope,
			  s->idle_ms, secret ? &all_secrets_ops : &fixed_ops, s);
	if (r == NULL)
		return -1;
	s->fixed[s->n_fixed++] = r;
	return 0;
}

static int add_configmap(struct source *s, const char *ref)
{
	const char *slash = ref == NULL ? NULL : strchr(ref, '/');
	char ns[64];

	if (ref == NULL || *ref == '\0')
		return 0;
	if (slash == NULL || slash == ref || slash[1] == '\0' ||
	    slash - ref >= (ptrdiff_t)sizeof(ns)) {
		log_error("a ConfigMap is given as namespace/name", LOG_Z("value", ref));
		errno = EINVAL;
		return -1;
	}
	(void)snprintf(ns, sizeof(ns), "%.*s", (int)(slash - ref), ref);
	return add(s, OBJ_CONFIGMAP, ns, slash + 1);
}

static int add_fixed(struct source *s, const struct source_conf *conf)
{
	static const enum obj_kind kinds[] = {OBJ_CLASS, OBJ_SERVICE, OBJ_SLICE, OBJ_INGRESS};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (add(s, kinds[i], conf->ns, "") == -1)
			return -1;
	if (conf->namespaces && add(s, OBJ_NAMESPACE, "", "") == -1)
		return -1;
	if (conf->node[0] != '\0' && add(s, OBJ_NODE, "", conf->node) == -1)
		return -1;
	if (conf->all_secrets && add(s, OBJ_SECRET, conf->ns, "") == -1)
		return -1;
	for (size_t i = 0; i < sizeof(conf->configmaps) / sizeof(conf->configmaps[0]); i++)
		if (add_configmap(s, conf->configmaps[i]) == -1)
			return -1;
	return 0;
}

/* ---- Secrets ------------------------------------------------------------------------- */

static struct secret_watch *secret_find(struct source *s, enum obj_kind kind, struct str ns,
					struct str name)
{
	struct secret_watch key = {.scope.kind = kind};

	(void)snprintf(key.scope.ns, sizeof(key.scope.ns), STR_FMT, STR_ARG(ns));
	(void)snprintf(key.scope.name, sizeof(key.scope.name), STR_FMT, STR_ARG(name));
	return RB_FIND(secret_tree, &s->secrets, &key);
}

static struct secret_watch *secret_add(struct source *s, enum obj_kind kind, struct str ns,
				       struct str name)
{
	struct secret_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->scope.kind = kind;
	(void)snprintf(w->scope.ns, sizeof(w->scope.ns), STR_FMT, STR_ARG(ns));
	(void)snprintf(w->scope.name, sizeof(w->scope.name), STR_FMT, STR_ARG(name));
	RB_INSERT(secret_tree, &s->secrets, w);
	s->secrets_pending++;
	return w;
}

/* One of the fixed reflectors reads it already. */
static bool is_fixed(const struct source *s, enum obj_kind kind, struct str ns, struct str name)
{
	if (kind == OBJ_SECRET)
		return s->all_secrets;
	for (unsigned i = 0; i < s->n_fixed; i++) {
		const struct resource_scope *scope = reflector_scope(s->fixed[i]);

		if (scope->kind == kind && str_eq(str_from(scope->ns), ns) &&
		    str_eq(str_from(scope->name), name))
			return true;
	}
	return false;
}

static void ref(struct source *s, enum obj_kind kind, struct str ns, struct str name)
{
	struct secret_watch *w;

	if (is_fixed(s, kind, ns, name))
		return;
	w = secret_find(s, kind, ns, name);
	if (w == NULL)
		w = secret_add(s, kind, ns, name);
	if (w == NULL) {
		log_error("out of memory: an object is not watched", LOG_STR("namespace", ns),
			  LOG_STR("name", name));
		return;
	}
	w->refs++;
	if (w->reflector == NULL)
		w->reflector =
		    reflector_new(s->ev, kind == OBJ_SECRET ? s->secrets_client : s->client,
				  s->store, &w->scope, s->idle_ms, &secret_ops, s);
}

void source_secret_ref(struct source *s, struct str ns, struct str name)
{
	ref(s, OBJ_SECRET, ns, name);
}

void source_configmap_ref(struct source *s, struct str ns, struct str name)
{
	ref(s, OBJ_CONFIGMAP, ns, name);
}

static void secret_free(struct source *s, struct secret_watch *w)
{
	RB_REMOVE(secret_tree, &s->secrets, w);
	reflector_free(w->reflector);
	free(w);
}

/* Keys are not kept without need. Later, because an Ingress that is translated anew lets its
 * Secrets go and takes them again, and because the store's listener may be at work. */
static void sweep(struct ev_task *t)
{
	struct source *s = container_of(t, struct source, sweep);
	struct secret_watch *w;

	while ((w = SLIST_FIRST(&s->orphans)) != NULL) {
		SLIST_REMOVE_HEAD(&s->orphans, next);
		w->orphan = false;
		if (w->refs > 0)
			continue;
		if (reflector_delete(s->store, w->scope.kind, str_from(w->scope.ns),
				     str_from(w->scope.name)))
			s->ops->changed(s->arg);
		secret_there(s, w);
		secret_free(s, w);
	}
}

static void unref(struct source *s, enum obj_kind kind, struct str ns, struct str name)
{
	struct secret_watch *w;

	if (is_fixed(s, kind, ns, name))
		return;
	w = secret_find(s, kind, ns, name);
	CHECK(w != NULL && w->refs > 0);
	if (--w->refs > 0 || w->orphan)
		return;
	w->orphan = true;
	SLIST_INSERT_HEAD(&s->orphans, w, next);
	ev_post(s->ev, &s->sweep);
}

void source_secret_unref(struct source *s, struct str ns, struct str name)
{
	unref(s, OBJ_SECRET, ns, name);
}

void source_configmap_unref(struct source *s, struct str ns, struct str name)
{
	unref(s, OBJ_CONFIGMAP, ns, name);
}

/* ---- reading again, and leaving nothing behind ---------------------------------------- */

static struct reflector *reflector_of_all(struct source *s)
{
	for (unsigned i = 0; i < s->n_fixed; i++)
		if (reflector_scope(s->fixed[i])->kind == OBJ_SECRET)
			return s->fixed[i];
	return NULL;
}

void source_secret_again(struct source *s, struct str ns, struct str name)
{
	struct secret_watch *w = s->all_secrets ? NULL : secret_find(s, OBJ_SECRET, ns, name);

	if (w != NULL)
		w->again = true;
	s->all_again = s->all_again || s->all_secrets;
	ev_post(s->ev, &s->reread);
}

static void reread(struct ev_task *t)
{
	struct source *s = container_of(t, struct source, reread);
	struct reflector *all = s->all_again ? reflector_of_all(s) : NULL;
	struct secret_watch *w;

	s->all_again = false;
	if (all != NULL)
		reflector_again(all);
	RB_FOREACH(w, secret_tree, &s->secrets)
	{
		if (w->again && w->reflector != NULL)
			reflector_again(w->reflector);
		w->again = false;
	}
}

static void on_passed(void *arg)
{
	struct source *s = arg;
	uint64_t now = ev_now_ms(s->ev), due = now + SOURCE_RENEW_MS;

	if (s->renew_by_ms == 0)
		s->renew_by_ms = now + RENEW_MOST_MS;
	timer_set(ev_timers(s->ev), &s->renew, due < s->renew_by_ms ? due : s->renew_by_ms);
}

static void renew(struct timer *t)
{
	struct source *s = container_of(t, struct source, renew);
	struct reflector *all = reflector_of_all(s);
	struct secret_watch *w;
	bool moved = true;

	s->renew_by_ms = 0;
	api_client_renew(s->secrets_client);
	if (all != NULL)
		moved = reflector_renew(all);
	RB_FOREACH(w, secret_tree, &s->secrets)
	if (w->reflector != NULL && w->scope.kind == OBJ_SECRET)
		moved = reflector_renew(w->reflector) && moved;
	if (!moved)
		timer_set(ev_timers(s->ev), t, ev_now_ms(s->ev) + RENEW_MOST_MS);
}

/* -------------------------------------------------------------------------------------- */

struct source *source_new(struct ev *ev, struct api_client *client, struct api_client *secrets,
			  struct store *store, const struct source_conf *conf,
			  const struct source_ops *ops, void *arg)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ev = ev;
	s->client = client;
	s->secrets_client = secrets;
	s->store = store;
	s->all_secrets = conf->all_secrets;
	s->idle_ms = conf->idle_ms;
	s->ops = ops;
	s->arg = arg;
	RB_INIT(&s->secrets);
	SLIST_INIT(&s->orphans);
	s->sweep.fn = sweep;
	s->reread.fn = reread;
	timer_init(&s->renew, renew);
	if (add_fixed(s, conf) == -1) {
		source_free(s);
		return NULL;
	}
	return s;
}

void source_free(struct source *s)
{
	struct secret_watch *w;

	if (s == NULL)
		return;
	ev_unpost(s->ev, &s->sweep);
	ev_unpost(s->ev, &s->reread);
	timer_cancel(ev_timers(s->ev), &s->renew);
	while ((w = RB_MIN(secret_tree, &s->secrets)) != NULL)
		secret_free(s, w);
	for (unsigned i = 0; i < s->n_fixed; i++)
		reflector_free(s->fixed[i]);
	free(s);
}

bool source_synced(const struct source *s)
{
	return s->n_synced >= s->n_fixed;
}

bool source_settled(const struct source *s)
{
	return source_synced(s) && s->secrets_pending == 0;
}

void source_each(const struct source *s, void (*fn)(void *arg, const struct reflector *r),
		 void *arg)
{
	struct secret_watch *w;

	for (unsigned i = 0; i < s->n_fixed; i++)
		fn(arg, s->fixed[i]);
	RB_FOREACH(w, secret_tree, (struct secret_tree *)&s->secrets)
	if (w->reflector != NULL)
		fn(arg, w->reflector);
}
