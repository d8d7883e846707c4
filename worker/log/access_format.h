/*
 * access_format: log-format-upstream and its escapes, compiled when the settings arrive.
 *
 * ingress-nginx' default is not here: access_line writes it by hand, and faster; the two say the
 * same (test_access_log.c).
 */
#ifndef SILEX_WORKER_LOG_ACCESS_FORMAT_H
#define SILEX_WORKER_LOG_ACCESS_FORMAT_H

#include "common/conf/conf.h"
#include "worker/vars/vars.h"

struct field;
struct request;

struct access_format {
	enum conf_access_format builtin; /* while program_n is 0 */
	enum vars_escape escape;
	size_t program_n;
	char program[VARS_PROGRAM_MAX];
};

/* From the settings, which the master has checked; what cannot be compiled is the default. */
void access_format_set(struct access_format *f, const struct conf *conf);
/* One line with its newline in t, which has ACCESS_LINE_MAX bytes. Values are cut rather than a
 * line lost; t->full when it does not fit even so. */
void access_format_write(const struct access_format *f, const struct request *r,
			 const struct moment *now, struct text *t);

/* Does a line say anything of this field of the request's head, or (answer) of the answer's? */
bool access_format_reads(const struct access_format *f, const struct field *field, bool answer);

#endif
