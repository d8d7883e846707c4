/* engine: see engine.h. */
#include "worker/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/check.h"
#include "common/limit/limit_rate.h"
#include "worker/flow/chunk.h"
#include "worker/accept/client.h"
#include "worker/compress/compress.h"
#include "worker/http1/h1u.h"
#include "worker/http2/h2s.h"
#include "worker/http2/h2u.h"
#include "worker/loop/live.h"
#include "worker/metrics/count.h"
#include "worker/request/block.h"
#include "worker/rewrite/regex.h"
#include "worker/request/request.h"
#include "worker/flow/splice.h"
#include "worker/upstream/eject.h"
#include "worker/upstream/pick.h"
#include "worker/upstream/pool.h"

#define ARENA_CHUNK 4096
_Static_assert(ARENA_CHUNK >= POLICY_ROUTED_MAX + 16, "a policy fits into a piece");
#define SWEEP_MS 20 /* after a change of the table; many changes are one sweep */

static timer_fn on_sweep;

static int make_slabs(struct worker *w)
{
	w->chunks = slab_new("chunks", CHUNK_SIZE, w->conf->buffer_memory_bytes / CHUNK_SIZE);
	w->arenas = slab_new("arenas", ARENA_CHUNK, w->conf->buffer_memory_bytes / ARENA_CHUNK);
	w->requests = slab_new("requests", sizeof(struct request), 0);
	w->upstreams = slab_new("upstreams", sizeof(struct h1u), 0);
	w->h2_streams = slab_new("http2 streams", sizeof(struct h2s), 0);
	w->h2_upstreams = slab_new("http2 upstreams", sizeof(struct h2u), 0);
	return w->chunks == NULL || w->arenas == NULL || w->requests == NULL ||
		       w->upstreams == NULL || w->h2_streams == NULL || w->h2_upstreams == NULL
		   ? -1
		   : 0;
}

static void make_hsts(struct worker *w)
{
	const struct conf *c = w->conf;

	if (c->hsts)
		(void)snprintf(w->hsts, sizeof(w->hsts), "max-age=%llu%s%s",
			       (unsigned long long)c->hsts_max_age,
			       c->hsts_include_subdomains ? "; includeSubDomains" : "",
			       c->hsts_preload ? "; preload" : "");
}

int engine_configure(struct worker *w)
{
	bool failed;
	struct block *b = block_new(w->conf, w->regexes, &failed);

	if (failed) {
		block_free(b);
		return -1;
	}
	block_free(w->block);
	w->block = b;
	return 0;
}

int engine_init(struct worker *w)
{
	bool failed;

	STAILQ_INIT(&w->driver.queue);
	w->fields = calloc(w->conf->max_header_fields, sizeof(struct field));
	w->pool = pool_new(w->conf->upstream_keepalive_connections);
	w->picker = picker_new(w->rng);
	w->eject = eject_new(w->ev, w->slot);
	w->splices = splice_set_new();
	w->regexes = regexes_new();
	timer_init(&w->sweep, on_sweep);
	make_hsts(w);
	w->squeeze = squeeze_new(w->conf, &failed);
	(void)snprintf(w->http_port, sizeof(w->http_port), "%u", (unsigned)w->conf->http_port);
	if (make_slabs(w) == -1 || failed || w->fields == NULL || w->pool == NULL ||
	    w->picker == NULL || w->eject == NULL || w->splices == NULL || w->regexes == NULL ||
	    h2_worker_init(w) == -1 || client_trust_init(&w->trust, w->conf) == -1 ||
	    engine_configure(w) == -1) {
		errno = ENOMEM;
		return -1;
	}
	if (w->conf->enable_metrics && w->board != NULL) { /* a test may have no board */
		w->counter = counter_new(w);
		if (w->counter == NULL)
			return -1;
	}
	if (w->table != NULL)
		table_set_regex(w->table, regex_matches, w->regexes);
	return client_init(w);
}

/* Would the address be picked now? A terminating endpoint beside ready ones would not. */
static bool still_used(const struct worker *w, const struct pooled *p)
{
	struct cluster_view c;

	uint8_t level;

	if (!table_cluster(w->table, p->cluster, &c))
		return false;
	level = pick_level(&c);
	for (uint32_t i = 0; i < c.n_endpoints; i++)
		if (addr_eq(&c.endpoints[i].addr, &p->key.addr))
			return c.endpoints[i].state <= level;
	return false;
}

bool engine_keeps(struct worker *w, struct pooled *p)
{
	if (p->version != table_version(w->table) && !still_used(w, p))
		return false;
	p->version = table_version(w->table);
	return true;
}

static bool stays(void *arg, struct pooled *p)
{
	return engine_keeps(arg, p);
}

static void on_sweep(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, sweep);

	pool_sweep(w->pool, stays, w);
}

static uint64_t monotonic_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void measure(struct hist *h, uint64_t since, uint64_t now)
{
	hist_record(h, since != 0 && now > since ? now - since : 0);
}

/* What every other worker has adopted already. Of two that adopt at the same moment both may see
 * it, but never none of them: each announces its own before it looks (table_pins.h). */
static uint64_t adopted_by_all_others(const struct worker *w)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < SLOT_MAX; i++) {
		uint64_t v =
		    w->peers[i] == NULL ? UINT64_MAX : table_pins_oldest(&w->peers[i]->pins);

		least = v < least ? v : least;
	}
	return least;
}

/* How long the versions (had, new] have been under way. The turn's clock will not do: it may be
 * older than the publication. A change is live when its last worker has it: that one counts. */
static void measure_adoption(struct worker *w, uint64_t had, uint64_t new)
{
	uint64_t published = w->board == NULL ? 0 : atomic_load(&w->board->published_us);
	uint64_t now = monotonic_us(), all = adopted_by_all_others(w);

	measure(&w->slot->adopt_us, published, now);
	if (w->limits == NULL)
		return;
	if (had == 0) { /* what was there before this worker is no measure of it */
		live_begin(&w->limits->live, new);
		return;
	}
	all = all < new ? all : new;
	had = live_claim(&w->limits->live, all);
	if (new - had > TABLE_HISTORY)
		had = new - TABLE_HISTORY;
	while (++had <= all)
		if (table_since_us(w->table, had) != 0)
			measure(&w->slot->live_us, table_since_us(w->table, had), now);
}

bool engine_adopt(struct worker *w)
{
	uint64_t had = table_version(w->table), now;

	if (table_newest(w->table) == had)
		return false;
	now = table_adopt(w->table);
	if (now == had)
		return false;
	atomic_store_explicit(&w->slot->stats[STAT_TABLE_VERSION], now, memory_order_relaxed);
	stat_add(w->slot, STAT_TABLE_ADOPTIONS, 1);
	measure_adoption(w, had, now);
	if (!timer_armed(&w->sweep) && pool_count(w->pool) > 0)
		timer_set(w->timers, &w->sweep, ev_now_ms(w->ev) + SWEEP_MS);
	return true;
}
