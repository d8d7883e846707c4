/* test_vars: what each variable is worth for a request, and how peers' bytes are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/version.h"
#include "worker/request/request.h"
#include "worker/vars/vars.h"

struct fixture {
	struct worker w;
	struct conf conf;
	struct slot *slot;
	struct request r;
	struct field fields[8], answer[2];
};

static const struct moment now = {
    .us = 10005000,
    .unix_ms = 1795454617123,
    .local = {"23/Nov/2026:17:23:37 +0000", 26},
    .iso_secs = {"2026-11-23T17:23:37", 19},
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct request *r = &f->r;

	conf_init(&f->conf);
	f->conf.http_port = 8080;
	f->slot = calloc(1, sizeof(*f->slot));
	f->w = (struct worker){.slot = f->slot, .conf = &f->conf, .hostname = "node-1"};
	f->w.ev = ev_new(EV_BACKEND_POLL);
	f->w.arenas = slab_new("arenas", 4096, 64);
	atomic_store(&f->slot->pid, 77);
	r->w = &f->w;
	r->tries = r->all_tries;
	arena_init_with(&r->arena, f->w.arenas, REQUEST_ARENA_MAX, r->space, sizeof(r->space));
	assert_true(addr_parse(STR("192.0.2.7"), 4711, &r->peer));
	r->in = (struct head){.method_text = STR("GET"),
			      .target = STR("/a%20b?x=1&Y=two"),
			      .authority = STR("Silex.Local:8080"),
			      .host = STR("Silex.Local"),
			      .version = 11,
			      .fields = f->fields,
			      .cap_fields = 8};
	r->resp = (struct head){.status = 200, .fields = f->answer, .cap_fields = 2};
	r->path = STR("/a b");
	r->query = STR("x=1&Y=two");
	r->status = 200;
	r->reason = REASON_DONE;
	r->start_us = 10000000;
	r->rx_bytes = 82;
	r->tx_bytes = 300;
	r->tx_content = 128;
	r->cluster = STR("default-echo-80");
	r->request_id = STR("0123456789abcdef0123456789abcdef");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_reset(&f->r.arena);
	slab_free(f->w.arenas);
	ev_free(f->w.ev);
	free(f->slot);
	free(f);
	return 0;
}

static const char *written(struct fixture *f, const char *template, enum vars_escape escape,
			   size_t most)
{
	static char out[8192], program[VARS_PROGRAM_MAX];
	struct text p, t;

	text_fixed(&p, program, sizeof(program));
	assert_int_not_equal(vars_compile(str_from(template), &p, NULL), VARS_BAD);
	text_fixed(&t, out, sizeof(out) - 1);
	vars_write(str_make(p.p, p.n), &f->r, &now, (struct vars_style){escape, most}, &t);
	assert_false(t.full);
	out[t.n] = '\0';
	return out;
}

static void check(struct fixture *f, const char *template, const char *want)
{
	assert_string_equal(written(f, template, VARS_HEX, 1000), want);
}

static void field(struct fixture *f, enum field_id id, const char *name, const char *value)
{
	assert_int_equal(head_add(&f->r.in, id, str_from(name), str_from(value)), 0);
}

static void the_client(void **state)
{
	struct fixture *f = *state;

	check(f, "$remote_addr:$remote_port $the_real_ip", "192.0.2.7:4711 192.0.2.7");
	check(f, "$binary_remote_addr", "c0000207");
	check(f, "$scheme [$https] $server_port $pass_port", "http [] 8080 8080");
	check(f, "$remote_user $ssl_protocol $ssl_cipher $ssl_server_name", "- - - -");
	check(f, "$proxy_add_x_forwarded_for", "192.0.2.7");
	field(f, FIELD_X_FORWARDED_FOR, "X-Forwarded-For", "203.0.113.5");
	check(f, "$proxy_add_x_forwarded_for", "203.0.113.5, 192.0.2.7");
	field(f, FIELD_AUTHORIZATION, "Authorization", "Basic YWxpY2U6c2VjcmV0");
	check(f, "$remote_user", "alice");
	f->r.secure = f->r.told.https = true;
	check(f, "$scheme $https $pass_access_scheme $pass_port", "https on https 443");
}

static void the_request(void **state)
{
	struct fixture *f = *state;

	check(f, "$request", "GET /a%20b?x=1&Y=two HTTP/1.1");
	check(f, "$request_method|$request_uri|$uri|$document_uri|$args|$is_args",
	      "GET|/a%20b?x=1&Y=two|/a b|/a b|x=1&Y=two|?");
	check(f, "$host $http_host $best_http_host $server_protocol",
	      "silex.local Silex.Local:8080 Silex.Local:8080 HTTP/1.1");
	check(f, "$escaped_request_uri", "%2Fa%2520b%3Fx%3D1%26Y%3Dtwo");
	check(f, "$request_length $req_id", "82 0123456789abcdef0123456789abcdef");
	check(f, "$content_length", "-");
	f->r.in.has_length = true;
	f->r.in.length = 12;
	check(f, "$content_length", "12");
}

static void named_parts(void **state)
{
	struct fixture *f = *state;

	check(f, "$arg_x $arg_y $arg_z", "1 two -");
	check(f, "$http_x_id", "-");
	field(f, FIELD_OTHER, "X-Id", "a");
	field(f, FIELD_OTHER, "x-id", "b");
	check(f, "$http_x_id", "a, b");
	field(f, FIELD_COOKIE, "Cookie", "one=1; Two=2; empty=");
	field(f, FIELD_COOKIE, "cookie", "three=3");
	check(f, "$cookie_one $cookie_two [$cookie_empty] $cookie_three $cookie_on", "1 2 [] 3 -");
	check(f, "$http_cookie", "one=1; Two=2; empty=; three=3");
}

static void the_answer(void **state)
{
	struct fixture *f = *state;
	struct request *r = &f->r;

	check(f, "$status $body_bytes_sent $bytes_sent $request_time $silex_reason",
	      "200 128 300 0.005 done");
	check(f, "$request_completion|$sent_http_etag", "|-");
	r->client_sent = true;
	check(f, "$request_completion", "OK");
	assert_int_equal(head_add(&r->resp, FIELD_ETAG, STR("ETag"), STR("\"v1\"")), 0);
	check(f, "$sent_http_etag", "-"); /* nothing went out yet */
	r->head_sent = true;
	check(f, "$sent_http_etag", "\\x22v1\\x22");
	check(f, "$upstream_http_etag", "-"); /* made here, as far as it is known */
}

static void the_endpoints(void **state)
{
	struct fixture *f = *state;
	struct request *r = &f->r;

	check(f, "$upstream_addr $upstream_status", "- -");
	r->n_tries = 2;
	r->tries[0] =
	    (struct try_record){.reason = REASON_CONNECT_FAILED, .start_us = 1000, .end_us = 3000};
	r->tries[1] = (struct try_record){.status = 200,
					  .start_us = 3000,
					  .connected_us = 4000,
					  .head_us = 6000,
					  .end_us = 8000,
					  .bytes = 128};
	assert_true(addr_parse(STR("10.0.0.1"), 80, &r->tries[0].addr));
	assert_true(addr_parse(STR("fd00::2"), 80, &r->tries[1].addr));
	check(f, "$upstream_addr", "10.0.0.1:80, [fd00::2]:80");
	check(f, "$upstream_status|$upstream_response_length", "502, 200|0, 128");
	check(f, "$upstream_response_time|$upstream_connect_time|$upstream_header_time",
	      "0.002, 0.005|-, 0.001|-, 0.003");
}

static void route_moment_and_process(void **state)
{
	struct fixture *f = *state;

	check(f, "[$namespace] [$ingress_name] [$service_name] $server_name", "[] [] [] _");
	check(f, "$proxy_upstream_name [$proxy_alternative_upstream_name]", "default-echo-80 []");
	f->r.cluster = STR_NONE;
	check(f, "$proxy_upstream_name $proxy_host", "- -");
	check(f, "$time_local|$time_iso8601|$msec",
	      "23/Nov/2026:17:23:37 +0000|2026-11-23T17:23:37+00:00|1795454617.123");
	check(f, "$pid $hostname $nginx_version", "77 node-1 " SILEX_VERSION);
}

static void peers_bytes_are_escaped(void **state)
{
	struct fixture *f = *state;

	field(f, FIELD_USER_AGENT, "User-Agent", "a\"b\\c\x01\n\xff");
	check(f, "\"$http_user_agent\"", "\"a\\x22b\\x5Cc\\x01\\x0A\\xFF\"");
	assert_string_equal(
	    written(f, "{\"ua\":\"$http_user_agent\",\"x\":\"$http_x\"}", VARS_JSON, 1000),
	    "{\"ua\":\"a\\\"b\\\\c\\u0001\\n\xef\xbf\xbd\",\"x\":\"\"}");
	assert_string_equal(written(f, "$http_user_agent|$http_x", VARS_PLAIN, 1000),
			    "a\"b\\c  \xff|");
	check(f, "$nobody", "-");
}

static void values_are_bounded(void **state)
{
	struct fixture *f = *state;

	field(f, FIELD_USER_AGENT, "User-Agent", "0123456789");
	assert_string_equal(written(f, "$http_user_agent", VARS_HEX, 4), "0123...");
	assert_string_equal(written(f, "$http_user_agent", VARS_PLAIN, 4), "0123");
}

/* What a request that was refused before it had a head is worth. */
static void an_empty_request(void **state)
{
	struct fixture *f = *state;

	f->r.in = (struct head){.version = 11};
	f->r.path = f->r.query = f->r.request_id = STR_NONE;
	check(f, "$request|$request_method|$uri|$args|$host|$http_host|$req_id|$content_type",
	      "-|-|-|-|-|-|-|-");
	check(f, "$server_protocol $arg_x $cookie_x $is_args", "- - - ");
}

static bool eval(struct fixture *f, const char *template, struct str *out)
{
	static char program[VARS_PROGRAM_MAX];
	struct text p;

	text_fixed(&p, program, sizeof(program));
	assert_int_not_equal(vars_compile(str_from(template), &p, NULL), VARS_BAD);
	return vars_eval(str_make(p.p, p.n), &f->r, out);
}

static void values_in_the_arena(void **state)
{
	struct fixture *f = *state;
	char large[VARS_VALUE_MAX + 2];
	struct str out;

	assert_true(eval(f, "plain", &out));
	assert_true(str_eq(out, STR("plain")));
	assert_true(eval(f, "$host$request_uri", &out));
	assert_true(str_eq(out, STR("silex.local/a%20b?x=1&Y=two")));
	assert_true(eval(f, "$http_nothing", &out));
	assert_int_equal(out.n, 0);
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	field(f, FIELD_OTHER, "X-Large", large);
	assert_false(eval(f, "$http_x_large", &out)); /* cut would be another value */
	f->r.arena.limit = f->r.arena.used;
	assert_false(eval(f, "$host", &out));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(the_client),
	    T(the_request),
	    T(named_parts),
	    T(the_answer),
	    T(the_endpoints),
	    T(route_moment_and_process),
	    T(peers_bytes_are_escaped),
	    T(values_are_bounded),
	    T(an_empty_request),
	    T(values_in_the_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
