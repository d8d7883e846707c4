/*
 * fcgi_record: FastCGI's records and name-value pairs (FastCGI specification 1.0, §3), as bytes.
 *
 *     | version 1 | type | request id | content length | padding length | 0 |  content  | padding |
 *
 * One request a connection, so its id is 1 always.
 * What must not happen here: knowledge of what a record is for.
 */
#ifndef SILEX_WORKER_FCGI_FCGI_RECORD_H
#define SILEX_WORKER_FCGI_FCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

#define FCGI_HEADER      8
#define FCGI_CONTENT_MAX 65528 /* of one record that we write: a multiple of 8, without padding */
#define FCGI_PAIR_MAX    8     /* bytes before the two texts of a pair, at most */

enum fcgi_type {
	FCGI_BEGIN_REQUEST = 1,
	FCGI_END_REQUEST = 3,
	FCGI_PARAMS = 4,
	FCGI_STDIN = 5,
	FCGI_STDOUT = 6,
	FCGI_STDERR = 7,
};

struct fcgi_record {
	uint8_t type;
	uint8_t padding; /* bytes behind the content */
	uint16_t content;
};

/* n bytes (at most FCGI_CONTENT_MAX) of this type follow. */
void fcgi_write_header(uint8_t to[FCGI_HEADER], enum fcgi_type type, uint16_t n);
/* BEGIN_REQUEST whole: role Responder, the connection is closed behind the answer. */
#define FCGI_BEGIN_BYTES 16
void fcgi_write_begin(uint8_t to[FCGI_BEGIN_BYTES]);
/* False: of another version, or for a request that was never made. */
bool fcgi_read_header(const uint8_t from[FCGI_HEADER], struct fcgi_record *out);
/* The lengths before name and value; returns how many bytes they take. Both texts must be shorter
 * than 2^31 bytes. */
size_t fcgi_write_lengths(uint8_t to[FCGI_PAIR_MAX], size_t name_n, size_t value_n);

#endif
