/* vars_int: what the files of this room share: where a value goes, and who knows which. */
#ifndef SILEX_WORKER_VARS_VARS_INT_H
#define SILEX_WORKER_VARS_VARS_INT_H

#include "worker/request/request.h"
#include "worker/vars/vars.h"

struct vars_out {
	const struct request *r;
	const struct moment *now;
	struct vars_style style;
	struct str rest;                   /* of the name, behind the prefix of a family */
	unsigned depth;                    /* of maps, one in the other (vars_map.c) */
	unsigned *looks;                   /* at maps, of the whole template */
	const struct regex_groups *groups; /* of the map that is evaluated, or NULL */
	bool lenient; /* a log's: without what cannot be told rather than lost */
	struct text *t;
};

/* A part of a value, from a peer or not; escaped. */
void vars_put(struct vars_out *o, struct str s);
/* The whole value, or none: STR_NONE (.p NULL) is none, and an empty one is a value. */
bool vars_give(struct vars_out *o, struct str s);

/* Append the value; false when there is none (nothing is appended then). */
typedef bool vars_fn(struct vars_out *o);
#define VAR(id, name)          vars_fn var_##name;
#define VAR_PREFIX(id, prefix) vars_fn var_##prefix;
#include "common/vars/var_tbl.h"
vars_fn var_own, var_capture; /* of snippets: snippet/fields.c */
vars_fn var_named;            /* vars_map.c */

/* Every part of the program. */
void vars_walk(struct str program, struct vars_out *o);

#endif
