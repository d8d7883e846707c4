/* Snippets: what they become, and that everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/master/snippet_probe.h"

static void ops(void **state)
{
	static const struct {
		const char *text;
		uint8_t code, how;
		uint16_t arg;
	} cases[] = {
	    {"set $a b;", SNIP_SET, 0, 0},
	    {"return 403;", SNIP_RETURN, SNIP_NOTHING, 403},
	    {"return 200 ok;", SNIP_RETURN, SNIP_TEXT, 200},
	    {"return 301 /x;", SNIP_RETURN, SNIP_PLACE, 301},
	    {"return https://x.test/;", SNIP_RETURN, SNIP_PLACE, 302},
	    {"rewrite a b;", SNIP_REWRITE, SNIP_GO_ON, 0},
	    {"rewrite a b last;", SNIP_REWRITE, SNIP_LAST, 0},
	    {"rewrite a b break;", SNIP_REWRITE, SNIP_STAY, 0},
	    {"rewrite a b redirect;", SNIP_REWRITE, SNIP_MOVED_FOR_NOW, 0},
	    {"rewrite a http://b last;", SNIP_REWRITE, SNIP_MOVED_FOR_NOW, 0},
	    {"rewrite a $scheme://b permanent;", SNIP_REWRITE, SNIP_MOVED_FOR_GOOD, 0},
	    {"break;", SNIP_BREAK, 0, 0},
	    {"if ($host) { }", SNIP_IF, SNIP_TRUE, 0},
	    {"if ( $host = a ) { }", SNIP_IF, SNIP_EQUAL, 0},
	    {"if ($host != '') { break; }", SNIP_IF, SNIP_DIFFERS, sizeof(struct snip_op)},
	    {"if ($host ~ (a|b)) { }", SNIP_IF, SNIP_FITS, 0},
	    {"if ($host !~* \"a b)\") { }", SNIP_IF, SNIP_FITS_NOT_ANY_CASE, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct snip_step step;
		struct text out;
		struct snip s;

		/* An unbalanced regex is refused, not guessed at. */
		if (strstr(cases[i].text, "a b)") != NULL) {
			refused(SNIPPET_OF_PATH, cases[i].text, "no regular expression");
			continue;
		}
		s = good(SNIPPET_OF_PATH, cases[i].text, &out);
		assert_true(snip_next(&s.ops, &step));
		if (step.op.code != cases[i].code || step.op.how != cases[i].how ||
		    step.op.arg != cases[i].arg)
			fail_msg("%s: code %d how %d arg %d", cases[i].text, step.op.code,
				 step.op.how, step.op.arg);
		free(out.p);
	}
}

static void lists(void **state)
{
	struct text out;
	struct snip s = good(SNIPPET_OF_PATH,
			     "more_set_headers 'A: $host' B; more_clear_headers 'C-*';"
			     "add_header D e; add_header D f always; proxy_hide_header G;"
			     "proxy_set_header H i; more_set_input_headers -r 'J: k';"
			     "allow 10.0.0.0/8; deny all; default_type text/plain; access_log off;"
			     "expires 1d; if ($host) { add_header L m; expires off; }",
			     &out);

	(void)state;
	assert_int_equal(s.n_scopes, 2);
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_MORE)), 3);
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_ADD)), 2);
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_HIDE)), 1);
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_SEND)), 1);
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_INPUT)), 1);
	assert_int_equal(policy_header_count(snip_list(&s, 0, SNIP_EXPIRES)), 1);
	assert_int_equal(policy_header_count(snip_list(&s, 1, SNIP_ADD)), 1);
	assert_int_equal(snip_list(&s, 0, SNIP_ACCESS).n, 2 * sizeof(struct snip_rule));
	assert_true(str_eq(snip_list(&s, 0, SNIP_TYPE), STR("text/plain")));
	assert_true(str_eq(snip_list(&s, 0, SNIP_LOG), STR("off")));
	free(out.p);
}

static void locations(void **state)
{
	static const enum snip_kind kinds[] = {SNIP_EXACT, SNIP_PREFIX, SNIP_PREFIX_FIRST,
					       SNIP_REGEX, SNIP_REGEX_ANY_CASE};
	struct told told;
	struct snip_location l;
	struct text out;
	struct snip s;

	(void)state;
	assert_true(compile(SNIPPET_OF_HOST,
			    "location = /a { return 403; } location /b { deny all; }\n"
			    "location ^~ /c { if ($host) { return 404; } }\n"
			    "location ~ ^/d { return 200 $1; }\n"
			    "location ~* '^/e{2}' { location /f { deny all; } if ($x) { } }\n"
			    "set $after x;",
			    &told, &out));
	assert_true(snip_read(str_make(out.p, out.n), &s));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_true(snip_next_location(&s.locations, &l));
		assert_int_equal(l.kind, kinds[i]);
		assert_true(l.refused == (i == 4));
	}
	assert_int_equal(told.closed, 1);
	assert_non_null(strstr(told.text, "line 4: location cannot stand here"));
	assert_true(s.ops.n > 0);
	free(out.p);
}

static void annotations(void **state)
{
	struct told told;
	struct text out;

	(void)state;
	assert_true(
	    compile(SNIPPET_OF_PATH,
		    "proxy_read_timeout 5m; proxy_send_timeout 1500ms; client_max_body_size "
		    "8m; proxy_next_upstream error http_502; gzip on;",
		    &told, &out));
	assert_int_equal(told.given.policy.read_ms, 300000);
	assert_int_equal(told.given.policy.send_ms, 2000);
	assert_int_equal(told.given.policy.body_max_bytes, 8 << 20);
	assert_int_equal(told.given.policy.next_when, NEXT_ERROR | NEXT_HTTP_502);
	assert_int_equal(told.notes, 1);
	free(out.p);
	refused(SNIPPET_OF_PATH, "proxy_read_timeout 1m; proxy_read_timeout 2m;", "given twice");
	refused(SNIPPET_OF_PATH, "proxy_read_timeout soon;", "takes a time");
	assert_true(compile(SNIPPET_OF_HOST, "client_max_body_size 1m;", &told, &out));
	assert_int_equal(told.notes, 1);
	free(out.p);
}

static void what_is_refused(void **state)
{
	static const char *const cases[][2] = {
	    {"frobnicate;", "none of the directives"},
	    {"deny all; proxy_pass http://x;", "proxy_pass is not supported: give the path"},
	    {"return 302;;", "\";\" without a directive"},
	    {"}", "\"}\" without \"{\""},
	    {"if ($host) { return 403;", "a block is not closed"},
	    {"if ($host) { if ($uri) { } }", "if cannot stand in an if"},
	    {"if $host { }", "parentheses"},
	    {"if (host) { }", "must be a variable"},
	    {"if ($host == a) { }", "must be a variable"},
	    {"if (!-e $request_filename) { }", "cannot look for files"},
	    {"if ($nothing_like_it = 1) { return 403; }", "no such variable"},
	    {"if ($host ~ '(') { }", "no regular expression"},
	    {"set $host x;", "cannot be set"},
	    {"set host x;", "no name of a variable"},
	    {"set $a $;", "without the name"},
	    {"set $a;", "too few words"},
	    {"return;", "too few words"},
	    {"return 199;", "return takes"},
	    {"return 304;", "return takes"},
	    {"return 204 x;", "no content"},
	    {"return nonsense;", "return takes"},
	    {"return 200 $1;", "no regular expression of the snippet"},
	    {"rewrite ^ /x nearly;", "rewrite takes last"},
	    {"add_header 'X Y' z;", "no token"},
	    {"add_header X y sometimes;", "takes a name, a value, and always"},
	    {"add_header Content-Length 5;", "says where a message ends"},
	    {"more_set_headers 'Transfer-Encoding: chunked';", "says where a message ends"},
	    {"proxy_set_header Content-Length 0;", "says where a message ends"},
	    {"add_header X 'a\\nSet-Cookie: b';", "control character"},
	    {"more_set_headers -s 404 'X: y';", "options"},
	    {"deny 10.0.0.0/33;", "neither an IP address"},
	    {"deny unix:;", "neither an IP address"},
	    {"expires soon;", "expires takes"},
	    {"default_type nothing;", "media type"},
	    {"if ($host) { proxy_set_header A b; }", "cannot stand in this block"},
	    {"if ($host) { deny all; }", "cannot stand in this block"},
	    {"if ($host) { location /x { } }", "location cannot stand here"},
	    {"if ($geoip_city = x) { return 403; }", "never has a value"},
	    {"set $city $geoip_city; if ($city = x) { return 403; }", "never has a value"},
	    {"proxy_ssl_verify on;", "use the annotation proxy-ssl-verify"},
	    {"limit_except GET { deny all; }", "limit_except is not supported"},
	};
	char many[40 * 20] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(SNIPPET_OF_PATH, cases[i][0], cases[i][1]);
	for (int i = 0; i < 32; i++)
		strcat(many, "if ($host) { } ");
	refused(SNIPPET_OF_PATH, many, "more than 31 ifs");
}

static void what_is_too_long(void **state)
{
	char text[4000];

	(void)state;
	(void)snprintf(text, sizeof(text), "return 200 '%03000d';", 0);
	refused(SNIPPET_OF_PATH, text, "too long");
	for (size_t n = 0; n + 20 < sizeof(text); n += 10)
		memcpy(text + n, "set $a b; ", 11);
	refused(SNIPPET_OF_PATH, text, "too long");
}

/* What was put into snippets, or through other annotations into nginx' configuration. */
static void injections(void **state)
{
	static const char *const cases[] = {
	    /* CVE-2021-25742: the controller's own files and Secrets */
	    "location /t { alias /var/run/secrets/kubernetes.io/serviceaccount/; }",
	    "alias /var/run/secrets/kubernetes.io/serviceaccount/;",
	    "content_by_lua_block { ngx.say(io.open('/etc/shadow'):read('*a')) }",
	    "root /; autoindex on;",
	    /* CVE-2021-25746, CVE-2023-5044, CVE-2026-3288: out of one directive into another */
	    "return 301 https://x; } location /s { root /; ",
	    "} } http { server { listen 81; } }",
	    /* CVE-2022-4886: log_format and files */
	    "log_format x '$request'; access_log /etc/nginx/lua/x.lua x;",
	    /* CVE-2023-5043: commands */
	    "lua_need_request_body on; access_by_lua 'os.execute(ngx.var.arg_c)';",
	    "perl_set $x 'sub { `id` }';",
	    /* CVE-2024-7646: hidden behind a carriage return, or another control character */
	    "deny all;\rproxy_pass http://10.0.0.1;",
	    "deny all;\x0bproxy_pass http://10.0.0.1;",
	    /* CVE-2025-1097, -1098, -24514, -1974: modules and code */
	    "load_module /tmp/x.so;",
	    "ssl_engine /proc/1/fd/10;",
	    "include /tmp/x;",
	    "mirror /m;",
	    /* CVE-2026-4342: a comment hides the end */
	    "return 403 #; }\n{ root /; }",
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct told told;
		struct text out;
		struct snip s;
		struct snip_location l;
		bool taken = compile(i % 2 == 0 ? SNIPPET_OF_HOST : SNIPPET_OF_PATH, cases[i / 2],
				     &told, &out);

		/* Only a location may be refused by itself, and then it is closed. */
		if (taken) {
			assert_int_equal(told.closed, 1);
			assert_true(snip_read(str_make(out.p, out.n), &s));
			while (snip_next_location(&s.locations, &l))
				assert_true(l.refused);
			assert_int_equal(s.ops.n, 0);
		} else {
			assert_int_equal(told.refused, 1);
		}
		free(out.p);
	}
}

static void names_are_handed_on(void **state)
{
	struct told told = {.notes = 0};
	struct snippet_user user = {.tell = tell, .arg = &told};
	struct snippet_names names = {.n = 0};
	struct text out;

	(void)state;
	assert_true(run(SNIPPET_OF_HOST, "set $Mine 1;", &user, &names, &out));
	free(out.p);
	assert_true(run(SNIPPET_OF_PATH, "return 200 $mine;", &user, &names, &out));
	free(out.p);
	names.n = 0;
	assert_false(run(SNIPPET_OF_PATH, "return 200 $mine;", &user, &names, &out));
	free(out.p);
}

static void rows(void **state)
{
	size_t n;
	const struct snippet_row *r = snippet_rows(&n);

	(void)state;
	assert_true(n > 100);
	for (size_t i = 0; i < n; i++) {
		assert_true(r[i].text[0] != '\0');
		for (size_t k = 0; k < i; k++)
			if (strcmp(r[i].name, r[k].name) == 0)
				fail_msg("%s is there twice", r[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ops),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(locations),
	    cmocka_unit_test(annotations),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(what_is_too_long),
	    cmocka_unit_test(injections),
	    cmocka_unit_test(names_are_handed_on),
	    cmocka_unit_test(rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
