/* obj_data: Secret and ConfigMap, the kinds that carry data. */
#include "k8s/objects/decode_kind.h"

#include <string.h>

#include "common/check.h"
#include "k8s/text/base64.h"
#include "k8s/text/names.h"

/* One of the two that a kubernetes.io/tls Secret is there for. They lie aside: once the keys
 * process has the one and the table the other, they are read anew whenever they are wanted again.
 */
static bool is_of_pair(const char *key)
{
	return strcmp(key, "tls.crt") == 0 || strcmp(key, "tls.key") == 0;
}

/* Decoded in place of a copy: the room for base64 is more than the bytes need, and is kept. */
static void value_base64(struct obj_mem *m, const struct jv *entry, struct str *out)
{
	struct str s;
	ptrdiff_t n;
	char *p;

	*out = STR_NONE;
	if (!jv_as_str(entry, &s) || s.n == 0)
		return;
	p = is_of_pair(entry->key) ? obj_mem_aside(m, base64_room(s.n))
				   : obj_mem_alloc(m, base64_room(s.n));
	n = base64_decode(s, p);
	if (n == -1)
		jv_fail(entry, NULL, "not base64 (put plain text under stringData)");
	else if (n > 0)
		*out = str_make(p, (size_t)n);
}

static void value_text(struct obj_mem *m, const struct jv *entry, struct str *out)
{
	struct str s;

	if (!is_of_pair(entry->key)) {
		obj_value_text(m, entry, out);
		return;
	}
	*out = STR_NONE;
	if (!jv_as_str(entry, &s) || s.n == 0)
		return;
	*out = str_make(memcpy(obj_mem_aside(m, s.n), s.p, s.n), s.n);
}

size_t secret_aside_bytes(const struct secret *s)
{
	size_t n = 0;

	for (const struct aside *a = s->aside; a != NULL; a = a->next)
		n += a->size;
	return n;
}

size_t secret_drop_pair(struct secret *s)
{
	size_t n = secret_aside_bytes(s);
	struct aside *a;

	for (uint32_t i = 0; i < s->data.n; i++) {
		struct obj_kv *e = (struct obj_kv *)(uintptr_t)&s->data.kv[i];

		if (is_of_pair(e->key.p))
			e->value = STR_NONE;
	}
	while ((a = s->aside) != NULL) {
		s->aside = a->next;
		aside_free(a);
	}
	return n;
}

bool secret_is_private(const struct obj_kv *entry)
{
	static const char *const open[] = {"tls.crt", "ca.crt", "ca.crl"};
	static const char mark[] = "PRIVATE KEY-----";
	struct str v = entry->value;

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		if (str_eq(entry->key, str_from(open[i])))
			return v.n > 0 && memmem(v.p, v.n, mark, sizeof(mark) - 1) != NULL;
	return v.n > 0;
}

/* data with the entries of stringData over it, as the API server merges them. */
static void merge(struct obj_mem *m, const struct obj_map *data, const struct obj_map *text,
		  struct obj_map *out)
{
	struct obj_kv *kv = obj_mem_array(m, data->n + text->n, sizeof(*kv));
	uint32_t n = 0, d = 0, t = 0;

	while (d < data->n || t < text->n) {
		int c = d == data->n   ? 1
			: t == text->n ? -1
				       : obj_str_cmp(data->kv[d].key, text->kv[t].key);

		if (c == 0) /* nobody can reach it any more: it must not stay all the same */
			explicit_bzero((char *)(uintptr_t)data->kv[d].value.p, data->kv[d].value.n);
		kv[n++] = c < 0 ? data->kv[d] : text->kv[t];
		d += c <= 0;
		t += c >= 0;
	}
	*out = (struct obj_map){.kv = kv, .n = n};
}

static void need(const struct jv *root, const struct secret *s, const char *key)
{
	if (obj_map_get(&s->data, str_from(key)) == NULL)
		jv_fail(root, "data", "a Secret of type kubernetes.io/tls must have \"%s\"", key);
}

void decode_secret(const struct jv *root, struct obj_mem *m, struct obj *o)
{
	struct secret *s = (struct secret *)(void *)o;
	struct str type = jv_str(root, "type");
	struct obj_map data, text;

	o->wipe = true;
	s->type = obj_mem_str(m, type.n > 0 ? type : STR("Opaque"));
	obj_mem_map(m, root, "data", name_data_key, NULL, value_base64, &data);
	obj_mem_map(m, root, "stringData", name_data_key, NULL, value_text, &text);
	if (text.n == 0)
		s->data = data;
	else
		merge(m, &data, &text, &s->data);
	s->aside = m->aside;
	for (uint32_t i = 0; i < s->data.n; i++) {
		const struct obj_kv *e = &s->data.kv[i];

		s->has_key = s->has_key || secret_is_private(e);
		s->has_pair = s->has_pair || (is_of_pair(e->key.p) && e->value.n > 0);
	}
	if (str_eq(s->type, STR("kubernetes.io/tls"))) {
		need(root, s, "tls.crt");
		need(root, s, "tls.key");
	}
}

void decode_configmap(const struct jv *root, struct obj_mem *m, struct obj *o)
{
	struct configmap *c = (struct configmap *)(void *)o;

	obj_mem_map(m, root, "data", name_data_key, NULL, obj_value_text, &c->data);
}
