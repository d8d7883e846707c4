/*
 * engine: everything between the listener and the table that has to exist before the first
 * connection: slabs, pool of upstream connections, balancing state, clock text.
 */
#ifndef SILEX_WORKER_ENGINE_H
#define SILEX_WORKER_ENGINE_H

struct worker;

/* Needs ev, timers, conf, slot and table; makes chunks, arenas, requests, clients, upstreams,
 * driver, client list, pool and picker. 0, or -1 with errno. Never undone: the process ends. */
int engine_init(struct worker *w);
/* The bottom of the loop adopted a newer table: connections to endpoints that left will close. */
void engine_table_changed(struct worker *w);

#endif
