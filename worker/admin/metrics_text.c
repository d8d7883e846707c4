/* metrics_text: see metrics_text.h. */
#include "worker/admin/metrics_text.h"

#include "common/stat/hist.h"
#include "common/table/table_read.h"
#include "worker/worker.h"

static uint64_t load(const _Atomic uint64_t *w)
{
	return atomic_load_explicit(w, memory_order_relaxed);
}

static uint64_t sum_stat(const struct worker *w, enum stat_id id)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (w->peers[i] != NULL)
			sum += load(&w->peers[i]->stats[id]);
	return sum;
}

/* The oldest version a serving worker uses: how far a change has come for certain. */
static uint64_t oldest_version(const struct worker *w)
{
	uint64_t oldest = UINT64_MAX;

	for (unsigned i = 0; i < SLOT_MAX; i++) {
		const struct slot *s = w->peers[i];
		uint64_t v;

		if (s == NULL || atomic_load(&s->state) != SLOT_READY)
			continue;
		v = load(&s->stats[STAT_TABLE_VERSION]);
		if (v < oldest)
			oldest = v;
	}
	return oldest == UINT64_MAX ? 0 : oldest;
}

uint64_t metrics_stat(const struct worker *w, enum stat_id id)
{
	return id == STAT_TABLE_VERSION ? oldest_version(w) : sum_stat(w, id);
}

static uint64_t sum_reason(const struct worker *w, enum reason r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (w->peers[i] != NULL)
			sum += load(&w->peers[i]->reasons[r]);
	return sum;
}

static void metric(struct expo *x, const struct stat_text *m, uint64_t v)
{
	struct str name = str_from(m->name);
	ptrdiff_t labels = str_chr(name, '{');
	struct str family = labels == -1 ? name : str_head(name, (size_t)labels);

	if (m->help[0] != '\0') /* the first of its family */
		expo_family(x, family, m->kind == STAT_GAUGE ? EXPO_GAUGE : EXPO_COUNTER,
			    str_from(m->help));
	text_str(&x->t, name);
	expo_value(x, v);
}

/* The reasons of connections are those behind C_CLIENT_CLOSED (reason_tbl.h). NONE is no end. */
static void reasons(const struct worker *w, struct expo *x, struct str name, struct str help,
		    enum reason first, enum reason end)
{
	expo_family(x, name, EXPO_COUNTER, help);
	for (enum reason r = first; r < end; r++) {
		text_str(&x->t, name);
		text_lit(&x->t, "{reason=\"");
		text_str(&x->t, str_from(reason_texts[r].label));
		text_lit(&x->t, "\"}");
		expo_value(x, sum_reason(w, r));
	}
}

struct bound {
	uint64_t us;
	struct str le;
};

/* --time-buckets of ingress-nginx. */
#define BOUND(us, le)                      \
	{                                  \
		us,                        \
		{                          \
			le, sizeof(le) - 1 \
		}                          \
	}
static const struct bound bounds[] = {
    BOUND(5000, "0.005"),  BOUND(10000, "0.01"),  BOUND(25000, "0.025"), BOUND(50000, "0.05"),
    BOUND(100000, "0.1"),  BOUND(250000, "0.25"), BOUND(500000, "0.5"),  BOUND(1000000, "1"),
    BOUND(2500000, "2.5"), BOUND(5000000, "5"),   BOUND(10000000, "10"),
};

static void bucket(struct expo *x, struct str name, struct str le, uint64_t n)
{
	text_str(&x->t, name);
	text_lit(&x->t, "_bucket{le=\"");
	text_str(&x->t, le);
	text_lit(&x->t, "\"}");
	expo_value(x, n);
}

static void histogram(struct expo *x, struct str name, struct str help, const struct hist_sum *s)
{
	expo_family(x, name, EXPO_HISTOGRAM, help);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		bucket(x, name, bounds[i].le, hist_count_below(s, bounds[i].us));
	bucket(x, name, STR("+Inf"), s->count);
	text_str(&x->t, name);
	text_lit(&x->t, "_sum ");
	text_seconds(&x->t, s->sum, 6);
	text_char(&x->t, '\n');
	text_str(&x->t, name);
	text_lit(&x->t, "_count");
	expo_value(x, s->count);
}

/* Finer than the bounds above can tell: within 1/16 of the value. */
static void quantiles(struct expo *x, struct str name, struct str help, const struct hist_sum *s)
{
	static const struct {
		double q;
		struct str label;
	} wanted[] = {
	    {0.5, {"0.5", 3}}, {0.9, {"0.9", 3}}, {0.99, {"0.99", 4}}, {0.999, {"0.999", 5}}};

	expo_family(x, name, EXPO_GAUGE, help);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		text_str(&x->t, name);
		text_lit(&x->t, "{quantile=\"");
		text_str(&x->t, wanted[i].label);
		text_lit(&x->t, "\"} ");
		text_seconds(&x->t, hist_quantile(s, wanted[i].q), 6);
		text_char(&x->t, '\n');
	}
}

static void latencies(const struct worker *w, struct expo *x)
{
	struct hist_sum request = {0}, upstream = {0}, adopt = {0}, live = {0};

	for (unsigned i = 0; i < SLOT_MAX; i++) {
		if (w->peers[i] == NULL)
			continue;
		hist_merge(&request, &w->peers[i]->request_us);
		hist_merge(&upstream, &w->peers[i]->upstream_us);
		hist_merge(&adopt, &w->peers[i]->adopt_us);
		hist_merge(&live, &w->peers[i]->live_us);
	}
	histogram(x, STR("silex_request_duration_seconds"),
		  STR("proxied requests, from the first byte in to the last byte out"), &request);
	quantiles(x, STR("silex_request_duration_quantile_seconds"),
		  STR("quantiles of silex_request_duration_seconds since the start"), &request);
	histogram(x, STR("silex_upstream_duration_seconds"),
		  STR("proxied requests, from picking the endpoint to the end of its answer"),
		  &upstream);
	quantiles(x, STR("silex_upstream_duration_quantile_seconds"),
		  STR("quantiles of silex_upstream_duration_seconds since the start"), &upstream);
	histogram(x, STR("silex_table_adoption_lag_seconds"),
		  STR("from the publication of a version to its adoption by a worker"), &adopt);
	histogram(
	    x, STR("silex_event_to_live_seconds"),
	    STR("from the arrival of a change in the master to its adoption by the last worker"),
	    &live);
	quantiles(x, STR("silex_event_to_live_quantile_seconds"),
		  STR("quantiles of silex_event_to_live_seconds since the start"), &live);
}

static void table(const struct worker *w, struct expo *x)
{
	struct table_info info;

	if (w->table == NULL)
		return;
	table_info(w->table, &info);
	const struct {
		struct stat_text text;
		uint64_t v;
	} rows[] = {
	    {{"silex_table_hosts", STAT_GAUGE, "hosts in the route table"}, info.hosts},
	    {{"silex_table_routes", STAT_GAUGE, "paths in the route table"}, info.routes},
	    {{"silex_table_clusters", STAT_GAUGE, "services in the route table"}, info.clusters},
	    {{"silex_table_endpoints", STAT_GAUGE, "endpoints in the route table"}, info.endpoints},
	    {{"silex_table_file_bytes", STAT_GAUGE, "shared memory reserved for the route table"},
	     info.bytes_file},
	    {{"silex_table_used_bytes", STAT_GAUGE, "of that in use"}, info.bytes_used},
	    {{"silex_table_retired_bytes", STAT_GAUGE, "of that waiting for the last reader"},
	     info.bytes_retired},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		metric(x, &rows[i].text, rows[i].v);
}

void metrics_write(const struct worker *w, struct expo *x)
{
	for (int id = 0; id < STAT_COUNT; id++)
		metric(x, &stat_texts[id], metrics_stat(w, (enum stat_id)id));
	if (w->board != NULL)
		for (int id = 0; id < BOARD_STAT_COUNT; id++)
			metric(x, &board_stat_texts[id], load(&w->board->stats[id]));
	table(w, x);
	reasons(w, x, STR("silex_requests_ended_total"),
		STR("requests by the reason they ended for"), REASON_NONE + 1, REASON_S_DONE);
	reasons(w, x, STR("silex_stream_sessions_ended_total"),
		STR("sessions of TCP and UDP services by the reason they ended for"), REASON_S_DONE,
		REASON_C_CLIENT_CLOSED);
	reasons(w, x, STR("silex_connections_ended_total"),
		STR("client connections by the reason they ended for"), REASON_C_CLIENT_CLOSED,
		REASON_COUNT);
	latencies(w, x);
}
