/*
 * spares: sockets of TCP and UDP services that somebody who ran before us had open: handed over,
 * stored by systemd, or found in the workers of a master that died. Whoever is to listen on a port
 * looks here before it binds, so that nothing queued in them is lost.
 */
#ifndef SILEX_MASTER_PORTS_SPARES_H
#define SILEX_MASTER_PORTS_SPARES_H

#include "common/net/addr.h"
#include "common/table/cluster_kind.h"

#define SPARES_MAX 1024

struct spares {
	unsigned n;
	int fd[SPARES_MAX];
};

/* Takes fd: one that is no listening TCP socket and no UDP socket, or is there already under
 * another number, is closed. */
void spares_add(struct spares *s, int fd);
/* One that is bound to this address, the caller's from now on; -1 when there is none. */
int spares_take(struct spares *s, enum transport transport, const struct addr *local);
/* Close what nobody took. */
void spares_close(struct spares *s);

#endif
