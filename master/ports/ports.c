/*
 * ports: see ports.h. A port has a socket for each address of bind-address; a socket has a place,
 * which is its number in the workers, and a serial number, which no other socket ever had.
 */
#include "master/ports/ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/net/net.h"
#include "master/workers/workers.h"

#define RETRY_MS  2000
#define NO_PLACE  UINT16_MAX
#define ADDRESSES 16 /* most of bind-address that are used for a port */
#define WHY_MAX   160

struct socket {
	struct model_port at;
	struct addr local;
	bool dual_stack;
	uint32_t serial;
	uint16_t place;
	unsigned n;       /* descriptors: one, or one a seat */
	int fd[SLOT_MAX]; /* by seat; a TCP socket is the same for all: fd[0] */
};

struct port {
	struct model_port at;
	bool open;
	bool told; /* that it cannot be opened */
};

struct ports {
	struct ev *ev;
	const struct conf *conf;
	struct listen_set *listeners;
	struct workers *workers;
	const struct ports_ops *ops;
	void *arg;
	struct port *v;
	uint32_t n;
	struct socket *sockets[WORKER_PORTS]; /* by place; NULL: free */
	uint32_t last_serial;
	uint64_t retry_ms;
	bool closed;
};

struct ports *ports_new(struct ev *ev, const struct conf *conf, struct listen_set *listeners,
			const struct ports_ops *ops, void *arg)
{
	struct ports *ps = calloc(1, sizeof(*ps));

	if (ps == NULL)
		return NULL;
	ps->ev = ev;
	ps->conf = conf;
	ps->listeners = listeners;
	ps->ops = ops;
	ps->arg = arg;
	return ps;
}

void ports_start(struct ports *ps, struct workers *workers)
{
	ps->workers = workers;
}

static bool same(const struct model_port *a, const struct model_port *b)
{
	return a->transport == b->transport && a->port == b->port;
}

/* --- telling workers ------------------------------------------------------------------------ */

static bool tell(struct proc *p, enum msg_port_what what, const struct socket *s)
{
	struct msg_port m = {.what = (uint8_t)what};
	int fd = -1;

	if (s != NULL) {
		m.serial = s->serial;
		m.place = s->place;
		m.port = s->at.port;
		m.transport = (uint8_t)s->at.transport;
		fd = what != MSG_PORT_OPEN ? -1 : s->fd[s->n > 1 ? p->seat % s->n : 0];
	}
	return proc_send(p, MSG_PORT, &m, sizeof(m), fd);
}

void ports_worker(struct ports *ps, struct proc *p)
{
	bool all = tell(p, MSG_PORT_BEGIN, NULL);

	for (unsigned i = 0; i < WORKER_PORTS && all; i++)
		if (ps->sockets[i] != NULL)
			all = tell(p, MSG_PORT_OPEN, ps->sockets[i]);
	all = all && tell(p, MSG_PORT_END, NULL);
	p->ports_due = !all;
}

struct news {
	enum msg_port_what what;
	const struct socket *socket;
};

static void tell_one(void *arg, struct proc *p)
{
	const struct news *n = arg;

	if (p->state != PROC_DRAINING && !tell(p, n->what, n->socket))
		p->ports_due = true;
}

static void tell_all(struct ports *ps, enum msg_port_what what, const struct socket *s)
{
	struct news n = {what, s};

	workers_each(ps->workers, tell_one, &n);
}

static void tell_again(void *arg, struct proc *p)
{
	if (p->ports_due && p->state != PROC_DRAINING)
		ports_worker(arg, p);
}

/* --- one socket ----------------------------------------------------------------------------- */

static void free_socket(struct socket *s)
{
	for (unsigned i = 0; i < s->n; i++)
		close(s->fd[i]);
	free(s);
}

/* errno stays. */
static struct socket *no_socket(struct socket *s)
{
	int error = errno;

	free_socket(s);
	errno = error;
	return NULL;
}

static int bind_tcp(const struct ports *ps, const struct addr *local, bool dual_stack)
{
	struct net_listen opt = {.backlog = (int)ps->conf->listen_backlog,
				 .reuse_port = ps->listeners->beside,
				 .dual_stack = dual_stack};
	int fd = spares_take(&ps->listeners->spares, TRANSPORT_TCP, local);
	int off = 0;

	if (fd == -1)
		return net_listen(local, &opt);
	/* Its worker made it sharable when it lost its master; from here on it is ours. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &off, sizeof(off));
	return fd;
}

/* The first of a port is bound alone, so that another program's socket is not shared unawares. */
static int bind_udp(const struct ports *ps, const struct addr *local, bool dual_stack, bool first)
{
	int fd = spares_take(&ps->listeners->spares, TRANSPORT_UDP, local);
	int on = 1;

	if (fd == -1)
		fd = net_udp(local, !first || ps->listeners->beside, dual_stack);
	if (fd != -1)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	return fd;
}

static unsigned seats(const struct ports *ps)
{
	unsigned n = workers_seats(ps->workers);

	return n == 0 ? 1 : n;
}

/* As many descriptors as it should have. 0, or -1 with errno. */
static int fill_socket(const struct ports *ps, struct socket *s)
{
	unsigned want = s->at.transport == TRANSPORT_TCP ? 1 : seats(ps);

	while (s->n > want)
		close(s->fd[--s->n]);
	while (s->n < want) {
		int fd = s->at.transport == TRANSPORT_TCP
			     ? bind_tcp(ps, &s->local, s->dual_stack)
			     : bind_udp(ps, &s->local, s->dual_stack, s->n == 0);

		if (fd == -1)
			return -1;
		s->fd[s->n++] = fd;
	}
	return 0;
}

/* NULL with errno. */
static struct socket *open_socket(struct ports *ps, const struct model_port *at,
				  const struct addr *local, bool dual_stack)
{
	struct socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->at = *at;
	s->local = *local;
	s->dual_stack = dual_stack;
	s->place = NO_PLACE;
	return fill_socket(ps, s) == -1 ? no_socket(s) : s;
}

/* Another number of workers: UDP sockets are one a seat. */
static void follow_seats(struct ports *ps)
{
	for (unsigned i = 0; i < WORKER_PORTS; i++) {
		struct socket *s = ps->sockets[i];
		unsigned had = s == NULL ? 0 : s->n;

		if (s == NULL || s->at.transport == TRANSPORT_TCP || had == seats(ps))
			continue;
		if (fill_socket(ps, s) == -1)
			log_warn("a UDP port has no socket for each worker, some share one",
				 LOG_U64("port", s->at.port), LOG_ERRNO(errno));
		if (s->n == had)
			continue;
		s->serial = ++ps->last_serial; /* not the same one any more: all take theirs anew */
		tell_all(ps, MSG_PORT_OPEN, s);
	}
}

/* --- one port ------------------------------------------------------------------------------- */

static uint16_t free_place(const struct ports *ps)
{
	for (uint16_t i = 0; i < WORKER_PORTS; i++)
		if (ps->sockets[i] == NULL)
			return i;
	return NO_PLACE;
}

static void close_port(struct ports *ps, const struct model_port *at)
{
	for (unsigned i = 0; i < WORKER_PORTS; i++) {
		struct socket *s = ps->sockets[i];

		if (s == NULL || !same(&s->at, at))
			continue;
		ps->sockets[i] = NULL;
		tell_all(ps, MSG_PORT_CLOSE, s);
		free_socket(s);
	}
}

/* 0, or -1 with errno. */
static int add_socket(struct ports *ps, struct socket *s)
{
	if (s == NULL)
		return -1;
	s->place = free_place(ps);
	if (s->place == NO_PLACE) {
		errno = ENOSPC;
		(void)no_socket(s);
		return -1;
	}
	s->serial = ++ps->last_serial;
	ps->sockets[s->place] = s;
	tell_all(ps, MSG_PORT_OPEN, s);
	return 0;
}

static int open_any(struct ports *ps, const struct model_port *at)
{
	struct addr all = {.family = 6, .port = at->port};
	struct socket *s = open_socket(ps, at, &all, true);

	/* As net_listen_any(): a machine without IPv6. */
	if (s == NULL && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		all.family = 4;
		s = open_socket(ps, at, &all, false);
	}
	return add_socket(ps, s);
}

/* 0, or -1 with errno: some of its sockets may be open then. */
static int open_all(struct ports *ps, const struct model_port *at)
{
	struct str rest = str_from(ps->conf->bind_address), where;
	unsigned n = 0;

	while (conf_csv_next(&rest, &where)) {
		struct addr local;

		CHECK(addr_parse(where, at->port, &local)); /* conf.h let only addresses pass */
		if (add_socket(ps, open_socket(ps, at, &local, false)) == -1)
			return -1;
		n++;
	}
	return n > 0 ? 0 : open_any(ps, at);
}

static void explain(int error, char why[WHY_MAX])
{
	const char *hint = "";

	if (error == EACCES)
		hint = " (ports below 1024 need root or CAP_NET_BIND_SERVICE)";
	else if (error == EADDRINUSE)
		hint = " (another program listens there)";
	else if (error == ENOSPC)
		hint = " (too many ports and addresses)";
	(void)snprintf(why, WHY_MAX, "%s%s", strerror(error), hint);
}

static bool open_port(struct ports *ps, struct port *p)
{
	char why[WHY_MAX];

	if (open_all(ps, &p->at) == 0) {
		p->open = true;
		p->told = false;
		log_info("port opened",
			 LOG_Z("transport", p->at.transport == TRANSPORT_TCP ? "TCP" : "UDP"),
			 LOG_U64("port", p->at.port));
		return true;
	}
	explain(errno, why);
	close_port(ps, &p->at);
	if (!p->told)
		ps->ops->failed(ps->arg, &p->at, why);
	p->told = true;
	return false;
}

/* --- all of them ---------------------------------------------------------------------------- */

static struct port *find(struct port *v, uint32_t n, const struct model_port *at)
{
	for (uint32_t i = 0; i < n; i++)
		if (same(&v[i].at, at))
			return &v[i];
	return NULL;
}

static bool is_wanted(const struct model_port *v, uint32_t n, const struct model_port *at)
{
	for (uint32_t i = 0; i < n; i++)
		if (same(&v[i], at))
			return true;
	return false;
}

static bool close_unwanted(struct ports *ps, const struct model_port *v, uint32_t n)
{
	bool any = false;

	for (uint32_t i = 0; i < ps->n; i++) {
		if (!ps->v[i].open || is_wanted(v, n, &ps->v[i].at))
			continue;
		close_port(ps, &ps->v[i].at);
		log_info("port closed",
			 LOG_Z("transport", ps->v[i].at.transport == TRANSPORT_TCP ? "TCP" : "UDP"),
			 LOG_U64("port", ps->v[i].at.port));
		any = true;
	}
	return any;
}

static bool open_wanted(struct ports *ps)
{
	bool any = false;

	for (uint32_t i = 0; i < ps->n; i++)
		if (!ps->v[i].open)
			any |= open_port(ps, &ps->v[i]);
	ps->retry_ms = ev_now_ms(ps->ev) + RETRY_MS;
	return any;
}

void ports_want(struct ports *ps, const struct model_port *v, uint32_t n)
{
	struct port *fresh = calloc(n + 1, sizeof(*fresh));
	bool changed;

	CHECK(fresh != NULL);
	changed = close_unwanted(ps, v, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct port *had = find(ps->v, ps->n, &v[i]);

		fresh[i] = had != NULL ? *had : (struct port){.at = v[i]};
	}
	free(ps->v);
	ps->v = fresh;
	ps->n = n;
	changed |= open_wanted(ps);
	spares_close(&ps->listeners->spares);
	if (changed)
		ps->ops->changed(ps->arg);
}

void ports_tick(struct ports *ps)
{
	if (ps->closed)
		return;
	follow_seats(ps);
	workers_each(ps->workers, tell_again, ps);
	if (ev_now_ms(ps->ev) >= ps->retry_ms && open_wanted(ps))
		ps->ops->changed(ps->arg);
}

void ports_close(struct ports *ps)
{
	if (ps == NULL)
		return;
	ps->closed = true;
	for (uint32_t i = 0; i < ps->n; i++)
		ps->v[i].open = false;
	for (unsigned i = 0; i < WORKER_PORTS; i++) {
		if (ps->sockets[i] != NULL)
			free_socket(ps->sockets[i]);
		ps->sockets[i] = NULL;
	}
}

void ports_free(struct ports *ps)
{
	if (ps == NULL)
		return;
	ports_close(ps);
	spares_close(&ps->listeners->spares);
	free(ps->v);
	free(ps);
}

unsigned ports_sockets(const struct ports *ps, int *fds, unsigned most)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WORKER_PORTS; i++)
		for (unsigned k = 0; ps->sockets[i] != NULL && k < ps->sockets[i]->n; k++)
			if (n < most)
				fds[n++] = ps->sockets[i]->fd[k];
	return n;
}
