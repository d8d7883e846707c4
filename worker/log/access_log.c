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
#include <unistd.h>

#include "worker/log/access_line.h"
#include "worker/request/request.h"

_Static_assert(ACCESS_LINE_MAX <= PIPE_BUF, "a line goes into a pipe whole or not at all");

struct access_log {
	int fd;
	enum conf_access_format format;
	struct slot *slot;
	bool known;   /* the sink's kind was looked at */
	bool is_pipe; /* shared with other writers: only whole lines, at most PIPE_BUF at once */
	bool stuck;   /* the sink is full: do not ask again in this turn */
	bool torn;    /* the sink ends inside a line */
	bool patch;   /* the buffer begins with a newline that only ends what was torn */
	size_t n;
	char buf[ACCESS_BUFFER_MAX];
};

struct access_log *access_log_new(int fd, enum conf_access_format format, struct slot *slot)
{
	struct access_log *l = malloc(sizeof(*l));

	if (l == NULL)
		return NULL;
	memset(l, 0, offsetof(struct access_log, buf)); /* pages of the buffer: when needed */
	l->fd = fd;
	l->format = format;
	l->slot = slot;
	return l;
}

void access_log_free(struct access_log *l)
{
	access_log_flush(l);
	free(l); /* NULL: it was off */
}

static void look_at_sink(struct access_log *l)
{
	struct stat st;

	l->is_pipe = fstat(l->fd, &st) == 0 && S_ISFIFO(st.st_mode);
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

	if (!l->is_pipe || n <= PIPE_BUF)
		return n;
	last = memrchr(p, '\n', PIPE_BUF);
	return last == NULL ? PIPE_BUF : (size_t)(last - p) + 1;
}

/* Returns the bytes written; l->stuck or an error in errno when that is not all. */
static size_t write_out(struct access_log *l, int *error)
{
	size_t done = 0;

	*error = 0;
	while (done < l->n) {
		ssize_t w = write(l->fd, l->buf + done, piece(l, l->buf + done, l->n - done));

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
		stat_add(l->slot, STAT_LOG_LINES, lines_of(l, done));
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

static bool wanted(const struct request *r)
{
	if (r->role == ROLE_HEALTHZ)
		return false;
	return r->route.policy == NULL || (r->route.policy->flags & POLICY_NO_ACCESS_LOG) == 0;
}

void access_log_request(struct access_log *l, const struct request *r)
{
	const struct moment *now;
	struct text t;

	if (l == NULL || !wanted(r))
		return;
	if (sizeof(l->buf) - l->n < ACCESS_LINE_MAX)
		flush(l);
	if (sizeof(l->buf) - l->n < ACCESS_LINE_MAX) {
		stat_add(l->slot, STAT_LOG_LOST, 1);
		return;
	}
	now = moment_read(&r->w->clock, ev_now_us(r->w->ev));
	text_fixed(&t, l->buf + l->n, ACCESS_LINE_MAX);
	if (l->format == CONF_ACCESS_JSON)
		access_line_json(&t, r, now);
	else
		access_line_upstreaminfo(&t, r, now);
	if (t.full)
		stat_add(l->slot, STAT_LOG_LOST, 1);
	else
		l->n += t.n;
}
