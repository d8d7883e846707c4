/*
 * orphans: the workers of a master that died. They serve on with the last table; a new master of
 * the same instance writes them down on its own board (it may die too), and sends them away when
 * its own workers are READY.
 */
#ifndef SILEX_MASTER_WORKERS_ORPHANS_H
#define SILEX_MASTER_WORKERS_ORPHANS_H

#include "common/process/board.h"

/* From the predecessor's board (its workers and those it inherited itself) to ours: who still
 * lives. Returns how many. Their slots lose their names, so that none is left behind when all is
 * over. predecessor may be NULL. */
unsigned orphans_inherit(struct board *board, const struct board *predecessor,
			 const char *instance);
/* The same from what a program that ran in this process before has left; these are our children. */
struct handover;
void orphans_take(struct board *board, const struct handover *handed, const char *instance);
/* SIGTERM: drain and end. They are not our children; init waits for them. */
void orphans_dismiss(struct board *board);

#endif
