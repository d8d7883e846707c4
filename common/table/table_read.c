/*
 * table_read: see table_read.h. Mapping, adoption, and what a worker asks per request.
 *
 * Everything here reads memory that the master wrote and that this process cannot write. It is
 * correct by construction, and still no reference is followed that points outside the mapping.
 */
#define XXH_INLINE_ALL /* a call would cost as much as hashing a short name */
#include "common/hash.h"
#include "common/table/table_read.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/check.h"
#include "common/table/shm.h"
#include "common/table/shm_layout.h"
#include "common/table/table_find.h"
#include "common/table/table_pins.h"
#include "common/table/table_view.h"

static bool head_fits(const struct table_head *h, uint64_t file_bytes)
{
	return h->magic == TABLE_MAGIC && h->abi == TABLE_ABI && h->head_bytes == TABLE_HEAD &&
	       h->max_bytes >= TABLE_HEAD && h->max_bytes <= TABLE_MAX_BYTES &&
	       h->max_bytes >= file_bytes && h->max_bytes % TABLE_HEAD == 0;
}

/* The size to map is in the head, so the head is mapped first. 0 with errno. */
static size_t table_max_bytes(int fd)
{
	struct stat st;
	const struct table_head *h;
	size_t max = 0;

	if (fstat(fd, &st) == -1)
		return 0;
	if (st.st_size < (off_t)TABLE_HEAD) {
		errno = EINVAL;
		return 0;
	}
	h = shm_map(fd, TABLE_HEAD, 0);
	if (h == NULL)
		return 0;
	if (head_fits(h, (uint64_t)st.st_size))
		max = (size_t)h->max_bytes;
	munmap((void *)(uintptr_t)h, TABLE_HEAD);
	if (max == 0)
		errno = EINVAL;
	return max;
}

struct table *table_open(int fd, struct table_pins *pins)
{
	size_t bytes = table_max_bytes(fd);
	struct table *t;

	if (bytes == 0)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->base = shm_map(fd, bytes, 0);
	if (t->base == NULL) {
		free(t);
		return NULL;
	}
	t->bytes = bytes;
	t->pins = pins;
	t->seed = ((const struct table_head *)t->base)->seed;
	policy_defaults(&t->builtin);
	return t;
}

void table_close(struct table *t)
{
	if (t == NULL)
		return;
	table_pins_clear(t->pins);
	munmap((void *)(uintptr_t)t->base, t->bytes);
	free(t);
}

void table_set_regex(struct table *t, table_regex_fn *fn, void *arg)
{
	t->regex = fn;
	t->regex_arg = arg;
}

uint64_t table_newest(const struct table *t)
{
	const struct table_head *h = (const struct table_head *)t->base;

	return atomic_load(&h->version);
}

uint64_t table_version(const struct table *t)
{
	return t->version;
}

uint64_t table_adopt(struct table *t)
{
	const struct table_head *h = (const struct table_head *)t->base;
	uint64_t v = atomic_load(&h->version);
	shm_ref root;

	if (v == t->version)
		return v;
	for (;;) { /* table_pins.h: the handshake */
		uint64_t again;

		atomic_store(&t->pins->next, v);
		root = atomic_load(&h->roots[v % TABLE_ROOTS]);
		again = atomic_load(&h->version);
		if (again == v)
			break;
		v = again;
	}
	t->root = table_at(t, root);
	CHECK(t->root->version == v);
	t->version = v;
	atomic_store(&t->pins->cur, v);
	atomic_store(&t->pins->next, 0);
	return v;
}

uint64_t table_since_us(const struct table *t, uint64_t version)
{
	const struct table_head *h = (const struct table_head *)t->base;

	return atomic_load_explicit(&h->since_us[version % TABLE_ROOTS], memory_order_relaxed);
}

/* Lower case, eight bytes at a time: 0x20 is set where a byte is in 'A'..'Z'. */
static void lower_copy(char *to, const char *from, size_t n)
{
	const uint64_t ones = 0x0101010101010101ull;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t x, low, upper;

		memcpy(&x, from + i, 8);
		low = x & (ones * 0x7f);
		upper = (low + ones * (0x80 - 'A')) & ~(low + ones * (0x7f - 'Z')) & ~x;
		x |= (upper & (ones * 0x80)) >> 2;
		memcpy(to + i, &x, 8);
	}
	for (; i < n; i++)
		to[i] = ascii_lower(from[i]);
}

static const struct host_block *find_host(const struct table *t, struct str name)
{
	uint64_t hash = hash_str(name, t->seed);

	return (const struct host_block *)trie_find(t->base, t->root->hosts, hash, name);
}

/* What a wildcard's label may be made of: nginx' [\w-]. */
static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* "a.example.com" -> "*.example.com", in place. */
static const struct host_block *find_wildcard(const struct table *t, char *name, size_t n)
{
	size_t dot = 0;

	while (dot < n && is_label_char(name[dot]))
		dot++;
	if (dot == 0 || dot >= n || name[dot] != '.')
		return NULL;
	name[dot - 1] = '*';
	return find_host(t, str_make(name + dot - 1, n - dot + 1));
}

static const struct host_block *resolve_host(const struct table *t, struct str host)
{
	char name[TABLE_HOST_MAX];
	const struct host_block *h = NULL;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	/* A client that names "*.example.com" means no host at all. */
	if (host.n > 0 && host.n <= sizeof(name) && host.p[0] != '*') {
		lower_copy(name, host.p, host.n);
		h = find_host(t, str_make(name, host.n));
		if (h == NULL && t->root->n_wildcards != 0)
			h = find_wildcard(t, name, host.n);
	}
	if (h == NULL && t->root->catch_all != 0)
		h = table_at(t, t->root->catch_all);
	return h;
}

static int copy_policy(const struct policy *from, struct arena *a, struct policy **out)
{
	struct policy *p = arena_alloc(a, from->size);

	if (p == NULL)
		return -1;
	memcpy(p, from, from->size);
	*out = p;
	return 0;
}

static int route_default(const struct table *t, struct arena *a, struct route_view *out)
{
	if (t->root == NULL)
		return copy_policy(&t->builtin, a, &out->policy);
	if (t->root->default_cluster != 0) {
		out->kind = ROUTE_PROXY;
		out->cluster = t->root->default_cluster;
		out->flags |= ROUTE_DEFAULT_BACKEND;
	}
	return copy_policy(table_at(t, t->root->default_policy), a, &out->policy);
}

int table_route(const struct table *t, struct str host, struct str path, struct arena *a,
		struct route_view *out)
{
	const struct host_block *h = t->root == NULL ? NULL : resolve_host(t, host);
	struct path_match m = {NULL, false};

	*out = (struct route_view){.kind = ROUTE_NOT_FOUND};
	if (h == NULL || (t->root->catch_all != 0 && h == table_at(t, t->root->catch_all)))
		out->flags = ROUTE_CATCH_ALL;
	if (h != NULL) {
		if ((h->flags & HOST_HAS_CERT) != 0 || table_cert_below_wildcard(t, host))
			out->flags |= ROUTE_HOST_HAS_CERT;
		out->flags |= h->tls != 0 ? ROUTE_CLIENT_TLS : 0;
		if (h->server != 0 && copy_policy(table_at(t, h->server), a, &out->server) == -1)
			return -1;
		m = path_match(h, t->seed, path, t->regex, t->regex_arg);
	}
	if (m.entry == NULL)
		return route_default(t, a, out);
	out->kind = m.add_slash ? ROUTE_ADD_SLASH : ROUTE_PROXY;
	if ((m.entry->flags & PATH_DEFAULT_BACKEND) != 0)
		out->flags |= ROUTE_DEFAULT_BACKEND;
	out->flags |= m.entry->kind == PATH_EXACT ? ROUTE_EXACT : 0;
	out->flags |= m.entry->kind == PATH_REGEX ? ROUTE_REGEX : 0;
	out->path_n = m.entry->text_n;
	out->group = m.entry->group;
	out->canary_group = m.entry->canary_group;
	out->cluster = m.entry->cluster;
	return copy_policy(table_at(t, m.entry->policy), a, &out->policy);
}

struct str table_maps(const struct table *t)
{
	if (t == NULL || t->root == NULL || t->root->maps == 0)
		return STR_NONE;
	return policy_find(table_at(t, t->root->maps), POLICY_OPT_MAPS);
}

bool table_has_host(const struct table *t, struct str host)
{
	const struct host_block *h = t->root == NULL ? NULL : resolve_host(t, host);

	return h != NULL && h->leaf.key_n > 0;
}

static void view_ca(const struct table *t, shm_ref ref, struct client_tls *out)
{
	const struct ca_block *c = table_at(t, ref);

	out->ca_generation = c->generation;
	out->ca = str_make((const char *)(c + 1), c->certs_n);
	out->crls = str_make((const char *)(c + 1) + c->certs_n, c->crls_n);
}

bool table_tls(const struct table *t, struct str host, struct client_tls *out)
{
	const struct host_block *h = t->root == NULL ? NULL : resolve_host(t, host);
	const struct tls_block *b;
	const char *text;

	if (h == NULL || h->tls == 0)
		return false;
	b = table_at(t, h->tls);
	text = (const char *)(b + 1);
	*out = (struct client_tls){
	    .generation = b->generation,
	    .verify = b->verify,
	    .depth = b->depth,
	    .flags = b->flags,
	    .error_page = str_make(text, b->error_page_n),
	    .match = str_make(text + b->error_page_n, b->match_n),
	    .ciphers = str_make(text + b->error_page_n + b->match_n, b->ciphers_n),
	};
	if (h->ca != 0)
		view_ca(t, h->ca, out);
	return true;
}

bool table_cluster(const struct table *t, uint64_t id, struct cluster_view *out)
{
	const struct cluster_block *c;

	if (t->root == NULL)
		return false;
	c = (const struct cluster_block *)trie_find(t->base, t->root->clusters, id, STR_NONE);
	if (c == NULL)
		return false;
	*out = (struct cluster_view){
	    .id = id,
	    .generation = c->generation,
	    .name = cluster_name(c),
	    .endpoints = cluster_endpoints(c),
	    .n_endpoints = c->n_endpoints,
	    .balance = c->balance,
	    .protocol = c->protocol,
	    .flags = c->flags,
	    .opts = &c->opts,
	    .cookie = cluster_cookie_bytes(c),
	    .hash = cluster_hash_bytes(c),
	};
	return true;
}

static const struct stream_block *find_stream(const struct table *t, enum transport transport,
					      uint16_t port)
{
	if (t->root == NULL || t->root->n_streams == 0)
		return NULL;
	return (const struct stream_block *)trie_find(t->base, t->root->streams,
						      stream_number(transport, port), STR_NONE);
}

bool table_stream(const struct table *t, enum transport transport, uint16_t port,
		  struct stream_view *out)
{
	const struct stream_block *s = find_stream(t, transport, port);

	if (s == NULL || s->policy != 0)
		return false;
	*out = (struct stream_view){
	    .cluster = s->cluster,
	    .proxy_in = s->proxy_in != 0,
	    .proxy_out = s->proxy_out,
	};
	return true;
}

bool table_is_server(const struct table *t, uint16_t port, bool *proxy_in)
{
	const struct stream_block *s = find_stream(t, TRANSPORT_TCP, port);

	if (s == NULL || s->policy == 0)
		return false;
	*proxy_in = s->proxy_in != 0;
	return true;
}

int table_route_server(const struct table *t, uint16_t port, struct arena *a,
		       struct route_view *out)
{
	const struct stream_block *s = find_stream(t, TRANSPORT_TCP, port);
	const struct policy *p =
	    t->root == NULL ? &t->builtin : table_at(t, t->root->default_policy);

	*out = (struct route_view){.kind = ROUTE_NOT_FOUND};
	if (s == NULL || s->policy == 0)
		return copy_policy(p, a, &out->policy);
	if (copy_policy(table_at(t, s->policy), a, &out->policy) == -1)
		return -1;
	out->server = out->policy;
	return 0;
}

bool table_group(const struct table *t, uint32_t group, struct group_view *out)
{
	const struct group_block *g;
	struct str part[GROUP_TEXTS];
	const char *at;

	if (t->root == NULL || group == 0)
		return false;
	g = (const struct group_block *)trie_find(t->base, t->root->groups, group, STR_NONE);
	if (g == NULL)
		return false;
	at = (const char *)(g + 1);
	for (unsigned i = 0; i < GROUP_TEXTS; i++) {
		part[i] = str_make(at, g->n[i]);
		at += g->n[i];
	}
	*out = (struct group_view){
	    .ns = part[GROUP_NS],
	    .ingress = part[GROUP_INGRESS],
	    .service = part[GROUP_SERVICE],
	    .path = part[GROUP_PATH],
	    .host = part[GROUP_HOST],
	    .canary = part[GROUP_CANARY],
	};
	return true;
}
