/*
 * board_stat_tbl: what the master counts, in the form of stat_tbl.h; part of /metrics.
 *     STAT(id, prometheus_name, kind, "help")
 */
/* clang-format off */
STAT(WORKERS,          "silex_workers",                          GAUGE,   "workers that accept connections")
STAT(WORKERS_DRAINING, "silex_workers_draining",                 GAUGE,   "workers that finish their last connections")
STAT(WORKER_SPAWNS,    "silex_worker_spawns_total",              COUNTER, "worker processes started")
STAT(WORKER_DEATHS,    "silex_worker_deaths_total",              COUNTER, "worker processes that ended unasked")
STAT(WORKER_HANGS,     "silex_worker_hangs_total",               COUNTER, "workers ended by the watchdog")
STAT(WORKER_BAD_MSGS,  "silex_worker_bad_messages_total",        COUNTER, "workers ended because they broke the channel's contract")
STAT(RELOADS,          "silex_config_reloads_total",             COUNTER, "silex.conf read again and taken over")
STAT(RELOAD_FAILS,     "silex_config_reload_failures_total",     COUNTER, "silex.conf read again and refused")
STAT(CONFIG_OK,        "silex_config_last_reload_successful",    GAUGE,   "1 if the last reading of silex.conf was taken over")
STAT(PUBLISHED,        "silex_table_publications_total",         COUNTER, "versions of the route table published")
STAT(PUBLISH_FAILS,    "silex_table_publication_failures_total", COUNTER, "publications that failed; the old version stayed")
STAT(TABLE_VERSION,    "silex_table_published_version",          GAUGE,   "newest published version of the route table")
STAT(START_TIME,       "silex_start_time_seconds",               GAUGE,   "when the master started, seconds since the epoch")
/* clang-format on */
