/*
 * http1_bench: what reading and writing HTTP/1 heads costs, in nanoseconds of CPU a message.
 *
 * The messages are copied to another place before every parse, so that no cache holds what a
 * real one would not. Exits 1 when a figure to reach is missed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/wire/h1_chunk.h"
#include "worker/wire/h1_parse.h"
#include "worker/wire/h1_write.h"
#include "worker/wire/path.h"

#define ROUNDS 500000
#define PLACES 64
#define ROOM   2048

static const char small_request[] =
    "GET /api/v1/items?id=5 HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\nAccept-Encoding: gzip\r\nX-Trace: abcdef0123456789\r\n\r\n";
static const char browser_request[] =
    "GET /api/v1/items?id=5 HTTP/1.1\r\nHost: shop.example.com\r\nConnection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,application/xml;"
    "q=0.9,image/avif,image/webp,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-US,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef; "
    "theme=dark\r\nReferer: https://shop.example.com/start\r\nCache-Control: no-cache\r\n"
    "Pragma: no-cache\r\nSec-Fetch-Mode: navigate\r\nUpgrade-Insecure-Requests: 1\r\n\r\n";
static const char response[] =
    "HTTP/1.1 200 OK\r\nServer: x\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: text/html\r\nContent-Length: 128\r\nConnection: keep-alive\r\n\r\n";

static const struct h1_limits limits = H1_LIMITS_DEFAULT;
static struct field fields[64];
static char places[PLACES][ROOM];

static double cpu_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == -1)
		exit(2);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int report(const char *name, double ns, double reach)
{
	printf("%-44s %10.1f ns", name, ns);
	if (reach > 0)
		printf("    (to reach: %.0f)%s", reach, ns > reach ? "  MISSED" : "");
	putchar('\n');
	return reach > 0 && ns > reach;
}

static struct head parse_or_die(struct str in, bool request)
{
	struct head h = {.fields = fields, .cap_fields = 64};
	struct h1_scan scan = {0};
	struct h1_refusal refusal;
	size_t used;
	enum h1_verdict v =
	    request ? h1_parse_request(in, &limits, &scan, &h, &used, &refusal)
		    : h1_parse_response(in, &limits, &scan, METHOD_GET, &h, &used, &refusal);

	if (v != H1_DONE || used != in.n) {
		fprintf(stderr, "http1_bench: not parsed\n");
		exit(2);
	}
	return h;
}

static double time_parse(const char *text, size_t n, bool request)
{
	double copies, from = cpu_ns();

	for (int i = 0; i < ROUNDS; i++)
		memcpy(places[i % PLACES], text, n);
	copies = cpu_ns() - from;
	from = cpu_ns();
	for (int i = 0; i < ROUNDS; i++) {
		struct head h;

		memcpy(places[i % PLACES], text, n);
		h = parse_or_die(str_make(places[i % PLACES], n), request);
		__asm__ volatile("" : : "r"(&h) : "memory");
	}
	return (cpu_ns() - from - copies) / ROUNDS;
}

static double time_write(const char *text, size_t n, bool request)
{
	struct head h = parse_or_die(str_make(text, n), request);
	double from = cpu_ns();

	for (int i = 0; i < ROUNDS; i++) {
		char *to = places[i % PLACES];

		if ((request ? h1_write_request(to, ROOM, &h, H1_CONNECTION_NONE, false)
			     : h1_write_response(to, ROOM, &h, H1_CONNECTION_NONE, STR_NONE)) == -1)
			exit(2);
		__asm__ volatile("" : : "r"(to) : "memory");
	}
	return (cpu_ns() - from) / ROUNDS;
}

static double time_path(struct str target)
{
	double from = cpu_ns();

	for (int i = 0; i < ROUNDS; i++) {
		struct path p;

		if (path_normalise(target, places[0], &p) == -1)
			exit(2);
		__asm__ volatile("" : : "r"(&p) : "memory");
	}
	return (cpu_ns() - from) / ROUNDS;
}

/* Chunks of 1 KiB: nanoseconds for each. */
static double time_chunks(void)
{
	struct str line = STR("400\r\n"), data;
	struct h1_chunk c;
	double from;
	uint16_t n_fields;
	size_t used, at;

	memcpy(places[0], line.p, line.n);
	memset(places[0] + line.n, 'x', 1024);
	memcpy(places[0] + line.n + 1024, "\r\n", 2);
	h1_chunk_init(&c);
	from = cpu_ns();
	for (int i = 0; i < ROUNDS; i++)
		for (at = 0; at < line.n + 1026; at += used)
			if (h1_chunk_next(&c, str_make(places[0] + at, line.n + 1026 - at), &used,
					  &data, NULL, 0, &n_fields) == H1_CHUNK_BAD)
				exit(2);
	return (cpu_ns() - from) / ROUNDS;
}

int main(void)
{
	int missed = 0;

#define SIZED(text) text, sizeof(text) - 1
	missed |=
	    report("parse a request of 5 fields", time_parse(SIZED(small_request), true), 250);
	missed |=
	    report("parse a request of 12 fields", time_parse(SIZED(browser_request), true), 500);
	missed |= report("parse an answer of 5 fields", time_parse(SIZED(response), false), 250);
	(void)report("write a request of 5 fields", time_write(SIZED(small_request), true), 0);
	(void)report("write a request of 12 fields", time_write(SIZED(browser_request), true), 0);
	(void)report("write an answer of 5 fields", time_write(SIZED(response), false), 0);
	(void)report("normalise a path that is normal", time_path(STR("/api/v1/items?id=5")), 0);
	(void)report("normalise a path that is not", time_path(STR("/api/./v1//x/../items%20a")),
		     0);
	(void)report("decode a chunk of 1 KiB", time_chunks(), 0);
	return missed;
}
