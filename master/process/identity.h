/*
 * identity: whom a worker runs as when the master is root.
 *
 * By default every slot has a uid of its own, from a range no distribution gives away (60706 to
 * 61183, see UIDS-GIDS of systemd), so that not even a worker's signals reach another one.
 */
#ifndef SILEX_MASTER_PROCESS_IDENTITY_H
#define SILEX_MASTER_PROCESS_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/conf/conf.h"

#define IDENTITY_FIRST_UID 60706

struct identity {
	uid_t uid;
	gid_t gid;
};

/* 0, or -1 with errno ENOENT: the user of the configuration does not exist (or is root). */
int identity_of(const struct conf *conf, unsigned index, struct identity *out);

#endif
