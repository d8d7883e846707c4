/* gather: see gather.h. */
#include "worker/metrics/gather.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/hash.h"
#include "worker/head/head.h"
#include "worker/metrics/count.h"
#include "worker/metrics/expo.h"
#include "worker/worker.h"

#define LABELS_MAX     ((size_t)256 << 20)
#define LABELS_EACH    192 /* bytes, of most */
#define SERIES_A_GROUP 4
#define ROOM_FIRST     256u
#define NONE           UINT32_MAX

struct part { /* of a merged series: one entry of one slot */
	const struct series_entry *e;
	uint64_t identity; /* as when its labels were written */
	uint32_t slot;
	uint32_t next; /* NONE: the last */
};

struct merged {
	size_t labels_at;
	uint32_t labels_n;
	uint32_t hash;
	uint32_t first; /* part */
	bool of_ingress;
};

struct gather {
	const struct worker *w;
	unsigned slot;
	struct series_walk walk;
	bool failed;
	struct text labels; /* of all, one behind the other */
	struct merged *merged;
	struct part *parts;
	uint32_t n_merged, cap_merged, n_parts, cap_parts;
	uint32_t *index; /* open addressing: merged + 1, 0 = empty */
	uint32_t n_index;
	uint32_t expected; /* series */
};

static uint32_t n_pages(const struct gather *g, unsigned slot)
{
	return atomic_load_explicit(&g->w->board->series_pages[slot], memory_order_acquire);
}

/*
 * About how many series there will be: of each group its own, and those of some methods and
 * statuses. Memory for so many is taken at the beginning and touched only as it is used; to make it
 * larger once it is full is to copy or to file all of them in one turn.
 */
static uint32_t expected(const struct worker *w)
{
	struct table_info info = {.groups = 0};

	if (w->table != NULL)
		table_info(w->table, &info);
	return (uint32_t)(info.groups < SERIES_PAGES_MAX ? info.groups : SERIES_PAGES_MAX) *
		   SERIES_A_GROUP +
	       ROOM_FIRST;
}

static uint32_t index_for(uint32_t n_series)
{
	uint32_t n = ROOM_FIRST;

	while (n < 2 * n_series)
		n *= 2;
	return n;
}

/* Zeroes that the kernel makes as they are touched: calloc() would write all of them now. */
static uint32_t *index_new(uint32_t n)
{
	void *p = mmap(NULL, n * sizeof(uint32_t), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void index_free(uint32_t *index, uint32_t n)
{
	if (index != NULL)
		(void)munmap(index, n * sizeof(uint32_t));
}

void gather_free(struct gather *g)
{
	if (g == NULL)
		return;
	free(g->labels.p);
	free(g->merged);
	free(g->parts);
	index_free(g->index, g->n_index);
	free(g);
}

struct gather *gather_new(const struct worker *w)
{
	struct gather *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->w = w;
	text_growing(&g->labels, LABELS_MAX);
	g->expected = expected(w);
	g->n_index = index_for(g->expected);
	g->index = index_new(g->n_index);
	if (g->index == NULL || !text_reserve(&g->labels, g->expected * LABELS_EACH)) {
		gather_free(g);
		return NULL;
	}
	return g;
}

/* --- labels --------------------------------------------------------------------------------- */

static struct str method_name(unsigned m)
{
	static const char *const names[] = {"OTHER",  "GET",     "HEAD",  "POST",  "PUT",
					    "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"};

	return str_from(m < sizeof(names) / sizeof(names[0]) ? names[m] : names[0]);
}

static struct str or_dash(struct str s)
{
	return s.n > 0 ? s : STR("-");
}

static void status_label(struct text *t, unsigned status)
{
	char text[4] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
			(char)('0' + status % 10)};

	if (status < 10)
		expo_label(t, STR("status"), str_make((char[]){(char)('0' + status), 'x', 'x'}, 3));
	else
		expo_label(t, STR("status"), str_make(text, 3));
}

/* Behind the labels there are; add() cuts the comma between two series' labels off. */
static void write_labels(struct gather *g, uint64_t key, const struct group_view *v)
{
	bool other = series_group(key) == SERIES_OTHER;
	struct text *t = &g->labels;

	expo_label(t, STR("namespace"), or_dash(v->ns));
	expo_label(t, STR("ingress"), other ? STR("other") : or_dash(v->ingress));
	if (series_method(key) == SERIES_IS_GROUP)
		return;
	expo_label(t, STR("service"), or_dash(v->service));
	expo_label(t, STR("path"), or_dash(v->path));
	expo_label(t, STR("method"), other ? STR("-") : method_name(series_method(key)));
	if (other)
		expo_label(t, STR("status"), STR("-"));
	else
		status_label(t, series_status(key));
	expo_label(t, STR("canary"), v->canary);
	if (g->w->conf->metrics_per_host)
		expo_label(t, STR("host"), or_dash(v->host));
}

/* --- merging -------------------------------------------------------------------------------- */

static void *room(void *array, uint32_t n, uint32_t *cap, size_t size, uint32_t first)
{
	uint32_t more = *cap == 0 ? first : *cap * 2;
	void *p;

	if (n < *cap)
		return array;
	p = realloc(array, more * size);
	if (p != NULL)
		*cap = more;
	return p;
}

static uint32_t *look(const struct gather *g, uint32_t hash, struct str labels, bool of_ingress)
{
	uint32_t i = hash & (g->n_index - 1);

	for (; g->index[i] != 0; i = (i + 1) & (g->n_index - 1)) {
		const struct merged *m = &g->merged[g->index[i] - 1];

		if (m->hash == hash && m->of_ingress == of_ingress &&
		    str_eq(str_make(g->labels.p + m->labels_at, m->labels_n), labels))
			break;
	}
	return &g->index[i];
}

static bool widen(struct gather *g)
{
	uint32_t n = g->n_index * 2;
	uint32_t *fresh = index_new(n);

	if (fresh == NULL)
		return false;
	for (uint32_t m = 0; m < g->n_merged; m++) {
		uint32_t i = g->merged[m].hash & (n - 1);

		while (fresh[i] != 0)
			i = (i + 1) & (n - 1);
		fresh[i] = m + 1;
	}
	index_free(g->index, g->n_index);
	g->index = fresh;
	g->n_index = n;
	return true;
}

/* The merged series with these labels, the newest text of g->labels. NULL: out of memory. */
static struct merged *merged_of(struct gather *g, size_t labels_at, bool of_ingress)
{
	struct str labels = str_make(g->labels.p + labels_at, g->labels.n - labels_at);
	uint32_t hash = (uint32_t)hash_str(labels, of_ingress);
	uint32_t *at;
	void *more;

	if (g->n_merged * 2 >= g->n_index && !widen(g))
		return NULL;
	at = look(g, hash, labels, of_ingress);
	if (*at != 0) {
		g->labels.n = labels_at; /* there already */
		return &g->merged[*at - 1];
	}
	more = room(g->merged, g->n_merged, &g->cap_merged, sizeof(*g->merged), g->expected);
	if (more == NULL)
		return NULL;
	g->merged = more;
	g->merged[g->n_merged] =
	    (struct merged){labels_at, (uint32_t)labels.n, hash, NONE, of_ingress};
	*at = ++g->n_merged;
	return &g->merged[g->n_merged - 1];
}

static int add(struct gather *g, const struct series_entry *e, uint64_t key, uint64_t identity,
	       const struct group_view *v)
{
	struct merged *m;
	struct part *p = room(g->parts, g->n_parts, &g->cap_parts, sizeof(*g->parts), g->expected);
	size_t at = g->labels.n;

	if (p == NULL)
		return -1;
	g->parts = p;
	write_labels(g, key, v);
	if (g->labels.full)
		return -1;
	m = merged_of(g, at > 0 ? at + 1 : 0, series_method(key) == SERIES_IS_GROUP);
	if (m == NULL)
		return -1;
	g->parts[g->n_parts] = (struct part){e, identity, g->slot, m->first};
	m->first = g->n_parts++;
	return 0;
}

static void entry(void *arg, const struct series_entry *e)
{
	struct gather *g = arg;
	uint64_t key = atomic_load_explicit(&e->key, memory_order_relaxed);
	uint64_t identity = atomic_load_explicit(&e->identity, memory_order_acquire);
	struct group_view v;

	if (!g->failed && identity != 0 &&
	    series_identity(g->w->table, series_group(key), &v) == identity &&
	    add(g, e, key, identity, &v) == -1)
		g->failed = true;
}

int gather_more(struct gather *g, unsigned most)
{
	for (; g->slot < SLOT_MAX; g->slot++) {
		const struct slot *s = g->w->peers[g->slot];

		if (s == NULL || n_pages(g, g->slot) == 0)
			continue;
		if (series_walk(&g->walk, slot_series(s), n_pages(g, g->slot), most, entry, g))
			return g->failed ? -1 : 1;
		g->walk = (struct series_walk){.list = 0};
		g->slot++;
		return g->failed ? -1 : 1;
	}
	return g->failed ? -1 : 0;
}

/* --- reading -------------------------------------------------------------------------------- */

uint32_t gather_count(const struct gather *g)
{
	return g->n_merged;
}

struct str gather_labels(const struct gather *g, uint32_t i, bool *of_ingress)
{
	const struct merged *m = &g->merged[i];

	*of_ingress = m->of_ingress;
	return str_make(g->labels.p + m->labels_at, m->labels_n);
}

static bool still(const struct part *p)
{
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load(&p->e->identity) == p->identity;
}

uint64_t gather_requests(const struct gather *g, uint32_t i)
{
	uint64_t sum = 0;

	for (uint32_t at = g->merged[i].first; at != NONE; at = g->parts[at].next) {
		const struct part *p = &g->parts[at];
		uint64_t n = atomic_load_explicit(&p->e->requests, memory_order_relaxed);

		if (still(p))
			sum += n;
	}
	return sum;
}

static const union series_page *page_of(const struct gather *g, const struct part *p)
{
	uint32_t page = atomic_load_explicit(&p->e->page, memory_order_acquire);

	if (page == 0 || page >= n_pages(g, p->slot))
		return NULL;
	return &slot_series(g->w->peers[p->slot])[page];
}

static bool same_bounds(const struct gather *g, const struct part *p)
{
	return atomic_load(&slot_series(g->w->peers[p->slot])->head.bounds) ==
	       counter_bounds(g->w->counter)->hash;
}

bool gather_read_hist(const struct gather *g, uint32_t i, enum series_hist_id id,
		      struct gather_hist *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t at = g->merged[i].first; at != NONE; at = g->parts[at].next) {
		const struct part *p = &g->parts[at];
		const union series_page *page = page_of(g, p);
		uint64_t n[BUCKETS_MAX + 1], sum;

		if (page == NULL || !same_bounds(g, p))
			continue;
		sum = atomic_load_explicit(&page->hists.h[id].sum, memory_order_relaxed);
		for (unsigned b = 0; b <= BUCKETS_MAX; b++)
			n[b] = atomic_load_explicit(&page->hists.h[id].n[b], memory_order_relaxed);
		if (!still(p))
			continue;
		out->sum += sum;
		for (unsigned b = 0; b <= BUCKETS_MAX; b++) {
			out->n[b] += n[b];
			out->count += n[b];
		}
	}
	return out->count > 0;
}

bool gather_read_quantiles(const struct gather *g, uint32_t i, struct hist_sum *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t at = g->merged[i].first; at != NONE; at = g->parts[at].next) {
		const struct part *p = &g->parts[at];
		const union series_page *page = page_of(g, p);
		uint32_t n[SERIES_QUANTILES];

		if (page == NULL)
			continue;
		for (unsigned b = 0; b < SERIES_QUANTILES; b++)
			n[b] = atomic_load_explicit(&page->quantiles.n[b], memory_order_relaxed);
		for (unsigned b = 0; still(p) && b < SERIES_QUANTILES; b++) {
			out->buckets[2 * b] += n[b] - n[b] / 2;
			out->buckets[2 * b + 1] += n[b] / 2;
			out->count += n[b];
		}
	}
	return out->count > 0;
}
