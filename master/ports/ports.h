/*
 * ports: the sockets of TCP and UDP services, opened and closed while everything runs.
 *
 * The master binds them and hands them to the workers over their channels (MSG_PORT): to those that
 * live when a port is opened, and to each that is born later. All workers accept from the one
 * socket of a TCP port; of a UDP port every seat has a socket of its own (SO_REUSEPORT), because
 * the kernel then leads all datagrams of a client to the same worker.
 * A port that cannot be listened on is told about, and tried again until it can.
 */
#ifndef SILEX_MASTER_PORTS_PORTS_H
#define SILEX_MASTER_PORTS_PORTS_H

#include "common/conf/conf.h"
#include "common/loop/ev.h"
#include "master/process/listen.h"
#include "master/table/model.h"

struct ports;
struct proc;
struct workers;

struct ports_ops {
	void (*failed)(void *arg, const struct model_port *p, const char *why); /* once */
	void (*changed)(void *arg); /* others are open now */
};

/* Everything is borrowed. NULL: ENOMEM. */
struct ports *ports_new(struct ev *ev, const struct conf *conf, struct listen_set *listeners,
			const struct ports_ops *ops, void *arg);
void ports_start(struct ports *ps, struct workers *workers);
void ports_free(struct ports *ps); /* closes all; NULL is ignored */

/* These are wanted, and no others: opens and closes what makes the difference. From the first call
 * on no spares of a predecessor are kept. */
void ports_want(struct ports *ps, const struct model_port *v, uint32_t n);
/* A worker is born: it is told of all. */
void ports_worker(struct ports *ps, struct proc *p);
/* Once a tick: what could not be opened, and workers that lost a message. */
void ports_tick(struct ports *ps);
/* The instance stops: nobody can connect once the workers have closed theirs. */
void ports_close(struct ports *ps);
/* All descriptors, at most `most`; returns how many. They stay ours. */
unsigned ports_sockets(const struct ports *ps, int *fds, unsigned most);

#endif
