/*
 * What a FastCGI application sends. Records taken apart whole and byte by byte give the same
 * content; a CGI head found in it becomes text that fits where it is written, and that the parser
 * of HTTP/1 takes or refuses.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/fcgi/cgi_head.h"
#include "worker/fcgi/fcgi_in.h"
#include "worker/wire/h1_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct taken {
	char *content;
	size_t n;
	enum fcgi_part end;
};

/* What the buffer holds; MORE at its end. */
static enum fcgi_part take_all(struct fcgi_in *in, struct taken *to)
{
	struct str part;

	for (;;) {
		enum fcgi_part is = fcgi_in_next(in, &part);

		if (is != FCGI_CONTENT)
			return is;
		if (part.n == 0)
			abort();
		memcpy(to->content + to->n, part.p, part.n);
		to->n += part.n;
		fcgi_in_take(in, part.n);
	}
}

static struct taken take(const uint8_t *data, size_t n, size_t step)
{
	struct taken t = {.content = malloc(n + 1), .end = FCGI_MORE};
	struct fcgi_in in = {.buf = chunk_new_large((uint32_t)n + 1)};

	if (t.content == NULL || in.buf == NULL)
		abort();
	for (size_t at = 0; at < n && t.end == FCGI_MORE; at += step) {
		size_t part = n - at < step ? n - at : step;

		memcpy(in.buf->data + in.buf->fill, data + at, part);
		in.buf->fill += (uint32_t)part;
		t.end = take_all(&in, &t);
	}
	fcgi_in_clear(&in);
	return t;
}

static void understand(struct str content)
{
	const struct h1_limits limits = H1_LIMITS_DEFAULT;
	size_t end = cgi_head_end(content, 0), used, n;
	struct field fields[16];
	struct head h = {.fields = fields, .cap_fields = 16};
	struct h1_refusal refusal;
	struct h1_scan scan = {0};
	char *to;

	if (end > content.n)
		abort();
	for (size_t from = 0; from < content.n; from += 7) /* wherever it was looked at before */
		if (end > from && cgi_head_end(content, from) != end)
			abort();
	if (end == 0)
		return;
	to = malloc(CGI_HEAD_ROOM(end));
	if (to == NULL)
		abort();
	n = cgi_head_write(str_head(content, end), to);
	if (n > CGI_HEAD_ROOM(end) ||
	    (h1_parse_response(str_make(to, n), &limits, &scan, METHOD_GET, &h, &used, &refusal) ==
		 H1_DONE &&
	     used != n))
		abort();
	free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct taken whole = take(data, n, n + 1), pieces = take(data, n, 1);

	if (whole.n != pieces.n || whole.end != pieces.end ||
	    memcmp(whole.content, pieces.content, whole.n) != 0)
		abort();
	understand(str_make(whole.content, whole.n));
	understand(str_make((const char *)data, n));
	free(whole.content);
	free(pieces.content);
	return 0;
}
