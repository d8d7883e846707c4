/* stream_port: see stream_port.h. */
#include "worker/stream/stream_port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/process/worker_fd.h"
#include "common/table/cluster_kind.h"
#include "worker/accept/listener.h"
#include "worker/stream/udp.h"

struct place {
	uint32_t serial;      /* 0: nothing lies here */
	bool told;            /* since BEGIN */
	int fd;               /* a UDP socket's */
	struct udp_port *udp; /* NULL: a TCP socket */
};

struct stream_ports {
	struct place at[WORKER_PORTS];
};

int stream_ports_init(struct worker *w)
{
	w->stream_ports = calloc(1, sizeof(*w->stream_ports));
	return w->stream_ports == NULL ? -1 : 0;
}

static void close_place(struct worker *w, unsigned i)
{
	if (w->stream_ports->at[i].serial == 0)
		return;
	w->stream_ports->at[i].serial = 0;
	if (w->stream_ports->at[i].udp == NULL) {
		listeners_remove(w->listeners, i);
		return;
	}
	close(w->stream_ports->at[i].fd);
	udp_close(w->stream_ports->at[i].udp, w->draining);
}

void stream_ports_drain(struct worker *w)
{
	for (unsigned i = 0; i < WORKER_PORTS; i++)
		if (w->stream_ports->at[i].udp != NULL)
			close_place(w, i);
}

/* Its number for life; where that is above the limit, any other will do. */
static int to_its_place(int fd, unsigned place)
{
	int at = dup3(fd, WORKER_FD_PORT + (int)place, O_CLOEXEC);

	if (at == -1)
		return fd;
	close(fd);
	return at;
}

/* 0, or -1 with errno. */
static int watch(struct worker *w, const struct msg_port *m, int fd, struct place *p)
{
	if (m->transport != TRANSPORT_UDP)
		return listeners_add(w->listeners, m->place, fd, m->port);
	p->udp = udp_open(w, fd, m->port);
	return p->udp == NULL ? -1 : 0;
}

static void open_place(struct worker *w, const struct msg_port *m, int fd)
{
	struct place *p = &w->stream_ports->at[m->place];

	close_place(w, m->place);
	fd = to_its_place(fd, m->place);
	p->udp = NULL;
	if (watch(w, m, fd, p) == -1) {
		log_error("a port of a TCP or UDP service cannot be watched",
			  LOG_U64("port", m->port), LOG_ERRNO(errno));
		close(fd);
		return;
	}
	p->serial = m->serial;
	p->told = true;
	p->fd = fd;
}

static void opened(struct worker *w, const struct msg_port *m, int fd)
{
	struct place *p = &w->stream_ports->at[m->place];

	if (fd == -1)
		return;
	if (w->draining || p->serial == m->serial) { /* told again */
		p->told = true;
		close(fd);
		return;
	}
	open_place(w, m, fd);
}

static void begin(struct stream_ports *ports)
{
	for (unsigned i = 0; i < WORKER_PORTS; i++)
		ports->at[i].told = false;
}

static void end(struct worker *w)
{
	for (unsigned i = 0; i < WORKER_PORTS; i++)
		if (!w->stream_ports->at[i].told)
			close_place(w, i);
}

void stream_ports_told(struct worker *w, const struct msg_port *m, int fd)
{
	if (m->place >= WORKER_PORTS) {
		if (fd != -1)
			close(fd);
		return;
	}
	if (fd != -1 && m->what != MSG_PORT_OPEN) {
		close(fd);
		fd = -1;
	}
	switch ((enum msg_port_what)m->what) {
	case MSG_PORT_OPEN:
		opened(w, m, fd);
		break;
	case MSG_PORT_CLOSE:
		if (w->stream_ports->at[m->place].serial == m->serial)
			close_place(w, m->place);
		break;
	case MSG_PORT_BEGIN:
		begin(w->stream_ports);
		break;
	case MSG_PORT_END:
		end(w);
		break;
	}
}
