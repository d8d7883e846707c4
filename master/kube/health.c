/* health: see health.h. */
#include "master/kube/health.h"

#include <stdlib.h>
#include <time.h>

#include "common/check.h"
#include "common/loop/timer.h"

struct health {
	struct ev *ev;
	struct board *board;
	const struct source *source;
	const struct events *events;
	const struct leader *leader;
	struct timer timer;
};

/* Over all reflectors. */
struct sum {
	struct reflector_stats stats;
	uint64_t trouble[OBJ_KINDS]; /* the HTTP status, 1 for trouble below HTTP, 0: none */
	uint64_t contact_ms;         /* newest good answer */
	uint64_t since_ms;           /* oldest trouble; 0: none */
};

static const enum board_stat trouble_rows[OBJ_KINDS] = {
    [OBJ_INGRESS] = BOARD_API_TROUBLE_INGRESSES,    [OBJ_CLASS] = BOARD_API_TROUBLE_CLASSES,
    [OBJ_SERVICE] = BOARD_API_TROUBLE_SERVICES,     [OBJ_SLICE] = BOARD_API_TROUBLE_SLICES,
    [OBJ_SECRET] = BOARD_API_TROUBLE_SECRETS,       [OBJ_CONFIGMAP] = BOARD_API_TROUBLE_CONFIGMAPS,
    [OBJ_NAMESPACE] = BOARD_API_TROUBLE_NAMESPACES, [OBJ_NODE] = BOARD_API_TROUBLE_NODES,
};

static void add(void *arg, const struct reflector *r)
{
	struct sum *sum = arg;
	struct reflector_stats one;
	int status = reflector_trouble_status(r);

	reflector_stats(r, &one);
	sum->stats.lists += one.lists;
	sum->stats.watches += one.watches;
	sum->stats.events += one.events;
	sum->stats.failures += one.failures;
	sum->stats.refused += one.refused;
	if (one.contact_ms > sum->contact_ms)
		sum->contact_ms = one.contact_ms;
	if (status == 0)
		return;
	sum->trouble[reflector_scope(r)->kind] = status > 0 ? (uint64_t)status : 1;
	if (sum->since_ms == 0 || one.trouble_ms < sum->since_ms)
		sum->since_ms = one.trouble_ms;
}

static void store(struct health *h, enum board_stat id, uint64_t v)
{
	atomic_store_explicit(&h->board->stats[id], v, memory_order_relaxed);
}

/* A moment of the loop's clock as seconds since 1970; 0 stays 0. */
static uint64_t as_unix(const struct health *h, uint64_t ms)
{
	return ms == 0 ? 0 : (uint64_t)time(NULL) - (ev_now_ms(h->ev) - ms) / 1000;
}

static void store_sum(struct health *h, const struct sum *sum)
{
	store(h, BOARD_API_SOURCE, 1);
	store(h, BOARD_API_SYNCED, source_synced(h->source) ? 1 : 0);
	store(h, BOARD_API_CONTACT, as_unix(h, sum->contact_ms));
	store(h, BOARD_API_STALE_SINCE, as_unix(h, sum->since_ms));
	store(h, BOARD_API_LISTS, sum->stats.lists);
	store(h, BOARD_API_WATCHES, sum->stats.watches);
	store(h, BOARD_API_EVENTS, sum->stats.events);
	store(h, BOARD_API_FAILURES, sum->stats.failures);
	store(h, BOARD_API_REFUSED, sum->stats.refused);
	for (int k = 0; k < OBJ_KINDS; k++)
		store(h, trouble_rows[k], sum->trouble[k]);
}

static void store_writes(struct health *h)
{
	struct events_stats events;
	struct status_stats status;

	events_stats(h->events, &events);
	leader_stats(h->leader, &status);
	store(h, BOARD_LEADER, leader_is(h->leader) ? 1 : 0);
	store(h, BOARD_EVENTS_WRITTEN, events.written);
	store(h, BOARD_EVENTS_LOST, events.failed + events.dropped);
	store(h, BOARD_STATUS_WRITTEN, status.written);
	store(h, BOARD_STATUS_FAILED, status.failed);
}

void health_look(struct health *h)
{
	struct sum sum = {0};

	source_each(h->source, add, &sum);
	store_sum(h, &sum);
	store_writes(h);
	timer_set(ev_timers(h->ev), &h->timer, ev_now_ms(h->ev) + HEALTH_EVERY_MS);
}

static void look(struct timer *t)
{
	health_look(container_of(t, struct health, timer));
}

struct health *health_new(struct ev *ev, struct board *board)
{
	struct health *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->ev = ev;
	h->board = board;
	timer_init(&h->timer, look);
	return h;
}

void health_watch(struct health *h, const struct source *source, const struct events *events,
		  const struct leader *leader)
{
	h->source = source;
	h->events = events;
	h->leader = leader;
	health_look(h);
}

void health_free(struct health *h)
{
	if (h == NULL)
		return;
	timer_cancel(ev_timers(h->ev), &h->timer);
	free(h);
}
