/*
 * sources: see sources.h.
 *
 *   READING ──every source read whole──► SETTLING ──the Secrets referred to, and their keys
 *   where they belong──► LIVE
 *
 * A batch of changes: a source fills the store, the store tells the translation of each, and at
 * the batch's end the translation is flushed into the transaction and published. When that fails
 * everything in it is marked again and the next batch, or RETRY_MS, repeats it.
 */
#include "master/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "k8s/settings/config.h"
#include "k8s/files/manifests.h"
#include "k8s/objects/store.h"
#include "master/certs/certs.h"
#include "master/check/checker.h"
#include "master/kube/kube.h"
#include "master/ocsp/staple.h"
#include "master/patterns_check.h"
#include "master/resolver.h"
#include "master/translate/translate.h"

#define RETRY_MS 1000
#define KEYS_MS  3000 /* to go live without the keys process, if it must be */

struct sources {
	struct ev *ev;
	const struct conf *conf; /* as given */
	struct conf effective;   /* and what the ConfigMap says over it */
	struct finding_scope config_found;
	struct table_writer *table;
	struct publisher *publisher;
	struct board *board;
	struct store *store;
	struct translate *translate; /* NULL while READING */
	struct checker *checker;
	struct manifests *manifests; /* NULL: not a source */
	struct kube *kube;           /* NULL: not a source */
	struct resolver *resolver;
	struct certs *certs;     /* NULL: there is no HTTPS port */
	struct stapler *stapler; /* NULL: OCSP responses are not wanted */
	bool manifests_read, kube_read, settled, live;
	uint64_t ports_told; /* revision of the ports that ops->ports was told of */
	struct timer retry, patience;
	const struct sources_ops *ops;
	void *arg;
};

/* Whoever made the table too large wants to be told which object it was. */
static void flush_failed(struct sources *s, int err)
{
	log_error("this does not fit into the route table",
		  LOG_Z("what", translate_culprit(s->translate)), LOG_ERRNO(err));
	publisher_failed(s->publisher, err);
}

static void flush(struct sources *s)
{
	if (s->translate != NULL)
		store_forget_keys(s->store); /* who wants them has read them */
	if (!s->live)
		return;
	switch (translate_flush(s->translate)) {
	case 0:
		break;
	case -1:
		flush_failed(s, errno);
		break;
	default:
		publisher_changed(s->publisher);
	}
}

static void retry(struct timer *t)
{
	flush(container_of(t, struct sources, retry));
}

/* --- what is found is told -------------------------------------------------------------------- */

static void found(void *arg, const struct finding *f)
{
	struct sources *s = arg;

	if (f->kind == OBJ_INGRESS && f->level == FINDING_REFUSED)
		board_add(s->board, BOARD_INGRESSES_REFUSED, 1);
	finding_to_log(NULL, f);
	if (s->kube != NULL)
		kube_found(s->kube, f);
}

/* --- the ConfigMap --------------------------------------------------------------------------- */

static void configure(const struct sources *s, struct conf *conf, config_tell_fn *tell, void *arg)
{
	config_apply(config_of(s->conf, s->store), conf, NULL, tell, arg);
	conf_keep_fixed(conf, s->conf);
}

void sources_configure(const struct sources *s, struct conf *conf)
{
	configure(s, conf, NULL, NULL);
}

static void tell_config(void *arg, enum config_severity severity, const char *text)
{
	struct sources *s = arg;
	struct findings to = {found, s};

	finding_about(&to, &s->config_found, severity == CONFIG_NOTE ? FINDING_NOTE : FINDING_WARN,
		      "ConfigMapKey", &config_of(s->conf, s->store)->o, "%s", text);
}

/* What counts now: silex.conf and the ConfigMap over it. The findings stay open. */
static void set_stapling(struct sources *s)
{
	bool wanted = s->effective.enable_ocsp;

	if (s->certs == NULL || wanted == (s->stapler != NULL))
		return;
	if (wanted) {
		s->stapler = stapler_new(s->ev, s->board);
		certs_staple(s->certs, s->stapler);
		return;
	}
	certs_staple(s->certs, NULL);
	stapler_free(s->stapler);
	s->stapler = NULL;
}

static void set_effective(struct sources *s)
{
	finding_begin(&s->config_found);
	s->effective = *s->conf;
	configure(s, &s->effective, tell_config, s);
	if (config_of(s->conf, s->store) != NULL)
		patterns_check(&s->effective, tell_config, s);
	set_stapling(s);
}

/* Hand it on, and tell what does not work of it. */
static void use_effective(struct sources *s)
{
	const char *trouble = s->ops->configured(s->arg, &s->effective);

	if (trouble != NULL && config_of(s->conf, s->store) != NULL)
		tell_config(s, CONFIG_WARN, trouble);
	finding_end(&s->config_found);
}

static void config_changed(struct sources *s)
{
	set_effective(s);
	translate_set_conf(s->translate, &s->effective);
	use_effective(s);
}

/* --- from the store through the translation -------------------------------------------------- */

static bool is_config(const struct sources *s, const struct obj *o)
{
	struct str ref = str_from(s->conf->configmap);

	return o->kind == OBJ_CONFIGMAP && ref.n == o->ns.n + 1 + o->name.n &&
	       str_starts(ref, o->ns) && str_ends(ref, o->name);
}

static void store_changed(void *arg, const struct obj *old, const struct obj *new)
{
	const struct obj *any = new != NULL ? new : old;
	struct sources *s = arg;

	translate_event(s->translate, old, new);
	if (any->kind == OBJ_INGRESS && new != NULL &&
	    translate_serves(s->translate, obj_ingress(new)))
		board_add(s->board, BOARD_INGRESSES_TAKEN, 1);
	if (is_config(s, any)) {
		config_changed(s);
		if (s->kube != NULL && new != NULL)
			kube_config_changed(s->kube, old, new);
	}
	if (s->kube != NULL && any->kind == OBJ_INGRESS)
		kube_ingress_changed(s->kube, old, new,
				     new !=
					 NULL &&translate_serves(s->translate, obj_ingress(new)));
}

static void go_live(struct sources *s)
{
	timer_cancel(ev_timers(s->ev), &s->patience);
	s->live = true;
	use_effective(s);
	flush(s);
	s->ops->synced(s->arg);
}

static void out_of_patience(struct timer *t)
{
	struct sources *s = container_of(t, struct sources, patience);

	log_error("the keys process does not take the private keys; going live without");
	go_live(s);
}

/* All objects are there. Hosts go live with their certificates, not a moment before them. */
static void settled(void *arg)
{
	struct sources *s = arg;

	s->settled = true;
	translate_settled(s->translate);
	if (s->certs == NULL || certs_settled(s->certs))
		go_live(s);
	else
		timer_set(ev_timers(s->ev), &s->patience, ev_now_ms(s->ev) + KEYS_MS);
}

static void settled_again(void *arg)
{
	struct sources *s = arg;

	translate_settled(s->translate);
	flush(s);
}

/* --- certificates ---------------------------------------------------------------------------- */

static void cert_changed(void *arg, struct cert *c)
{
	struct sources *s = arg;

	if (s->translate != NULL)
		translate_cert_changed(s->translate, c);
	timer_set(ev_timers(s->ev), &s->retry, ev_now_ms(s->ev)); /* many changes, one flush */
}

static void certs_are_settled(void *arg)
{
	struct sources *s = arg;

	if (s->settled && !s->live)
		go_live(s);
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

static void secret_again(void *arg, const struct secret *again)
{
	struct sources *s = arg;

	if (s->certs != NULL)
		certs_secret_again(s->certs, again);
}

static const struct certs_ops certs_ops = {
    .changed = cert_changed,
    .want = secret_wanted,
    .settled = certs_are_settled,
};

struct certs *sources_certs(struct sources *s)
{
	return s->certs;
}

/* Whose zone counts. Without an API server nobody but the environment can say. */
static const char *node_of(const struct sources *s)
{
	const char *env = getenv("NODE_NAME");

	if (s->kube != NULL)
		return kube_node(s->kube);
	return s->conf->enable_topology_aware_routing && env != NULL ? env : "";
}

/* Of the first reading; later ones are counted as they come. */
static void count_taken(struct sources *s)
{
	struct translate_info info;

	translate_info(s->translate, &info);
	board_add(s->board, BOARD_INGRESSES_TAKEN, info.taken);
}

static void begin_translating(struct sources *s)
{
	struct translate_sink sink = translate_to_table(s->table);
	struct external x = {.resolver = s->resolver};

	if (s->translate != NULL || (s->manifests != NULL && !s->manifests_read) ||
	    (s->kube != NULL && !s->kube_read))
		return;
	sink.certs = s->certs;
	if (s->kube != NULL) {
		sink.secret_ref = kube_secret_ref;
		sink.secret_unref = kube_secret_unref;
		sink.configmap_ref = kube_configmap_ref;
		sink.configmap_unref = kube_configmap_unref;
		sink.settling = kube_settling;
		sink.secrets = s->kube;
		x.api = kube_address(s->kube);
	}
	set_effective(s);
	s->translate = translate_new(&s->effective, s->store, &sink, found, s);
	count_taken(s);
	translate_use_checker(s->translate, s->checker);
	translate_resolve(s->translate, &x);
	translate_at_node(s->translate, node_of(s));
	store_listen(s->store, store_changed, s);
	store_listen_again(s->store, secret_again, s);
	store_forget_keys(s->store);
	if (s->kube != NULL)
		kube_settle(s->kube);
	else
		settled(s);
}

static void endpoint_checked(void *arg, void *cluster)
{
	struct sources *s = arg;

	translate_checked(s->translate, cluster);
	flush(s);
}

/* --- names ----------------------------------------------------------------------------------- */

static void name_changed(void *arg, struct str name)
{
	struct sources *s = arg;

	translate_name_changed(s->translate, name);
	flush(s);
}

static bool name_wanted(void *arg, struct str name)
{
	const struct sources *s = arg;

	return translate_wants_name(s->translate, name);
}

static const struct resolver_ops resolver_ops = {.changed = name_changed, .wanted = name_wanted};

static int open_resolver(struct sources *s)
{
	s->resolver = resolver_new(s->ev, s->conf->dns_servers, &resolver_ops, s);
	if (s->resolver != NULL)
		return 0;
	log_error("cannot set up the resolver of names", LOG_Z("dns-servers", s->conf->dns_servers),
		  LOG_ERRNO(errno));
	return -1;
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
	flush(arg);
}

static void manifests_synced(void *arg)
{
	struct sources *s = arg;

	s->manifests_read = true;
	begin_translating(s);
}

static const struct manifests_ops manifests_ops = {
    .report = report,
    .applied = applied,
    .synced = manifests_synced,
};

static int open_manifests(struct sources *s)
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
	flush(arg);
}

static void kube_synced(void *arg)
{
	struct sources *s = arg;

	s->kube_read = true;
	begin_translating(s);
}

static bool serves(void *arg, const struct ingress *i)
{
	const struct sources *s = arg;

	return s->translate != NULL && translate_serves(s->translate, i);
}

static const struct kube_ops kube_ops = {
    .changed = kube_changed,
    .synced = kube_synced,
    .settled = settled,
    .settled_again = settled_again,
    .serves = serves,
};

static int open_kube(struct sources *s)
{
	s->kube = kube_new(s->ev, s->conf, s->store, s->board, &kube_ops, s);
	return s->kube == NULL ? -1 : 0;
}

/* --- life ------------------------------------------------------------------------------------ */

struct sources *sources_new(struct ev *ev, const struct conf *conf, struct table_writer *table,
			    struct publisher *publisher, struct board *board, struct keys *keys,
			    const struct sources_ops *ops, void *arg)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct sources){.ev = ev,
			      .conf = conf,
			      .table = table,
			      .publisher = publisher,
			      .board = board,
			      .ops = ops,
			      .arg = arg};
	s->ports_told = UINT64_MAX; /* none at all is worth telling, too */
	timer_init(&s->retry, retry);
	timer_init(&s->patience, out_of_patience);
	s->store = store_new();
	if (s->store == NULL) {
		free(s);
		return NULL;
	}
	s->checker = checker_new(ev, board, endpoint_checked, s);
	if (keys != NULL)
		s->certs = certs_new(ev, s->store, keys, &certs_ops, s);
	return s;
}

int sources_start(struct sources *s)
{
	if (open_resolver(s) == -1)
		return -1;
	/* Both exist before either begins, so that neither goes live without the other. */
	if (s->conf->manifests[0] != '\0' && open_manifests(s) == -1)
		return -1;
	if (kube_wanted(s->conf) && open_kube(s) == -1)
		return -1;
	if (s->manifests != NULL)
		manifests_start(s->manifests);
	return s->kube == NULL ? 0 : kube_start(s->kube);
}

void sources_conf_changed(struct sources *s, const struct conf *conf)
{
	s->conf = conf;
	if (s->translate == NULL)
		return;
	config_changed(s);
	flush(s);
}

static void tell_ports(struct sources *s)
{
	const struct model_port *ports;
	uint64_t revision;
	uint32_t n;

	ports = translate_ports(s->translate, &n, &revision);
	if (revision == s->ports_told)
		return;
	s->ports_told = revision;
	s->ops->ports(s->arg, ports, n);
}

void sources_published(struct sources *s)
{
	if (s->translate == NULL)
		return;
	translate_published(s->translate);
	tell_ports(s);
}

void sources_port_failed(struct sources *s, const struct model_port *p, const char *why)
{
	translate_port_failed(s->translate, p, why);
}

void sources_rolled_back(struct sources *s)
{
	if (s->translate != NULL)
		translate_rolled_back(s->translate);
	timer_set(ev_timers(s->ev), &s->retry, ev_now_ms(s->ev) + RETRY_MS);
}

void sources_stop(struct sources *s, void (*done)(void *arg), void *arg)
{
	if (s->kube == NULL)
		done(arg);
	else
		kube_stop(s->kube, s->conf->update_status_on_shutdown, done, arg);
}

void sources_free(struct sources *s)
{
	if (s == NULL)
		return;
	timer_cancel(ev_timers(s->ev), &s->retry);
	timer_cancel(ev_timers(s->ev), &s->patience);
	store_listen(s->store, NULL, NULL);
	store_listen_again(s->store, NULL, NULL);
	checker_free(s->checker);
	translate_free(s->translate); /* lets go of what it had the others follow */
	s->translate = NULL;
	kube_free(s->kube);
	manifests_free(s->manifests);
	resolver_free(s->resolver);
	finding_scope_free(&s->config_found);
	certs_free(s->certs);
	stapler_free(s->stapler);
	store_free(s->store);
	free(s);
}
