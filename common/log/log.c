/* log: the error log. See log.h. Lines are built by log_line.c, this room writes them. */
#include "common/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "common/log/log_line.h"
#include "common/log/syslog_head.h"

#define WAIT_MS 100 /* most a full pipe may hold us up, for one line */

static struct {
	int fd;
	bool own;      /* opened by log_open(): closed when replaced */
	bool syslog;   /* takes datagrams */
	char host[64]; /* asked for once, before the sandbox */
	enum log_level level;
	enum log_format format;
	char role[32];
	char path[512]; /* "" = a descriptor that cannot be opened anew */
	uint64_t lost;
} log_state = {.fd = STDERR_FILENO, .level = LOG_LEVEL_INFO};

void log_setup(const char *role, enum log_level level, enum log_format format)
{
	struct str r = str_from(role);
	size_t n = r.n < sizeof(log_state.role) ? r.n : sizeof(log_state.role) - 1;

	if (n > 0)
		memcpy(log_state.role, r.p, n);
	log_state.role[n] = '\0';
	log_state.level = level;
	log_state.format = format;
	if (log_state.host[0] == '\0' &&
	    gethostname(log_state.host, sizeof(log_state.host) - 1) == -1)
		log_state.host[0] = '\0';
	log_state.syslog = syslog_is_sink(log_state.fd); /* a worker is born with its stderr */
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

static void use(int fd, bool own)
{
	if (log_state.own)
		(void)close(log_state.fd);
	log_state.fd = fd;
	log_state.own = own;
	log_state.syslog = syslog_is_sink(fd);
}

int log_open(const char *target)
{
	struct str path = str_from(target);
	int fd;

	if (path.n == 0 || str_eq(path, STR("stderr"))) {
		use(STDERR_FILENO, false);
		log_state.path[0] = '\0';
		return 0;
	}
	if (path.n >= sizeof(log_state.path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
	if (fd == -1)
		return -1;
	use(fd, true);
	memmove(log_state.path, target, path.n + 1); /* log_reopen() passes our own */
	return 0;
}

int log_reopen(void)
{
	return log_state.path[0] == '\0' ? 0 : log_open(log_state.path);
}

void log_use_fd(int fd)
{
	use(fd, false);
	log_state.path[0] = '\0';
}

void log_take_fd(int fd)
{
	use(fd, true);
	log_state.path[0] = '\0';
}

int log_fd(void)
{
	return log_state.fd;
}

bool log_enabled(enum log_level level)
{
	return level <= log_state.level;
}

uint64_t log_lost(void)
{
	return log_state.lost;
}

static uint64_t clock_ms(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool wait_for_room(void)
{
	struct pollfd p = {.fd = log_state.fd, .events = POLLOUT};
	int rc;

	do
		rc = poll(&p, 1, WAIT_MS);
	while (rc == -1 && errno == EINTR);
	return rc == 1 && (p.revents & POLLOUT) != 0;
}

/*
 * One write for one line. stderr may be a blocking pipe that nobody reads (its flags belong to
 * whoever shares it), so room is asked for first: a pipe that polls writable takes PIPE_BUF
 * bytes, and no line is longer.
 */
static void write_line(char *line, size_t n)
{
	ssize_t put = -1;

	if (!log_state.syslog && wait_for_room()) {
		do
			put = write(log_state.fd, line, n);
		while (put == -1 && errno == EINTR);
	}
	if (put != (ssize_t)n)
		log_state.lost++;
}
_Static_assert(LOG_LINE_MAX <= 4096, "a line fits in PIPE_BUF, so that it is written whole");

/* A datagram waits for nothing: what does not go now is lost. */
static void write_message(const struct log_head *of, char *line, size_t n)
{
	static const enum syslog_severity severities[] = {SYSLOG_ERROR, SYSLOG_WARNING, SYSLOG_INFO,
							  SYSLOG_DEBUG};
	char head[SYSLOG_HEAD_MAX];
	struct iovec iov[] = {
	    {head, syslog_head(head, severities[of->level], of->at_ms / 1000, log_state.host)},
	    {line, n - 1}};

	if (writev(log_state.fd, iov, 2) == -1)
		log_state.lost++;
}

/* Is this line one too many of its site? Tells at the first line of a new window how many were
 * left out in the one before. */
static bool limited(struct log_site *site, uint32_t *suppressed)
{
	uint64_t now = clock_ms(CLOCK_MONOTONIC);

	*suppressed = 0;
	if (now - site->window_ms >= 1000) {
		*suppressed = site->suppressed;
		*site = (struct log_site){.window_ms = now};
	}
	if (site->in_window >= LOG_BURST) {
		site->suppressed++;
		return true;
	}
	site->in_window++;
	return false;
}

void log_event(struct log_site *site, enum log_level level, const char *what,
	       const struct log_field *fields)
{
	char line[LOG_LINE_MAX];
	uint32_t suppressed;
	struct log_head head = {.level = level, .role = log_state.role, .what = what};
	int saved = errno;
	size_t n;

	if (limited(site, &suppressed))
		return;
	head.at_ms = clock_ms(CLOCK_REALTIME);
	head.pid = getpid();
	head.suppressed = suppressed;
	n = log_line(line, log_state.format, &head, fields);
	if (log_state.syslog)
		write_message(&head, line, n);
	else
		write_line(line, n);
	errno = saved;
}
