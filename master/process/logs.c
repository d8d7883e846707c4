/* logs: see logs.h. */
#include "master/process/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/log/log.h"
#include "master/process/syslog_sink.h"

/* Opened anew, so that non-blocking is ours alone and not of everybody who shares our standard
 * output; a socket (systemd's journal) cannot be, and is shared. */
static int open_stdout(void)
{
	int fd = open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd == -1)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	return fd;
}

static int open_access(const char *target)
{
	if (strcmp(target, "off") == 0)
		return open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (strcmp(target, "stdout") == 0)
		return open_stdout();
	return open(target, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		    0640);
}

static int failed(const char *key, const char *path)
{
	log_error("cannot open a log", LOG_Z("key", key), LOG_Z("path", path), LOG_ERRNO(errno));
	return -1;
}

static void use_access(struct logs *l, int fd)
{
	if (l->access != -1)
		close(l->access);
	l->access = fd;
}

/* Two sockets, so that each log has its own to close. */
static int open_syslog(struct logs *l, const struct conf *conf)
{
	int access = syslog_connect(conf->syslog_host, (uint16_t)conf->syslog_port);
	int error = access == -1 ? -1 : fcntl(access, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (error == -1) {
		if (access != -1)
			close(access);
		return failed("syslog-host", conf->syslog_host);
	}
	log_take_fd(error);
	use_access(l, access);
	return 0;
}

int logs_open(struct logs *l, const struct conf *conf)
{
	int fd;

	if (conf->enable_syslog)
		return open_syslog(l, conf);
	fd = open_access(conf->access_log);
	if (fd == -1)
		return failed("access-log", conf->access_log);
	if (log_open(conf->error_log) == -1) {
		(void)failed("error-log", conf->error_log);
		close(fd);
		return -1;
	}
	use_access(l, fd);
	return 0;
}

bool logs_differ(const struct conf *a, const struct conf *b)
{
	return a->enable_syslog != b->enable_syslog || a->syslog_port != b->syslog_port ||
	       strcmp(a->syslog_host, b->syslog_host) != 0 ||
	       strcmp(a->access_log, b->access_log) != 0 || strcmp(a->error_log, b->error_log) != 0;
}

void logs_keep(struct conf *to, const struct conf *from)
{
	to->enable_syslog = from->enable_syslog;
	to->syslog_port = from->syslog_port;
	memcpy(to->syslog_host, from->syslog_host, sizeof(to->syslog_host));
	memcpy(to->access_log, from->access_log, sizeof(to->access_log));
	memcpy(to->error_log, from->error_log, sizeof(to->error_log));
}

void logs_close(struct logs *l)
{
	use_access(l, -1);
}
