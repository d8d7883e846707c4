/* objmem: see objmem.h. */
#include "k8s/objects/objmem.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"

struct obj_chunk {
	struct obj_chunk *next;
	size_t size;
	char bytes[];
};

void obj_mem_draft(struct obj_mem *m)
{
	m->base = (char *)m->first;
	m->from = 0;
	m->size = sizeof(m->first);
	m->used = 0;
	m->chunks = NULL;
	m->aside = NULL;
	m->draft = true;
}

void obj_mem_draft_end(struct obj_mem *m)
{
	CHECK(m->draft);
	explicit_bzero(m->first, m->used < sizeof(m->first) ? m->used : sizeof(m->first));
	while (m->chunks != NULL) {
		struct obj_chunk *c = m->chunks;

		m->chunks = c->next;
		explicit_bzero(c->bytes, c->size);
		free(c);
	}
}

void obj_mem_final(struct obj_mem *m, size_t size)
{
	m->base = malloc(size);
	CHECK(m->base != NULL);
	m->from = 0;
	m->size = size;
	m->used = 0;
	m->chunks = NULL;
	m->aside = NULL;
	m->draft = false;
}

static struct obj_chunk *new_chunk(struct obj_mem *m, size_t size)
{
	struct obj_chunk *c = malloc(sizeof(*c) + size);

	CHECK(m->draft && c != NULL);
	c->size = size;
	c->next = m->chunks;
	m->chunks = c;
	return c;
}

char *obj_mem_aside(struct obj_mem *m, size_t n)
{
	struct aside *a;

	if (m->draft)
		return new_chunk(m, n)->bytes;
	a = aside_new(n);
	a->next = m->aside;
	m->aside = a;
	return a->bytes;
}

/* A further piece for a draft: .from keeps the alignment that .used would have in one block. */
static void grow(struct obj_mem *m, size_t n)
{
	size_t size = m->size * 2 > n + 16 ? m->size * 2 : n + 16;

	m->base = new_chunk(m, size)->bytes;
	m->size = size;
	m->from = m->used & ~(size_t)7;
}

static char *take(struct obj_mem *m, size_t n)
{
	char *p;

	if (m->used - m->from + n > m->size)
		grow(m, n);
	p = m->base + (m->used - m->from);
	m->used += n;
	return p;
}

void *obj_mem_alloc(struct obj_mem *m, size_t n)
{
	void *p;

	take(m, -m->used & 7);
	p = take(m, n);
	memset(p, 0, n);
	return p;
}

void *obj_mem_array(struct obj_mem *m, size_t n, size_t size)
{
	size_t bytes;

	if (n == 0)
		return NULL;
	CHECK(!__builtin_mul_overflow(n, size, &bytes));
	return obj_mem_alloc(m, bytes);
}

struct str obj_mem_str(struct obj_mem *m, struct str s)
{
	char *p;

	if (s.n == 0)
		return STR_NONE;
	p = take(m, s.n + 1);
	memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return str_make(p, s.n);
}

void obj_mem_strs(struct obj_mem *m, const struct jv *in, const char *key,
		  const char *(*check)(struct str), struct obj_strs *out)
{
	struct jv arr, at;
	uint32_t n = jv_arr(in, key, &arr);
	struct str *v = obj_mem_array(m, n, sizeof(*v));

	for (uint32_t i = 0; i < n && jv_ok(in); i++) {
		struct str s = jv_item_str(&arr, i, &at);
		const char *wrong = check != NULL ? check(s) : NULL;

		if (wrong != NULL)
			jv_fail(&at, NULL, "\"%.*s\" %s", STR_ARG(s), wrong);
		v[i] = obj_mem_str(m, s);
	}
	*out = (struct obj_strs){.v = v, .n = n};
}

void obj_value_text(struct obj_mem *m, const struct jv *entry, struct str *out)
{
	struct str s;

	*out = jv_as_str(entry, &s) ? obj_mem_str(m, s) : STR_NONE;
}

struct map_fill {
	struct obj_mem *m;
	const char *(*check)(struct str);
	const char *skip;
	obj_value_fn *value;
	struct obj_kv *kv;
	uint32_t n;
};

static bool count_entry(void *arg, const struct jv *e)
{
	struct map_fill *f = arg;

	f->n += f->skip == NULL || strcmp(e->key, f->skip) != 0;
	return true;
}

static bool fill_entry(void *arg, const struct jv *e)
{
	struct map_fill *f = arg;
	struct str key = str_from(e->key);
	const char *wrong = f->check != NULL ? f->check(key) : NULL;

	if (f->skip != NULL && strcmp(e->key, f->skip) == 0)
		return true;
	if (wrong != NULL)
		jv_fail(e, NULL, "%s", wrong);
	f->kv[f->n].key = obj_mem_str(f->m, key);
	f->value(f->m, e, &f->kv[f->n].value);
	f->n++;
	return jv_ok(e);
}

static int by_key(const void *a, const void *b)
{
	const struct obj_kv *x = a, *y = b;

	return obj_str_cmp(x->key, y->key);
}

void obj_mem_map(struct obj_mem *m, const struct jv *in, const char *key,
		 const char *(*check)(struct str), const char *skip, obj_value_fn *value,
		 struct obj_map *out)
{
	struct map_fill f = {.m = m, .check = check, .skip = skip, .value = value};
	struct jv obj;

	*out = (struct obj_map){0};
	if (!jv_obj(in, key, &obj))
		return;
	jv_each(&obj, count_entry, &f);
	f.kv = obj_mem_array(m, f.n, sizeof(*f.kv));
	f.n = 0;
	jv_each(&obj, fill_entry, &f);
	if (f.n > 1)
		qsort(f.kv, f.n, sizeof(*f.kv), by_key);
	*out = (struct obj_map){.kv = f.kv, .n = f.n};
}
