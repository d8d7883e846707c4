/* certs: see certs.h. */
#include "master/certs/certs.h"

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "master/certs/cert_pair.h"
#include "master/keys/wipe_free.h"
#include "master/ocsp/staple.h"
#include "master/translate/graph/graph_mem.h"
#include "master/table/vec.h"

#define TLS_SECRET "kubernetes.io/tls"
#define FORGET_MS  10000 /* a handshake that began with an old certificate is over by then */
#define LOOK_MS    60000 /* how often expiry is looked at */

struct cert {
	RB_ENTRY(cert) entry;
	TAILQ_ENTRY(cert) on_way; /* in to_put or given, as long as there is a `next` */
	struct str ns, name;      /* empty: the self-signed one */
	struct certs *cs;
	unsigned holds;
	bool wanted;            /* its Secret is being read again, for the key */
	uint64_t order;         /* of `next` at the keys process; 0: not given yet */
	struct cert_pair *live; /* the keys process has its key; NULL: not usable */
	struct cert_pair *next; /* on its way there */
	struct staple *staple;  /* of live; NULL: none */
	char *trouble;          /* NULL: none */
};

RB_HEAD(cert_tree, cert);

struct old_key { /* to be forgotten when no handshake can want it any more */
	uint8_t key[SIGN_KEY_ID_LEN];
	uint64_t due_ms;
};

struct certs {
	struct ev *ev;
	const struct store *store;
	struct keys *keys;
	const struct certs_ops *ops;
	void *arg;
	struct cert_tree tree;
	struct cert self;
	TAILQ_HEAD(cert_list, cert) to_put; /* waits for room */
	struct cert_list given;             /* at the keys process, which answers in this order */
	struct stapler *stapler;            /* NULL: none of them has OCSP responses */
	size_t n_waiting;                   /* certificates with a `next`, or wanted */
	struct vec old_keys;                /* of struct old_key, oldest first */
	struct timer look;
};

static int cert_cmp(const struct cert *a, const struct cert *b)
{
	int c = obj_str_cmp(a->ns, b->ns);

	return c != 0 ? c : obj_str_cmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(cert_tree, cert, entry, cert_cmp, static __attribute__((unused)))

static int64_t now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* "": none. True when it is another one. */
static bool set_trouble(struct cert *c, const char *text)
{
	if (strcmp(c->trouble == NULL ? "" : c->trouble, text) == 0)
		return false;
	free(c->trouble);
	c->trouble = text[0] == '\0' ? NULL : strdup(text);
	CHECK(c->trouble != NULL || text[0] == '\0');
	return true;
}

/* --- on the way to the keys process --------------------------------------------------------- */

static void set_waiting(struct certs *cs, struct cert *c, struct cert_pair *next, bool wanted)
{
	if (c->next != NULL || c->wanted)
		cs->n_waiting--;
	if (next != NULL || wanted)
		cs->n_waiting++;
	c->next = next;
	c->wanted = wanted;
}

static void leave_way(struct certs *cs, struct cert *c)
{
	if (c->order != 0)
		TAILQ_REMOVE(&cs->given, c, on_way);
	else
		TAILQ_REMOVE(&cs->to_put, c, on_way);
	c->order = 0;
}

static void set_next(struct certs *cs, struct cert *c, struct cert_pair *p)
{
	if (c->next != NULL)
		leave_way(cs, c);
	cert_pair_free(c->next);
	set_waiting(cs, c, p, false);
	if (p != NULL)
		TAILQ_INSERT_TAIL(&cs->to_put, c, on_way);
}

static void forget_later(struct certs *cs, const struct cert_pair *p)
{
	struct old_key *o = vec_push(&cs->old_keys, sizeof(*o));

	CHECK(o != NULL);
	memcpy(o->key, p->key, sizeof(o->key));
	o->due_ms = ev_now_ms(cs->ev) + FORGET_MS;
}

static void restapled(void *arg)
{
	struct cert *c = arg;

	c->cs->ops->changed(c->cs->arg, c);
}

/* The response of p, which is about to be live; a certificate that was handed over again, because
 * the keys process died, keeps its own. */
static void staple(struct certs *cs, struct cert *c, const struct cert_pair *p)
{
	char name[600];

	if (p != NULL && c->live != NULL && c->staple != NULL &&
	    str_eq(p->chain[0], c->live->chain[0]))
		return;
	staple_free(c->staple);
	c->staple = NULL;
	if (p == NULL || cs->stapler == NULL || c == &cs->self)
		return;
	(void)snprintf(name, sizeof(name), STR_FMT "/" STR_FMT, STR_ARG(c->ns), STR_ARG(c->name));
	c->staple = staple_new(cs->stapler, p, name, restapled, c);
}

void certs_staple(struct certs *cs, struct stapler *s)
{
	struct cert *c;

	cs->stapler = s;
	RB_FOREACH(c, cert_tree, &cs->tree)
	{
		int64_t until;
		bool had = staple_response(c->staple, &until).n > 0;

		staple_free(c->staple);
		c->staple = NULL;
		staple(cs, c, c->live);
		if (had)
			cs->ops->changed(cs->arg, c);
	}
}

static void set_live(struct certs *cs, struct cert *c, struct cert_pair *p)
{
	staple(cs, c, p);
	if (c->live != NULL)
		forget_later(cs, c->live);
	cert_pair_free(c->live);
	c->live = p;
}

static void put_queued(struct certs *cs)
{
	struct cert *c;

	while ((c = TAILQ_FIRST(&cs->to_put)) != NULL) {
		uint64_t order = keys_put(cs->keys, c->next->secret);

		if (order == 0)
			return; /* room or born will follow */
		leave_way(cs, c);
		c->order = order;
		TAILQ_INSERT_TAIL(&cs->given, c, on_way);
		cert_pair_wipe_key(c->next);
	}
}

static void check_settled(struct certs *cs)
{
	if (cs->n_waiting == 0)
		cs->ops->settled(cs->arg);
}

/* Orders are obeyed in turn, so it is the first one; or it was superseded meanwhile: NULL. */
static struct cert *by_order(struct certs *cs, uint64_t order)
{
	struct cert *c = TAILQ_FIRST(&cs->given);

	return c != NULL && c->order == order ? c : NULL;
}

void certs_acked(struct certs *cs, uint64_t order, bool ok, const uint8_t key[SIGN_KEY_ID_LEN])
{
	struct cert *c = by_order(cs, order);
	struct cert_pair *p;

	if (c == NULL)
		return;
	p = c->next;
	leave_way(cs, c);
	set_waiting(cs, c, NULL, false);
	if (ok && memcmp(key, p->key, sizeof(p->key)) == 0) {
		set_live(cs, c, p);
		(void)set_trouble(c, "");
	} else {
		cert_pair_free(p);
		set_live(cs, c, NULL);
		(void)set_trouble(c, "its key cannot be used: make a new pair");
	}
	cs->ops->changed(cs->arg, c);
	check_settled(cs);
}

void certs_room(struct certs *cs)
{
	put_queued(cs);
}

/* --- reading -------------------------------------------------------------------------------- */

static struct str value(const struct secret *s, const char *key)
{
	const struct str *v = obj_map_get(&s->data, str_from(key));

	return v == NULL ? STR_NONE : *v;
}

/* NULL with a sentence in why. */
static struct cert_pair *read_secret(const struct secret *s, char why[CERT_WHY_MAX])
{
	const char *cannot = NULL;
	struct cert_pair *p;

	if (s == NULL)
		cannot = "it does not exist: create it, or correct the name";
	else if (!str_eq(s->type, STR(TLS_SECRET)) && value(s, "tls.crt").n == 0)
		cannot = "it holds no certificate: it must have tls.crt and tls.key, as "
			 "type " TLS_SECRET;
	if (cannot != NULL) {
		(void)snprintf(why, CERT_WHY_MAX, "%s", cannot);
		return NULL;
	}
	p = cert_pair_parse(value(s, "tls.crt"), value(s, "tls.key"), now_s(), why);
	wipe_stack();
	return p;
}

/* What is known of it now is p, on its way, or NULL, and why. True when something changed at once.
 */
static bool take(struct certs *cs, struct cert *c, struct cert_pair *p, const char *why)
{
	bool was_usable = c->live != NULL;
	bool news = set_trouble(c, p == NULL ? why : "");

	set_next(cs, c, p);
	if (p == NULL)
		set_live(cs, c, NULL);
	return p == NULL && (was_usable || news);
}

static bool take_secret(struct certs *cs, struct cert *c, const struct secret *s)
{
	char why[CERT_WHY_MAX] = "";
	struct cert_pair *p = read_secret(s, why);

	return take(cs, c, p, why);
}

static void want(struct certs *cs, struct cert *c)
{
	set_next(cs, c, NULL);
	set_waiting(cs, c, NULL, true);
	cs->ops->want(cs->arg, c->ns, c->name);
}

/* Read it as the store has it. True when something changed at once. */
static bool read_again(struct certs *cs, struct cert *c)
{
	const struct obj *o = store_get(cs->store, OBJ_SECRET, c->ns, c->name);

	if (o == NULL || !obj_secret(o)->key_gone)
		return take_secret(cs, c, o == NULL ? NULL : obj_secret(o));
	want(cs, c);
	return false;
}

static void make_self_signed(struct certs *cs)
{
	(void)take(cs, &cs->self, cert_pair_self_signed(), "");
	wipe_stack();
}

void certs_secret_changed(struct certs *cs, const struct obj *secret)
{
	struct cert key = {.ns = secret->ns, .name = secret->name};
	struct cert *c = RB_FIND(cert_tree, &cs->tree, &key);

	if (c == NULL)
		return;
	if (read_again(cs, c))
		cs->ops->changed(cs->arg, c);
	put_queued(cs);
	check_settled(cs);
}

void certs_secret_again(struct certs *cs, const struct secret *again)
{
	struct cert key = {.ns = again->o.ns, .name = again->o.name};
	struct cert *c = RB_FIND(cert_tree, &cs->tree, &key);

	if (c == NULL || !c->wanted)
		return;
	if (take_secret(cs, c, again))
		cs->ops->changed(cs->arg, c);
	put_queued(cs);
	check_settled(cs);
}

/* Its keys went with the process; what was usable stays so, because its workers wait for it. */
void certs_refill(struct certs *cs)
{
	struct cert *c;

	cs->old_keys.n = 0;
	make_self_signed(cs);
	RB_FOREACH(c, cert_tree, &cs->tree)
	if ((c->live != NULL || c->next != NULL || c->wanted) && read_again(cs, c))
		cs->ops->changed(cs->arg, c);
	put_queued(cs);
	check_settled(cs);
}

/* --- time ----------------------------------------------------------------------------------- */

static void forget_old(struct certs *cs)
{
	struct old_key *o = cs->old_keys.items;
	size_t n = 0;

	while (n < cs->old_keys.n && o[n].due_ms <= ev_now_ms(cs->ev))
		keys_forget(cs->keys, o[n++].key);
	if (n > 0)
		memmove(o, o + n, (cs->old_keys.n - n) * sizeof(*o));
	cs->old_keys.n -= n;
}

static void on_look(struct timer *t)
{
	struct certs *cs = container_of(t, struct certs, look);
	char why[CERT_WHY_MAX];
	int64_t now = now_s();
	struct cert *c;

	timer_set(ev_timers(cs->ev), t, ev_now_ms(cs->ev) + LOOK_MS);
	forget_old(cs);
	if (cs->self.live != NULL && cs->self.live->not_after < now)
		make_self_signed(cs);
	RB_FOREACH(c, cert_tree, &cs->tree)
	if (c->live != NULL && c->next == NULL && !cert_pair_in_force(c->live, now, why)) {
		(void)set_trouble(c, why);
		set_live(cs, c, NULL);
		cs->ops->changed(cs->arg, c);
	}
	put_queued(cs);
}

/* --- holding -------------------------------------------------------------------------------- */

struct cert *certs_hold(struct certs *cs, struct str ns, struct str name)
{
	struct cert key = {.ns = ns, .name = name};
	struct cert *c = RB_FIND(cert_tree, &cs->tree, &key);

	if (c == NULL) {
		c = mem_zalloc(sizeof(*c));
		c->cs = cs;
		c->ns = mem_str(ns);
		c->name = mem_str(name);
		RB_INSERT(cert_tree, &cs->tree, c);
		(void)read_again(cs, c);
		put_queued(cs);
	}
	c->holds++;
	return c;
}

static void cert_free(struct certs *cs, struct cert *c)
{
	set_next(cs, c, NULL);
	set_live(cs, c, NULL);
	RB_REMOVE(cert_tree, &cs->tree, c);
	mem_str_free(c->ns);
	mem_str_free(c->name);
	free(c->trouble);
	free(c);
}

void certs_drop(struct certs *cs, struct cert *c)
{
	CHECK(c->holds > 0);
	if (--c->holds == 0)
		cert_free(cs, c);
}

struct cert *certs_self_signed(struct certs *cs)
{
	return &cs->self;
}

/* --- looking -------------------------------------------------------------------------------- */

static void label(const struct cert *c, struct str to[CERT_LABELS])
{
	const struct cert_facts *f = &c->live->facts;

	to[CERT_NAMESPACE] = c->ns;
	to[CERT_SECRET_NAME] = c->name;
	to[CERT_IDENTIFIER] = f->identifier;
	to[CERT_ISSUER_ORGANIZATION] = f->issuer_organization;
	to[CERT_ISSUER_COMMON_NAME] = f->issuer_common_name;
	to[CERT_SERIAL_NUMBER] = f->serial_number;
	to[CERT_PUBLIC_KEY_ALGORITHM] = f->public_key_algorithm;
}

bool cert_model(const struct cert *c, struct model_cert *out)
{
	const struct cert_pair *p = c->live;
	int64_t until = 0;

	if (p == NULL)
		return false;
	*out = (struct model_cert){
	    .key = p->key, .chain = p->chain, .n_chain = p->n_chain, .not_after = p->not_after};
	label(c, out->labels);
	out->ocsp = staple_response(c->staple, &until);
	out->ocsp_until = until;
	return true;
}

bool cert_covers(const struct cert *c, struct str host)
{
	const struct cert_pair *p = c->live != NULL ? c->live : c->next;

	return p == NULL ? c->wanted : cert_pair_covers(p, host);
}

const char *cert_trouble(const struct cert *c)
{
	return c->trouble;
}

struct str cert_ns(const struct cert *c)
{
	return c->ns;
}

struct str cert_name(const struct cert *c)
{
	return c->name;
}

bool certs_settled(const struct certs *cs)
{
	return cs->n_waiting == 0;
}

/* --- life ----------------------------------------------------------------------------------- */

struct certs *certs_new(struct ev *ev, const struct store *store, struct keys *keys,
			const struct certs_ops *ops, void *arg)
{
	struct certs *cs = mem_zalloc(sizeof(*cs));

	cs->ev = ev;
	cs->store = store;
	cs->keys = keys;
	cs->ops = ops;
	cs->arg = arg;
	RB_INIT(&cs->tree);
	TAILQ_INIT(&cs->to_put);
	TAILQ_INIT(&cs->given);
	timer_init(&cs->look, on_look);
	timer_set(ev_timers(ev), &cs->look, ev_now_ms(ev) + LOOK_MS);
	make_self_signed(cs);
	return cs;
}

void certs_free(struct certs *cs)
{
	struct cert *c;

	if (cs == NULL)
		return;
	timer_cancel(ev_timers(cs->ev), &cs->look);
	while ((c = RB_MIN(cert_tree, &cs->tree)) != NULL)
		cert_free(cs, c);
	set_next(cs, &cs->self, NULL);
	set_live(cs, &cs->self, NULL);
	free(cs->self.trouble);
	vec_free(&cs->old_keys);
	free(cs);
}
