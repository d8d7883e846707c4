/* names: see names.h. */
#include "k8s/text/names.h"

#include <string.h>

#include "common/net/addr.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool label_form(struct str s)
{
	if (s.n == 0 || s.n > 63 || !is_alnum(s.p[0]) || !is_alnum(s.p[s.n - 1]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

const char *name_label(struct str s)
{
	if (s.n == 0)
		return "must not be empty";
	return label_form(s) ? NULL
			     : "must be at most 63 lower-case letters, digits and \"-\", and begin "
			       "and end with a letter or digit";
}

/* The API server bounds the whole, not each label, but a longer label can never be a DNS name. */
static bool subdomain_form(struct str s)
{
	if (s.n == 0 || s.n > 253)
		return false;
	while (s.n > 0) {
		ptrdiff_t dot = str_chr(s, '.');
		size_t n = dot == -1 ? s.n : (size_t)dot;

		if (n == 0 || !is_alnum(s.p[0]) || !is_alnum(s.p[n - 1]))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!is_alnum(s.p[i]) && s.p[i] != '-')
				return false;
		if (dot == -1)
			return true;
		s = str_from_at(s, n + 1);
	}
	return false; /* ends with a dot */
}

const char *name_subdomain(struct str s)
{
	if (s.n == 0)
		return "must not be empty";
	return subdomain_form(s)
		   ? NULL
		   : "must be at most 253 lower-case letters, digits, \"-\" and \".\", "
		     "and begin and end with a letter or digit";
}

const char *name_host(struct str s)
{
	struct addr ip;

	if (addr_parse(s, 0, &ip))
		return "must be a DNS name, not an IP address";
	if (s.n > 0 && s.p[0] == '*') {
		if (str_starts(s, STR("*.")) && subdomain_form(str_from_at(s, 2)))
			return NULL;
		return "a wildcard must look like \"*.example.com\": one \"*\" as the whole first "
		       "label";
	}
	if (str_chr(s, ':') != -1)
		return "must be a DNS name without port";
	return subdomain_form(s) ? NULL
				 : "must be a DNS name: lower-case letters, digits, \"-\" and "
				   "\".\", at most 253 bytes";
}

const char *name_port(struct str s)
{
	bool letter = false;

	if (s.n == 0 || s.n > 15 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return "must be 1 to 15 lower-case letters, digits and \"-\", not at its ends";
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return "must hold only lower-case letters, digits and \"-\"";
		letter = letter || (s.p[i] >= 'a' && s.p[i] <= 'z');
	}
	if (memmem(s.p, s.n, "--", 2) != NULL)
		return "must not hold \"--\"";
	return letter ? NULL : "must hold a letter (write a number without quotes)";
}

const char *name_data_key(struct str s)
{
	if (s.n == 0 || s.n > 253 || str_eq(s, STR(".")) || str_eq(s, STR("..")))
		return "a key must be 1 to 253 bytes, and not \".\" or \"..\"";
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(ascii_lower(s.p[i])) && s.p[i] != '-' && s.p[i] != '_' &&
		    s.p[i] != '.')
			return "a key must hold only letters, digits, \"-\", \"_\" and \".\"";
	return NULL;
}

static bool holds(struct str s, struct str part)
{
	return memmem(s.p, s.n, part.p, part.n) != NULL;
}

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

const char *name_path(struct str s)
{
	if (s.n == 0 || s.p[0] != '/')
		return "must begin with \"/\"";
	if (has_control(s))
		return "must not hold control characters";
	if (holds(s, STR("//")))
		return "must not hold \"//\"";
	if (holds(s, STR("/./")) || holds(s, STR("/../")) || str_ends(s, STR("/.")) ||
	    str_ends(s, STR("/..")))
		return "must not hold \"/./\" or \"/../\"";
	if (holds(s, STR("%2f")) || holds(s, STR("%2F")))
		return "must not hold an encoded \"/\"";
	return NULL;
}

const char *name_path_free(struct str s)
{
	if (s.n == 0)
		return NULL;
	if (s.p[0] != '/')
		return "must begin with \"/\"";
	return has_control(s) ? "must not hold control characters" : NULL;
}
