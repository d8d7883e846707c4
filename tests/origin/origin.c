/*
 * origin: the demo's, the benchmark's and the tests' well-behaved origin server.
 *
 *     origin [--port N] [--bind ADDRESS] [--name NAME] [--keepalive N]
 *
 * One thread on epoll, HTTP/1.1 with keep-alive and pipelining. Framing of requests is strict
 * (request.c), so that no test mistakes a sloppy request for a good one.
 * Prints "origin NAME listening on ADDRESS port N" once it accepts; port 0 takes a free one.
 * --keepalive N closes a connection after N requests. What each path answers: answers.c.
 */
#include "tests/origin/origin.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/origin/listen.h"

const char *origin_name = "origin";
static int epfd, listener;
static uint64_t next_id, keepalive_most = UINT64_MAX;
static struct conn waiting = {.wait_prev = &waiting, .wait_next = &waiting};

static uint64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool span_is(struct span s, const char *word)
{
	return strlen(word) == s.n && strncasecmp(s.p, word, s.n) == 0;
}

void out_add(struct conn *c, const void *p, size_t n)
{
	if (c->out_len + n > c->out_cap) {
		c->out_cap = (c->out_len + n) * 2;
		c->out = realloc(c->out, c->out_cap);
		if (c->out == NULL)
			abort();
	}
	memcpy(c->out + c->out_len, p, n);
	c->out_len += n;
}

void out_fmt(struct conn *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	out_add(c, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

static void wait_end(struct conn *c)
{
	if (c->wake_ms == 0)
		return;
	c->wake_ms = 0;
	c->wait_prev->wait_next = c->wait_next;
	c->wait_next->wait_prev = c->wait_prev;
}

void conn_wait(struct conn *c, unsigned ms)
{
	wait_end(c);
	c->wake_ms = now_ms() + (ms == 0 ? 1 : ms);
	c->wait_prev = waiting.wait_prev;
	c->wait_next = &waiting;
	waiting.wait_prev->wait_next = c;
	waiting.wait_prev = c;
}

static void conn_close(struct conn *c)
{
	wait_end(c);
	close(c->fd);
	free(c->out);
	free(c->head);
	free(c->kept);
	free(c);
}

static void listen_for(struct conn *c, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = c};
	if (events == c->events)
		return;
	c->events = events;
	if (epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &e) == -1)
		abort();
}

/* Send what is queued: 1 all sent, 0 the socket is full, -1 the peer is gone. */
static int flush(struct conn *c)
{
	while (c->out_off < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		c->out_off += (size_t)n;
	}
	c->out_off = c->out_len = 0;
	return 1;
}

/* Send the answer as far as it goes; same result as flush(), 0 also while it waits for its time. */
static int reply(struct conn *c)
{
	for (;;) {
		if (c->wake_ms != 0)
			return 0;
		int r = flush(c);
		if (r != 1)
			return r;
		if (!source_fill(c))
			return 1;
	}
}

static int tunnel(struct conn *c)
{
	out_add(c, c->in, c->in_len);
	c->in_len = 0;
	int r = flush(c);
	if (r == 1 && c->peer_done)
		shutdown(c->fd, SHUT_WR);
	return r == 1 && c->peer_done ? -1 : r;
}

static int websocket(struct conn *c)
{
	websocket_input(c);
	int r = flush(c);
	return r == 1 && c->peer_done ? -1 : r;
}

static bool reply_done(struct conn *c)
{
	if (c->rq.close || c->nth >= keepalive_most)
		return false;
	c->state = READ_HEAD;
	return true;
}

/* Go on until more input or room is needed; false when the connection is to be closed. */
static bool advance(struct conn *c)
{
	int r = 1;
	for (;;) {
		if (c->state == READ_HEAD && !request_read_head(c))
			break;
		if (c->state == READ_BODY && !request_read_body(c)) {
			r = flush(c);
			break;
		}
		if (c->state == TUNNEL) {
			r = tunnel(c);
			break;
		}
		if (c->state == WEBSOCKET) {
			r = websocket(c);
			break;
		}
		if (c->state == REPLY) {
			r = reply(c);
			if (r != 1)
				break;
			if (!reply_done(c))
				return false;
		}
	}
	if (r == -1 || (c->peer_done && c->state != REPLY && c->out_len == 0))
		return false;
	uint32_t in = c->in_len < IN_MAX && !c->peer_done ? EPOLLIN : 0;
	uint32_t out = c->out_len > 0 && c->wake_ms == 0 ? EPOLLOUT : 0;
	listen_for(c, in | out);
	return true;
}

static void on_conn(struct conn *c, uint32_t events)
{
	if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		conn_close(c);
		return;
	}
	if ((events & EPOLLIN) != 0) {
		ssize_t n = recv(c->fd, c->in + c->in_len, IN_MAX - c->in_len, 0);
		if (n == -1 && errno != EAGAIN) {
			conn_close(c);
			return;
		}
		if (n == 0)
			c->peer_done = true;
		c->in_len += n > 0 ? (size_t)n : 0;
	}
	if (!advance(c))
		conn_close(c);
}

static void on_accept(void)
{
	for (int i = 0; i < 64; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		struct conn *c = malloc(sizeof *c);
		if (c == NULL)
			abort();
		memset(c, 0, offsetof(struct conn, in));
		memset(&c->in_len, 0, sizeof *c - offsetof(struct conn, in_len));
		c->fd = fd;
		c->id = ++next_id;
		c->events = EPOLLIN;
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
		if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &e) == -1)
			conn_close(c);
	}
}

/* Continue every connection whose pause is over; the time to the next one, -1: none waits. */
static int wake_waiting(void)
{
	uint64_t now, next = UINT64_MAX;
	if (waiting.wait_next == &waiting)
		return -1;
	now = now_ms();
	for (struct conn *c = waiting.wait_next, *after; c != &waiting; c = after) {
		after = c->wait_next;
		if (c->wake_ms <= now) {
			wait_end(c);
			if (!advance(c))
				conn_close(c);
		}
	}
	for (struct conn *c = waiting.wait_next; c != &waiting; c = c->wait_next)
		next = c->wake_ms < next ? c->wake_ms : next;
	return next == UINT64_MAX ? -1 : next > now ? (int)(next - now) : 0;
}

static void loop(void)
{
	struct epoll_event events[256];
	for (;;) {
		int n = epoll_wait(epfd, events, 256, wake_waiting());
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
	static const struct option options[] = {{"port", 1, NULL, 'p'},
						{"bind", 1, NULL, 'b'},
						{"name", 1, NULL, 'n'},
						{"keepalive", 1, NULL, 'k'},
						{0}};
	const char *port = "0", *bind_to = "127.0.0.1";
	int o;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'p':
			port = optarg;
			break;
		case 'b':
			bind_to = optarg;
			break;
		case 'n':
			origin_name = optarg;
			break;
		case 'k':
			keepalive_most = strtoull(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	/* A test that is killed must not leave its origins behind. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	listener = listen_on(bind_to, port);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN};
	if (listener == -1 || epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &e) == -1) {
		fprintf(stderr, "origin %s: cannot listen on %s port %s: %s\n", origin_name,
			bind_to, port, strerror(errno));
		return 1;
	}
	answers_init();
	listen_announce(listener, "origin", origin_name, bind_to);
	loop();
}
