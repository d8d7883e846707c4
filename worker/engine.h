/*
 * engine: everything between the listener and the table that has to exist before the first
 * connection: slabs, pool of upstream connections, balancing state, clock text.
 */
#ifndef SILEX_WORKER_ENGINE_H
#define SILEX_WORKER_ENGINE_H

#include <stdbool.h>

struct worker;
struct pooled;

/* Needs ev, timers, conf, slot and table; makes chunks, arenas, requests, clients, upstreams,
 * driver, client list, pool and picker. 0, or -1 with errno. Never undone: the process ends. */
int engine_init(struct worker *w);
/* Read anew what is made of the live settings once: at start, and whenever they change. What cannot
 * be made stays as it is. 0, or -1 when memory is out. */
int engine_configure(struct worker *w);
/*
 * Use the newest table version. At the bottom of every turn, and before a request is routed: one
 * that came after a publication is never answered from the version before it. Nothing may hold a
 * pointer into the table across it. False: there is none newer.
 */
bool engine_adopt(struct worker *w);
/* May a connection that has become idle be pooled: is its endpoint still one that would be
 * picked? One whose endpoint left while its last request ran must close now; the sweep that
 * follows a change of the table has been already. */
bool engine_keeps(struct worker *w, struct pooled *p);

#endif
