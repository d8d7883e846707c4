/*
 * request: one HTTP exchange, from the client's head to the line in the access log.
 *
 * Lives from the moment a client side has a whole head (or has refused one) until step "finish".
 * Holds everything the steps hand to each other; the driver (driver.h) walks them. Knows nothing
 * of HTTP/1 or HTTP/2: that is behind `client` and `upstream` (side.h).
 * Invariant: exactly one reason is set when it ends, and it is counted and logged.
 */
#ifndef SILEX_WORKER_REQUEST_H
#define SILEX_WORKER_REQUEST_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/arena.h"
#include "common/reason.h"
#include "common/route_view.h"
#include "common/worker_fd.h"
#include "worker/head.h"
#include "worker/pipe.h"
#include "worker/side.h"
#include "worker/worker.h"

#define REQUEST_MAGIC     0x52455155u
#define REQUEST_TRIES_MAX 8 /* proxy-next-upstream-tries is capped here */
#define REQUEST_ARENA_MAX (128 * 1024)
#define REQUEST_ID_LEN    32

/* What sides record; a step takes and clears what it has dealt with. */
enum request_event {
	REQ_CLIENT_DATA = 1u << 0, /* r->up has new content or its end */
	REQ_CLIENT_ROOM = 1u << 1, /* r->down was drained somewhat */
	REQ_CLIENT_SENT = 1u << 2, /* the answer is out whole */
	REQ_UP_READY = 1u << 3,    /* connected: a head can be sent */
	REQ_UP_INTERIM = 1u << 4,  /* r->resp is a 1xx other than 101 */
	REQ_UP_HEAD = 1u << 5,     /* r->resp is the final answer's head, or a 101 */
	REQ_UP_DATA = 1u << 6,     /* r->down has new content or its end */
	REQ_UP_ROOM = 1u << 7,     /* r->up was drained somewhat */
	REQ_UP_SENT = 1u << 8,     /* the request is out whole */
};

/* The steps, in order; step_tbl in driver.c names their functions. */
enum step_id {
	STEP_HEAD,
	STEP_ROUTE,
	STEP_POLICY,
	STEP_REWRITE,
	STEP_PICK,
	STEP_CONNECT,
	STEP_SEND,
	STEP_RELAY,
	STEP_FINISH, /* also reached by GOTO */
	STEP_REPLY,  /* by GOTO only; goes to finish */
	STEP_COUNT
};

/* One attempt at one endpoint, for the access log. Times in microseconds, loop's clock. */
struct try_record {
	struct addr addr;
	uint16_t status; /* of the origin; 0 = none came */
	bool reused;     /* on a pooled connection */
	uint8_t reason;  /* enum reason of its failure; REASON_NONE = it answered */
	uint64_t start_us, connected_us, head_us, end_us; /* 0 = not reached */
	uint64_t bytes;                                   /* content received */
};

struct request {
	uint32_t magic;
	uint16_t events; /* enum request_event */
	uint8_t step;    /* enum step_id */
	bool queued;     /* in the driver's queue */
	struct worker *w;
	STAILQ_ENTRY(request) link;
	struct arena arena;

	struct side *client;    /* never NULL until finish */
	struct side *upstream;  /* NULL between tries */
	enum reason client_end; /* != NONE: the client side is dead, why */
	enum reason up_end;     /* the same of the upstream side */

	enum listener_role role;
	struct addr peer;     /* the client's address (PROXY protocol may replace it) */
	uint16_t server_port; /* as told to the origin in X-Forwarded-Port */
	bool secure;          /* came over TLS */

	struct head in;           /* as received */
	struct head out;          /* as sent to the origin: shares in.fields, appended and marked */
	struct head resp;         /* the answer: the origin's, or made by step reply */
	struct chunk *in_chunk;   /* what in's strings borrow from when too large for the arena */
	struct chunk *in_array;   /* the same for an array of very many fields */
	struct chunk *resp_chunk; /* what resp's strings borrow from */
	struct chunk *resp_array; /* see in_array */
	struct str path;          /* normalised, without query */
	struct str query;         /* without "?"; .p NULL when there is none */
	struct chunk *path_chunk; /* what path borrows from when too long for the arena */
	bool has_max_forwards;
	uint32_t max_forwards; /* as received, > 0 */
	char peer_text[ADDR_TEXT_MAX];
	struct str port_text;    /* server_port */
	char id[REQUEST_ID_LEN]; /* X-Request-ID made here; unused when the client sent one */
	struct str request_id;   /* the one in use */

	struct pipe up;   /* content client -> origin */
	struct pipe down; /* content origin -> client */

	struct route_view route;
	struct str cluster; /* its name, copied: "namespace-service-port" */

	uint8_t protocol;  /* enum cluster_protocol of the cluster picked from */
	bool quiet;        /* no access log line */
	bool allow;        /* the answer lists the methods */
	bool client_sent;  /* the answer is out whole */
	bool head_sent;    /* the final answer's head went to the client */
	bool body_wanted;  /* content is being read from the client */
	bool tunnel;       /* after a 101 */
	bool up_whole;     /* the origin's answer is received whole */
	bool up_sent;      /* the request is sent whole to the origin */
	bool try_sent;     /* bytes of this try's request were handed to the kernel */
	bool try_received; /* bytes came back in this try */
	uint8_t interims;  /* 1xx passed on or dropped */

	uint16_t status;      /* of the answer, for the log; 499 = client gone */
	uint16_t fail_status; /* set by request_reply() for step reply */
	enum reason reason;
	struct str location; /* of a redirect made here */
	struct str page;     /* content made here, not yet in `down` */
	size_t page_at;
	char *page_heap;       /* free() at the end; NULL = page is borrowed */
	const char *page_type; /* its Content-Type */

	uint64_t start_us;   /* first byte of the head, or idle time over */
	uint64_t pick_us;    /* first pick: proxy-next-upstream-timeout runs from here */
	uint64_t rx_bytes;   /* request line, fields and content as received */
	uint64_t tx_bytes;   /* answer as sent, heads included */
	uint64_t tx_content; /* of that, content: $body_bytes_sent */

	uint16_t n_tries;                           /* the last one is tries[n_tries - 1] */
	struct try_record tries[REQUEST_TRIES_MAX]; /* not zeroed beyond n_tries */
};

/* For a whole (or refused) head. NULL when memory is out (counted). in, out, resp are empty. */
struct request *request_new(struct worker *w, struct side *client);
/* Gives everything back; both sides must have been detached or aborted. Only step finish. */
void request_free(struct request *r);

/* A side records events; the driver is queued. */
void request_event(struct request *r, unsigned events);
/* A side is dead: connection lost, protocol broken, deadline passed. First report counts. */
void request_client_ended(struct request *r, enum reason why);
void request_up_ended(struct request *r, enum reason why);

/* The HTTP status a reason is answered with, 0 when it cannot be answered (499 cases). */
uint16_t reason_status(enum reason why);

/* The try under way; NULL before the first. */
static inline struct try_record *request_try(struct request *r)
{
	return r->n_tries == 0 ? NULL : &r->tries[r->n_tries - 1];
}

#endif
