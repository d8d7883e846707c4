/*
 * master: the process that supervises, translates and publishes, and never serves.
 *
 * One loop, one struct. It binds the sockets, makes the shared objects, starts the workers,
 * follows the objects of the API and writes the table; signals steer it (see on_signal()).
 * Whatever workers do or fail to do, this loop does not wait for them.
 */
#ifndef SILEX_MASTER_MASTER_H
#define SILEX_MASTER_MASTER_H

#include <stdbool.h>

#include "common/process/board.h"
#include "common/conf/conf.h"
#include "common/conf/conf_args.h"
#include "common/loop/ev.h"
#include "common/loop/sig.h"
#include "common/loop/timer.h"
#include "master/process/listen.h"
#include "master/process/logs.h"
#include "master/workers/proc.h"
#include "master/table/publish.h"
#include "master/sources/sources.h"
#include "master/table/table_write.h"
#include "master/process/upgrade.h"
#include "master/workers/workers.h"

enum master_stage { /* only ever forward */
	MASTER_RUNS,
	MASTER_GRACE,  /* told to stop: not ready any more, still serving */
	MASTER_DRAINS, /* workers finish what is open */
	MASTER_AFTER,  /* no worker is left, post-shutdown-grace-period runs */
	MASTER_GONE,   /* nothing is left to do */
};

struct master {
	const struct conf_args *args;
	struct conf conf; /* in use */
	struct ev *ev;
	struct sig sig;
	struct listen_set listeners;
	struct logs logs;
	struct board *board;
	struct board_fds board_fds;
	struct table_writer *table;
	int limits_fd; /* -1: not made */
	struct publisher *publisher;
	struct sources *sources;
	struct secure *secure; /* NULL: no HTTPS port */
	struct basic *basic;
	struct ports *ports; /* of TCP and UDP services */
	struct proc_env env;
	struct workers *workers;
	char worker_path[4096];
	struct upgrade upgrade;
	enum master_stage stage;
	struct timer tick;        /* watchdog, deadlines */
	struct timer stage_timer; /* end of grace; end of draining */
	struct timer ready_poll;  /* until the first version is in use everywhere */
	struct timer sd_watchdog;
	uint64_t version;       /* newest published */
	bool synced;            /* the source was read whole once */
	uint64_t ready_version; /* first complete table; 0 until there is one */
	bool sources_stopped;   /* nothing is left to be told to the cluster */
	bool stop_patiently;    /* asked once, by TERM or INT: grace periods are kept */
	struct conf successor;  /* HUP: fresh, and what the ConfigMap says over it */
	struct conf fresh;      /* HUP: taken over when the workers have it */
	struct logs old_logs;   /* meanwhile */
	bool reload_again;      /* HUP came meanwhile */
	int exit_code;
};

/* The whole life; conf is checked already; upgrade: as upgrade_init() left it. Returns the exit
 * code. */
int master_run(const struct conf_args *args, const struct conf *conf,
	       const struct upgrade *upgrade);

#endif
