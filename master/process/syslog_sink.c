/* syslog_sink: see syslog_sink.h. */
#include "master/process/syslog_sink.h"

#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/addr.h"
#include "common/str.h"

static int connect_to(const struct sockaddr *sa, socklen_t n)
{
	int fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), saved;

	if (fd == -1 || connect(fd, sa, n) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int by_name(const char *host, uint16_t port)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *list;
	char service[8];
	int fd = -1;

	if (res_init() == 0) {
		_res.retrans = 1; /* second */
		_res.retry = 1;
	}
	(void)snprintf(service, sizeof(service), "%u", port);
	errno = EHOSTUNREACH;
	if (getaddrinfo(host, service, &hints, &list) != 0) {
		errno = EHOSTUNREACH;
		return -1;
	}
	for (const struct addrinfo *a = list; a != NULL && fd == -1; a = a->ai_next)
		fd = connect_to(a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	return fd;
}

int syslog_connect(const char *host, uint16_t port)
{
	struct sockaddr_storage sa;
	struct addr a;

	if (host[0] == '\0') {
		errno = EDESTADDRREQ;
		return -1;
	}
	if (!addr_parse(str_from(host), port, &a))
		return by_name(host, port);
	return connect_to((const struct sockaddr *)&sa, addr_to_sockaddr(&a, &sa));
}
