/*
 * client_int: shared by client.c (a request's life) and transfer.c (what libcurl is told of it).
 */
#ifndef SILEX_K8S_API_CLIENT_INT_H
#define SILEX_K8S_API_CLIENT_INT_H

#include <bsd/sys/queue.h>
#include <curl/curl.h>

#include "common/loop/timer.h"
#include "k8s/api/client.h"
#include "k8s/api/credential.h"
#include "k8s/api/curl_ev.h"

#define CALL_MAGIC 0x61706963u

/* One set of connections. */
struct transport {
	LIST_ENTRY(transport) link;
	struct curl_ev *curl;
	unsigned calls; /* that run on it */
};

struct api_call {
	uint32_t magic;
	struct api_client *client;
	struct transport *on;       /* NULL while waiting */
	TAILQ_ENTRY(api_call) link; /* in client->waiting or client->running */
	CURL *easy;                 /* NULL while waiting */
	struct curl_slist *headers;
	struct timer idle;
	struct ev_task failed; /* reports a start that failed, never from within api_start() */
	struct api_request req;
	char *method, *path, *content_type, *body;
	char *kept;
	size_t kept_n, kept_cap;
	const char *error;
	char curl_error[CURL_ERROR_SIZE];
	api_data_fn *on_data;
	api_done_fn *on_done;
	void *arg;
};
TAILQ_HEAD(call_list, api_call);

struct api_client {
	struct ev *ev;
	const struct access *access;
	struct credential *credential;
	struct transport *transport;    /* of calls that start */
	LIST_HEAD(, transport) retired; /* until their last call ends */
	struct ev_task sweep;           /* ends those without calls */
	char *agent;
	struct call_list waiting, running;
	struct timer refill;  /* the next start is allowed when it fires */
	struct ev_task start; /* starts what waits: libcurl refuses new calls in its callbacks */
	bool receiving;       /* in such a callback */
	uint64_t bucket_ms;   /* when the bucket was last looked at */
	double tokens;
	uint32_t qps, burst;
};

/* Everything libcurl must know: where, what, as whom. call->easy is there; on_bytes gets the
 * answer's bytes, with the call as its argument. False: libcurl refused something. */
bool transfer_set(struct api_call *call,
		  size_t (*on_bytes)(char *p, size_t size, size_t nmemb, void *arg));

#endif
