/* series: see series.h. The parts that writers and readers share. */
#include "common/stat/series.h"

#include "common/conf/conf.h"
#include "common/hash.h"

uint64_t series_identity(const struct table *t, uint32_t group, struct group_view *g)
{
	uint64_t id;

	*g = (struct group_view){.ns = STR_NONE};
	if (group == 0 || group == SERIES_OTHER)
		return 1;
	if (t == NULL || !table_group(t, group, g))
		return 0;
	id = hash_str(g->ns, 1);
	id = hash_str(g->ingress, id);
	id = hash_str(g->service, id);
	id = hash_str(g->host, id);
	id = hash_str(g->path, id);
	id = hash_str(g->canary, id);
	return id == 0 ? 2 : id;
}

static bool parse(struct series_bounds *b, unsigned first, unsigned n, const char *text,
		  uint64_t scale)
{
	if (!buckets_parse(&b->of[first], str_from(text), scale))
		return false;
	b->hash = hash_str(str_from(text), b->hash);
	for (unsigned i = 1; i < n; i++)
		b->of[first + i] = b->of[first];
	return true;
}

bool series_bounds_parse(struct series_bounds *b, const struct conf *c, const char **key)
{
	b->hash = 0;
	*key = "time-buckets";
	if (!parse(b, SERIES_REQUEST_TIME, 4, c->time_buckets, 1000000))
		return false;
	*key = "length-buckets";
	if (!parse(b, SERIES_REQUEST_SIZE, 2, c->length_buckets, 1))
		return false;
	*key = "size-buckets";
	return parse(b, SERIES_BYTES_SENT, 1, c->size_buckets, 1);
}

uint32_t series_pages_most(const struct conf *c)
{
	uint64_t n = 3 + c->metrics_max_series / SERIES_PER_LIST + 2 * c->metrics_max_histograms;

	return n < SERIES_PAGES_MAX ? (uint32_t)n : SERIES_PAGES_MAX;
}

static bool is_list(uint32_t page, uint32_t n_pages)
{
	return page > 0 && page < n_pages;
}

bool series_walk(struct series_walk *at, const union series_page *pages, uint32_t n_pages,
		 unsigned most, void (*fn)(void *arg, const struct series_entry *e), void *arg)
{
	if (n_pages == 0 || pages->head.magic != SERIES_MAGIC)
		return false;
	if (!at->begun)
		at->list = atomic_load_explicit(&pages->head.first, memory_order_acquire);
	at->begun = true;
	while (is_list(at->list, n_pages) && at->lists < n_pages) {
		const struct series_list *l = &pages[at->list].list;

		for (; at->i < SERIES_PER_LIST; at->i++) {
			if (most-- == 0)
				return true;
			if (atomic_load_explicit(&l->entry[at->i].key, memory_order_acquire) != 0)
				fn(arg, &l->entry[at->i]);
		}
		at->i = 0;
		at->lists++;
		at->list = atomic_load_explicit(&l->next, memory_order_acquire);
	}
	return false;
}
