/*
 * conf_ignored_tbl: flags of ingress-nginx that its Helm chart or its users pass and that have
 * nothing to act on in Silex. Accepted, logged once, ignored.
 *     CONF_IGNORED("key", is_boolean, "why nothing is lost")
 */
/* clang-format off */
CONF_IGNORED("validating-webhook", false, "Silex has no webhook: what it refuses shows in the log and in Events")
CONF_IGNORED("validating-webhook-certificate", false, "Silex has no webhook")
CONF_IGNORED("validating-webhook-key", false, "Silex has no webhook")
CONF_IGNORED("disable-full-test", true, "Silex has no webhook")
CONF_IGNORED("sync-period", false, "watches are resumed, not repeated")
CONF_IGNORED("sync-rate-limit", false, "changes are published at once and coalesced when they storm")
CONF_IGNORED("monitor-max-batch-size", false, "metrics are counted in shared memory, not sent in batches")
CONF_IGNORED("dynamic-configuration-retries", false, "the table needs no retries")
CONF_IGNORED("status-port", false, "Silex has no internal status server")
CONF_IGNORED("stream-port", false, "Silex has no internal stream server")
CONF_IGNORED("default-server-port", false, "the built-in 404 needs no port")
CONF_IGNORED("internal-logger-address", false, "Silex has no internal syslog")
CONF_IGNORED("bucket-factor", false, "there are no native histograms, the others say the same")
CONF_IGNORED("max-buckets", false, "there are no native histograms, the others say the same")
CONF_IGNORED("enable-ssl-chain-completion", true, "Silex downloads no certificates: give the whole chain in the Secret")
CONF_IGNORED("ssl-passthrough-proxy-port", false, "TLS is passed through, or terminated, where it is accepted")
CONF_IGNORED("profiling", true, "use perf")
CONF_IGNORED("profiler-port", false, "use perf")
CONF_IGNORED("profiler-address", false, "use perf")
CONF_IGNORED("health-check-timeout", false, "workers answer the health check themselves")
CONF_IGNORED("maxmind-license-key", false, "Silex downloads no databases")
CONF_IGNORED("maxmind-mirror", false, "Silex downloads no databases")
CONF_IGNORED("maxmind-edition-ids", false, "Silex downloads no databases")
CONF_IGNORED("maxmind-retries-count", false, "Silex downloads no databases")
CONF_IGNORED("maxmind-retries-timeout", false, "Silex downloads no databases")
#undef CONF_IGNORED
