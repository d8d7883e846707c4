/*
 * test_settle: a tunnel's request that has moved says the same in the log as it would have said
 * where it was, whatever the format names, and an idle WebSocket costs what it may cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/flow/chunk.h"
#include "worker/http1/h1c.h"
#include "worker/http1/h1u.h"
#include "worker/log/access_format.h"
#include "worker/log/access_log.h"
#include "worker/request/settle.h"

#define IDLE_MOST 2048 /* bytes of an idle WebSocket, both its connections included */

struct fixture {
	struct worker w;
	struct conf conf;
	struct side client, upstream;
	struct policy policy;
	struct access_format format;
	unsigned moved;
};

static struct fixture *fixture;

static const struct moment now = {
    .us = 10005000,
    .unix_ms = 1795454617123,
    .local = {"23/Nov/2026:17:23:37 +0000", 26},
    .iso_secs = {"2026-11-23T17:23:37", 19},
};

static void fake_moved(struct side *s)
{
	fixture->moved++;
}

static const struct side_ops client_ops = {.moved = fake_moved};
static const struct side_ops upstream_ops = {.moved = NULL};

static int set_up(void **state)
{
	struct fixture *f = fixture = calloc(1, sizeof(*f));

	conf_init(&f->conf);
	f->w.conf = &f->conf;
	f->w.slot = calloc(1, sizeof(*f->w.slot));
	f->w.ev = ev_new(EV_BACKEND_POLL);
	f->w.requests = slab_new("requests", sizeof(struct request), 0);
	f->w.arenas = slab_new("arenas", 4096, 0);
	f->w.chunks = slab_new("chunks", CHUNK_SIZE, 0);
	f->w.access_log = access_log_new(STDERR_FILENO, "node", f->w.slot);
	f->client.ops = &client_ops;
	f->upstream.ops = &upstream_ops;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(slab_used(f->w.requests), 0);
	assert_int_equal(slab_used(f->w.arenas), 0);
	assert_int_equal(slab_used(f->w.chunks), 0);
	access_log_free(f->w.access_log);
	slab_free(f->w.requests);
	slab_free(f->w.arenas);
	slab_free(f->w.chunks);
	ev_free(f->w.ev);
	free(f->w.slot);
	free(f);
	return 0;
}

static void use_format(struct fixture *f, const char *template)
{
	strncpy(f->conf.log_format_upstream, template, sizeof(f->conf.log_format_upstream) - 1);
	access_format_set(&f->format, &f->conf);
	access_log_configure(f->w.access_log, &f->conf, NULL);
}

static struct str copy(struct request *r, const char *s)
{
	return arena_str(&r->arena, str_from(s));
}

static void add(struct request *r, struct head *h, enum field_id id, const char *name,
		const char *value)
{
	assert_int_equal(head_add(h, id, copy(r, name), copy(r, value)), 0);
}

static void make_heads(struct request *r)
{
	struct head *in = &r->in, *resp = &r->resp;

	*in = (struct head){.method = METHOD_GET, .version = 11, .upgrade = true};
	*resp = (struct head){.status = 101, .version = 11};
	in->fields = arena_zalloc(&r->arena, 12 * sizeof(struct field));
	resp->fields = arena_zalloc(&r->arena, 4 * sizeof(struct field));
	in->cap_fields = 12;
	resp->cap_fields = 4;
	in->method_text = copy(r, "GET");
	in->target = copy(r, "/socket?stream=news&token=0123456789");
	in->authority = copy(r, "WS.example.com:8443");
	in->host = str_head(in->authority, 14);
	add(r, in, FIELD_USER_AGENT, "User-Agent",
	    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	    "Chrome/131.0.0.0 Safari/537.36");
	add(r, in, FIELD_OTHER, "Origin", "https://ws.example.com");
	add(r, in, FIELD_COOKIE, "Cookie", "theme=dark; session=abc");
	add(r, in, FIELD_COOKIE, "Cookie", "last=one");
	add(r, in, FIELD_AUTHORIZATION, "Authorization", "Bearer xyz");
	add(r, in, FIELD_AUTHORIZATION, "Authorization", "Basic YWxpY2U6c2VjcmV0");
	add(r, in, FIELD_X_FORWARDED_FOR, "X-Forwarded-For", "203.0.113.7");
	add(r, in, FIELD_CONTENT_TYPE, "Content-Type", "text/plain");
	add(r, in, FIELD_REFERER, "Referer", "https://example.com/\"q\"");
	in->fields[6].drop = 1;
	add(r, resp, FIELD_OTHER, "Sec-WebSocket-Accept", "kcXXYZ=");
	add(r, resp, FIELD_SERVER, "Server", "origin");
	resp->fields[1].drop = 1;
}

/* A tunnel as step relay leaves it, two tries behind it. */
static struct request *tunnel(struct fixture *f)
{
	struct request *r = request_new(&f->w, &f->client);

	make_heads(r);
	r->path = copy(r, "/socket");
	r->query = str_from_at(r->in.target, 8);
	r->told = (struct told){.host = copy(r, "told.example.com"), .port = 444, .https = true};
	r->request_id = copy(r, "0123456789abcdef0123456789abcdef");
	r->cluster = copy(r, "default-echo-80");
	r->canary = copy(r, "default-new-80");
	r->path_bytes = chunk_new(f->w.chunks);
	r->resp_bytes = chunk_new(f->w.chunks);
	policy_defaults(&f->policy);
	r->route.policy = &f->policy;
	assert_true(addr_parse(STR("192.0.2.7"), 4711, &r->peer));
	r->upstream = &f->upstream;
	f->upstream.request = r;
	r->status = 101;
	r->head_sent = r->tunnel = true;
	r->rx_bytes = 500;
	r->tx_bytes = 200;
	r->tx_content = 70;
	r->start_us = 10000000;
	r->reason = REASON_TUNNEL_DONE;
	r->n_tries = 2;
	r->tries[0] = (struct try_record){
	    .reason = REASON_CONNECT_FAILED, .start_us = 10000500, .end_us = 10000900};
	r->tries[1] = (struct try_record){
	    .status = 101, .start_us = 10001000, .connected_us = 10001200, .head_us = 10002000};
	assert_true(addr_parse(STR("10.0.0.1"), 8080, &r->tries[0].addr));
	assert_true(addr_parse(STR("2001:db8::1"), 8080, &r->tries[1].addr));
	return r;
}

static char *line_of(const struct fixture *f, const struct request *r)
{
	char *buf = malloc(ACCESS_LINE_MAX + 1);
	struct text t;

	text_fixed(&t, buf, ACCESS_LINE_MAX);
	access_format_write(&f->format, r, &now, &t);
	assert_false(t.full);
	buf[t.n] = '\0';
	return buf;
}

/* Whoever comes next uses the place the request had, and its memory. */
static void overwrite_what_was_given_back(struct fixture *f)
{
	struct slab *slabs[] = {f->w.requests, f->w.arenas, f->w.chunks, f->w.chunks};
	void *used[4];

	for (unsigned i = 0; i < 4; i++) {
		used[i] = slab_get(slabs[i]);
		memset(used[i], 0xa5, slab_size(slabs[i]));
	}
	for (unsigned i = 0; i < 4; i++)
		slab_put(slabs[i], used[i]);
}

static void end(struct fixture *f, struct request *r)
{
	r->client = r->upstream = NULL;
	f->client.request = f->upstream.request = NULL;
	request_free(r);
}

static void check_line(struct fixture *f)
{
	struct request *r = tunnel(f);
	char *before = line_of(f, r), *after;

	f->moved = 0;
	r = request_settle(r);
	assert_true(r->settled);
	assert_ptr_equal(f->client.request, r);
	assert_ptr_equal(f->upstream.request, r);
	assert_int_equal(f->moved, 1);
	overwrite_what_was_given_back(f);
	after = line_of(f, r);
	assert_string_equal(after, before);
	free(before);
	free(after);
	end(f, r);
}

static void the_line_is_the_same(void **state)
{
	struct fixture *f = *state;
	/* every variable there is */
	static const char all[] =
#define VAR(id, name) "$" #name "|"
#include "common/vars/var_tbl.h"
	    ;
	static const char families[] =
	    "$http_user_agent|$http_origin|$http_cookie|$http_authorization|$http_x_forwarded_for|"
	    "$http_none|$cookie_theme|$cookie_last|$cookie_none|$arg_token|$arg_none|"
	    "$sent_http_sec_websocket_accept|$sent_http_server|$upstream_http_server|"
	    "$upstream_http_none";

	use_format(f, families);
	check_line(f);
	f->conf.log_format_escape_json = true;
	use_format(f, families);
	check_line(f);
	f->conf.log_format_escape_json = false;
	use_format(f, all);
	check_line(f);
	for (enum var_id id = VAR_NOTHING + 1; id < VAR_COUNT; id++) { /* nobody keeps for others */
		char one[80];

		(void)snprintf(one, sizeof(one), "$%s%s|", vars_name(id),
			       id == VAR_HTTP || id == VAR_SENT_HTTP || id == VAR_UPSTREAM_HTTP
				   ? "server"
			       : id == VAR_COOKIE || id == VAR_ARG ? "token"
								   : "");
		use_format(f, one);
		check_line(f);
	}
}

static void the_builtin_lines_are_the_same(void **state)
{
	struct fixture *f = *state;

	use_format(f, "");
	check_line(f);
	f->conf.access_log_format = CONF_ACCESS_JSON;
	use_format(f, "");
	check_line(f);
}

static void nothing_is_kept_for_a_log_that_is_off(void **state)
{
	struct fixture *f = *state;
	struct request *r = tunnel(f);

	strcpy(f->conf.access_log, "off");
	access_log_configure(f->w.access_log, &f->conf, NULL);
	r = request_settle(r);
	assert_int_equal(r->in.n_fields + r->resp.n_fields, 0);
	end(f, r);
}

/* The path is not as it was asked for: it is kept beside the target. */
static void a_path_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct request *r = tunnel(f);

	use_format(f, "$uri");
	r->path = copy(r, "/so cket");
	r->query = STR_NONE;
	r = request_settle(r);
	overwrite_what_was_given_back(f);
	assert_true(str_eq(r->path, STR("/so cket")));
	assert_null(r->query.p);
	end(f, r);
}

static void an_idle_websocket_costs_two_kibibytes(void **state)
{
	struct fixture *f = *state;
	struct request *r = tunnel(f);

	use_format(f, "");
	r->n_tries = 1;
	r->in.n_fields = 4; /* as a browser asks */
	r->told.host = r->canary = STR_NONE;
	r = request_settle(r);
	assert_int_equal(r->in.n_fields, 1);
	assert_in_range(malloc_usable_size(r) + sizeof(size_t) + sizeof(struct h1c) +
			    sizeof(struct h1u),
			REQUEST_SETTLED, IDLE_MOST);
	end(f, r);
}

/* What it lets go of while it lies elsewhere is let go of once. */
static void content_under_way_moves_along(void **state)
{
	struct fixture *f = *state;
	struct request *r = tunnel(f);
	struct slice s;

	assert_int_equal(pipe_write(&r->down, f->w.chunks, "frame", 5), 5);
	r = request_settle(r);
	assert_true(pipe_peek(&r->down, &s));
	assert_memory_equal(s.chunk->data + s.off, "frame", 5);
	assert_non_null(arena_alloc(&r->arena, 100));
	end(f, r);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(the_line_is_the_same),
	    T(the_builtin_lines_are_the_same),
	    T(nothing_is_kept_for_a_log_that_is_off),
	    T(a_path_of_its_own),
	    T(an_idle_websocket_costs_two_kibibytes),
	    T(content_under_way_moves_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
