/*
 * table_pins: how a reader says which version of the table it uses (DESIGN §2.2).
 *
 * Two words in the reader's own slot; the reader writes them, the table's writer only loads
 * them. The reader announces before it uses:
 *
 *     do { v = load(version); store(next, v); r = load(roots[v]) } while (v != load(version));
 *     store(cur, v); store(next, 0);
 *
 * and the writer stores the version before it loads the pins. Everything is seq_cst: "writer
 * stores version, then loads pins" against "reader stores pin, then loads version" is Dekker's
 * handshake, and release/acquire would let both sides miss each other. The root is read inside
 * the loop: while the version is still v, its place in the ring of roots has not been reused.
 *
 * The writer loads next BEFORE cur. In the other order it could read cur before the reader
 * moved its announcement there, and next after it was cleared, and see nothing at all.
 */
#ifndef SILEX_COMMON_TABLE_TABLE_PINS_H
#define SILEX_COMMON_TABLE_TABLE_PINS_H

#include <stdatomic.h>
#include <stdint.h>

struct table_pins { /* 0 = uses nothing */
	_Atomic uint64_t cur;
	_Atomic uint64_t next;
};

/* Writer: the oldest version this reader may be looking at, UINT64_MAX when none. */
static inline uint64_t table_pins_oldest(const struct table_pins *p)
{
	uint64_t next = atomic_load(&p->next);
	uint64_t cur = atomic_load(&p->cur);

	next = next == 0 ? UINT64_MAX : next;
	cur = cur == 0 ? UINT64_MAX : cur;
	return next < cur ? next : cur;
}

/* Reader, after its last use of the table. */
static inline void table_pins_clear(struct table_pins *p)
{
	atomic_store(&p->cur, 0);
	atomic_store(&p->next, 0);
}

#endif
