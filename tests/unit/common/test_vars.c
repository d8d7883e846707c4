/* test_vars: templates become programs, or a sentence that says why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/vars/log_format.h"
#include "common/vars/stream_vars.h"

static char space[VARS_PROGRAM_MAX];
static char why[VARS_WHY_MAX];

static struct str compiled(const char *template, enum vars_result want)
{
	struct text t;

	text_fixed(&t, space, sizeof(space));
	assert_int_equal(vars_compile(str_from(template), &t, why), want);
	return str_make(t.p, t.n);
}

static void expect(struct str *program, enum var_id id, const char *text)
{
	struct vars_op op;
	struct str got;

	assert_true(vars_next(program, &op, &got));
	assert_int_equal(op.id, id);
	assert_int_equal(got.n, strlen(text));
	assert_true(str_eq(got, str_from(text)));
}

static void literals_and_variables(void **state)
{
	struct str p = compiled("a=$host;${http_X_Y}z$request_uri", VARS_OK);

	expect(&p, VAR_LITERAL, "a=");
	expect(&p, VAR_HOST, "");
	expect(&p, VAR_LITERAL, ";");
	expect(&p, VAR_HTTP, "x_y");
	expect(&p, VAR_LITERAL, "z");
	expect(&p, VAR_REQUEST_URI, "");
	assert_int_equal(p.n, 0);
}

/* The longest name wins over the family it begins like. */
static void http_host_is_no_field(void **state)
{
	struct str p = compiled("$http_host$http_hostx$sent_http_etag$cookie_a$arg_b", VARS_OK);

	expect(&p, VAR_HTTP_HOST, "");
	expect(&p, VAR_HTTP, "hostx");
	expect(&p, VAR_SENT_HTTP, "etag");
	expect(&p, VAR_COOKIE, "a");
	expect(&p, VAR_ARG, "b");
}

static void unknown_ones_are_named(void **state)
{
	struct str p = compiled("[$nobody]", VARS_UNKNOWN);

	assert_non_null(strstr(why, "$nobody"));
	expect(&p, VAR_LITERAL, "[");
	expect(&p, VAR_NAMED, "nobody");
	expect(&p, VAR_LITERAL, "]");
	(void)compiled("$geoip_city", VARS_UNKNOWN);
	assert_non_null(strstr(why, "MaxMind"));
	(void)compiled("$http_", VARS_UNKNOWN); /* a family without a member */
}

/* Sessions of TCP and UDP services have variables of their own. */
static void sessions_have_their_own(void **state)
{
	struct text t;
	struct str p;

	text_fixed(&t, space, sizeof(space));
	assert_int_equal(
	    log_format_compile(&vars_of_sessions, STR(" \\\"$protocol ${Session_Time}\n"), &t, why),
	    VARS_OK);
	p = str_make(t.p, t.n);
	expect(&p, VAR_LITERAL, "\"");
	expect(&p, (enum var_id)STREAM_VAR_PROTOCOL, "");
	expect(&p, VAR_LITERAL, " ");
	expect(&p, (enum var_id)STREAM_VAR_SESSION_TIME, "");
	assert_int_equal(p.n, 0);
	text_fixed(&t, space, sizeof(space));
	assert_int_equal(log_format_compile(&vars_of_sessions, STR("$request_uri"), &t, why),
			 VARS_UNKNOWN);
	assert_non_null(strstr(why, "$request_uri"));
	(void)compiled("$session_time", VARS_UNKNOWN);
	text_fixed(&t, space, sizeof(space));
	assert_int_equal(log_format_compile(&vars_of_sessions, STR("$connection"), &t, why),
			 VARS_UNKNOWN);
	assert_non_null(strstr(why, "numbers"));
	text_fixed(&t, space, sizeof(space));
	assert_int_equal(log_format_compile(&vars_of_sessions, STR("${"), &t, why), VARS_BAD);
}

static void broken_ones_are_refused(void **state)
{
	static const char *const broken[] = {"$",   "a$",  "$$host",  "${host",
					     "${}", "$-x", "cost: 5$"};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		(void)compiled(broken[i], VARS_BAD);
		assert_true(why[0] != '\0');
	}
}

static void lengths_are_bounded(void **state)
{
	char *large = malloc(VARS_PROGRAM_MAX + 1);
	struct text t;

	memset(large, 'x', VARS_PROGRAM_MAX);
	large[VARS_PROGRAM_MAX] = '\0';
	(void)compiled(large, VARS_BAD);
	text_fixed(&t, space, 6); /* no room for a second op */
	assert_int_equal(vars_compile(STR("ab$host"), &t, why), VARS_BAD);
	large[0] = '$';
	large[VARS_NAME_MAX + 3] = '\0';
	(void)compiled(large, VARS_BAD);
	free(large);
}

static void literal_programs(void **state)
{
	struct str text;

	assert_true(vars_is_literal(compiled("plain text", VARS_OK), &text));
	assert_true(str_eq(text, STR("plain text")));
	assert_true(vars_is_literal(compiled("", VARS_OK), &text));
	assert_int_equal(text.n, 0);
	assert_false(vars_is_literal(compiled("a$host", VARS_OK), &text));
	assert_false(vars_is_literal(compiled("$host", VARS_OK), &text));
}

/* A program that was cut or altered ends the walk; it is never read beyond. */
static void broken_programs_end(void **state)
{
	struct str p = compiled("abc$host", VARS_OK), text;
	struct vars_op op = {.id = VAR_COUNT};

	for (size_t n = 0; n < 7; n++) {
		struct str cut = str_head(p, n);

		assert_false(vars_next(&cut, &op, &text));
	}
	op = (struct vars_op){.id = VAR_COUNT};
	p = str_make((const char *)&op, sizeof(op));
	assert_false(vars_next(&p, &op, &text));
}

static void every_name_is_found(void **state)
{
	for (int id = VAR_NOTHING + 1; id < VAR_OWN; id++) {
		const char *name = vars_name((enum var_id)id);
		char template[VARS_NAME_MAX + 8] = "$";
		struct vars_op op;
		struct str p, text;

		assert_non_null(name);
		strncat(template, name, VARS_NAME_MAX);
		if (template[strlen(template) - 1] == '_')
			strncat(template, "member", 7);
		p = compiled(template, VARS_OK);
		assert_true(vars_next(&p, &op, &text));
		assert_int_equal(op.id, id);
	}
	assert_null(vars_name(VAR_NOTHING));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(literals_and_variables),  cmocka_unit_test(http_host_is_no_field),
	    cmocka_unit_test(unknown_ones_are_named),  cmocka_unit_test(sessions_have_their_own),
	    cmocka_unit_test(broken_ones_are_refused), cmocka_unit_test(lengths_are_bounded),
	    cmocka_unit_test(literal_programs),        cmocka_unit_test(broken_programs_end),
	    cmocka_unit_test(every_name_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
