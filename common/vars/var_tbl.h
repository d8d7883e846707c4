/*
 * var_tbl: every variable of nginx and ingress-nginx that a template may name, once. The parser
 * (vars.h), the worker's values (worker/vars/) and the documents come from it.
 *     VAR(ID, name)           worker/vars/ has a function of that name
 *     VAR_PREFIX(ID, prefix)  a family: what follows the prefix says which, "$http_user_agent"
 *     VAR_ABSENT(name, why)   known, and never has a value
 * Names are compared in any case, as nginx does. What each means: ngx_http_core_module's and
 * ngx_http_upstream_module's documents, and ingress-nginx' log-format page.
 */
/* clang-format off */
#ifndef VAR
#define VAR(id, name)
#endif
#ifndef VAR_PREFIX
#define VAR_PREFIX(id, prefix)
#endif
#ifndef VAR_ABSENT
#define VAR_ABSENT(name, why)
#endif

/* the client and its connection */
VAR(REMOTE_ADDR,          remote_addr)
VAR(REMOTE_PORT,          remote_port)
VAR(BINARY_REMOTE_ADDR,   binary_remote_addr)   /* in hexadecimal */
VAR(THE_REAL_IP,          the_real_ip)
VAR(PROXY_ADD_XFF,        proxy_add_x_forwarded_for)
VAR(REMOTE_USER,          remote_user)
VAR(SCHEME,               scheme)
VAR(HTTPS,                https)
VAR(PASS_ACCESS_SCHEME,   pass_access_scheme)
VAR(SERVER_PORT,          server_port)
VAR(PASS_PORT,            pass_port)
VAR(PASS_SERVER_PORT,     pass_server_port)
VAR(SSL_PROTOCOL,         ssl_protocol)
VAR(SSL_CIPHER,           ssl_cipher)
VAR(SSL_SERVER_NAME,      ssl_server_name)
VAR(SSL_SESSION_REUSED,   ssl_session_reused)
/* the request */
VAR(REQUEST,              request)
VAR(REQUEST_METHOD,       request_method)
VAR(REQUEST_URI,          request_uri)
VAR(ESCAPED_REQUEST_URI,  escaped_request_uri)
VAR(URI,                  uri)
VAR(DOCUMENT_URI,         document_uri)
VAR(ARGS,                 args)
VAR(QUERY_STRING,         query_string)
VAR(IS_ARGS,              is_args)
VAR(HOST,                 host)
VAR(BEST_HTTP_HOST,       best_http_host)
VAR(HTTP_HOST,            http_host)            /* before the family: the parser took the field out */
VAR(SERVER_NAME,          server_name)
VAR(SERVER_PROTOCOL,      server_protocol)
VAR(CONTENT_TYPE,         content_type)
VAR(CONTENT_LENGTH,       content_length)
VAR(REQUEST_LENGTH,       request_length)
VAR(REQUEST_ID,           request_id)
VAR(REQ_ID,               req_id)
VAR_PREFIX(HTTP,          http_)
VAR_PREFIX(COOKIE,        cookie_)
VAR_PREFIX(ARG,           arg_)
/* the route */
VAR(NAMESPACE,            namespace)
VAR(INGRESS_NAME,         ingress_name)
VAR(SERVICE_NAME,         service_name)
VAR(LOCATION_PATH,        location_path)
VAR(FASTCGI_SCRIPT_NAME,  fastcgi_script_name)  /* with FCGI: the path as the application sees it */
VAR(PROXY_UPSTREAM_NAME,  proxy_upstream_name)
VAR(PROXY_HOST,           proxy_host)
VAR(PROXY_ALTERNATIVE,    proxy_alternative_upstream_name)
/* the answer */
VAR(STATUS,               status)
VAR(BODY_BYTES_SENT,      body_bytes_sent)
VAR(BYTES_SENT,           bytes_sent)
VAR(GZIP_RATIO,           gzip_ratio)
VAR(REQUEST_TIME,         request_time)
VAR(REQUEST_COMPLETION,   request_completion)
VAR(SILEX_REASON,         silex_reason)         /* ours: why the request ended (reason_tbl.h) */
VAR_PREFIX(SENT_HTTP,     sent_http_)
/* the endpoints, one value a try */
VAR(UPSTREAM_ADDR,        upstream_addr)
VAR(UPSTREAM_STATUS,      upstream_status)
VAR(UPSTREAM_LENGTH,      upstream_response_length)
VAR(UPSTREAM_RECEIVED,    upstream_bytes_received)
VAR(UPSTREAM_TIME,        upstream_response_time)
VAR(UPSTREAM_CONNECT,     upstream_connect_time)
VAR(UPSTREAM_HEADER,      upstream_header_time)
VAR_PREFIX(UPSTREAM_HTTP, upstream_http_)
/* the moment and the process */
VAR(TIME_LOCAL,           time_local)
VAR(TIME_ISO8601,         time_iso8601)
VAR(MSEC,                 msec)
VAR(PID,                  pid)
VAR(HOSTNAME,             hostname)
VAR(NGINX_VERSION,        nginx_version)

VAR_ABSENT("connection",           "connections have no numbers")
VAR_ABSENT("connection_requests",  "connections do not count for logs")
VAR_ABSENT("pipe",                 "HTTP/1 pipelining shows nowhere")
VAR_ABSENT("geoip_country_code",   "Silex reads no databases of MaxMind")
VAR_ABSENT("geoip_city",           "Silex reads no databases of MaxMind")
VAR_ABSENT("geoip2_country_code",  "Silex reads no databases of MaxMind")
VAR_ABSENT("geoip2_city",          "Silex reads no databases of MaxMind")
VAR_ABSENT("geoip2_city_country_code", "Silex reads no databases of MaxMind")
VAR_ABSENT("geoip2_city_name",     "Silex reads no databases of MaxMind")
VAR_ABSENT("upstream_cache_status", "answers are not cached")
/* clang-format on */
#undef VAR
#undef VAR_PREFIX
#undef VAR_ABSENT
