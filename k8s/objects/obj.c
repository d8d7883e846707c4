/* obj: names of the kinds, casts, maps, and the end of an object. See obj.h. */
#include "k8s/objects/obj.h"

#include <bsd/string.h>
#include <bsd/stdlib.h>

#include "common/check.h"

static const struct {
	const char *name, *api;
	bool namespaced;
} kinds[OBJ_KINDS] = {
    [OBJ_INGRESS] = {"Ingress", "networking.k8s.io/v1", true},
    [OBJ_CLASS] = {"IngressClass", "networking.k8s.io/v1", false},
    [OBJ_SERVICE] = {"Service", "v1", true},
    [OBJ_SLICE] = {"EndpointSlice", "discovery.k8s.io/v1", true},
    [OBJ_SECRET] = {"Secret", "v1", true},
    [OBJ_CONFIGMAP] = {"ConfigMap", "v1", true},
    [OBJ_NAMESPACE] = {"Namespace", "v1", false},
    [OBJ_NODE] = {"Node", "v1", false},
};

const char *obj_kind_name(enum obj_kind kind)
{
	CHECK(kind < OBJ_KINDS);
	return kinds[kind].name;
}

const char *obj_kind_api(enum obj_kind kind)
{
	CHECK(kind < OBJ_KINDS);
	return kinds[kind].api;
}

bool obj_kind_namespaced(enum obj_kind kind)
{
	CHECK(kind < OBJ_KINDS);
	return kinds[kind].namespaced;
}

int obj_str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

const struct str *obj_map_get(const struct obj_map *m, struct str key)
{
	uint32_t lo = 0, hi = m->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = obj_str_cmp(m->kv[mid].key, key);

		if (c == 0)
			return &m->kv[mid].value;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

void obj_free(struct obj *o)
{
	if (o == NULL)
		return;
	CHECK_MAGIC(o, OBJ_MAGIC);
	o->magic = 0;
	if (o->kind == OBJ_SECRET)
		(void)secret_drop_pair((struct secret *)(void *)o);
	if (o->wipe)
		freezero(o, o->bytes);
	else
		free(o);
}

static const void *as(const struct obj *o, enum obj_kind kind)
{
	CHECK_MAGIC(o, OBJ_MAGIC);
	CHECK(o->kind == kind);
	return o;
}

const struct ingress *obj_ingress(const struct obj *o)
{
	return as(o, OBJ_INGRESS);
}

const struct ingress_class *obj_class(const struct obj *o)
{
	return as(o, OBJ_CLASS);
}

const struct service *obj_service(const struct obj *o)
{
	return as(o, OBJ_SERVICE);
}

const struct endpoint_slice *obj_slice(const struct obj *o)
{
	return as(o, OBJ_SLICE);
}

const struct secret *obj_secret(const struct obj *o)
{
	return as(o, OBJ_SECRET);
}

const struct configmap *obj_configmap(const struct obj *o)
{
	return as(o, OBJ_CONFIGMAP);
}
