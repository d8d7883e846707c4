/* lines: a watch's bytes cut into its documents, however they arrive. */
#include "k8s_test.h"

#include <stdio.h>

#include "k8s/watch/lines.h"

#define MAX 64

struct heard {
	char text[512];
	unsigned too_long, stop_after;
};

static bool line(void *arg, struct str s)
{
	struct heard *h = arg;
	size_t n = strlen(h->text);

	(void)snprintf(h->text + n, sizeof(h->text) - n, "[%.*s]", (int)s.n, s.p);
	return h->stop_after == 0 || --h->stop_after > 0;
}

static void too_long(void *arg, struct str first)
{
	struct heard *h = arg;

	assert_true(first.n > 0 && first.n <= MAX * 2);
	h->too_long++;
}

static const struct lines_ops ops = {.line = line, .too_long = too_long};

static struct heard feed(const char *text, size_t piece)
{
	struct heard h = {0};
	struct lines l;
	size_t n = strlen(text);

	lines_init(&l);
	for (size_t at = 0; at < n; at += piece)
		assert_true(lines_feed(&l, str_make(text + at, n - at < piece ? n - at : piece),
				       MAX, &ops, &h));
	lines_clear(&l);
	return h;
}

static void test_any_pieces(void **state)
{
	static const char text[] = "{\"a\":1}\n\n{\"b\":\"gr\xc3\xbc\xc3\x9f\"}\n{}\nrest";

	for (size_t piece = 1; piece <= sizeof(text); piece++) {
		struct heard h = feed(text, piece);

		assert_string_equal(h.text, "[{\"a\":1}][{\"b\":\"gr\xc3\xbc\xc3\x9f\"}][{}]");
		assert_int_equal(h.too_long, 0);
	}
}

/* At its bound, one over it, and what follows is not lost. */
static void test_bound(void **state)
{
	char text[512];

	for (int n = MAX - 1; n <= MAX * 3; n++)
		for (size_t piece = 1; piece <= MAX * 2; piece += 21) {
			struct heard h;

			(void)snprintf(text, sizeof(text), "a\n%0*d\nb\n", n, 0);
			h = feed(text, piece);
			assert_int_equal(h.too_long, n > MAX);
			assert_int_equal(strncmp(h.text, "[a]", 3), 0);
			assert_string_equal(h.text + strlen(h.text) - 3, "[b]");
		}
}

static void test_stops(void **state)
{
	struct heard h = {.stop_after = 2};
	struct lines l;

	lines_init(&l);
	assert_false(lines_feed(&l, STR("a\nb\nc\n"), MAX, &ops, &h));
	assert_string_equal(h.text, "[a][b]");
	lines_clear(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_any_pieces),
	    cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
