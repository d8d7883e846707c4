/* policy_snippet: programs are read whole or not at all, whatever their lengths say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/policy/policy_snippet.h"
#include "common/text.h"

static char space[1024];

/* Two scopes with lists "a" "bc" and "def"; one op; one location. */
static struct str whole(void)
{
	struct snip_op op = {.code = SNIP_SET, .a_n = 1, .b_n = 2};
	struct snip_place place = {.kind = SNIP_REGEX, .text_n = 2, .program_n = 3};
	struct snip_head head = {
	    .ops_n = sizeof(op) + 3, .locations_n = sizeof(place) + 5, .scopes = 2};
	struct snip_scope scopes[2] = {{.n = {[SNIP_MORE] = 1, [SNIP_ADD] = 2}},
				       {.n = {[SNIP_ADD] = 3}}};
	struct text t;

	text_fixed(&t, space, sizeof(space));
	text_str(&t, str_make((const char *)&head, sizeof(head)));
	text_str(&t, str_make((const char *)scopes, sizeof(scopes)));
	text_str(&t, str_make((const char *)&op, sizeof(op)));
	text_lit(&t, "xyz");
	text_str(&t, str_make((const char *)&place, sizeof(place)));
	text_lit(&t, "^/pro");
	text_lit(&t, "abcdef");
	return str_make(t.p, t.n);
}

static void is(struct str s, const char *want)
{
	if (!str_eq(s, str_from(want)))
		fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(s), want);
}

static void parts(void **state)
{
	struct snip_location l;
	struct snip_step step;
	struct snip s;

	(void)state;
	assert_true(snip_read(whole(), &s));
	is(snip_list(&s, 0, SNIP_MORE), "a");
	is(snip_list(&s, 0, SNIP_ADD), "bc");
	is(snip_list(&s, 1, SNIP_ADD), "def");
	is(snip_list(&s, 1, SNIP_LOG), "");
	is(snip_list(&s, 2, SNIP_MORE), "");
	assert_true(snip_next(&s.ops, &step));
	assert_int_equal(step.op.code, SNIP_SET);
	is(step.a, "x");
	is(step.b, "yz");
	assert_false(snip_next(&s.ops, &step));
	assert_true(snip_next_location(&s.locations, &l));
	assert_int_equal(l.kind, SNIP_REGEX);
	assert_false(l.refused);
	is(l.text, "^/");
	is(l.program, "pro");
	assert_false(snip_next_location(&s.locations, &l));
}

static void cut_ones_end(void **state)
{
	struct str p = whole();
	struct snip_location l;
	struct snip_step step;
	struct snip s;

	(void)state;
	for (size_t n = 0; n < p.n; n++) {
		if (!snip_read(str_head(p, n), &s))
			continue;
		for (unsigned scope = 0; scope < 3; scope++)
			for (int list = 0; list < SNIP_LISTS; list++)
				assert_true(snip_list(&s, scope, (enum snip_list)list).n <= 3);
		while (snip_next(&s.ops, &step))
			;
		while (snip_next_location(&s.locations, &l))
			;
	}
	assert_false(snip_read(STR_NONE, &s));
}

static void lies_are_found(void **state)
{
	struct snip_head head = {.scopes = 0};
	struct snip_step step;
	struct snip_op op = {.code = SNIP_CODES};
	struct str ops = str_make((const char *)&op, sizeof(op));
	struct snip s;

	(void)state;
	assert_false(snip_read(str_make((const char *)&head, sizeof(head)), &s));
	head.scopes = SNIP_SCOPES_MAX + 1;
	assert_false(snip_read(str_make((const char *)&head, sizeof(head)), &s));
	assert_false(snip_next(&ops, &step));
	op = (struct snip_op){.code = SNIP_SET, .a_n = 1};
	ops = str_make((const char *)&op, sizeof(op));
	assert_false(snip_next(&ops, &step));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts),
	    cmocka_unit_test(cut_ones_end),
	    cmocka_unit_test(lies_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
