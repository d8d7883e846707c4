/* test_base: the small foundations: strings, policies, the X-macro tables, checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/process/board.h"
#include "common/check.h"
#include "common/policy/policy.h"
#include "common/stat/reason.h"
#include "common/stat/stat.h"
#include "common/str.h"

static void str_basics(void **state)
{
	assert_true(str_eq(STR_NONE, str_from("")));
	assert_true(str_eq(str_from(NULL), STR_NONE));
	assert_false(str_eq(STR("a"), STR("b")));
	assert_true(str_ieq(STR("Host"), STR("hOST")));
	assert_false(str_ieq(STR("@"), STR("`"))); /* 0x20 apart, and no letters */
	assert_true(str_starts(STR("/foo"), STR_NONE));
	assert_false(str_starts(STR("/f"), STR("/foo")));
	assert_true(str_ends(STR("a.example"), STR(".example")));
	assert_false(str_ends(STR("e"), STR("ee")));
	assert_int_equal(str_chr(STR("a:b"), ':'), 1);
	assert_int_equal(str_chr(STR("a:b"), 'x'), -1);
	assert_int_equal(str_chr(STR_NONE, 'x'), -1);
	assert_true(str_eq(str_from_at(STR("abc"), 1), STR("bc")));
	assert_true(str_eq(str_from_at(STR("abc"), 9), STR_NONE));
	assert_true(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
	assert_int_equal(str_trim(STR(" \t")).n, 0);
}

static void numbers(void **state)
{
	static const char *const bad[] = {"",   "-1",  "+1",  " 1",
					  "1 ", "0x1", "1e3", "12345678901234567890"};
	uint64_t v = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(str_u64(str_from(bad[i]), UINT64_MAX, &v));
	assert_false(str_u64(STR("101"), 100, &v));
	assert_int_equal(v, 42);
	assert_true(str_u64(STR("100"), 100, &v) && v == 100);
	assert_true(str_u64(STR("9999999999999999999"), UINT64_MAX, &v));
	assert_true(v == 9999999999999999999ull);
	assert_true(str_u64(STR("000"), 0, &v) && v == 0);
}

/* A policy of two options, as the master lays it out. */
struct two_options {
	struct policy p;
	struct policy_opt_head a;
	char a_bytes[8];
	struct policy_opt_head b;
	char b_bytes[8];
};

static void policy_options_are_found(void **state)
{
	struct two_options x = {.a = {.type = 7, .len = 3},
				.a_bytes = "abc",
				.b = {.type = 9, .len = 8},
				.b_bytes = {1, 2, 3, 4, 5, 6, 7, 8}};

	policy_defaults(&x.p);
	assert_int_equal(x.p.size, sizeof(struct policy));
	assert_int_equal(policy_find(&x.p, (enum policy_opt)7).n, 0);
	x.p.size = sizeof(x);
	assert_true(str_eq(policy_find(&x.p, (enum policy_opt)7), STR("abc")));
	assert_int_equal(policy_find(&x.p, (enum policy_opt)9).n, 8);
	assert_null(policy_find(&x.p, (enum policy_opt)8).p);
}

static void policy_options_are_bounded(void **state)
{
	struct two_options x = {.a = {.type = 7, .len = 3}, .b = {.type = 9, .len = 9}};

	policy_defaults(&x.p);
	x.p.size = sizeof(x);
	assert_null(policy_find(&x.p, (enum policy_opt)9).p); /* one byte too long */
	x.a.len = UINT32_MAX;
	assert_null(policy_find(&x.p, (enum policy_opt)7).p);
	assert_null(policy_find(&x.p, (enum policy_opt)9).p);
	x.p.size = sizeof(struct policy) + 4; /* half a head */
	assert_null(policy_find(&x.p, (enum policy_opt)7).p);
	x.p.size = 0;
	assert_null(policy_find(&x.p, (enum policy_opt)7).p);
}

/* Prometheus and our own rules for names: [a-z_], counters end in _total, gauges do not. */
static void check_name(const struct stat_text *t)
{
	bool total = str_ends(str_from(t->name), STR("_total"));

	assert_true(str_starts(str_from(t->name), STR("silex_")));
	for (const char *p = t->name; *p != '\0' && *p != '{'; p++) /* labels may follow */
		assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '_');
	assert_true(total == (t->kind == STAT_COUNTER));
	assert_null(strpbrk(t->help, "\\\n"));
}

static void stat_names_are_unique(void **state)
{
	const struct stat_text *all[STAT_COUNT + BOARD_STAT_COUNT];
	size_t n = 0;

	for (size_t i = 0; i < STAT_COUNT; i++)
		all[n++] = &stat_texts[i];
	for (size_t i = 0; i < BOARD_STAT_COUNT; i++)
		all[n++] = &board_stat_texts[i];
	for (size_t i = 0; i < n; i++) {
		check_name(all[i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(all[i]->name, all[j]->name);
	}
}

/* Those of sessions are the ones from S_DONE on, those of connections from C_CLIENT_CLOSED on:
 * /metrics relies on it. */
static void reason_labels_are_unique(void **state)
{
	for (int i = 0; i < REASON_COUNT; i++) {
		bool conn = str_starts(str_from(reason_texts[i].label), STR("conn_"));
		bool stream = str_starts(str_from(reason_texts[i].label), STR("stream_"));

		assert_true(conn == (i >= REASON_C_CLIENT_CLOSED));
		assert_true(stream == (i >= REASON_S_DONE && i < REASON_C_CLIENT_CLOSED));
		assert_null(strpbrk(reason_texts[i].label, "\"\\\n "));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(reason_texts[i].label, reason_texts[j].label);
	}
}

static int hook_pipe[2];

static void hook(const char *text)
{
	(void)!write(hook_pipe[1], text, strlen(text));
}

static void a_failed_check_tells_and_aborts(void **state)
{
	char text[256] = "";
	int status;
	pid_t pid;

	assert_int_equal(pipe(hook_pipe), 0);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0) {
		(void)close(STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL);
		panic_set_hook(hook);
		CHECK(hook_pipe[0] == -1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_true(read(hook_pipe[0], text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "test_base.c:"));
	assert_non_null(strstr(text, "check failed: hook_pipe[0] == -1"));
	(void)close(hook_pipe[0]);
	(void)close(hook_pipe[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(str_basics),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(policy_options_are_found),
	    cmocka_unit_test(policy_options_are_bounded),
	    cmocka_unit_test(stat_names_are_unique),
	    cmocka_unit_test(reason_labels_are_unique),
	    cmocka_unit_test(a_failed_check_tells_and_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
