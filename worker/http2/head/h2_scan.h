/*
 * h2_scan: where the frames of a byte stream begin, and their heads.
 *
 * nghttp2 passes over in silence what it ignores (content of closed streams, priorities, unknown
 * types); to count these and to answer them we look at the frame heads ourselves. Pure.
 */
#ifndef SILEX_WORKER_HTTP2_HEAD_H2_SCAN_H
#define SILEX_WORKER_HTTP2_HEAD_H2_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define H2_FRAME_HEAD 9 /* RFC 9113 §4.1 */

struct h2_scan {
	uint32_t skip; /* bytes until the next frame head */
	uint8_t have;  /* bytes of the head */
	uint8_t head[H2_FRAME_HEAD];
};

struct h2_frame {
	uint32_t length;
	uint8_t type, flags;
	int32_t id;
};

/*
 * Go on in [p, p + n). True: a head ends behind *used bytes, its last *own bytes of these belong
 * to it. False: all n bytes are used and no head ended.
 */
bool h2_scan_next(struct h2_scan *s, const uint8_t *p, size_t n, size_t *used, size_t *own,
		  struct h2_frame *frame);

#endif
