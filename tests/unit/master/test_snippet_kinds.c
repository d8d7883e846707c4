/* test_snippet_kinds: what only some snippets may hold: questions, http-snippet, texts put
 * together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/master/snippet_probe.h"

static void of_a_question(void **state)
{
	struct policy_header_view v;
	struct str list;
	struct text out;
	struct snip s = good(SNIPPET_OF_AUTH,
			     "set $a x; set $b $a$host; set $a y;\n"
			     "proxy_set_header X-B $b; proxy_set_header X-A $a;\n"
			     "more_clear_input_headers X-C; proxy_set_header Content-Length '';\n"
			     "proxy_pass_request_headers off; proxy_pass_request_body off;\n"
			     "auth_request_set $c $upstream_http_c; proxy_read_timeout 5s;",
			     &out);

	(void)state;
	assert_true(s.ops.n > 0);
	list = snip_list(&s, 0, SNIP_SEND);
	assert_int_equal(policy_header_count(list), 2);
	assert_true(policy_header_next(&list, &v));
	assert_true(str_eq(v.name, STR("X-B")));
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_INPUT)), 1);
	assert_true(str_eq(snip_list(&s, 0, SNIP_PASS), STR("off")));
	free(out.p);
	(void)good(SNIPPET_OF_AUTH, "if ($request_uri ~ ^/a) { return 200; } return 403;", &out);
	free(out.p);
	refused(SNIPPET_OF_AUTH, "return 302;", "return of a question takes");
	refused(SNIPPET_OF_AUTH, "return 200 ok;\nreturn http://a;",
		"line 2: return of a question");
	refused(SNIPPET_OF_AUTH, "if ($host) { break; }", "break cannot stand in this block");
	refused(SNIPPET_OF_AUTH, "if ($host) { proxy_set_header A b; }",
		"cannot stand in this block");
	refused(SNIPPET_OF_AUTH, "if ($uri) { return 200; }",
		"$uri is made of what is of the question");
	refused(SNIPPET_OF_AUTH, "if ($arg_x) { return 200; }",
		"$arg_x is made of what is of the question");
	refused(SNIPPET_OF_AUTH, "location / { return 200; }", "location cannot stand here");
	refused(SNIPPET_OF_AUTH, "proxy_pass_request_body on;", "has no content");
	refused(SNIPPET_OF_AUTH, "proxy_set_header X $a;", "$a never has a value");
	refused(SNIPPET_OF_PATH, "proxy_pass_request_headers off;", "cannot stand in this block");
	refused(SNIPPET_OF_PATH, "auth_request_set $a $b;", "auth-response-headers");
}

static void of_http(void **state)
{
	static const char *const minor = "log_format a '$host'; upstream u { server a; }\n"
					 "server { listen 8080; location / { return 200; } }\n"
					 "server { listen [::]:81 ssl; }";
	struct told told;
	struct text out;
	struct snip s = good(SNIPPET_OF_HTTP, "add_header A b; deny all; expires 1h;", &out);

	(void)state;
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_ADD)), 1);
	assert_true(snippet_does_something(&out));
	free(out.p);
	assert_true(compile(SNIPPET_OF_HTTP, minor, &told, &out));
	assert_int_equal(told.left, 3);
	assert_int_equal(servers.n, 1);
	assert_false(snippet_does_something(&out));
	free(out.p);
	refused(SNIPPET_OF_HTTP, "set $a b;", "set cannot stand in this block");
	refused(SNIPPET_OF_HTTP, "if ($host) { return 403; }", "\"if\" is none");
	refused(SNIPPET_OF_HTTP, "server { server_name a; }", "line 1: server is not supported");
	refused(SNIPPET_OF_HTTP, "\nserver { listen 8080; listen *:443 ssl; }", "line 2: server");
	refused(SNIPPET_OF_HTTP, "server { listen 127.0.0.1; }", "server is not supported");
	refused(SNIPPET_OF_HTTP, "server { listen 8080;", "a block is not closed");
	refused(SNIPPET_OF_PATH, "log_format a b;", "log_format is not supported");
}

/* Each entry as "kind:text" with a blank behind it. */
static void maps_are(const char *in, const char *want)
{
	struct map_entry_view e;
	char got[256], one[64];
	struct map_view m;
	struct str rest;
	struct text t, out;

	(void)good(SNIPPET_OF_HTTP, in, &out);
	free(out.p);
	text_fixed(&t, got, sizeof(got) - 1);
	rest = str_make(maps.p, maps.n);
	while (map_next(&rest, &m)) {
		text_str(&t, m.name);
		text_char(&t, m.geo ? '@' : '=');
		while (map_next_entry(&m.entries, &e)) {
			int n = snprintf(one, sizeof(one), " %d:" STR_FMT, (int)e.kind,
					 STR_ARG(e.kind == MAP_NET ? STR("net") : e.text));

			text_str(&t, str_make(one, (size_t)n));
		}
		text_char(&t, ';');
	}
	got[t.n] = '\0';
	assert_string_equal(got, want);
	assert_int_equal(rest.n, 0);
}

static void maps_become_entries(void **state)
{
	(void)state;
	maps_are("map $host $A_b { default x; a 1; ~^b$ 2; ~*c 3; \\~d 4; volatile; }",
		 "a_b= 0:a 1:^b$ 2:c 0:~d;");
	maps_are("map \"$scheme:$host\" $a { hostnames; *.a 1; .b 2; c.* 3; d 4; }",
		 "a= 3:.a 4:.b 5:c. 0:d;");
	maps_are("map $host $a { *.a 1; .b 2; '' 3; }", "a= 0:*.a 0:.b 0:;");
	maps_are("geo $a { default 0; 192.0.2.0/24 1; ::1 2; } geo $remote_addr $b { }",
		 "a@ 6:net 6:net;b@;");
	maps_are("map $http_a $pass_port { default 443; }", "");
}

static void broken_maps(void **state)
{
	static const char *const texts[][2] = {
	    {"map $host { a b; }", "map takes a value, and a variable"},
	    {"map $host name { a b; }", "map takes a value, and a variable"},
	    {"map $host $a { a; }", "\"a\" cannot stand here"},
	    {"map $host $a {\n a b c; }", "line 2"},
	    {"map $host $a { include x; }", "\"include\" cannot stand here"},
	    {"map $host $a { x { y z; } }", "a block cannot stand here"},
	    {"map $host $a { ~( x; }", "is no regular expression"},
	    {"map $host $a { b $nobody; }", "$nobody never has a value"},
	    {"map $host $a { b $1; }", "$1 has no value"},
	    {"map $nobody $a { b c; }", "$nobody never has a value"},
	    {"map $geoip2_country_code $a { b c; }", "$geoip2_country_code never has a value"},
	    {"map $host $a { b $geoip2_city; }", "$geoip2_city never has a value"},
	    {"map $host $a { default $geoip2_city; }", "$geoip2_city never has a value"},
	    {"map $host $a { b c;", "a block is not closed"},
	    {"map $a $host { b c; }", ""},
	    {"map $host $remote_addr { b c; }", "$remote_addr is known already"},
	    {"map a b;", "map must open a block"},
	    {"geo $a { ranges; }", "\"ranges\" cannot stand here"},
	    {"geo $a { nowhere 1; }", "is no network"},
	    {"geo $a $b $c { }", "geo takes an address, and a variable"},
	    {"split_clients $host $a { 1% b; }", "use a canary"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refused(SNIPPET_OF_HTTP, texts[i][0], texts[i][1]);
	refused(SNIPPET_OF_HOST, "map $host $a { b c; }",
		"map is not supported: in an http-snippet");
}

static void limits(void **state)
{
	struct snip_limit limit;
	struct str list;
	struct text out;
	struct snip s;

	(void)state;
	zones.n = 0;
	(void)good(SNIPPET_OF_HTTP,
		   "limit_req_zone $binary_remote_addr zone=a:10m rate=10r/s;\n"
		   "limit_req_zone $http_x zone=b:1m rate=30r/m sync;",
		   &out);
	assert_false(snippet_does_something(&out));
	free(out.p);
	assert_int_equal(zones.n, 2);
	s = good(SNIPPET_OF_PATH, "limit_req zone=b burst=5 nodelay; limit_req zone=a;", &out);
	list = snip_list(&s, 0, SNIP_LIMIT);
	memcpy(&limit, list.p, sizeof(limit));
	assert_true(limit.interval_us == 2000000 && limit.burst == 5 && limit.key_n > 0);
	list = str_from_at(list, sizeof(limit) + limit.key_n);
	memcpy(&limit, list.p, sizeof(limit));
	assert_true(limit.interval_us == 100000 && limit.burst == 0);
	assert_int_equal(list.n, sizeof(limit) + limit.key_n);
	free(out.p);
	refused(SNIPPET_OF_PATH, "limit_req zone=c;", "no limit_req_zone of the ConfigMap's");
	refused(SNIPPET_OF_PATH, "limit_req zone=a burst=x;", "limit_req takes zone=");
	refused(SNIPPET_OF_PATH, "limit_req zone=b burst=43200;", "more than a day");
	refused(SNIPPET_OF_PATH, "if ($host) { limit_req zone=a; }", "cannot stand in this block");
	refused(SNIPPET_OF_PATH, "limit_req_zone $host zone=d rate=1r/s;", "cannot stand");
	refused(SNIPPET_OF_HTTP, "limit_req_zone $host zone=a:1m rate=1r/s;", "up to 32 zones");
	refused(SNIPPET_OF_HTTP, "limit_req_zone $host zone=d:1m rate=1;", "such as 10r/s");
	refused(SNIPPET_OF_HTTP, "limit_req_zone $nobody zone=d:1m rate=1r/s;",
		"$nobody never has");
	refused(SNIPPET_OF_HTTP, "limit_req_zone $host zone=d:1m rates=1r/s;", "takes a key");
	zones.n = 0;
}

static void names_of_maps(void **state)
{
	struct snippet_names names;
	struct str str;
	struct text out;

	(void)state;
	snippet_http_names(STR("map a $One { x y; } server { map a $two { } }\n"
			       "geo $three { } map $a $host { } geo { } map x"),
			   &names);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.name[0], "one");
	assert_string_equal(names.name[1], "three");
	refused(SNIPPET_OF_PATH, "if ($one = a) { return 403; }", "$one never has a value");
	str = str_from(names.name[0]);
	vars_define(&str, 1);
	(void)good(SNIPPET_OF_PATH, "if ($ONE = a) { return 403; }", &out);
	free(out.p);
	refused(SNIPPET_OF_PATH, "set $one a;", "it is known already");
	vars_define(NULL, 0);
}

static void of_nothing(void **state)
{
	struct told told;
	struct text out;

	(void)state;
	assert_true(compile(SNIPPET_OF_OTHER,
			    "worker_priority 1; anything at all; server { listen 1; a { b; } }",
			    &told, &out));
	assert_true(told.notes == 1 && told.left == 2 && told.refused == 0);
	free(out.p);
	refused(SNIPPET_OF_OTHER, "a {", "a block is not closed");
}

/* Of two texts that are one block, and under one that is above them. */
static void together(void **state)
{
	struct told told = {.notes = 0};
	const struct snippet_user user = {.tell = tell, .arg = &told};
	struct snippet_names names = {.n = 0};
	struct text above, out;
	struct snip s;
	struct snippet_job job = {.kind = SNIPPET_OF_HOST,
				  .from = {{STR("set $a 1; add_header A a;"), &user, false},
					   {STR("add_header B $a; log_format x y;"), &user, true}},
				  .n = 2};

	(void)state;
	(void)good(SNIPPET_OF_HTTP, "add_header H h; deny all;", &above);
	job.above = str_make(above.p, above.n);
	assert_true(snippet_compile(&job, &names, &out));
	assert_true(snip_read(str_make(out.p, out.n), &s));
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_ADD)), 2);
	assert_int_equal(snip_list(&s, 0, SNIP_ACCESS).n, sizeof(struct snip_rule));
	assert_int_equal(told.left, 1);
	free(out.p);
	job.from[1].of_all = false; /* of an annotation the same is refused */
	assert_false(snippet_compile(&job, &names, &out));
	free(out.p);
	free(above.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(of_a_question),
	    cmocka_unit_test(of_http),
	    cmocka_unit_test(maps_become_entries),
	    cmocka_unit_test(broken_maps),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(names_of_maps),
	    cmocka_unit_test(of_nothing),
	    cmocka_unit_test(together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
