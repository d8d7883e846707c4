/*
 * explain: `silex explain [NAME...]`: what an annotation, a key of ingress-nginx' ConfigMap or a
 * key of silex.conf means here. Needs no running instance.
 *
 * Without a name the whole of it as Markdown: SETTINGS.md is that, and `make check` compares.
 * Everything comes from the three tables (annot_tbl.h, config_tbl.h, conf_tbl.h).
 */
#ifndef SILEX_MASTER_EXPLAIN_H
#define SILEX_MASTER_EXPLAIN_H

#include "common/conf/conf_args.h"

/* Returns the exit code: 0; 1 when a name means nothing (the nearest one is told). */
int explain_main(const struct conf_args *args);

#endif
