/*
 * resolver: names asked of a name server on the test's own loop, which answers as it is told:
 * addresses with a TTL, no such name, trouble, or nothing at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/timer.h"
#include "master/resolver.h"

#define WAIT(ev, cond)                                                \
	do {                                                          \
		for (int turn_ = 0; turn_ < 2000 && !(cond); turn_++) \
			(void)ev_turn(ev, 10);                        \
		if (!(cond))                                          \
			fail_msg("never: " #cond);                    \
	} while (0)

enum {
	TYPE_A = 1,
	TYPE_AAAA = 28,
	RCODE_OK = 0,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	SILENT = -1,
};

struct world {
	struct ev *ev;
	struct ev_fd server;
	char servers[64];
	struct resolver *r;
	/* what the name server says */
	int rcode;
	uint32_t ttl;
	unsigned v4, v6; /* that many addresses */
	uint8_t last;    /* of each address, counted down */
	unsigned asked;
	/* what is heard */
	unsigned changed;
	char name[64];
	bool wanted;
};

/* ---- the name server ------------------------------------------------------------------- */

static size_t put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return 2;
}

/* A record of the name that was asked for. */
static size_t put_record(uint8_t *p, unsigned type, uint32_t ttl, uint8_t last)
{
	static const uint8_t v6[15] = {0x20, 0x01, 0x0d, 0xb8};
	size_t n = 0;

	n += put16(p + n, 0xc00c);
	n += put16(p + n, type);
	n += put16(p + n, 1);
	n += put16(p + n, ttl >> 16);
	n += put16(p + n, ttl & 0xffff);
	n += put16(p + n, type == TYPE_A ? 4 : 16);
	if (type == TYPE_A) {
		memcpy(p + n, (uint8_t[]){192, 0, 2, last}, 4);
		return n + 4;
	}
	memcpy(p + n, v6, 15);
	p[n + 15] = last;
	return n + 16;
}

/* Head and question as they came; then the answers. */
static size_t make_answer(struct world *w, const uint8_t *q, size_t n, uint8_t *out)
{
	unsigned type = (unsigned)q[n - 3], count = type == TYPE_A ? w->v4 : w->v6;

	memcpy(out, q, n);
	out[2] |= 0x80;
	out[3] = (uint8_t)(0x80 | w->rcode);
	if (w->rcode != RCODE_OK || (type != TYPE_A && type != TYPE_AAAA))
		count = 0;
	(void)put16(out + 6, count);
	for (unsigned i = 0; i < count; i++)
		n += put_record(out + n, type, w->ttl, (uint8_t)(w->last - i));
	return n;
}

/* The question ends behind the name, its type and class; what follows (EDNS) is left out. */
static size_t question_end(const uint8_t *q, size_t n)
{
	size_t at = 12;

	while (at < n && q[at] != 0)
		at += q[at] + 1u;
	return at + 5;
}

static void on_query(struct ev_fd *f, unsigned ready)
{
	struct world *w = container_of(f, struct world, server);
	uint8_t q[512], a[4096];
	struct sockaddr_storage from;
	socklen_t from_n = sizeof(from);
	ssize_t n = recvfrom(f->fd, q, sizeof(q), 0, (struct sockaddr *)&from, &from_n);
	size_t end;

	(void)ready;
	if (n < 17)
		return;
	w->asked++;
	end = question_end(q, (size_t)n);
	(void)put16(q + 10, 0);
	if (w->rcode == SILENT)
		return;
	end = make_answer(w, q, end, a);
	assert_int_equal(sendto(f->fd, a, end, 0, (struct sockaddr *)&from, from_n), end);
}

/* ---- the world ------------------------------------------------------------------------- */

static void on_changed(void *arg, struct str name)
{
	struct world *w = arg;

	w->changed++;
	(void)snprintf(w->name, sizeof(w->name), STR_FMT, STR_ARG(name));
}

static bool is_wanted(void *arg, struct str name)
{
	(void)name;
	return ((struct world *)arg)->wanted;
}

static const struct resolver_ops ops = {.changed = on_changed, .wanted = is_wanted};

static struct world *open_world(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct world *w = calloc(1, sizeof(*w));
	socklen_t n = sizeof(at);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	w->ev = ev_new(EV_BACKEND_POLL);
	w->server = EV_FD_NONE;
	assert_int_equal(bind(s, (struct sockaddr *)&at, n), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(ev_add(w->ev, &w->server, s, EV_READ, on_query), 0);
	(void)snprintf(w->servers, sizeof(w->servers), "127.0.0.1:%u", ntohs(at.sin_port));
	w->r = resolver_new(w->ev, w->servers, &ops, w);
	assert_non_null(w->r);
	w->ttl = 30;
	w->v4 = 1;
	w->last = 1;
	w->wanted = true;
	return w;
}

static void close_world(struct world *w)
{
	int s = w->server.fd;

	resolver_free(w->r);
	ev_del(w->ev, &w->server);
	(void)close(s);
	ev_free(w->ev);
	free(w);
}

#define NAME STR("app.example.test")

static const struct resolved *known(struct world *w)
{
	const struct resolved *k = resolver_get(w->r, NAME);

	assert_non_null(k);
	return k;
}

/* The addresses, one after another. */
static void expect(struct world *w, const char *want)
{
	const struct resolved *k = known(w);
	char text[1024] = "", one[ADDR_TEXT_MAX + 1];

	for (uint32_t i = 0; i < k->n; i++) {
		one[addr_text(&k->v[i], one)] = '\0';
		(void)strncat(text, i > 0 ? " " : "", sizeof(text) - strlen(text) - 1);
		(void)strncat(text, one, sizeof(text) - strlen(text) - 1);
	}
	assert_string_equal(text, want);
}

/* As if so much time had passed. */
static void later(struct world *w, uint64_t seconds)
{
	(void)timer_run(ev_timers(w->ev), ev_now_ms(w->ev) + seconds * 1000);
}

static void test_found(void **state)
{
	struct world *w = open_world();

	(void)state;
	w->v4 = 2;
	w->v6 = 1;
	w->last = 9;
	assert_int_equal(known(w)->state, RESOLVER_WAITING);
	assert_int_equal(w->changed, 0); /* never from within */
	WAIT(w->ev, w->changed == 1);
	assert_string_equal(w->name, "app.example.test");
	assert_int_equal(known(w)->state, RESOLVER_FOUND);
	expect(w, "192.0.2.8:0 192.0.2.9:0 [2001:db8::9]:0");
	assert_int_equal(w->asked, 2); /* A and AAAA, once */
	close_world(w);
}

/* Asked again when the TTL is over, and told only what is new. */
static void test_ttl(void **state)
{
	struct world *w = open_world();
	unsigned asked;

	(void)state;
	(void)known(w);
	WAIT(w->ev, w->changed == 1);
	asked = w->asked;
	later(w, 29);
	for (int i = 0; i < 5; i++)
		(void)ev_turn(w->ev, 1);
	assert_int_equal(w->asked, asked);
	later(w, 31);
	WAIT(w->ev, w->asked == asked + 2);
	for (int i = 0; i < 5; i++)
		(void)ev_turn(w->ev, 1);
	assert_int_equal(w->changed, 1);
	w->last = 5;
	later(w, 62);
	WAIT(w->ev, w->changed == 2);
	expect(w, "192.0.2.5:0");
	close_world(w);
}

/* A TTL of 0 does not ask without pause. */
static void test_ttl_of_nothing(void **state)
{
	struct world *w = open_world();
	unsigned asked;

	(void)state;
	w->ttl = 0;
	(void)known(w);
	WAIT(w->ev, w->changed == 1);
	asked = w->asked;
	for (int i = 0; i < 20; i++)
		(void)ev_turn(w->ev, 1);
	assert_int_equal(w->asked, asked);
	WAIT(w->ev, w->asked > asked); /* after RESOLVER_TTL_MIN_S */
	close_world(w);
}

static void test_no_such_name(void **state)
{
	struct world *w = open_world();

	(void)state;
	w->rcode = RCODE_NXDOMAIN;
	(void)known(w);
	WAIT(w->ev, w->changed == 1);
	assert_int_equal(known(w)->state, RESOLVER_FAILED);
	assert_int_equal(known(w)->n, 0);
	assert_true(strlen(known(w)->why) > 0);
	w->rcode = RCODE_OK; /* it is made */
	later(w, RESOLVER_RETRY_S + 1);
	WAIT(w->ev, w->changed == 2);
	assert_int_equal(known(w)->state, RESOLVER_FOUND);
	w->rcode = RCODE_NXDOMAIN; /* and goes: the server is sure of it */
	later(w, 40);
	WAIT(w->ev, w->changed == 3);
	assert_int_equal(known(w)->state, RESOLVER_FAILED);
	close_world(w);
}

/* A name server in trouble says nothing about the name: the last addresses stay. */
static void test_trouble_keeps_the_last(void **state)
{
	struct world *w = open_world();
	unsigned asked;

	(void)state;
	(void)known(w);
	WAIT(w->ev, w->changed == 1);
	asked = w->asked;
	w->rcode = RCODE_SERVFAIL;
	later(w, 31);
	WAIT(w->ev, w->asked > asked + 2);
	for (int i = 0; i < 20; i++)
		(void)ev_turn(w->ev, 1);
	assert_int_equal(known(w)->state, RESOLVER_FOUND);
	expect(w, "192.0.2.1:0");
	assert_int_equal(w->changed, 1);
	close_world(w);
}

static void test_no_address(void **state)
{
	struct world *w = open_world();

	(void)state;
	w->v4 = w->v6 = 0;
	(void)known(w);
	WAIT(w->ev, w->changed == 1);
	assert_int_equal(known(w)->state, RESOLVER_FAILED);
	close_world(w);
}

/* More addresses than are kept: 35 in two answers that fit into 512 bytes each. */
static void test_bounded(void **state)
{
	struct world *w = open_world();

	(void)state;
	w->v4 = 20;
	w->v6 = 15;
	w->last = 100;
	(void)known(w);
	WAIT(w->ev, w->changed == 1);
	assert_int_equal(known(w)->n, RESOLVER_ADDRS_MAX);
	close_world(w);
}

/* Nobody wants it any more: not asked again, and asked for anew when wanted again. */
static void test_forgotten(void **state)
{
	struct world *w = open_world();
	unsigned asked;

	(void)state;
	(void)known(w);
	WAIT(w->ev, w->changed == 1);
	asked = w->asked;
	w->wanted = false;
	later(w, 31);
	for (int i = 0; i < 10; i++)
		(void)ev_turn(w->ev, 1);
	assert_int_equal(w->asked, asked);
	assert_int_equal(known(w)->state, RESOLVER_WAITING);
	WAIT(w->ev, w->asked == asked + 2);
	close_world(w);
}

static void test_many_names(void **state)
{
	struct world *w = open_world();
	char name[64];

	(void)state;
	w->rcode = SILENT;
	for (unsigned i = 0; i < RESOLVER_NAMES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%u.test", i);
		assert_non_null(resolver_get(w->r, str_from(name)));
	}
	assert_null(resolver_get(w->r, STR("one-more.test")));
	assert_non_null(resolver_get(w->r, STR("n7.test")));
	close_world(w);
}

static void test_freed_while_asking(void **state)
{
	struct world *w = open_world();

	(void)state;
	w->rcode = SILENT;
	(void)known(w);
	WAIT(w->ev, w->asked >= 1);
	close_world(w);
}

static void test_bad_servers(void **state)
{
	struct world *w = open_world();

	(void)state;
	errno = 0;
	assert_null(resolver_new(w->ev, "not an address", &ops, w));
	assert_int_equal(errno, EINVAL);
	resolver_free(NULL);
	close_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_ttl),
	    cmocka_unit_test(test_ttl_of_nothing),
	    cmocka_unit_test(test_no_such_name),
	    cmocka_unit_test(test_trouble_keeps_the_last),
	    cmocka_unit_test(test_no_address),
	    cmocka_unit_test(test_bounded),
	    cmocka_unit_test(test_forgotten),
	    cmocka_unit_test(test_many_names),
	    cmocka_unit_test(test_freed_while_asking),
	    cmocka_unit_test(test_bad_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
