/* h1_request: request heads in little space, and the parser with the limits that count by default.
 */
#ifndef SILEX_TESTS_H1_REQUEST_H
#define SILEX_TESTS_H1_REQUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/wire/h1_parse.h"

#define FIELDS 300

#define GET1(line)  "GET / HTTP/1.1\r\nHost: a\r\n" line "\r\n\r\n"
#define POST1(line) "POST / HTTP/1.1\r\nHost: a\r\n" line "\r\n\r\n"
#define CANON(line) "GET / HTTP/1.1\r\nHost: a\r\n" line "\r\n"
#define HOST(h)     "GET / HTTP/1.1\r\nHost: " h "\r\n\r\n"
#define LINE(l)     l "\r\nHost: a\r\n\r\n"

static const struct h1_limits limits = H1_LIMITS_DEFAULT;

static inline enum h1_verdict parse(struct str in, struct h1_scan *scan, struct head *h,
				    size_t *consumed, struct h1_refusal *refusal)
{
	static struct field fields[FIELDS];

	h->fields = fields;
	h->cap_fields = FIELDS;
	return h1_parse_request(in, &limits, scan, h, consumed, refusal);
}

#endif
