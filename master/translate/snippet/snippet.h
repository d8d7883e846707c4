/*
 * snippet: nginx configuration of annotations, compiled into a program of typed operations
 * (policy_snippet.h).
 *
 * There is no nginx here. A snippet is read by nginx' lexical rules (lex.h), each directive by its
 * row of directive_tbl.h, and nothing of it is ever written to a file or run: what a program can
 * do is what policy_snippet.h has operations for. A directive that is not known, or would need
 * what is not there, refuses the whole snippet, because what it does could be the protection of
 * a path: whose snippet is refused answers 503. Tuning of nginx' own buffers and timers, which
 * can be left out without any difference but in speed, is taken and told.
 *
 * Only where allow-snippet-annotations is true, and annotations-risk-level Critical (the gates of
 * ingress-nginx; facts: annotations §0, §15).
 */
#ifndef SILEX_MASTER_TRANSLATE_SNIPPET_SNIPPET_H
#define SILEX_MASTER_TRANSLATE_SNIPPET_SNIPPET_H

#include "common/text.h"
#include "k8s/settings/annot.h"

#define SNIPPET_NAMES_MAX 32
#define SNIPPET_NAME_MAX  64

/* Variables that a snippet sets, for those that are read after it. */
struct snippet_names {
	unsigned n;
	char name[SNIPPET_NAMES_MAX][SNIPPET_NAME_MAX + 1];
};

enum snippet_kind {
	SNIPPET_OF_PATH, /* configuration-snippet */
	SNIPPET_OF_HOST, /* server-snippet */
};

enum snippet_told {
	SNIPPET_NOTE,            /* taken, without effect */
	SNIPPET_LOCATION_CLOSED, /* one location is refused and answers 503 */
	SNIPPET_REFUSED,         /* all of it */
};

struct snippet_user { /* who is told, and what an annotation of the same meaning is given */
	void (*tell)(void *arg, enum snippet_told how, const char *text);
	/* NULL: taken; or why not. May be NULL: such directives have no effect. */
	const char *(*give)(void *arg, enum annot_id id, struct str value);
	void *arg;
};

/*
 * Compile text into *out, which the caller frees; names are known variables, and those that are set
 * come to them. False: it is refused, which was told.
 */
bool snippet_compile(enum snippet_kind kind, struct str text, struct snippet_names *names,
		     const struct snippet_user *user, struct text *out);

/* One row of directive_tbl.h, for documents. */
struct snippet_row {
	const char *name;
	const char *text; /* what becomes of it */
	char how;         /* 'd'one, 'a'nnotation, 'i'dle, 'o'ff only, 'n'ot */
};
const struct snippet_row *snippet_rows(size_t *n);

#endif
