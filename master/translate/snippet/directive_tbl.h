/*
 * directive_tbl: every directive of nginx that Silex knows in a snippet, once.
 *
 *     DIRECTIVE(name, where, least, most, fn, text)   done; where: enum build_block, least and most
 *                                                     words behind the name
 *     DIRECTIVE_AS(name, ANNOTATION, form, text)      in a configuration-snippet: as that
 *                                                     annotation; form TIME, or SAME
 *     DIRECTIVE_IDLE(name, text)                      taken and told: nothing is lost without it
 *     DIRECTIVE_OFF(name, text)                       off is what happens anyway; else as the next
 *     DIRECTIVE_NOT(name, text)                       refused: what to do instead
 * Any other is refused, too. Documents: nginx' ngx_http_core_module, _rewrite_module,
 * _headers_module, _access_module and _proxy_module, and OpenResty's headers-more.
 */
/* clang-format off */
#ifndef DIRECTIVE
#define DIRECTIVE(name, where, least, most, fn, text)
#endif
#ifndef DIRECTIVE_AS
#define DIRECTIVE_AS(name, annotation, form, text)
#endif
#ifndef DIRECTIVE_IDLE
#define DIRECTIVE_IDLE(name, text)
#endif
#ifndef DIRECTIVE_OFF
#define DIRECTIVE_OFF(name, text)
#endif
#ifndef DIRECTIVE_NOT
#define DIRECTIVE_NOT(name, text)
#endif

DIRECTIVE("set",     ANYWHERE, 2, 2, do_set,     "a variable of one's own; those of nginx cannot be set")
DIRECTIVE("return",  ANYWHERE, 1, 2, do_return,  "200, 201, 202, 204, 301, 302, 303, 307, 308, 400 to 599, with a text or a URL; 444 closes the connection")
DIRECTIVE("rewrite", ANYWHERE, 2, 3, do_rewrite, "with last, break, redirect, permanent or none; at most ten times a request")
DIRECTIVE("break",   ANYWHERE, 0, 0, do_break,   "ends the rewriting, rewrite-target and permanent-redirect included")
DIRECTIVE("more_set_headers",         BUT_IF_AT_TOP, 1, 31, do_more_set,    "for every status and type: without -a, -s, -t")
DIRECTIVE("more_clear_headers",       BUT_IF_AT_TOP, 1, 31, do_more_clear,  "without -s, -t; \"X-*\" is all that begin so")
DIRECTIVE("more_set_input_headers",   BUT_IF_AT_TOP, 1, 31, do_input_set,   "with -r or without; fields that Silex sends itself (X-Forwarded-*, X-Real-IP) stay as they are, as in ingress-nginx")
DIRECTIVE("more_clear_input_headers", BUT_IF_AT_TOP, 1, 31, do_input_clear, "fields of the client that are not sent on")
DIRECTIVE("add_header",        BUT_IF_AT_TOP, 2, 3, do_add_header,  "with always or without")
DIRECTIVE("expires",           BUT_IF_AT_TOP, 1, 1, do_expires,     "off, epoch, max, or a time, which becomes Cache-Control: max-age; no Expires beside it")
DIRECTIVE("proxy_set_header",  OUTSIDE_IF, 2, 2, do_send_header, "instead of what Silex sends in that field (nginx would send both); in a server-snippet it has no effect, as in ingress-nginx")
DIRECTIVE("proxy_hide_header", OUTSIDE_IF, 1, 1, do_hide_header, "a field of the endpoint that clients do not see")
DIRECTIVE("allow",        OUTSIDE_IF, 1, 1, do_allow, "an address, a network, or all")
DIRECTIVE("deny",         OUTSIDE_IF, 1, 1, do_deny,  "likewise; the first rule that fits counts")
DIRECTIVE("default_type", OUTSIDE_IF, 1, 1, do_default_type, "Content-Type of what return says")
DIRECTIVE("access_log",   BUT_IF_AT_TOP, 1, 31, do_access_log, "off; where lines go is a setting of all")

DIRECTIVE_AS("proxy_connect_timeout", PROXY_CONNECT_TIMEOUT, TIME, "as proxy-connect-timeout")
DIRECTIVE_AS("proxy_send_timeout",    PROXY_SEND_TIMEOUT,    TIME, "as proxy-send-timeout")
DIRECTIVE_AS("proxy_read_timeout",    PROXY_READ_TIMEOUT,    TIME, "as proxy-read-timeout")
DIRECTIVE_AS("proxy_next_upstream_timeout", PROXY_NEXT_UPSTREAM_TIMEOUT, TIME, "as proxy-next-upstream-timeout")
DIRECTIVE_AS("proxy_next_upstream_tries",   PROXY_NEXT_UPSTREAM_TRIES,   SAME, "as proxy-next-upstream-tries")
DIRECTIVE_AS("proxy_next_upstream",   PROXY_NEXT_UPSTREAM,   SAME, "as proxy-next-upstream")
DIRECTIVE_AS("proxy_buffer_size",     PROXY_BUFFER_SIZE,     SAME, "as proxy-buffer-size")
DIRECTIVE_AS("satisfy",               SATISFY,               SAME, "as satisfy")
DIRECTIVE_AS("client_max_body_size",  PROXY_BODY_SIZE,       SAME, "as proxy-body-size")

DIRECTIVE_IDLE("proxy_buffering",           "answers are passed on as they come")
DIRECTIVE_IDLE("proxy_buffers",             "answers are passed on as they come")
DIRECTIVE_IDLE("proxy_busy_buffers_size",   "answers are passed on as they come")
DIRECTIVE_IDLE("proxy_temp_file_write_size", "nothing is ever written to a file")
DIRECTIVE_IDLE("proxy_max_temp_file_size",  "nothing is ever written to a file")
DIRECTIVE_IDLE("proxy_temp_path",           "nothing is ever written to a file")
DIRECTIVE_IDLE("proxy_request_buffering",   "requests are passed on as they come")
DIRECTIVE_IDLE("proxy_http_version",        "endpoints are spoken to in HTTP/1.1 with kept connections, or as backend-protocol says")
DIRECTIVE_IDLE("proxy_headers_hash_max_size", "tables have the size they need")
DIRECTIVE_IDLE("proxy_headers_hash_bucket_size", "tables have the size they need")
DIRECTIVE_IDLE("proxy_ssl_name",            "use the annotation proxy-ssl-name beside proxy-ssl-secret; without proxy_ssl_verify no name is verified")
DIRECTIVE_IDLE("proxy_ssl_server_name",     "use the annotation proxy-ssl-server-name beside proxy-ssl-secret")
DIRECTIVE_IDLE("proxy_ssl_session_reuse",   "sessions with endpoints are resumed")
DIRECTIVE_IDLE("etag",                      "fields of endpoints pass as they are")
DIRECTIVE_IDLE("proxy_socket_keepalive",    "dead connections are found by their deadlines")
DIRECTIVE_IDLE("proxy_ignore_headers",      "X-Accel-* fields of endpoints are never obeyed")
DIRECTIVE_IDLE("proxy_pass_header",         "fields of endpoints pass; Server: allow-backend-server-header")
DIRECTIVE_IDLE("proxy_cache",               "answers are not kept; each one comes from an endpoint")
DIRECTIVE_IDLE("proxy_cache_bypass",        "answers are not kept")
DIRECTIVE_IDLE("proxy_cache_key",           "answers are not kept")
DIRECTIVE_IDLE("proxy_cache_lock",          "answers are not kept")
DIRECTIVE_IDLE("proxy_cache_lock_timeout",  "answers are not kept")
DIRECTIVE_IDLE("proxy_cache_methods",       "answers are not kept")
DIRECTIVE_IDLE("proxy_cache_min_uses",      "answers are not kept")
DIRECTIVE_IDLE("proxy_cache_revalidate",    "answers are not kept")
DIRECTIVE_IDLE("proxy_cache_use_stale",     "answers are not kept")
DIRECTIVE_IDLE("proxy_cache_background_update", "answers are not kept")
DIRECTIVE_IDLE("proxy_cache_valid",         "answers are not kept")
DIRECTIVE_IDLE("proxy_no_cache",            "answers are not kept")
DIRECTIVE_IDLE("client_body_buffer_size",   "bodies are never kept")
DIRECTIVE_IDLE("client_header_buffer_size", "large-client-header-buffers of the ConfigMap bounds heads")
DIRECTIVE_IDLE("client_body_timeout",       "client-body-timeout of the ConfigMap counts")
DIRECTIVE_IDLE("client_header_timeout",     "client-header-timeout of the ConfigMap counts")
DIRECTIVE_IDLE("large_client_header_buffers", "large-client-header-buffers of the ConfigMap counts")
DIRECTIVE_IDLE("keepalive_timeout",         "keep-alive of the ConfigMap counts")
DIRECTIVE_IDLE("keepalive_requests",        "keep-alive-requests of the ConfigMap counts")
DIRECTIVE_IDLE("send_timeout",              "client-send-timeout of silex.conf counts")
DIRECTIVE_IDLE("underscores_in_headers",    "enable-underscores-in-headers of the ConfigMap counts")
DIRECTIVE_IDLE("tcp_nodelay",               "it is always on")
DIRECTIVE_IDLE("tcp_nopush",                "heads and bodies leave together anyway")
DIRECTIVE_IDLE("sendfile",                  "no files are sent")
DIRECTIVE_IDLE("gzip",                      "use-gzip of the ConfigMap and its gzip-* count")
DIRECTIVE_IDLE("gzip_types",                "use-gzip of the ConfigMap and its gzip-* count")
DIRECTIVE_IDLE("gzip_proxied",              "use-gzip of the ConfigMap and its gzip-* count")
DIRECTIVE_IDLE("gzip_vary",                 "use-gzip of the ConfigMap and its gzip-* count")
DIRECTIVE_IDLE("gzip_comp_level",           "use-gzip of the ConfigMap and its gzip-* count")
DIRECTIVE_IDLE("gzip_min_length",           "use-gzip of the ConfigMap and its gzip-* count")
DIRECTIVE_IDLE("gzip_buffers",              "use-gzip of the ConfigMap and its gzip-* count")
DIRECTIVE_IDLE("gzip_http_version",         "use-gzip of the ConfigMap and its gzip-* count")
DIRECTIVE_IDLE("gzip_disable",              "use-gzip of the ConfigMap and its gzip-* count")
DIRECTIVE_IDLE("brotli",                    "enable-brotli of the ConfigMap and its brotli-* count")
DIRECTIVE_IDLE("brotli_types",              "enable-brotli of the ConfigMap and its brotli-* count")
DIRECTIVE_IDLE("log_not_found",             "there is no log of files")
DIRECTIVE_IDLE("log_subrequest",            "questions to auth services have lines of their own")
DIRECTIVE_IDLE("rewrite_log",               "a debugging aid of nginx")
DIRECTIVE_IDLE("error_log",                 "error-log-path and error-log-level of the ConfigMap count")
DIRECTIVE_IDLE("server_tokens",             "server-tokens of the ConfigMap counts")
DIRECTIVE_IDLE("chunked_transfer_encoding", "answers without a length are chunked for HTTP/1.1")
DIRECTIVE_IDLE("merge_slashes",             "slashes are always merged")
DIRECTIVE_IDLE("http2_push_preload",        "HTTP/2 push is gone from browsers and servers")
DIRECTIVE_IDLE("ssl_session_cache",         "sessions are resumed by tickets")
DIRECTIVE_IDLE("ssl_session_timeout",       "ssl-session-timeout of the ConfigMap counts")

DIRECTIVE_NOT("proxy_pass",          "give the path to the Service with a rule of an Ingress; an ExternalName Service leads out of the cluster")
DIRECTIVE_NOT("root",                "Silex serves no files: put them behind a Service")
DIRECTIVE_NOT("alias",               "Silex serves no files: put them behind a Service")
DIRECTIVE_NOT("try_files",           "Silex serves no files: put them behind a Service")
DIRECTIVE_NOT("index",               "Silex serves no files: put them behind a Service")
DIRECTIVE_OFF("autoindex", "Silex serves no files: put them behind a Service")
DIRECTIVE_NOT("include",             "no file is read")
DIRECTIVE_NOT("load_module",         "there are no modules")
DIRECTIVE_NOT("error_page",          "use the annotations custom-http-errors and default-backend")
DIRECTIVE_OFF("proxy_intercept_errors", "use the annotation custom-http-errors")
DIRECTIVE_NOT("auth_basic",          "use the annotation auth-type")
DIRECTIVE_NOT("auth_basic_user_file", "use the annotation auth-secret")
DIRECTIVE_OFF("auth_request", "use the annotation auth-url")
DIRECTIVE_NOT("auth_request_set",    "use the annotation auth-response-headers")
DIRECTIVE_NOT("limit_req",           "use the annotations limit-rps, limit-rpm")
DIRECTIVE_NOT("limit_conn",          "use the annotation limit-connections")
DIRECTIVE_NOT("limit_rate",          "there is no limit of speed")
DIRECTIVE_NOT("limit_except",        "use: if ($request_method !~ ^(GET|HEAD)$) { return 403; }")
DIRECTIVE_NOT("set_real_ip_from",    "use proxy-real-ip-cidr of the ConfigMap")
DIRECTIVE_NOT("real_ip_header",      "use forwarded-for-header of the ConfigMap")
DIRECTIVE_NOT("real_ip_recursive",   "use use-forwarded-headers of the ConfigMap")
DIRECTIVE_OFF("proxy_redirect", "use the annotations proxy-redirect-from, proxy-redirect-to")
DIRECTIVE_OFF("proxy_cookie_path", "use the annotation proxy-cookie-path")
DIRECTIVE_OFF("proxy_cookie_domain", "use the annotation proxy-cookie-domain")
DIRECTIVE_NOT("proxy_cookie_flags",  "let the application set the right attributes")
DIRECTIVE_NOT("proxy_method",        "the method is the client's")
DIRECTIVE_NOT("proxy_set_body",      "the content is the client's")
DIRECTIVE_OFF("proxy_ssl_verify", "use the annotation proxy-ssl-verify; without it nothing is verified")
DIRECTIVE_NOT("proxy_ssl_trusted_certificate", "use the annotation proxy-ssl-secret")
DIRECTIVE_NOT("proxy_ssl_certificate", "use the annotation proxy-ssl-secret")
DIRECTIVE_NOT("ssl_protocols",       "use ssl-protocols of the ConfigMap")
DIRECTIVE_NOT("ssl_ciphers",         "use the annotation ssl-ciphers")
DIRECTIVE_NOT("ssl_verify_client",   "use the annotation auth-tls-verify-client")
DIRECTIVE_NOT("ssl_client_certificate", "use the annotation auth-tls-secret")
DIRECTIVE_NOT("sub_filter",          "content is passed on as it is")
DIRECTIVE_NOT("sub_filter_once",     "content is passed on as it is")
DIRECTIVE_OFF("mirror", "requests are not copied")
DIRECTIVE_OFF("modsecurity", "Silex is no web application firewall; put one behind it")
DIRECTIVE_NOT("modsecurity_rules",   "Silex is no web application firewall; put one behind it")
/* clang-format on */
#undef DIRECTIVE
#undef DIRECTIVE_AS
#undef DIRECTIVE_IDLE
#undef DIRECTIVE_OFF
#undef DIRECTIVE_NOT
