/*
 * count: see count.h.
 *
 * `known` says for each group number who it is, as of which version of the table; `ways` is an
 * open-addressing hash from series_key() to the entry. Both only grow: numbers are dense and given
 * again, so they are bounded by the most groups there ever were, and entries by metrics-max-series.
 */
#include "worker/metrics/count.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/stat/hist.h"
#include "worker/request/request.h"

#define GROUPS_MAX (1u << 20)
#define WAYS_FIRST 64u

struct known {
	uint64_t identity;
	uint64_t version; /* of the table, when it was asked */
};

struct way {
	uint64_t key; /* 0: empty */
	struct series_entry *entry;
};

/* The last request of such a place: most requests are like one just seen. */
#define RECENT 64u
struct recent {
	uint64_t key, identity; /* key 0: nothing */
	struct series_entry *entry;
	struct series_hists *hists;
	struct series_quantiles *quantiles; /* NULL: the group has none */
};

struct counter {
	const struct worker *w;
	union series_page *pages;
	struct series_bounds bounds;
	struct known *known;
	uint32_t n_known;
	struct way *ways;
	uint32_t n_ways, used_ways; /* n_ways is a power of two */
	uint32_t last_list, last_n; /* the list that still has room */
	uint32_t entries, detailed; /* of these with a page of histograms */
	struct recent recent[RECENT];
	struct series_entry *other; /* made first, so it always has its page */
};

static uint64_t load(const _Atomic uint64_t *w)
{
	return atomic_load_explicit(w, memory_order_relaxed);
}

static void store(_Atomic uint64_t *w, uint64_t v)
{
	atomic_store_explicit(w, v, memory_order_relaxed);
}

/* --- the way to an entry -------------------------------------------------------------------- */

static uint32_t place(const struct counter *c, uint64_t key)
{
	uint64_t h = key * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(h >> 32) & (c->n_ways - 1);
}

static struct way *look(const struct counter *c, uint64_t key)
{
	uint32_t i = place(c, key);

	while (c->ways[i].key != 0 && c->ways[i].key != key)
		i = (i + 1) & (c->n_ways - 1);
	return &c->ways[i];
}

static bool widen(struct counter *c)
{
	struct way *old = c->ways;
	uint32_t n = c->n_ways;
	struct way *fresh = calloc((size_t)n * 2, sizeof(*fresh));

	if (fresh == NULL)
		return false;
	c->ways = fresh;
	c->n_ways = n * 2;
	for (uint32_t i = 0; i < n; i++)
		if (old[i].key != 0)
			*look(c, old[i].key) = old[i];
	free(old);
	return true;
}

static bool enter(struct counter *c, uint64_t key, struct series_entry *e)
{
	if (c->used_ways * 2 >= c->n_ways && !widen(c))
		return false;
	*look(c, key) = (struct way){key, e};
	c->used_ways++;
	return true;
}

/* --- pages ---------------------------------------------------------------------------------- */

/* 0: none, until the master has made the object longer. */
static uint32_t new_page(struct counter *c)
{
	struct series_head *h = &c->pages->head;
	uint32_t n = atomic_load_explicit(&h->used, memory_order_relaxed);

	if (n >= atomic_load(&c->w->board->series_pages[c->w->index]))
		return 0;
	atomic_store_explicit(&h->used, n + 1, memory_order_relaxed);
	return n;
}

static struct series_list *last_list(struct counter *c)
{
	uint32_t page;

	if (c->last_list != 0 && c->last_n < SERIES_PER_LIST)
		return &c->pages[c->last_list].list;
	page = new_page(c);
	if (page == 0)
		return NULL;
	if (c->last_list == 0)
		atomic_store_explicit(&c->pages->head.first, page, memory_order_release);
	else
		atomic_store_explicit(&c->pages[c->last_list].list.next, page,
				      memory_order_release);
	c->last_list = page;
	c->last_n = 0;
	return &c->pages[page].list;
}

/* Somebody else's number was given to identity: forget what was counted under it. */
static void clear(struct counter *c, struct series_entry *e, uint64_t identity)
{
	uint32_t page = atomic_load_explicit(&e->page, memory_order_relaxed);

	atomic_store(&e->identity, 0);
	atomic_thread_fence(memory_order_seq_cst);
	store(&e->requests, 0);
	if (page != 0)
		memset(&c->pages[page], 0, SERIES_PAGE);
	atomic_store(&e->identity, identity);
}

static struct series_entry *make(struct counter *c, uint64_t key, uint64_t identity)
{
	struct series_list *l;
	struct series_entry *e;

	if (c->entries >= c->w->conf->metrics_max_series)
		return NULL;
	l = last_list(c);
	if (l == NULL)
		return NULL;
	e = &l->entry[c->last_n];
	if (!enter(c, key, e))
		return NULL;
	c->last_n++;
	c->entries++;
	atomic_store_explicit(&e->identity, identity, memory_order_relaxed);
	atomic_store_explicit(&e->key, key, memory_order_release);
	return e;
}

/* NULL: it counts as other. */
static struct series_entry *entry_of(struct counter *c, uint64_t key, uint64_t identity)
{
	struct way *way = look(c, key);

	if (way->key == 0)
		return make(c, key, identity);
	if (load(&way->entry->identity) != identity)
		clear(c, way->entry, identity);
	return way->entry;
}

/* The entry's page, made when it is missing and there is room. NULL: there is none. */
static union series_page *page_of(struct counter *c, struct series_entry *e)
{
	uint32_t page = atomic_load_explicit(&e->page, memory_order_relaxed);

	if (page == 0) {
		if (c->detailed >= 2 * c->w->conf->metrics_max_histograms + 1)
			return NULL;
		page = new_page(c);
		if (page == 0)
			return NULL;
		c->detailed++;
		atomic_store_explicit(&e->page, page, memory_order_release);
	}
	return &c->pages[page];
}

/* --- beginning ------------------------------------------------------------------------------ */

struct inheriting {
	struct counter *c;
	bool keep_hists, failed;
};

static void inherit(void *arg, const struct series_entry *e)
{
	struct inheriting *in = arg;
	struct counter *c = in->c;
	uint32_t page = atomic_load_explicit(&e->page, memory_order_relaxed);
	uint64_t key = load(&e->key);

	if (!enter(c, key, (struct series_entry *)(uintptr_t)e))
		in->failed = true;
	c->entries++;
	c->detailed += page != 0;
	if (page != 0 && !in->keep_hists && series_method(key) != SERIES_IS_GROUP)
		memset(&c->pages[page], 0, SERIES_PAGE);
}

/* What a predecessor left is believed no more than a reader believes it: where a page is named
 * that cannot be, everything begins anew. */
static bool is_sound(const struct counter *c, uint32_t n_pages)
{
	const struct series_head *h = &c->pages->head;
	struct series_list *l;
	uint32_t seen = 0, used = atomic_load(&h->used);

	if (h->magic != SERIES_MAGIC || used == 0 || used > n_pages)
		return false;
	for (uint32_t p = atomic_load(&h->first); p != 0; p = atomic_load(&l->next)) {
		if (p >= used || ++seen > used)
			return false;
		l = &c->pages[p].list;
		for (unsigned i = 0; i < SERIES_PER_LIST; i++)
			if (atomic_load(&l->entry[i].page) >= used)
				return false;
	}
	return true;
}

static bool take_up(struct counter *c, uint32_t n_pages)
{
	struct series_head *h = &c->pages->head;
	struct inheriting in = {c, atomic_load(&h->bounds) == c->bounds.hash, false};
	struct series_walk at = {.list = 0};

	atomic_store(&h->bounds, c->bounds.hash);
	if (series_walk(&at, c->pages, n_pages, UINT32_MAX, inherit, &in) || in.failed)
		return false;
	for (uint32_t p = atomic_load(&h->first); p != 0; p = atomic_load(&c->pages[p].list.next))
		c->last_list = p;
	while (c->last_list != 0 && c->last_n < SERIES_PER_LIST &&
	       load(&c->pages[c->last_list].list.entry[c->last_n].key) != 0)
		c->last_n++;
	return true;
}

static void begin_anew(struct counter *c, uint32_t n_pages)
{
	if (n_pages == 0)
		return;
	memset(c->pages, 0, (size_t)n_pages * SERIES_PAGE);
	atomic_store(&c->pages->head.bounds, c->bounds.hash);
	atomic_store(&c->pages->head.used, 1);
	c->pages->head.magic = SERIES_MAGIC;
}

static bool set_up(struct counter *c)
{
	uint32_t n_pages = atomic_load(&c->w->board->series_pages[c->w->index]);
	const uint64_t other = series_key(SERIES_OTHER, 0, 0);

	if (n_pages > 0 && is_sound(c, n_pages)) {
		if (!take_up(c, n_pages))
			return false;
	} else {
		begin_anew(c, n_pages);
	}
	c->other = entry_of(c, other, 1);
	if (c->other != NULL)
		(void)page_of(c, c->other);
	return true;
}

struct counter *counter_new(const struct worker *w)
{
	struct counter *c = calloc(1, sizeof(*c));
	const char *key;

	if (c == NULL)
		return NULL;
	c->w = w;
	c->pages = slot_series(w->slot);
	c->n_ways = WAYS_FIRST;
	c->ways = calloc(c->n_ways, sizeof(*c->ways));
	if (c->ways == NULL || !series_bounds_parse(&c->bounds, w->conf, &key) || !set_up(c)) {
		free(c->ways);
		free(c);
		return NULL;
	}
	return c;
}

const struct series_bounds *counter_bounds(const struct counter *c)
{
	return &c->bounds;
}

/* --- requests ------------------------------------------------------------------------------- */

static bool know(struct counter *c, uint32_t group)
{
	uint32_t n = c->n_known < 64 ? 64 : c->n_known;
	struct known *fresh;

	if (group >= GROUPS_MAX)
		return false;
	while (n <= group)
		n *= 2;
	fresh = realloc(c->known, n * sizeof(*fresh));
	if (fresh == NULL)
		return false;
	memset(fresh + c->n_known, 0, (n - c->n_known) * sizeof(*fresh));
	c->known = fresh;
	c->n_known = n;
	return true;
}

uint64_t counter_identity(struct counter *c, const struct request *r)
{
	uint32_t group = r->route.group;
	uint64_t version = table_version(r->w->table);
	struct group_view g;
	struct known *k;

	if ((group == 0 || (r->route.flags & ROUTE_CATCH_ALL) != 0) &&
	    !r->w->conf->metrics_per_undefined_host)
		return 0;
	if (group >= c->n_known && !know(c, group))
		return 0;
	k = &c->known[group];
	if (k->version != version) {
		k->identity = series_identity(r->w->table, group, &g);
		k->version = version;
	}
	return k->identity;
}

static void observe(struct counter *c, struct series_hists *p, enum series_hist_id id, uint64_t v)
{
	struct series_hist *h = &p->h[id];
	_Atomic uint64_t *n = &h->n[buckets_find(&c->bounds.of[id], v)];

	store(n, load(n) + 1);
	store(&h->sum, load(&h->sum) + v);
}

static uint64_t since(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

/* Times of the last try, as nginx' $upstream_*_time: connecting took none on a pooled one. */
static void observe_try(struct counter *c, struct series_hists *p, const struct try_record *t)
{
	if (t->reused || t->connected_us != 0)
		observe(c, p, SERIES_CONNECT_TIME,
			t->reused ? 0 : since(t->start_us, t->connected_us));
	if (t->head_us != 0)
		observe(c, p, SERIES_HEADER_TIME, since(t->start_us, t->head_us));
	observe(c, p, SERIES_RESPONSE_TIME, since(t->start_us, t->end_us));
}

static void observe_all(struct counter *c, struct series_hists *p, const struct request *r,
			uint64_t us)
{
	observe(c, p, SERIES_REQUEST_TIME, us);
	observe(c, p, SERIES_REQUEST_SIZE, r->rx_bytes);
	observe(c, p, SERIES_RESPONSE_SIZE, r->tx_bytes);
	observe(c, p, SERIES_BYTES_SENT, r->tx_bytes);
	if (r->n_tries > 0)
		observe_try(c, p, &r->tries[r->n_tries - 1]);
}

/* hist.h's buckets in pairs; a count stays at its largest value. */
static void observe_quantiles(struct series_quantiles *q, uint64_t us)
{
	unsigned b = hist_bucket(us) / 2;
	_Atomic uint32_t *n = &q->n[b < SERIES_QUANTILES ? b : SERIES_QUANTILES - 1];
	uint32_t had = atomic_load_explicit(n, memory_order_relaxed);

	if (had != UINT32_MAX)
		atomic_store_explicit(n, had + 1, memory_order_relaxed);
}

/* Where a request of this kind is counted. Only what is final may be remembered: a page that is
 * missing now may come. NULL: not even the other series has an entry. */
static const struct recent *places(struct counter *c, uint64_t key, uint64_t identity)
{
	uint32_t group = series_group(key);
	struct recent *at = &c->recent[(key ^ key >> 32) % RECENT];
	struct series_entry *g;
	union series_page *p;

	if (at->key == key && at->identity == identity)
		return at;
	*at = (struct recent){.identity = identity, .entry = entry_of(c, key, identity)};
	p = at->entry == NULL ? NULL : page_of(c, at->entry);
	if (p != NULL)
		at->key = key;
	if (at->entry == NULL)
		at->entry = c->other;
	if (at->entry == NULL)
		return NULL;
	if (p == NULL && c->other != NULL)
		p = page_of(c, c->other);
	at->hists = p == NULL ? NULL : &p->hists;
	g = group == 0 ? NULL : entry_of(c, series_key(group, SERIES_IS_GROUP, 0), identity);
	p = g == NULL ? NULL : page_of(c, g);
	at->quantiles = p == NULL ? NULL : &p->quantiles;
	if (p == NULL && group != 0)
		at->key = 0;
	return at;
}

void counter_record(struct counter *c, const struct request *r)
{
	uint32_t group = r->route.group;
	uint64_t us = since(r->start_us, ev_now_us(r->w->ev));
	unsigned status = c->w->conf->report_status_classes ? r->status / 100u : r->status;
	const struct recent *at;

	if (r->series == 0 || status == 0 || c->known[group].identity != r->series)
		return; /* not counted; or the number is somebody else's by now */
	at = places(c, series_key(group, (unsigned)r->in.method, status), r->series);
	if (at == NULL)
		return;
	store(&at->entry->requests, load(&at->entry->requests) + 1);
	if (at->hists != NULL)
		observe_all(c, at->hists, r, us);
	if (at->quantiles != NULL)
		observe_quantiles(at->quantiles, us);
}
