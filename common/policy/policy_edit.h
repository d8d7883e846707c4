/*
 * policy_edit: what a policy changes in the fields of an endpoint's answer, POLICY_OPT_EDITS: a
 * list of these, of proxy-redirect-*, proxy-cookie-domain and proxy-cookie-path:
 *
 *   | struct policy_edit | from | to | struct policy_edit | from | to | ...
 *
 * from is a program of variables (common/vars/vars.h), or a regex; to is a sequence of parts: a
 * program, and behind it what a group of that regex took. Unaligned: to be read by the functions
 * below only.
 */
#ifndef SILEX_COMMON_POLICY_POLICY_EDIT_H
#define SILEX_COMMON_POLICY_POLICY_EDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/text.h"
#include "common/vars/vars.h"

enum policy_edit_what {
	EDIT_REDIRECT,      /* Location, and the URL of Refresh */
	EDIT_COOKIE_DOMAIN, /* attributes of Set-Cookie */
	EDIT_COOKIE_PATH,
};

enum policy_edit_how {
	EDIT_PREFIX,         /* the value begins with `from`, which is replaced */
	EDIT_WHOLE,          /* the value but for a dot before it is `from`, in any case */
	EDIT_REGEX,          /* `from` is found; the whole value is replaced */
	EDIT_REGEX_ANY_CASE, /* ... in any case */
};

struct policy_edit {
	uint8_t what, how; /* the enums above */
	uint16_t from_n;
	uint32_t to_n;
};
_Static_assert(sizeof(struct policy_edit) == 8, "policy is part of the shared layout");

struct policy_edit_view { /* borrowed from the list */
	enum policy_edit_what what;
	enum policy_edit_how how;
	struct str from, to;
};

struct policy_edit_part { /* of `to` */
	struct str program;
	int group; /* 0 to 9; -1: none */
};

/* The next of a list, and the rest of it; false at the end, or where it is cut. */
bool policy_edit_next(struct str *list, struct policy_edit_view *out);
/* The next part of `to`, likewise. */
bool policy_edit_next_part(struct str *to, struct policy_edit_part *out);

#define POLICY_EDITS_MAX   (16 * 1024) /* bytes of one list */
#define POLICY_EDIT_GROUPS 10

/*
 * Append one to list: `from` and `to` as nginx has them: "~" before a regex, "~*" before one for
 * any case, $1 to $9 in `to` then; variables in both otherwise, a dot before a cookie's domain
 * means nothing. VARS_OK; VARS_UNKNOWN (works but for a variable), VARS_BAD (nothing appended) with
 * a sentence in why. Whether the regex is one is for the caller to find out: policy_edit_next().
 */
enum vars_result policy_edit_put(struct text *list, enum policy_edit_what what, struct str from,
				 struct str to, char why[VARS_WHY_MAX]);

#endif
