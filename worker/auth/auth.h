/*
 * auth: external authentication: an auth service is asked about a request before it goes on.
 *
 *     client side ── request ── waits at step auth
 *                       ^ answer
 *     auth_side ── question (a request of its own, `aside`) ── endpoint of the auth service
 *
 * The question walks the same steps as any request, from step pick when the service is a cluster
 * of the table, from step route when it is asked by host: then whoever serves that host here
 * answers, without a way through the network. Its client side is ours (auth_side.c): it takes what
 * the answer's head says and lets its content go. It carries no content, is neither counted nor
 * logged as a request, and never asks about itself.
 * Whatever goes wrong, the request is not let in. (Facts: annotations §7.)
 */
#ifndef SILEX_WORKER_AUTH_AUTH_H
#define SILEX_WORKER_AUTH_AUTH_H

#include "common/policy/policy_auth.h"
#include "worker/basic/siphash.h"
#include "worker/request/request.h"

#define AUTH_CONTENT_MAX (64 * 1024) /* of an answer, received so that its connection lives on */

struct auth_field {
	struct str name, value; /* value empty: taken away only */
};

struct auth_cache_id { /* whose answer it is (auth_cache.h) */
	uint8_t bytes[SIPHASH_LEN];
};

struct auth {
	struct policy_auth_view policy;
	struct auth_cache_id id;
	bool remember;            /* the answer, under that id */
	struct request *question; /* under way; NULL: not begun, answered, or given up */
	bool given;               /* the question has ended */
	enum reason why;          /* ... without an answer: why; else NONE */
	uint16_t status;          /* of the answer */
	struct str challenge;     /* its WWW-Authenticate */
	struct auth_field *to_endpoint, *cookies;
	uint16_t n_to_endpoint, n_cookies;
};

/* Begin: REQ_AUTH is recorded when the question has ended. 0, or -1 when memory is out. */
int auth_ask(struct request *r, struct auth *a);
/* Nobody waits any more. */
void auth_forget(struct request *r);

/* auth_question.c: the head of the question q about r. 0, or -1: memory is out, or a value cannot
 * be made. */
int auth_question(const struct auth *a, struct request *r, struct request *q);
/* auth_answer.c: what is used of the answer's head, copied for r. 0, or -1: memory is out. */
int auth_answer(struct auth *a, struct request *r, const struct head *h);
/* Nobody is asked and the request goes on: what the service would have said of it (names) is said
 * by nobody else either. 0, or -1: memory is out. */
int auth_unasked(struct auth *a, struct request *r);

/* What the answer adds, on r->out (which has room: headers_reserve) and on the answer to the
 * client. 0, or -1: memory is out. */
int auth_to_endpoint(struct request *r);
int auth_to_client(struct request *r, struct head *h);

#endif
