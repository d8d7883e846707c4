/*
 * record: what the access log and the variables tell of a request and its tries, read one way.
 */
#ifndef SILEX_WORKER_REQUEST_RECORD_H
#define SILEX_WORKER_REQUEST_RECORD_H

#include "worker/request/request.h"

/* The protocol it came by, as nginx names it: "HTTP/2.0". */
struct str record_protocol(const struct request *r);
/* Between two moments in microseconds, of which either may not have been reached (0): 0 then. */
uint64_t record_us(uint64_t from_us, uint64_t to_us);
/* How long a try took, or takes, as of now_us. */
uint64_t record_try_us(const struct try_record *t, uint64_t now_us);
/* The status a try is told with: the origin's, or what its failure means; 0: none came. */
uint16_t record_try_status(const struct try_record *t);

#endif
