/* log_format: see log_format.h. */
#include "common/vars/log_format.h"

#include <stdio.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = str_from_at(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* The text as nginx has it when its quotes are off. Returns its length, at most s.n. */
static size_t unquote(struct str s, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], next = i + 1 < s.n ? s.p[i + 1] : '\0';

		if (c == '\\' && (next == '"' || next == '\'' || next == '\\'))
			c = s.p[++i];
		else if ((unsigned char)c < 0x20 || c == 0x7f)
			c = ' ';
		to[n++] = c;
	}
	return n;
}

enum vars_result log_format_compile(const struct vars_set *set, struct str template,
				    struct text *out, char why[VARS_WHY_MAX])
{
	char buf[LOG_FORMAT_MAX];
	struct str s = trim(template);

	if (s.n > sizeof(buf)) {
		if (why != NULL)
			(void)snprintf(why, VARS_WHY_MAX, "longer than %d bytes", LOG_FORMAT_MAX);
		return VARS_BAD;
	}
	return vars_compile_of(set, str_make(buf, unquote(s, buf)), out, why);
}
