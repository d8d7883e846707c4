/* errpage: the small HTML page of an answer made here. */
#ifndef SILEX_WORKER_ANSWER_ERRPAGE_H
#define SILEX_WORKER_ANSWER_ERRPAGE_H

#include "common/mem/arena.h"
#include "common/str.h"

/* In the arena; empty when it is full. Names no software. */
struct str errpage(struct arena *a, unsigned status);

#endif
