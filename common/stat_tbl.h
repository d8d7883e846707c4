/*
 * stat_tbl: every counter and gauge a worker keeps, once. Code, /metrics HELP lines, `silex show`
 * and the README table are made from it.
 *     STAT(id, prometheus_name, kind, "help")
 */
/* clang-format off */
STAT(CONN_ACCEPTED,    "silex_connections_accepted_total",      COUNTER, "client connections accepted")
STAT(CONN_ACTIVE,      "silex_connections_active",              GAUGE,   "client connections open now")
STAT(CONN_IDLE,        "silex_connections_idle",                GAUGE,   "client connections open and waiting for a request")
STAT(REQ_TOTAL,        "silex_requests_total",                  COUNTER, "requests ended, whatever their reason")
STAT(REQ_ACTIVE,       "silex_requests_active",                 GAUGE,   "requests under way")
STAT(STATUS_1XX,       "silex_responses_1xx_total",             COUNTER, "responses sent with a 1xx status")
STAT(STATUS_2XX,       "silex_responses_2xx_total",             COUNTER, "responses sent with a 2xx status")
STAT(STATUS_3XX,       "silex_responses_3xx_total",             COUNTER, "responses sent with a 3xx status")
STAT(STATUS_4XX,       "silex_responses_4xx_total",             COUNTER, "responses sent with a 4xx status")
STAT(STATUS_5XX,       "silex_responses_5xx_total",             COUNTER, "responses sent with a 5xx status")
STAT(CLIENT_RX_BYTES,  "silex_client_received_bytes_total",     COUNTER, "bytes received from clients")
STAT(CLIENT_TX_BYTES,  "silex_client_sent_bytes_total",         COUNTER, "bytes sent to clients")
STAT(UP_CONNECTS,      "silex_upstream_connects_total",         COUNTER, "connections opened to endpoints")
STAT(UP_CONNECT_FAILS, "silex_upstream_connect_failures_total", COUNTER, "connections to endpoints that could not be opened")
STAT(UP_REUSED,        "silex_upstream_reused_total",           COUNTER, "requests sent on a pooled connection")
STAT(UP_IDLE,          "silex_upstream_idle",                   GAUGE,   "pooled connections to endpoints")
STAT(UP_RETRIES,       "silex_upstream_retries_total",          COUNTER, "requests tried again on another endpoint")
STAT(LOG_LINES,        "silex_access_log_lines_total",          COUNTER, "access log lines written")
STAT(LOG_LOST,         "silex_access_log_lost_total",           COUNTER, "access log lines lost because the sink was full")
STAT(TABLE_VERSION,    "silex_table_version",                   GAUGE,   "table version in use")
STAT(TABLE_ADOPTIONS,  "silex_table_adoptions_total",           COUNTER, "times a newer table version was adopted")
STAT(H2_CONNECTIONS,   "silex_http2_connections_total",         COUNTER, "client connections that spoke HTTP/2")
STAT(H2_CALM,          "silex_http2_calm_total",                COUNTER, "HTTP/2 connections ended with ENHANCE_YOUR_CALM")
STAT(FD_EXHAUSTED,     "silex_fd_exhausted_total",              COUNTER, "times accepting paused for want of descriptors")
STAT(SLAB_EXHAUSTED,   "silex_memory_exhausted_total",          COUNTER, "times a memory cap was reached")
/* clang-format on */
