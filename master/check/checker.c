/* checker: see checker.h. A group is one owner's endpoints, sorted by address as in the table. */
#include "master/check/checker.h"

#include <bsd/stdlib.h>
#include <bsd/sys/tree.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/log/log.h"
#include "master/check/ask.h"
#include "master/check/check_tls.h"
#include "master/check/probe.h"

#define PROBES_MAX 256 /* under way at the same time */
#define LATER_MS   100 /* when there are more, or no descriptor */
#define NAME_MAX_N 320

struct group;

struct target {
	struct group *group;
	struct addr addr;
	bool down;
	uint8_t run; /* checks in a row that say otherwise */
	struct probe probe;
	struct timer next;
};

struct group {
	RB_ENTRY(group) entry;
	struct checker *checker;
	void *owner;
	struct check_spec spec;
	struct target **targets;
	uint32_t n;
	char name[NAME_MAX_N];
	size_t ask_n;
	char ask[ASK_MAX];
};

RB_HEAD(groups, group);

struct checker {
	struct ev *ev;
	struct board *board;
	checker_changed_fn *changed;
	void *arg;
	struct groups groups;
	unsigned under_way;
	SSL_CTX *tls; /* NULL until the first check that needs it */
};

static int group_cmp(const struct group *a, const struct group *b)
{
	return a->owner < b->owner ? -1 : a->owner > b->owner;
}

/* As in translate/graph.c: RB_GENERATE_STATIC says __unused, which only the BSDs define. */
#define TREE_STATIC __attribute__((unused)) static
RB_GENERATE_INTERNAL(groups, group, entry, group_cmp, TREE_STATIC)

static timer_fn on_time;
static probe_fn on_done;

static void count(const struct checker *h, enum board_stat id, uint64_t n)
{
	if (h->board != NULL)
		board_add(h->board, id, n);
}

/* --- one endpoint --------------------------------------------------------------------------- */

static void ask_in(struct target *t, uint32_t ms)
{
	struct ev *ev = t->group->checker->ev;

	timer_set(ev_timers(ev), &t->next, ev_now_ms(ev) + ms);
}

/* A tenth more or less, so that what began together does not stay together. */
static uint32_t jittered(uint32_t ms)
{
	return ms - ms / 10 + arc4random_uniform(ms / 5 + 1);
}

static struct target *target_new(struct group *g, const struct addr *addr)
{
	struct target *t = calloc(1, sizeof(*t));

	CHECK(t != NULL);
	t->group = g;
	t->addr = *addr;
	timer_init(&t->next, on_time);
	ask_in(t, arc4random_uniform(g->spec.interval_ms) / 4);
	return t;
}

static void target_free(struct target *t)
{
	struct checker *h = t->group->checker;

	if (t->probe.ev != NULL)
		h->under_way--;
	probe_cancel(&t->probe);
	timer_cancel(ev_timers(h->ev), &t->next);
	if (t->down)
		count(h, BOARD_ENDPOINTS_DOWN, (uint64_t)-1);
	free(t);
}

static void on_time(struct timer *timer)
{
	struct target *t = container_of(timer, struct target, next);
	struct group *g = t->group;
	struct checker *h = g->checker;
	struct probe_ask ask = {
	    .to = t->addr,
	    .timeout_ms = g->spec.timeout_ms,
	    .request = str_make(g->ask, g->ask_n),
	    .grpc = check_is_grpc(&g->spec),
	    .low = g->spec.low,
	    .high = g->spec.high,
	    .tls = check_uses_tls(&g->spec) ? h->tls : NULL,
	    .name = g->spec.host,
	};

	if (g->spec.port != 0)
		ask.to.port = g->spec.port;
	if (t->probe.ev != NULL || h->under_way == PROBES_MAX ||
	    probe_start(&t->probe, h->ev, &ask, on_done) == -1) {
		ask_in(t, LATER_MS);
		return;
	}
	h->under_way++;
	count(h, BOARD_HEALTH_CHECKS, 1);
}

static void tell(const struct target *t, const char *why)
{
	struct str name = str_from(t->group->name);

	if (t->down)
		log_warn("endpoint down", LOG_STR("backend", name), LOG_ADDR("address", &t->addr),
			 LOG_Z("why", why));
	else
		log_info("endpoint up again", LOG_STR("backend", name),
			 LOG_ADDR("address", &t->addr));
}

/* Last statement of its callers: the target may be gone afterwards. */
static void turn(struct target *t, const char *why)
{
	struct group *g = t->group;
	struct checker *h = g->checker;

	t->down = !t->down;
	t->run = 0;
	tell(t, why);
	count(h, BOARD_ENDPOINTS_DOWN, t->down ? 1 : (uint64_t)-1);
	h->changed(h->arg, g->owner);
}

static void on_done(struct probe *p, const char *why)
{
	struct target *t = container_of(p, struct target, probe);
	const struct check_spec *s = &t->group->spec;
	bool good = why == NULL;

	t->group->checker->under_way--;
	if (!good)
		count(t->group->checker, BOARD_HEALTH_FAILS, 1);
	ask_in(t, jittered(s->interval_ms));
	t->run = good == t->down ? (uint8_t)(t->run + 1) : 0;
	if (t->run >= (t->down ? s->rise : s->fall))
		turn(t, why);
}

/* --- one owner ------------------------------------------------------------------------------ */

static struct group *group_find(struct checker *h, const void *owner)
{
	union { /* the tree's key is compared, never followed */
		const void *in;
		void *out;
	} key = {.in = owner};
	struct group g = {.owner = key.out};

	return RB_FIND(groups, &h->groups, &g);
}

static struct group *group_new(struct checker *h, void *owner)
{
	struct group *g = calloc(1, sizeof(*g));

	CHECK(g != NULL);
	g->checker = h;
	g->owner = owner;
	RB_INSERT(groups, &h->groups, g);
	return g;
}

static void group_free(struct checker *h, struct group *g)
{
	RB_REMOVE(groups, &h->groups, g);
	for (uint32_t i = 0; i < g->n; i++)
		target_free(g->targets[i]);
	free(g->targets);
	free(g);
}

/* The old target of this address, taken out; *at goes up both sorted lists together. */
static struct target *take_old(struct group *g, uint32_t *at, const struct addr *addr)
{
	int c = -1;

	while (*at < g->n && (c = memcmp(&g->targets[*at]->addr, addr, sizeof(*addr))) < 0)
		target_free(g->targets[(*at)++]);
	return *at < g->n && c == 0 ? g->targets[(*at)++] : NULL;
}

static void merge(struct group *g, struct table_endpoint *v, uint32_t n)
{
	struct target **to = calloc(n > 0 ? n : 1, sizeof(struct target *));
	uint32_t at = 0, kept = 0;

	CHECK(to != NULL);
	for (uint32_t i = 0; i < n; i++) {
		struct target *t;

		if (v[i].state != ENDPOINT_READY)
			continue;
		t = take_old(g, &at, &v[i].addr);
		if (t == NULL)
			t = target_new(g, &v[i].addr);
		if (t->down)
			v[i].state = ENDPOINT_DOWN;
		to[kept++] = t;
	}
	while (at < g->n)
		target_free(g->targets[at++]);
	free(g->targets);
	g->targets = to;
	g->n = kept;
}

void checker_watch(struct checker *h, void *owner, struct str name, const struct check_spec *spec,
		   struct table_endpoint *v, uint32_t n)
{
	struct group *g = group_find(h, owner);

	if (spec->kind == CHECK_OFF) {
		checker_forget(h, owner);
		return;
	}
	if (g == NULL)
		g = group_new(h, owner);
	(void)snprintf(g->name, sizeof(g->name), STR_FMT, STR_ARG(name));
	g->spec = *spec;
	g->ask_n = ask_make(spec, g->ask);
	if (check_uses_tls(spec) && h->tls == NULL)
		h->tls = check_tls_new();
	merge(g, v, n);
}

void checker_forget(struct checker *h, const void *owner)
{
	struct group *g = group_find(h, owner);

	if (g != NULL)
		group_free(h, g);
}

struct checker *checker_new(struct ev *ev, struct board *board, checker_changed_fn *changed,
			    void *arg)
{
	struct checker *h = calloc(1, sizeof(*h));

	CHECK(h != NULL);
	h->ev = ev;
	h->board = board;
	h->changed = changed;
	h->arg = arg;
	RB_INIT(&h->groups);
	return h;
}

void checker_free(struct checker *h)
{
	struct group *g;

	if (h == NULL)
		return;
	while ((g = RB_ROOT(&h->groups)) != NULL)
		group_free(h, g);
	SSL_CTX_free(h->tls);
	free(h);
}
