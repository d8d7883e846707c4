/* listen: see listen.h. */
#include "master/process/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/net/net.h"
#include "common/process/sdnotify.h"
#include "master/workers/pidref.h"

struct asked { /* one port of the configuration */
	enum listener_role role;
	const char *name;     /* as systemd's FileDescriptorName, and in messages: NAME-port */
	uint16_t port;        /* 0: none */
	struct str addresses; /* CSV; empty: all */
};

#define ASKED 3
static void ask(struct asked to[ASKED], const struct conf *conf)
{
	to[0] = (struct asked){ROLE_HTTP, "http", (uint16_t)conf->http_port,
			       str_from(conf->bind_address)};
	to[1] = (struct asked){ROLE_HTTPS, "https", (uint16_t)conf->https_port,
			       str_from(conf->bind_address)};
	to[2] = (struct asked){ROLE_HEALTHZ, "healthz", (uint16_t)conf->healthz_port,
			       str_from(conf->healthz_host)};
}

static bool has(const struct listen_set *set, enum listener_role role)
{
	for (unsigned i = 0; i < set->n; i++)
		if (set->at[i].role == role)
			return true;
	return false;
}

/*
 * The kernel keeps a connection to itself until its first byte is there (or about a second is
 * over), so that a worker is woken once for it and not twice: a quarter of the CPU time of a
 * request on a new connection (20.2 to 15.1 us, make bench). A client that only connects waits
 * in the kernel for that second, and costs us nothing.
 */
static void defer_accept(int fd)
{
	int seconds = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds));
}

/* Takes fd over. */
static int add(struct listen_set *set, int fd, enum listener_role role, char *err)
{
	struct listen_socket *s = &set->at[set->n];

	if (set->n == BOARD_LISTENS) {
		(void)snprintf(err, LISTEN_ERROR_MAX, "more than %u listening sockets",
			       BOARD_LISTENS);
		close(fd);
		return -1;
	}
	*s = (struct listen_socket){.fd = fd, .role = role};
	(void)net_local(fd, &s->addr);
	if (role != ROLE_HEALTHZ)
		defer_accept(fd);
	set->n++;
	return 0;
}

static bool is_listening(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on == 1;
}

static bool role_of(const struct asked to[ASKED], const char *name, uint16_t port,
		    enum listener_role *role)
{
	for (unsigned i = 0; i < ASKED; i++)
		if (strcmp(name, to[i].name) == 0) {
			*role = to[i].role;
			return true;
		}
	for (unsigned i = 0; i < ASKED; i++)
		if (port != 0 && port == to[i].port) {
			*role = to[i].role;
			return true;
		}
	return false;
}

#define STORED "silex-stored" /* our name in systemd's descriptor store */

/* A descriptor that was given: known, and listening, or it is closed and -1. */
static int add_given(struct listen_set *set, const struct asked to[ASKED], int fd, const char *name,
		     char *err)
{
	enum listener_role role;
	struct addr local = {0};

	(void)net_local(fd, &local);
	if (is_listening(fd) && role_of(to, name, local.port, &role) && net_nonblock(fd) == 0)
		return add(set, fd, role, err);
	close(fd);
	(void)snprintf(
	    err, LISTEN_ERROR_MAX,
	    "socket activation: descriptor \"%s\" on port %u is not a listening socket "
	    "named http, https or healthz (FileDescriptorName=) or on one of their ports",
	    name, local.port);
	return -1;
}

/* Is it at a port of the configuration? */
static bool is_asked(const struct asked to[ASKED], int fd)
{
	enum listener_role role;
	struct addr local = {0};

	return net_local(fd, &local) && role_of(to, "", local.port, &role);
}

static int take_activated(struct listen_set *set, const struct asked to[ASKED], char *err)
{
	struct sd_listen given;

	if (sd_listen_take(&given) == -1) {
		(void)snprintf(err, LISTEN_ERROR_MAX, "LISTEN_FDS or LISTEN_PID is malformed");
		return -1;
	}
	for (unsigned i = 0; i < given.n; i++) {
		bool stored = strcmp(given.fds[i].name, STORED) == 0;

		if (stored && !is_asked(to, given.fds[i].fd))
			spares_add(&set->spares, given.fds[i].fd);
		else if (add_given(set, to, given.fds[i].fd, given.fds[i].name, err) == 0)
			set->at[set->n - 1].given = !stored;
		else if (!stored)
			return -1;
	}
	(void)sdnotify_forget(STORED); /* what is still of use is stored again */
	return 0;
}

void listen_store(const struct listen_set *set)
{
	for (unsigned i = 0; i < set->n; i++)
		if (sdnotify_store(set->at[i].fd, STORED) == -1)
			log_warn("systemd does not take a listening socket",
				 LOG_ADDR("address", &set->at[i].addr), LOG_ERRNO(errno));
}

void listen_store_again(const struct listen_set *set, const int *fds, unsigned n)
{
	if (!sdnotify_enabled())
		return;
	(void)sdnotify_forget(STORED);
	listen_store(set);
	for (unsigned i = 0; i < n && set->n + i < SD_LISTEN_MAX; i++)
		(void)sdnotify_store(fds[i], STORED);
}

/* Its worker made it sharable when it lost its master; from here on it is ours. */
static void make_ours(int fd)
{
	int off = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &off, sizeof(off));
}

/* Copies; one whose port the configuration no longer names is passed over. */
static int take_handed(struct listen_set *set, const struct asked to[ASKED],
		       const struct handover *handed, char *err)
{
	for (unsigned i = 0; i < handed->n_listens; i++) {
		const struct handed_listen *l = &handed->listens[i];
		int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

		if (fd == -1)
			continue;
		make_ours(fd);
		if (!l->given)
			(void)add_given(set, to, fd, "", err);
		else if (add(set, fd, l->role, err) == -1)
			return -1;
		else
			set->at[set->n - 1].given = true;
	}
	return 0;
}

static void take_spares(struct listen_set *set, const struct handover *handed)
{
	for (unsigned i = 0; i < handed->n_ports; i++) {
		int fd = fcntl(handed->ports[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

		if (fd != -1)
			spares_add(&set->spares, fd);
	}
}

/* The sockets of one worker that its master left behind; they lie at fixed numbers. */
static void take_from(struct listen_set *set, const struct asked to[ASKED], int pidfd)
{
	char err[LISTEN_ERROR_MAX];

	for (int i = 0; i < BOARD_LISTENS; i++) {
		int fd = pidfd_getfd(pidfd, WORKER_FD_LISTEN + i, 0);

		if (fd == -1)
			continue;
		make_ours(fd);
		if (net_cloexec(fd, true) == 0)
			(void)add_given(set, to, fd, "", err);
	}
}

/* Sockets of TCP services are the same in all workers, those of UDP services are each one's own. */
static void take_spares_from(struct listen_set *set, int pidfd)
{
	for (int i = 0; i < WORKER_PORTS; i++) {
		int fd = pidfd_getfd(pidfd, WORKER_FD_PORT + i, 0);

		if (fd != -1 && net_cloexec(fd, true) == 0)
			spares_add(&set->spares, fd);
	}
}

static void take_orphaned(struct listen_set *set, const struct asked to[ASKED],
			  const struct board *predecessor)
{
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		const struct board_worker *w = &predecessor->workers[i];
		int pidfd;

		if (atomic_load(&w->pid) == 0 || atomic_load(&w->state) != SLOT_READY)
			continue;
		pidfd = pidref_open((pid_t)atomic_load(&w->pid), atomic_load(&w->start));
		if (pidfd == -1)
			continue;
		if (set->n == 0)
			take_from(set, to, pidfd);
		take_spares_from(set, pidfd);
		close(pidfd);
	}
	if (set->n > 0)
		log_info("took the listening sockets of the predecessor's workers",
			 LOG_U64("sockets", set->n));
}

static int bind_failed(const struct asked *a, struct str where, char *err)
{
	const char *hint = "";

	if (errno == EACCES)
		hint = "; ports below 1024 need root, CAP_NET_BIND_SERVICE, or socket activation";
	else if (errno == EADDRINUSE)
		hint = "; another program listens there";
	else if (errno == EADDRNOTAVAIL)
		hint = "; this machine has no such address";
	(void)snprintf(err, LISTEN_ERROR_MAX,
		       "cannot listen on " STR_FMT " port %u (%s-port): %s%s", STR_ARG(where),
		       a->port, a->name, strerror(errno), hint);
	return -1;
}

static int bind_one(struct listen_set *set, const struct asked *a, struct str where,
		    const struct net_listen *opt, char *err)
{
	struct addr addr;
	int fd;

	CHECK(addr_parse(where, a->port, &addr)); /* conf.h let only addresses pass */
	fd = net_listen(&addr, opt);
	return fd == -1 ? bind_failed(a, where, err) : add(set, fd, a->role, err);
}

static int bind_all(struct listen_set *set, const struct asked *a, const struct net_listen *opt,
		    char *err)
{
	struct str rest = a->addresses, where;
	unsigned before = set->n;
	int fd;

	while (conf_csv_next(&rest, &where))
		if (bind_one(set, a, where, opt, err) == -1)
			return -1;
	if (set->n > before)
		return 0;
	fd = net_listen_any(a->port, opt);
	return fd == -1 ? bind_failed(a, STR("all addresses,"), err) : add(set, fd, a->role, err);
}

/* The predecessor's workers made their ports sharable when they saw it die (last resort, for
 * where their sockets could not be taken over). */
static bool someone_left(const struct board *predecessor)
{
	for (unsigned i = 0; predecessor != NULL && i < SLOT_MAX; i++)
		if (pidref_start((pid_t)atomic_load(&predecessor->workers[i].pid)) != 0)
			return true;
	return false;
}

int listen_open(struct listen_set *set, const struct conf *conf, const struct handover *handed,
		const struct board *predecessor, char err[LISTEN_ERROR_MAX])
{
	struct net_listen opt = {.backlog = (int)conf->listen_backlog};
	struct asked to[ASKED];

	*set = (struct listen_set){0};
	ask(to, conf);
	if (take_activated(set, to, err) == -1 || take_handed(set, to, handed, err) == -1)
		goto failed;
	if (predecessor != NULL && set->n == 0)
		take_orphaned(set, to, predecessor);
	take_spares(set, handed);
	set->beside = opt.reuse_port = someone_left(predecessor);
	for (unsigned i = 0; i < ASKED; i++)
		if (to[i].port != 0 && !has(set, to[i].role) &&
		    bind_all(set, &to[i], &opt, err) == -1)
			goto failed;
	return 0;
failed:
	listen_close(set, true);
	return -1;
}

void listen_close(struct listen_set *set, bool health_too)
{
	for (unsigned i = 0; i < set->n; i++) {
		struct listen_socket *s = &set->at[i];

		if (s->fd == -1 || (s->role == ROLE_HEALTHZ && !health_too))
			continue;
		close(s->fd);
		s->fd = -1;
	}
}
