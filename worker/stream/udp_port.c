/* udp_port: datagrams from clients, and answers to them. See udp.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/net/net.h"
#include "common/process/worker_fd.h"
#include "worker/stream/udp.h"

#define BATCH 64 /* datagrams of a port before others have their turn */

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* To which of our addresses it came. */
static void take_local(const struct udp_port *p, struct msghdr *m, struct udp_path *path)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);

	if (h == NULL)
		return;
	if (p->v6 && h->cmsg_level == IPPROTO_IPV6 && h->cmsg_type == IPV6_PKTINFO) {
		memcpy(&path->local.in6, CMSG_DATA(h), sizeof(path->local.in6));
		if (!IN6_IS_ADDR_LINKLOCAL(&path->local.in6.ipi6_addr))
			path->local.in6.ipi6_ifindex = 0; /* the way back may be another one */
	} else if (!p->v6 && h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
		memcpy(&path->local.in, CMSG_DATA(h), sizeof(path->local.in));
		path->local.in.ipi_ifindex = 0;
		path->local.in.ipi_addr.s_addr = 0;
	}
}

/* False: nothing more now. */
static bool read_one(struct udp_port *p)
{
	struct udp_path path;
	union control control;
	char *buffer = udp_buffer(p->w);
	struct iovec iov = {buffer, UDP_MOST};
	struct msghdr m = {.msg_name = &path.client,
			   .msg_namelen = sizeof(path.client),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n;

	memset(&path, 0, sizeof(path)); /* it is a key, padding included */
	n = recvmsg(p->fd, &m, 0);
	if (n == -1)
		return errno != EAGAIN;
	take_local(p, &m, &path);
	udp_datagram(p, &path, buffer, (size_t)n);
	return true;
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct udp_port *p = container_of(f, struct udp_port, watch);

	if ((ready & EV_HUP) != 0)
		(void)net_connect_error(
		    p->fd); /* an ICMP of somebody who does not listen any more */
	p->n_sessions++;    /* while it is read it stays */
	for (unsigned i = 0; i < BATCH && read_one(p); i++)
		;
	udp_port_left(p);
}

struct udp_port *udp_open(struct worker *w, int fd, uint16_t port)
{
	struct udp_port *p = calloc(1, sizeof(*p));
	struct addr local;
	int domain = AF_INET;
	socklen_t len = sizeof(domain);

	if (p == NULL)
		return NULL;
	p->w = w;
	p->port = port;
	p->watch = EV_FD_NONE;
	p->fd = fcntl(fd, F_DUPFD_CLOEXEC, WORKER_FD_PORT + WORKER_PORTS);
	if (p->fd == -1)
		p->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (p->fd == -1 || !net_local(p->fd, &local) ||
	    getsockopt(p->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1 ||
	    ev_add(w->ev, &p->watch, p->fd, EV_READ, on_ready) == -1) {
		int error = errno;

		if (p->fd != -1)
			close(p->fd);
		free(p);
		errno = error;
		return NULL;
	}
	p->v6 = domain == AF_INET6;
	return p;
}

static void free_port(struct udp_port *p)
{
	ev_del(p->w->ev, &p->watch);
	close(p->fd);
	free(p);
}

void udp_port_left(struct udp_port *p)
{
	if (--p->n_sessions == 0 && p->closing)
		free_port(p);
}

void udp_close(struct udp_port *p, bool drained)
{
	p->closing = true;
	if (p->n_sessions == 0)
		free_port(p);
	else if (drained)
		ev_del(p->w->ev, &p->watch);
}

static void put_local(const struct udp_session *s, struct msghdr *m)
{
	struct cmsghdr *h = CMSG_FIRSTHDR(m);
	const void *local =
	    s->port->v6 ? (const void *)&s->path.local.in6 : (const void *)&s->path.local.in;
	size_t n = s->port->v6 ? sizeof(s->path.local.in6) : sizeof(s->path.local.in);

	h->cmsg_level = s->port->v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	h->cmsg_type = s->port->v6 ? IPV6_PKTINFO : IP_PKTINFO;
	h->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(h), local, n);
	m->msg_controllen = CMSG_SPACE(n);
}

bool udp_answer(const struct udp_session *s, const void *data, size_t n)
{
	struct udp_path path = s->path;
	union control control;
	struct iovec iov = {(void *)(uintptr_t)data, n};
	struct msghdr m = {.msg_name = &path.client,
			   .msg_namelen =
			       s->port->v6 ? sizeof(path.client.in6) : sizeof(path.client.in),
			   .msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};

	memset(&control, 0, sizeof(control));
	put_local(s, &m);
	return sendmsg(s->port->fd, &m, MSG_NOSIGNAL) == (ssize_t)n;
}
