/* yaml_scalar: see yaml_scalar.h. */
#include "k8s/text/yaml_scalar.h"

#include <errno.h>
#include <stdlib.h>

enum word {
	WORD_NONE,
	WORD_NULL,
	WORD_TRUE,
	WORD_FALSE
};

static bool one_of(struct str s, const char *const *list)
{
	for (; *list != NULL; list++)
		if (str_eq(s, str_from(*list)))
			return true;
	return false;
}

static enum word word_of(struct str s)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
					  "on",   "On",   "ON",   "y",   "Y",   NULL};
	static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO",
					 "off",   "Off",   "OFF",   "n",  "N",  NULL};

	if (s.n > 5 || (s.n > 0 && strchr("~nNtTfFyYoO", s.p[0]) == NULL))
		return WORD_NONE;
	if (one_of(s, nulls))
		return WORD_NULL;
	if (one_of(s, yes))
		return WORD_TRUE;
	return one_of(s, no) ? WORD_FALSE : WORD_NONE;
}

/* The digits without underscores, NUL-terminated; false when too long to be a number. */
static bool plain_digits(struct str s, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '_')
			continue;
		if (n + 1 >= size || s.p[i] == '\0')
			return false;
		buf[n++] = s.p[i];
	}
	buf[n] = '\0';
	return n > 0;
}

static int base_of(const char **p)
{
	if ((*p)[0] != '0' || (*p)[1] == '\0')
		return 10;
	*p += 1;
	switch ((*p)[0] | 0x20) {
	case 'x':
		*p += 1;
		return 16;
	case 'o':
		*p += 1;
		return 8;
	case 'b':
		*p += 1;
		return 2;
	default:
		return 8; /* YAML 1.1: a leading zero is octal */
	}
}

static struct json_object *integer(const char *text)
{
	const char *p = text + (*text == '-' || *text == '+');
	int base = base_of(&p);
	unsigned long long v;
	char *end;

	if (strspn(p, "0123456789abcdefABCDEF") != strlen(p) || *p == '\0')
		return NULL;
	errno = 0;
	v = strtoull(p, &end, base);
	if (*end != '\0' || errno != 0)
		return NULL;
	if (*text != '-')
		return v <= INT64_MAX ? json_object_new_int64((int64_t)v)
				      : json_object_new_uint64(v);
	if (v > (unsigned long long)INT64_MAX + 1)
		return NULL;
	return json_object_new_int64((int64_t)(0 - v));
}

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

/* [-+]? (digits [. digits*]? | . digits) ([eE] [-+]? digits)? */
static bool float_form(const char *p)
{
	size_t whole, part = 0;

	p += *p == '-' || *p == '+';
	whole = digits(p);
	p += whole;
	if (*p == '.') {
		p++;
		part = digits(p);
		p += part;
	}
	if (whole + part == 0)
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '-' || *p == '+';
		if (digits(p) == 0)
			return false;
		p += digits(p);
	}
	return *p == '\0';
}

/* Go prints a float without fraction below 1e21 as an integer, and that is what the API sees. */
static struct json_object *floating(const char *text)
{
	double v;

	if (!float_form(text))
		return NULL;
	v = strtod(text, NULL);
	if (v > -9e15 && v < 9e15 && v == (double)(int64_t)v)
		return json_object_new_int64((int64_t)v);
	return json_object_new_double(v);
}

static struct json_object *number(struct str s)
{
	struct json_object *v;
	char text[64];

	if (strchr("+-.0123456789", s.p[0]) == NULL || !plain_digits(s, text, sizeof(text)))
		return NULL;
	v = s.p[0] == '.' ? NULL : integer(text);
	return v != NULL ? v : floating(text);
}

bool yaml_scalar_is_text(struct str s)
{
	return s.n > 5 && strchr("+-.0123456789", s.p[0]) == NULL;
}

struct json_object *yaml_scalar(struct str s)
{
	struct json_object *v;

	switch (word_of(s)) {
	case WORD_NULL:
		return NULL;
	case WORD_TRUE:
		return json_object_new_boolean(1);
	case WORD_FALSE:
		return json_object_new_boolean(0);
	case WORD_NONE:
		break;
	}
	v = number(s);
	return v != NULL ? v : json_object_new_string_len(s.p, (int)s.n);
}
