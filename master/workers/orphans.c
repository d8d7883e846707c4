/* orphans: see orphans.h. */
#include "master/workers/orphans.h"

#include <signal.h>

#include "common/log/log.h"
#include "master/process/handover.h"
#include "master/workers/pidref.h"

static unsigned inherit(struct board *board, unsigned n, const struct board_worker *from)
{
	for (unsigned i = 0; i < SLOT_MAX && n < SLOT_MAX; i++) {
		uint32_t pid = atomic_load(&from[i].pid);
		uint64_t start = atomic_load(&from[i].start);

		if (pid == 0 || start == 0 || pidref_start((pid_t)pid) != start)
			continue;
		atomic_store(&board->orphans[n].start, start);
		atomic_store(&board->orphans[n].pid, pid);
		n++;
	}
	return n;
}

unsigned orphans_inherit(struct board *board, const struct board *predecessor, const char *instance)
{
	unsigned n = 0;

	if (predecessor == NULL)
		return 0;
	for (unsigned i = 0; i < SLOT_MAX && i < atomic_load(&predecessor->slots); i++)
		slot_unlink(instance, i);
	n = inherit(board, n, predecessor->workers);
	n = inherit(board, n, predecessor->orphans);
	if (n > 0)
		log_warn("a predecessor's workers still serve, they end when ours are ready",
			 LOG_U64("workers", n));
	return n;
}

void orphans_take(struct board *board, const struct handover *handed, const char *instance)
{
	for (unsigned i = 0; i < handed->slots; i++)
		slot_unlink(instance, i);
	for (unsigned i = 0; i < handed->n_workers && i < SLOT_MAX; i++) {
		atomic_store(&board->orphans[i].start, handed->workers[i].start);
		atomic_store(&board->orphans[i].pid, (uint32_t)handed->workers[i].pid);
	}
}

void orphans_dismiss(struct board *board)
{
	unsigned told = 0;

	for (unsigned i = 0; i < SLOT_MAX; i++) {
		struct board_worker *w = &board->orphans[i];
		uint32_t pid = atomic_load(&w->pid);

		if (pid == 0)
			continue;
		told += pidref_signal((pid_t)pid, atomic_load(&w->start), SIGTERM) == 0;
		atomic_store(&w->pid, 0);
	}
	if (told > 0)
		log_info("told the predecessor's workers to end", LOG_U64("workers", told));
}
