/*
 * splice: bulk content moved from socket to socket inside the kernel.
 *
 * A kernel pipe stands in for the slices of a struct pipe: the source splices from its socket
 * into it, the sink from it into its own. Only plain connections, and only where our framing
 * adds nothing to the bytes: content of known length, tunnels. The pipes are few, kept for the next
 * body and opened on demand.
 */
#ifndef SILEX_WORKER_FLOW_SPLICE_H
#define SILEX_WORKER_FLOW_SPLICE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPLICE_PIPE_BYTES (256 * 1024) /* asked for; the kernel may give less */

struct splice_pipe;
struct splice_set; /* one worker's kernel pipes */

struct splice_set *splice_set_new(void); /* NULL: ENOMEM */

/* An empty kernel pipe, or NULL when there is none to be had: use slices then. */
struct splice_pipe *splice_open(struct splice_set *s);
/* Give it back; closed when bytes are still in it. */
void splice_close(struct splice_pipe *p);

/* Bytes in it. */
size_t splice_bytes(const struct splice_pipe *p);
/* At most n bytes from fd into it / from it to fd. As recv and send: > 0, 0 = end of file (in
 * only), -1 with errno; EAGAIN of splice_in may also mean that the kernel pipe is full. */
ssize_t splice_in(struct splice_pipe *p, int fd, size_t n);
ssize_t splice_out(struct splice_pipe *p, int fd, size_t n);

#endif
