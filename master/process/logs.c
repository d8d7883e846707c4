/* logs: see logs.h. */
#include "master/process/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/log/log.h"

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

int logs_open(struct logs *l, const struct conf *conf)
{
	int fd;

	if (log_open(conf->error_log) == -1)
		return failed("error-log", conf->error_log);
	fd = open_access(conf->access_log);
	if (fd == -1)
		return failed("access-log", conf->access_log);
	if (l->access != -1)
		close(l->access);
	l->access = fd;
	return 0;
}

void logs_close(struct logs *l)
{
	if (l->access != -1)
		close(l->access);
	l->access = -1;
}
