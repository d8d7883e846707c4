/* test_snippet_lex: a snippet's words, as nginx reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "master/translate/snippet/lex.h"

/* "a|b;" and so on: the words of each directive and how it ends. */
static void lexed(const char *in, const char *want)
{
	static const char ends[] = ";{}.!";
	struct lex *l = malloc(sizeof(*l));
	struct directive d;
	char got[512];
	enum lex_end end;
	struct text t;

	assert_non_null(l);
	lex_init(l, str_from(in));
	text_fixed(&t, got, sizeof(got) - 1);
	do {
		end = lex_next(l, &d);
		for (unsigned i = 0; end <= LEX_OPEN && i < d.n; i++) {
			if (i > 0)
				text_char(&t, '|');
			text_str(&t, d.word[i]);
		}
		text_char(&t, ends[end]);
	} while (end < LEX_EOF);
	got[t.n] = '\0';
	assert_string_equal(got, want);
	assert_true((end == LEX_BAD) == (l->why != NULL));
	free(l);
}

static void words(void **state)
{
	(void)state;
	lexed("", ".");
	lexed(" a b;\r\n\tc ;", "a|b;c;.");
	lexed("# all; { of it\na b;# more\n", "a|b;.");
	lexed("a b#c;", "a|b#c;.");
	lexed("a \"b; c\" 'd {';", "a|b; c|d {;.");
	lexed("a 'it\\'s' \"\\\"q\\\"\" \\\"x;", "a|it's|\"q\"|\"x;.");
	lexed("a ^/x\\.y\\\\z \\;;", "a|^/x\\.y\\z|\\;;.");
	lexed("a \\t'x;", "a|\t'x;.");
	lexed("a ${b}c;", "a|${b}c;.");
	lexed("if ($a ~ 'x') { return 403; }", "if|($a|~|x|){return|403;}.");
	lexed("a{b;}", "a{b;}.");
}

static void broken_words(void **state)
{
	char long_one[LEX_TEXT_MAX + 2];

	(void)state;
	lexed("a", "!");
	lexed("a b", "!");
	lexed(";", "!");
	lexed("{", "!");
	lexed("a 'b;", "!");
	lexed("a 'b'c;", "!");
	lexed("a }", "!");
	lexed("a\x01;", "!");
	lexed("a '\x7f';", "!");
	lexed("1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1;", "!");
	memset(long_one, ' ', sizeof(long_one));
	long_one[sizeof(long_one) - 1] = '\0';
	lexed(long_one, "!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words),
	    cmocka_unit_test(broken_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
