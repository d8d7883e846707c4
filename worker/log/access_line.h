/*
 * access_line: what one line of the access log says. Pure formatting: no descriptor, no clock.
 */
#ifndef SILEX_WORKER_LOG_ACCESS_LINE_H
#define SILEX_WORKER_LOG_ACCESS_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/text.h"
#include "worker/vars/moment.h"

struct field;
struct request;

/* One line with its newline, never more than ACCESS_LINE_MAX bytes, whatever r holds. */
void access_line_upstreaminfo(struct text *t, const struct request *r, const struct moment *now);
void access_line_json(struct text *t, const struct request *r, const struct moment *now);

/* Does either say anything of this field of the request's head? */
bool access_line_reads(const struct field *f);

#endif
