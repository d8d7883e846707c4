/*
 * policy_map: variables that stand for another value: `map` and `geo` of an http-snippet,
 * POLICY_OPT_MAPS of a block that no route has (table_maps()):
 *
 *   | struct map_head | name | source | value by default | entries | struct map_head | ...
 *   entry: | struct map_entry | text | value |
 *
 * source and values are programs of variables (common/vars/vars.h); of a value in an entry with a
 * regular expression VAR_CAPTURE is of that expression. Made by master/translate/snippet/map.c,
 * evaluated where a variable is named by worker/vars/vars_map.c, each time anew. Unaligned: to be
 * read by the functions below only, which trust no length.
 */
#ifndef SILEX_COMMON_POLICY_POLICY_MAP_H
#define SILEX_COMMON_POLICY_POLICY_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define MAPS_BYTES_MAX 49152 /* all of them: a search walks through one map's */
#define MAP_DEPTH_MAX  5     /* maps whose source or value is a map's, one in the other */
#define MAP_LOOKS_MAX  256   /* at maps, for one template */

enum map_kind {   /* of an entry */
	MAP_TEXT, /* the whole value, in any case */
	MAP_REGEX,
	MAP_REGEX_ANY_CASE,
	MAP_ENDS,   /* of a map of host names: "*.example.com" as ".example.com" */
	MAP_BELOW,  /* ".example.com": the same, and "example.com" itself */
	MAP_BEGINS, /* "www.*" as "www." */
	MAP_NET, /* of geo: struct policy_net; the longest prefix counts, of equal ones the last */
	MAP_KINDS
};

struct map_head {
	uint16_t name_n, source_n, default_n;
	uint8_t geo;       /* 1: the source is an address */
	uint8_t hostnames; /* 1: ... a host's name: without a dot at its end */
	uint32_t entries_n;
};

struct map_entry {
	uint16_t kind; /* enum map_kind */
	uint16_t text_n, value_n;
	uint16_t zero;
};

struct map_view { /* borrowed */
	bool geo, hostnames;
	struct str name, source, value, entries;
};

struct map_entry_view {
	enum map_kind kind;
	struct str text, value;
};

/* The next one and the rest; false at the end, or where it is cut. */
bool map_next(struct str *maps, struct map_view *out);
bool map_next_entry(struct str *entries, struct map_entry_view *out);
/* The last one of that name, in lower case, as nginx has it; false: there is none. */
bool map_find(struct str maps, struct str name, struct map_view *out);

#endif
