/* However workers meet, each version is measured once, by one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "worker/loop/live.h"

#define WORKERS  3
#define VERSIONS 12
#define RUNS     20000

struct world {
	_Atomic uint64_t claimed;
	uint64_t newest, pin[WORKERS];
	int looking[WORKERS]; /* has announced, and not looked yet */
	int measured[VERSIONS + 1];
};

static uint64_t all_others(const struct world *w, unsigned me)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < WORKERS; i++)
		if (i != me && w->pin[i] != 0 && w->pin[i] < least)
			least = w->pin[i];
	return least;
}

/* As engine.c does: the pin is announced, and then the others' are looked at. */
static void step(struct world *w, unsigned i)
{
	uint64_t all;

	if (!w->looking[i]) {
		w->looking[i] = w->pin[i] == 0 ? 2 : 1;
		w->pin[i] = w->newest;
		return;
	}
	if (w->looking[i] == 2) {
		live_begin(&w->claimed, w->pin[i]);
	} else {
		all = all_others(w, i);
		all = all < w->pin[i] ? all : w->pin[i];
		for (uint64_t v = live_claim(&w->claimed, all) + 1; v <= all; v++)
			w->measured[v]++;
	}
	w->looking[i] = 0;
}

static void each_once(void **state)
{
	srand(7);
	for (int run = 0; run < RUNS; run++) {
		struct world w = {.newest = 1};

		for (unsigned i = 0; i < WORKERS; i++) { /* all are there before the first change */
			step(&w, i);
			step(&w, i);
		}
		while (w.newest < VERSIONS) {
			unsigned what = (unsigned)rand() % (WORKERS + 1);

			if (what == WORKERS)
				w.newest++;
			else if (w.looking[what] || w.pin[what] != w.newest)
				step(&w, what);
		}
		for (unsigned i = 0; i < 4 * WORKERS; i++)
			if (w.looking[i % WORKERS] || w.pin[i % WORKERS] != w.newest)
				step(&w, i % WORKERS);
		assert_int_equal(w.measured[1], 0);
		for (unsigned v = 2; v <= VERSIONS; v++)
			if (w.measured[v] != 1)
				fail_msg("run %d: version %u was measured %d times", run, v,
					 w.measured[v]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_once)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
