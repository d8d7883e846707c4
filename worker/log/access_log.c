/*
 * access_log: see access_log.h. The buffer and its way out; what a line says is access_line's.
 *
 * Invariant: the buffer begins with a line, or, while `torn`, with the rest of the line that the
 * sink (a file on a full disk, a socket) took only a part of.
 */
#include "worker/log/access_log.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/log/syslog_head.h"
#include "worker/log/access_format.h"
#include "worker/rewrite/patterns.h"
#include "worker/log/stream_format.h"
#include "worker/request/request.h"

_Static_assert(ACCESS_LINE_MAX <= PIPE_BUF, "a line goes into a pipe whole or not at all");

struct access_log {
	int fd;
	const char *host;
	struct slot *slot;
	bool off;
	bool default_backend;  /* also requests that no Ingress is for */
	struct patterns *skip; /* NULL: none */
	struct regexes *regexes;
	bool known;     /* the sink's kind was looked at */
	bool is_syslog; /* takes datagrams */
	bool is_pipe;   /* shared with other writers: only whole lines, at most PIPE_BUF at once */
	bool stuck;     /* the sink is full: do not ask again in this turn */
	bool torn;      /* the sink ends inside a line */
	bool patch;     /* the buffer begins with a newline that only ends what was torn */
	uint64_t refused; /* lines of this flush that syslog did not take */
	uint64_t now_s;   /* CLOCK_REALTIME of the newest line */
	size_t n;
	struct access_format format;
	struct stream_format sessions;
	char buf[ACCESS_BUFFER_MAX];
};

struct access_log *access_log_new(int fd, const char *host, struct slot *slot)
{
	struct access_log *l = malloc(sizeof(*l));

	if (l == NULL)
		return NULL;
	memset(l, 0, offsetof(struct access_log, buf)); /* pages of the buffer: when needed */
	l->fd = fd;
	l->host = host;
	l->slot = slot;
	return l;
}

void access_log_free(struct access_log *l)
{
	if (l == NULL)
		return;
	access_log_flush(l);
	patterns_free(l->skip);
	stream_format_free(&l->sessions);
	free(l);
}

void access_log_configure(struct access_log *l, const struct conf *conf, struct regexes *x)
{
	if (l == NULL)
		return;
	access_format_set(&l->format, conf);
	stream_format_set(&l->sessions, conf, l->host, l->slot);
	patterns_free(l->skip);
	l->skip = patterns_new(str_from(conf->skip_access_log_urls), x);
	l->regexes = x;
	l->default_backend = conf->access_log_default_backend;
	l->off = !conf->enable_syslog && strcmp(conf->access_log, "off") == 0;
}

static void look_at_sink(struct access_log *l)
{
	struct stat st;

	l->is_pipe = fstat(l->fd, &st) == 0 && S_ISFIFO(st.st_mode);
	l->is_syslog = syslog_is_sink(l->fd);
	l->known = true;
}

static uint64_t line_ends(const char *p, size_t n)
{
	const char *end = p + n;
	uint64_t lines = 0;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		lines++;
		if (++p == end)
			break;
	}
	return lines;
}

/* Lines that end in the first n bytes of the buffer. */
static uint64_t lines_of(struct access_log *l, size_t n)
{
	uint64_t lines = line_ends(l->buf, n) - (l->patch ? 1 : 0);

	l->patch = false;
	return lines;
}

/* The sink is gone or broken: nothing of this can ever be written. */
static void lose_all(struct access_log *l)
{
	stat_add(l->slot, STAT_LOG_LOST, lines_of(l, l->n));
	l->n = 0;
	if (!l->torn)
		return;
	l->buf[l->n++] = '\n';
	l->patch = true;
}

/* How much of the n bytes at p one write may take. */
static size_t piece(const struct access_log *l, const char *p, size_t n)
{
	const char *last;

	if (l->is_syslog)
		return (size_t)((const char *)memchr(p, '\n', n) - p) + 1;
	if (!l->is_pipe || n <= PIPE_BUF)
		return n;
	last = memrchr(p, '\n', PIPE_BUF);
	return last == NULL ? PIPE_BUF : (size_t)(last - p) + 1;
}

/* One message. A server that is not there refuses it (ECONNREFUSED, by ICMP): the line is lost, and
 * the next one may be taken. */
static ssize_t send_message(struct access_log *l, char *line, size_t n)
{
	char head[SYSLOG_HEAD_MAX];
	struct iovec iov[] = {{head, syslog_head(head, SYSLOG_INFO, l->now_s, l->host)},
			      {line, n - 1}};

	if (writev(l->fd, iov, 2) == -1) {
		if (errno == EAGAIN || errno == EINTR)
			return -1;
		l->refused++;
	}
	return (ssize_t)n;
}

static ssize_t write_piece(struct access_log *l, char *p, size_t n)
{
	return l->is_syslog ? send_message(l, p, n) : write(l->fd, p, n);
}

/* Returns the bytes written; l->stuck or an error in errno when that is not all. */
static size_t write_out(struct access_log *l, int *error)
{
	size_t done = 0;

	*error = 0;
	while (done < l->n) {
		char *p = l->buf + done;
		ssize_t w = write_piece(l, p, piece(l, p, l->n - done));

		if (w > 0) {
			done += (size_t)w;
		} else if (w == 0 || errno == EAGAIN) {
			l->stuck = true;
			break;
		} else if (errno != EINTR) {
			*error = errno;
			break;
		}
	}
	return done;
}

static void flush(struct access_log *l)
{
	size_t done;
	int error;

	if (l->n == 0 || l->stuck)
		return;
	if (!l->known)
		look_at_sink(l);
	done = write_out(l, &error);
	if (done > 0) {
		stat_add(l->slot, STAT_LOG_LINES, lines_of(l, done) - l->refused);
		stat_add(l->slot, STAT_LOG_LOST, l->refused);
		l->refused = 0;
		l->torn = l->buf[done - 1] != '\n';
		l->n -= done;
		memmove(l->buf, l->buf + done, l->n);
	}
	if (error != 0)
		lose_all(l);
}

void access_log_flush(struct access_log *l)
{
	if (l == NULL)
		return;
	l->stuck = false; /* a new turn, a new try */
	flush(l);
}

void access_log_reopen(struct access_log *l)
{
	if (l == NULL)
		return;
	access_log_flush(l);
	l->known = false;
}

size_t access_log_pending(const struct access_log *l)
{
	return l == NULL ? 0 : l->n;
}

/* A request that no Ingress is for: ingress-nginx' own default server. */
static bool is_default_backend(const struct request *r)
{
	return (r->route.flags & ROUTE_CATCH_ALL) != 0 && r->route.group == 0;
}

static bool wanted(const struct access_log *l, const struct request *r)
{
	if (l->off || r->role == ROLE_HEALTHZ)
		return false;
	if (r->route.policy == NULL) /* refused before it was routed */
		return true;
	if ((r->route.policy->flags & POLICY_NO_ACCESS_LOG) != 0)
		return false;
	if (!l->default_backend && is_default_backend(r))
		return false;
	return l->skip == NULL || patterns_match(l->skip, l->regexes, r->in.target) != REGEX_YES;
}

/* Room for a line at the end of the buffer; false: it is lost, and counted. */
static bool begin_line(struct access_log *l, struct text *t)
{
	if (sizeof(l->buf) - l->n < ACCESS_LINE_MAX)
		flush(l);
	if (sizeof(l->buf) - l->n < ACCESS_LINE_MAX) {
		stat_add(l->slot, STAT_LOG_LOST, 1);
		return false;
	}
	text_fixed(t, l->buf + l->n, ACCESS_LINE_MAX);
	return true;
}

static void end_line(struct access_log *l, const struct text *t)
{
	if (t->full)
		stat_add(l->slot, STAT_LOG_LOST, 1);
	else
		l->n += t->n;
}

void access_log_stream(struct access_log *l, const struct stream_record *r,
		       const struct moment *now)
{
	struct text t;

	if (l == NULL || l->off || !begin_line(l, &t))
		return;
	l->now_s = now->unix_ms / 1000;
	stream_format_write(&l->sessions, r, now, &t);
	end_line(l, &t);
}

void access_log_request(struct access_log *l, const struct request *r)
{
	const struct moment *now;
	struct text t;

	if (l == NULL || !wanted(l, r) || !begin_line(l, &t))
		return;
	now = moment_read(&r->w->clock, ev_now_us(r->w->ev));
	l->now_s = now->unix_ms / 1000;
	access_format_write(&l->format, r, now, &t);
	end_line(l, &t);
}

bool access_log_reads(const struct access_log *l, const struct field *f, bool answer)
{
	return l != NULL && !l->off && access_format_reads(&l->format, f, answer);
}
