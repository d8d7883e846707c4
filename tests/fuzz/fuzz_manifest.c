/*
 * fuzz_manifest: any bytes as a manifest file. Every document is parsed and decoded twice with
 * the same result, objects keep their promises, and nothing leaks or overruns.
 */
#include <stdlib.h>

#include "common/check.h"
#include "k8s/settings/annot.h"
#include "k8s/objects/decode.h"
#include "k8s/text/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void terminated(struct str s)
{
	CHECK(s.n == 0 || s.p[s.n] == '\0');
}

static void check_object(const struct obj *o)
{
	struct annot_conf conf = ANNOT_CONF_DEFAULT;
	struct annots defaults, a;

	CHECK(o->magic == OBJ_MAGIC && o->name.n > 0 && o->name.n <= 253);
	CHECK(obj_kind_namespaced((enum obj_kind)o->kind) == (o->ns.n > 0));
	terminated(o->name);
	terminated(o->uid);
	for (uint32_t i = 1; i < o->annotations.n; i++)
		CHECK(obj_str_cmp(o->annotations.kv[i - 1].key, o->annotations.kv[i].key) < 0);
	annots_defaults(&defaults);
	annots_parse(o, &conf, &defaults, &a, NULL, NULL);
	if (o->kind != OBJ_INGRESS)
		return;
	for (uint32_t i = 0; i < obj_ingress(o)->n_rules; i++)
		for (uint32_t k = 0; k < obj_ingress(o)->rules[i].n_paths; k++)
			terminated(obj_ingress(o)->rules[i].paths[k].path);
}

static void on_decoded(void *arg, struct decoded *d)
{
	unsigned *sum = arg;

	*sum = *sum * 31 + (unsigned)d->what;
	if (d->what != DECODED_OBJECT) {
		CHECK(d->text != NULL && d->text[0] != '\0');
		return;
	}
	check_object(d->obj);
	*sum += d->obj->bytes;
	obj_free(d->obj);
}

static unsigned decode_tree(struct json_object *v)
{
	struct decode_from from = {.file_mode = true, .file = STR("f.yaml"), .content = 1};
	unsigned sum = 0;

	if (v != NULL)
		decode_any(v, &from, on_decoded, &sum);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str rest = str_make((const char *)data, n);
	struct yaml_doc doc;
	uint32_t line = 1;

	while (yaml_next(&rest, &line, &doc)) {
		struct jv_err err = {0};
		struct json_object *v = yaml_parse(&doc, &err);

		CHECK(!(v != NULL && err.set));
		CHECK(!err.set || err.line >= doc.line);
		CHECK(decode_tree(v) == decode_tree(v));
		jv_wipe(v);
		json_object_put(v);
	}
	return 0;
}
