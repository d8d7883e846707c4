/* mirror_url: see mirror_url.h. */
#include "master/translate/mirror/mirror_url.h"

#include <string.h>

#include "common/vars/vars.h"

bool mirror_url_chars(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("-._~/:^$[](){}*+?|&=\\", c) == NULL))
			return false;
	}
	return true;
}

/* Where the host and its port end. */
static size_t authority_end(struct str text)
{
	size_t at = 0;

	while (at + 3 <= text.n && memcmp(text.p + at, "://", 3) != 0)
		at++;
	if (at + 3 > text.n)
		return text.n;
	for (at += 3; at < text.n; at++)
		if (strchr("/?$", text.p[at]) != NULL)
			break;
	return at;
}

/* Its value is a path, whatever was asked for. */
static bool begins_with_path(struct str template)
{
	char space[VARS_PROGRAM_MAX];
	struct vars_op op;
	struct str program, part;
	struct text t;

	text_fixed(&t, space, sizeof(space));
	if (vars_compile(template, &t, NULL) == VARS_BAD)
		return false;
	program = str_make(t.p, t.n);
	return vars_next(&program, &op, &part) &&
	       (op.id == VAR_REQUEST_URI || op.id == VAR_URI || op.id == VAR_DOCUMENT_URI);
}

/* proxy_pass without variables sends the request's query, too. */
static void put_target(struct str rest, struct text *target)
{
	if (rest.n == 0)
		rest = STR("$request_uri");
	if (rest.p[0] == '?')
		text_char(target, '/');
	text_str(target, rest);
	if (str_chr(rest, '$') == -1 && str_chr(rest, '?') == -1)
		text_str(target, STR("$is_args$args"));
}

const char *mirror_url_parse(struct str text, struct auth_url *out, struct text *target, bool *same)
{
	size_t end = authority_end(text);
	struct str rest = str_from_at(text, end);
	const char *wrong;

	if (!mirror_url_chars(text))
		return "holds a character that may not stand there: letters, digits and "
		       "-._~/:^$[](){}*+?|&=\\ may";
	wrong = auth_url_parse(str_head(text, end), out);
	if (wrong != NULL)
		return wrong;
	*same = rest.n == 0 || begins_with_path(rest);
	if (rest.n > 0 && rest.p[0] == '$' && !*same)
		return "has a variable in its host, which must be fixed; behind it may stand a "
		       "path, $request_uri or $uri";
	put_target(rest, target);
	return NULL;
}
