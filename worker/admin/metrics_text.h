/*
 * metrics_text: what all workers and the master count, as the families silex_* of /metrics.
 *
 * Any worker can answer for all: it sums the slots, which everybody may read, and adds the
 * master's board and the table's figures. Counters live on in the slot of a dead worker, so the
 * sums never fall. Names and HELP lines come from stat_tbl.h, board_stat_tbl.h and reason_tbl.h.
 */
#ifndef SILEX_WORKER_ADMIN_METRICS_TEXT_H
#define SILEX_WORKER_ADMIN_METRICS_TEXT_H

#include <stdint.h>

#include "common/stat/stat.h"
#include "worker/metrics/expo.h"

struct worker;

/* Append everything to x: the families silex_*, some tens of kilobytes. */
void metrics_write(const struct worker *w, struct expo *x);

/* One statistic over all slots: the sum, but for TABLE_VERSION the oldest any live worker uses. */
uint64_t metrics_stat(const struct worker *w, enum stat_id id);

#endif
