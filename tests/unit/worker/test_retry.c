/* test_retry: the rules of proxy-next-upstream as one table (facts: routing §8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/policy/policy.h"
#include "worker/request/request.h"
#include "worker/upstream/retry.h"

#define DEFAULT (NEXT_ERROR | NEXT_TIMEOUT)

struct rule {
	const char *what;
	struct retry_facts facts;
	bool allowed;
};

static const struct rule rules[] = {
    {"refused connection",
     {.when = DEFAULT, .why = REASON_CONNECT_FAILED, .tries = 1, .tries_max = 3},
     true},
    {"refused connection of a POST: nothing was sent",
     {.when = DEFAULT, .why = REASON_CONNECT_FAILED, .tries = 2, .tries_max = 3},
     true},
    {"third try was the last",
     {.when = DEFAULT, .why = REASON_CONNECT_FAILED, .tries = 3, .tries_max = 3},
     false},
    {"no limit", {.when = DEFAULT, .why = REASON_CONNECT_FAILED, .tries = 5}, true},
    {"no limit is the array's limit",
     {.when = DEFAULT, .why = REASON_CONNECT_FAILED, .tries = REQUEST_TRIES_MAX},
     false},
    {"connect timeout",
     {.when = DEFAULT, .why = REASON_CONNECT_TIMEOUT, .tries = 1, .tries_max = 3},
     true},
    {"reset of a sent GET",
     {.when = DEFAULT,
      .why = REASON_UP_RESET,
      .idempotent = true,
      .sent = true,
      .tries = 1,
      .tries_max = 3},
     true},
    {"reset of a sent POST",
     {.when = DEFAULT, .why = REASON_UP_RESET, .sent = true, .tries = 1, .tries_max = 3},
     false},
    {"reset of a sent POST, non_idempotent asked for",
     {.when = DEFAULT | NEXT_NON_IDEMPOTENT,
      .why = REASON_UP_RESET,
      .sent = true,
      .tries = 1,
      .tries_max = 3},
     true},
    {"read timeout of a GET",
     {.when = DEFAULT,
      .why = REASON_UP_READ_TIMEOUT,
      .idempotent = true,
      .sent = true,
      .tries = 1,
      .tries_max = 3},
     true},
    {"timeouts not asked for",
     {.when = NEXT_ERROR,
      .why = REASON_UP_READ_TIMEOUT,
      .idempotent = true,
      .sent = true,
      .tries = 1,
      .tries_max = 3},
     false},
    {"malformed answer: not by default",
     {.when = DEFAULT,
      .why = REASON_UP_BAD_HEAD,
      .idempotent = true,
      .sent = true,
      .tries = 1,
      .tries_max = 3},
     false},
    {"malformed answer, invalid_header asked for",
     {.when = NEXT_INVALID_HEADER,
      .why = REASON_UP_BAD_HEAD,
      .idempotent = true,
      .sent = true,
      .tries = 1,
      .tries_max = 3},
     true},
    {"switched off",
     {.when = 0,
      .why = REASON_UP_RESET,
      .idempotent = true,
      .sent = true,
      .tries = 1,
      .tries_max = 3},
     false},
    {"a stale pooled connection is no error of the endpoint",
     {.when = 0,
      .why = REASON_UP_RESET,
      .idempotent = true,
      .sent = true,
      .stale = true,
      .tries = 1,
      .tries_max = 1},
     true},
    {"stale, but a POST was sent on it",
     {.when = DEFAULT,
      .why = REASON_UP_RESET,
      .sent = true,
      .stale = true,
      .tries = 1,
      .tries_max = 3},
     false},
    {"time is over",
     {.when = DEFAULT,
      .why = REASON_CONNECT_FAILED,
      .tries = 1,
      .tries_max = 3,
      .elapsed_ms = 100,
      .elapsed_max_ms = 100},
     false},
    {"memory is out here, not there",
     {.when = DEFAULT, .why = REASON_NO_MEMORY, .tries = 1, .tries_max = 3},
     false},
    {"unasked upgrade",
     {.when = DEFAULT,
      .why = REASON_UP_BAD_UPGRADE,
      .idempotent = true,
      .sent = true,
      .tries = 1,
      .tries_max = 3},
     false},
};

static void failures(void **state)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (retry_allowed(&rules[i].facts) != rules[i].allowed)
			fail_msg("%s", rules[i].what);
}

static void statuses(void **state)
{
	struct retry_facts f = {
	    .when = DEFAULT, .idempotent = true, .sent = true, .tries = 1, .tries_max = 3};

	assert_false(retry_status(&f, 502));
	f.when = NEXT_HTTP_502 | NEXT_HTTP_404;
	assert_true(retry_status(&f, 502));
	assert_true(retry_status(&f, 404));
	assert_false(retry_status(&f, 503));
	assert_false(retry_status(&f, 200));
	f.tries = 3;
	assert_false(retry_status(&f, 502));
	f.tries = 1;
	f.idempotent = false;
	assert_false(retry_status(&f, 502));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(failures),
	    cmocka_unit_test(statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
