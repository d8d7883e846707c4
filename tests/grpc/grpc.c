/*
 * grpc: the demo's and the tests' gRPC origin, over HTTP/2 without TLS (h2c, prior knowledge).
 *
 *     grpc [--port N] [--bind ADDRESS] [--name NAME]
 *
 * One thread on epoll, nghttp2 for the framing. It knows three methods, and says UNIMPLEMENTED to
 * all others:
 *
 *   /silex.demo.Echo/Echo          every message comes back, as soon as it comes (both streaming)
 *   /grpc.health.v1.Health/Check   SERVING for "" and "silex.demo.Echo", else NOT_FOUND
 *   /grpc.health.v1.Health/Watch   the same once, then the stream stays open
 *
 * Prints "grpc NAME listening on ADDRESS port N" once it accepts; port 0 takes a free one. The
 * answer's field x-origin is NAME. methods.c has the methods.
 */
#include "tests/grpc/grpc.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/origin/listen.h"

struct conn {
	int fd;
	uint32_t events;
	nghttp2_session *h2;
	const uint8_t *out; /* nghttp2's, valid until the next mem_send */
	size_t out_len;
};

const char *grpc_name = "grpc";
static int epfd, listener;
static nghttp2_session_callbacks *callbacks;

static void conn_close(struct conn *c)
{
	nghttp2_session_del(c->h2);
	close(c->fd);
	free(c);
}

/* Send what there is: false when the peer is gone. */
static bool flush(struct conn *c)
{
	for (;;) {
		if (c->out_len == 0) {
			ssize_t n = nghttp2_session_mem_send(c->h2, &c->out);
			if (n <= 0)
				return n == 0;
			c->out_len = (size_t)n;
		}
		ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN;
		c->out += n;
		c->out_len -= (size_t)n;
	}
}

static void listen_for(struct conn *c)
{
	uint32_t want = EPOLLIN | (c->out_len > 0 ? (uint32_t)EPOLLOUT : 0);
	struct epoll_event e = {.events = want, .data.ptr = c};

	if (want != c->events && epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &e) == -1)
		abort();
	c->events = want;
}

static void on_conn(struct conn *c, uint32_t events)
{
	uint8_t in[16 * 1024];
	bool good = (events & EPOLLERR) == 0;

	if (good && (events & (EPOLLIN | EPOLLHUP)) != 0) {
		ssize_t n = recv(c->fd, in, sizeof in, 0);
		if (n == 0 || (n == -1 && errno != EAGAIN))
			good = false;
		else if (n > 0)
			good = nghttp2_session_mem_recv(c->h2, in, (size_t)n) == n;
	}
	good = flush(c) && good;
	if (good && (nghttp2_session_want_read(c->h2) || nghttp2_session_want_write(c->h2)))
		listen_for(c);
	else
		conn_close(c);
}

static void on_accept(void)
{
	static const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000},
	};
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	struct conn *c = calloc(1, sizeof *c);
	if (c == NULL || nghttp2_session_server_new(&c->h2, callbacks, c) != 0)
		abort();
	c->fd = fd;
	c->events = EPOLLIN;
	nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, settings, 1);
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &e) == -1 || !flush(c))
		conn_close(c);
}

static void loop(void)
{
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(epfd, events, 64, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				on_accept();
			else
				on_conn(events[i].data.ptr, events[i].events);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"port", 1, NULL, 'p'}, {"bind", 1, NULL, 'b'}, {"name", 1, NULL, 'n'}, {0}};
	const char *port = "0", *bind_to = "127.0.0.1";
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'p')
			port = optarg;
		else if (o == 'b')
			bind_to = optarg;
		else if (o == 'n')
			grpc_name = optarg;
		else
			return 2;
	}
	/* A test that is killed must not leave its origins behind. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	callbacks = methods_callbacks();
	listener = listen_on(bind_to, port);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN};
	if (listener == -1 || epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &e) == -1) {
		fprintf(stderr, "grpc %s: cannot listen on %s port %s: %s\n", grpc_name, bind_to,
			port, strerror(errno));
		return 1;
	}
	listen_announce(listener, "grpc", grpc_name, bind_to);
	loop();
}
