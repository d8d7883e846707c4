/* nginx: see nginx.h. */
#include "worker/metrics/nginx.h"

#include <string.h>

#include "common/hash.h"
#include "common/version.h"
#include "worker/metrics/count.h"
#include "worker/admin/metrics_text.h"
#include "worker/worker.h"

#define CERTS_A_TURN 200

#define PREFIX "nginx_ingress_controller_"

static uint64_t board(const struct nginx_metrics *n, enum board_stat id)
{
	return atomic_load_explicit(&n->w->board->stats[id], memory_order_relaxed);
}

struct family {
	struct str name, help;
	bool seconds;
};
#define FAMILY(name, help, seconds)                                                       \
	{                                                                                 \
		{PREFIX name, sizeof(PREFIX name) - 1}, {help, sizeof(help) - 1}, seconds \
	}
static const struct family hists[SERIES_HISTS] = {
    [SERIES_REQUEST_TIME] =
	FAMILY("request_duration_seconds", "first byte in to last byte out", true),
    [SERIES_RESPONSE_TIME] =
	FAMILY("response_duration_seconds", "time of the endpoint that answered", true),
    [SERIES_HEADER_TIME] =
	FAMILY("header_duration_seconds", "time to the head of the answer", true),
    [SERIES_CONNECT_TIME] =
	FAMILY("connect_duration_seconds", "time to connect to the endpoint", true),
    [SERIES_REQUEST_SIZE] = FAMILY("request_size", "bytes of requests, heads included", false),
    [SERIES_RESPONSE_SIZE] = FAMILY("response_size", "bytes of answers, heads included", false),
    [SERIES_BYTES_SENT] = FAMILY("bytes_sent", "bytes of answers, heads included", false),
};
static const struct str requests = {PREFIX "requests", sizeof(PREFIX "requests") - 1};
static const struct str quantiles = {"silex_ingress_request_duration_quantile_seconds", 47};

static struct str family_name(unsigned family)
{
	if (family == 0)
		return requests;
	return family <= SERIES_HISTS ? hists[family - 1].name : quantiles;
}

static bool is_excluded(struct str list, struct str name)
{
	struct str one;

	while (conf_csv_next(&list, &one))
		if (str_eq(one, name) || (str_ends(name, one) && one.n == name.n - STR(PREFIX).n))
			return true;
	return false;
}

void nginx_metrics_init(struct nginx_metrics *n, const struct worker *w, const struct gather *g)
{
	struct text t;

	n->w = w;
	n->g = g;
	text_fixed(&t, n->constant, sizeof(n->constant));
	expo_label(&t, STR("controller_class"), str_from(w->conf->controller_class));
	expo_label(&t, STR("controller_namespace"), str_from(w->board->pod_namespace));
	expo_label(&t, STR("controller_pod"), str_from(w->board->pod_name));
	n->labels = str_make(t.p, t.n);
	n->excluded = 0;
	for (unsigned i = 0; i < NGINX_FAMILIES; i++)
		if (is_excluded(str_from(w->conf->exclude_socket_metrics), family_name(i)))
			n->excluded |= 1u << i;
}

/* --- the controller and its processes ------------------------------------------------------- */

/* One family of one sample, with the constant labels and one more ("" = none). */
static void single(const struct nginx_metrics *n, struct expo *x, struct str name,
		   enum expo_type type, struct str help, uint64_t v)
{
	expo_family(x, name, type, help);
	expo_sample(x, name, n->labels, v);
}

static void with_label(const struct nginx_metrics *n, struct expo *x, struct str name,
		       struct str label, struct str value, uint64_t v)
{
	char buf[sizeof(n->constant) + 256];
	struct text t;

	text_fixed(&t, buf, sizeof(buf));
	text_str(&t, n->labels);
	expo_label(&t, label, value);
	expo_sample(x, name, str_make(t.p, t.n), v);
}

static void build_info(const struct nginx_metrics *n, struct expo *x)
{
	char buf[sizeof(n->constant) + 256];
	struct text t;

	text_fixed(&t, buf, sizeof(buf));
	text_str(&t, n->labels);
	expo_label(&t, STR("build"), STR("silex"));
	expo_label(&t, STR("release"), STR(SILEX_VERSION));
	expo_label(&t, STR("repository"), STR("silex"));
	expo_family(x, STR(PREFIX "build_info"), EXPO_GAUGE,
		    STR("the program that serves, always 1"));
	expo_sample(x, STR(PREFIX "build_info"), str_make(t.p, t.n), 1);
}

/* What a reload is to nginx is a publication of the table, or silex.conf read anew. */
static void reloads(const struct nginx_metrics *n, struct expo *x)
{
	uint64_t version = board(n, BOARD_TABLE_VERSION);
	uint64_t hash = XXH3_64bits_withSeed(&version, sizeof(version), board(n, BOARD_RELOADS));

	single(n, x, STR(PREFIX "success"), EXPO_COUNTER, STR("changes taken over"),
	       board(n, BOARD_PUBLISHED) + board(n, BOARD_RELOADS));
	single(n, x, STR(PREFIX "errors"), EXPO_COUNTER, STR("changes refused"),
	       board(n, BOARD_PUBLISH_FAILS) + board(n, BOARD_RELOAD_FAILS));
	single(n, x, STR(PREFIX "config_hash"), EXPO_GAUGE,
	       STR("another number for every change taken over"), hash >> 12);
	single(n, x, STR(PREFIX "config_last_reload_successful"), EXPO_GAUGE,
	       STR("1 if the last change was taken over"), board(n, BOARD_CONFIG_OK));
	single(n, x, STR(PREFIX "config_last_reload_successful_timestamp_seconds"), EXPO_GAUGE,
	       STR("when a change was last taken over"), board(n, BOARD_CONFIG_OK_TIME));
	expo_family(x, STR(PREFIX "leader_election_status"), EXPO_GAUGE,
		    STR("1 if this instance writes the status of Ingresses"));
	with_label(n, x, STR(PREFIX "leader_election_status"), STR("name"),
		   str_from(n->w->conf->election_id), board(n, BOARD_LEADER));
}

/* ingress-nginx counts what its webhook let pass and what not; Silex, without one, what it took
 * over and what it refused when it read it. Not by Ingress: who is refused is told by Events. */
static void checks(const struct nginx_metrics *n, struct expo *x)
{
	static const struct {
		struct str name, help;
		enum board_stat stat;
	} rows[] = {
	    {{PREFIX "check_success", sizeof(PREFIX "check_success") - 1},
	     {"Ingresses read and taken over", 29},
	     BOARD_INGRESSES_TAKEN},
	    {{PREFIX "check_errors", sizeof(PREFIX "check_errors") - 1},
	     {"refusals of Ingresses, whole or in part", 39},
	     BOARD_INGRESSES_REFUSED},
	};
	char buf[sizeof(n->constant) + 64];
	struct text t;

	text_fixed(&t, buf, sizeof(buf));
	text_str(&t, n->labels);
	expo_label(&t, STR("ingress"), STR("-"));
	expo_label(&t, STR("namespace"), STR("-"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expo_family(x, rows[i].name, EXPO_COUNTER, rows[i].help);
		expo_sample(x, rows[i].name, str_make(t.p, t.n), board(n, rows[i].stat));
	}
}

static void connections(const struct nginx_metrics *n, struct expo *x)
{
	static const struct str gauge = {PREFIX "nginx_process_connections",
					 sizeof(PREFIX "nginx_process_connections") - 1};
	static const struct str total = {PREFIX "nginx_process_connections_total",
					 sizeof(PREFIX "nginx_process_connections_total") - 1};
	uint64_t active = metrics_stat(n->w, STAT_CONN_ACTIVE);
	uint64_t waiting = metrics_stat(n->w, STAT_CONN_IDLE);
	uint64_t writing = metrics_stat(n->w, STAT_REQ_ACTIVE);
	uint64_t accepted = metrics_stat(n->w, STAT_CONN_ACCEPTED);

	expo_family(x, gauge, EXPO_GAUGE, STR("client connections by state"));
	with_label(n, x, gauge, STR("state"), STR("active"), active);
	with_label(n, x, gauge, STR("state"), STR("reading"),
		   active > waiting + writing ? active - waiting - writing : 0);
	with_label(n, x, gauge, STR("state"), STR("writing"), writing);
	with_label(n, x, gauge, STR("state"), STR("waiting"), waiting);
	expo_family(x, total, EXPO_COUNTER_TOTAL, STR("client connections"));
	with_label(n, x, total, STR("state"), STR("accepted"), accepted);
	with_label(n, x, total, STR("state"), STR("handled"), accepted);
	single(n, x, STR(PREFIX "nginx_process_requests_total"), EXPO_COUNTER,
	       STR("requests ended"), metrics_stat(n->w, STAT_REQ_TOTAL));
}

static void cpu(struct expo *x, struct str name, struct str labels, struct str help, uint64_t ms)
{
	expo_family(x, name, EXPO_COUNTER, help);
	text_str(&x->t, name);
	if (labels.n > 0) {
		text_char(&x->t, '{');
		text_str(&x->t, labels);
		text_char(&x->t, '}');
	}
	text_char(&x->t, ' ');
	text_seconds(&x->t, ms * 1000, 3);
	text_char(&x->t, '\n');
}

static void processes(const struct nginx_metrics *n, struct expo *x)
{
	cpu(x, STR(PREFIX "nginx_process_cpu_seconds_total"), n->labels,
	    STR("processor time of all processes"), board(n, BOARD_CPU_MS));
	single(n, x, STR(PREFIX "nginx_process_resident_memory_bytes"), EXPO_GAUGE,
	       STR("resident memory of all processes"), board(n, BOARD_RSS_BYTES));
	single(n, x, STR(PREFIX "nginx_process_virtual_memory_bytes"), EXPO_GAUGE,
	       STR("address space of all processes"), board(n, BOARD_VM_BYTES));
	single(n, x, STR(PREFIX "nginx_process_num_procs"), EXPO_GAUGE, STR("processes"),
	       board(n, BOARD_PROCESSES));
	single(n, x, STR(PREFIX "nginx_process_oldest_start_time_seconds"), EXPO_GAUGE,
	       STR("when the master started"), board(n, BOARD_START_TIME));
	single(n, x, STR(PREFIX "nginx_process_read_bytes_total"), EXPO_COUNTER,
	       STR("bytes received from clients"), metrics_stat(n->w, STAT_CLIENT_RX_BYTES));
	single(n, x, STR(PREFIX "nginx_process_write_bytes_total"), EXPO_COUNTER,
	       STR("bytes sent to clients"), metrics_stat(n->w, STAT_CLIENT_TX_BYTES));
}

static void plain(struct expo *x, struct str name, struct str help, uint64_t v)
{
	expo_family(x, name, EXPO_GAUGE, help);
	expo_sample(x, name, STR_NONE, v);
}

void nginx_write_controller(const struct nginx_metrics *n, struct expo *x)
{
	build_info(n, x);
	reloads(n, x);
	checks(n, x);
	connections(n, x);
	processes(n, x);
	cpu(x, STR("process_cpu_seconds_total"), STR_NONE, STR("processor time of all processes"),
	    board(n, BOARD_CPU_MS));
	plain(x, STR("process_resident_memory_bytes"), STR("resident memory of all processes"),
	      board(n, BOARD_RSS_BYTES));
	plain(x, STR("process_virtual_memory_bytes"), STR("address space of all processes"),
	      board(n, BOARD_VM_BYTES));
	plain(x, STR("process_open_fds"), STR("descriptors of the master"),
	      board(n, BOARD_OPEN_FDS));
	plain(x, STR("process_start_time_seconds"), STR("when the master started"),
	      board(n, BOARD_START_TIME));
}

/* --- requests ------------------------------------------------------------------------------- */

void nginx_write_family(const struct nginx_metrics *n, struct expo *x, unsigned family)
{
	if (n->excluded >> family & 1)
		return;
	if (family == 0)
		expo_family(x, requests, EXPO_COUNTER, STR("requests ended"));
	else if (family <= SERIES_HISTS)
		expo_family(x, hists[family - 1].name, EXPO_HISTOGRAM, hists[family - 1].help);
	else
		expo_family(x, quantiles, EXPO_GAUGE,
			    STR("quantiles of an Ingress' requests since the start"));
}

/* name suffix { constant labels , labels — the brace stays open. */
static void begin(const struct nginx_metrics *n, struct expo *x, struct str name, struct str suffix,
		  struct str labels)
{
	if (!text_reserve(&x->t, name.n + suffix.n + n->labels.n + labels.n + 2))
		return;
	text_str(&x->t, name);
	text_str(&x->t, suffix);
	text_char(&x->t, '{');
	text_str(&x->t, n->labels);
	text_char(&x->t, ',');
	text_str(&x->t, labels);
}

static void end(struct expo *x, uint64_t v)
{
	text_char(&x->t, '}');
	expo_value(x, v);
}

static void le(struct expo *x, struct str bound, uint64_t v)
{
	text_lit(&x->t, ",le=\"");
	text_str(&x->t, bound);
	text_char(&x->t, '"');
	end(x, v);
}

static void histogram(const struct nginx_metrics *n, struct expo *x, unsigned id, struct str labels,
		      const struct gather_hist *h)
{
	const struct buckets *b = &counter_bounds(n->w->counter)->of[id];
	const struct family *f = &hists[id];
	uint64_t below = 0;

	for (unsigned i = 0; i < b->n; i++) {
		below += h->n[i];
		begin(n, x, f->name, STR("_bucket"), labels);
		le(x, str_from(b->text[i]), below);
	}
	begin(n, x, f->name, STR("_bucket"), labels);
	le(x, STR("+Inf"), h->count);
	begin(n, x, f->name, STR("_sum"), labels);
	if (f->seconds) {
		text_lit(&x->t, "} ");
		text_seconds(&x->t, h->sum, 6);
		text_char(&x->t, '\n');
	} else {
		end(x, h->sum);
	}
	begin(n, x, f->name, STR("_count"), labels);
	end(x, h->count);
}

static void ingress_quantiles(const struct nginx_metrics *n, struct expo *x, struct str labels,
			      const struct hist_sum *sum)
{
	static const struct {
		double q;
		struct str label;
	} wanted[] = {
	    {0.5, {"0.5", 3}}, {0.9, {"0.9", 3}}, {0.99, {"0.99", 4}}, {0.999, {"0.999", 5}}};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		begin(n, x, quantiles, STR_NONE, labels);
		text_lit(&x->t, ",quantile=\"");
		text_str(&x->t, wanted[i].label);
		text_lit(&x->t, "\"} ");
		text_seconds(&x->t, hist_quantile(sum, wanted[i].q), 6);
		text_char(&x->t, '\n');
	}
}

void nginx_write_series(const struct nginx_metrics *n, struct expo *x, unsigned family,
			uint32_t series)
{
	bool of_ingress;
	struct str labels = gather_labels(n->g, series, &of_ingress);
	struct gather_hist h;
	struct hist_sum sum;

	if (n->excluded >> family & 1)
		return;
	if (family > SERIES_HISTS) {
		if (of_ingress && gather_read_quantiles(n->g, series, &sum))
			ingress_quantiles(n, x, labels, &sum);
	} else if (of_ingress) {
		return;
	} else if (family == 0) {
		uint64_t v = gather_requests(n->g, series);

		if (v == 0)
			return; /* "other", as long as everything has its place */
		begin(n, x, requests, STR_NONE, labels);
		end(x, v);
	} else if (gather_read_hist(n->g, series, (enum series_hist_id)(family - 1), &h)) {
		histogram(n, x, family - 1, labels, &h);
	}
}

/* --- certificates --------------------------------------------------------------------------- */

/* The families of certificates: the labels they end with, behind class and host. */
struct cert_family {
	struct str name, help;
	unsigned n_labels; /* of enum cert_label */
};

#define CERT_EXPIRE_HELP "when the certificate of a host ends, seconds since the epoch"
#define CERT_INFO_HELP   "what is known of the certificate of a host; always 1"

static const struct cert_family cert_families[NGINX_CERT_FAMILIES] = {
    {{PREFIX "ssl_expire_time_seconds", sizeof(PREFIX "ssl_expire_time_seconds") - 1},
     {CERT_EXPIRE_HELP, sizeof(CERT_EXPIRE_HELP) - 1},
     CERT_IDENTIFIER + 1},
    {{PREFIX "ssl_certificate_info", sizeof(PREFIX "ssl_certificate_info") - 1},
     {CERT_INFO_HELP, sizeof(CERT_INFO_HELP) - 1},
     CERT_LABELS},
};

struct cert_walk {
	const struct nginx_metrics *n;
	struct expo *x;
	unsigned family;
	uint32_t skip, left;
};

static const struct str cert_labels[CERT_LABELS] = {
#define CERT_LABEL(id, name) {name, sizeof(name) - 1},
#include "common/table/cert_label_tbl.h"
#undef CERT_LABEL
};

static bool write_cert(void *arg, struct str name, const struct cert_view *c)
{
	struct cert_walk *walk = arg;
	const struct cert_family *f = &cert_families[walk->family];
	char buf[sizeof(walk->n->constant) + 512 + CERT_LABELS * (24 + 2 * UINT8_MAX)];
	struct str rest = c->labels, value;
	struct text t;

	if (walk->skip > 0) {
		walk->skip--;
		return true;
	}
	if (walk->left-- == 0)
		return false;
	text_fixed(&t, buf, sizeof(buf));
	text_str(&t, walk->n->labels);
	expo_label(&t, STR("class"), str_from(walk->n->w->conf->controller_class));
	expo_label(&t, STR("host"), name.n > 0 ? name : STR("_"));
	for (unsigned i = 0; i < f->n_labels && table_cert_label(&rest, &value); i++)
		expo_label(&t, cert_labels[i], value);
	expo_sample(walk->x, f->name, str_make(t.p, t.n),
		    walk->family != 0  ? 1
		    : c->not_after > 0 ? (uint64_t)c->not_after
				       : 0);
	return true;
}

bool nginx_write_certs(const struct nginx_metrics *n, struct expo *x, unsigned family, uint32_t *at)
{
	struct cert_walk walk = {n, x, family, *at, CERTS_A_TURN};

	if (n->w->table == NULL)
		return false;
	if (*at == 0)
		expo_family(x, cert_families[family].name, EXPO_GAUGE, cert_families[family].help);
	table_each_cert(n->w->table, write_cert, &walk);
	*at += CERTS_A_TURN;
	return walk.left == UINT32_MAX; /* one more was there */
}
