/*
 * proc: one slot and the worker process that lives in it: started, watched, told, buried.
 *
 * Policy (who is started when, who replaces whom) is the room next door, workers.h; this one
 * only knows how. Nothing here blocks on the process, and nothing it wrote is believed beyond
 * what msg.h, watchdog.h and obituary.h accept.
 */
#ifndef SILEX_MASTER_WORKERS_PROC_H
#define SILEX_MASTER_WORKERS_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/process/board.h"
#include "common/conf/conf.h"
#include "common/loop/ev.h"
#include "common/process/msg.h"
#include "master/process/listen.h"
#include "master/table/table_write.h"
#include "master/workers/watchdog.h"

/* What every worker is given; all borrowed. */
struct proc_env {
	struct ev *ev;
	const char *instance;
	const char *path; /* of silex-worker */
	int exe_fd;       /* that file as it was at our start */
	struct board *board;
	int board_fd; /* read-only */
	struct table_writer *table;
	const struct listen_set *listeners;
	const int *access_log; /* the sink of the moment */
	int limits_fd;         /* limit_rate.h */
	struct secure *secure; /* NULL: no HTTPS port */
	struct basic *basic;
	struct ports *ports; /* of TCP and UDP services; NULL: a test without */
};

enum proc_state {
	PROC_FREE,
	PROC_STARTING,
	PROC_READY,
	PROC_DRAINING,
};

struct proc;
struct proc_ops {
	void (*ready)(struct proc *p); /* READY came: p->state is PROC_READY */
};

struct proc {
	const struct proc_env *env;
	const struct proc_ops *ops;
	void *owner;
	unsigned index; /* of the slot */
	enum proc_state state;
	bool asked;       /* its end was asked for: no obituary */
	bool ports_due;   /* a message about ports was lost: all are told again */
	bool series_full; /* /dev/shm had no room for more of its series */
	pid_t pid;
	unsigned seat; /* of workers.c: which of the sockets that are one a seat are its own */
	unsigned generation;
	uint64_t spawned_ms;
	uint64_t kill_at_ms; /* 0: never */
	struct msg_chan chan;
	struct ev_fd watch;
	struct watchdog dog;
	struct slot *slot; /* NULL until the slot was first needed; kept until proc_free() */
	int slot_rw, slot_ro;
};

void proc_init(struct proc *p, const struct proc_env *env, const struct proc_ops *ops, void *owner,
	       unsigned index);
/* Make the slot, if there is none yet. 0, or -1 with errno. */
int proc_reserve(struct proc *p);
/* Start a worker in a free, reserved slot. peers: all n procs, whose slots it may read. 0, or -1
 * with the reason logged. */
int proc_start(struct proc *p, const struct conf *conf, unsigned generation,
	       const struct proc *peers, unsigned n);
/* Send a message to a living worker. False when it does not read and has lost it; see msg.h. */
bool proc_send(struct proc *p, enum msg_type type, const void *data, size_t len, int fd);
void proc_drain(struct proc *p, uint64_t timeout_ms, bool stop);
/* Once a tick: heartbeat, the version it uses (newest: published), and deadlines. */
void proc_check(struct proc *p, uint64_t newest, uint64_t watchdog_ms);
/* The master itself was stopped for a while: count anew. */
void proc_forgive(struct proc *p);
/* It ended with this waitpid() status: obituary unless asked for, slot and board made free.
 * Returns how long it lived, in ms. */
uint64_t proc_bury(struct proc *p, int status);
/* Nobody may live in it. Slot unlinked. */
void proc_free(struct proc *p);

#endif
