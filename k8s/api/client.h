/*
 * client: requests to the API server, on the master's own event loop.
 *
 * libcurl's multi interface does HTTP/2, TLS and connection reuse; its sockets and its timer are
 * ours. Nothing here blocks: a server that hangs, answers HTML or never ends its body costs a
 * timer and a bound. Credentials are taken fresh for every request (credential.h). Starting more
 * than the allowed requests a second queues them.
 * What must not happen here: knowledge of kinds, lists or watches.
 */
#ifndef SILEX_K8S_API_CLIENT_H
#define SILEX_K8S_API_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/loop/ev.h"
#include "common/str.h"
#include "k8s/api/access.h"

struct api_client;
struct api_call;

struct api_request {
	const char *method; /* "GET", "POST", "PATCH", "PUT", "DELETE" */
	const char *path;   /* from "/" on, query included; copied */
	struct str body;    /* copied; empty: none */
	const char *content_type;
	bool gzip;         /* ask for a compressed answer */
	bool stream;       /* hand pieces of a 200 answer to on_data instead of keeping them */
	uint32_t idle_ms;  /* no byte for this long: failed; 0: 30 s */
	uint32_t total_ms; /* most time for all of it; 0: none */
	size_t body_max;   /* bytes kept; more: failed. 0: 1 MiB */
};

struct api_reply {
	int status;             /* HTTP status; 0: no answer, `error` says why */
	struct str body;        /* kept bytes; of a streamed answer only when status != 200 */
	const char *error;      /* NULL, or what went wrong below HTTP, one line */
	bool complete;          /* the answer ended as it should */
	uint32_t retry_after_s; /* 0: not given */
};

/* False ends the call at once (on_done follows with complete == false). New calls may be started
 * from here, but none that runs may be cancelled. */
typedef bool api_data_fn(void *arg, struct str piece);
/* Exactly once for every started call that is not cancelled; the call is gone afterwards. */
typedef void api_done_fn(void *arg, const struct api_reply *reply);

/* access is borrowed. qps/burst bound the starts a second; 0: no bound. NULL with errno. */
struct api_client *api_client_new(struct ev *ev, const struct access *access, const char *agent,
				  uint32_t qps, uint32_t burst);
void api_client_free(struct api_client *c); /* ends all calls in silence */

/* NULL with errno ENOMEM. on_data may be NULL when not streaming. */
struct api_call *api_start(struct api_client *c, const struct api_request *r, api_data_fn *on_data,
			   api_done_fn *on_done, void *arg);
/* No callback follows. NULL is ignored. */
void api_cancel(struct api_call *call);
/* From now on: no byte for this long ends the call. May be called from on_data. */
void api_set_idle(struct api_call *call, uint32_t idle_ms);
/* Calls that start from now on get connections of their own; the connections there are end with
 * the calls on them, and their buffers are given back. */
void api_client_renew(struct api_client *c);
/* The server said 401: read the credentials anew before the next request. */
void api_credentials_stale(struct api_client *c);

#endif
