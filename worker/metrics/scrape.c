/* scrape: see scrape.h. Gathers first, then writes one family after another. */
#include "worker/metrics/scrape.h"

#include <errno.h>
#include <stdlib.h>

#include "common/check.h"
#include "worker/request/driver.h"
#include "worker/metrics/nginx.h"
#include "worker/metrics/orphans.h"
#include "worker/admin/metrics_text.h"

#define ENTRIES_A_TURN 256 /* looked at: some 100 us */
#define SERIES_A_TURN  512 /* of a family, with something to tell or without */
#define PAGE_MAX       ((size_t)4 << 20)
/* Between two pages. A worker that computes without a break for the tens of milliseconds of a large
 * scrape uses up its slice, and whatever else wants its CPU, another worker's request among it,
 * waits for a whole one. With breaks p99 beside a scrape went from x3 to x1.2, and the scrape of 28
 * MB from 40 to 155 ms. sched_yield() did as well in a quarter of the time, but gives up a whole
 * slice to whoever computes beside it, at each page. */
#define PAUSE_US 20

enum stage {
	STAGE_GATHER,
	STAGE_PLAIN,
	STAGE_SERIES,
	STAGE_CERT_EXPIRE,
	STAGE_CERT_INFO,
	STAGE_ORPHANS,
	STAGE_EOF,
	STAGE_END
};

struct scrape {
	struct worker *w;
	struct request *r;
	struct ev_task next_turn;
	bool waits; /* for next_turn */
	enum stage stage;
	unsigned family;
	uint32_t at; /* series or certificate of the stage */
	struct gather *g;
	struct expo x;
	struct nginx_metrics n;
	struct orphans orphans;
};

static void on_next_turn(struct ev_task *t)
{
	struct scrape *s = container_of(t, struct scrape, next_turn);
	struct worker *w = s->w;

	s->waits = false;
	if (s->r != NULL)
		request_event(s->r, REQ_PAGE);
	driver_run(w);
}

struct scrape *scrape_new(struct worker *w, bool openmetrics)
{
	struct scrape *s;

	if (w->scrapes >= SCRAPES_MAX) {
		errno = EBUSY;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->w = w;
	s->next_turn.fn = on_next_turn;
	s->g = gather_new(w);
	if (s->g == NULL) {
		free(s);
		return NULL;
	}
	text_growing(&s->x.t, PAGE_MAX);
	s->x.open = openmetrics;
	nginx_metrics_init(&s->n, w, s->g);
	w->scrapes++;
	return s;
}

void scrape_free(struct scrape *s)
{
	if (s == NULL)
		return;
	if (s->w->ev != NULL)
		ev_unpost(s->w->ev, &s->next_turn);
	s->w->scrapes--;
	gather_free(s->g);
	free(s->x.t.p);
	free(s);
}

void scrape_attach(struct scrape *s, struct request *r)
{
	s->r = r;
}

static void stage_plain(struct scrape *s)
{
	metrics_write(s->w, &s->x);
	nginx_write_controller(&s->n, &s->x);
}

/* One page of the families of series; true when they are all written. In some families most series
 * have nothing to tell. */
static bool stage_series(struct scrape *s)
{
	for (unsigned i = 0; i < SERIES_A_TURN && s->x.t.n < SCRAPE_PAGE_BYTES && !s->x.t.full;
	     i++) {
		if (s->at == 0)
			nginx_write_family(&s->n, &s->x, s->family);
		if (s->at < gather_count(s->g)) {
			nginx_write_series(&s->n, &s->x, s->family, s->at++);
			continue;
		}
		s->at = 0;
		if (++s->family == NGINX_FAMILIES)
			return true;
	}
	return false;
}

static int stage_certs(struct scrape *s, unsigned family)
{
	if (nginx_write_certs(&s->n, &s->x, family, &s->at))
		return 1;
	s->at = 0;
	return 0;
}

/* 0: on with the next stage; 1: this one has more; -1: out of memory. */
static int work(struct scrape *s)
{
	switch (s->stage) {
	case STAGE_GATHER:
		return s->w->counter == NULL ? 0 : gather_more(s->g, ENTRIES_A_TURN);
	case STAGE_PLAIN:
		stage_plain(s);
		return 0;
	case STAGE_SERIES:
		return s->w->counter == NULL || stage_series(s) ? 0 : 1;
	case STAGE_CERT_EXPIRE:
	case STAGE_CERT_INFO:
		return stage_certs(s, s->stage - STAGE_CERT_EXPIRE);
	case STAGE_ORPHANS:
		return orphans_write(&s->orphans, &s->n, &s->x) ? 1 : 0;
	case STAGE_EOF:
		if (s->x.open)
			text_lit(&s->x.t, "# EOF\n");
		return 0;
	case STAGE_END:
		break;
	}
	return 0;
}

enum scrape_result scrape_next(struct scrape *s, struct str *page)
{
	int more;

	if (s->waits)
		return SCRAPE_LATER;
	if (s->stage == STAGE_END)
		return SCRAPE_END;
	s->x.t.n = 0;
	more = work(s);
	if (more == -1 || s->x.t.full)
		return SCRAPE_FAILED;
	if (more == 0)
		s->stage++;
	if (s->w->ev != NULL) { /* a test has none */
		s->waits = true;
		ev_post_paused(s->w->ev, &s->next_turn, PAUSE_US);
	}
	*page = str_make(s->x.t.p, s->x.t.n);
	return page->n > 0 || s->w->ev == NULL ? SCRAPE_PAGE : SCRAPE_LATER;
}
