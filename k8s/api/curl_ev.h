/*
 * curl_ev: libcurl's multi interface on our event loop.
 *
 * libcurl says which sockets to watch and when it wants to be woken; this room translates, and
 * reports ended transfers from a task, never from inside a libcurl callback, because a handle
 * must not be removed or added from there.
 */
#ifndef SILEX_K8S_API_CURL_EV_H
#define SILEX_K8S_API_CURL_EV_H

#include <curl/curl.h>

#include "common/loop/ev.h"

struct curl_ev;

typedef void curl_ev_end_fn(void *arg, CURL *easy, CURLcode code);

/* NULL with errno ENOMEM, or ENOENT: libcurl cannot be loaded. */
struct curl_ev *curl_ev_new(struct ev *ev, curl_ev_end_fn *end, void *arg);
void curl_ev_free(struct curl_ev *c);               /* every handle must have been removed */
int curl_ev_add(struct curl_ev *c, CURL *easy);     /* 0 or -1 */
void curl_ev_remove(struct curl_ev *c, CURL *easy); /* one that was never added is ignored */

#endif
