/* access_fixture: a request that has ended, and a log that writes into a pipe. */
#ifndef SILEX_TESTS_ACCESS_FIXTURE_H
#define SILEX_TESTS_ACCESS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/vars/log_format.h"
#include "worker/log/access_format.h"
#include "worker/log/access_line.h"
#include "worker/log/access_log.h"
#include "worker/rewrite/regex.h"
#include "worker/request/request.h"

struct fixture {
	struct worker w;
	struct slot *slot;
	struct request r;
	struct field fields[4];
	struct policy policy;
	int ends[2]; /* a non-blocking pipe */
	struct access_log *log;
};

static struct moment now = {
    .us = 10005000,
    .unix_ms = 1795454617123,
    .local = {"23/Nov/2026:17:23:37 +0000", 26},
    .iso_secs = {"2026-11-23T17:23:37", 19},
};

static inline void simple_request(struct fixture *f)
{
	struct request *r = &f->r;

	*r = (struct request){
	    .w = &f->w, .status = 200, .reason = REASON_DONE, .start_us = 10000000};
	r->role = ROLE_HTTP;
	assert_true(addr_parse(STR("192.0.2.7"), 4711, &r->peer));
	r->in.method_text = STR("GET");
	r->in.target = STR("/a?b=c");
	r->in.host = STR("silex.local");
	r->in.version = 11;
	r->in.fields = f->fields;
	r->in.cap_fields = 4;
	r->rx_bytes = 82;
	r->tx_bytes = 300;
	r->tx_content = 128;
	r->cluster = STR("default-echo-80");
	r->request_id = STR("0123456789abcdef0123456789abcdef");
	policy_defaults(&f->policy);
	r->route.policy = &f->policy;
	r->n_tries = 1;
	r->tries = r->all_tries;
	r->tries[0] = (struct try_record){
	    .status = 200, .start_us = 10001000, .end_us = 10004000, .bytes = 128};
	assert_true(addr_parse(STR("10.0.0.1"), 8080, &r->tries[0].addr));
}

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)signal(SIGPIPE, SIG_IGN);
	f->slot = calloc(1, sizeof(*f->slot));
	f->w.slot = f->slot;
	f->w.ev = ev_new(EV_BACKEND_EPOLL);
	assert_int_equal(pipe2(f->ends, O_NONBLOCK | O_CLOEXEC), 0);
	simple_request(f);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	access_log_free(f->log);
	(void)close(f->ends[0]);
	(void)close(f->ends[1]);
	ev_free(f->w.ev);
	free(f->slot);
	free(f);
	return 0;
}

static inline const char *text_line(struct fixture *f)
{
	static char buf[ACCESS_LINE_MAX + 1];
	struct text t;

	text_fixed(&t, buf, ACCESS_LINE_MAX);
	access_line_upstreaminfo(&t, &f->r, &now);
	assert_false(t.full);
	buf[t.n] = '\0';
	return buf;
}

static inline const char *json_line(struct fixture *f)
{
	static char buf[ACCESS_LINE_MAX + 1];
	struct text t;

	text_fixed(&t, buf, ACCESS_LINE_MAX);
	access_line_json(&t, &f->r, &now);
	assert_false(t.full);
	buf[t.n] = '\0';
	return buf;
}

/* ---- the way out ---- */

static inline uint64_t stat_of(const struct fixture *f, enum stat_id id)
{
	return atomic_load(&f->slot->stats[id]);
}

static inline void open_log(struct fixture *f)
{
	f->log = access_log_new(f->ends[1], "node-1", f->slot);
	assert_non_null(f->log);
}

/* Reads what is there; every line must be a whole one. Returns the number of lines. */
static inline uint64_t read_lines(struct fixture *f)
{
	static char buf[1 << 20];
	size_t n = 0;
	uint64_t lines = 0;
	ssize_t got;

	while ((got = read(f->ends[0], buf + n, sizeof(buf) - n)) > 0)
		n += (size_t)got;
	for (char *p = buf, *end; p < buf + n; p = end + 1) {
		end = memchr(p, '\n', (size_t)(buf + n - p));
		assert_non_null(end);
		assert_int_equal(strncmp(p, "192.0.2.7 - - [", 15), 0);
		assert_int_equal(strncmp(end - 32, "0123456789abcdef", 16), 0);
		lines++;
	}
	return lines;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
