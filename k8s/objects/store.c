/*
 * store: see store.h. Three trees per kind thread through the objects themselves: by name (what
 * is looked up), by age (what is iterated) and, for EndpointSlices, by Service.
 */
#include "k8s/objects/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"

RB_HEAD(name_tree, obj);
RB_HEAD(age_tree, obj);
RB_HEAD(service_tree, endpoint_slice);

struct store {
	struct name_tree by_name[OBJ_KINDS];
	struct age_tree by_age[OBJ_KINDS];
	struct service_tree by_service;
	size_t count[OBJ_KINDS];
	uint32_t mark[OBJ_KINDS]; /* objects put since replace_begin carry it */
	size_t bytes;
	LIST_HEAD(, secret) with_key;
	store_listen_fn *listen;
	void *listen_arg;
	store_again_fn *again;
	void *again_arg;
	bool telling;
};

static int name_cmp(const struct obj *a, const struct obj *b)
{
	int c = obj_str_cmp(a->ns, b->ns);

	return c != 0 ? c : obj_str_cmp(a->name, b->name);
}

static int num_cmp(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* Names are compared "ns/name" descending: the slash sorts below every byte of a name but "-"
 * and ".", so comparing the parts one by one would differ from comparing the joined text. */
static int joined_cmp(const struct obj *a, const struct obj *b)
{
	char x[512], y[512];
	size_t n = 0, k = 0;
	const struct str parts[2][3] = {{a->ns, STR("/"), a->name}, {b->ns, STR("/"), b->name}};

	for (int i = 0; i < 3; i++) {
		struct str s = parts[0][i], t = parts[1][i];

		CHECK(n + s.n <= sizeof(x) && k + t.n <= sizeof(y));
		if (s.n > 0)
			memcpy(x + n, s.p, s.n);
		if (t.n > 0)
			memcpy(y + k, t.p, t.n);
		n += s.n;
		k += t.n;
	}
	return obj_str_cmp(str_make(x, n), str_make(y, k));
}

int obj_age_cmp(const struct obj *a, const struct obj *b)
{
	int c = num_cmp(a->created, b->created);

	if (c == 0)
		c = obj_str_cmp(a->file, b->file);
	if (c == 0 && a->file.n > 0)
		c = num_cmp(a->doc, b->doc);
	if (c == 0 && a->file.n > 0)
		c = num_cmp(a->item, b->item);
	return c != 0 ? c : -joined_cmp(a, b);
}

static int service_cmp(const struct endpoint_slice *a, const struct endpoint_slice *b)
{
	int c = obj_str_cmp(a->o.ns, b->o.ns);

	if (c == 0)
		c = obj_str_cmp(a->service, b->service);
	return c != 0 ? c : obj_str_cmp(a->o.name, b->o.name);
}

/* RB_GENERATE_STATIC says __unused, which only the BSDs' own headers define. */
#define TREE_STATIC __attribute__((unused)) static
/* clang-format off */
RB_GENERATE_INTERNAL(name_tree, obj, by_name, name_cmp, TREE_STATIC)
RB_GENERATE_INTERNAL(age_tree, obj, by_age, obj_age_cmp, TREE_STATIC)
RB_GENERATE_INTERNAL(service_tree, endpoint_slice, by_service, service_cmp, TREE_STATIC)
/* clang-format on */

struct store *store_new(void)
{
	return calloc(1, sizeof(struct store));
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	for (int k = 0; k < OBJ_KINDS; k++) {
		struct obj *o;

		while ((o = RB_MIN(name_tree, &s->by_name[k])) != NULL) {
			RB_REMOVE(name_tree, &s->by_name[k], o);
			obj_free(o);
		}
	}
	free(s);
}

void store_listen(struct store *s, store_listen_fn *fn, void *arg)
{
	s->listen = fn;
	s->listen_arg = arg;
}

void store_listen_again(struct store *s, store_again_fn *fn, void *arg)
{
	s->again = fn;
	s->again_arg = arg;
}

static void tell(struct store *s, const struct obj *old, const struct obj *new)
{
	if (s->listen == NULL)
		return;
	s->telling = true;
	s->listen(s->listen_arg, old, new);
	s->telling = false;
}

static struct obj *find(const struct store *s, enum obj_kind kind, struct str ns, struct str name)
{
	struct obj probe = {.ns = obj_kind_namespaced(kind) ? ns : STR_NONE, .name = name};

	/* The generated functions take a mutable head although they only read it. */
	return RB_FIND(name_tree, (struct name_tree *)(uintptr_t)&s->by_name[kind], &probe);
}

/* --- private keys --------------------------------------------------------------------------- */

static struct secret *with_key(struct obj *o)
{
	struct secret *x = o->kind == OBJ_SECRET ? (struct secret *)(void *)o : NULL;

	return x != NULL && x->has_key ? x : NULL;
}

static void forget_key(struct store *s, struct secret *x)
{
	LIST_REMOVE(x, with_key);
	for (uint32_t i = 0; i < x->data.n; i++) {
		struct obj_kv *e = (struct obj_kv *)(uintptr_t)&x->data.kv[i];

		if (!secret_is_private(e))
			continue;
		explicit_bzero((char *)(uintptr_t)e->value.p, e->value.n);
		e->value = STR_NONE;
	}
	s->bytes -= secret_drop_pair(x);
	x->has_key = false;
	x->key_gone = true;
}

void store_forget_keys(struct store *s)
{
	struct secret *x;

	CHECK(!s->telling);
	while ((x = LIST_FIRST(&s->with_key)) != NULL)
		forget_key(s, x);
}

/* o is put again, unchanged. */
static void tell_again(struct store *s, const struct obj *old, struct obj *o)
{
	struct secret *x = with_key(o);

	if (x == NULL || s->again == NULL || !obj_secret(old)->key_gone)
		return;
	s->telling = true;
	s->again(s->again_arg, x);
	s->telling = false;
}

/* --- in and out ----------------------------------------------------------------------------- */

static size_t bytes_of(const struct obj *o)
{
	return o->bytes + (o->kind == OBJ_SECRET ? secret_aside_bytes(obj_secret(o)) : 0);
}

static struct endpoint_slice *slice_of(struct obj *o)
{
	CHECK(o->kind == OBJ_SLICE);
	return (struct endpoint_slice *)(void *)o;
}

static void link_in(struct store *s, struct obj *o)
{
	struct secret *x = with_key(o);

	if (x != NULL)
		LIST_INSERT_HEAD(&s->with_key, x, with_key);
	o->mark = s->mark[o->kind];
	CHECK(RB_INSERT(name_tree, &s->by_name[o->kind], o) == NULL);
	CHECK(RB_INSERT(age_tree, &s->by_age[o->kind], o) == NULL);
	if (o->kind == OBJ_SLICE)
		CHECK(RB_INSERT(service_tree, &s->by_service, slice_of(o)) == NULL);
	s->count[o->kind]++;
	s->bytes += bytes_of(o);
}

static void link_out(struct store *s, struct obj *o)
{
	struct secret *x = with_key(o);

	if (x != NULL)
		LIST_REMOVE(x, with_key);
	RB_REMOVE(name_tree, &s->by_name[o->kind], o);
	RB_REMOVE(age_tree, &s->by_age[o->kind], o);
	if (o->kind == OBJ_SLICE)
		RB_REMOVE(service_tree, &s->by_service, slice_of(o));
	s->count[o->kind]--;
	s->bytes -= bytes_of(o);
}

static bool unchanged(const struct obj *a, const struct obj *b)
{
	if (a->content != 0 && a->content == b->content)
		return a->doc == b->doc && a->item == b->item && str_eq(a->file, b->file);
	return a->content == 0 && b->content == 0 && a->resource_version.n > 0 &&
	       str_eq(a->resource_version, b->resource_version) && str_eq(a->uid, b->uid);
}

bool store_put(struct store *s, struct obj *o)
{
	struct obj *old;

	CHECK_MAGIC(o, OBJ_MAGIC);
	CHECK(!s->telling);
	old = find(s, (enum obj_kind)o->kind, o->ns, o->name);
	if (old != NULL && unchanged(old, o)) {
		old->mark = s->mark[o->kind];
		old->line = o->line;
		tell_again(s, old, o);
		obj_free(o);
		return false;
	}
	if (old != NULL)
		link_out(s, old);
	link_in(s, o);
	tell(s, old, o);
	obj_free(old);
	return true;
}

static void drop(struct store *s, struct obj *o)
{
	CHECK(!s->telling);
	link_out(s, o);
	tell(s, o, NULL);
	obj_free(o);
}

bool store_delete(struct store *s, enum obj_kind kind, struct str ns, struct str name)
{
	struct obj *o = find(s, kind, ns, name);

	if (o == NULL)
		return false;
	drop(s, o);
	return true;
}

void store_replace_begin(struct store *s, enum obj_kind kind)
{
	s->mark[kind]++;
}

void store_replace_end(struct store *s, enum obj_kind kind, struct str ns)
{
	struct obj *o, *next;

	for (o = RB_MIN(name_tree, &s->by_name[kind]); o != NULL; o = next) {
		next = RB_NEXT(name_tree, &s->by_name[kind], o);
		if (o->mark != s->mark[kind] && o->file.n == 0 && (ns.n == 0 || str_eq(ns, o->ns)))
			drop(s, o);
	}
}

const struct obj *store_get(const struct store *s, enum obj_kind kind, struct str ns,
			    struct str name)
{
	return find(s, kind, ns, name);
}

const struct obj *store_first(const struct store *s, enum obj_kind kind)
{
	return RB_MIN(age_tree, (struct age_tree *)(uintptr_t)&s->by_age[kind]);
}

const struct obj *store_next(const struct obj *o)
{
	return RB_NEXT(age_tree, NULL, (struct obj *)(uintptr_t)o);
}

/* The first slice at or behind (ns, service, ""). */
const struct endpoint_slice *store_slice_first(const struct store *s, struct str ns,
					       struct str service)
{
	struct endpoint_slice probe = {.o = {.ns = ns}, .service = service};
	const struct endpoint_slice *e =
	    RB_NFIND(service_tree, (struct service_tree *)(uintptr_t)&s->by_service, &probe);

	return e != NULL && str_eq(e->o.ns, ns) && str_eq(e->service, service) ? e : NULL;
}

const struct endpoint_slice *store_slice_next(const struct endpoint_slice *e)
{
	const struct endpoint_slice *next =
	    RB_NEXT(service_tree, NULL, (struct endpoint_slice *)(uintptr_t)e);

	if (next == NULL || !str_eq(next->o.ns, e->o.ns) || !str_eq(next->service, e->service))
		return NULL;
	return next;
}

size_t store_count(const struct store *s, enum obj_kind kind)
{
	return s->count[kind];
}

size_t store_bytes(const struct store *s)
{
	return s->bytes;
}
