/*
 * conf_ignored_tbl: flags of ingress-nginx that its Helm chart or its users pass and that have
 * nothing to act on in Silex. Accepted, logged once, ignored.
 *     CONF_IGNORED("key", "why nothing is lost")
 */
/* clang-format off */
CONF_IGNORED("validating-webhook", "Silex has no webhook: what it refuses shows in the log and in Events")
CONF_IGNORED("validating-webhook-certificate", "Silex has no webhook")
CONF_IGNORED("validating-webhook-key", "Silex has no webhook")
CONF_IGNORED("disable-full-test", "Silex has no webhook")
CONF_IGNORED("sync-period", "watches are resumed, not repeated")
CONF_IGNORED("sync-rate-limit", "changes are published at once and coalesced when they storm")
CONF_IGNORED("monitor-max-batch-size", "metrics are counted in shared memory, not sent in batches")
CONF_IGNORED("dynamic-configuration-retries", "the table needs no retries")
CONF_IGNORED("status-port", "Silex has no internal status server")
CONF_IGNORED("stream-port", "Silex has no internal stream server")
CONF_IGNORED("default-server-port", "the built-in 404 needs no port")
CONF_IGNORED("internal-logger-address", "Silex has no internal syslog")
CONF_IGNORED("profiling", "use perf")
CONF_IGNORED("profiler-port", "use perf")
CONF_IGNORED("profiler-address", "use perf")
CONF_IGNORED("health-check-timeout", "workers answer the health check themselves")
CONF_IGNORED("maxmind-license-key", "Silex downloads no databases")
CONF_IGNORED("maxmind-mirror", "Silex downloads no databases")
CONF_IGNORED("maxmind-edition-ids", "Silex downloads no databases")
CONF_IGNORED("maxmind-retries-count", "Silex downloads no databases")
CONF_IGNORED("maxmind-retries-timeout", "Silex downloads no databases")
#undef CONF_IGNORED
