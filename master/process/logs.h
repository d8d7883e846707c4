/*
 * logs: the sinks of access and error log. The master opens them, workers are handed
 * descriptors: at birth, and over the channel when they are opened anew.
 */
#ifndef SILEX_MASTER_PROCESS_LOGS_H
#define SILEX_MASTER_PROCESS_LOGS_H

#include "common/conf/conf.h"

struct logs {
	int access; /* non-blocking; /dev/null when off */
};

#define LOGS_NONE ((struct logs){.access = -1})

/* Open what conf names (syslog, when it is enabled), the error log included. 0, or -1 with the old
 * ones kept and a sentence logged. Also how SIGUSR1 and a changed configuration open them anew. */
int logs_open(struct logs *l, const struct conf *conf);
void logs_close(struct logs *l);

/* Do two settings name different sinks? Carry the names over, when the new ones cannot be opened.
 */
bool logs_differ(const struct conf *a, const struct conf *b);
void logs_keep(struct conf *to, const struct conf *from);

#endif
