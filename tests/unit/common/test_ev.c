/* test_ev: what ev.h promises about descriptors, each case under both backends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/common/ev_probe.h"

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

/*
 * Random lives: descriptors are opened, closed, muted, unmuted, fed and drained at random, most
 * of it inside callbacks and to others. A callback may only come to an open one, and only with
 * what it wants; when all is quiet exactly those with bytes and interest are reported.
 */
enum {
	LIVES = 40,
	LIVES_TURNS = 4000
};

struct life {
	struct probe p;
	bool open;
	bool fed;
};

static struct life lives[LIVES];
static uint64_t rng;

static unsigned chance(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)(rng % n);
}

static void life_act(struct probe *p);

static void life_change(struct ev *ev)
{
	struct life *l = &lives[chance(LIVES)];

	if (!l->open) {
		probe_open(&l->p, ev, chance(2) ? EV_READ : EV_READ | EV_WRITE);
		l->p.act = life_act;
		l->open = true;
		l->fed = false;
		return;
	}
	switch (chance(6)) {
	case 0: /* both ways of deleting */
		if (chance(2))
			ev_del(ev, &l->p.fd);
		else
			ev_del_closing(ev, &l->p.fd);
		(void)close(l->p.here);
		(void)close(l->p.there);
		l->open = false;
		break;
	case 1:
		feed(&l->p);
		l->fed = true;
		break;
	case 2:
		drain(&l->p);
		l->fed = false;
		break;
	default:
		ev_want(ev, &l->p.fd, chance(4));
	}
}

static void life_act(struct probe *p)
{
	struct life *l = container_of(p, struct life, p);

	assert_true(l->open);
	assert_int_equal(p->got & ~(unsigned)p->fd.want, 0);
	for (unsigned n = chance(3); n > 0; n--)
		life_change(p->ev);
}

static void random_lives(void **state)
{
	struct ev *ev = loop(state);

	rng = 88172645463325252u;
	for (int turn = 0; turn < LIVES_TURNS; turn++) {
		for (unsigned n = chance(4); n > 0; n--)
			life_change(ev);
		(void)ev_turn(ev, 0);
	}
	for (int i = 0; i < LIVES; i++) {
		lives[i].p.act = NULL;
		lives[i].p.calls = 0;
		if (lives[i].open)
			ev_want(ev, &lives[i].p.fd, EV_READ);
	}
	for (int turn = 0; turn < 3; turn++)
		(void)ev_turn(ev, 0);
	for (int i = 0; i < LIVES; i++) {
		assert_int_equal(lives[i].p.calls, lives[i].open && lives[i].fed ? 3 : 0);
		if (lives[i].open)
			probe_close(&lives[i].p);
		lives[i].open = false;
	}
	ev_free(ev);
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
	    BOTH(random_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
