/* events: see events.h. Here: who may say what, and what is remembered; event_write.c writes it. */
#include "k8s/write/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/hash.h"
#include "k8s/write/events_int.h"

#define ENTRIES_MAX  4096u
#define MESSAGE_MAX  1024u
#define BUDGET_BURST 25u
#define BUDGET_MS    300000u /* one more */
#define FORGET_MS    600000u /* a repeat after this is a new Event */

static void entry_free(struct entry *n)
{
	struct events *e = n->owner;

	if (n->call != NULL)
		e->running--;
	api_cancel(n->call);
	timer_cancel(ev_timers(e->ev), &n->due);
	if (n->waiting)
		TAILQ_REMOVE(&e->waiting, n, work);
	LIST_REMOVE(n, bucket);
	TAILQ_REMOVE(&e->age, n, age);
	e->entries--;
	free(n->api_version);
	free(n->kind);
	free(n->ns);
	free(n->name);
	free(n->uid);
	free(n->resource_version);
	free(n->reason);
	free(n->message);
	free(n);
}

/* ---- saying -------------------------------------------------------------------------- */

static bool take_budget(struct events *e, uint64_t key)
{
	struct budget *b = &e->budgets[key % TABLE_SIZE];
	uint64_t now = ev_now_ms(e->ev);
	uint64_t more;

	if (b->key != key)
		*b = (struct budget){.key = key, .at_ms = now, .left = BUDGET_BURST};
	more = (now - b->at_ms) / BUDGET_MS;
	if (more > 0) {
		b->at_ms += more * BUDGET_MS;
		b->left = more > BUDGET_BURST - b->left ? BUDGET_BURST : b->left + (uint32_t)more;
	}
	if (b->left == 0)
		return false;
	b->left--;
	return true;
}

static char *dup_str(struct str s)
{
	return s.n == 0 ? strdup("") : strndup(s.p, s.n);
}

static struct entry *entry_new(struct events *e, const struct event_about *a, uint64_t key)
{
	struct entry *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->owner = e;
	n->key = key;
	timer_init(&n->due, event_due);
	n->api_version = strdup(a->api_version);
	n->kind = strdup(a->kind);
	n->ns = dup_str(a->ns);
	n->name = dup_str(a->name);
	n->uid = dup_str(a->uid);
	n->resource_version = dup_str(a->resource_version);
	LIST_INSERT_HEAD(&e->table[key % TABLE_SIZE], n, bucket);
	TAILQ_INSERT_TAIL(&e->age, n, age);
	e->entries++;
	event_stamp(n->first);
	/* As client-go names them: the object's name and a number that never comes twice. */
	(void)snprintf(n->event_name, sizeof(n->event_name), STR_FMT ".%016llx", STR_ARG(a->name),
		       (unsigned long long)((uint64_t)time(NULL) * 1000000000ull + e->serial++));
	return n;
}

static struct entry *find(struct events *e, uint64_t key)
{
	struct entry *n;

	LIST_FOREACH (n, &e->table[key % TABLE_SIZE], bucket)
		if (n->key == key)
			return n;
	return NULL;
}

/* One that is being written is left alone: its call must not be cancelled from everywhere. */
static bool forget_oldest(struct events *e)
{
	struct entry *n = TAILQ_FIRST(&e->age);

	while (n != NULL && n->call != NULL)
		n = TAILQ_NEXT(n, age);
	if (n == NULL)
		return false;
	if (n->waiting)
		e->stats.dropped++;
	entry_free(n);
	return true;
}

static struct entry *entry_for(struct events *e, const struct event_about *a, uint64_t key)
{
	struct entry *n = find(e, key);

	if (n != NULL && n->call == NULL && ev_now_ms(e->ev) > n->said_ms + FORGET_MS) {
		entry_free(n);
		n = NULL;
	}
	if (n == NULL && e->entries == ENTRIES_MAX && !forget_oldest(e))
		return NULL;
	return n != NULL ? n : entry_new(e, a, key);
}

/* 0: say it now; else milliseconds to collect repeats. */
static void schedule(struct events *e, struct entry *n)
{
	uint64_t now = ev_now_ms(e->ev);

	if (n->written_ms == 0 || now >= n->written_ms + EVENTS_REPEAT_MS)
		event_write(n);
	else if (!timer_armed(&n->due))
		timer_set(ev_timers(e->ev), &n->due, n->written_ms + EVENTS_REPEAT_MS);
}

void events_emit(struct events *e, const struct event_about *about, bool warning,
		 const char *reason, const char *message)
{
	struct str text = str_from(message);
	uint64_t object =
	    hash_str(about->name, hash_str(about->ns, hash_str(str_from(about->kind), 0)));
	uint64_t key = hash_str(text, hash_str(str_from(reason), object));
	struct entry *n = find(e, key);

	if (n == NULL && !take_budget(e, object)) {
		e->stats.dropped++;
		return;
	}
	n = entry_for(e, about, key);
	if (n == NULL) {
		e->stats.dropped++;
		return;
	}
	if (n->reason == NULL) {
		text.n = text.n > MESSAGE_MAX ? MESSAGE_MAX : text.n;
		n->reason = strdup(reason);
		n->message = dup_str(text);
		n->warning = warning;
	}
	n->count++;
	n->said_ms = ev_now_ms(e->ev);
	TAILQ_REMOVE(&e->age, n, age);
	TAILQ_INSERT_TAIL(&e->age, n, age);
	schedule(e, n);
}

struct event_about events_about(const struct obj *o)
{
	return (struct event_about){
	    .api_version = obj_kind_api((enum obj_kind)o->kind),
	    .kind = obj_kind_name((enum obj_kind)o->kind),
	    .ns = o->ns,
	    .name = o->name,
	    .uid = o->uid,
	    .resource_version = o->resource_version,
	};
}

struct events *events_new(struct ev *ev, struct api_client *client, const char *component,
			  const char *instance)
{
	struct events *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->ev = ev;
	e->client = client;
	e->said_status = -1;
	TAILQ_INIT(&e->age);
	TAILQ_INIT(&e->waiting);
	e->component = strdup(component);
	e->instance = strdup(instance);
	if (e->component == NULL || e->instance == NULL) {
		events_free(e);
		errno = ENOMEM;
		return NULL;
	}
	return e;
}

void events_free(struct events *e)
{
	struct entry *n;

	if (e == NULL)
		return;
	while ((n = TAILQ_FIRST(&e->age)) != NULL)
		entry_free(n);
	free(e->component);
	free(e->instance);
	free(e);
}

void events_stats(const struct events *e, struct events_stats *out)
{
	*out = e->stats;
}
