/* buckets: see buckets.h. */
#include "common/stat/buckets.h"

#include <stdlib.h>
#include <string.h>

#include "common/conf/conf.h"

static bool parse_one(struct buckets *b, struct str s, uint64_t scale)
{
	char *text = b->text[b->n], *end;
	double v;

	if (b->n == BUCKETS_MAX || s.n >= BUCKET_TEXT_MAX || s.p[0] < '.' || s.p[0] > '9')
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (strspn(text, "0123456789.e+-") != s.n)
		return false;
	v = strtod(text, &end) * (double)scale;
	if (*end != '\0' || !(v > 0) || v >= 9e15)
		return false;
	b->bound[b->n] = (uint64_t)(v + 0.5);
	if (b->n > 0 && b->bound[b->n] <= b->bound[b->n - 1])
		return false;
	b->n++;
	return true;
}

bool buckets_parse(struct buckets *b, struct str list, uint64_t scale)
{
	struct str rest = list, one;

	memset(b, 0, sizeof(*b));
	while (conf_csv_next(&rest, &one))
		if (!parse_one(b, one, scale))
			return false;
	return b->n > 0;
}
