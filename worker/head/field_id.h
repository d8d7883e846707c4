/*
 * field_id: the ids of field_tbl.h, and the way from a field name to its id.
 *
 * A name is looked up once, by the parser; every later step compares ids, never strings.
 */
#ifndef SILEX_WORKER_HEAD_FIELD_ID_H
#define SILEX_WORKER_HEAD_FIELD_ID_H

#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

enum field_id {
	FIELD_OTHER, /* not in the table */
#define FIELD(id, name, flags) FIELD_##id,
#include "worker/head/field_tbl.h"
#undef FIELD
	FIELD_COUNT
};
_Static_assert(FIELD_COUNT <= 256, "field ids live in one byte of struct field");

enum field_flag {
	FIELD_FRAMING = 1,    /* F: taken out of the fields by the HTTP/1 parser */
	FIELD_PROTECTED = 2,  /* P: Connection cannot remove it */
	FIELD_NO_TRAILER = 4, /* T: dropped from a trailer section */
};

struct field_info {
	struct str name; /* in its usual spelling */
	uint8_t flags;   /* enum field_flag */
};
extern const struct field_info field_infos[FIELD_COUNT];

/* The id of a token in any case, or FIELD_OTHER. A few nanoseconds. The name must be a token
 * (RFC 9110 §5.6.2): other bytes may be taken for the table's. */
enum field_id field_lookup(const char *name, size_t n);

#endif
