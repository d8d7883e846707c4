/*
 * headers: header fields that the settings and annotations set or take away (policy_header.h):
 * proxy-set-headers towards the endpoint; add-headers, custom-headers and hide-headers towards the
 * client. Compiled at publication; a route without any costs nothing.
 */
#ifndef SILEX_WORKER_REQUEST_HEADERS_H
#define SILEX_WORKER_REQUEST_HEADERS_H

#include "worker/request/request.h"

struct policy_header_view;

/* Room in h for n more fields; *array holds an array that is too large for r's arena. 0, or -1. */
int headers_room(struct request *r, struct head *h, uint32_t n, struct chunk **array);
/* Every field of the name, whatever its case; id is that of the name. */
void headers_drop(struct head *h, enum field_id id, struct str name);
/* One of a list onto h, which has room: its variables are those of request `of`. 0, or -1. */
int headers_set(struct request *of, struct head *h, const struct policy_header_view *v);

/* Before r->out is made of r->in, whose array it shares: room for what is set, and for what an auth
 * service or an error adds. 0, or -1 when memory is out. */
int headers_reserve(struct request *r);
/* On r->out, when everything else is in it. 0, or -1: memory is out, or a value is too long. */
int headers_to_endpoint(struct request *r);
/* On the answer h; hidden is what an origin said. Makes room first. 0, or -1 likewise. */
int headers_to_client(struct request *r, struct head *h, bool of_origin);

/* server-tokens: who answers, where no origin's own Server field is passed on. */
void headers_server(const struct request *r, struct head *h);

#endif
