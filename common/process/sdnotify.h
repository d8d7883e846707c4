/*
 * sdnotify: what systemd wants to hear, and the sockets it hands over; without libsystemd.
 *
 * Protocol: one datagram to the AF_UNIX socket of $NOTIFY_SOCKET (path or "@abstract"), see
 * sd_notify(3); descriptors by SCM_RIGHTS. Without NOTIFY_SOCKET every call is a successful no-op.
 */
#ifndef SILEX_COMMON_PROCESS_SDNOTIFY_H
#define SILEX_COMMON_PROCESS_SDNOTIFY_H

#include <stdbool.h>
#include <stdint.h>

bool sdnotify_enabled(void);

/* Each returns 0 (sent, or nobody listens), or -1 with errno. status may be NULL. */
int sdnotify_ready(const char *status);
int sdnotify_reloading(void); /* with MONOTONIC_USEC, for Type=notify-reload; then READY again */
int sdnotify_stopping(const char *status);
int sdnotify_watchdog(void);
int sdnotify_main_pid(int64_t pid);
/* Keep fd in systemd's descriptor store under name ([A-Za-z0-9._-], <= 64). */
int sdnotify_store(int fd, const char *name);
int sdnotify_forget(const char *name);

/* How often systemd wants to hear WATCHDOG=1, in ms (half of WATCHDOG_USEC); 0 = never. */
uint64_t sdnotify_watchdog_ms(void);

#define SD_LISTEN_FDS_START 3
#define SD_LISTEN_MAX       64
#define SD_NAME_MAX         64

struct sd_listen {
	unsigned n;
	struct {
		int fd;
		char name[SD_NAME_MAX + 1]; /* of LISTEN_FDNAMES; "" when it has none */
	} fds[SD_LISTEN_MAX];
};

/* The descriptors of LISTEN_PID/LISTEN_FDS/LISTEN_FDNAMES, made close-on-exec; the variables are
 * removed so that no child believes them. n = 0 when there are none or they are for another pid.
 * Returns 0, or -1 with errno EINVAL when the variables are malformed. */
int sd_listen_take(struct sd_listen *out);

#endif
