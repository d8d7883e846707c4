/*
 * sources: see sources.h.
 *
 *   READING ──every source read whole──► SETTLING ──the Secrets referred to, and their keys
 *   where they belong──► LIVE
 *
 * A batch of changes: a source fills the store, the store tells the translation of each, and at
 * the batch's end the translation is flushed into the transaction and published. When that fails
 * everything in it is marked again and the next batch, or RETRY_MS, repeats it.
 *
 * Where changes come from: sources_feeds.c; what silex.conf and the ConfigMap say: sources_conf.c.
 */
#include "master/sources/sources.h"

#include <errno.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/log/log.h"
#include "k8s/files/manifests.h"
#include "master/ocsp/staple.h"
#include "master/resolver.h"
#include "master/sources/sources_int.h"

#define RETRY_MS   1000
#define KEYS_MS    3000 /* without a word of the keys and auth processes: to go live without */
#define KEYS_TURNS 3

/* Whoever made the table too large wants to be told which object it was. */
static void flush_failed(struct sources *s, int err)
{
	log_error("this does not fit into the route table",
		  LOG_Z("what", translate_culprit(s->translate)), LOG_ERRNO(err));
	publisher_failed(s->publisher, err);
}

void sources_flush(struct sources *s)
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
	sources_flush(container_of(t, struct sources, retry));
}

/* --- what is found is told ------------------------------------------------------------------- */

void sources_found(void *arg, const struct finding *f)
{
	struct sources *s = arg;

	if (f->kind == OBJ_INGRESS && f->level == FINDING_REFUSED)
		board_add(s->board, BOARD_INGRESSES_REFUSED, 1);
	finding_to_log(NULL, f);
	if (s->kube != NULL)
		kube_found(s->kube, f);
}

/* --- from the store through the translation -------------------------------------------------- */

static void store_changed(void *arg, const struct obj *old, const struct obj *new)
{
	const struct obj *any = new != NULL ? new : old;
	struct sources *s = arg;
	bool served;

	translate_event(s->translate, old, new);
	served = any == new &&
		 any->kind == OBJ_INGRESS &&translate_serves(s->translate, obj_ingress(any));
	if (served)
		board_add(s->board, BOARD_INGRESSES_TAKEN, 1);
	if (sources_is_config(s, any)) {
		sources_settings_changed(s, true);
		if (s->kube != NULL && new != NULL)
			kube_config_changed(s->kube, old, new);
	}
	if (s->kube != NULL && any->kind == OBJ_INGRESS)
		kube_ingress_changed(s->kube, old, new, served);
}

static void secret_again(void *arg, const struct secret *again)
{
	struct sources *s = arg;

	if (s->certs != NULL)
		certs_secret_again(s->certs, again);
	users_secret_again(s->users, again);
}

void sources_go_live(struct sources *s)
{
	timer_cancel(ev_timers(s->ev), &s->patience);
	s->live = true;
	sources_use_effective(s);
	sources_flush(s);
	s->ops->synced(s->arg);
}

bool sources_secrets_settled(const struct sources *s)
{
	return (s->certs == NULL || certs_settled(s->certs)) && users_settled(s->users);
}

/* In several turns of the loop: one that took long, reading thousands of Secrets, must not pass for
 * silence of the processes, whose words wait to be heard meanwhile. */
static void be_patient(struct sources *s, unsigned turns)
{
	s->patience_left = turns;
	timer_set(ev_timers(s->ev), &s->patience, ev_now_ms(s->ev) + KEYS_MS / KEYS_TURNS);
}

void sources_wait_for_secrets(struct sources *s)
{
	if (s->settled && !s->live)
		be_patient(s, KEYS_TURNS);
}

static void out_of_patience(struct timer *t)
{
	struct sources *s = container_of(t, struct sources, patience);

	if (s->patience_left > 1) {
		be_patient(s, s->patience_left - 1);
		return;
	}
	log_error("the keys or the auth process does not take what is in the Secrets; going live "
		  "without");
	sources_go_live(s);
}

/* All objects are there. Hosts go live with their certificates, not a moment before them. */
void sources_settled(void *arg)
{
	struct sources *s = arg;

	s->settled = true;
	translate_settled(s->translate);
	if (sources_secrets_settled(s))
		sources_go_live(s);
	else
		sources_wait_for_secrets(s);
}

void sources_settled_again(void *arg)
{
	struct sources *s = arg;

	translate_settled(s->translate);
	sources_flush(s);
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

void sources_begin(struct sources *s)
{
	struct translate_sink sink = translate_to_table(s->table);
	struct external x = {.resolver = s->resolver};

	if (s->translate != NULL || (s->manifests != NULL && !s->manifests_read) ||
	    (s->kube != NULL && !s->kube_read))
		return;
	sink.certs = s->certs;
	sink.users = s->users;
	if (s->kube != NULL) {
		sink.secret_ref = kube_secret_ref;
		sink.secret_unref = kube_secret_unref;
		sink.configmap_ref = kube_configmap_ref;
		sink.configmap_unref = kube_configmap_unref;
		sink.settling = kube_settling;
		sink.secrets = s->kube;
		x.api = kube_address(s->kube);
	}
	sources_set_effective(s);
	s->translate = translate_new(&s->effective, s->store, &sink, sources_found, s);
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
		sources_settled(s);
}

struct users *sources_users(struct sources *s)
{
	return s->users;
}

struct certs *sources_certs(struct sources *s)
{
	return s->certs;
}

/* --- life ------------------------------------------------------------------------------------ */

struct sources *sources_new(struct ev *ev, const struct conf *conf, struct table_writer *table,
			    struct publisher *publisher, struct board *board,
			    const struct sources_secrets *to, const struct sources_ops *ops,
			    void *arg)
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
	sources_open_checker(s);
	sources_open_users(s, &to->users);
	if (to->keys != NULL)
		(void)sources_open_certs(s, to->keys);
	return s;
}

int sources_start(struct sources *s)
{
	if (sources_open_resolver(s) == -1)
		return -1;
	/* Both exist before either begins, so that neither goes live without the other. */
	if (s->conf->manifests[0] != '\0' && sources_open_manifests(s) == -1)
		return -1;
	if (kube_wanted(s->conf) && sources_open_kube(s) == -1)
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
	sources_settings_changed(s, false);
	sources_flush(s);
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
	users_free(s->users);
	stapler_free(s->stapler);
	store_free(s->store);
	free(s);
}
