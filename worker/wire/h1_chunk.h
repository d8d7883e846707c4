/*
 * h1_chunk: chunked transfer coding, decoded in place over any splitting of the bytes.
 *
 * Strict, because two readers that disagree on a chunk line are a request smuggled (RFC 9112
 * §7.1): sizes are hex digits that fit in 63 bits, line ends are CRLF and nothing else, anywhere,
 * extensions must have their syntax, are bounded, and are dropped. Content is never copied: the
 * decoder says which bytes of the caller's buffer are content.
 */
#ifndef SILEX_WORKER_WIRE_H1_CHUNK_H
#define SILEX_WORKER_WIRE_H1_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "worker/head/head.h"
#include "worker/wire/h1_parse.h"

#define H1_CHUNK_LINE_MAX  512  /* size, extensions and CRLF of one chunk line */
#define H1_CHUNK_SIZE_TEXT 18   /* room for h1_chunk_line(): 16 hex digits and CRLF */
#define H1_TRAILERS_MAX    8192 /* bytes of a trailer section */

struct h1_chunk {          /* zero it (h1_chunk_init) for every message */
	uint64_t left;     /* bytes of the current chunk still to come */
	uint32_t line_n;   /* bytes of the current chunk line so far */
	uint32_t overhead; /* framing bytes not yet paid for by content: bounds tiny chunks */
	uint8_t state;     /* h1_chunk.c */
	uint8_t digits;
	const char *why; /* after H1_CHUNK_BAD: static text */
};

enum h1_chunk_event {
	H1_CHUNK_MORE, /* everything usable was consumed: call again with more bytes */
	H1_CHUNK_DATA, /* *data is content, within the bytes consumed; call again with the rest */
	H1_CHUNK_END,  /* the message is over; bytes behind *consumed belong to the next one */
	H1_CHUNK_BAD,  /* malformed: the connection must close; c->why says what */
};

void h1_chunk_init(struct h1_chunk *c);

/*
 * Decode from `in`. *consumed <= in.n bytes are done with, content in *data included. With
 * H1_CHUNK_MORE, *consumed < in.n happens in one case only: an incomplete trailer section,
 * whose bytes must be given again, contiguous, with more behind them (at most H1_TRAILERS_MAX).
 * Trailers are put into fields[0..cap) and counted in *n_fields at H1_CHUNK_END; forbidden ones
 * are dropped. cap 0: all are checked and dropped. Strings borrow from `in`.
 */
enum h1_chunk_event h1_chunk_next(struct h1_chunk *c, struct str in, size_t *consumed,
				  struct str *data, struct field *fields, uint16_t cap,
				  uint16_t *n_fields);

/* Writes the chunk line for n > 0 bytes ("1a0\r\n") to out[H1_CHUNK_SIZE_TEXT]; returns its
 * length. The content, then "\r\n", follow. */
size_t h1_chunk_line(char *out, uint64_t n);

/* The end of a chunked message without trailers. */
#define H1_CHUNK_LAST "0\r\n\r\n"

#endif
