/* ask: see ask.h. */
#include "master/check/ask.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"

#define AGENT  "silex-health"
#define METHOD "/grpc.health.v1.Health/Check"

struct out {
	char *buf;
	size_t n;
};

static void put(struct out *o, const void *p, size_t n)
{
	CHECK(o->n + n <= ASK_MAX);
	memcpy(o->buf + o->n, p, n);
	o->n += n;
}

static void put_byte(struct out *o, unsigned byte)
{
	char c = (char)byte;

	put(o, &c, 1);
}

/* Room for a frame's head; the length is filled in by end_frame(). */
static size_t begin_frame(struct out *o, unsigned type, unsigned flags, unsigned stream)
{
	size_t at = o->n;

	put(o, "\0\0\0", 3);
	put_byte(o, type);
	put_byte(o, flags);
	put(o, "\0\0\0", 3);
	put_byte(o, stream);
	return at;
}

static void end_frame(const struct out *o, size_t at)
{
	size_t n = o->n - at - 9;

	o->buf[at + 1] = (char)(n >> 8);
	o->buf[at + 2] = (char)n;
}

/* A string literal without Huffman coding (RFC 7541 §5.2), shorter than 127 + 16384 bytes. */
static void put_text(struct out *o, const char *text)
{
	size_t n = strlen(text), rest = n - 127;

	if (n < 127) {
		put_byte(o, (unsigned)n);
	} else {
		put_byte(o, 127);
		if (rest >= 128) {
			put_byte(o, (unsigned)(rest & 127) | 128);
			rest >>= 7;
		}
		put_byte(o, (unsigned)rest);
	}
	put(o, text, n);
}

/* RFC 7541 §6.2.2, name by its index in the static table. */
static void put_field(struct out *o, unsigned index, const char *value)
{
	put_byte(o, index < 15 ? index : 15);
	if (index >= 15)
		put_byte(o, index - 15);
	put_text(o, value);
}

static void put_head(struct out *o, const struct check_spec *s, const char *host)
{
	size_t at = begin_frame(o, 1, 4, 1); /* HEADERS, END_HEADERS */

	put_byte(o, 0x80 | 3);                             /* :method: POST */
	put_byte(o, 0x80 | (check_uses_tls(s) ? 7u : 6u)); /* :scheme */
	put_field(o, 4, METHOD);                           /* :path */
	put_field(o, 1, host);                             /* :authority */
	put_byte(o, 0);
	put_text(o, "te");
	put_text(o, "trailers");
	put_field(o, 31, "application/grpc"); /* content-type */
	put_field(o, 58, AGENT);              /* user-agent */
	end_frame(o, at);
}

/* HealthCheckRequest: field 1 is the service's name; without one the whole server is meant. */
static void put_message(struct out *o, const char *service)
{
	size_t at = begin_frame(o, 0, 1, 1), n = strlen(service); /* DATA, END_STREAM */
	size_t size = n == 0 ? 0 : n + (n < 128 ? 2 : 3);

	put(o, "\0\0\0", 3); /* not compressed; the length's high half */
	put_byte(o, (unsigned)(size >> 8));
	put_byte(o, (unsigned)(size & 0xff));
	if (n > 0) {
		put_byte(o, 0x0a);
		if (n >= 128)
			put_byte(o, (unsigned)(n & 127) | 128);
		put_byte(o, (unsigned)(n >= 128 ? n >> 7 : n));
		put(o, service, n);
	}
	end_frame(o, at);
}

size_t ask_make(const struct check_spec *s, char *buf)
{
	const char *host = s->host[0] != '\0' ? s->host : "localhost";
	struct out o = {.buf = buf};

	switch ((enum check_kind)s->kind) {
	case CHECK_OFF:
	case CHECK_TCP:
		return 0;
	case CHECK_HTTP:
	case CHECK_HTTPS:
		return (size_t)snprintf(buf, ASK_MAX,
					"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: " AGENT "\r\n"
					"Accept: */*\r\nConnection: close\r\n\r\n",
					s->path, host);
	case CHECK_GRPC:
	case CHECK_GRPCS:
		put(&o, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
		(void)begin_frame(&o, 4, 0, 0); /* SETTINGS: none */
		put_head(&o, s, host);
		put_message(&o, s->service);
		return o.n;
	}
	return 0;
}
