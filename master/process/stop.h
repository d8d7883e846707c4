/*
 * stop: the orderly end of the whole instance.
 *
 * TERM, INT: not ready any more, serve on for shutdown-grace-period while balancers notice; then
 * (QUIT: at once) close the listening sockets and drain the workers for at most
 * worker-shutdown-timeout; then stay for post-shutdown-grace-period. Asked again, it skips what is
 * left of the grace; asked while draining, it cuts what is open.
 */
#ifndef SILEX_MASTER_PROCESS_STOP_H
#define SILEX_MASTER_PROCESS_STOP_H

#include <stdbool.h>

struct master;

void stop_init(struct master *m);
void stop_asked(struct master *m, bool grace);
/* A worker ended: was it the last? */
void stop_check(struct master *m);

#endif
