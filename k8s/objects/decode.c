/* decode: metadata, dispatch by kind, lists. See decode.h; the kinds are in obj_*.c. */
#include "k8s/objects/decode.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "k8s/objects/decode_kind.h"
#include "k8s/text/names.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

static const struct {
	decode_kind_fn *decode;
	size_t size;
	const char *(*name_form)(struct str);
} kinds[OBJ_KINDS] = {
    [OBJ_INGRESS] = {decode_ingress, sizeof(struct ingress), name_subdomain},
    [OBJ_CLASS] = {decode_class, sizeof(struct ingress_class), name_subdomain},
    [OBJ_SERVICE] = {decode_service, sizeof(struct service), name_label},
    [OBJ_SLICE] = {decode_slice, sizeof(struct endpoint_slice), name_subdomain},
    [OBJ_SECRET] = {decode_secret, sizeof(struct secret), name_subdomain},
    [OBJ_CONFIGMAP] = {decode_configmap, sizeof(struct configmap), name_subdomain},
    [OBJ_NAMESPACE] = {decode_bare, sizeof(struct namespace), name_label},
    [OBJ_NODE] = {decode_bare, sizeof(struct node), name_subdomain},
};

/* ------------------------------------- metadata ------------------------------------- */

/* "2024-05-01T10:00:00Z", the only form the API server writes; dflt when absent. */
static int64_t timestamp(const struct jv *meta, const char *key, int64_t dflt)
{
	struct str s = jv_str(meta, key);
	struct tm tm = {0};
	const char *end;

	if (s.n == 0)
		return dflt;
	end = strptime(s.p, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0') {
		jv_fail(meta, key, "\"%.40s\" must look like \"2024-05-01T10:00:00Z\"", s.p);
		return dflt;
	}
	return timegm(&tm);
}

static struct str namespace_of(const struct jv *meta, enum obj_kind kind, bool file_mode)
{
	struct str ns = jv_str(meta, "namespace");

	if (!obj_kind_namespaced(kind))
		return STR_NONE;
	return ns.n == 0 && file_mode ? STR("default") : ns;
}

static void identity(const struct jv *meta, struct obj_mem *m, bool file_mode, struct obj *o)
{
	struct str ns = namespace_of(meta, (enum obj_kind)o->kind, file_mode);
	struct str name = jv_str(meta, "name");

	decode_judge(meta, "name", name, kinds[o->kind].name_form(name));
	if (obj_kind_namespaced((enum obj_kind)o->kind))
		decode_judge(meta, "namespace", ns, name_label(ns));
	o->ns = obj_mem_str(m, ns);
	o->name = obj_mem_str(m, name);
}

static void metadata(const struct jv *root, struct obj_mem *m, bool file_mode, struct obj *o)
{
	struct jv meta;

	if (!jv_obj(root, "metadata", &meta)) {
		jv_fail(root, "metadata", "must be given, with a name");
		return;
	}
	identity(&meta, m, file_mode, o);
	o->uid = obj_mem_str(m, jv_str(&meta, "uid"));
	o->resource_version = obj_mem_str(m, jv_str(&meta, "resourceVersion"));
	jv_int(&meta, "generation", 0, INT64_MAX, &o->generation);
	o->created = timestamp(&meta, "creationTimestamp", OBJ_CREATED_UNKNOWN);
	o->deleted = timestamp(&meta, "deletionTimestamp", 0);
	obj_mem_map(m, &meta, "labels", NULL, NULL, obj_value_text, &o->labels);
	obj_mem_map(m, &meta, "annotations", NULL, LAST_APPLIED, obj_value_text, &o->annotations);
}

/* One run over the tree: the draft and the final one are this same function. */
static struct obj *fill(enum obj_kind kind, const struct jv *root, const struct decode_from *from,
			struct obj_mem *m)
{
	struct obj *o = obj_mem_alloc(m, kinds[kind].size);

	o->magic = OBJ_MAGIC;
	o->kind = (uint8_t)kind;
	o->file = obj_mem_str(m, from->file);
	o->doc = from->doc;
	o->item = from->item;
	o->content = from->content;
	o->line = jv_line(root->v);
	metadata(root, m, from->file_mode, o);
	if (jv_ok(root))
		kinds[kind].decode(root, m, o);
	return o;
}

struct obj *decode_object(enum obj_kind kind, struct json_object *v, const struct decode_from *from,
			  struct jv_err *err)
{
	struct jv root = jv_root(v, err);
	struct obj_mem draft, final;
	struct obj *o;

	CHECK(kind < OBJ_KINDS);
	if (!json_object_is_type(v, json_type_object)) {
		jv_fail(&root, NULL, "expected an object");
		return NULL;
	}
	obj_mem_draft(&draft);
	fill(kind, &root, from, &draft);
	if (!err->set && draft.used > UINT32_MAX)
		jv_fail(&root, NULL, "too large");
	obj_mem_draft_end(&draft);
	if (err->set)
		return NULL;
	obj_mem_final(&final, draft.used);
	o = fill(kind, &root, from, &final);
	CHECK(!err->set && final.used == draft.used);
	o->bytes = (uint32_t) final.used;
	return o;
}

/* ------------------------------------- any kind ------------------------------------- */

/* The group of an apiVersion: "networking.k8s.io" of "networking.k8s.io/v1", "" of "v1". */
static struct str group_of(struct str api)
{
	const char *slash = api.n > 0 ? memrchr(api.p, '/', api.n) : NULL;

	return slash == NULL ? STR_NONE : str_make(api.p, (size_t)(slash - api.p));
}

/* Groups that served a kind in an earlier life. */
static bool same_group(enum obj_kind kind, struct str api)
{
	struct str want = group_of(str_from(obj_kind_api(kind))), is = group_of(api);

	return str_eq(want, is) || (kind == OBJ_INGRESS && str_eq(is, STR("extensions")));
}

enum known {
	KNOWN_YES,
	KNOWN_NO,
	KNOWN_OLD
};

static enum known kind_find(struct str api, struct str name, enum obj_kind *out)
{
	for (int k = 0; k < OBJ_KINDS; k++) {
		enum obj_kind kind = (enum obj_kind)k;

		if (!str_eq(name, str_from(obj_kind_name(kind))) || !same_group(kind, api))
			continue;
		*out = kind;
		return str_eq(api, str_from(obj_kind_api(kind))) ? KNOWN_YES : KNOWN_OLD;
	}
	return KNOWN_NO;
}

struct walk {
	struct decode_from from;
	decode_emit_fn *emit;
	void *arg;
};

/* The identity of a bad object, so that its last good version can be told. */
static void name_it(const struct jv *root, const struct walk *w, struct decoded *d)
{
	struct jv_err ignored = {0};
	struct jv at = jv_root(root->v, &ignored), meta;

	if (!jv_obj(&at, "metadata", &meta))
		return;
	d->ns = namespace_of(&meta, d->kind, w->from.file_mode);
	d->name = jv_str(&meta, "name");
	d->named = d->name.n > 0;
}

static void emit_bad(const struct walk *w, const struct jv *root, struct decoded *d)
{
	d->what = DECODED_BAD;
	d->text = root->err->text;
	d->line = root->err->line;
	w->emit(w->arg, d);
}

static void one(const struct walk *w, struct jv *root, struct str api, struct str kind)
{
	struct decoded d = {.line = jv_line(root->v)};
	char text[200];

	switch (kind_find(api, kind, &d.kind)) {
	case KNOWN_NO:
		snprintf(text, sizeof(text), "%.80s of %.80s is not read by Silex", kind.p, api.p);
		d.what = DECODED_IGNORED;
		d.text = text;
		w->emit(w->arg, &d);
		return;
	case KNOWN_OLD:
		name_it(root, w, &d);
		jv_fail(root, "apiVersion", "\"%.60s\" is not served any more: write %s", api.p,
			obj_kind_api(d.kind));
		emit_bad(w, root, &d);
		return;
	case KNOWN_YES:
		break;
	}
	name_it(root, w, &d);
	d.obj = decode_object(d.kind, root->v, &w->from, root->err);
	if (d.obj == NULL)
		emit_bad(w, root, &d);
	else
		w->emit(w->arg, &d);
}

/* The kind of a value; a typed List's items may leave theirs out, and then have the List's. */
static bool type_of(struct jv *root, struct str *api, struct str *kind)
{
	struct str a, k;

	if (!json_object_is_type(root->v, json_type_object)) {
		jv_fail(root, NULL, "expected an object with apiVersion and kind");
		return false;
	}
	a = jv_str(root, "apiVersion");
	k = jv_str(root, "kind");
	*api = a.n > 0 ? a : *api;
	*kind = k.n > 0 ? k : *kind;
	if (api->n == 0 || kind->n == 0)
		jv_fail(root, NULL, "must have apiVersion and kind");
	return jv_ok(root);
}

static void list(struct walk *w, const struct jv *root, struct str api, struct str kind)
{
	struct decoded bad = {0};
	struct jv arr;
	uint32_t n = jv_arr(root, "items", &arr);
	char name[80];

	kind.n -= 4; /* "IngressList" of Ingress, "List" of anything */
	snprintf(name, sizeof(name), "%.*s", (int)(kind.n < 79 ? kind.n : 79), kind.p);
	for (uint32_t i = 0; i < n; i++) {
		struct jv_err err = {0};
		struct jv at = jv_root(json_object_array_get_idx(arr.v, i), &err);
		struct str item_api = kind.n > 0 ? api : STR_NONE, item_kind = str_from(name);

		w->from.item = i;
		if (type_of(&at, &item_api, &item_kind))
			one(w, &at, item_api, item_kind);
		else
			emit_bad(w, &at, &(struct decoded){0});
	}
	if (!jv_ok(root))
		emit_bad(w, root, &bad);
}

void decode_any(struct json_object *v, const struct decode_from *from, decode_emit_fn *emit,
		void *arg)
{
	struct walk w = {.from = *from, .emit = emit, .arg = arg};
	struct jv_err err = {0};
	struct jv root = jv_root(v, &err);
	struct str api = STR_NONE, kind = STR_NONE;

	if (!type_of(&root, &api, &kind))
		emit_bad(&w, &root, &(struct decoded){0});
	else if (str_ends(kind, STR("List")) && jv_has(&root, "items"))
		list(&w, &root, api, kind);
	else
		one(&w, &root, api, kind);
}
