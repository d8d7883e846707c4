/*
 * Snippets as people use them: different ones that a search in public repositories found
 * (November 2026), with other names in them: 50 of annotations, 37 http-snippets, 18 auth-snippets.
 * How many are taken is a figure of SNIPPETS.md and README.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy/policy_map.h"
#include "common/vars/vars.h"
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

static const struct {
	char verdict; /* 't'aken; 'w': but for what is left out with a warning; 'r'efused */
	const char *text;
} of_configmaps[] = {
    {'t', "limit_req_zone $binary_remote_addr zone=ip:10m rate=100r/s;\n"
	  "limit_req_zone $http_x_api_key zone=key:10m rate=1000r/s;"},
    {'w', "server {\n  listen 18080;\n  location /nginx_status {\n    allow all;\n    stub_status "
	  "on;\n  }\n  location / { return 404; }\n}"},
    {'t', "server {\n  listen 2443;\n  return 308 https://$host$request_uri;\n}"},
    {'t', "server{listen 2443 proxy_protocol; return 308 https://$host$request_uri;}"},
    {'r', "split_clients \"$date_gmt\" $to_record {\n  100% 192.0.2.66;\n}"},
    {'t', "map $http_upgrade $connection_upgrade {\n  default upgrade;\n  '' close;\n}"},
    {'t', "map $http_upgrade $connection_upgrade {\n  default upgrade;\n  '' close;\n  'derp' "
	  "upgrade;\n}"},
    {'t', "limit_req_zone one_for_all zone=is:10m rate=150r/s;"},
    {'t', "map $upstream_connect_time $connect_ {\n  default $upstream_connect_time;\n  \"\" "
	  "-1;\n}\nmap $upstream_status $status_ {\n  default $upstream_status;\n  \"\" -1;\n}"},
    {'t', "geo $vpn {\n  default 0;\n  198.51.100.0/24 1;\n  2001:db8::/32 1;\n}"},
    {'t', "client_max_body_size 1g;"},
    {'t', "more_set_headers \"X-Frame-Options: SAMEORIGIN\";\nmore_set_headers "
	  "\"Referrer-Policy: strict-origin-when-cross-origin\";"},
    {'t', "limit_req_zone $binary_remote_addr zone=flood:10m rate=800r/m;\nlimit_req_log_level "
	  "error;"},
    {'t', "map $proxy_alternative_upstream_name $to {\n  \"~^\\w+-(.*)-\\d+?\" "
	  "\"$proxy_alternative_upstream_name\";\n  default \"$proxy_upstream_name\";\n}"},
    {'t', "map $http_apikey $owner {\n  default \"\";\n  \"key_A\" \"owner_A\";\n  \"key_B\" "
	  "\"owner_B\";\n}"},
    {'t', "map $http_session $route_key {\n  \"\" $request_id;\n  default $http_session;\n}"},
    {'w', "map true $pass_access_scheme {\n  default \"https\";\n}\nmap true $pass_port {\n  "
	  "default 443;\n}\nserver {\n  listen 8080 proxy_protocol;\n  return 308 "
	  "https://$host$request_uri;\n}"},
    {'r', "map $geoip2_country_code $allowed {\n  default no;\n  FR yes;\n}"},
    {'t', "map $http_host $who {\n  hostnames;\n  default \"deny\";\n  *.example.test "
	  "'{\n \"id\": \"x\"\n}';\n  admin.example.test '{}';\n}"},
    {'t', "map $server_port $my_port {\n  443 443;\n  default $server_port;\n}"},
    {'w', "proxy_cache_path /tmp/c levels=1:2 keys_zone=c:50m max_size=256m inactive=30m "
	  "use_temp_path=off;"},
    {'t', "geo $the_real_ip $deny_access {default 1; 192.0.2.0 0;}"},
    {'w', "map $request_uri $user {\n  ~*streaming $http_user_id;\n  default \"\";\n}\n"
	  "limit_req_zone $user zone=r:20m rate=2r/m;\nlimit_conn_zone $user zone=c:20m;"},
    {'t', "map $status $loggable {\n  ~^[23] 0;\n  default 1;\n}"},
    {'r', "map $request_uri $new_uri {\n  include /etc/nginx/x.map;\n}"},
    {'t', "map $uri $kind {\n  ~*^/(explore|_next)/ explore;\n  ~*^/yoga(/.*)?$ yoga;\n  default "
	  "default;\n}"},
    {'w', "proxy_cache_path /tmp/c keys_zone=c:2m;\nproxy_cache_key $scheme$proxy_host$request_uri;"
	  "\nproxy_cache_lock on;\nproxy_cache_use_stale updating;"},
    {'t', "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"},
    {'r', "datadog_appsec_enabled on;\ndatadog_waf_thread_pool_name waf;"},
    {'t', "limit_req_zone $uri zone=u:10m rate=50r/s;\ngeo $key {\n  default "
	  "$binary_remote_addr;\n  10.0.0.0/8 \"\";\n}\nlimit_req_zone $key zone=g:10m "
	  "rate=200r/s;"},
    {'t', "map $http_x_api_key $tier {\n  default free;\n  \"~^pro_.*\" pro;\n}"},
    {'t', "map $msec $deadline {\n  default \"${msec}000+30000\";\n}"},
    {'t', "add_header X-Frame-Options \"SAMEORIGIN\" always;\nadd_header "
	  "Content-Security-Policy \"default-src 'self'; img-src 'self' data: https:;\" always;"},
    {'t', "more_set_headers \"Server: mine\";"},
    {'r', "server {\n  server_name *.a.example;\n  listen 80;\n  location / {\n    proxy_pass "
	  "http://192.0.2.7;\n  }\n}"},
    {'r', "server {\n  listen 80;\n  server_name _;\n  if ($http_x_forwarded_proto = 'http'){\n    "
	  "return 301 https://$host$request_uri;\n  }\n}"},
    {'r', "server {\n  server_name _ ;\n  listen 8080 default_server reuseport backlog=511;\n  set "
	  "$proxy_upstream_name \"-\";\n  location / {\n    rewrite_by_lua_block {\n      "
	  "lua_ingress.rewrite({ force_ssl_redirect = true, })\n    }\n  }\n}"},
};

/* auth-snippets of the same search. */
static const struct {
	char verdict;
	const char *text;
} of_questions[] = {
    {'t', "proxy_set_header X-Forwarded-Host $http_host;"},
    {'t', "proxy_set_header X-Forwarded-Host $http_host;\nproxy_set_header X-Proxy-Secret s3cret;"},
    {'t', "proxy_set_header X-Original-URL $scheme://$http_host$request_uri;"},
    {'t', "proxy_set_header X-Forwarded-Host $http_host;\nproxy_set_header X-Forwarded-Proto "
	  "$scheme;\nproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"},
    {'t', "# for the page of 401\nauth_request_set $auth_resp_jwt $upstream_http_x_vouch_jwt;\n"
	  "auth_request_set $auth_resp_err $upstream_http_x_vouch_err;"},
    {'t', "proxy_set_header Host $http_host;"},
    {'t', "proxy_set_header X-Original-Host $host;\nproxy_set_header X-Forwarded-Host $host;"},
    {'t', "proxy_set_header X-Forwarded-Method $request_method;"},
    {'t', "proxy_set_header X-Forwarded-Uri $request_uri;"},
    {'t', "proxy_set_header X-Parent-Request-Id $req_id;"},
    {'t', "proxy_set_header Foo-Header 42;"},
    {'r', "proxy_set_header X-User $user;\nproxy_set_header Authorization \"Bearer $jwt\";"},
    {'r', "include /etc/passwd;"},
    {'r', "if ngx.var.http_x_groups then\n  ngx.status = 403\nend"},
    {'t', "if ($request_uri ~ \"^/(health|api/public)\") {\n  return 200;\n}"},
    {'t', "if ($request_uri ~* \"^/(health|ready)\") {\n  return 200;\n}\nif ($request_method = "
	  "OPTIONS) {\n  return 200;\n}"},
    {'t', "if ($request_uri ~* \"^/oauth2/\") {\n  # nothing\n}"},
    {'t', "proxy_set_header jwt-address $remote_addr;\nif ($http_cookie ~* "
	  "\"jwt=([^;]+)(?:;|$)\") {\n  set $token \"$1\";\n}\nproxy_set_header jwt $token;"},
};

static char verdict;

static void tell(void *arg, enum snippet_told how, const char *text)
{
	(void)arg;
	(void)text;
	if (how == SNIPPET_LEFT_OUT && verdict == 't')
		verdict = 'w';
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

/* The variables of its maps, as the settings have them. */
static void define(struct str text)
{
	static struct snippet_names of_maps;
	static struct str strs[SNIPPET_NAMES_MAX];

	snippet_http_names(text, &of_maps);
	for (unsigned i = 0; i < of_maps.n; i++)
		strs[i] = str_from(of_maps.name[i]);
	vars_define(strs, of_maps.n);
}

static void judge(enum snippet_kind kind, const char *text, char want)
{
	struct snippet_names names = {.n = 0};
	struct snippet_user user = {.tell = tell, .give = give};
	struct annots a;
	static struct snippet_zones zones;
	static struct snippet_servers servers;
	struct text out, maps;

	zones.n = 0;
	text_growing(&maps, MAPS_BYTES_MAX);
	annots_defaults(&a);
	user.arg = &a;
	bool of_all = kind > SNIPPET_OF_AUTH;

	verdict = 't';
	define(kind == SNIPPET_OF_HTTP ? str_from(text) : STR_NONE);
	(void)snippet_compile(&(struct snippet_job){.kind = kind,
						    .from = {{str_from(text), &user, of_all}},
						    .n = 1,
						    .maps = &maps,
						    .zones = &zones,
						    .servers = &servers,
						    .ports = {80, 443}},
			      &names, &out);
	servers_free(&servers);
	free(out.p);
	free(maps.p);
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
	/* SNIPPETS.md and README say so. */
	assert_int_equal(paths + hosts, 50);
	assert_int_equal(taken, 42);
	assert_int_equal(partly, 2);
}

static void of_the_configmap(void **state)
{
	size_t n = sizeof(of_configmaps) / sizeof(of_configmaps[0]);
	unsigned taken = 0, partly = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		judge(SNIPPET_OF_HTTP, of_configmaps[i].text, of_configmaps[i].verdict);
		taken += of_configmaps[i].verdict == 't';
		partly += of_configmaps[i].verdict == 'w';
	}
	/* SNIPPETS.md and README say so. */
	assert_int_equal(n, 37);
	assert_int_equal(taken, 25);
	assert_int_equal(partly, 5);
}

static void to_auth_services(void **state)
{
	size_t n = sizeof(of_questions) / sizeof(of_questions[0]);
	unsigned taken = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		judge(SNIPPET_OF_AUTH, of_questions[i].text, of_questions[i].verdict);
		taken += of_questions[i].verdict == 't';
	}
	/* SNIPPETS.md and README say so. */
	assert_int_equal(n, 18);
	assert_int_equal(taken, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_they_are_used),
	    cmocka_unit_test(of_the_configmap),
	    cmocka_unit_test(to_auth_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
