/*
 * reload: SIGHUP and SIGUSR1.
 *
 * HUP reads the configuration anew, whole and checked, before anything of it is used: a bad file
 * changes nothing and is told with file, line and key. Keys that are fixed at start keep their
 * value and are named. Then the workers are replaced; HUP again meanwhile is done afterwards.
 * USR1 opens the logs anew.
 */
#ifndef SILEX_MASTER_PROCESS_RELOAD_H
#define SILEX_MASTER_PROCESS_RELOAD_H

#include <stdbool.h>

struct conf;
struct master;

void reload_conf(struct master *m);
/* workers_ops.replaced. */
void reload_done(struct master *m, bool done);
/* sources_ops.configured: the ConfigMap says something else. What workers take over as they are is
 * handed to them; for the rest they are replaced as for HUP. Returns NULL, or what of it could not
 * be done. */
const char *reload_configured(struct master *m, const struct conf *effective);
void reload_logs(struct master *m);

#endif
