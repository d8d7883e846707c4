/* listen: see listen.h. */
#include "tests/origin/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int listen_on(const char *bind_to, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
	struct addrinfo *a;
	int fd;

	if (getaddrinfo(bind_to, port, &hints, &a) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd != -1)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (fd == -1 || bind(fd, a->ai_addr, a->ai_addrlen) == -1 || listen(fd, 4096) == -1)
		fd = -1;
	freeaddrinfo(a);
	return fd;
}

void listen_announce(int listener, const char *what, const char *name, const char *bind_to)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);
	char port[16] = "?";

	getsockname(listener, (struct sockaddr *)&ss, &len);
	getnameinfo((struct sockaddr *)&ss, len, NULL, 0, port, sizeof(port), NI_NUMERICSERV);
	printf("%s %s listening on %s port %s\n", what, name, bind_to, port);
	fflush(stdout);
}
