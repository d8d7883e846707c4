/*
 * boot: from the descriptors a worker is born with (worker_fd.h) to a struct worker.
 *
 * Everything that needs an open file, a new descriptor number or a signal handler happens here,
 * before the sandbox is entered.
 */
#ifndef SILEX_WORKER_LOOP_BOOT_H
#define SILEX_WORKER_LOOP_BOOT_H

#include <sys/types.h>

#include "common/conf/conf.h"
#include "common/process/worker_fd.h"
#include "worker/worker.h"

struct boot_args { /* silex-worker INSTANCE INDEX UID GID ROLE... */
	unsigned index;
	uid_t uid;
	gid_t gid;
	unsigned n_roles;
	enum listener_role roles[BOARD_LISTENS];
};

/* False when they are not what the master gives. */
bool boot_args_parse(struct boot_args *a, int argc, char **argv);

/* Fills conf, slot, peers, board, limits and table, and closes what is mapped. 0, or -1 with what
 * failed logged. */
int boot_maps(struct worker *w, struct conf *conf, const struct boot_args *a);

#endif
