/* Snippets: how they are read, what they become, and that everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy/policy_header.h"
#include "common/policy/policy_map.h"
#include "common/policy/policy_snippet.h"
#include "master/translate/snippet/lex.h"
#include "master/translate/snippet/snippet.h"

/* --- words --------------------------------------------------------------------------------- */

/* "a|b;" and so on: the words of each directive and how it ends. */
static void lexed(const char *in, const char *want)
{
	static const char ends[] = ";{}.!";
	struct lex *l = malloc(sizeof(*l));
	struct directive d;
	char got[512];
	enum lex_end end;
	struct text t;

	assert_non_null(l);
	lex_init(l, str_from(in));
	text_fixed(&t, got, sizeof(got) - 1);
	do {
		end = lex_next(l, &d);
		for (unsigned i = 0; end <= LEX_OPEN && i < d.n; i++) {
			if (i > 0)
				text_char(&t, '|');
			text_str(&t, d.word[i]);
		}
		text_char(&t, ends[end]);
	} while (end < LEX_EOF);
	got[t.n] = '\0';
	assert_string_equal(got, want);
	assert_true((end == LEX_BAD) == (l->why != NULL));
	free(l);
}

static void words(void **state)
{
	(void)state;
	lexed("", ".");
	lexed(" a b;\r\n\tc ;", "a|b;c;.");
	lexed("# all; { of it\na b;# more\n", "a|b;.");
	lexed("a b#c;", "a|b#c;.");
	lexed("a \"b; c\" 'd {';", "a|b; c|d {;.");
	lexed("a 'it\\'s' \"\\\"q\\\"\" \\\"x;", "a|it's|\"q\"|\"x;.");
	lexed("a ^/x\\.y\\\\z \\;;", "a|^/x\\.y\\z|\\;;.");
	lexed("a \\t'x;", "a|\t'x;.");
	lexed("a ${b}c;", "a|${b}c;.");
	lexed("if ($a ~ 'x') { return 403; }", "if|($a|~|x|){return|403;}.");
	lexed("a{b;}", "a{b;}.");
}

static void broken_words(void **state)
{
	char long_one[LEX_TEXT_MAX + 2];

	(void)state;
	lexed("a", "!");
	lexed("a b", "!");
	lexed(";", "!");
	lexed("{", "!");
	lexed("a 'b;", "!");
	lexed("a 'b'c;", "!");
	lexed("a }", "!");
	lexed("a\x01;", "!");
	lexed("a '\x7f';", "!");
	lexed("1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1;", "!");
	memset(long_one, ' ', sizeof(long_one));
	long_one[sizeof(long_one) - 1] = '\0';
	lexed(long_one, "!");
}

/* --- compiled ------------------------------------------------------------------------------ */

struct told {
	char text[2048];
	unsigned notes, left, closed, refused;
	struct annots given;
};

static void tell(void *arg, enum snippet_told how, const char *text)
{
	struct told *to = arg;

	to->notes += how == SNIPPET_NOTE;
	to->left += how == SNIPPET_LEFT_OUT;
	to->closed += how == SNIPPET_LOCATION_CLOSED;
	to->refused += how == SNIPPET_REFUSED;
	(void)snprintf(to->text + strlen(to->text), sizeof(to->text) - strlen(to->text), "%s\n",
		       text);
}

static const char *give(void *arg, enum annot_id id, struct str value)
{
	struct told *to = arg;

	if (annots_has(&to->given, id))
		return "is given twice";
	return annots_set(&to->given, id, value);
}

static struct text maps;               /* of the last one */
static struct snippet_zones zones;     /* of all http-snippets of a test */
static struct snippet_servers servers; /* of the last one */

static bool run(enum snippet_kind kind, const char *in, const struct snippet_user *user,
		struct snippet_names *names, struct text *out)
{
	bool of_all = kind > SNIPPET_OF_AUTH;

	free(maps.p);
	text_growing(&maps, MAPS_BYTES_MAX);
	servers_free(&servers);

	return snippet_compile(&(struct snippet_job){.kind = kind,
						     .from = {{str_from(in), user, of_all}},
						     .n = 1,
						     .maps = &maps,
						     .zones = &zones,
						     .servers = &servers,
						     .ports = {80, 443},
						     .healthz = 10254},
			       names, out);
}

static bool compile(enum snippet_kind kind, const char *in, struct told *told, struct text *out)
{
	struct snippet_user user = {.tell = tell, .give = give, .arg = told};
	struct snippet_names names = {.n = 0};

	*told = (struct told){.notes = 0};
	annots_defaults(&told->given);
	return run(kind, in, &user, &names, out);
}

static struct snip good(enum snippet_kind kind, const char *in, struct text *out)
{
	struct told told;
	struct snip s;

	if (!compile(kind, in, &told, out))
		fail_msg("%s: %s", in, told.text);
	assert_true(snip_read(str_make(out->p, out->n), &s));
	return s;
}

static void refused(enum snippet_kind kind, const char *in, const char *why)
{
	struct told told;
	struct text out;

	if (compile(kind, in, &told, &out))
		fail_msg("%s is taken", in);
	assert_int_equal(told.refused, 1);
	if (strstr(told.text, why) == NULL)
		fail_msg("%s: %s", in, told.text);
	free(out.p);
}

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

/* --- other blocks -------------------------------------------------------------------------- */

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
	    cmocka_unit_test(words),
	    cmocka_unit_test(broken_words),
	    cmocka_unit_test(ops),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(locations),
	    cmocka_unit_test(annotations),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(what_is_too_long),
	    cmocka_unit_test(injections),
	    cmocka_unit_test(names_are_handed_on),
	    cmocka_unit_test(of_a_question),
	    cmocka_unit_test(of_http),
	    cmocka_unit_test(maps_become_entries),
	    cmocka_unit_test(broken_maps),
	    cmocka_unit_test(names_of_maps),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(of_nothing),
	    cmocka_unit_test(together),
	    cmocka_unit_test(rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
