/*
 * test_admin: /healthz, /readyz, /metrics and /nginx_status.
 *
 * /metrics is read by a strict parser of the Prometheus text format: every sample belongs to the
 * family announced above it, families come once, histograms are whole and never fall.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/process/board.h"
#include "worker/admin/admin.h"
#include "worker/metrics/scrape.h"
#include "worker/admin/metrics_text.h"
#include "worker/worker.h"

struct fixture {
	struct worker w;
	struct slot *slots; /* two of them */
	struct board *board;
	struct conf conf;
	struct admin_answer got;
	const char *accept; /* field of the next requests */
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->slots = calloc(2, sizeof(*f->slots));
	f->board = calloc(1, sizeof(*f->board));
	f->w.slot = &f->slots[0];
	f->w.peers[0] = &f->slots[0];
	f->w.peers[3] = &f->slots[1];
	f->w.board = f->board;
	f->w.conf = &f->conf;
	f->conf.enable_metrics = true;
	(void)snprintf(f->conf.health_check_path, sizeof(f->conf.health_check_path), "/alive");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->got.body);
	free(f->slots);
	free(f->board);
	free(f);
	return 0;
}

static void stat_put(struct slot *s, enum stat_id id, uint64_t v)
{
	atomic_store(&s->stats[id], v);
}

/* All pages of a scrape as one body. */
static void collect(struct fixture *f)
{
	struct text t;
	struct str page;
	enum scrape_result got;

	text_growing(&t, 1 << 20);
	while ((got = scrape_next(f->got.scrape, &page)) == SCRAPE_PAGE)
		text_str(&t, page);
	assert_int_equal(got, SCRAPE_END);
	scrape_free(f->got.scrape);
	f->got.scrape = NULL;
	f->got.body = t.p;
	f->got.body_n = t.n;
}

/* Ask; the answer's content as a string. */
static const char *ask(struct fixture *f, const char *target)
{
	static char body[1 << 17];
	size_t path_n = strcspn(target, "?");
	struct str value = str_from(f->accept == NULL ? "" : f->accept);
	struct field accept = {.id = FIELD_ACCEPT, .value = value.p, .value_n = (uint32_t)value.n};
	struct head in = {.method = METHOD_GET, .target = str_from(target), .fields = &accept};

	free(f->got.body);
	if (f->accept != NULL)
		in.n_fields = 1;
	admin_answer(&f->w, &in, str_make(target, path_n), &f->got);
	if (f->got.scrape != NULL)
		collect(f);
	assert_true(f->got.body_n < sizeof(body));
	if (f->got.body_n > 0)
		memcpy(body, f->got.body, f->got.body_n);
	body[f->got.body_n] = '\0';
	return body;
}

static void live(struct fixture *f)
{
	for (int i = 0; i < 2; i++) {
		stat_put(&f->slots[i], STAT_TABLE_VERSION, 1);
		atomic_store(&f->slots[i].state, SLOT_READY);
	}
	atomic_store(&f->board->workers[0].pid, 100);
	atomic_store(&f->board->workers[3].pid, 103);
}

static void healthz_follows_the_table(void **state)
{
	struct fixture *f = *state;

	assert_non_null(strstr(ask(f, "/healthz"), "[-]table failed"));
	assert_int_equal(f->got.status, 503);
	live(f);
	assert_string_equal(ask(f, "/healthz"), "ok\n");
	assert_int_equal(f->got.status, 200);
	assert_string_equal(ask(f, "/alive"), "ok\n");
	atomic_store(&f->board->stopping, 1);
	assert_non_null(strstr(ask(f, "/alive"), "[-]shutdown failed"));
	assert_int_equal(f->got.status, 503);
}

static void readyz_waits_for_all_workers(void **state)
{
	struct fixture *f = *state;

	live(f);
	assert_non_null(strstr(ask(f, "/readyz"), "[-]workers failed"));
	assert_int_equal(f->got.status, 503);
	atomic_store(&f->board->ready, 1);
	assert_string_equal(ask(f, "/readyz"), "ok\n");
	assert_int_equal(f->got.status, 200);
	f->w.draining = true;
	(void)ask(f, "/readyz");
	assert_int_equal(f->got.status, 503);
}

static void verbose_lists_the_checks(void **state)
{
	struct fixture *f = *state;

	live(f);
	atomic_store(&f->board->ready, 1);
	stat_put(&f->slots[1], STAT_TABLE_VERSION, 7);
	assert_string_equal(ask(f, "/readyz?verbose"),
			    "[+]table ok\n[+]shutdown ok\n[+]workers ok\n"
			    "   worker 0: ready, table version 1\n"
			    "   worker 3: ready, table version 7\nok\n");
	assert_string_equal(ask(f, "/healthz?x=1&verbose=1"), "[+]table ok\n[+]shutdown ok\nok\n");
	assert_string_equal(ask(f, "/healthz?verbosely"), "ok\n");
	atomic_store(&f->slots[1].state, SLOT_DEAD);
	assert_non_null(strstr(ask(f, "/readyz?verbose"), "worker 3: not running"));
}

static void other_paths_are_404(void **state)
{
	struct fixture *f = *state;
	static const char *const paths[] = {"/", "/healthz/", "/Healthz", "/metrics/x", "*", ""};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		(void)ask(f, paths[i]);
		assert_int_equal(f->got.status, 404);
	}
	f->conf.enable_metrics = false;
	(void)ask(f, "/metrics");
	assert_int_equal(f->got.status, 404);
}

static void nginx_status(void **state)
{
	struct fixture *f = *state;

	stat_put(&f->slots[0], STAT_CONN_ACTIVE, 10);
	stat_put(&f->slots[1], STAT_CONN_ACTIVE, 20);
	stat_put(&f->slots[0], STAT_CONN_IDLE, 4);
	stat_put(&f->slots[1], STAT_REQ_ACTIVE, 25);
	stat_put(&f->slots[1], STAT_CONN_ACCEPTED, 1000);
	stat_put(&f->slots[0], STAT_REQ_TOTAL, 5000);
	assert_string_equal(
	    ask(f, "/nginx_status"),
	    "Active connections: 30 \nserver accepts handled requests\n 1000 1000 5000 "
	    "\nReading: 1 Writing: 25 Waiting: 4 \n");
}

/* ---- a strict reader of the exposition format ---- */

struct family {
	char name[128];
	char type[16];
};

struct reader {
	struct family all[256];
	unsigned n;
	char help[128]; /* announced by HELP, TYPE has to follow */
	uint64_t last_bucket, count;
	bool inf;
};

static size_t name_length(const char *p)
{
	size_t n = 0;

	assert_true(isalpha((unsigned char)*p) || *p == '_');
	while (isalnum((unsigned char)p[n]) || p[n] == '_' || p[n] == ':')
		n++;
	return n;
}

static void read_help(struct reader *r, const char *p)
{
	size_t n = name_length(p);

	assert_string_equal(r->help, "");
	assert_true(n < sizeof(r->help));
	assert_int_equal(p[n], ' ');
	assert_true(strlen(p + n) > 5); /* says something */
	assert_null(strchr(p, '\\'));
	(void)snprintf(r->help, sizeof(r->help), "%.*s", (int)n, p);
}

static void read_type(struct reader *r, const char *p)
{
	size_t n = name_length(p);
	struct family *f = &r->all[r->n++];

	assert_true(r->n < 256);
	assert_int_equal(strlen(r->help), n);
	assert_int_equal(strncmp(p, r->help, n), 0);
	for (unsigned i = 0; i + 1 < r->n; i++)
		assert_string_not_equal(r->all[i].name, r->help);
	(void)snprintf(f->name, sizeof(f->name), "%.*s", (int)n, p);
	(void)snprintf(f->type, sizeof(f->type), "%s", p + n + 1);
	assert_true(strcmp(f->type, "counter") == 0 || strcmp(f->type, "gauge") == 0 ||
		    strcmp(f->type, "histogram") == 0);
	/* ingress-nginx has counters without it, and dashboards ask for those names. */
	if (strcmp(f->type, "counter") == 0 && strncmp(f->name, "nginx_ingress_", 14) != 0)
		assert_string_equal(p + n - 6, strstr(p + n - 6, "_total"));
	r->help[0] = '\0';
	r->last_bucket = 0;
	r->inf = false;
}

/* Label pairs in braces; returns what follows. */
static const char *read_labels(const char *p)
{
	if (*p != '{')
		return p;
	do {
		p++;
		p += name_length(p);
		assert_int_equal(*p++, '=');
		assert_int_equal(*p++, '"');
		while (*p != '"') {
			assert_true(*p >= 0x20 && *p != '\\');
			p++;
		}
		p++;
	} while (*p == ',');
	assert_int_equal(*p++, '}');
	return p;
}

static void read_histogram(struct reader *r, const char *suffix, const char *line, uint64_t v)
{
	if (strncmp(suffix, "_bucket", 7) == 0) {
		assert_true(v >= r->last_bucket);
		r->last_bucket = v;
		r->inf = strstr(line, "le=\"+Inf\"") != NULL;
	} else if (strncmp(suffix, "_count", 6) == 0) {
		assert_true(r->inf);
		assert_int_equal(v, r->last_bucket);
	} else {
		assert_int_equal(strncmp(suffix, "_sum", 4), 0);
	}
}

static void read_sample(struct reader *r, const char *line)
{
	size_t n = name_length(line);
	const struct family *f = &r->all[r->n - 1];
	const char *p = read_labels(line + n);
	char *end;
	double v;

	assert_true(r->n > 0);
	assert_string_equal(r->help, "");
	assert_int_equal(strncmp(line, f->name, strlen(f->name)), 0);
	assert_int_equal(*p++, ' ');
	v = strtod(p, &end);
	assert_true(end != p && *end == '\0' && v >= 0);
	if (strcmp(f->type, "histogram") == 0)
		read_histogram(r, line + strlen(f->name), line, (uint64_t)v);
	else
		assert_int_equal(n, strlen(f->name));
}

static void read_exposition(struct reader *r, const char *text)
{
	char line[1024];

	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		assert_int_equal(text[n], '\n');
		assert_true(n > 0 && n < sizeof(line));
		(void)snprintf(line, sizeof(line), "%.*s", (int)n, text);
		if (strncmp(line, "# HELP ", 7) == 0)
			read_help(r, line + 7);
		else if (strncmp(line, "# TYPE ", 7) == 0)
			read_type(r, line + 7);
		else
			read_sample(r, line);
		text += n + 1;
	}
	assert_string_equal(r->help, "");
}

static void has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (at == NULL)
		fail_msg("no line: %s", line);
	assert_true(at == text || at[-1] == '\n');
	assert_int_equal(at[strlen(line)], '\n');
}

/* Rows without help belong to the family of the row above them. */
static size_t board_families(void)
{
	size_t n = 0;

	for (int id = 0; id < BOARD_STAT_COUNT; id++)
		n += board_stat_texts[id].help[0] != '\0';
	return n;
}

static void metrics_are_valid_exposition(void **state)
{
	struct fixture *f = *state;
	static struct reader r;
	const char *text = ask(f, "/metrics");

	assert_int_equal(f->got.status, 200);
	assert_string_equal(f->got.content_type, EXPO_TEXT_TYPE);
	read_exposition(&r, text);
	assert_true(r.n >= STAT_COUNT + board_families() + 6);
}

/* OpenMetrics 1.0: families of counters are named without "_total", and the text has an end. */
static void openmetrics_for_who_asks(void **state)
{
	struct fixture *f = *state;
	const char *text;

	f->accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
	text = ask(f, "/metrics");
	assert_string_equal(f->got.content_type, EXPO_OPEN_TYPE);
	assert_non_null(strstr(text, "# TYPE silex_requests counter\nsilex_requests_total 0\n"));
	assert_non_null(strstr(text, "# TYPE nginx_ingress_controller_success unknown\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	assert_null(strstr(text, "_total counter"));
}

static void scrapes_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct scrape *s[SCRAPES_MAX];

	for (unsigned i = 0; i < SCRAPES_MAX; i++)
		assert_non_null(s[i] = scrape_new(&f->w, false));
	(void)ask(f, "/metrics");
	assert_int_equal(f->got.status, 503);
	for (unsigned i = 0; i < SCRAPES_MAX; i++)
		scrape_free(s[i]);
	(void)ask(f, "/metrics");
	assert_int_equal(f->got.status, 200);
}

static void metrics_sum_the_slots(void **state)
{
	struct fixture *f = *state;
	static struct reader r;
	const char *text;

	live(f);
	stat_put(&f->slots[0], STAT_REQ_TOTAL, 40);
	stat_put(&f->slots[1], STAT_REQ_TOTAL, 2);
	stat_put(&f->slots[0], STAT_TABLE_VERSION, 9);
	stat_put(&f->slots[1], STAT_TABLE_VERSION, 8);
	reason_count(&f->slots[0], REASON_DONE);
	reason_count(&f->slots[1], REASON_DONE);
	reason_count(&f->slots[1], REASON_C_IDLE);
	atomic_store(&f->board->stats[BOARD_WORKERS], 2);
	text = ask(f, "/metrics");
	read_exposition(&r, text);
	has_line(text, "silex_requests_total 42");
	has_line(text, "silex_table_version 8"); /* the oldest in use */
	has_line(text, "silex_requests_ended_total{reason=\"done\"} 2");
	has_line(text, "silex_requests_ended_total{reason=\"no_route\"} 0");
	has_line(text, "silex_connections_ended_total{reason=\"conn_idle\"} 1");
	has_line(text, "silex_workers 2");
	assert_null(strstr(text, "requests_ended_total{reason=\"conn_"));
	assert_null(strstr(text, "reason=\"none\""));
}

/* The version of a worker that is not serving does not hold the figure back. */
static void oldest_version_is_of_the_living(void **state)
{
	struct fixture *f = *state;

	live(f);
	stat_put(&f->slots[0], STAT_TABLE_VERSION, 9);
	stat_put(&f->slots[1], STAT_TABLE_VERSION, 2);
	atomic_store(&f->slots[1].state, SLOT_DRAINING);
	assert_int_equal(metrics_stat(&f->w, STAT_TABLE_VERSION), 9);
	atomic_store(&f->slots[0].state, SLOT_STARTING);
	assert_int_equal(metrics_stat(&f->w, STAT_TABLE_VERSION), 0);
}

static void latency_of_all_workers(void **state)
{
	struct fixture *f = *state;
	static struct reader r;
	const char *text;

	for (int i = 0; i < 90; i++)
		hist_record(&f->slots[0].request_us, 1000);
	for (int i = 0; i < 10; i++)
		hist_record(&f->slots[1].request_us, 2000000);
	text = ask(f, "/metrics");
	read_exposition(&r, text);
	has_line(text, "silex_request_duration_seconds_bucket{le=\"0.005\"} 90");
	has_line(text, "silex_request_duration_seconds_bucket{le=\"1\"} 90");
	has_line(text, "silex_request_duration_seconds_bucket{le=\"2.5\"} 100");
	has_line(text, "silex_request_duration_seconds_bucket{le=\"+Inf\"} 100");
	has_line(text, "silex_request_duration_seconds_sum 20.090000");
	has_line(text, "silex_request_duration_seconds_count 100");
	has_line(text, "silex_upstream_duration_seconds_count 0");
	assert_non_null(strstr(text, "quantile_seconds{quantile=\"0.99\"} 2.0"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(healthz_follows_the_table),
	    CASE(readyz_waits_for_all_workers),
	    CASE(verbose_lists_the_checks),
	    CASE(other_paths_are_404),
	    CASE(nginx_status),
	    CASE(metrics_are_valid_exposition),
	    CASE(openmetrics_for_who_asks),
	    CASE(scrapes_are_bounded),
	    CASE(metrics_sum_the_slots),
	    CASE(oldest_version_is_of_the_living),
	    CASE(latency_of_all_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
