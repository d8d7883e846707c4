/*
 * access_log: one line for every request, in ingress-nginx' format or as JSON.
 *
 * Lines are gathered in a buffer during a turn and leave with one write(2) at the bottom of the
 * loop. The sink is non-blocking (the master opens it so; a worker has no open()): what it does
 * not take waits for the next turn, and when the buffer is full lines are lost and counted
 * (LOG_LOST), so that a stuck log reader never slows traffic down. Lines are never torn: several
 * workers share a pipe, so what goes into one is cut at line ends into pieces of PIPE_BUF, which
 * the kernel takes whole or not at all. A sink of datagrams is syslog: a line is one message
 * (syslog_head.h), and one that is refused is lost.
 * Everything a client wrote is escaped and bounded: one request is one line of at most
 * ACCESS_LINE_MAX bytes, whatever it holds. Times are UTC.
 */
#ifndef SILEX_WORKER_LOG_ACCESS_LOG_H
#define SILEX_WORKER_LOG_ACCESS_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/conf/conf.h"
#include "common/process/slot.h"

#define ACCESS_LINE_MAX   4096u /* PIPE_BUF */
#define ACCESS_BUFFER_MAX (64u * 1024)

struct access_log;
struct request;

/* fd: the sink, which stays the caller's. slot: where lines are counted. host: of this machine, for
 * syslog; borrowed. NULL with errno ENOMEM. Everywhere below a NULL log is the log that is off. */
struct access_log *access_log_new(int fd, const char *host, struct slot *slot);
void access_log_free(struct access_log *l); /* flushes */

/* Format, what is skipped, and whether there is a log at all; to be told of every change. x may be
 * NULL when nothing is skipped by regex. Until then: ingress-nginx' format. */
struct regexes;
void access_log_configure(struct access_log *l, const struct conf *conf, struct regexes *x);

/* The line of a request that has ended. None leave: requests to the healthz port, those of routes
 * with POLICY_NO_ACCESS_LOG or of skip-access-log-urls, and those that no Ingress is for unless
 * enable-access-log-for-default-backend. */
void access_log_request(struct access_log *l, const struct request *r);

/* Will the line, as it is made now, say anything of this field of the request's head, or (answer)
 * of the answer's? */
struct field;
bool access_log_reads(const struct access_log *l, const struct field *f, bool answer);

/* The line of a session of a TCP or UDP service that has ended. */
struct moment;
struct stream_record;
void access_log_stream(struct access_log *l, const struct stream_record *r,
		       const struct moment *now);

/* At the bottom of the loop: write what was gathered. */
void access_log_flush(struct access_log *l);

/* The descriptor is about to name another sink (SIGUSR1, dup3): flush into the old one first.
 * Its kind is looked at anew before the next write. */
void access_log_reopen(struct access_log *l);

/* Bytes gathered and not yet written. */
size_t access_log_pending(const struct access_log *l);

#endif
