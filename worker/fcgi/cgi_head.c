/* cgi_head: see cgi_head.h. */
#include "worker/fcgi/cgi_head.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "worker/head/field_id.h"

/* A line that is empty but for a CR ends the head. */
size_t cgi_head_end(struct str s, size_t from)
{
	size_t at = from < 3 ? 0 : from - 3; /* the end may have begun there */

	while (at < s.n) {
		const char *lf = memchr(s.p + at, '\n', s.n - at);
		size_t next = lf == NULL ? s.n : (size_t)(lf - s.p) + 1;

		if (lf == NULL)
			return 0;
		if (next < s.n && s.p[next] == '\n')
			return next + 1;
		if (next + 1 < s.n && s.p[next] == '\r' && s.p[next + 1] == '\n')
			return next + 2;
		at = next;
	}
	return 0;
}

/* The next line without its end. */
static struct str take_line(struct str *s)
{
	ptrdiff_t lf = str_chr(*s, '\n');
	struct str line = lf < 0 ? *s : str_head(*s, (size_t)lf);

	*s = lf < 0 ? STR_NONE : str_from_at(*s, (size_t)lf + 1);
	return str_ends(line, STR("\r")) ? str_head(line, line.n - 1) : line;
}

static struct str name_of(struct str line)
{
	ptrdiff_t colon = str_chr(line, ':');

	return colon < 0 ? STR_NONE : str_head(line, (size_t)colon);
}

static struct str value_of(struct str line)
{
	return str_trim(str_from_at(line, (size_t)str_chr(line, ':') + 1));
}

static bool is_left_out(struct str name)
{
	static const char *const names[] = {"Status",     "Transfer-Encoding", "Connection",
					    "Keep-Alive", "Trailer",           "Upgrade"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_ieq(name, str_from(names[i])))
			return true;
	return false;
}

/* Three digits at the beginning; 0: there are none. */
static unsigned status_of(struct str value)
{
	uint64_t n;

	return value.n >= 3 && (value.n == 3 || value.p[3] == ' ') &&
		       str_u64(str_head(value, 3), 999, &n)
		   ? (unsigned)n
		   : 0;
}

/* 0: Status says nothing that could be one, which the parser refuses. */
static unsigned find_status(struct str head)
{
	unsigned found = 200;

	while (head.n > 0) {
		struct str line = take_line(&head), name = name_of(line);

		if (str_ieq(name, STR("Status")))
			return status_of(value_of(line));
		if (str_ieq(name, STR("Location")))
			found = 302;
	}
	return found;
}

static size_t put(char *to, size_t at, struct str s)
{
	if (s.n > 0)
		memcpy(to + at, s.p, s.n);
	memcpy(to + at + s.n, "\r\n", 2);
	return at + s.n + 2;
}

size_t cgi_head_write(struct str head, char *to)
{
	char first[32];
	size_t n;

	(void)snprintf(first, sizeof(first), "HTTP/1.1 %03u FastCGI", find_status(head));
	n = put(to, 0, str_from(first));
	while (head.n > 0) {
		struct str line = take_line(&head);

		if (line.n > 0 && !is_left_out(name_of(line)))
			n = put(to, n, line);
	}
	return put(to, n, STR_NONE);
}
