/* uri: see uri.h. */
#include "worker/rewrite/uri.h"

#include <stdbool.h>
#include <string.h>

/* RFC 3986 §3.3: pchar without pct-encoded, and "/". */
static bool in_path(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != '\0' && strchr("-._~!$&'()*+,;=:@/", c) != NULL;
}

static bool in_query(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != '#';
}

static bool in_target(unsigned char c)
{
	return c > 0x20 && c < 0x7f;
}

static size_t put(char *to, struct str s, bool (*plain)(unsigned char c))
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (plain(c)) {
			to[n++] = (char)c;
		} else {
			to[n++] = '%';
			to[n++] = hex[c >> 4];
			to[n++] = hex[c & 15];
		}
	}
	return n;
}

size_t uri_put_path(char *to, struct str s)
{
	return put(to, s, in_path);
}

size_t uri_put_query(char *to, struct str s)
{
	return put(to, s, in_query);
}

size_t uri_put_target(char *to, struct str s)
{
	return put(to, s, in_target);
}

struct str uri_path(struct str target)
{
	ptrdiff_t query = str_chr(target, '?');

	return query < 0 ? target : str_head(target, (size_t)query);
}

struct str uri_query(struct str target)
{
	ptrdiff_t query = str_chr(target, '?');

	return query < 0 ? STR_NONE : str_from_at(target, (size_t)query + 1);
}
