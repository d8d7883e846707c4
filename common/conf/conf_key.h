/*
 * conf_key: conf_tbl.h as an array, for whoever walks, finds or prints keys.
 */
#ifndef SILEX_COMMON_CONF_CONF_KEY_H
#define SILEX_COMMON_CONF_CONF_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf/conf.h"
#include "common/str.h"

enum conf_type {
	CONF_T_SECTION, /* no key: a title between keys */
	CONF_T_BOOL,
	CONF_T_INT,
	CONF_T_AUTO,
	CONF_T_SIZE,
	CONF_T_TIME,
	CONF_T_ENUM,
	CONF_T_STRING,
	CONF_T_NAME,
	CONF_T_NSNAME,
	CONF_T_URLPATH,
	CONF_T_ADDRS,
	CONF_T_CIDRS,
};

enum conf_when {
	CONF_WHEN_START,
	CONF_WHEN_HUP
};
enum conf_show {
	CONF_SHOW_ALL,
	CONF_SHOW_COMMON
};

struct conf_key {
	const char *name; /* of a section: its title */
	const char *def;
	const char *choices; /* ENUM: "first|second" */
	const char *unit;
	const char *help;
	enum conf_type type;
	enum conf_when when;
	enum conf_show show;
	size_t offset; /* of the field in struct conf */
	size_t cap;    /* TEXT: bytes of the field, its NUL included */
	uint64_t lo, hi;
};

extern const struct conf_key conf_keys[];
extern const size_t conf_n_keys;

/* NULL when there is no such key. */
const struct conf_key *conf_key_find(struct str name);
/* The key that was probably meant, or NULL when none is near. */
const struct conf_key *conf_key_nearest(struct str name);
/* Slips between two words, '-' and '_' and the case of letters being alike; UINT_MAX for words
 * too long to compare. */
unsigned conf_word_distance(struct str a, struct str b);

struct conf_ignored {
	const char *name;
	bool is_bool; /* on the command line: takes no following value */
	const char *why;
};
const struct conf_ignored *conf_ignored_find(struct str name);

#define CONF_VALUE_MAX 4100 /* room for every value as text */

#endif
