/* table_block: see table_block.h. Every size is checked here, once, before it ends in the table. */
#include "master/table/table_block.h"

#include <errno.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/table/table_find.h"

#define PATH_MAX_BYTES   65534u /* one more must still fit in 16 bits: the "/" of a redirect */
#define PATHS_MAX        1000000u
#define ENDPOINTS_MAX    1000000u
#define CLUSTER_NAME_MAX 1024u
#define POLICY_MAX       65536u
#define GROUP_NAME_MAX   1024u

/* n zeroed bytes in v, or NULL with errno ENOMEM. */
static void *scratch(struct vec *v, size_t n)
{
	v->n = 0;
	if (vec_reserve(v, n, 1) == -1)
		return NULL;
	memset(v->items, 0, n);
	return v->items;
}

static void *invalid(void)
{
	errno = EINVAL;
	return NULL;
}

bool block_host_name(char to[TABLE_HOST_MAX], struct str name, struct str *key)
{
	if (name.n > TABLE_HOST_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		to[i] = ascii_lower(name.p[i]);
	*key = str_make(to, name.n);
	return true;
}

bool block_policy_ok(const struct policy *p)
{
	return p->size >= sizeof(*p) && p->size % 8 == 0 && p->size <= POLICY_MAX;
}

static bool path_ok(const struct model_path *p)
{
	struct str t = p->path;

	if (t.n == 0 || t.n > PATH_MAX_BYTES || p->ns.n > GROUP_NAME_MAX ||
	    p->ingress.n > GROUP_NAME_MAX || p->service.n > GROUP_NAME_MAX ||
	    p->canary.n > GROUP_NAME_MAX)
		return false;
	if (p->policy != NULL && !block_policy_ok(p->policy))
		return false;
	if (p->kind == PATH_REGEX)
		return true;
	if (p->kind == PATH_PREFIX && t.n > 1 && t.p[t.n - 1] == '/')
		return false;
	return t.p[0] == '/';
}

static bool is_root(const struct model_path *p)
{
	return p->kind == PATH_PREFIX && p->path.n == 1;
}

/* What of a host decides its size and layout. */
struct host_plan {
	size_t n_index, n_regex, text;
	uint8_t slots_log2;
	size_t size;
};

static bool plan_host(const struct model_host *m, struct host_plan *p)
{
	size_t slots;

	*p = (struct host_plan){.size = 0};
	if (m->n_paths > PATHS_MAX)
		return false;
	for (uint32_t i = 0; i < m->n_paths; i++) {
		const struct model_path *path = &m->paths[i];

		if (!path_ok(path))
			return false;
		p->n_regex += path->kind == PATH_REGEX;
		p->n_index += path->kind != PATH_REGEX && !is_root(path);
		p->text += path->path.n;
	}
	while (p->n_index > 0 &&
	       (p->slots_log2 == 0 || (3ull << p->slots_log2) < p->n_index * 4ull))
		p->slots_log2++;
	slots = p->slots_log2 == 0 ? 0 : (size_t)1 << p->slots_log2;
	/* Bounded by the limits above: a million paths of 64 KiB fit in 64 bits. */
	p->size = sizeof(struct host_block) + ((m->name.n + 7) & ~(size_t)7) +
		  m->n_paths * sizeof(struct path_entry) + slots * sizeof(struct path_slot) +
		  p->n_regex * sizeof(uint32_t) + p->text;
	return p->size <= INT32_MAX;
}

/* Into the index; false when the same path and kind is there already. */
static bool index_path(struct host_block *h, uint64_t seed, uint32_t entry)
{
	struct path_slot *slots = (struct path_slot *)(uintptr_t)host_slots(h);
	const struct path_entry *e = &host_paths(h)[entry];
	struct str text = path_text(h, e);
	uint64_t hash = path_hash(seed, text);
	uint32_t mask = host_n_slots(h) - 1, tag = (uint32_t)(hash >> 32), i;

	for (i = (uint32_t)hash & mask; slots[i].entry != PATH_SLOT_EMPTY; i = (i + 1) & mask) {
		const struct path_entry *o = &host_paths(h)[slots[i].entry];

		if (slots[i].tag == tag && o->kind == e->kind && str_eq(path_text(h, o), text))
			return false;
	}
	slots[i] = (struct path_slot){tag, entry};
	return true;
}

static void fill_entry(struct host_block *h, uint32_t entry, const struct model_path *m,
		       uint32_t *text_at)
{
	struct path_entry *e = (struct path_entry *)(uintptr_t)&host_paths(h)[entry];

	*e = (struct path_entry){
	    .cluster = m->cluster,
	    .text_at = *text_at,
	    .text_n = (uint16_t)m->path.n,
	    .kind = (uint8_t)m->kind,
	    .flags = (uint8_t)((m->slash_only && m->kind == PATH_PREFIX ? PATH_SLASH_ONLY : 0) |
			       (m->default_backend ? PATH_DEFAULT_BACKEND : 0)),
	};
	memcpy((char *)h + *text_at, m->path.p, m->path.n);
	*text_at += (uint32_t)m->path.n;
}

/* Where the path is found: as "/", among the regexes, or in the index. False: there already. */
static bool file_entry(struct host_block *h, uint64_t seed, uint32_t entry,
		       const struct model_path *m)
{
	if (m->kind == PATH_REGEX) {
		((uint32_t *)(uintptr_t)host_regexes(h))[h->n_regex++] = entry;
		return true;
	}
	if (is_root(m)) {
		bool first = h->root == PATH_NONE;

		h->root = entry;
		return first;
	}
	if (m->kind == PATH_EXACT && m->path.n > 1 && m->path.p[m->path.n - 1] == '/')
		h->flags |= HOST_EXACT_SLASH;
	if (m->path.n > h->text_max)
		h->text_max = (uint16_t)m->path.n;
	return index_path(h, seed, entry);
}

struct host_block *block_host(struct vec *v, uint64_t seed, const struct model_host *m)
{
	char lower[TABLE_HOST_MAX];
	struct str name;
	struct host_plan plan;
	struct host_block *h;
	uint32_t text_at;

	if (!block_host_name(lower, m->name, &name) || !plan_host(m, &plan))
		return invalid();
	h = scratch(v, plan.size);
	if (h == NULL)
		return NULL;
	h->leaf = (struct trie_leaf){.hash = hash_str(name, seed),
				     .size = (uint32_t)plan.size,
				     .key_n = (uint16_t)name.n,
				     .key_at = sizeof(*h)};
	h->n_paths = m->n_paths;
	h->slots_log2 = plan.slots_log2;
	h->root = PATH_NONE;
	h->flags = m->has_cert ? HOST_HAS_CERT : 0;
	memcpy(h + 1, name.p, name.n);
	memset((void *)(uintptr_t)host_slots(h), 0xff, host_n_slots(h) * sizeof(struct path_slot));
	text_at = (uint32_t)(plan.size - plan.text);
	for (uint32_t i = 0; i < m->n_paths; i++) {
		fill_entry(h, i, &m->paths[i], &text_at);
		if (!file_entry(h, seed, i, &m->paths[i]))
			return invalid();
	}
	CHECK(text_at == plan.size && h->n_regex == plan.n_regex);
	return h;
}

static char *put_text(char *to, struct str s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

struct cluster_block *block_cluster(struct vec *v, const struct model_cluster *m)
{
	struct cluster_block *c;
	size_t endpoints = m->n_endpoints * sizeof(struct table_endpoint);
	size_t size = sizeof(*c) + endpoints + m->name.n + m->cookie.n + m->hash.n;
	char *texts;

	if (m->id == 0 || m->name.n > CLUSTER_NAME_MAX || m->n_endpoints > ENDPOINTS_MAX ||
	    m->cookie.n > UINT16_MAX || m->hash.n > UINT16_MAX)
		return invalid();
	c = scratch(v, size);
	if (c == NULL)
		return NULL;
	c->leaf = (struct trie_leaf){.hash = m->id, .size = (uint32_t)size};
	c->n_endpoints = m->n_endpoints;
	c->flags = m->flags;
	c->opts = m->opts;
	c->cookie_n = (uint16_t)m->cookie.n;
	c->hash_n = (uint16_t)m->hash.n;
	c->name_n = (uint16_t)m->name.n;
	c->balance = (uint8_t)m->balance;
	c->protocol = (uint8_t)m->protocol;
	if (m->n_endpoints > 0)
		memcpy(c + 1, m->endpoints, endpoints);
	texts = (char *)(c + 1) + endpoints;
	texts = put_text(texts, m->name);
	texts = put_text(texts, m->cookie);
	(void)put_text(texts, m->hash);
	return c;
}
