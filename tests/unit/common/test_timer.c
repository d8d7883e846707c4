/*
 * test_timer: the wheel against a naive model, and the promises of timer.h one by one.
 *
 * The model is an array of deadlines. After every run exactly the timers whose deadline has come
 * must have fired, once each, and timer_next() must never promise a later moment than the model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/loop/timer.h"

#define N 300

struct probe {
	struct timer timer;
	unsigned fired;
	uint64_t model; /* 0 = not armed */
};

static uint64_t rng = 88172645463325252u;

static uint64_t next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static void on_probe(struct timer *t)
{
	container_of(t, struct probe, timer)->fired++;
}

/* Near, middle and far moments, as they come in life: mostly seconds, sometimes hours or past. */
static uint64_t random_due(uint64_t now)
{
	static const uint64_t spans[] = {1, 10, 64, 100, 5000, 60000, 75000, 4000000, 90000000};
	uint64_t span = spans[next_random() % (sizeof(spans) / sizeof(spans[0]))];

	if (next_random() % 50 == 0)
		return now - next_random() % 100;
	return now + next_random() % (span + 1);
}

static void touch(struct timer_wheel *w, struct probe *p, uint64_t now)
{
	switch (next_random() % 8) {
	case 0:
		timer_cancel(w, &p->timer);
		p->model = 0;
		break;
	case 1:
		timer_pause(&p->timer);
		p->model = 0;
		break;
	default:
		p->model = random_due(now);
		timer_set(w, &p->timer, p->model);
	}
	assert_int_equal(timer_armed(&p->timer), p->model != 0);
}

static uint64_t model_next(const struct probe *p)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < N; i++)
		if (p[i].model != 0 && p[i].model < next)
			next = p[i].model;
	return next;
}

static void check_run(struct timer_wheel *w, struct probe *p, uint64_t now)
{
	unsigned expected = 0, fired = timer_run(w, now);

	for (int i = 0; i < N; i++) {
		bool due = p[i].model != 0 && p[i].model <= now;

		assert_int_equal(p[i].fired, due ? 1 : 0);
		p[i].fired = 0;
		if (due) {
			p[i].model = 0;
			expected++;
		}
		assert_int_equal(timer_armed(&p[i].timer), p[i].model != 0);
	}
	assert_int_equal(fired, expected);
}

static void check_next(const struct timer_wheel *w, const struct probe *p, uint64_t now)
{
	int64_t wait = timer_next(w, now);
	uint64_t want = model_next(p);

	if (want == UINT64_MAX)
		return; /* an empty slot may still be waiting for its look */
	assert_true(wait >= 0);
	assert_true(now + (uint64_t)wait <= (want > now ? want : now));
}

static void wheel_against_model(void **state)
{
	static struct probe p[N];
	uint64_t now = 1000003, start = now;
	struct timer_wheel *w = timer_wheel_new(now);

	for (int i = 0; i < N; i++) {
		p[i] = (struct probe){0};
		timer_init(&p[i].timer, on_probe);
	}
	for (int step = 0; step < 60000; step++) {
		for (uint64_t k = next_random() % 5; k > 0; k--)
			touch(w, &p[next_random() % N], now);
		check_next(w, p, now);
		now += next_random() % 20 == 0 ? next_random() % 100000 : next_random() % 30;
		check_run(w, p, now);
	}
	assert_true(now - start > 50000000);
	for (int i = 0; i < N; i++)
		timer_cancel(w, &p[i].timer);
	timer_wheel_free(w);
}

/* Sleeping exactly as long as timer_next() says must fire every timer at its very millisecond. */
static void sleeping_by_timer_next_is_exact(void **state)
{
	static struct probe p[N];
	uint64_t now = 7;
	struct timer_wheel *w = timer_wheel_new(now);
	unsigned looks = 0, fired = 0;
	int64_t wait;

	for (int i = 0; i < N; i++) {
		p[i] = (struct probe){.model = 8 + next_random() % 100000000};
		timer_init(&p[i].timer, on_probe);
		timer_set(w, &p[i].timer, p[i].model);
	}
	while ((wait = timer_next(w, now)) != -1) {
		uint64_t next = model_next(p);

		now += (uint64_t)wait;
		assert_true(now <= next);
		looks++;
		for (int i = 0; i < N; i++)
			if (p[i].model == now)
				fired++;
		check_run(w, p, now);
	}
	assert_int_equal(fired, N);
	assert_true(looks < 6 * N); /* a bounded number of looks for each timer */
	timer_wheel_free(w);
}

static void fires_once_never_early(void **state)
{
	struct timer_wheel *w = timer_wheel_new(500);
	struct probe p = {0};

	timer_init(&p.timer, on_probe);
	assert_int_equal(timer_next(w, 500), -1);
	timer_set(w, &p.timer, 600);
	assert_int_equal(timer_run(w, 599), 0);
	assert_int_equal(timer_run(w, 600), 1);
	assert_false(timer_armed(&p.timer));
	assert_int_equal(timer_run(w, 100000), 0);
	assert_int_equal(p.fired, 1);
	timer_set(w, &p.timer, 3); /* long past */
	assert_int_equal(timer_next(w, 100000), 0);
	assert_int_equal(timer_run(w, 100000), 1);
	timer_set(w, &p.timer, 0);
	assert_true(timer_armed(&p.timer));
	assert_int_equal(timer_run(w, 100000), 1);
	timer_set(w, &p.timer, UINT64_MAX);
	assert_int_equal(timer_run(w, (uint64_t)1 << 40), 0);
	timer_cancel(w, &p.timer);
	timer_cancel(w, &p.timer);
	timer_wheel_free(w);
}

static void moving_away_is_lazy(void **state)
{
	struct timer_wheel *w = timer_wheel_new(1);
	struct probe p = {0};

	timer_init(&p.timer, on_probe);
	timer_set(w, &p.timer, 10);
	assert_int_equal(p.timer.filed, 10);
	timer_set(w, &p.timer, 5000);
	assert_int_equal(p.timer.filed, 10); /* not touched */
	assert_int_equal(timer_run(w, 10), 0);
	assert_true(p.timer.filed > 10 && p.timer.filed <= 5000);
	timer_set(w, &p.timer, 20);
	assert_int_equal(timer_run(w, 20), 1);
	timer_wheel_free(w);
}

/* Callbacks that change other timers and themselves. */
struct actor {
	struct timer timer;
	struct timer_wheel *w;
	struct timer *victim;
	uint64_t again;
	unsigned fired;
};

static void on_actor(struct timer *t)
{
	struct actor *a = container_of(t, struct actor, timer);

	a->fired++;
	if (a->victim != NULL)
		timer_cancel(a->w, a->victim);
	if (a->again != 0)
		timer_set(a->w, t, a->again);
}

static void callback_cancels_a_due_timer(void **state)
{
	struct timer_wheel *w = timer_wheel_new(1);
	struct actor a = {.w = w}, b = {.w = w};

	timer_init(&a.timer, on_actor);
	timer_init(&b.timer, on_actor);
	a.victim = &b.timer;
	b.victim = &a.timer;
	timer_set(w, &a.timer, 10);
	timer_set(w, &b.timer, 10);
	assert_int_equal(timer_run(w, 10), 1); /* whoever comes first, the other never */
	assert_int_equal(a.fired + b.fired, 1);
	assert_int_equal(timer_run(w, 1000), 0);
	timer_wheel_free(w);
}

static void callback_sets_itself(void **state)
{
	struct timer_wheel *w = timer_wheel_new(1);
	struct actor a = {.w = w, .again = 10};

	timer_init(&a.timer, on_actor);
	timer_set(w, &a.timer, 10);
	assert_int_equal(timer_run(w, 10), 1); /* in the past, yet not in the same run */
	assert_int_equal(timer_next(w, 10), 0);
	assert_int_equal(timer_run(w, 10), 1);
	a.again = 77;
	assert_int_equal(timer_run(w, 11), 1);
	a.again = 0;
	assert_int_equal(timer_run(w, 76), 0);
	assert_int_equal(timer_run(w, 77), 1);
	assert_int_equal(a.fired, 4);
	timer_wheel_free(w);
}

static void callback_moves_a_due_timer(void **state)
{
	struct timer_wheel *w = timer_wheel_new(1);
	struct probe p = {0};
	struct actor a = {.w = w};

	timer_init(&p.timer, on_probe);
	timer_init(&a.timer, on_actor);
	timer_set(w, &a.timer, 10);
	timer_set(w, &p.timer, 10);
	timer_set(w, &p.timer, 50); /* lazily: comes up at 10, is filed anew */
	assert_int_equal(timer_run(w, 49), 1);
	assert_int_equal(p.fired, 0);
	assert_int_equal(timer_run(w, 50), 1);
	assert_int_equal(p.fired, 1);
	timer_wheel_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wheel_against_model),
	    cmocka_unit_test(sleeping_by_timer_next_is_exact),
	    cmocka_unit_test(fires_once_never_early),
	    cmocka_unit_test(moving_away_is_lazy),
	    cmocka_unit_test(callback_cancels_a_due_timer),
	    cmocka_unit_test(callback_sets_itself),
	    cmocka_unit_test(callback_moves_a_due_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
