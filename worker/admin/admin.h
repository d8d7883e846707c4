/*
 * admin: what the healthz listener answers: /healthz, /readyz, /metrics, /nginx_status.
 *
 * /healthz (and health-check-path): 200 from the first table in this worker until the instance
 * stops. /readyz: 200 when the first whole table is live in all workers. Both tell what failed;
 * ?verbose lists everything. Other paths: 404. Any method is answered as GET.
 * The same parser, request and steps carry it as any request; only the answer is made here.
 */
#ifndef SILEX_WORKER_ADMIN_ADMIN_H
#define SILEX_WORKER_ADMIN_ADMIN_H

#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "worker/head/head.h"

struct scrape;
struct worker;

struct admin_answer {
	uint16_t status;
	const char *content_type; /* a literal */
	char *body;               /* malloc'ed, the caller frees; NULL = none */
	size_t body_n;
	struct scrape *scrape; /* instead of a body: its pages; the caller frees */
};

/* path: normalised, without query. Never fails: out of memory is a 500 without content. */
void admin_answer(struct worker *w, const struct head *in, struct str path,
		  struct admin_answer *out);

#endif
