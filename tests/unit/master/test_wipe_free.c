/* What is freed is overwritten, and realloc() is still realloc(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem/asan.h"
#include "master/keys/wipe_free.h"

static void it_is_in_force(void **state)
{
	assert_int_equal(wipe_free_works(), !UNDER_ASAN);
}

static void realloc_keeps_what_was_there(void **state)
{
	static const size_t sizes[] = {1, 24, 25, 4000, 100, 1 << 20, 5, 300000, 1};
	size_t before = 0;
	unsigned char *p = NULL;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];

		p = realloc(p, n);
		assert_non_null(p);
		for (size_t k = 0; k < before && k < n; k++)
			assert_int_equal(p[k], k & 0xff);
		for (size_t k = 0; k < n; k++)
			p[k] = (unsigned char)k;
		before = n;
	}
	free(p);
	free(NULL);
	wipe_stack();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_in_force),
	    cmocka_unit_test(realloc_keeps_what_was_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
