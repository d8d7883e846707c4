/*
 * vars: templates with nginx' variables, compiled.
 *
 *     "id=$http_x_id;${host}"  ->  | LITERAL "id=" | HTTP "x_id" | LITERAL ";" | HOST |
 *
 * A template is read once, when it is configured or published; a request only walks the program
 * (worker/vars/vars.h). A program is plain bytes: struct vars_op and its text, one behind the
 * other, without padding or pointers, so that it can lie in a policy or in a sealed descriptor.
 * A name is [A-Za-z0-9_]+ behind "$", or in braces; any case. A variable nobody knows makes nginx
 * refuse its whole configuration; here the template works, the variable has no value ("-" in a
 * log, empty elsewhere) unless a map of that name comes, and the caller tells the user of it.
 */
#ifndef SILEX_COMMON_VARS_VARS_H
#define SILEX_COMMON_VARS_VARS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/text.h"

enum var_id {
	VAR_LITERAL, /* the op's text as it stands */
	VAR_NOTHING, /* never has a value */
#define VAR(id, name)          VAR_##id,
#define VAR_PREFIX(id, prefix) VAR_##id, /* the op's text: the rest of the name, lower case */
#include "common/vars/var_tbl.h"
	VAR_OWN,     /* of snippets only: the op's text names a variable that the snippet sets */
	VAR_CAPTURE, /* ... "1" to "9": what a group of its last regex that matched took */
	VAR_NAMED,   /* the op's text names a variable that a map may define (policy_map.h) */
	VAR_COUNT
};

struct vars_op {
	uint16_t id; /* enum var_id */
	uint16_t n;  /* bytes of text behind it */
};

#define VARS_WHY_MAX     256
#define VARS_PROGRAM_MAX 8192
#define VARS_NAME_MAX    64 /* of a variable */

enum vars_result {
	VARS_OK,
	VARS_UNKNOWN, /* works, but for the variables that why names */
	VARS_BAD,     /* no template, or too long: why */
};

/* What may be named: of requests (var_tbl.h), of sessions of TCP and UDP services
 * (stream_var_tbl.h). */
struct vars_known {
	struct str name;
	uint16_t id; /* enum var_id, or enum stream_var */
	bool prefix;
	const char *absent; /* why it never has a value; else NULL */
};
struct vars_set {
	const struct vars_known *known;
	size_t n;
};
extern const struct vars_set vars_of_requests;

/* Append the program of the template to out, which the caller has made (text_growing or
 * text_fixed); on VARS_BAD it may hold a part. why: a sentence for the user; may be NULL. */
enum vars_result vars_compile(struct str template, struct text *out, char why[VARS_WHY_MAX]);
/* The same, with the variables of set. */
enum vars_result vars_compile_of(const struct vars_set *set, struct str template, struct text *out,
				 char why[VARS_WHY_MAX]);

/* The next op of a program and its text (borrowed); false at the end, or when it is cut. */
bool vars_next(struct str *program, struct vars_op *op, struct str *text);

/* A program without variables: its text in *out. */
bool vars_is_literal(struct str program, struct str *out);

/* The variable's name in lower case without "$", for documents; NULL beyond VAR_COUNT. */
const char *vars_name(enum var_id id);

/* Names that maps define: a template that names one is VARS_OK. In lower case; borrowed until the
 * next call. Of one process: whoever compiles for others (the master) says which there are. */
void vars_define(const struct str *names, size_t n);
/* A name in lower case that has a meaning without maps? */
bool vars_builtin(struct str name);

/* A name in lower case that is known and never has a value (VAR_ABSENT)? */
bool vars_absent(struct str name);

#endif
