/*
 * stream_port: the sockets of TCP and UDP services that this worker was handed (MSG_PORT).
 *
 * Each lies at WORKER_FD_PORT + its place, where a new master finds it should ours die, and is the
 * listeners' (TCP) or has its datagrams read (udp.h).
 */
#ifndef SILEX_WORKER_STREAM_STREAM_PORT_H
#define SILEX_WORKER_STREAM_STREAM_PORT_H

#include "common/process/msg.h"
#include "worker/worker.h"

/* Once at start. 0, or -1 with errno. */
int stream_ports_init(struct worker *w);
/* A message about one of them; fd (or -1) is taken. Nothing is opened by a worker that drains. */
void stream_ports_told(struct worker *w, const struct msg_port *m, int fd);

/* w->draining was set: UDP sockets are a successor's to read. (The listeners close TCP's.) */
void stream_ports_drain(struct worker *w);

#endif
