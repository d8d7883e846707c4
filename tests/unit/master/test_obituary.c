/* obituary: what it says of the dead, whatever they left in their slot. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/workers/obituary.h"

static void causes_are_words(void **state)
{
	char text[96];

	obituary_cause(W_EXITCODE(3, 0), text, sizeof(text));
	assert_string_equal(text, "exit code 3");
	obituary_cause(W_EXITCODE(0, SIGSEGV), text, sizeof(text));
	assert_string_equal(text, "killed by signal 11 (SIGSEGV)");
	obituary_cause(W_EXITCODE(0, SIGABRT) | WCOREFLAG, text, sizeof(text));
	assert_string_equal(text, "killed by signal 6 (SIGABRT), core dumped");
}

static void it_quotes_panic_and_events(void **state)
{
	struct slot *s = calloc(1, sizeof(*s));
	struct obituary o;

	assert_non_null(s);
	slot_panic(s, "worker/x.c:1: check failed: a == b");
	slot_event(s, "first table, version %d", 4);
	slot_event(s, "draining");
	obituary_compose(&o, 3, 4711, W_EXITCODE(0, SIGABRT), 1500, s);
	assert_int_equal(o.index, 3);
	assert_int_equal(o.lived_ms, 1500);
	assert_string_equal(o.words, "worker/x.c:1: check failed: a == b");
	assert_non_null(strstr(o.events, " first table, version 4 | "));
	assert_non_null(strstr(o.events, " draining"));
	free(s);
}

static void a_slot_full_of_rubbish_stays_one_bounded_line(void **state)
{
	struct slot *s = malloc(sizeof(*s));
	struct obituary o;

	assert_non_null(s);
	memset(s, '\n', sizeof(*s));
	obituary_compose(&o, 0, 1, W_EXITCODE(0, SIGKILL), 1, s);
	assert_true(strlen(o.words) < sizeof(o.words));
	assert_true(strlen(o.events) < sizeof(o.events));
	assert_null(strchr(o.words, '\n'));
	assert_null(strchr(o.events, '\n'));
	free(s);
}

static void without_a_slot_it_still_tells_the_cause(void **state)
{
	struct obituary o;

	obituary_compose(&o, 0, 1, W_EXITCODE(1, 0), 0, NULL);
	assert_string_equal(o.cause, "exit code 1");
	assert_string_equal(o.words, "");
	assert_string_equal(o.events, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(causes_are_words),
	    cmocka_unit_test(it_quotes_panic_and_events),
	    cmocka_unit_test(a_slot_full_of_rubbish_stays_one_bounded_line),
	    cmocka_unit_test(without_a_slot_it_still_tells_the_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
