/*
 * origin: what the four rooms of the test origin share.
 *
 * origin.c owns connections, framing and the loop; request.c parses, answers.c turns a parsed
 * request into an answer, websocket.c is what /ws speaks after its 101. The program is the demo's
 * origin, the benchmark's origin and the tests' well-behaved origin; ill-behaved ones are scripted
 * in Python (tests/integration/harness.py).
 */
#ifndef SILEX_TESTS_ORIGIN_H
#define SILEX_TESTS_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IN_MAX    (32 * 1024)
#define FIELD_MAX 100
#define KEEP_MAX  (64 * 1024) /* content quoted by /echo; longer content is only hashed */

struct span {
	const char *p;
	size_t n;
};

struct field {
	struct span name, value;
};

enum state {
	READ_HEAD,
	READ_BODY,
	REPLY,
	TUNNEL,
	WEBSOCKET
};
enum chunk_state {
	CHUNK_SIZE,
	CHUNK_DATA,
	CHUNK_END,
	CHUNK_TRAILER,
	CHUNK_DONE
};

/* The request under way. Spans point into conn.head, a copy that lives until the answer is out. */
struct request {
	struct span method, target, version;
	struct field fields[FIELD_MAX];
	unsigned nfields;
	uint64_t body_left; /* of the content, or of the chunk */
	uint64_t body_bytes, body_hash;
	enum chunk_state chunk;
	bool chunked, head_only, close, http10, expect, upgrade, answered;
};

/* What is still to be made of the answer's content once conn.out is sent. */
struct source {
	uint64_t left, at;
	uint64_t step;    /* most bytes at a time; 0: a buffer full */
	unsigned step_ms; /* pause between two steps */
	bool chunked;
	bool trailer; /* a chunked answer ends with the field X-Sum */
};

/* The frame under way of a WebSocket. */
struct websocket {
	uint64_t left, at; /* payload bytes to come, and passed */
	unsigned char mask[4];
	bool in_frame, drop, closing;
};

struct conn {
	int fd;
	uint32_t events;  /* as registered */
	uint64_t id, nth; /* connection number, request number on it */
	enum state state;
	bool peer_done; /* end of file received */
	char in[IN_MAX];
	size_t in_len;
	char *head, *kept; /* copy of the head; content quoted by /echo, at most KEEP_MAX */
	size_t kept_len, trailers_at;
	char *out;
	size_t out_len, out_off, out_cap;
	struct request rq;
	struct source src;
	struct websocket ws;
	uint64_t wake_ms; /* 0: not waiting */
	struct conn *wait_prev, *wait_next;
};

extern const char *origin_name;

/* answers.c. Queue the answer to c->rq, c->src included. */
void answer(struct conn *c);
/* True when the path wants its answer before the content is read (/early). */
bool answer_is_early(const struct conn *c);
/* Append the next piece of c->src to the output. False when there is none left. */
bool source_fill(struct conn *c);
void answers_init(void);

/* request.c. Take what c->in holds of the head or the content; true when the state moved on.
 * A request that is not canonical is answered by request_bad(). */
bool request_read_head(struct conn *c);
bool request_read_body(struct conn *c);

/* websocket.c. Answer an upgrade with 101 and the greeting, or with 426; echo what c->in holds, and
 * set c->peer_done when the WebSocket is over. */
void websocket_open(struct conn *c);
void websocket_input(struct conn *c);

/* origin.c. */
void out_add(struct conn *c, const void *p, size_t n);
void out_fmt(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void conn_wait(struct conn *c, unsigned ms);
bool span_is(struct span s, const char *word); /* ASCII case-insensitive */

#endif
