/*
 * procstat: what the kernel says of our processes, for /metrics: processor time, memory.
 *
 * Workers cannot look (they have no /proc), so the master does, every PROCSTAT_MS, and puts the
 * sums on the board. Processor time of a process that ended stays in the sum.
 */
#ifndef SILEX_MASTER_WORKERS_PROCSTAT_H
#define SILEX_MASTER_WORKERS_PROCSTAT_H

#include <stdint.h>

#include "common/process/board.h"

#define PROCSTAT_MS 2000

/* Once, at the start: pod and namespace from POD_NAME and POD_NAMESPACE, else the host's name. */
void procstat_identity(struct board *b);
/* Often; does its work when it is due. */
void procstat_tick(struct board *b, uint64_t now_ms);
/* silex.conf or the table changed now. */
void procstat_changed(struct board *b);

#endif
