/*
 * forward: the floor under every proxy's figures.
 *
 *     forward LISTEN_PORT ORIGIN_PORT [PROCESSES]
 *
 * Moves bytes between a client connection and an origin connection of its own, on 127.0.0.1,
 * without looking at them: for a request two recv and two send, and an epoll_wait for as many
 * events as there are. What a proxy needs above this is the price of what it does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

/* One end of a pair; both ends go at once. A closed end stays until the batch is over. */
struct end {
	int fd;
	struct end *other;
};

#define DEAD_MAX 1024

static int epfd;
static struct sockaddr_in origin;
static struct end *dead[DEAD_MAX];
static unsigned ndead;

static int add(struct end *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = e};
	return epoll_ctl(epfd, EPOLL_CTL_ADD, e->fd, &ev);
}

static void end_pair(struct end *e)
{
	struct end *o = e->other;
	if (e->fd == -1)
		return;
	close(e->fd);
	close(o->fd);
	e->fd = o->fd = -1;
	dead[ndead++] = e;
	dead[ndead++] = o;
}

static void on_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	int up = fd == -1 ? -1 : socket(AF_INET, SOCK_STREAM, 0);
	struct end *a = malloc(sizeof *a), *b = malloc(sizeof *b);

	if (fd == -1 || up == -1 || a == NULL || b == NULL ||
	    connect(up, (struct sockaddr *)&origin, sizeof origin) == -1) {
		close(fd);
		close(up);
		free(a);
		free(b);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	setsockopt(up, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	*a = (struct end){fd, b};
	*b = (struct end){up, a};
	if (add(a) == -1 || add(b) == -1)
		end_pair(a);
}

/* Small messages only: what does not fit at once ends the pair, and the benchmark says so. */
static void on_bytes(struct end *e)
{
	static char buf[16384];
	if (e->fd == -1)
		return;
	ssize_t n = recv(e->fd, buf, sizeof buf, MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0 || send(e->other->fd, buf, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
		end_pair(e);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == -1 || listen(fd, 4096) == -1) {
		perror("forward: listen");
		exit(1);
	}
	return fd;
}

/* As many of us as there shall be, all of which accept from the one listening socket. */
static void multiply(unsigned long processes)
{
	while (processes-- > 1)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			return;
		}
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: forward LISTEN_PORT ORIGIN_PORT [PROCESSES]\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	origin = (struct sockaddr_in){.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct end listener = {.fd = listen_on((uint16_t)strtoul(argv[1], NULL, 10))};
	multiply(argc == 4 ? strtoul(argv[3], NULL, 10) : 1);
	epfd = epoll_create1(0);
	if (add(&listener) == -1)
		return 1;
	struct epoll_event events[DEAD_MAX / 2];
	for (;;) {
		int n = epoll_wait(epfd, events, DEAD_MAX / 2, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &listener)
				on_accept(listener.fd);
			else
				on_bytes(events[i].data.ptr);
		}
		while (ndead > 0)
			free(dead[--ndead]);
	}
}
