/*
 * stream_var_tbl: every variable that log-format-stream may name, once; as var_tbl.h.
 *     VAR(ID, name)           worker/log/stream_format.c has a function of that name
 *     VAR_ABSENT(name, why)   known, and never has a value
 * What each means: ngx_stream_core_module's, ngx_stream_log_module's and
 * ngx_stream_upstream_module's documents; $proxy_upstream_name is ingress-nginx'.
 */
/* clang-format off */
#ifndef VAR
#define VAR(id, name)
#endif
#ifndef VAR_ABSENT
#define VAR_ABSENT(name, why)
#endif

VAR(REMOTE_ADDR,         remote_addr)
VAR(REMOTE_PORT,         remote_port)
VAR(BINARY_REMOTE_ADDR,  binary_remote_addr)       /* in hexadecimal */
VAR(SERVER_PORT,         server_port)
VAR(PROTOCOL,            protocol)
VAR(STATUS,              status)
VAR(BYTES_SENT,          bytes_sent)
VAR(BYTES_RECEIVED,      bytes_received)
VAR(SESSION_TIME,        session_time)
VAR(UPSTREAM_ADDR,       upstream_addr)            /* all that were tried */
VAR(UPSTREAM_SENT,       upstream_bytes_sent)
VAR(UPSTREAM_RECEIVED,   upstream_bytes_received)
VAR(PROXY_UPSTREAM_NAME, proxy_upstream_name)      /* tcp-namespace-service-port */
VAR(SILEX_REASON,        silex_reason)             /* ours: why the session ended (reason_tbl.h) */
VAR(TIME_LOCAL,          time_local)
VAR(TIME_ISO8601,        time_iso8601)
VAR(MSEC,                msec)
VAR(PID,                 pid)
VAR(HOSTNAME,            hostname)
VAR(NGINX_VERSION,       nginx_version)

VAR_ABSENT("connection",               "connections have no numbers")
VAR_ABSENT("server_addr",              "the address a client came to is not looked up for logs")
VAR_ABSENT("upstream_connect_time",    "sessions are timed as a whole")
VAR_ABSENT("upstream_first_byte_time", "sessions are timed as a whole")
VAR_ABSENT("upstream_session_time",    "sessions are timed as a whole")
VAR_ABSENT("ssl_preread_server_name",  "server names are not kept for logs")
/* clang-format on */
#undef VAR
#undef VAR_ABSENT
