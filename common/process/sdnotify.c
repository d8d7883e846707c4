/* sdnotify: what systemd wants to hear. See sdnotify.h. */
#include "common/process/sdnotify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/process/pass_fd.h"
#include "common/str.h"

bool sdnotify_enabled(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

/* "@name" is an abstract address: a NUL in place of the "@", and no NUL at the end. */
static int notify_address(struct sockaddr_un *un, socklen_t *len)
{
	struct str path = str_from(getenv("NOTIFY_SOCKET"));

	if (path.n < 2 || path.n >= sizeof(un->sun_path) ||
	    (path.p[0] != '/' && path.p[0] != '@')) {
		errno = EINVAL;
		return -1;
	}
	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(un->sun_path, path.p, path.n);
	if (path.p[0] == '@')
		un->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n);
	return 0;
}

/* One datagram; fd -1 = without a descriptor. */
static int send_state(const char *text, int fd)
{
	struct sockaddr_un un;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
	struct msghdr m = {.msg_name = &un, .msg_iov = &iov, .msg_iovlen = 1};
	union pass_fd room;
	int s, saved;
	ssize_t sent;

	if (!sdnotify_enabled())
		return 0;
	if (notify_address(&un, &m.msg_namelen) == -1)
		return -1;
	pass_fd(&m, &room, fd);
	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s == -1)
		return -1;
	do
		sent = sendmsg(s, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent == -1 && errno == EINTR);
	saved = errno;
	(void)close(s);
	errno = saved;
	return sent == -1 ? -1 : 0;
}

/* A status is one line: a newline in it would begin another assignment. */
static int send_with_status(const char *state, const char *status)
{
	char text[512];
	size_t head = (size_t)snprintf(text, sizeof(text), "%s\n", state);

	if (status != NULL) {
		(void)snprintf(text + head, sizeof(text) - head, "STATUS=%s", status);
		for (char *p = text + head; *p != '\0'; p++)
			if (*p == '\n')
				*p = ' ';
	}
	return send_state(text, -1);
}

int sdnotify_ready(const char *status)
{
	return send_with_status("READY=1", status);
}

int sdnotify_stopping(const char *status)
{
	return send_with_status("STOPPING=1", status);
}

int sdnotify_watchdog(void)
{
	return send_state("WATCHDOG=1\n", -1);
}

int sdnotify_reloading(void)
{
	struct timespec ts;
	char text[96];

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
		       (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
	return send_state(text, -1);
}

int sdnotify_main_pid(int64_t pid)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "MAINPID=%" PRId64 "\n", pid);
	return send_state(text, -1);
}

static bool is_fd_name(const char *name)
{
	struct str s = str_from(name);

	for (size_t i = 0; i < s.n; i++) {
		char l = ascii_lower(s.p[i]);

		if (!(l >= 'a' && l <= 'z') && !(l >= '0' && l <= '9') && l != '.' && l != '_' &&
		    l != '-')
			return false;
	}
	return s.n > 0 && s.n <= SD_NAME_MAX;
}

int sdnotify_store(int fd, const char *name)
{
	char text[128];

	if (!is_fd_name(name)) {
		errno = EINVAL;
		return -1;
	}
	(void)snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\n", name);
	return send_state(text, fd);
}

int sdnotify_forget(const char *name)
{
	char text[128];

	if (!is_fd_name(name)) {
		errno = EINVAL;
		return -1;
	}
	(void)snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s\n", name);
	return send_state(text, -1);
}

/* A variable that must be a number; absent counts as 0. */
static bool env_number(const char *name, uint64_t max, uint64_t *out)
{
	const char *text = getenv(name);

	*out = 0;
	return text == NULL || str_u64(str_from(text), max, out);
}

/* systemd names the process a variable is for; a child that inherited it must not believe it. */
static bool is_for_us(const char *pid_variable)
{
	uint64_t pid;

	return env_number(pid_variable, INT32_MAX, &pid) && (pid == 0 || pid == (uint64_t)getpid());
}

uint64_t sdnotify_watchdog_ms(void)
{
	uint64_t usec;

	if (!is_for_us("WATCHDOG_PID") || !env_number("WATCHDOG_USEC", INT64_MAX, &usec))
		return 0;
	return usec / 2000;
}

static void forget_listen_variables(void)
{
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
}

/* Next of the colon separated names; "" when they are used up or too long. */
static void take_name(struct str *names, char out[SD_NAME_MAX + 1])
{
	ptrdiff_t colon = str_chr(*names, ':');
	struct str one = colon == -1 ? *names : str_make(names->p, (size_t)colon);

	*names = colon == -1 ? STR_NONE : str_from_at(*names, (size_t)colon + 1);
	if (one.n > SD_NAME_MAX)
		one.n = 0;
	if (one.n > 0)
		memcpy(out, one.p, one.n);
	out[one.n] = '\0';
}

static int take_fds(struct sd_listen *out, unsigned n)
{
	struct str names = str_from(getenv("LISTEN_FDNAMES"));

	for (unsigned i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + (int)i;

		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
			errno = EINVAL; /* announced, but not open */
			return -1;
		}
		out->fds[i].fd = fd;
		take_name(&names, out->fds[i].name);
	}
	out->n = n;
	return 0;
}

int sd_listen_take(struct sd_listen *out)
{
	uint64_t n, pid;
	int rc = 0, saved;

	*out = (struct sd_listen){0};
	if (!env_number("LISTEN_FDS", SD_LISTEN_MAX, &n) ||
	    !env_number("LISTEN_PID", INT32_MAX, &pid)) {
		errno = EINVAL;
		rc = -1;
	} else if (pid == (uint64_t)getpid()) {
		rc = take_fds(out, (unsigned)n);
	}
	saved = errno;
	forget_listen_variables();
	errno = saved;
	return rc;
}
