/*
 * worker: everything one worker process owns, handed to every room by pointer.
 *
 * No globals: the loop, the table, the slot, the slabs and the settings are reached from here.
 * Only plain members, no behaviour; each room owns the member it is named for.
 */
#ifndef SILEX_WORKER_WORKER_H
#define SILEX_WORKER_WORKER_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/process/board.h"
#include "common/conf/conf.h"
#include "common/loop/ev.h"
#include "common/mem/slab.h"
#include "common/process/slot.h"
#include "common/table/table_read.h"
#include "common/loop/timer.h"
#include "worker/accept/client_id.h"
#include "worker/vars/moment.h"

struct pool;        /* upstream/pool.h: idle connections to endpoints */
struct eject;       /* upstream/eject.h: endpoints that failed lately */
struct picker;      /* upstream/pick.h: balancing state */
struct proxied_set; /* proxy_accept.h: connections before the end of their PROXY header */
struct clients;     /* client.h: the list of client connections */
struct h2_worker;
struct splice_set; /* splice.h: kernel pipes */
struct request;
struct counter;      /* metrics/count.h: what is counted for each route */
struct regexes;      /* regex.h: compiled path patterns */
struct tls_upstream; /* tls/tls_upstream.h */
struct tls_engine;   /* tls/tls_engine.h */
struct auth_cache;   /* auth/auth_cache.h; NULL until wanted */
struct mirrors;      /* mirror/mirror.h; NULL until wanted */
struct asker;        /* basic/asker.h; NULL until somebody asks for passwords */
struct streams;      /* stream/stream.h: sessions of TCP and UDP services */
struct udp;          /* stream/udp.h: sessions of UDP services */
struct peeks;        /* tls/tls_peek.h */
struct stream_ports; /* stream/stream_port.h */
struct block;        /* request/block.h; NULL: nobody is blocked */
struct access_log;   /* access_log.h; writes to WORKER_FD_ACCESS_LOG */

/* driver.h: requests to be walked before the loop goes on. */
struct driver {
	STAILQ_HEAD(, request) queue;
	struct request *current;
};

/* date.h: "Sun, 06 Nov 1994 08:49:37 GMT", made once a second. */
struct date_text {
	char text[32];
	uint64_t until_ms; /* ev_now_ms() at which it is stale */
};

struct worker {
	struct ev *ev;
	struct timer_wheel *timers;
	struct table *table;
	struct slot *slot;
	const struct slot
	    *peers[SLOT_MAX];       /* every worker's slot read-only, own included; NULL = free */
	struct limit_rates *limits; /* shared with all workers (limit_rate.h) */
	const struct board *board;  /* the master's words: readiness, its statistics */
	const struct conf *conf;
	struct listeners *listeners; /* listener.h */
	struct slab *chunks;         /* 16 KiB buffers (chunk.h) */
	struct slab *arenas;         /* request arena chunks, 4 KiB */
	struct slab *requests;
	struct slab *clients;   /* client connections */
	struct slab *upstreams; /* upstream connections */
	struct slab *h2_clients, *h2_streams, *h2_upstreams;
	struct h2_worker *h2; /* http2/h2_session.h: what all HTTP/2 sessions share */
	struct driver driver;
	struct date_text date;
	struct moment_clock clock; /* for logs and variables */
	char hostname[64];         /* main.c: of this machine; empty: unknown */
	char hsts[64];             /* engine.c: Strict-Transport-Security; empty: off */
	char http_port[8];         /* engine.c: the text of X-Forwarded-Port */
	struct client_trust trust;
	struct field *fields; /* max-header-fields of them: where heads are parsed before copied */
	struct clients *client_list;
	struct proxied_set *proxied; /* NULL: not used */
	struct splice_set *splices;
	struct streams *streams;
	struct udp *udp;
	struct peeks *peeks;
	struct stream_ports *stream_ports;
	struct pool *pool;
	struct timer sweep; /* engine.c: idle connections to endpoints that left */
	struct picker *picker;
	struct eject *eject;
	struct regexes *regexes;
	struct squeeze *squeeze; /* compress/compress.h; NULL: nothing is compressed */
	struct block *block;     /* NULL: nobody is blocked */
	struct access_log *access_log;
	struct tls_engine *tls;            /* NULL: no HTTPS port */
	struct asker *asker;               /* NULL until wanted */
	struct auth_cache *auth_cache;     /* likewise */
	struct mirrors *mirrors;           /* likewise */
	struct tls_upstream *tls_upstream; /* NULL until an endpoint wants it */
	struct counter *counter;           /* metrics/count.h; NULL: metrics are off */
	uint32_t scrapes;                  /* answers of /metrics under way */
	uint32_t probes; /* connections of the healthz port: no part of max-connections */
	uint64_t rng;    /* xorshift state: ids, jitter; not for secrets */
	unsigned index;
	bool draining;        /* no new keep-alive, idle connections close */
	uint64_t drain_by_ms; /* draining: when what is left is cut, ev_now_ms() */
};

#endif
