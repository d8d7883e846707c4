/*
 * test_ev: every promise of ev.h, each case under both backends.
 *
 * A probe is a descriptor with a script: it counts what it got and, on demand, runs an action
 * inside its callback. Nothing here waits for time except where a timer is the subject.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/ev.h"
#include "common/timer.h"

struct probe {
	struct ev_fd fd;
	struct ev *ev;
	int here, there; /* the two ends; here is registered */
	unsigned calls;
	unsigned got; /* the last readiness */
	void (*act)(struct probe *p);
	struct probe *other;
};

static void on_probe(struct ev_fd *f, unsigned ready)
{
	struct probe *p = container_of(f, struct probe, fd);

	p->calls++;
	p->got = ready;
	if (p->act != NULL)
		p->act(p);
}

static void probe_open(struct probe *p, struct ev *ev, unsigned want)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv), 0);
	*p = (struct probe){.ev = ev, .here = sv[0], .there = sv[1]};
	assert_int_equal(ev_add(ev, &p->fd, p->here, want, on_probe), 0);
}

static void probe_close(struct probe *p)
{
	ev_del(p->ev, &p->fd);
	(void)close(p->here);
	(void)close(p->there);
}

static void feed(struct probe *p)
{
	assert_int_equal(write(p->there, "x", 1), 1);
}

static void drain(struct probe *p)
{
	char buf[256];

	while (read(p->here, buf, sizeof(buf)) > 0)
		continue;
}

static struct ev *loop(void **state)
{
	struct ev *ev = ev_new(*(enum ev_backend *)*state);

	assert_non_null(ev);
	return ev;
}

static void backend_names(void **state)
{
	enum ev_backend b;

	assert_true(ev_backend_parse("epoll", &b) && b == EV_BACKEND_EPOLL);
	assert_true(ev_backend_parse("poll", &b) && b == EV_BACKEND_POLL);
	assert_false(ev_backend_parse("select", &b));
}

static void level_triggered(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;

	probe_open(&p, ev, EV_READ);
	assert_int_equal(ev_turn(ev, 0), 0);
	feed(&p);
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_int_equal(p.got, EV_READ);
	assert_int_equal(ev_turn(ev, -1), 1); /* not read: reported again */
	drain(&p);
	assert_int_equal(ev_turn(ev, 0), 0);
	assert_int_equal(p.calls, 2);
	probe_close(&p);
	ev_free(ev);
}

static void write_readiness(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;

	probe_open(&p, ev, EV_READ | EV_WRITE);
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_int_equal(p.got, EV_WRITE);
	feed(&p);
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_int_equal(p.got, EV_READ | EV_WRITE);
	probe_close(&p);
	ev_free(ev);
}

/* Interest that comes and goes between two turns costs nothing. */
static void toggling_costs_no_call(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;
	uint64_t before;

	probe_open(&p, ev, EV_READ);
	before = ev_ctl_calls(ev);
	for (int i = 0; i < 100; i++) {
		ev_want(ev, &p.fd, EV_READ | EV_WRITE);
		ev_want(ev, &p.fd, EV_READ);
		ev_want(ev, &p.fd, 0);
		ev_want(ev, &p.fd, EV_READ);
		assert_int_equal(ev_turn(ev, 0), 0);
	}
	assert_int_equal(ev_ctl_calls(ev), before);
	probe_close(&p);
	ev_free(ev);
}

/* Removing interest is free until the event shows up; then it is told once, and stays quiet. */
static void removing_is_lazy(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;
	uint64_t before;

	probe_open(&p, ev, EV_READ);
	before = ev_ctl_calls(ev);
	ev_want(ev, &p.fd, 0);
	assert_int_equal(ev_turn(ev, 0), 0);
	assert_int_equal(ev_ctl_calls(ev), before);
	assert_int_equal(p.fd.applied, EV_READ);
	feed(&p);
	assert_int_equal(ev_turn(ev, -1), 0); /* fetched, not wanted, not delivered */
	assert_int_equal(ev_turn(ev, 0), 0);
	assert_int_equal(p.fd.applied, 0);
	assert_true(ev_ctl_calls(ev) - before <= 1);
	ev_want(ev, &p.fd, EV_READ);
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_true(ev_ctl_calls(ev) - before <= 2);
	probe_close(&p);
	ev_free(ev);
}

static void unwanted_write_goes_quiet(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;

	probe_open(&p, ev, EV_READ | EV_WRITE);
	ev_want(ev, &p.fd, EV_READ);
	assert_int_equal(ev_turn(ev, 0), 0);
	assert_int_equal(ev_turn(ev, 0), 0);
	assert_int_equal(p.fd.applied, EV_READ);
	feed(&p);
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_int_equal(p.got, EV_READ);
	probe_close(&p);
	ev_free(ev);
}

static void hup_is_always_delivered(void **state)
{
	struct ev *ev = loop(state);
	struct probe p;

	probe_open(&p, ev, 0);
	assert_int_equal(ev_turn(ev, 0), 0);
	(void)close(p.there);
	p.there = -1;
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_int_equal(p.got, EV_HUP);
	ev_del(ev, &p.fd);
	assert_int_equal(ev_turn(ev, 0), 0);
	probe_close(&p);
	ev_free(ev);
}

static void hup_of_a_pipe(void **state)
{
	struct ev *ev = loop(state);
	struct probe p = {.ev = ev};
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	p.here = ends[0];
	p.there = ends[1];
	assert_int_equal(ev_add(ev, &p.fd, p.here, EV_READ, on_probe), 0);
	feed(&p);
	(void)close(p.there);
	p.there = -1;
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_int_equal(p.got, EV_READ | EV_HUP);
	drain(&p);
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_int_equal(p.got, EV_HUP);
	probe_close(&p);
	ev_free(ev);
}

static void close_self(struct probe *p)
{
	ev_del_closing(p->ev, &p->fd);
	(void)close(p->here);
	p->here = -1;
}

static void close_inside_callback(void **state)
{
	struct ev *ev = loop(state);
	struct probe p[3];

	for (int i = 0; i < 3; i++) {
		probe_open(&p[i], ev, EV_READ);
		p[i].act = close_self;
		feed(&p[i]);
	}
	assert_int_equal(ev_turn(ev, -1), 3);
	assert_int_equal(ev_turn(ev, 0), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(p[i].calls, 1);
		assert_null(p[i].fd.fn);
		probe_close(&p[i]); /* deleting twice is fine */
	}
	ev_free(ev);
}

static void close_other(struct probe *p)
{
	p->other->act = NULL;
	close_self(p->other);
	drain(p);
}

/* Two ready descriptors, each kills the other: exactly one is called, whatever the order. */
static void delete_other_in_batch(void **state)
{
	struct ev *ev = loop(state);
	struct probe p[2];

	for (int i = 0; i < 2; i++) {
		probe_open(&p[i], ev, EV_READ);
		p[i].act = close_other;
		p[i].other = &p[1 - i];
		feed(&p[i]);
	}
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_int_equal(p[0].calls + p[1].calls, 1);
	assert_int_equal(ev_turn(ev, 0), 0);
	probe_close(&p[0]);
	probe_close(&p[1]);
	ev_free(ev);
}

static void replace_other(struct probe *p)
{
	struct probe *o = p->other;

	if (o == NULL)
		return;
	p->other = NULL;
	o->other = NULL;
	close_self(o);
	(void)close(o->there);
	probe_open(o, p->ev, EV_READ); /* very likely the same descriptor number */
}

/* A new descriptor of the same owner and number must not inherit the old one's event. */
static void reused_number_gets_no_stale_event(void **state)
{
	struct ev *ev = loop(state);
	struct probe p[2];

	for (int i = 0; i < 2; i++) {
		probe_open(&p[i], ev, EV_READ);
		p[i].act = replace_other;
		p[i].other = &p[1 - i];
		feed(&p[i]);
	}
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_true(p[0].calls == 0 || p[1].calls == 0); /* the replaced one starts at zero */
	drain(&p[0]);
	drain(&p[1]);
	assert_int_equal(ev_turn(ev, 0), 0);
	feed(&p[0]);
	feed(&p[1]);
	assert_int_equal(ev_turn(ev, -1), 2);
	probe_close(&p[0]);
	probe_close(&p[1]);
	ev_free(ev);
}

static void mute_other(struct probe *p)
{
	ev_want(p->ev, &p->other->fd, 0);
	ev_want(p->ev, &p->fd, EV_READ);
}

static void unwanting_drops_the_fetched_event(void **state)
{
	struct ev *ev = loop(state);
	struct probe p[2];

	for (int i = 0; i < 2; i++) {
		probe_open(&p[i], ev, EV_READ);
		p[i].act = mute_other;
		p[i].other = &p[1 - i];
		feed(&p[i]);
	}
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_int_equal(ev_turn(ev, -1), 1);
	assert_true(p[0].calls == 0 || p[1].calls == 0);
	probe_close(&p[0]);
	probe_close(&p[1]);
	ev_free(ev);
}

/* More interests than the queue holds, some of them deleted while queued. */
static void many_interests_at_once(void **state)
{
	enum {
		MANY = 400
	};
	static struct probe p[MANY];
	struct ev *ev = loop(state);

	for (int i = 0; i < MANY; i++)
		probe_open(&p[i], ev, EV_READ);
	for (int i = 0; i < MANY; i++)
		ev_want(ev, &p[i].fd, EV_READ | EV_WRITE);
	for (int i = 0; i < MANY; i += 2)
		ev_del(ev, &p[i].fd);
	for (int i = 0; i < 4; i++)
		(void)ev_turn(ev, 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(p[i].calls > 0, i % 2);
	for (int i = 0; i < MANY; i++)
		probe_close(&p[i]);
	ev_free(ev);
}

static void errors_of_add(void **state)
{
	struct ev *ev = loop(state);
	struct ev_fd f = EV_FD_NONE;

	if (*(enum ev_backend *)*state == EV_BACKEND_EPOLL) {
		errno = 0;
		assert_int_equal(ev_add(ev, &f, 1000, EV_READ, on_probe), -1);
		assert_int_equal(errno, EBADF);
		assert_int_equal(f.fd, -1);
	}
	ev_del(ev, &f);
	ev_free(ev);
}

/* A listening socket in two loops: pausing, resuming, and the connection is seen. */
static void shared_listener(void **state)
{
	struct ev *ev[2] = {loop(state), loop(state)};
	struct sockaddr_storage ss = {.ss_family = AF_INET};
	socklen_t len = sizeof(ss);
	struct probe p[2];
	int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(listen(l, 8), 0); /* unbound: the kernel picks an address */
	assert_int_equal(getsockname(l, (struct sockaddr *)&ss, &len), 0);
	for (int i = 0; i < 2; i++) {
		p[i] = (struct probe){.ev = ev[i], .here = l};
		assert_int_equal(ev_add_shared(ev[i], &p[i].fd, l, EV_READ, on_probe), 0);
		assert_int_equal(ev_turn(ev[i], 0), 0);
	}
	ev_want(ev[0], &p[0].fd, 0);
	assert_int_equal(connect(c, (struct sockaddr *)&ss, len), 0);
	(void)ev_turn(ev[0], 0); /* may fetch the unwanted event: tells the kernel then */
	(void)ev_turn(ev[0], 0);
	assert_int_equal(p[0].calls, 0);
	assert_int_equal(ev_turn(ev[1], -1), 1);
	ev_want(ev[0], &p[0].fd, EV_READ);
	assert_int_equal(ev_turn(ev[0], -1), 1);
	assert_int_equal(p[0].got, EV_READ);
	for (int i = 0; i < 2; i++) {
		ev_del(ev[i], &p[i].fd);
		assert_int_equal(ev_turn(ev[i], 0), 0);
		ev_free(ev[i]);
	}
	(void)close(c);
	(void)close(l);
}

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

#define BOTH(f)                                    \
	{#f " (epoll)", f, NULL, NULL, &epoll},    \
	{                                          \
#f " (poll)", f, NULL, NULL, &poll \
	}

int main(void)
{
	static enum ev_backend epoll = EV_BACKEND_EPOLL, poll = EV_BACKEND_POLL;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(backend_names),
	    BOTH(level_triggered),
	    BOTH(write_readiness),
	    BOTH(toggling_costs_no_call),
	    BOTH(removing_is_lazy),
	    BOTH(unwanted_write_goes_quiet),
	    BOTH(hup_is_always_delivered),
	    BOTH(hup_of_a_pipe),
	    BOTH(close_inside_callback),
	    BOTH(delete_other_in_batch),
	    BOTH(reused_number_gets_no_stale_event),
	    BOTH(unwanting_drops_the_fetched_event),
	    BOTH(many_interests_at_once),
	    BOTH(errors_of_add),
	    BOTH(shared_listener),
	    BOTH(tasks_run_after_descriptors),
	    BOTH(tasks_are_bounded),
	    BOTH(task_unposts_another),
	    BOTH(timers_end_the_wait),
	    BOTH(timers_come_before_descriptors),
	    BOTH(signal_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
