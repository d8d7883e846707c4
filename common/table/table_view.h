/* table_view: what a mapped table is, for the files of the reader only (table_read, table_show). */
#ifndef SILEX_COMMON_TABLE_TABLE_VIEW_H
#define SILEX_COMMON_TABLE_TABLE_VIEW_H

#include "common/check.h"
#include "common/policy/policy.h"
#include "common/table/shm_layout.h"
#include "common/table/table_find.h"

struct table {
	const void *base;
	size_t bytes;                  /* mapped: the most the table can grow to */
	const struct table_root *root; /* of the version in use, NULL before the first */
	uint64_t version;
	uint64_t seed;
	struct table_pins *pins;
	table_regex_fn *regex;
	void *regex_arg;
	struct policy builtin; /* before the first version */
};

/* table_cert.c: does the certificate of a wildcard name stand in for this host? */
bool table_cert_below_wildcard(const struct table *t, struct str host);

static inline const void *table_at(const struct table *t, shm_ref ref)
{
	CHECK(ref >= TABLE_HEAD / TABLE_UNIT && (uint64_t)ref * TABLE_UNIT < t->bytes);
	return shm_at(t->base, ref);
}

#endif
