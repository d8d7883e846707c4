/*
 * listen: the sockets this instance listens on. The master makes them or is given them (socket
 * activation, or its dead predecessor's workers), holds them for all workers' sake, and never
 * accepts on them.
 *
 * Where they come from, in this order: LISTEN_FDS of systemd; the program that ran here before
 * (handover.h); the workers a dead master left behind (pidfd_getfd), so that nothing queued in them
 * is lost; bind(). A descriptor that is
 * given is known by its name (http, healthz) or else by its port; one that we stored ourselves by
 * its port alone. What is at none of these ports may be a TCP or UDP service's: a spare.
 */
#ifndef SILEX_MASTER_PROCESS_LISTEN_H
#define SILEX_MASTER_PROCESS_LISTEN_H

#include <stdbool.h>

#include "common/net/addr.h"
#include "common/process/board.h"
#include "common/conf/conf.h"
#include "common/process/worker_fd.h"
#include "master/ports/spares.h"
#include "master/process/handover.h"

#define LISTEN_ERROR_MAX 256

struct listen_socket {
	int fd; /* -1: closed */
	enum listener_role role;
	bool given; /* by socket activation */
	struct addr addr;
};

struct listen_set {
	bool beside; /* somebody else's workers may still hold the same ports: bind beside them */
	struct spares spares; /* of TCP and UDP services: ports.h takes what it wants */
	unsigned n;
	struct listen_socket at[BOARD_LISTENS];
};

/* Open everything conf asks for. handed: what a program that ran here before left (descriptors
 * stay its owner's). predecessor: the board of a dead one, or NULL. 0, or -1 with a whole sentence
 * in err and nothing left open. */
int listen_open(struct listen_set *set, const struct conf *conf, const struct handover *handed,
		const struct board *predecessor, char err[LISTEN_ERROR_MAX]);
/* Leave them in systemd's descriptor store (FDSTORE=1), where they outlive this process: it gives
 * them back through LISTEN_FDS. Without systemd nothing. */
void listen_store(const struct listen_set *set);
/* The same for the sockets of TCP and UDP services, whenever there are others: all are stored anew,
 * as many as systemd would give back. */
void listen_store_again(const struct listen_set *set, const int *fds, unsigned n);
/* Close traffic only, or the health port too. From then on nobody can connect once the workers
 * have closed theirs. */
void listen_close(struct listen_set *set, bool health_too);

#endif
