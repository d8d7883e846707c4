/*
 * compress_rules: which answers may be compressed: the ConfigMap's use-gzip, enable-brotli and
 * what belongs to them, read once when the worker starts (facts: configmap §A).
 *
 * As nginx' gzip module decides it: the statuses 200, 403 and 404, content types of a list with
 * text/html always among them, content of at least a length where the length is known, never for
 * a client before HTTP/1.1, and never what has a coding already. Different on purpose:
 * Cache-Control: no-transform is honoured (RFC 9110 §7.7: a proxy must).
 */
#ifndef SILEX_WORKER_COMPRESS_COMPRESS_RULES_H
#define SILEX_WORKER_COMPRESS_COMPRESS_RULES_H

#include <stdbool.h>

#include "common/conf/conf.h"
#include "worker/compress/coding.h"
#include "worker/head/head.h"

struct compress_rules;

/* NULL when neither coding is on, and when memory is out: then *failed is set. conf is borrowed. */
struct compress_rules *compress_rules_new(const struct conf *conf, bool *failed);
void compress_rules_free(struct compress_rules *c); /* NULL is ignored */

/* The codings (bits 1 << enum coding) an answer of this head to `method` may have, whatever the
 * client says; 0: none. */
unsigned compress_offered(const struct compress_rules *c, enum method method,
			  const struct head *answer);

#endif
