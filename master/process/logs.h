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

/* Open what conf names, the error log included. 0, or -1 with the old ones kept and a sentence
 * logged. Also how SIGUSR1 and a changed configuration open them anew. */
int logs_open(struct logs *l, const struct conf *conf);
void logs_close(struct logs *l);

#endif
