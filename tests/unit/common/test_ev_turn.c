/*
 * test_ev_turn: the order within a turn of the loop: tasks, timers, signals, the bottom. Each case
 * under both backends. Nothing here waits for time except where a timer is the subject.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/loop/timer.h"
#include "tests/unit/common/ev_probe.h"

struct job {
	struct ev_task task;
	struct ev *ev;
	char name;
	struct job *then; /* posted by this one */
	struct job *kill; /* unposted by this one */
};

static char order[32];
static size_t order_n;

static void on_job(struct ev_task *t)
{
	struct job *j = container_of(t, struct job, task);

	order[order_n++] = j->name;
	order[order_n] = '\0';
	if (j->then != NULL)
		ev_post(j->ev, &j->then->task);
	if (j->kill != NULL)
		ev_unpost(j->ev, &j->kill->task);
}

static void mark(struct probe *p)
{
	order[order_n++] = 'f';
	order[order_n] = '\0';
	drain(p);
}

static void on_bottom(void *arg)
{
	order[order_n++] = '.';
	order[order_n] = '\0';
}

static void on_top(void *arg)
{
	const struct probe *p = arg;

	assert_int_equal(p->calls, 0);
	order[order_n++] = '^';
	order[order_n] = '\0';
}

/* After the wait, before anything is delivered. */
static void top_comes_first(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;

	order_n = 0;
	probe_open(&p, ev, EV_READ);
	p.act = mark;
	ev_set_top(ev, on_top, &p);
	ev_set_bottom(ev, on_bottom, NULL);
	feed(&p);
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_string_equal(order, "^f.");
	probe_close(&p);
	ev_free(ev);
}

static void tasks_run_after_descriptors(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;
	struct job a = {.task.fn = on_job, .ev = ev, .name = 'a'};
	struct job b = {.task.fn = on_job, .ev = ev, .name = 'b'};
	struct job c = {.task.fn = on_job, .ev = ev, .name = 'c'};

	order_n = 0;
	a.then = &c;
	ev_set_bottom(ev, on_bottom, NULL);
	probe_open(&p, ev, EV_READ);
	p.act = mark;
	feed(&p);
	ev_post(ev, &a.task);
	ev_post(ev, &b.task);
	ev_post(ev, &a.task); /* once */
	assert_int_equal(ev_turn(ev, -1), 3);
	assert_string_equal(order, "fab.");
	assert_int_equal(ev_turn(ev, -1), 1); /* c is waiting: does not block */
	assert_string_equal(order, "fab.c.");
	assert_int_equal(ev_turn(ev, 0), 0);
	probe_close(&p);
	ev_free(ev);
}

/* A task that posts itself for ever does not keep descriptors from being served. */
static void tasks_are_bounded(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;
	struct job a = {.task.fn = on_job, .ev = ev, .name = 'a'};

	order_n = 0;
	a.then = &a;
	probe_open(&p, ev, EV_READ);
	p.act = mark;
	ev_post(ev, &a.task);
	assert_int_equal(ev_turn(ev, -1), 1);
	feed(&p);
	assert_int_equal(ev_turn(ev, -1), 2);
	assert_string_equal(order, "afa");
	ev_unpost(ev, &a.task);
	ev_unpost(ev, &a.task);
	assert_int_equal(ev_turn(ev, 0), 0);
	probe_close(&p);
	ev_free(ev);
}

/* It is for the next turn, and what happens ends the pause. */
static void paused_task_lets_others_go_first(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;
	struct job a = {.task.fn = on_job, .ev = ev, .name = 'a'};
	struct job b = {.task.fn = on_job, .ev = ev, .name = 'b'};

	order_n = 0;
	probe_open(&p, ev, EV_READ);
	p.act = mark;
	feed(&p);
	ev_post_paused(ev, &a.task, 999999);
	ev_post(ev, &b.task);
	assert_int_equal(ev_turn(ev, -1), 3);
	assert_string_equal(order, "fba");
	ev_post_paused(ev, &a.task, 999999);
	feed(&p);
	assert_int_equal(ev_turn(ev, -1), 2);
	assert_string_equal(order, "fbafa");
	probe_close(&p);
	ev_free(ev);
}

/* With nothing else to happen it is what ends the wait, at the shortest of the pauses. */
static void paused_task_ends_the_wait(void **state)
{
	struct ev *ev = loop(state);
	struct job a = {.task.fn = on_job, .ev = ev, .name = 'a'};
	struct job b = {.task.fn = on_job, .ev = ev, .name = 'b'};
	uint64_t began = ev_now_us(ev);

	order_n = 0;
	ev_post_paused(ev, &a.task, 999999);
	ev_post_paused(ev, &b.task, 300);
	ev_post_paused(ev, &b.task, 1); /* once */
	assert_int_equal(ev_turn(ev, -1), 2);
	assert_string_equal(order, "ab");
	assert_true(ev_now_us(ev) - began >= 300);
	ev_post_paused(ev, &a.task, 20);
	ev_post_paused(ev, &b.task, 20);
	ev_unpost(ev, &b.task);
	ev_unpost(ev, &b.task);
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_string_equal(order, "aba");
	assert_int_equal(ev_turn(ev, 0), 0);
	ev_free(ev);
}

/* A kernel or a seccomp profile that does not know epoll_pwait2(2): the pause is a millisecond. */
static void paused_task_where_waits_are_coarse(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
		struct ev *ev = loop(state);
		struct job a = {.task.fn = on_job, .ev = ev, .name = 'a'};

		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(epoll_pwait2), 0) !=
			0 ||
		    seccomp_load(filter) != 0)
			_exit(3);
		ev_post_paused(ev, &a.task, 20);
		_exit(ev_turn(ev, -1) == 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void task_unposts_another(void **state)
{
	struct ev *ev = loop(state);
	struct job a = {.task.fn = on_job, .ev = ev, .name = 'a'};
	struct job b = {.task.fn = on_job, .ev = ev, .name = 'b'};
	struct job c = {.task.fn = on_job, .ev = ev, .name = 'c'};

	order_n = 0;
	a.kill = &b;
	ev_post(ev, &a.task);
	ev_post(ev, &c.task);
	ev_post(ev, &b.task); /* last of this turn */
	assert_int_equal(ev_turn(ev, -1), 2);
	assert_string_equal(order, "ac");
	c.then = &b;
	ev_post(ev, &c.task);
	ev_post(ev, &a.task); /* takes away what c has posted for the next turn */
	assert_int_equal(ev_turn(ev, -1), 2);
	assert_int_equal(ev_turn(ev, 0), 0);
	assert_string_equal(order, "acca");
	ev_free(ev);
}

struct alarm {
	struct timer timer;
	struct ev *ev;
	uint64_t at;
};

static void on_alarm(struct timer *t)
{
	struct alarm *a = container_of(t, struct alarm, timer);

	a->at = ev_now_ms(a->ev);
	ev_stop(a->ev);
}

static void timers_end_the_wait(void **state)
{
	struct ev *ev = loop(state);
	struct alarm a = {.ev = ev};
	uint64_t due = ev_now_ms(ev) + 20;

	timer_init(&a.timer, on_alarm);
	timer_set(ev_timers(ev), &a.timer, due);
	ev_run(ev);
	assert_true(a.at >= due);
	assert_true(ev_now_us(ev) / 1000 == ev_now_ms(ev));
	ev_free(ev);
}

static void timers_come_before_descriptors(void **state)
{
	struct ev *ev = loop(state);
	struct alarm a = {.ev = ev};
	struct probe p;

	timer_init(&a.timer, on_alarm);
	timer_set(ev_timers(ev), &a.timer, 0); /* in the past: due on the next run */
	probe_open(&p, ev, EV_READ);
	feed(&p);
	assert_int_equal(ev_turn(ev, -1), 2);
	assert_true(a.at > 0);
	probe_close(&p);
	ev_free(ev);
}

static void on_signal(int sig)
{
}

/* A signal ends the wait, and the turn goes on. */
static void signal_is_no_error(void **state)
{
	struct ev *ev = loop(state);
	struct sigaction sa = {.sa_handler = on_signal}, old;
	struct itimerval soon = {.it_value.tv_usec = 2000};

	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(ev_turn(ev, -1), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	ev_free(ev);
}

int main(void)
{
	static enum ev_backend epoll = EV_BACKEND_EPOLL, poll = EV_BACKEND_POLL;
	const struct CMUnitTest tests[] = {
	    BOTH(tasks_run_after_descriptors),
	    BOTH(tasks_are_bounded),
	    BOTH(paused_task_lets_others_go_first),
	    BOTH(paused_task_ends_the_wait),
	    BOTH(paused_task_where_waits_are_coarse),
	    BOTH(task_unposts_another),
	    BOTH(timers_end_the_wait),
	    BOTH(timers_come_before_descriptors),
	    BOTH(signal_is_no_error),
	    BOTH(top_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
