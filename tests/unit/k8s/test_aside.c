/* test_aside: what was let go of is gone from this process, whatever stays beside it. */
#include "k8s_test.h"

#include <string.h>

#include "common/mem/asan.h"
#include "k8s/objects/aside.h"

#define MANY 1000

static void pieces_go_back_to_the_system(void **state)
{
	struct aside *a[MANY], *stays;

	for (unsigned i = 0; i < MANY; i++) {
		a[i] = aside_new(1 + i * 7);
		memset(a[i]->bytes, 0x5a, a[i]->size);
	}
	assert_true(UNDER_ASAN || aside_held() >= MANY * (MANY / 2) * 7);
	for (unsigned i = 0; i < MANY; i++)
		for (size_t k = 0; k < a[i]->size; k++)
			assert_int_equal(a[i]->bytes[k], 0x5a);
	stays = aside_new(100);
	for (unsigned i = MANY; i-- > 0;)
		aside_free(a[i]);
	assert_true(UNDER_ASAN || aside_held() == 256 * 1024);
	aside_free(stays);
	assert_int_equal(aside_held(), 0);
}

static void pieces_of_any_size(void **state)
{
	struct aside *large = aside_new(5 << 20), *small = aside_new(1);

	memset(large->bytes, 1, large->size);
	small->bytes[0] = 2;
	aside_free(large);
	assert_int_equal(small->bytes[0], 2);
	aside_free(small);
	assert_int_equal(aside_held(), 0);
}

/* Of a Secret: with its key, or with the object. */
static void secrets_have_theirs(void **state)
{
	struct obj *o = object_of("{apiVersion: v1, kind: Secret, metadata: {name: s}, "
				  "data: {tls.crt: AAEC, tls.key: a2V5, other: AAEC}}");

	assert_int_equal(secret_aside_bytes(obj_secret(o)), 12); /* room for base64 of 4 twice */
	assert_true(UNDER_ASAN || aside_held() > 0);
	assert_true(secret_drop_pair((struct secret *)(void *)o) > 0);
	assert_int_equal(aside_held(), 0);
	assert_int_equal(obj_map_get(&obj_secret(o)->data, STR("other"))->n, 3);
	assert_int_equal(secret_drop_pair((struct secret *)(void *)o), 0);
	obj_free(o);
	obj_free(object_of("{apiVersion: v1, kind: Secret, metadata: {name: s}, "
			   "stringData: {tls.crt: a}, data: {tls.crt: AAEC}}"));
	assert_int_equal(aside_held(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_go_back_to_the_system),
	    cmocka_unit_test(pieces_of_any_size),
	    cmocka_unit_test(secrets_have_theirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
