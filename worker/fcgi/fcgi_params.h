/*
 * fcgi_params: what a FastCGI application is told of a request: nginx' usual parameters (its file
 * fastcgi_params), every header field as HTTP_NAME (RFC 3875 §4.1.18), and then those of
 * fastcgi-params-configmap, which win.
 *
 * "_" and "-" in names of fields become the same: fields with "_" are left out by the parser unless
 * enable-underscores-in-headers. Proxy never becomes HTTP_PROXY (CVE-2016-5385).
 */
#ifndef SILEX_WORKER_FCGI_FCGI_PARAMS_H
#define SILEX_WORKER_FCGI_FCGI_PARAMS_H

#include "common/text.h"
#include "worker/request/request.h"

/* What a path that ends with "/" means, where fastcgi-index says so: to be put behind it. */
struct str fcgi_index(const struct request *r, struct str path);
/* Append all of them as name-value pairs (fcgi_record.h); h is the head as the endpoint shall see
 * it. 0, or -1: memory is out, or they do not fit into t. */
int fcgi_params(struct request *r, const struct head *h, struct text *t);

#endif
