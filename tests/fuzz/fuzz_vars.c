/* Templates: whatever is compiled can be walked to its end, and its literals are the template's. */
#include "common/check.h"
#include "common/vars/log_format.h"
#include "common/vars/stream_vars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The program as such: any bytes, as a broken table would hold them. */
static void walk(struct str program)
{
	struct vars_op op;
	struct str text, before = program;

	while (vars_next(&program, &op, &text)) {
		CHECK(op.id < VAR_COUNT && text.n == op.n);
		CHECK(program.n < before.n);
		before = program;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str in = str_make((const char *)data, n), rest, text;
	char space[VARS_PROGRAM_MAX], why[VARS_WHY_MAX];
	size_t literal = 0;
	struct vars_op op;
	struct text t;

	walk(in);
	text_fixed(&t, space, sizeof(space));
	if (log_format_compile(&vars_of_sessions, in, &t, why) != VARS_BAD)
		walk(str_make(t.p, t.n));
	text_fixed(&t, space, sizeof(space));
	if (vars_compile(in, &t, why) == VARS_BAD) {
		CHECK(why[0] != '\0');
		return 0;
	}
	rest = str_make(t.p, t.n);
	while (vars_next(&rest, &op, &text))
		literal += op.id == VAR_LITERAL ? text.n : 0;
	CHECK(rest.n == 0 && literal <= n);
	return 0;
}
