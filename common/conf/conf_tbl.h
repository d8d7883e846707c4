/*
 * conf_tbl: every configuration key, once. Struct, parser, --help, silex.conf.example and the
 * README's table all come from these rows; append a row and the key exists everywhere.
 *
 *     CONF_BOOL(key, field, default, when, shown, help)
 *     CONF_NUM(type, key, field, default, lo, hi, unit, when, shown, help)
 *     CONF_TEXT(type, key, field, default, capacity, when, shown, help)
 *     CONF_ENUM(key, field, default, "first|second|...", when, shown, help)
 *     CONF_SECTION(title)
 *
 * type     NUM:  INT (a number), AUTO (a number, or "auto" = 0), SIZE (bytes, suffix k m g),
 *                TIME (seconds, or with suffix ms s m h d; kept in milliseconds, field ..._ms)
 *          TEXT: STRING (anything), NAME (letters, digits, . _ -), NSNAME (namespace/name),
 *                URLPATH (begins with /), ADDRS (IP addresses, comma separated, conf_csv_next),
 *                CIDRS (networks, the same)
 * default  text, parsed by the same parser as the file
 * lo, hi   bounds, in bytes, milliseconds or units
 * when     HUP: taken over by SIGHUP; START: fixed until the process starts again
 * shown    COMMON: in `silex --help`; ALL: in `silex --help-all` only
 * Names: as ingress-nginx calls the flag or ConfigMap key where it has one.
 * A user includes this with the macros it needs defined; undefined ones expand to nothing.
 */
/* clang-format off */
#ifndef CONF_BOOL
#define CONF_BOOL(key, field, def, when, shown, help)
#endif
#ifndef CONF_NUM
#define CONF_NUM(type, key, field, def, lo, hi, unit, when, shown, help)
#endif
#ifndef CONF_TEXT
#define CONF_TEXT(type, key, field, def, cap, when, shown, help)
#endif
#ifndef CONF_ENUM
#define CONF_ENUM(key, field, def, choices, when, shown, help)
#endif
#ifndef CONF_SECTION
#define CONF_SECTION(title)
#endif

CONF_SECTION("Sources")
CONF_TEXT(STRING, "manifests", manifests, "", 512, START, COMMON, "directory of YAML or JSON manifests to serve, watched for changes")
CONF_TEXT(STRING, "kubeconfig", kubeconfig, "", 512, START, COMMON, "kubeconfig file of the cluster to watch; empty: in-cluster credentials")
CONF_TEXT(STRING, "apiserver-host", apiserver_host, "", 256, START, ALL, "address of the API server, instead of the kubeconfig's")
CONF_TEXT(STRING, "certificate-authority", certificate_authority, "", 512, START, ALL, "CA file of the API server, instead of the kubeconfig's or the pod's")
CONF_NUM(INT, "kube-api-qps", kube_api_qps, "100", 0, 100000, "requests a second", START, ALL, "most requests a second to the API server; 0: no limit")
CONF_NUM(INT, "kube-api-burst", kube_api_burst, "200", 1, 100000, "requests", START, ALL, "requests to the API server that may start at once")
CONF_NUM(TIME, "kube-watch-idle-timeout", kube_watch_idle_ms, "150", 1000, 3600 * 1000, "", START, ALL, "a watch that is silent for this long, bookmarks included, is begun anew")
CONF_BOOL("watch-all-secrets", watch_all_secrets, "false", START, ALL, "watch every Secret of the watched namespaces, as ingress-nginx does, instead of those that Ingresses name")
CONF_TEXT(NSNAME, "configmap", configmap, "", 256, START, ALL, "namespace/name of the ConfigMap with ingress-nginx settings")
CONF_TEXT(NSNAME, "tcp-services-configmap", tcp_services_configmap, "", 320, START, ALL, "namespace/name of the ConfigMap of TCP services: port: namespace/service:port[:PROXY[:PROXY]]")
CONF_TEXT(NSNAME, "udp-services-configmap", udp_services_configmap, "", 320, START, ALL, "namespace/name of the ConfigMap of UDP services: port: namespace/service:port")

CONF_SECTION("Which Ingresses")
CONF_TEXT(NAME, "ingress-class", ingress_class, "nginx", 256, HUP, COMMON, "value of the kubernetes.io/ingress.class annotation to take")
CONF_TEXT(STRING, "controller-class", controller_class, "k8s.io/ingress-nginx", 256, HUP, COMMON, "spec.controller of the IngressClasses to take")
CONF_BOOL("ingress-class-by-name", ingress_class_by_name, "false", HUP, ALL, "take an IngressClass named as ingress-class, whatever its controller")
CONF_BOOL("watch-ingress-without-class", watch_ingress_without_class, "false", HUP, COMMON, "take Ingresses that name no class at all")
CONF_TEXT(NAME, "watch-namespace", watch_namespace, "", 64, HUP, ALL, "only this namespace; empty: all")
CONF_TEXT(STRING, "watch-namespace-selector", watch_namespace_selector, "", 256, START, ALL, "only namespaces whose labels match, for example env=prod,tier!=test; empty: all")
CONF_BOOL("disable-catch-all", disable_catch_all, "false", HUP, ALL, "ignore Ingresses with spec.defaultBackend")
CONF_BOOL("disable-svc-external-name", disable_svc_external_name, "false", HUP, ALL, "answer 503 for Services of type ExternalName")
CONF_BOOL("enable-topology-aware-routing", enable_topology_aware_routing, "false", START, ALL, "prefer endpoints whose EndpointSlice hints name the zone of the node this pod runs on")
CONF_BOOL("external-name-allow-local", external_name_allow_local, "false", HUP, ALL, "let ExternalName Services lead to loopback, link-local and the API server's addresses")
CONF_TEXT(STRING, "dns-servers", dns_servers, "", 256, START, ALL, "name servers for ExternalName, comma separated, with or without port; empty: /etc/resolv.conf")
CONF_TEXT(NSNAME, "default-backend-service", default_backend_service, "", 256, HUP, COMMON, "namespace/name of the Service for unknown hosts; empty: built-in 404")
CONF_TEXT(NAME, "annotations-prefix", annotations_prefix, "nginx.ingress.kubernetes.io", 128, HUP, ALL, "prefix of the annotations that are read")
CONF_BOOL("enable-annotation-validation", enable_annotation_validation, "true", HUP, ALL, "refuse annotations whose value is not of the expected form")
CONF_BOOL("deep-inspect", deep_inspect, "true", HUP, ALL, "refuse Ingresses with a path that was made to read files or run code inside of nginx")
CONF_BOOL("allow-cross-namespace-resources", allow_cross_namespace, "false", HUP, ALL, "annotations may name Secrets and ConfigMaps of other namespaces")
CONF_ENUM("annotations-risk-level", annotations_risk, "High", "Low|Medium|High|Critical", HUP, ALL, "riskiest annotations that are accepted")

CONF_SECTION("Status and Events")
CONF_BOOL("update-status", update_status, "true", START, ALL, "write the addresses of this controller into the status of its Ingresses")
CONF_BOOL("update-status-on-shutdown", update_status_on_shutdown, "true", HUP, ALL, "clear that status when the last replica stops")
CONF_NUM(TIME, "status-update-interval", status_update_ms, "60", 5000, 24ull * 3600 * 1000, "", START, ALL, "how often the status of all Ingresses is looked at")
CONF_TEXT(NSNAME, "publish-service", publish_service, "", 256, START, ALL, "namespace/name of the Service whose address Ingress status shows")
CONF_TEXT(STRING, "publish-status-address", publish_status_address, "", 512, START, ALL, "addresses Ingress status shows, comma separated; not with publish-service")
CONF_BOOL("report-node-internal-ip-address", report_node_internal_ip, "false", START, ALL, "show nodes' internal addresses, where those of the controller pods' nodes are shown")
CONF_TEXT(NAME, "election-id", election_id, "ingress-controller-leader", 256, START, ALL, "name of the Lease by which the writer of Ingress status is elected")
CONF_NUM(TIME, "election-ttl", election_ttl_ms, "30", 4000, 3600 * 1000, "", START, ALL, "how long that Lease lasts without being renewed")
CONF_BOOL("disable-leader-election", disable_leader_election, "false", START, ALL, "write status without being elected: for a single replica")
CONF_BOOL("disable-sync-events", disable_sync_events, "false", HUP, ALL, "no Sync Event for each change of an Ingress")

CONF_SECTION("Listening")
CONF_NUM(INT, "http-port", http_port, "80", 0, 65535, "port", START, COMMON, "HTTP port; 0: none")
CONF_NUM(INT, "https-port", https_port, "443", 0, 65535, "port", START, COMMON, "HTTPS port; 0: none")
CONF_TEXT(ADDRS, "bind-address", bind_address, "", 512, START, COMMON, "addresses of the HTTP and HTTPS ports; empty: all, IPv4 and IPv6")
CONF_NUM(INT, "healthz-port", healthz_port, "10254", 0, 65535, "port", START, COMMON, "port of /healthz, /readyz and /metrics; 0: none")
CONF_TEXT(ADDRS, "healthz-host", healthz_host, "", 64, START, ALL, "address of the healthz port; empty: all")
CONF_TEXT(URLPATH, "health-check-path", health_check_path, "/healthz", 128, HUP, ALL, "path of the liveness check on the healthz port")
CONF_BOOL("enable-metrics", enable_metrics, "true", HUP, ALL, "answer /metrics on the healthz port")
CONF_NUM(INT, "listen-backlog", listen_backlog, "4096", 16, 65535, "connections", START, ALL, "connections the kernel queues while no worker accepts")

CONF_SECTION("Metrics")
CONF_BOOL("metrics-per-host", metrics_per_host, "true", HUP, ALL, "label host on the metrics of requests")
CONF_BOOL("metrics-per-undefined-host", metrics_per_undefined_host, "false", HUP, ALL, "count requests to hosts that no Ingress names")
CONF_BOOL("report-status-classes", report_status_classes, "false", HUP, ALL, "label status as 2xx, 3xx, 4xx, 5xx")
CONF_TEXT(STRING, "time-buckets", time_buckets, "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10", 256, HUP, ALL, "bounds of the histograms of times, in seconds")
CONF_TEXT(STRING, "length-buckets", length_buckets, "10,20,30,40,50,60,70,80,90,100", 256, HUP, ALL, "bounds of request_size and response_size, in bytes")
CONF_TEXT(STRING, "size-buckets", size_buckets, "10,100,1000,10000,100000,1e+06,1e+07", 256, HUP, ALL, "bounds of bytes_sent, in bytes")
CONF_TEXT(STRING, "exclude-socket-metrics", exclude_socket_metrics, "", 512, HUP, ALL, "metrics of requests that are not written, comma separated, like connect_duration_seconds,response_size")
CONF_NUM(INT, "metrics-max-series", metrics_max_series, "20000", 32, 1000000, "series", HUP, ALL, "path, method and status combinations counted apart; the rest counts as ingress=\"other\"")
CONF_NUM(INT, "metrics-max-histograms", metrics_max_histograms, "1000", 0, 20000, "series", HUP, ALL, "of these with histograms of their own, and paths with quantiles")

CONF_SECTION("Processes")
CONF_NUM(AUTO, "workers", workers, "auto", 0, 256, "processes", HUP, COMMON, "worker processes; auto: the CPUs allowed by affinity and cgroup quota")
CONF_TEXT(NAME, "user", user, "", 64, HUP, COMMON, "user the workers run as when started by root; empty: an own unprivileged uid")
CONF_ENUM("sandbox", sandbox, "on", "off|log|on", HUP, ALL, "seccomp filter: on refuses with death, log only reports")
CONF_TEXT(NAME, "instance", instance, "main", 32, START, ALL, "name of this instance's shared memory, unique per machine")
CONF_ENUM("event-backend", event_backend, "epoll", "epoll|poll", HUP, ALL, "how workers wait for events")
CONF_NUM(SIZE, "table-max-size", table_max_bytes, "1g", 1 << 20, 1ull << 40, "bytes", START, ALL, "most memory of the shared route table")
CONF_NUM(TIME, "watchdog-timeout", watchdog_ms, "10s", 1000, 3600 * 1000, "", HUP, ALL, "a worker that shows no life for this long is killed and replaced")
CONF_NUM(TIME, "shutdown-grace-period", shutdown_grace_ms, "0", 0, 3600 * 1000, "", HUP, ALL, "SIGTERM: serve on for this long with /healthz failing before draining")
CONF_NUM(TIME, "worker-shutdown-timeout", worker_shutdown_ms, "240s", 0, 24ull * 3600 * 1000, "", HUP, ALL, "most a draining worker's connections may live on")
CONF_NUM(TIME, "post-shutdown-grace-period", post_shutdown_ms, "0", 0, 3600 * 1000, "", HUP, ALL, "SIGTERM: stay for this long after the last worker has ended")
CONF_NUM(TIME, "upgrade-timeout", upgrade_timeout_ms, "60s", 100, 3600 * 1000, "", HUP, ALL, "SIGUSR2: the new program goes back to the old one when it is not ready by then")

CONF_SECTION("Clients")
CONF_NUM(INT, "max-connections", max_connections, "16384", 16, 1 << 20, "connections", HUP, ALL, "most client connections of one worker")
CONF_NUM(TIME, "client-header-timeout", client_header_timeout_ms, "60", 100, 3600 * 1000, "", HUP, ALL, "whole request head; else 408")
CONF_NUM(TIME, "client-body-timeout", client_body_timeout_ms, "60", 100, 3600 * 1000, "", HUP, ALL, "between two reads of a request body; else 408")
CONF_NUM(TIME, "client-send-timeout", client_send_timeout_ms, "60", 100, 3600 * 1000, "", HUP, ALL, "between two writes of an answer to the client")
CONF_NUM(TIME, "keep-alive", keep_alive_ms, "75", 0, 24ull * 3600 * 1000, "", HUP, COMMON, "idle time of a client connection; 0: no keep-alive")
CONF_NUM(INT, "keep-alive-requests", keep_alive_requests, "1000", 1, 1u << 31, "requests", HUP, ALL, "requests a client may send over one connection")
CONF_NUM(TIME, "keep-alive-time", keep_alive_time_ms, "1h", 1000, 24ull * 3600 * 1000, "", HUP, ALL, "most life of a client connection before its next answer closes it")
CONF_NUM(SIZE, "client-header-line-size", client_header_line_bytes, "8k", 256, 64 << 10, "bytes", HUP, ALL, "longest request line (else 414) or header line (else 400)")
CONF_NUM(SIZE, "client-header-size", client_header_bytes, "32k", 1024, 256 << 10, "bytes", HUP, ALL, "largest request head (large-client-header-buffers 4 8k); else 400")
CONF_NUM(INT, "max-header-fields", max_header_fields, "100", 16, 1000, "fields", HUP, ALL, "most header fields of one message; else 400 (request), 502 (answer)")
CONF_BOOL("use-http2", use_http2, "true", HUP, COMMON, "HTTP/2 for clients: by ALPN over TLS, by prior knowledge on the plain port")
CONF_NUM(INT, "http2-max-concurrent-streams", http2_streams, "128", 1, 1024, "streams", HUP, ALL, "most requests under way on one HTTP/2 connection")
CONF_NUM(SIZE, "buffer-memory", buffer_memory_bytes, "256m", 1 << 20, 1ull << 40, "bytes", HUP, ALL, "most memory of one worker's body buffers")
CONF_NUM(SIZE, "splice-threshold", splice_threshold_bytes, "64k", 4096, 1ull << 40, "bytes", HUP, ALL, "plain bodies from this size on are moved by splice(2)")

CONF_SECTION("Who the client is")
CONF_BOOL("use-proxy-protocol", use_proxy_protocol, "false", HUP, COMMON, "connections begin with a PROXY header, version 1 or 2")
CONF_NUM(TIME, "proxy-protocol-header-timeout", proxy_protocol_timeout_ms, "5", 10, 3600 * 1000, "", HUP, ALL, "whole PROXY header; else the connection is closed")
CONF_TEXT(CIDRS, "proxy-real-ip-cidr", proxy_real_ip_cidr, "0.0.0.0/0", 4096, HUP, ALL, "networks whose PROXY header and X-Forwarded-* fields are believed")
CONF_BOOL("use-forwarded-headers", use_forwarded_headers, "false", HUP, COMMON, "believe X-Forwarded-* of proxy-real-ip-cidr")
CONF_BOOL("trust-forwarded-headers-from-anyone", forwarded_from_anyone, "false", HUP, ALL, "with use-forwarded-headers: believe -Host, -Proto and -Port from any peer, as ingress-nginx does")
CONF_BOOL("enable-real-ip", enable_real_ip, "false", HUP, ALL, "believe only the client address of forwarded-for-header, from those networks")
CONF_TEXT(NAME, "forwarded-for-header", forwarded_for_header, "X-Forwarded-For", 64, HUP, ALL, "field that names the client's address")
CONF_TEXT(NAME, "forwarded-host-header", forwarded_host_header, "X-Forwarded-Host", 64, HUP, ALL, "with use-forwarded-headers: field that names the host the client asked for")
CONF_BOOL("compute-full-forwarded-for", compute_full_forwarded_for, "false", HUP, ALL, "with use-forwarded-headers: append to X-Forwarded-For instead of replacing it")

CONF_SECTION("Upstreams")
CONF_NUM(INT, "upstream-keepalive-connections", upstream_keepalive_connections, "320", 0, 1 << 20, "connections", HUP, ALL, "idle connections to endpoints kept by one worker; 0: none")
CONF_NUM(TIME, "upstream-keepalive-timeout", upstream_keepalive_timeout_ms, "60", 10, 24ull * 3600 * 1000, "", HUP, ALL, "idle time of a connection to an endpoint")
CONF_NUM(TIME, "upstream-keepalive-time", upstream_keepalive_time_ms, "1h", 1000, 30ull * 24 * 3600 * 1000, "", HUP, ALL, "most life of a connection to an endpoint")
CONF_NUM(INT, "upstream-keepalive-requests", upstream_keepalive_requests, "10000", 1, 1u << 31, "requests", HUP, ALL, "requests sent over one connection to an endpoint")

CONF_ENUM("upstream-check", upstream_check, "off", "off|tcp|http|https|grpc|grpcs", HUP, ALL, "active health checks of all endpoints; a Service says otherwise by annotation silex.dev/health-check")
CONF_TEXT(URLPATH, "upstream-check-path", upstream_check_path, "/", 256, HUP, ALL, "path that http and https checks ask for")
CONF_NUM(INT, "upstream-check-status-min", upstream_check_low, "200", 100, 599, "status", HUP, ALL, "least status that is good")
CONF_NUM(INT, "upstream-check-status-max", upstream_check_high, "399", 100, 599, "status", HUP, ALL, "greatest status that is good")
CONF_NUM(TIME, "upstream-check-interval", upstream_check_interval_ms, "5", 100, 3600 * 1000, "", HUP, ALL, "between two checks of an endpoint, a tenth more or less")
CONF_NUM(TIME, "upstream-check-timeout", upstream_check_timeout_ms, "2", 100, 3600 * 1000, "", HUP, ALL, "whole check")
CONF_NUM(INT, "upstream-check-healthy-threshold", upstream_check_rise, "2", 1, 100, "checks", HUP, ALL, "good checks in a row that bring an endpoint back")
CONF_NUM(INT, "upstream-check-unhealthy-threshold", upstream_check_fall, "3", 1, 100, "checks", HUP, ALL, "bad checks in a row that take an endpoint out")

CONF_NUM(INT, "upstream-eject-after", upstream_eject_after, "0", 0, 1000, "failures", HUP, ALL, "failures in a row after which an endpoint gets no requests for a while; 0: off. A Service says otherwise by silex.dev/eject-after, and so on")
CONF_NUM(TIME, "upstream-eject-time", upstream_eject_ms, "10", 100, 3600 * 1000, "", HUP, ALL, "for how long at first; each time twice as long")
CONF_NUM(TIME, "upstream-eject-max-time", upstream_eject_max_ms, "5m", 100, 3600 * 1000, "", HUP, ALL, "for how long at most")
CONF_NUM(INT, "upstream-eject-share", upstream_eject_share, "50", 1, 100, "percent", HUP, ALL, "of a Service's endpoints that may be out at the same time: one in any case, never all")
CONF_BOOL("upstream-eject-5xx", upstream_eject_5xx, "false", HUP, ALL, "answers with a status of 5xx are failures too, not only connections that fail, time out or break")
CONF_NUM(TIME, "upstream-slow-start", upstream_slow_start_ms, "0", 0, 3600 * 1000, "", HUP, ALL, "time in which the share of an endpoint that became ready grows; 0: off. A Service says otherwise by silex.dev/slow-start")

CONF_SECTION("TCP and UDP services")
CONF_NUM(TIME, "proxy-stream-timeout", proxy_stream_timeout_ms, "600", 100, 30ull * 24 * 3600 * 1000, "", HUP, ALL, "a TCP or UDP session that is silent both ways for this long is ended")
CONF_BOOL("proxy-stream-next-upstream", proxy_stream_next_upstream, "true", HUP, ALL, "try another endpoint when one cannot be connected to")
CONF_NUM(TIME, "proxy-stream-next-upstream-timeout", proxy_stream_next_upstream_timeout_ms, "600", 0, 24ull * 3600 * 1000, "", HUP, ALL, "time within which another endpoint is tried; 0: no limit")
CONF_NUM(INT, "proxy-stream-next-upstream-tries", proxy_stream_next_upstream_tries, "3", 0, 100, "tries", HUP, ALL, "endpoints tried for one session; 0: no limit")
CONF_NUM(INT, "proxy-stream-responses", proxy_stream_responses, "1", 0, 1u << 31, "datagrams", HUP, ALL, "answers expected to each datagram of a UDP client; then its session ends")

CONF_SECTION("TLS towards endpoints")
CONF_BOOL("proxy-ssl-location-only", proxy_ssl_location_only, "false", HUP, ALL, "proxy-ssl-* count for the paths of their own Ingress only; else the oldest Ingress of a host that has them decides for the host")

CONF_SECTION("TLS towards clients")
CONF_TEXT(NSNAME, "default-ssl-certificate", default_ssl_certificate, "", 320, HUP, COMMON, "namespace/name of the Secret for unknown names; empty: self-signed")
CONF_TEXT(STRING, "ssl-protocols", ssl_protocols, "TLSv1.2 TLSv1.3", 64, HUP, COMMON, "TLS versions: TLSv1.2, TLSv1.3")
CONF_TEXT(STRING, "ssl-ciphers", ssl_ciphers, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305", 512, HUP, ALL, "ciphers of TLS 1.2 in OpenSSL's notation, in the order of preference")
CONF_TEXT(STRING, "ssl-ecdh-curve", ssl_ecdh_curve, "auto", 256, HUP, ALL, "key exchange groups, like X25519:P-256; auto: OpenSSL's choice")
CONF_BOOL("ssl-session-tickets", ssl_session_tickets, "true", HUP, ALL, "sessions resume by tickets, on any worker; keys are made anew every hour")
CONF_BOOL("ssl-session-cache", ssl_session_cache, "true", HUP, ALL, "sessions of clients without tickets resume on the worker that made them")
CONF_NUM(SIZE, "ssl-session-cache-size", ssl_session_cache_bytes, "10m", 64 << 10, 1ull << 30, "bytes", HUP, ALL, "of one worker's cache, some 2 KiB a session")
CONF_NUM(TIME, "ssl-session-timeout", ssl_session_timeout_ms, "10m", 1000, 3600 * 1000, "", HUP, ALL, "how long a session can be resumed")
CONF_NUM(SIZE, "ssl-buffer-size", ssl_buffer_bytes, "16k", 512, 1 << 20, "bytes", HUP, ALL, "content of one TLS record at most; a record has 16k at most")
CONF_BOOL("ssl-early-data", ssl_early_data, "false", HUP, ALL, "TLS 1.3: answer GET, HEAD and OPTIONS that come before the handshake is done, with Early-Data: 1 to the endpoint; others get 425")
CONF_BOOL("ssl-reject-handshake", ssl_reject_handshake, "false", HUP, ALL, "end the handshake of clients that name no host, or one that no Ingress has")
CONF_BOOL("enable-ocsp", enable_ocsp, "false", HUP, ALL, "staple OCSP responses, which the master fetches from the responder each certificate names")
CONF_NUM(TIME, "ssl-handshake-timeout", ssl_handshake_timeout_ms, "10", 100, 3600 * 1000, "", HUP, ALL, "whole TLS handshake; then the connection is closed")
CONF_BOOL("enable-ssl-passthrough", enable_ssl_passthrough, "false", START, ALL, "honour the annotation ssl-passthrough: TLS of such hosts goes to their Service as it is")
CONF_BOOL("ssl-redirect", ssl_redirect, "true", HUP, ALL, "redirect http to https where the host has a certificate")
CONF_BOOL("force-ssl-redirect", force_ssl_redirect, "false", HUP, ALL, "redirect http to https even without a certificate")
CONF_BOOL("preserve-trailing-slash", preserve_trailing_slash, "false", HUP, ALL, "keep the final / in the redirect to https")
CONF_ENUM("http-redirect-code", http_redirect_code, "308", "301|302|307|308", HUP, ALL, "status of the redirect to https")
CONF_TEXT(STRING, "no-tls-redirect-locations", no_tls_redirect_locations, "/.well-known/acme-challenge", 512, HUP, ALL, "beginnings of paths that are never redirected to https, separated by commas")
CONF_BOOL("hsts", hsts, "true", HUP, ALL, "Strict-Transport-Security on every answer over https")
CONF_BOOL("hsts-include-subdomains", hsts_include_subdomains, "true", HUP, ALL, "its includeSubDomains")
CONF_NUM(INT, "hsts-max-age", hsts_max_age, "31536000", 0, 1ull << 40, "seconds", HUP, ALL, "its max-age")
CONF_BOOL("hsts-preload", hsts_preload, "false", HUP, ALL, "its preload")

CONF_SECTION("Defaults of the annotations")
CONF_NUM(SIZE, "proxy-body-size", proxy_body_size, "1m", 0, 1ull << 50, "bytes", HUP, COMMON, "largest request body, else 413; 0: no limit")
CONF_NUM(TIME, "proxy-connect-timeout", proxy_connect_timeout_ms, "5", 10, 3600 * 1000, "", HUP, ALL, "connecting to an endpoint")
CONF_NUM(TIME, "proxy-send-timeout", proxy_send_timeout_ms, "60", 10, 24ull * 3600 * 1000, "", HUP, ALL, "between two writes to an endpoint")
CONF_NUM(TIME, "proxy-read-timeout", proxy_read_timeout_ms, "60", 10, 24ull * 3600 * 1000, "", HUP, ALL, "between two reads from an endpoint; else 504")
CONF_NUM(SIZE, "proxy-buffer-size", proxy_buffer_size, "4k", 1024, 1 << 20, "bytes", HUP, ALL, "largest head of an answer; else 502")
CONF_NUM(INT, "limit-req-status-code", limit_req_status, "503", 400, 599, "status", HUP, ALL, "answer to a client over limit-rps or limit-rpm")
CONF_NUM(INT, "limit-conn-status-code", limit_conn_status, "503", 400, 599, "status", HUP, ALL, "answer to a client over limit-connections")
CONF_NUM(INT, "proxy-next-upstream-tries", proxy_next_upstream_tries, "3", 0, 100, "tries", HUP, ALL, "endpoints tried for one request; 0: no limit")
CONF_NUM(TIME, "proxy-next-upstream-timeout", proxy_next_upstream_timeout_ms, "0", 0, 24ull * 3600 * 1000, "", HUP, ALL, "time within which another endpoint is tried; 0: no limit")

CONF_SECTION("Header fields")
CONF_TEXT(NSNAME, "add-headers", add_headers, "", 320, HUP, ALL, "namespace/name of a ConfigMap: header fields of every answer")
CONF_TEXT(NSNAME, "proxy-set-headers", proxy_set_headers, "", 320, HUP, ALL, "namespace/name of a ConfigMap: header fields of requests to endpoints; values may hold nginx' variables")
CONF_TEXT(STRING, "hide-headers", hide_headers, "", 1024, HUP, ALL, "header fields of endpoints' answers that are left out, comma separated")
CONF_BOOL("server-tokens", server_tokens, "false", HUP, ALL, "a Server field with the version in every answer")
CONF_BOOL("allow-backend-server-header", allow_backend_server_header, "false", HUP, ALL, "endpoints' Server field is passed on")
CONF_TEXT(STRING, "global-allowed-response-headers", allowed_response_headers, "", 1024, HUP, ALL, "names that annotation custom-headers may set, comma separated, in this case")
CONF_BOOL("proxy-add-original-uri-header", proxy_add_original_uri, "false", HUP, ALL, "X-Original-URI for endpoints")
CONF_BOOL("generate-request-id", generate_request_id, "true", HUP, ALL, "an X-Request-ID is made where the client sent none")
CONF_BOOL("enable-underscores-in-headers", underscores_in_headers, "false", HUP, ALL, "requests' header names may hold \"_\"; else such fields are left out")
CONF_BOOL("ignore-invalid-headers", ignore_invalid_headers, "true", HUP, ALL, "names with other characters than letters, digits and \"-\" are left out; else passed on when they are tokens")
CONF_TEXT(CIDRS, "block-cidrs", block_cidrs, "", 4096, HUP, ALL, "networks of clients that are answered 403, whatever an Ingress says")
CONF_TEXT(STRING, "block-user-agents", block_user_agents, "", 4096, HUP, ALL, "values of User-Agent that are answered 403, comma separated; ~regex, ~*regex")
CONF_TEXT(STRING, "block-referers", block_referers, "", 4096, HUP, ALL, "the same for Referer")

CONF_SECTION("Logs")
CONF_BOOL("disable-access-log", disable_access_log, "false", HUP, ALL, "no access log line for any route")
CONF_BOOL("disable-stream-access-log", disable_stream_access_log, "false", HUP, ALL, "no access log line for TCP and UDP services")
CONF_TEXT(STRING, "access-log", access_log, "stdout", 512, HUP, COMMON, "stdout, off, or a file (SIGUSR1 opens it anew)")
CONF_ENUM("access-log-format", access_log_format, "upstreaminfo", "upstreaminfo|json", HUP, COMMON, "ingress-nginx' format, or one JSON object a line")
CONF_TEXT(STRING, "log-format-upstream", log_format_upstream, "", 2048, HUP, ALL, "access log line, with nginx' variables; empty: access-log-format")
CONF_BOOL("log-format-escape-json", log_format_escape_json, "false", HUP, ALL, "values in it are escaped as in JSON strings")
CONF_BOOL("log-format-escape-none", log_format_escape_none, "false", HUP, ALL, "values in it are not escaped, but for control characters")
CONF_TEXT(STRING, "skip-access-log-urls", skip_access_log_urls, "", 2048, HUP, ALL, "request URIs without an access log line, comma separated; ~regex, ~*regex")
CONF_BOOL("enable-access-log-for-default-backend", access_log_default_backend, "false", HUP, ALL, "access log lines for hosts that no Ingress names")
CONF_BOOL("enable-syslog", enable_syslog, "false", HUP, ALL, "both logs go to syslog-host over UDP, whatever access-log and error-log say")
CONF_TEXT(STRING, "syslog-host", syslog_host, "", 256, HUP, ALL, "address or name of the syslog server")
CONF_NUM(INT, "syslog-port", syslog_port, "514", 1, 65535, "port", HUP, ALL, "its UDP port")
CONF_TEXT(STRING, "error-log", error_log, "stderr", 512, HUP, COMMON, "stderr or a file (SIGUSR1 opens it anew)")
CONF_ENUM("log-level", log_level, "info", "error|warn|info|debug", HUP, COMMON, "least important level that is written to the error log")
CONF_ENUM("log-format", log_format, "text", "text|json", HUP, COMMON, "error log: key=value text, or one JSON object a line")

#undef CONF_BOOL
#undef CONF_NUM
#undef CONF_TEXT
#undef CONF_ENUM
#undef CONF_SECTION
