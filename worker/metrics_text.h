/*
 * metrics_text: what all workers and the master count, as Prometheus text (exposition 0.0.4).
 *
 * Any worker can answer for all: it sums the slots, which everybody may read, and adds the
 * master's board and the table's figures. Counters live on in the slot of a dead worker, so the
 * sums never fall. Names and HELP lines come from stat_tbl.h, board_stat_tbl.h and reason_tbl.h.
 */
#ifndef SILEX_WORKER_METRICS_TEXT_H
#define SILEX_WORKER_METRICS_TEXT_H

#include <stdint.h>

#include "common/stat.h"
#include "common/text.h"

struct worker;

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MAX          ((size_t)1 << 20)

/* Append everything to t. */
void metrics_write(const struct worker *w, struct text *t);

/* One statistic over all slots: the sum, but for TABLE_VERSION the oldest any live worker uses. */
uint64_t metrics_stat(const struct worker *w, enum stat_id id);

#endif
