/* Servers of an http-snippet: which of them are served, as what, and why others are left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/master/snippet_probe.h"

static bool compile_http(const char *in, struct told *told)
{
	struct text out;
	bool ok;

	zones.n = 0;
	ok = compile(SNIPPET_OF_HTTP, in, told, &out);
	free(out.p);
	return ok;
}

static void refused_http(const char *in, const char *why)
{
	zones.n = 0;
	refused(SNIPPET_OF_HTTP, in, why);
	assert_int_equal(servers.n, 0);
}

/* One server of this port, with one return. */
static void served(const char *in, unsigned port, bool proxy_in, unsigned status)
{
	struct snip_step step;
	struct told told;
	struct snip s;

	if (!compile_http(in, &told) || told.left != 0 || servers.n != 1)
		fail_msg("%s: %s", in, told.text);
	assert_int_equal(servers.v[0].port, port);
	assert_int_equal(servers.v[0].proxy_in, proxy_in);
	assert_true(snip_read(str_make(servers.v[0].program.p, servers.v[0].program.n), &s));
	assert_true(snip_next(&s.ops, &step) && step.op.code == SNIP_RETURN);
	assert_int_equal(step.op.arg, status);
	assert_true(s.ops.n == 0 && s.locations.n == 0);
}

static void left_out(const char *in, unsigned times, const char *why)
{
	struct told told;

	if (!compile_http(in, &told))
		fail_msg("%s: %s", in, told.text);
	if (told.left != times || strstr(told.text, why) == NULL)
		fail_msg("%s: %u, %s", in, told.left, told.text);
	assert_int_equal(servers.n, 0);
}

static void servers_that_return(void **state)
{
	struct snip s;

	(void)state;
	served("server {\n  listen 2443;\n  return 308 https://$host$request_uri;\n}", 2443, false,
	       308);
	served("server { listen *:81 default_server reuseport backlog=9 proxy_protocol;\n"
	       "listen [::]:81 ipv6only=on; server_name _ a.test; location / { return 200 ok; } }",
	       81, true, 200);
	served("server { server_tokens off; location ^~ / { return http://a; } listen 1; }", 1,
	       false, 302);
	served("server { listen 81; return 404; }\nadd_header A b;", 81, false, 404);
	assert_true(snip_read(str_make(servers.v[0].program.p, servers.v[0].program.n), &s));
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_ADD)), 1);
	refused_http("server { listen 81; return 404; }\ninclude x;", "line 2");
}

static void servers_that_do_more(void **state)
{
	static const char *const texts[][2] = {
	    {"listen 81;", "server of line 1 has no return"},
	    {"listen 81;\nlisten 82; return 200;", "listen of line 2 names another port"},
	    {"listen 81 ssl; return 200;", "listen of line 1 asks for more than HTTP"},
	    {"listen 192.0.2.1:81; return 200;", "use bind-address"},
	    {"listen 10254; return 200;", "names the port of health checks"},
	    {"listen 0; return 200;", "names the port of health checks, or none"},
	    {"listen 81; return 200; return 404;", "return of line 1 is one too many"},
	    {"listen 81; return 1 2 3;", "too many words"},
	    {"listen 81; return 299;", "return takes 200"},
	    {"listen 81;\nreturn 308 $nobody;", "line 2: $nobody never has a value"},
	    {"listen 81; location /a { return 200; }", "not of all paths"},
	    {"listen 81; location = / { return 200; }", "not of all paths"},
	    {"listen 81; location /; return 200;", "not of all paths"},
	    {"listen 81; location / { return 200; } location / { }", "is not the only one"},
	    {"listen 81; location / { proxy_pass http://a; return 200; }", "proxy_pass of line 1"},
	    {"listen 81; location / { location / { return 200; } }", "is not the only one"},
	    {"listen 81; if ($host) { return 200; }", "if of line 1 cannot be done there"},
	    {"listen 81; return 200 { }", "return of line 1 stands where it cannot"},
	    {"listen 81; location / { return 200 { } }", "stands where it cannot"},
	    {"listen 81; root /x; return 200;", "root of line 1 cannot be done there"},
	};
	char in[256];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)snprintf(in, sizeof(in), "server { %s }", texts[i][0]);
		left_out(in, 1, texts[i][1]);
	}
	left_out("server { listen 81; return 200; }\nserver { listen 81; return 404; }", 2,
		 "is the second of this port");
	left_out("server { listen 81; root /x; }\nserver { listen 81; return 404; }", 2,
		 "is the second of this port");
	left_out("server { listen 81; listen 82; }\nserver { listen 81; return 404; }\n"
		 "server { listen 82; return 404; }",
		 3, "server of line 3 is the second of this port");
	left_out("server { listen 81; return 404; } server { listen 81; listen 82; }", 2,
		 "another server has that port, too");
	refused_http("server { listen 81; return 404; listen 443; }", "not supported");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(servers_that_return),
	    cmocka_unit_test(servers_that_do_more),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	servers_free(&servers);
	return failed;
}
