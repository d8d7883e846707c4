/*
 * request: one HTTP exchange, from the client's head to the line in the access log.
 *
 * Lives from the moment a client side has a whole head (or has refused one) until step "finish".
 * Holds everything the steps hand to each other; the driver (driver.h) walks them. Knows nothing
 * of HTTP/1 or HTTP/2: that is behind `client` and `upstream` (side.h).
 * Invariant: exactly one reason is set when it ends, and it is counted and logged.
 */
#ifndef SILEX_WORKER_REQUEST_REQUEST_H
#define SILEX_WORKER_REQUEST_REQUEST_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/mem/arena.h"
#include "common/stat/reason.h"
#include "common/table/route_view.h"
#include "common/process/worker_fd.h"
#include "worker/compress/compress.h"
#include "worker/head/head.h"
#include "worker/flow/pipe.h"
#include "worker/request/side.h"
#include "worker/worker.h"

#define REQUEST_MAGIC     0x52455155u
#define REQUEST_TRIES_MAX 8 /* proxy-next-upstream-tries is capped here */
#define REQUEST_ARENA_MAX (128 * 1024)
#define REQUEST_SPACE     1280
#define REQUEST_ID_LEN    32
/* Fields that step relay may append to an answer: CORS, HSTS, Server, a coding. */
#define REQUEST_ANSWER_SPARE 14

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
	REQ_AUTH = 1u << 10,       /* the auth service or process has answered, or failed to */
	REQ_PAGE = 1u << 9,        /* the next page of an answer made here may be made */
};

/* The steps, in order; step_tbl in driver.c names their functions. */
enum step_id {
	STEP_HEAD,
	STEP_CLIENT,
	STEP_ROUTE,
	STEP_REDIRECT,
	STEP_POLICY,
	STEP_LIMIT,
	STEP_ACCESS,
	STEP_BASIC,
	STEP_AUTH,
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

/* Step client: what is believed of what we are told about the client's own connection. */
struct told {
	struct str host;          /* X-Forwarded-Host; empty: the request's own authority holds */
	struct str forwarded_for; /* for the origin; empty: the client's address alone */
	uint16_t port;            /* the client connected to; 0: ours */
	bool https;               /* the client speaks TLS, with us or with a proxy before us */
	uint8_t believed;         /* enum client_told (client_id.h) */
};

/*
 * In the order of use: what every request reads and writes at every event lies together at the
 * front and is zeroed by request_new(); heads, texts, tries and the arena's first bytes follow
 * and are written before they are read. With hundreds of requests under way this struct is cold
 * whenever an event brings it back, so its cache lines are what a request costs.
 * A tunnel that has been opened keeps the front up to the answer's fields, and what that points
 * to, in a block of the right size (settle.h): what stands behind is for what comes before.
 */
struct request {
	uint32_t magic;
	uint16_t events; /* enum request_event */
	uint8_t step;    /* enum step_id */
	bool queued;     /* in the driver's queue */
	struct worker *w;
	struct side *client;    /* never NULL until finish */
	struct side *upstream;  /* NULL between tries */
	enum reason client_end; /* != NONE: the client side is dead, why */
	enum reason up_end;     /* the same of the upstream side */
	enum reason reason;     /* of the whole; set exactly once */
	uint16_t status;        /* of the answer, for the log; 499 = client gone */
	uint16_t fail_status;   /* set by request_reply() for step reply */
	uint16_t instead;       /* another Service answers this status (custom_errors.h); 0: none */
	enum reason instead_why; /* ... which came here about so; NONE: the endpoint's */

	uint16_t n_tries;  /* the last one is tries[n_tries - 1] */
	uint8_t protocol;  /* enum cluster_protocol of the cluster picked from */
	uint8_t interims;  /* 1xx passed on or dropped */
	bool secure;       /* came over TLS */
	bool early;        /* came before the TLS handshake was done */
	bool excused;      /* goes to auth-tls-error-page: its certificate was looked at */
	bool aside;        /* a question to an auth service (auth/auth.h) or a copy for somebody
			    * else (mirror/mirror.h), no client's request */
	bool let_in;       /* satisfy any: the allow list or a password has let it in */
	bool quiet;        /* no access log line */
	bool judged;       /* the cluster picked from learns how its tries end (failure.c) */
	bool allow;        /* the answer lists the methods */
	bool tunnel;       /* after a 101 */
	bool head_sent;    /* the final answer's head went to the client */
	bool client_sent;  /* the answer is out whole */
	bool up_whole;     /* the origin's answer is received whole */
	bool up_sent;      /* the request is sent whole to the origin */
	bool try_sent;     /* bytes of this try's request may have reached the origin */
	bool try_received; /* bytes came back in this try */
	bool settled;      /* nothing stands behind the answer's fields (settle.h) */

	struct arena arena;
	STAILQ_ENTRY(request) link;
	struct route_view route;
	struct basic *basic;       /* a password is looked at (basic/basic.h); NULL: not now */
	struct compress *compress; /* of the answer, on its way; NULL: it goes as it is */
	struct pace *pace;         /* of the answer (pace.h); NULL: as fast as it goes */
	struct auth *auth;         /* what is asked, or was answered (auth/auth.h); NULL: nothing */
	uint64_t series;           /* who it counts for (metrics/count.h); 0 = nobody */
	uint64_t limit_key;        /* limit_count_leave() at the end; 0 = not counted */
	uint64_t start_us;         /* first byte of the head, or idle time over */
	uint64_t pick_us;          /* first pick: proxy-next-upstream-timeout runs from here */
	uint64_t rx_bytes;         /* request line, fields and content as received */
	uint64_t tx_bytes;         /* answer as sent, heads included */
	uint64_t tx_content;       /* of that, content: $body_bytes_sent */

	struct tls_conn *tls; /* it came over, as long as the client side lives; NULL: plain */
	uint16_t client_tls;  /* enum client_tls_flag of the host, once the route is known */
	enum listener_role role;
	struct addr peer; /* the client's address; until step client: who speaks to us */
	uint16_t to_port; /* as in conn.h */
	struct told told;
	struct str path;       /* normalised, without query */
	struct str query;      /* without "?"; .p NULL when there is none */
	struct str request_id; /* the X-Request-ID in use */
	struct str cluster;    /* its name, copied: "namespace-service-port" */
	struct str canary;     /* the canary's cluster by name, when it takes the request */
	struct str set_cookie; /* the affinity cookie to be set; empty: none */

	struct try_record *tries; /* all, in order */
	char *page_heap;          /* free() at the end; NULL = page is borrowed */
	struct scrape *scrape;    /* makes the pages of /metrics one by one (metrics/scrape.h) */
	struct chunk *in_bytes;   /* what in's strings borrow from when too large for the arena */
	struct chunk *in_array;   /* the same for an array of very many fields */
	struct chunk *resp_bytes; /* what resp's strings borrow from */
	struct chunk *resp_array; /* see in_array */
	struct chunk *path_bytes; /* what path borrows from when too long for the arena */

	struct pipe down; /* content origin -> client */
	struct pipe up;   /* content client -> origin */

	/* From here on nothing is zeroed ... */
	struct head in;   /* as received; empty but for the version when it was refused */
	struct head resp; /* the answer: the origin's, or made by step reply */
	/* ... but these, up to `out`, which are for the way to the answer. */
	uint64_t up_tls;         /* TLS profile towards endpoints (tls_upstream.h); 0 = none */
	uint64_t sticky_cluster; /* whose affinity holds, when it is not that picked from */
	struct request *copy;    /* with up.tapped: it gets the content, too (mirror/mirror.h) */
	struct str hash_key;     /* what upstream-hash-by says; .p NULL: not asked yet */
	uint32_t max_forwards;   /* as received, > 0 */
	bool has_max_forwards;
	struct snippet *snip;  /* what nginx snippets ask for (snippet/snippet.h); NULL: nothing */
	struct str challenge;  /* WWW-Authenticate of a 401 made here; empty: none */
	struct str location;   /* of a redirect made here */
	struct str page;       /* content made here, not yet in `down` */
	size_t page_at;        /* how much of it is */
	const char *page_type; /* its Content-Type */

	struct head out; /* as sent to the origin: shares in.fields, appended and marked */
	char peer_text[ADDR_TEXT_MAX];
	char id[REQUEST_ID_LEN]; /* X-Request-ID made here; unused when the client sent one */
	_Alignas(16) char space[REQUEST_SPACE]; /* the arena's first bytes: mostly all it needs */
	struct try_record all_tries[REQUEST_TRIES_MAX];
};

/* Where a settled request ends. */
#define REQUEST_SETTLED (offsetof(struct request, resp) + HEAD_ANSWER_SIZE)

/* For a whole (or refused) head. NULL when memory is out (counted). The caller fills in. */
struct request *request_new(struct worker *w, struct side *client);
/* Gives everything back; both sides must have been detached or aborted. Only step finish. */
void request_free(struct request *r);

/* An event is about to be read from a socket: fetch the request's front into the cache meanwhile.
 */
static inline void request_prefetch(const struct request *r)
{
	for (size_t at = 0; at < offsetof(struct request, up_tls); at += 64)
		__builtin_prefetch((const char *)r + at, 1);
}

/* A side records events; the driver is queued. */
void request_event(struct request *r, unsigned events);
/* A side is dead: connection lost, protocol broken, deadline passed. First report counts. */
void request_client_ended(struct request *r, enum reason why);
void request_up_ended(struct request *r, enum reason why);

/* The HTTP status a reason is answered with, 0 when it cannot be answered (499 cases). */
uint16_t reason_status(enum reason why);

/* An endpoint's head becomes r->resp: its fields in the arena, or in an array of their own, with
 * room for REQUEST_ANSWER_SPARE more; its strings borrow from bytes, of which a reference is taken.
 * 0, or -1: memory is out. */
int request_keep_answer(struct request *r, const struct head *h, struct chunk *bytes);

/* The port of ours that the client came to. */
uint16_t request_port(const struct request *r);

/* What the client's side sends from: `down`, or what is made of it. */
static inline struct pipe *request_sink(struct request *r)
{
	return r->compress == NULL ? &r->down : &r->compress->out;
}

/* The try under way; NULL before the first. */
static inline struct try_record *request_try(struct request *r)
{
	return r->n_tries == 0 ? NULL : &r->tries[r->n_tries - 1];
}

#endif
