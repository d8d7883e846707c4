/*
 * admin: see admin.h.
 *
 * /healthz fails before the first table as well as at the end: the Helm chart of ingress-nginx
 * uses it for readiness too, and a pod without routes must get no traffic. A worker that was only
 * replaced has closed its healthz listener, so a draining one that is asked belongs to an instance
 * that stops.
 */
#include "worker/admin/admin.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "worker/metrics/scrape.h"
#include "worker/admin/metrics_text.h"
#include "worker/worker.h"

#define ANSWER_MAX ((size_t)256 << 10)
#define PLAIN      "text/plain; charset=utf-8"

static uint64_t version_in_use(const struct slot *s)
{
	return atomic_load_explicit(&s->stats[STAT_TABLE_VERSION], memory_order_relaxed);
}

static bool stopping(const struct worker *w)
{
	return w->draining || atomic_load(&w->board->stopping) != 0;
}

/* One line of ?verbose, in the form kubectl get --raw /readyz?verbose prints. */
static bool check(struct text *t, bool ok, struct str name, struct str why_not)
{
	text_str(t, ok ? STR("[+]") : STR("[-]"));
	text_str(t, name);
	text_str(t, ok ? STR(" ok") : STR(" failed: "));
	if (!ok)
		text_str(t, why_not);
	text_char(t, '\n');
	return ok;
}

static bool check_alive(struct text *t, const struct worker *w)
{
	bool ok = check(t, version_in_use(w->slot) > 0, STR("table"),
			STR("this worker has no route table yet"));

	return check(t, !stopping(w), STR("shutdown"), STR("the instance stops")) && ok;
}

static struct str state_name(const struct slot *s)
{
	switch (atomic_load(&s->state)) {
	case SLOT_STARTING:
		return STR("starting");
	case SLOT_READY:
		return STR("ready");
	case SLOT_DRAINING:
		return STR("draining");
	default:
		return STR("not running");
	}
}

static void list_workers(struct text *t, const struct worker *w)
{
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		if (w->peers[i] == NULL || atomic_load(&w->board->workers[i].pid) == 0)
			continue;
		text_lit(t, "   worker ");
		text_u64(t, i);
		text_lit(t, ": ");
		text_str(t, state_name(w->peers[i]));
		text_lit(t, ", table version ");
		text_u64(t, version_in_use(w->peers[i]));
		text_char(t, '\n');
	}
}

static uint64_t board_stat(const struct worker *w, enum board_stat id)
{
	return atomic_load_explicit(&w->board->stats[id], memory_order_relaxed);
}

/* A source that cannot be followed is told and is no failure: the last known objects serve on,
 * and a replica that left the balancer for it would take its traffic nowhere better. */
static void list_api(struct text *t, const struct worker *w)
{
	if (board_stat(w, BOARD_API_SOURCE) == 0)
		return;
	text_str(t, board_stat(w, BOARD_API_SYNCED) != 0 ? STR("   api: read whole")
							 : STR("   api: not read whole yet"));
	text_lit(t, ", last contact ");
	text_u64(t, board_stat(w, BOARD_API_CONTACT));
	if (board_stat(w, BOARD_API_STALE_SINCE) != 0) {
		text_lit(t, ", stale since ");
		text_u64(t, board_stat(w, BOARD_API_STALE_SINCE));
	}
	text_char(t, '\n');
	for (int id = BOARD_API_TROUBLE_INGRESSES; id <= BOARD_API_TROUBLE_NAMESPACES; id++) {
		uint64_t trouble = board_stat(w, (enum board_stat)id);

		if (trouble == 0)
			continue;
		text_lit(t, "   ");
		text_str(t, str_from(board_stat_texts[id].name));
		text_char(t, ' ');
		text_u64(t, trouble);
		text_char(t, '\n');
	}
}

static bool check_ready(struct text *t, const struct worker *w)
{
	bool ok = check_alive(t, w);

	ok = check(t, atomic_load(&w->board->ready) != 0, STR("workers"),
		   STR("the first whole table is not live in all workers yet")) &&
	     ok;
	list_workers(t, w);
	list_api(t, w);
	return ok;
}

/* "verbose" among the parameters of the query, with or without a value. */
static bool verbose(const struct head *in)
{
	ptrdiff_t mark = str_chr(in->target, '?');
	struct str rest = mark == -1 ? STR_NONE : str_from_at(in->target, (size_t)mark + 1);

	while (rest.n > 0) {
		ptrdiff_t amp = str_chr(rest, '&');
		struct str one = amp == -1 ? rest : str_make(rest.p, (size_t)amp);

		if (str_eq(one, STR("verbose")) || str_starts(one, STR("verbose=")))
			return true;
		rest = str_from_at(rest, one.n + 1);
	}
	return false;
}

typedef bool check_fn(struct text *t, const struct worker *w);

static void health(struct text *t, const struct worker *w, const struct head *in, check_fn *fn,
		   struct admin_answer *out)
{
	bool ok = fn(t, w);

	out->status = ok ? 200 : 503;
	if (ok && !verbose(in))
		t->n = 0; /* who asks every second wants no list; what failed is always told */
	text_str(t, ok ? STR("ok\n") : STR("failed\n"));
}

/* The text of nginx' stub_status, which older monitoring reads. */
static void stub_status(struct text *t, const struct worker *w)
{
	uint64_t active = metrics_stat(w, STAT_CONN_ACTIVE);
	uint64_t waiting = metrics_stat(w, STAT_CONN_IDLE);
	uint64_t writing = metrics_stat(w, STAT_REQ_ACTIVE);
	uint64_t accepted = metrics_stat(w, STAT_CONN_ACCEPTED);

	text_lit(t, "Active connections: ");
	text_u64(t, active);
	text_lit(t, " \nserver accepts handled requests\n ");
	text_u64(t, accepted);
	text_char(t, ' ');
	text_u64(t, accepted);
	text_char(t, ' ');
	text_u64(t, metrics_stat(w, STAT_REQ_TOTAL));
	text_lit(t, " \nReading: ");
	text_u64(t, active > waiting + writing ? active - waiting - writing : 0);
	text_lit(t, " Writing: ");
	text_u64(t, writing);
	text_lit(t, " Waiting: ");
	text_u64(t, waiting);
	text_lit(t, " \n");
}

static void metrics(struct text *t, struct worker *w, const struct head *in,
		    struct admin_answer *out)
{
	bool open = expo_wants_open(head_value(in, FIELD_ACCEPT));

	out->scrape = scrape_new(w, open);
	if (out->scrape != NULL) {
		out->content_type = open ? EXPO_OPEN_TYPE : EXPO_TEXT_TYPE;
		return;
	}
	out->status = 503;
	text_lit(t, "too many scrapes at once\n");
}

static void answer(struct text *t, struct worker *w, const struct head *in, struct str path,
		   struct admin_answer *out)
{
	out->status = 200;
	out->content_type = PLAIN;
	if (str_eq(path, STR("/healthz")) || str_eq(path, str_from(w->conf->health_check_path))) {
		health(t, w, in, check_alive, out);
	} else if (str_eq(path, STR("/readyz"))) {
		health(t, w, in, check_ready, out);
	} else if (str_eq(path, STR("/metrics")) && w->conf->enable_metrics) {
		metrics(t, w, in, out);
	} else if (str_eq(path, STR("/nginx_status"))) {
		stub_status(t, w);
	} else {
		out->status = 404;
		text_lit(t, "not found\n");
	}
}

void admin_answer(struct worker *w, const struct head *in, struct str path,
		  struct admin_answer *out)
{
	struct text t;

	*out = (struct admin_answer){0};
	text_growing(&t, ANSWER_MAX);
	answer(&t, w, in, path, out);
	if (t.full) { /* half a list would be read as a whole one */
		free(t.p);
		*out = (struct admin_answer){.status = 500, .content_type = PLAIN};
		return;
	}
	out->body = t.p;
	out->body_n = t.n;
}
