/*
 * vars: the values of nginx' variables for one request. Contract for whoever has a template:
 *
 *  - Compile it when it is configured or published (common/vars/vars.h), never at request time;
 *    a program may lie in a policy option or in the worker's own memory.
 *  - vars_eval() gives one value in the request's arena: keys, header values, URLs. It may be
 *    called from any step; what is not decided yet then has no value ($status before the answer).
 *  - vars_write() appends to a bounded text: logs.
 *
 * No allocation but the arena, no system call but the clock's once a turn. What a client wrote
 * is bounded and escaped here; nobody else has to.
 */
#ifndef SILEX_WORKER_VARS_VARS_H
#define SILEX_WORKER_VARS_VARS_H

#include <stdbool.h>

#include "common/text.h"
#include "common/vars/vars.h"
#include "worker/vars/moment.h"

struct request;
struct field;

/* What becomes of a value; the template's own text stays as it is. */
enum vars_escape {
	VARS_HEX,   /* nginx' default in logs: \xNN; "-" for a variable without value */
	VARS_JSON,  /* the inside of a JSON string; nothing without value */
	VARS_PLAIN, /* as it is, but for control characters, which become blanks */
};

#define VARS_VALUE_MAX 4000 /* longest result of vars_eval() */

/* How a program is written: at most `most` bytes of each value a peer chose. */
struct vars_style {
	enum vars_escape escape;
	size_t most;
};

/* Append the program's text to t (t->full: it did not fit). */
void vars_write(struct str program, const struct request *r, const struct moment *now,
		struct vars_style style, struct text *t);

/*
 * The program's value, VARS_PLAIN, in *out: in the arena, or borrowed from the request or the
 * program. A variable without value is empty. False when memory is out or the value is longer
 * than VARS_VALUE_MAX: the caller fails closed.
 */
bool vars_eval(struct str program, struct request *r, struct str *out);

/* The same of a value of up to n bytes, for which buf is there. */
bool vars_eval_in(struct str program, struct request *r, char *buf, size_t n, struct str *out);

/* Does the program read this field of the request's head, or (answer) of the answer's? */
bool vars_read_field(struct str program, const struct field *f, bool answer);

#endif
