/*
 * handover: what a master leaves to the program that takes its place in the same process.
 *
 * Descriptors keep their numbers over execve(), children stay children; one variable of the
 * environment, SILEX_HANDOVER, says which is what. It is text, so that versions whose shared
 * structures differ understand each other; words not understood are passed over. The variable is
 * removed when it is read: no child sees it.
 */
#ifndef SILEX_MASTER_PROCESS_HANDOVER_H
#define SILEX_MASTER_PROCESS_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/process/board.h"
#include "common/process/worker_fd.h"

#define HANDED_PORTS    1024 /* most of them; the others are bound anew */
#define HANDED_SIBLINGS 16

struct handover {
	bool present;
	bool back;     /* a newer program could not do it: this is the older one again */
	int exe_fd;    /* executables of the giver, to go back to; -1: none */
	int worker_fd; /* silex-worker */
	unsigned slots;
	unsigned n_listens, n_workers, n_ports, n_siblings;
	struct handed_listen {
		int fd;
		enum listener_role role;
		bool given; /* by systemd: its port need not be the configuration's */
	} listens[BOARD_LISTENS];
	int ports[HANDED_PORTS]; /* sockets of TCP and UDP services */
	struct handed_worker {
		pid_t pid;
		uint64_t start; /* pidref.h */
	} workers[2 * SLOT_MAX];
	pid_t siblings[HANDED_SIBLINGS]; /* givers' keys and auth processes, which end with the
					  * workers; to be waited for, with the groups they lead */
};

#define HANDOVER_NONE ((struct handover){.exe_fd = -1, .worker_fd = -1})

/* The environment's, removed from it; .present false when there is none. */
void handover_take(struct handover *h);
/* Everything but the descriptors of h is closed by the next execve(), and it will be found there.
 * 0, or -1 with errno. */
int handover_leave(const struct handover *h);
/* The execve() failed. */
void handover_cancel(const struct handover *h);
/* Close what it brought. */
void handover_close(struct handover *h);

#endif
