/*
 * answers: one function per path of the test origin.
 *
 * The path is looked up by the first element that names an answer, so that /api/echo finds
 * /echo behind a proxy that forwards the path as it came. Everything else gets 128 bytes that
 * begin with the origin's name, from a buffer made once: the benchmark's answer.
 *
 *   /                 128 bytes                  /bytes/N     N bytes, Content-Length
 *   /echo             the request as JSON        /chunked/N   N bytes, chunked, with a trailer
 *   /sink             bytes and hash of content  /drip/N/MS   N bytes one by one, MS ms apart
 *   /status/N         status N                   /slow/MS     128 bytes after MS ms
 *   /close/N          N bytes until close        /upgrade     101, then an echo
 *   /early            answers before the content /hints       103, then 200
 *   /fields/N         N answer fields            /lower       lower-case field names
 *   /ws               a WebSocket that echoes
 */
#include "tests/origin/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_SIZE   128
#define PIECE       (32 * 1024)
#define SUM_TRAILER "x-sum: ok\r\n"

static char plain_body[BODY_SIZE + 1], plain_answer[512];
static size_t plain_len;
static char pattern[PIECE + 64];

void answers_init(void)
{
	int n = snprintf(plain_body, sizeof plain_body, "origin %s ", origin_name);
	memset(plain_body + n, '.', sizeof plain_body - (size_t)n);
	plain_body[BODY_SIZE - 1] = '\n';
	plain_body[BODY_SIZE] = '\0';
	plain_len = (size_t)snprintf(plain_answer, sizeof plain_answer,
				     "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
				     "Content-Type: text/plain\r\nX-Origin: %s\r\n\r\n%s",
				     BODY_SIZE, origin_name, plain_body);
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] =
		    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+\n"[i % 64];
}

static bool carries_body(const struct conn *c, unsigned status)
{
	return !c->rq.head_only && status >= 200 && status != 204 && status != 304;
}

static void put_status(struct conn *c, unsigned status)
{
	out_fmt(c, "HTTP/1.1 %u %s\r\nX-Origin: %s\r\n", status, status == 200 ? "OK" : "Test",
		origin_name);
	if (c->rq.close)
		out_fmt(c, "Connection: close\r\n");
}

static void put_text(struct conn *c, unsigned status, const char *type, const char *p, size_t n)
{
	put_status(c, status);
	if (status >= 200 && status != 204)
		out_fmt(c, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, n);
	out_add(c, "\r\n", 2);
	if (carries_body(c, status))
		out_add(c, p, n);
}

static void start_source(struct conn *c, uint64_t n)
{
	c->src = (struct source){.left = carries_body(c, 200) ? n : 0};
}

bool source_fill(struct conn *c)
{
	struct source *s = &c->src;

	if (s->left == 0 && !s->chunked)
		return false;
	if (s->left == 0) {
		out_fmt(c, "0\r\n%s\r\n", s->trailer ? SUM_TRAILER : "");
		s->chunked = false;
		return true;
	}
	uint64_t n = s->left < PIECE ? s->left : PIECE;
	if (s->step != 0 && n > s->step)
		n = s->step;
	if (s->chunked)
		out_fmt(c, "%llx\r\n", (unsigned long long)n);
	out_add(c, pattern + s->at % 64, (size_t)n);
	if (s->chunked)
		out_add(c, "\r\n", 2);
	s->left -= n;
	s->at += n;
	if (s->step_ms != 0)
		conn_wait(c, s->step_ms);
	return true;
}

static void plain(struct conn *c, const char *arg)
{
	(void)arg;
	if (!c->rq.close && !c->rq.head_only)
		out_add(c, plain_answer, plain_len);
	else
		put_text(c, 200, "text/plain", plain_body, BODY_SIZE);
}

static void bytes(struct conn *c, const char *arg)
{
	unsigned long long n = strtoull(arg, NULL, 10);
	put_status(c, 200);
	out_fmt(c, "Content-Length: %llu\r\n\r\n", n);
	start_source(c, n);
}

static void chunked(struct conn *c, const char *arg)
{
	put_status(c, 200);
	out_fmt(c, "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
	start_source(c, strtoull(arg, NULL, 10));
	c->src.chunked = carries_body(c, 200);
	c->src.trailer = true;
}

static void drip(struct conn *c, const char *arg)
{
	char *end;
	unsigned long long n = strtoull(arg, &end, 10);
	unsigned ms = *end == '/' ? (unsigned)strtoul(end + 1, NULL, 10) : 10;
	put_status(c, 200);
	out_fmt(c, "Content-Length: %llu\r\n\r\n", n);
	start_source(c, n);
	c->src.step = 1;
	c->src.step_ms = ms;
}

static void status(struct conn *c, const char *arg)
{
	unsigned n = (unsigned)strtoul(arg, NULL, 10);
	put_text(c, n >= 200 && n <= 999 ? n : 500, "text/plain", "status\n", 7);
}

static void slow(struct conn *c, const char *arg)
{
	put_text(c, 200, "text/plain", plain_body, BODY_SIZE);
	conn_wait(c, (unsigned)strtoul(arg, NULL, 10));
}

static void until_close(struct conn *c, const char *arg)
{
	c->rq.close = true;
	put_status(c, 200);
	out_fmt(c, "\r\n");
	start_source(c, strtoull(arg, NULL, 10));
}

static void upgrade(struct conn *c, const char *arg)
{
	(void)arg;
	if (!c->rq.upgrade) {
		put_text(c, 426, "text/plain", "upgrade\n", 8);
		return;
	}
	out_fmt(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n");
	for (unsigned i = 0; i < c->rq.nfields; i++)
		if (span_is(c->rq.fields[i].name, "upgrade"))
			out_fmt(c, "Upgrade: %.*s\r\n", (int)c->rq.fields[i].value.n,
				c->rq.fields[i].value.p);
	out_fmt(c, "X-Origin: %s\r\n\r\n", origin_name);
	c->state = TUNNEL;
}

static void websocket(struct conn *c, const char *arg)
{
	(void)arg;
	websocket_open(c);
}

static void early(struct conn *c, const char *arg)
{
	(void)arg;
	put_text(c, 200, "text/plain", "early\n", 6);
}

static void hints(struct conn *c, const char *arg)
{
	out_fmt(c, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
	plain(c, arg);
}

static void many_fields(struct conn *c, const char *arg)
{
	put_status(c, 200);
	for (unsigned long i = 0, n = strtoul(arg, NULL, 10); i < n && i < 10000; i++)
		out_fmt(c, "X-Field-%lu: value of field %lu\r\n", i, i);
	out_fmt(c, "Content-Length: 0\r\n\r\n");
}

static void lower(struct conn *c, const char *arg)
{
	(void)arg;
	out_fmt(c, "HTTP/1.1 200 ok\r\ncontent-length: 3\r\nx-origin: %s\r\n\r\n%s", origin_name,
		c->rq.head_only ? "" : "ok\n");
}

static void put_json(struct conn *c, const char *p, size_t n)
{
	out_add(c, "\"", 1);
	for (size_t i = 0; i < n; i++) {
		unsigned char b = (unsigned char)p[i];
		if (b == '"' || b == '\\')
			out_fmt(c, "\\%c", b);
		else if (b < 0x20 || b >= 0x7f)
			out_fmt(c, "\\u%04x", b);
		else
			out_add(c, &p[i], 1);
	}
	out_add(c, "\"", 1);
}

static void put_span(struct conn *c, const char *key, struct span s)
{
	out_fmt(c, ",\"%s\":", key);
	put_json(c, s.p, s.n);
}

static void put_echo_json(struct conn *c)
{
	out_fmt(c, "{\"origin\":\"%s\",\"conn\":%llu,\"nth\":%llu", origin_name,
		(unsigned long long)c->id, (unsigned long long)c->nth);
	put_span(c, "method", c->rq.method);
	put_span(c, "target", c->rq.target);
	put_span(c, "version", c->rq.version);
	out_fmt(c, ",\"headers\":[");
	for (unsigned i = 0; i < c->rq.nfields; i++) {
		out_fmt(c, i == 0 ? "[" : ",[");
		put_json(c, c->rq.fields[i].name.p, c->rq.fields[i].name.n);
		out_add(c, ",", 1);
		put_json(c, c->rq.fields[i].value.p, c->rq.fields[i].value.n);
		out_add(c, "]", 1);
	}
	out_fmt(c, "],\"body_bytes\":%llu,\"body_hash\":\"%016llx\"",
		(unsigned long long)c->rq.body_bytes, (unsigned long long)c->rq.body_hash);
	put_span(c, "body", (struct span){c->kept, c->trailers_at});
	put_span(c, "trailers",
		 (struct span){c->kept + c->trailers_at, c->kept_len - c->trailers_at});
	out_fmt(c, "}\n");
}

/* The JSON is made first, where its length is not known yet, then moved behind its head. */
static void echo(struct conn *c, const char *arg)
{
	(void)arg;
	size_t from = c->out_len;
	put_echo_json(c);
	size_t n = c->out_len - from;
	char *json = malloc(n);
	if (json == NULL)
		abort();
	memcpy(json, c->out + from, n);
	c->out_len = from;
	put_text(c, 200, "application/json", json, n);
	free(json);
}

static void sink(struct conn *c, const char *arg)
{
	char text[80];
	(void)arg;
	int n = snprintf(text, sizeof text, "%llu %016llx\n", (unsigned long long)c->rq.body_bytes,
			 (unsigned long long)c->rq.body_hash);
	put_text(c, 200, "text/plain", text, (size_t)n);
}

static const struct path {
	const char *name;
	void (*fn)(struct conn *c, const char *arg);
} paths[] = {
    {"bytes", bytes},     {"echo", echo},    {"sink", sink},       {"status", status},
    {"slow", slow},       {"drip", drip},    {"chunked", chunked}, {"close", until_close},
    {"upgrade", upgrade}, {"early", early},  {"hints", hints},     {"fields", many_fields},
    {"lower", lower},     {"ws", websocket},
};

static const struct path *path_find(struct span target, char *arg, size_t arg_size)
{
	const char *end = target.p + target.n;
	const char *query = memchr(target.p, '?', target.n);

	if (query != NULL)
		end = query;
	for (const char *at = target.p; at < end; at++) {
		if (*at != '/' || at + 1 >= end || at[1] < 'a' || at[1] > 'z')
			continue;
		const char *stop = memchr(at + 1, '/', (size_t)(end - at - 1));
		size_t n = (size_t)((stop != NULL ? stop : end) - at - 1);
		for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
			if (strlen(paths[i].name) != n || memcmp(paths[i].name, at + 1, n) != 0)
				continue;
			snprintf(arg, arg_size, "%.*s", stop != NULL ? (int)(end - stop - 1) : 0,
				 stop != NULL ? stop + 1 : "");
			return &paths[i];
		}
	}
	return NULL;
}

bool answer_is_early(const struct conn *c)
{
	char arg[64];
	const struct path *p = path_find(c->rq.target, arg, sizeof arg);
	return p != NULL && p->fn == early;
}

void answer(struct conn *c)
{
	char arg[64];
	const struct path *p = path_find(c->rq.target, arg, sizeof arg);
	c->state = REPLY;
	c->rq.answered = true;
	if (p != NULL)
		p->fn(c, arg);
	else
		plain(c, "");
}
