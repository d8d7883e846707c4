/*
 * fuzz_json: any bytes as what an API server or a .json manifest might say: JSON values behind
 * each other, decoded by their own kind and, as a LIST's items are, by every kind there is.
 */
#include "common/check.h"
#include "k8s/objects/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void on_decoded(void *arg, struct decoded *d)
{
	(void)arg;
	CHECK((d->obj != NULL) == (d->what == DECODED_OBJECT));
	obj_free(d->obj);
}

static void decode_as_each(struct json_object *v)
{
	for (int kind = 0; kind < OBJ_KINDS; kind++) {
		struct decode_from from = {0};
		struct jv_err err = {0};
		struct obj *o = decode_object((enum obj_kind)kind, v, &from, &err);

		CHECK((o != NULL) == !err.set);
		obj_free(o);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str rest = str_make((const char *)data, n);
	struct decode_from from = {0};

	while (rest.n > 0) {
		size_t before = rest.n;
		struct jv_err err = {0};
		struct json_object *v = jv_parse(&rest, &err);

		CHECK((v != NULL) == !err.set);
		if (v == NULL)
			return 0;
		CHECK(rest.n < before);
		decode_any(v, &from, on_decoded, NULL);
		decode_as_each(v);
		jv_wipe(v);
		json_object_put(v);
	}
	return 0;
}
