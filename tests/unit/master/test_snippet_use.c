/*
 * Snippets as people use them: 50 different ones that a search in public repositories found
 * (November 2026), with other names in them. How many are taken is README's figure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "master/translate/snippet/snippet.h"

static const struct {
	char verdict; /* 't'aken, 'l': but for a location, 'r'efused */
	const char *text;
} of_paths[] = {
    {'t', "more_set_headers \"X-Frame-Options: DENY\";\nmore_set_headers \"X-Content-Type-Options: "
	  "nosniff\";"},
    {'t', "more_set_headers \"X-XSS-Protection: 1; mode=block\";"},
    {'t', "more_set_headers \"Strict-Transport-Security: max-age=31536000\";\n"
	  "more_set_headers \"Permissions-Policy: camera=(), microphone=()\";"},
    {'t', "if ($request_uri ~* \\.(js|css|jpe?g)) {\n  expires 30d;\n  add_header Cache-Control "
	  "\"public\";\n}"},
    {'t', "proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";"},
    {'t', "rewrite ^(/board)$ $1/ redirect;"},
    {'t', "proxy_set_header X-Request-ID $req_id;"},
    {'r', "set_real_ip_from 10.0.0.1/32;\nreal_ip_header X-Forwarded-For;"},
    {'t', "satisfy any;\nallow 192.0.2.7;\ndeny all;"},
    {'r', "set $best_http_host \"in.example.com\";\nproxy_set_header Host $best_http_host;"},
    {'t', "proxy_ssl_server_name on;\nproxy_ssl_name $host;"},
    {'t', "proxy_set_header X-Remote-User $remote_user;"},
    {'t', "proxy_pass_header Authorization;"},
    {'t', "location = /robots.txt {\n  rewrite ^ /robots last;\n}"},
    {'t', "location /metrics {\n\treturn 404;\n}"},
    {'t', "proxy_set_header X-Original-Forwarded-Host $http_x_forwarded_host;"},
    {'t', "etag on;\nproxy_pass_header ETag;\nproxy_set_header if-match \"\";\n"},
    {'t', "proxy_set_header Authorization $http_authorization;"},
    {'r',
     "nginx.ingress.kubernetes.io/rewrite-target: /$1 keepalive_timeout 60s; send_timeout 60s;"},
    {'t', "more_set_input_headers  \"strict-transport-security: max-age=63072000; preload\";"},
    {'t', "add_header X-Test \"test\";"},
    {'t', "more_set_headers \"X-Forwarded-Proto: https\";"},
    {'t', "location ~* /.* {\n  return 301 https://www.example.com;\n}"},
    {'t', "proxy_set_header Cookie \"\";\nproxy_cache one;\nproxy_cache_key "
	  "\"$scheme$request_method$host$request_uri\";\nproxy_cache_use_stale error timeout;\n"
	  "add_header X-Cache-Status $upstream_cache_status;"},
    {'r', "more_set_headers \"Host              $http_host\";"},
    {'t', "more_set_headers 'Access-Control-Allow-Origin: $http_origin';\n"
	  "more_set_headers 'Access-Control-Allow-Methods: HEAD, GET, POST';"},
    {'t', "rewrite (?i)/nodes/[0-9]?/(.*) /$1 break;\nrewrite (?i)/nodes/[0-9]?$ / break;"},
    {'t', "more_set_headers \"Content-Security-Policy: default-src 'self';img-src *\";"},
    {'r', "proxy_set_header Accept-Encoding \"\";\nsub_filter '</head>' '<style></style></head>';\n"
	  "sub_filter_once on;"},
    {'t', "set $cors ''; if ($http_origin ~ '^http[s]*?://(a\\.example|.+\\.b\\.example)') { set "
	  "$cors T; }\nif ($request_method = 'OPTIONS') { set $cors \"${cors}O\"; }\nif ($cors = "
	  "'T') { add_header 'Access-Control-Allow-Origin' \"$http_origin\" always; }\nif ($cors = "
	  "'TO') { add_header 'Access-Control-Max-Age' 1728000; return 204; }"},
    {'t', "proxy_intercept_errors off;"},
    {'t', "add_header Strict-Transport-Security \"max-age=31536000; includeSubDomains\" always;"},
};

static const struct {
	char verdict;
	const char *text;
} of_hosts[] = {
    {'t', "underscores_in_headers on;\nclient_max_body_size 2G;"},
    {'t', "location ~* ^/i/ {\n  return 403;\n}"},
    {'l',
     "set $tenant \"\";\nif ($host ~* ^([a-z0-9-]+)\\.app\\.example$) {\n  set $tenant $1;\n}\n"
     "location ~ ^/api/(.*)$ {\n  if ($tenant = \"one\") {\n    proxy_pass "
     "http://one-api/$1;\n  }\n}"},
    {'t', "gzip on;\ngzip_types text/plain application/json;"},
    {'l', "location /api {\n  proxy_pass http://backend;\n}"},
    {'t', "if ($request_uri ~* \"^/api/v[0-9]+/.*\") {\n  return 301 /api/latest$request_uri;\n}"},
    {'t', "location = /callback {\n  return 301 /auth/v1/callback$is_args$args;\n}"},
    {'t', "location ~* ^/api/v1/ml/ {\n  proxy_buffering off;\n  client_max_body_size 10m;\n}"},
    {'t', "proxy_ssl_verify off;"},
    {'t', "client_header_buffer_size 64k;\nlarge_client_header_buffers 4 128k;"},
    {'t', "deny 192.0.2.20;\ndeny 192.0.2.103;\nallow all;"},
    {'t', "server_tokens off;\nproxy_hide_header X-Powered-By;\n"
	  "rewrite ^/.well-known/webfinger /index.php/.well-known/webfinger last;\n"
	  "rewrite ^/.well-known/host-meta /public.php?service=host-meta last;\n"
	  "location = /.well-known/carddav {\n  return 301 $scheme://$host/remote.php/dav;\n}\n"
	  "location = /robots.txt {\n  allow all;\n  log_not_found off;\n  access_log off;\n}\n"
	  "deny all;\nlocation ~ ^/(?:build|tests|config)/ {\n  deny all;\n}"},
    {'t', "add_header X-Robots-Tag \"noindex, nofollow\";"},
    {'t', "large_client_header_buffers 4 64k;"},
    {'t',
     "location = /.well-known/matrix/client {\n  return 200 '{\"m.homeserver\": {\"base_url\": "
     "\"https://m.example.com\"}}';\n}"},
    {'t', "location /q {\n  deny all;\n}"},
    {'t', "more_set_headers X-From: nginx;"},
    {'r', "listen 8080;"},
};

static char verdict;

static void tell(void *arg, enum snippet_told how, const char *text)
{
	(void)arg;
	(void)text;
	if (how == SNIPPET_LOCATION_CLOSED)
		verdict = 'l';
	if (how == SNIPPET_REFUSED)
		verdict = 'r';
}

static const char *give(void *arg, enum annot_id id, struct str value)
{
	struct annots *a = arg;

	return annots_set(a, id, value);
}

static void judge(enum snippet_kind kind, const char *text, char want)
{
	struct snippet_names names = {.n = 0};
	struct snippet_user user = {.tell = tell, .give = give};
	struct annots a;
	struct text out;

	annots_defaults(&a);
	user.arg = &a;
	bool of_all = kind > SNIPPET_OF_AUTH;

	verdict = 't';
	(void)snippet_compile(&(struct snippet_job){.kind = kind,
						    .from = {{str_from(text), &user, of_all}},
						    .n = 1,
						    .ports = {80, 443}},
			      &names, &out);
	free(out.p);
	if (verdict != want)
		fail_msg("'%c', not '%c': %s", verdict, want, text);
}

static void as_they_are_used(void **state)
{
	size_t paths = sizeof(of_paths) / sizeof(of_paths[0]);
	size_t hosts = sizeof(of_hosts) / sizeof(of_hosts[0]);
	unsigned taken = 0, partly = 0;

	(void)state;
	for (size_t i = 0; i < paths; i++) {
		judge(SNIPPET_OF_PATH, of_paths[i].text, of_paths[i].verdict);
		taken += of_paths[i].verdict == 't';
	}
	for (size_t i = 0; i < hosts; i++) {
		judge(SNIPPET_OF_HOST, of_hosts[i].text, of_hosts[i].verdict);
		taken += of_hosts[i].verdict == 't';
		partly += of_hosts[i].verdict == 'l';
	}
	/* README says so. */
	assert_int_equal(paths + hosts, 50);
	assert_int_equal(taken, 42);
	assert_int_equal(partly, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_they_are_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
