/*
 * scrape: one answer of /metrics, made page by page over many turns of the loop.
 *
 * With thousands of Ingresses it has tens of megabytes; a worker that made them in one go would
 * stop its traffic meanwhile. So a turn makes one page of about SCRAPE_PAGE_BYTES, or looks at so
 * many series, and the next page waits for the next turn, which leaves the CPU to others first, and
 * for room towards the client.
 */
#ifndef SILEX_WORKER_METRICS_SCRAPE_H
#define SILEX_WORKER_METRICS_SCRAPE_H

#include <stdbool.h>

#include "common/str.h"

#define SCRAPE_PAGE_BYTES (40u * 1024)
#define SCRAPES_MAX       4 /* at once, in one worker; further ones are answered 503 */

struct scrape;
struct request;
struct worker;

/* NULL with errno: EBUSY (SCRAPES_MAX), ENOMEM. */
struct scrape *scrape_new(struct worker *w, bool openmetrics);
void scrape_free(struct scrape *s); /* NULL is ignored */
/* Who waits for the pages: REQ_PAGE is recorded on it when the next turn has come. */
void scrape_attach(struct scrape *s, struct request *r);

enum scrape_result {
	SCRAPE_PAGE,  /* *page is the next one, valid until the next call */
	SCRAPE_LATER, /* not in this turn: REQ_PAGE will tell */
	SCRAPE_END,
	SCRAPE_FAILED /* out of memory: what was sent must not look whole */
};
enum scrape_result scrape_next(struct scrape *s, struct str *page);

#endif
