/*
 * Request heads. Whatever is accepted must (1) be found the same when it arrives in two pieces,
 * (2) serialise to nothing but canonical bytes, (3) parse back from those to the same head.
 */
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "worker/wire/h1_parse.h"
#include "worker/wire/h1_write.h"

#define FIELDS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Twice the default: what was written anew may be a little longer than what came. */
static const struct h1_limits wide = {.start_line_max = 16384,
				      .line_max = 16384,
				      .head_max = 65536,
				      .fields_max = 512,
				      .odd_names = true};

static enum h1_verdict parse(struct str in, const struct h1_limits *limits, struct h1_scan *scan,
			     struct head *h, size_t *consumed)
{
	struct h1_refusal refusal = {0};
	enum h1_verdict v = h1_parse_request(in, limits, scan, h, consumed, &refusal);

	if (v == H1_REFUSED)
		CHECK(refusal.why != NULL && refusal.status >= 400 && refusal.status < 600);
	return v;
}

/* Control bytes: HTAB in values, and CR LF together. Blank before a line end: never. */
static void check_canonical(struct str out)
{
	for (size_t i = 0; i < out.n; i++) {
		unsigned char c = (unsigned char)out.p[i];

		if (c == '\r')
			CHECK(i + 1 < out.n && out.p[i + 1] == '\n');
		else if (c == '\n')
			CHECK(i > 0 && out.p[i - 1] == '\r');
		else
			CHECK((c >= 0x20 && c != 0x7f) || c == '\t');
	}
	CHECK(str_ends(out, STR("\r\n\r\n")));
}

static unsigned live(const struct head *h, unsigned i)
{
	while (i < h->n_fields && h->fields[i].drop)
		i++;
	return i;
}

static void check_same_fields(const struct head *a, const struct head *b)
{
	unsigned i = live(a, 0), j = live(b, 0);

	for (; i < a->n_fields && j < b->n_fields; i = live(a, i + 1), j = live(b, j + 1)) {
		const struct field *f = &a->fields[i], *g = &b->fields[j];

		CHECK(f->id == g->id);
		CHECK(str_eq(str_make(f->name, f->name_n), str_make(g->name, g->name_n)));
		CHECK(str_eq(str_make(f->value, f->value_n), str_make(g->value, g->value_n)));
	}
	CHECK(i >= a->n_fields && j >= b->n_fields);
}

static void check_same(const struct head *a, const struct head *b)
{
	CHECK(a->method == b->method && str_eq(a->method_text, b->method_text));
	CHECK(str_eq(a->authority, b->authority) && str_eq(a->host, b->host));
	CHECK(a->port == b->port && a->framing == b->framing);
	CHECK(a->has_length == b->has_length && a->length == b->length);
	CHECK(a->expect_continue == b->expect_continue && a->upgrade == b->upgrade);
	CHECK(str_eq(a->upgrade_proto, b->upgrade_proto));
	check_same_fields(a, b);
}

static void check_round_trip(const struct head *h)
{
	static char once[131072], twice[131072];
	static struct field fields[FIELDS];
	struct head again = {.fields = fields, .cap_fields = FIELDS};
	struct h1_scan scan = {0};
	enum h1_connection conn = h->upgrade ? H1_CONNECTION_UPGRADE : H1_CONNECTION_NONE;
	ptrdiff_t n = h1_write_request(once, sizeof(once), h, conn, false);
	size_t consumed;

	CHECK(n > 0);
	check_canonical(str_make(once, (size_t)n));
	if (h->authority.n == 0) /* HTTP/1.0 without Host: the routing step gives it one */
		return;
	CHECK(parse(str_make(once, (size_t)n), &wide, &scan, &again, &consumed) == H1_DONE);
	CHECK(consumed == (size_t)n);
	check_same(h, &again);
	CHECK(h1_write_request(twice, sizeof(twice), &again, conn, false) == n);
	CHECK(memcmp(once, twice, (size_t)n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct field fields[FIELDS], split_fields[FIELDS];
	struct h1_limits limits = H1_LIMITS_DEFAULT;
	struct head h = {.fields = fields, .cap_fields = FIELDS};
	struct head split = {.fields = split_fields, .cap_fields = FIELDS};
	struct h1_scan scan = {0}, split_scan = {0};
	struct str in = str_make((const char *)data, n);
	size_t consumed = 0, split_consumed = 0, at = n > 0 ? data[n / 2] % n : 0;
	enum h1_verdict first, v;

	limits.odd_names = n % 2;
	v = parse(in, &limits, &scan, &h, &consumed);
	first = parse(str_make(in.p, at), &limits, &split_scan, &split, &split_consumed);
	if (first == H1_INCOMPLETE)
		first = parse(in, &limits, &split_scan, &split, &split_consumed);
	CHECK(first == v || (v == H1_REFUSED && first == H1_INCOMPLETE));
	if (v != H1_DONE)
		return 0;
	CHECK(consumed <= n && split_consumed == consumed);
	check_same(&h, &split);
	check_round_trip(&h);
	return 0;
}
