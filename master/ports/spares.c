/* spares: see spares.h. */
#include "master/ports/spares.h"

#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "common/net/net.h"

/* The same socket has the same cookie, whatever the descriptor. */
static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

static bool is_transport(int fd, enum transport transport)
{
	if (transport == TRANSPORT_UDP)
		return option(fd, SO_TYPE) == SOCK_DGRAM;
	return option(fd, SO_TYPE) == SOCK_STREAM && option(fd, SO_ACCEPTCONN) == 1;
}

static bool has(const struct spares *s, int fd)
{
	uint64_t cookie = cookie_of(fd);

	for (unsigned i = 0; i < s->n; i++)
		if (cookie_of(s->fd[i]) == cookie)
			return true;
	return false;
}

void spares_add(struct spares *s, int fd)
{
	if (s->n < SPARES_MAX &&
	    (is_transport(fd, TRANSPORT_TCP) || is_transport(fd, TRANSPORT_UDP)) && !has(s, fd) &&
	    net_nonblock(fd) == 0)
		s->fd[s->n++] = fd;
	else
		close(fd);
}

int spares_take(struct spares *s, enum transport transport, const struct addr *local)
{
	struct addr bound;
	int fd;

	for (unsigned i = 0; i < s->n; i++) {
		fd = s->fd[i];
		if (!is_transport(fd, transport) || !net_local(fd, &bound) ||
		    !addr_eq(&bound, local))
			continue;
		s->fd[i] = s->fd[--s->n];
		return fd;
	}
	return -1;
}

void spares_close(struct spares *s)
{
	while (s->n > 0)
		close(s->fd[--s->n]);
}
