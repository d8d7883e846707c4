/* policy_header: see policy_header.h. */
#include "common/policy/policy_header.h"

#include <stdio.h>

bool policy_header_next(struct str *list, struct policy_header_view *out)
{
	struct policy_header h;
	size_t rest;

	if (list->n < sizeof(h))
		return false;
	memcpy(&h, list->p, sizeof(h));
	rest = list->n - sizeof(h);
	if (h.name_n > rest || h.value_n > rest - h.name_n)
		return false;
	*out = (struct policy_header_view){
	    .op = (enum policy_header_op)h.op,
	    .name = str_make(list->p + sizeof(h), h.name_n),
	    .value = str_make(list->p + sizeof(h) + h.name_n, h.value_n),
	};
	*list = str_from_at(*list, sizeof(h) + h.name_n + h.value_n);
	return true;
}

uint32_t policy_header_count(struct str list)
{
	struct policy_header_view v;
	uint32_t n = 0;

	while (policy_header_next(&list, &v))
		n++;
	return n;
}

static enum vars_result bad(char why[VARS_WHY_MAX], struct str name, const char *text)
{
	(void)snprintf(why, VARS_WHY_MAX, "header \"" STR_FMT "\" %s", STR_ARG(str_head(name, 60)),
		       text);
	return VARS_BAD;
}

static bool is_token(struct str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return s.n > 0 && s.n <= 256;
}

/* Fields of one connection, or by which a message's end is found (RFC 9110 §7.6.1, RFC 9112 §6):
 * whoever set them would let two readers disagree. Host: upstream-vhost. */
bool policy_header_frames(struct str name)
{
	static const char *const names[] = {
	    "Connection",     "Keep-Alive",        "Proxy-Connection", "TE",   "Trailer", "Upgrade",
	    "Content-Length", "Transfer-Encoding", "HTTP2-Settings",   "Host", "Expect"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_ieq(name, str_from(names[i])))
			return true;
	return false;
}

bool policy_header_clean(struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if (((unsigned char)value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7f)
			return false;
	return true;
}

static enum vars_result compile(struct str value, bool literal, struct text *program,
				char why[VARS_WHY_MAX])
{
	struct vars_op op = {.id = VAR_LITERAL, .n = (uint16_t)value.n};

	why[0] = '\0';
	if (!literal)
		return vars_compile(value, program, why);
	if (value.n == 0)
		return VARS_OK;
	text_str(program, str_make((const char *)&op, sizeof(op)));
	text_str(program, value);
	return VARS_OK;
}

static void append(struct text *list, enum policy_header_op op, struct str name, struct str program)
{
	struct policy_header h = {
	    .op = (uint16_t)op, .name_n = (uint16_t)name.n, .value_n = (uint32_t)program.n};

	if (!text_reserve(list, sizeof(h) + name.n + program.n))
		return;
	text_str(list, str_make((const char *)&h, sizeof(h)));
	text_str(list, name);
	text_str(list, program);
}

enum vars_result policy_header_put_program(struct text *list, enum policy_header_op op,
					   struct str name, struct str program,
					   char why[VARS_WHY_MAX])
{
	if (!is_token(name))
		return bad(why, name,
			   "is not set: its name is no token of letters, digits and \"-\"");
	if (policy_header_count(str_make(list->p, list->n)) >= POLICY_HEADERS_MAX)
		return bad(why, name, "is not set: there are too many headers");
	append(list, op, name, program);
	if (!list->full)
		return VARS_OK;
	list->full = false;
	return bad(why, name, "is not set: the headers are too long together");
}

enum vars_result policy_header_put(struct text *list, enum policy_header_op op, struct str name,
				   struct str value, bool literal, char why[VARS_WHY_MAX])
{
	char space[VARS_PROGRAM_MAX], said[VARS_WHY_MAX];
	enum vars_result result;
	struct text program;

	if (op == HEADER_SET && policy_header_frames(name))
		return bad(why, name,
			   "is not set: it belongs to the connection or frames the message");
	if (!policy_header_clean(value))
		return bad(why, name, "is not set: its value holds a control character");
	if (value.n > VARS_PROGRAM_MAX / 2)
		return bad(why, name, "is not set: its value is too long");
	text_fixed(&program, space, sizeof(space));
	result = compile(value, literal, &program, said);
	if (result == VARS_BAD)
		return bad(why, name, said);
	if (policy_header_put_program(list, op, name, str_make(program.p, program.n), why) ==
	    VARS_BAD)
		return VARS_BAD;
	if (result == VARS_UNKNOWN)
		(void)bad(why, name, said);
	return result;
}
