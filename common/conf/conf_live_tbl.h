/* conf_live_tbl: CONF_LIVE(field) for each setting of conf_live.h. */
/* clang-format off */
/* Read by workers on each use. */
CONF_LIVE(client_header_timeout_ms)
CONF_LIVE(client_body_timeout_ms)
CONF_LIVE(client_send_timeout_ms)
CONF_LIVE(keep_alive_ms)
CONF_LIVE(keep_alive_requests)
CONF_LIVE(keep_alive_time_ms)
CONF_LIVE(client_header_line_bytes)
CONF_LIVE(client_header_bytes)
CONF_LIVE(splice_threshold_bytes)
CONF_LIVE(upstream_keepalive_timeout_ms)
CONF_LIVE(upstream_keepalive_time_ms)
CONF_LIVE(upstream_keepalive_requests)
CONF_LIVE(worker_shutdown_ms)
/* Not read by workers at all: in the policies of the table. */
CONF_LIVE(proxy_body_size)
CONF_LIVE(proxy_connect_timeout_ms)
CONF_LIVE(proxy_send_timeout_ms)
CONF_LIVE(proxy_read_timeout_ms)
CONF_LIVE(proxy_buffer_size)
CONF_LIVE(proxy_next_upstream_tries)
CONF_LIVE(proxy_next_upstream_timeout_ms)
CONF_LIVE(annotations_risk)
CONF_LIVE(disable_access_log)
/* clang-format on */
