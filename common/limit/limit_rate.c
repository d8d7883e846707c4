/* limit_rate: see limit_rate.h. */
#include "common/limit/limit_rate.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/process/page.h"
#include "common/table/shm.h"

#define MAGIC     0x53494c584c494d31ull
#define TIME_BITS 44u
#define TIME_MASK (((uint64_t)1 << TIME_BITS) - 1)
#define TRIES     16 /* lost races for a cell; then the client's own requests are the race */

static int object_name(char name[SHM_NAME_MAX], const char *instance)
{
	return shm_name(name, instance, "limits");
}

int limit_rates_create(const char *instance)
{
	char name[SHM_NAME_MAX];
	struct limit_rates *l;
	int fd = object_name(name, instance) == -1 ? -1 : page_create(name, sizeof(*l));

	if (fd == -1)
		return -1;
	l = shm_map(fd, sizeof(*l), true);
	if (l == NULL || getrandom(&l->seed, sizeof(l->seed), 0) != (ssize_t)sizeof(l->seed)) {
		limit_rates_unmap(l);
		close(fd);
		return -1;
	}
	l->magic = MAGIC;
	limit_rates_unmap(l);
	return fd;
}

void limit_rates_unlink(const char *instance)
{
	char name[SHM_NAME_MAX];

	if (object_name(name, instance) == 0)
		(void)shm_unlink(name);
}

struct limit_rates *limit_rates_map(int fd)
{
	struct limit_rates *l = NULL;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return NULL;
	if ((size_t)st.st_size >= sizeof(*l))
		l = shm_map(fd, sizeof(*l), true);
	if (l != NULL && l->magic == MAGIC)
		return l;
	limit_rates_unmap(l);
	errno = EINVAL;
	return NULL;
}

void limit_rates_unmap(struct limit_rates *l)
{
	if (l != NULL)
		(void)munmap(l, sizeof(*l));
}

/* --- one line ------------------------------------------------------------------------------- */

/* How far the cell's time lies ahead of now, in microseconds; times wrap after 203 days. */
static int64_t ahead(uint64_t cell, uint64_t now_us)
{
	return (int64_t)((cell - now_us) << (64 - TIME_BITS)) >> (64 - TIME_BITS);
}

struct choice {
	_Atomic uint64_t *cell;
	uint64_t seen;
	int64_t ahead; /* <= 0: free */
	bool mine;
};

/* The key's own cell, else one that is free, else the one that will be soonest. */
static struct choice choose(struct limit_rate_line *line, uint64_t tag, uint64_t now_us)
{
	struct choice best = {.cell = NULL};

	for (unsigned i = 0; i < LIMIT_RATE_CELLS; i++) {
		uint64_t seen = atomic_load_explicit(&line->cell[i], memory_order_relaxed);
		int64_t far = seen == 0 ? INT64_MIN : ahead(seen, now_us);

		if (seen >> TIME_BITS == tag)
			return (struct choice){&line->cell[i], seen, far, true};
		if (best.cell == NULL || far < best.ahead)
			best = (struct choice){&line->cell[i], seen, far, false};
	}
	return best;
}

enum limit_verdict limit_rate_check(struct limit_rates *l, uint64_t key,
				    const struct limit_rate *rate, uint64_t now_us, bool take)
{
	struct limit_rate_line *line = &l->line[key & (LIMIT_RATE_LINES - 1)];
	uint64_t tag = key >> TIME_BITS | 1; /* 0 is the empty cell */
	int64_t tolerance = (int64_t)rate->interval_us * rate->burst;
	int64_t most = rate->most_us > 0 ? (int64_t)rate->most_us : tolerance + rate->interval_us;

	for (unsigned n = 0; n < TRIES; n++) {
		struct choice c = choose(line, tag, now_us);
		int64_t wait = c.mine && c.ahead > 0 ? c.ahead : 0;
		uint64_t next;

		if (wait > most)
			wait = 0; /* of another rate, or nonsense */
		if (wait > tolerance)
			return LIMIT_OVER;
		if (!take)
			return LIMIT_PASS;
		next =
		    tag << TIME_BITS | ((now_us + (uint64_t)wait + rate->interval_us) & TIME_MASK);
		if (atomic_compare_exchange_strong(c.cell, &c.seen, next))
			return c.mine || c.ahead <= 0 ? LIMIT_PASS : LIMIT_PASS_EVICTED;
	}
	return LIMIT_OVER;
}
