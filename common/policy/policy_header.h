/*
 * policy_header: what a policy says about header fields: POLICY_OPT_REQUEST_HEADERS and
 * POLICY_OPT_RESPONSE_HEADERS are lists of these, in the order in which they are done:
 *
 *   | struct policy_header | name | value | struct policy_header | name | value | ...
 *
 * The value is a program of variables (common/vars/vars.h). Unaligned: to be read by
 * policy_header_next() only. What a name or a value may be is decided here, once, for the master.
 */
#ifndef SILEX_COMMON_POLICY_POLICY_HEADER_H
#define SILEX_COMMON_POLICY_POLICY_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/text.h"
#include "common/vars/vars.h"

enum policy_header_op {
	HEADER_SET,  /* in the place of all of that name; an empty value only takes them away */
	HEADER_HIDE, /* take an origin's away; no value */
	/* of snippets only (policy_snippet.h) */
	HEADER_ADD,        /* beside others of the name, where the status is one of success */
	HEADER_ADD_ALWAYS, /* ... whatever the status */
	HEADER_SET_GOOD,   /* as HEADER_SET, where the status is one of success */
	HEADER_CLEAR,      /* take them away, whoever's; "X-*" is all that begin so; no value */
	HEADER_REPLACE,    /* as HEADER_SET, where there is one */
	HEADER_HOST,       /* the request's Host */
};

struct policy_header {
	uint16_t op; /* enum policy_header_op */
	uint16_t name_n;
	uint32_t value_n;
};

struct policy_header_view { /* borrowed from the list */
	enum policy_header_op op;
	struct str name, value;
};

/* The next of a list, and the rest of it; false at the end, or where it is cut. */
bool policy_header_next(struct str *list, struct policy_header_view *out);
/* Of a whole list. */
uint32_t policy_header_count(struct str list);

#define POLICY_HEADERS_MAX 64          /* entries of one list */
#define POLICY_LIST_MAX    (16 * 1024) /* bytes of one list */

/*
 * Append one to list. VARS_OK; VARS_UNKNOWN (works but for a variable), VARS_BAD (nothing
 * appended) with a sentence in why: no token (RFC 9110 §5.6.2), a field that belongs to the
 * connection or frames the message, a control character, a template that cannot be read, too
 * many. literal: "$" means nothing in value.
 */
enum vars_result policy_header_put(struct text *list, enum policy_header_op op, struct str name,
				   struct str value, bool literal, char why[VARS_WHY_MAX]);

/* The same of a value that is compiled already, and of any name that is a token. */
enum vars_result policy_header_put_program(struct text *list, enum policy_header_op op,
					   struct str name, struct str program,
					   char why[VARS_WHY_MAX]);

/* Does the field belong to one connection, or say where a message ends, or is it Host? */
bool policy_header_frames(struct str name);
/* May it stand in a field's value? */
bool policy_header_clean(struct str value);

#endif
