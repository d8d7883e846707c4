/*
 * recent: a bounded set of things that are found by a number; the one not used for longest goes.
 *
 * For what is made of a record of the table when it is first needed: the number is the record's
 * generation, so what changed is another thing and nothing has to be told of changes. Things
 * embed a struct recent and are their maker's in all else. One thread; no locks.
 */
#ifndef SILEX_COMMON_MEM_RECENT_H
#define SILEX_COMMON_MEM_RECENT_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stddef.h>
#include <stdint.h>

struct recent {
	RB_ENTRY(recent) by_number;
	TAILQ_ENTRY(recent) by_use; /* most recent first */
	uint64_t number;
};

RB_HEAD(recent_tree, recent);
TAILQ_HEAD(recent_list, recent);

struct recents {
	size_t n, most;
	void (*free)(struct recent *r);
	struct recent_tree tree;
	struct recent_list used;
};

/* At most `most` (> 0) things; fn frees one that has to go. */
void recents_init(struct recents *s, size_t most, void (*fn)(struct recent *r));
/* All of them go. */
void recents_clear(struct recents *s);
/* By its number, and it is used now; NULL when it is not there. */
struct recent *recents_find(struct recents *s, uint64_t number);
/* It goes, if it is there. */
void recents_drop(struct recents *s, uint64_t number);
/* r->number is set and not in the set. Used now; when there are too many another one goes. */
void recents_add(struct recents *s, struct recent *r);

#endif
