/*
 * ask: the bytes a check sends, made once for all endpoints of a Service.
 *
 * HTTP/1: a GET. gRPC: the whole connection up to the end of the call at once (RFC 9113 §3.4
 * allows it): preface, SETTINGS, HEADERS, and the message of grpc.health.v1.Health/Check; fields
 * as literals without Huffman coding or table, so that this is all there is to write of HPACK.
 */
#ifndef SILEX_MASTER_CHECK_ASK_H
#define SILEX_MASTER_CHECK_ASK_H

#include <stddef.h>

#include "master/check/check_spec.h"

#define ASK_MAX (CHECK_PATH_MAX + CHECK_HOST_MAX + CHECK_SERVICE_MAX + 256)

/* Into buf[ASK_MAX]; returns its length, 0: a connection is enough. */
size_t ask_make(const struct check_spec *s, char *buf);

#endif
