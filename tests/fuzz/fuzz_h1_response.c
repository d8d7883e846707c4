/*
 * Response heads. The first byte chooses the method of the request. What is accepted has one
 * framing, serialises to canonical bytes, and parses back to the same framing.
 */
#include <string.h>

#include "common/check.h"
#include "worker/wire/h1_parse.h"
#include "worker/wire/h1_write.h"

#define FIELDS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_framing(const struct head *h, enum method asked)
{
	bool none = h->status < 200 || h->status == 204 || h->status == 304 || asked == METHOD_HEAD;

	CHECK(h->status >= 100 && h->status <= 599);
	CHECK(h->version == 10 || h->version == 11);
	CHECK(!none || h->framing == FRAMING_NONE);
	CHECK(h->framing != FRAMING_LENGTH || (h->has_length && h->length > 0));
	CHECK(h->framing != FRAMING_CLOSE || !h->keep_alive);
	CHECK(h->framing != FRAMING_CHUNKED || (h->version == 11 && !h->has_length));
}

static void check_round_trip(const struct head *h, enum method asked)
{
	static const struct h1_limits wide = {
	    .start_line_max = 16384, .line_max = 16384, .head_max = 65536, .fields_max = 512};
	static char once[131072];
	static struct field fields[FIELDS];
	struct head again = {.fields = fields, .cap_fields = FIELDS};
	struct h1_scan scan = {0};
	struct h1_refusal refusal;
	ptrdiff_t n = h1_write_response(once, sizeof(once), h, H1_CONNECTION_NONE, STR_NONE);
	size_t consumed;

	CHECK(n > 0);
	CHECK(h1_parse_response(str_make(once, (size_t)n), &wide, &scan, asked, &again, &consumed,
				&refusal) == H1_DONE);
	CHECK(consumed == (size_t)n && again.status == h->status);
	CHECK(again.framing == h->framing && again.has_length == h->has_length);
	CHECK(!h->has_length || again.length == h->length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct field fields[FIELDS];
	struct h1_limits limits = H1_LIMITS_DEFAULT;
	struct head h = {.fields = fields, .cap_fields = FIELDS};
	struct h1_scan scan = {0};
	struct h1_refusal refusal = {0};
	enum method asked;
	size_t consumed = 0;

	if (n == 0)
		return 0;
	asked = data[0] % 2 == 0 ? METHOD_GET : METHOD_HEAD;
	switch (h1_parse_response(str_make((const char *)data + 1, n - 1), &limits, &scan, asked,
				  &h, &consumed, &refusal)) {
	case H1_DONE:
		CHECK(consumed <= n - 1);
		check_framing(&h, asked);
		check_round_trip(&h, asked);
		break;
	case H1_REFUSED:
		CHECK(refusal.status == 502 && refusal.why != NULL);
		break;
	case H1_INCOMPLETE:
		CHECK(n - 1 <= limits.head_max);
		break;
	}
	return 0;
}
