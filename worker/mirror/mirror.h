/*
 * mirror: a copy of each request for somebody else, who may answer what he likes: mirror-target,
 * mirror-request-body, mirror-host (facts: annotations §14).
 *
 *     client side ── request ────────────────────────────────── endpoint
 *                       : content, by reference (pipe_see)
 *     mirror_side ── copy (a request of its own, `aside`) ────── target
 *
 * The copy walks the same steps as any request, from step pick on, and its client side is ours
 * (mirror_side.c): it lets the answer go. nginx ties the copy to the request, so that a slow
 * target keeps the client's connection busy; here the request never waits for the copy, and never
 * hears of it. It hands on what it has received, before anybody consumes it; what the target
 * does not take meanwhile waits in a bounded backlog, beyond which the copy is given up. When the
 * request has ended, the copy lives on by itself, as long as it has got the content whole.
 *
 * What is copied: requests that go to an endpoint, when they have passed everything that can refuse
 * them (nginx: the precontent phase, after access); once, however many endpoints are tried. The
 * head is the one the endpoint gets, in HTTP/1.1 whatever the endpoint speaks, with another target
 * and Host: X-Forwarded-* are as we say them, a password checked here is taken out. That is safer
 * than the client's own fields, which nginx sends, and what a deployment that is tried out needs.
 * An upgrade is copied as the plain request that it is. No content is copied of a request that
 * nobody wanted the content of.
 *
 * Bounded: copies under way, of one target and of all; the memory in which content and answers
 * wait. Beyond that a request is not copied, which is counted. Each copy ends as exactly one of
 * answered, failed, behind, cut (stat_tbl.h), unless its worker dies. They are neither counted nor
 * logged as requests, and a worker that drains does not wait for them: they are cut.
 */
#ifndef SILEX_WORKER_MIRROR_MIRROR_H
#define SILEX_WORKER_MIRROR_MIRROR_H

#include "common/policy/policy_mirror.h"
#include "worker/mirror/backlog.h"
#include "worker/request/request.h"

#define MIRROR_MOST       1024          /* copies of one worker under way; for one target half */
#define MIRROR_PART       4             /* of max-connections and buffer-memory, at most: 1/4 */
#define MIRROR_SHARDS     64            /* in which targets are counted */
#define MIRROR_SILENCE_MS 60000         /* nginx' timeouts for it, unless the path's are less */
#define MIRROR_ANSWER_MAX (1024 * 1024) /* received so that its connection lives on */

struct mirrors { /* of one worker */
	uint32_t under_way, chunks;
	uint16_t of[MIRROR_SHARDS];
};

/* Send a copy of r, whose r->out is complete; its route has POLICY_MIRROR. If that is not possible
 * it is counted, and r goes on. */
void mirror_begin(struct request *r);

/* With r->up.tapped: content of r has come, or its end, and nobody has consumed it yet. */
void mirror_feed(struct request *r);
/* With r->up.tapped: no more of it will come. */
void mirror_leave(struct request *r);
/* The worker ends, and its copies with it: they are counted. */
void mirror_stop(struct worker *w);

/* For mirror_*.c: */

struct mirror_copy { /* in the copy's arena */
	struct side side;
	struct request *of; /* whose content is to come; NULL: all of it has, or none will */
	uint64_t seen;      /* bytes of it */
	struct backlog backlog;
	uint8_t shard;
	bool content;     /* it has some */
	bool whole;       /* and that has come */
	bool answered;    /* the final answer's head has */
	enum stat_id end; /* how it ends if it is not answered */
};

/* mirror_head.c: the head of r's copy q. 0, or -1: memory is out, or the variables do not make a
 * target and a Host. */
int mirror_head(const struct policy_mirror_view *v, struct request *r, struct request *q);
/* mirror_side.c: q is given a client side in its own arena. NULL: memory is out. */
struct mirror_copy *mirror_side_give(struct request *q);
/* mirror.c: the copy c is over; its request lets it go. */
void mirror_ended(struct mirror_copy *c);
/* mirror.c: its pipe has room: what waits goes there. */
void mirror_deliver(struct mirror_copy *c);

#endif
