/*
 * encoder: content in, coded content out, piece by piece: zlib's gzip and libbrotlienc's br
 * behind one face.
 *
 * An encoder belongs to one answer. Those of gzip are used again by later answers (a reset costs
 * a hundredth of the 260 KB that zlib asks for); their number is bounded, as each worker has the
 * memory of buffer-memory only for what it can refuse, and compression can be left out.
 * What must not happen here: knowledge of requests.
 */
#ifndef SILEX_WORKER_COMPRESS_ENCODER_H
#define SILEX_WORKER_COMPRESS_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "worker/compress/coding.h"

#define ENCODE_ROOM_LEAST 16 /* bytes: with 6 or less zlib would flush again and again */

#define ENCODERS_MAX 128 /* at once, a worker: about 33 MB of gzip's */

struct encoder;
struct encoders; /* a worker's */

enum encode_op {
	ENCODE_MORE,  /* more follows: output when there is enough of it */
	ENCODE_FLUSH, /* all that came must be readable at the other end now */
	ENCODE_END,   /* nothing follows */
};

enum encode_result {
	ENCODE_DONE, /* all input is taken, and of FLUSH and END all output is out */
	ENCODE_FULL, /* call again with the rest of the input, the same op and more room */
	ENCODE_FAILED,
};

struct encode_io {
	const uint8_t *in;
	size_t n_in;
	uint8_t *out;
	size_t n_out;
};

/* Levels as in gzip-level (1 to 9) and brotli-level (0 to 11). NULL: ENOMEM. */
struct encoders *encoders_new(int gzip_level, int brotli_level);
/* No encoder may be in use. NULL is ignored. */
void encoders_free(struct encoders *s);

/* For one message. NULL: too many are in use, or memory is out. */
struct encoder *encoder_get(struct encoders *s, enum coding c);
/* Advances what io points to, and takes off it what was used. n_out must be ENCODE_ROOM_LEAST or
 * more. */
enum encode_result encoder_run(struct encoder *e, enum encode_op op, struct encode_io *io);
void encoder_put(struct encoders *s, struct encoder *e);

#endif
