/*
 * fake_server: an HTTP/1.1 server on the test's own loop, for what talks to the API server.
 *
 * Requests are remembered whole. Each is answered by the next prepared answer, else by .answer,
 * else not at all: a server that hangs. Nothing here waits; WAIT() turns the loop until a condition
 * holds and fails the test when it does not come.
 */
#ifndef SILEX_TESTS_FAKE_SERVER_H
#define SILEX_TESTS_FAKE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/ev.h"
#include "common/loop/timer.h"
#include "k8s/api/access.h"
#include "k8s/api/client.h"

#define WAIT(ev, cond)                                                \
	do {                                                          \
		for (int turn_ = 0; turn_ < 2000 && !(cond); turn_++) \
			(void)ev_turn(ev, 10);                        \
		if (!(cond))                                          \
			fail_msg("never: " #cond);                    \
	} while (0)

/*
 * The test's clock runs ahead of the machine's by this: later() lets time pass. It stands in for
 * the C library's, so that the loop, its timers and libcurl all see the same time.
 */
static uint64_t clock_ahead_ms;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, id, ts) == -1)
		return -1;
	ts->tv_sec += (time_t)(clock_ahead_ms / 1000);
	ts->tv_nsec += (long)(clock_ahead_ms % 1000) * 1000000;
	ts->tv_sec += ts->tv_nsec / 1000000000;
	ts->tv_nsec %= 1000000000;
	return 0;
}

/* Time passes, and what became due is done. */
static inline void later(struct ev *ev, uint64_t ms)
{
	clock_ahead_ms += ms;
	(void)ev_turn(ev, 0);
}

#define FAKE_CONNS    32
#define FAKE_REQUESTS 256
#define FAKE_ANSWERS  64

struct fake;
struct fake_conn {
	struct ev_fd f;
	struct fake *fake;
	char *in;
	size_t n;
	bool hung; /* its request waits for fake_send() */
};

struct fake {
	struct ev *ev;
	struct ev_fd listener;
	unsigned port;
	char url[64];
	struct access access;
	struct fake_conn conns[FAKE_CONNS];
	char *requests[FAKE_REQUESTS]; /* "METHOD /path HTTP/1.1\r\nfields\r\n\r\nbody" */
	unsigned n;
	char *prepared[FAKE_ANSWERS]; /* NULL: hang; "" : close the connection */
	unsigned n_prepared, n_used;
	char *(*answer)(struct fake *f, const char *request); /* malloc'ed, or NULL: hang */
	void *arg;
};

static inline void fake_conn_close(struct fake_conn *c)
{
	int fd = c->f.fd;

	if (fd == -1)
		return;
	ev_del(c->fake->ev, &c->f);
	(void)close(fd);
	free(c->in);
	c->in = NULL;
	c->n = 0;
	c->hung = false;
}

/* Bytes of an answer; "" closes. */
static inline void fake_conn_send(struct fake_conn *c, const char *bytes)
{
	if (*bytes == '\0')
		fake_conn_close(c);
	else
		assert_int_equal(send(c->f.fd, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
}

static inline void fake_answer(struct fake_conn *c, const char *request)
{
	struct fake *f = c->fake;
	char *bytes = NULL;

	if (f->n_used < f->n_prepared)
		bytes = f->prepared[f->n_used++];
	else if (f->answer != NULL)
		bytes = f->answer(f, request);
	c->hung = bytes == NULL;
	if (bytes != NULL)
		fake_conn_send(c, bytes);
	free(bytes);
}

/* Length of the whole request at the front, 0: not there yet. */
static inline size_t fake_whole(const struct fake_conn *c)
{
	const char *end = memmem(c->in, c->n, "\r\n\r\n", 4);
	const char *field = strcasestr(c->in, "\r\nContent-Length: ");
	size_t body = field != NULL && field < end ? (size_t)atol(field + 18) : 0;
	size_t head = end == NULL ? 0 : (size_t)(end + 4 - c->in);

	return end == NULL || c->n < head + body ? 0 : head + body;
}

static inline void fake_on_bytes(struct ev_fd *fd, unsigned ready)
{
	struct fake_conn *c = container_of(fd, struct fake_conn, f);
	struct fake *f = c->fake;
	char buf[65536];
	ssize_t got = read(fd->fd, buf, sizeof(buf));
	size_t n;

	(void)ready;
	if (got <= 0) {
		fake_conn_close(c);
		return;
	}
	c->in = realloc(c->in, c->n + (size_t)got + 1);
	memcpy(c->in + c->n, buf, (size_t)got);
	c->n += (size_t)got;
	c->in[c->n] = '\0';
	while (c->f.fd != -1 && c->n > 0 && (n = fake_whole(c)) > 0) {
		char *request = strndup(c->in, n);

		assert_true(f->n < FAKE_REQUESTS);
		f->requests[f->n++] = request;
		memmove(c->in, c->in + n, c->n - n + 1);
		c->n -= n;
		fake_answer(c, request);
	}
}

static inline void fake_on_accept(struct ev_fd *fd, unsigned ready)
{
	struct fake *f = container_of(fd, struct fake, listener);
	int s = accept4(fd->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)ready;
	for (int i = 0; s != -1 && i < FAKE_CONNS; i++)
		if (f->conns[i].f.fd == -1) {
			assert_int_equal(ev_add(f->ev, &f->conns[i].f, s, EV_READ, fake_on_bytes),
					 0);
			return;
		}
	assert_int_equal(s, -1);
}

static inline void fake_open(struct fake *f, struct ev *ev)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memset(f, 0, sizeof(*f));
	f->ev = ev;
	f->listener = EV_FD_NONE;
	for (int i = 0; i < FAKE_CONNS; i++)
		f->conns[i] = (struct fake_conn){.f = EV_FD_NONE, .fake = f};
	assert_int_equal(bind(s, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(s, 64), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(ev_add(ev, &f->listener, s, EV_READ, fake_on_accept), 0);
	f->port = ntohs(at.sin_port);
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u", f->port);
	f->access.server = f->url;
}

/* Nobody listens any more. */
static inline void fake_stop_listening(struct fake *f)
{
	int s = f->listener.fd;

	if (s == -1)
		return;
	ev_del(f->ev, &f->listener);
	(void)close(s);
}

static inline void fake_close(struct fake *f)
{
	fake_stop_listening(f);
	for (int i = 0; i < FAKE_CONNS; i++)
		fake_conn_close(&f->conns[i]);
	for (unsigned i = 0; i < f->n; i++)
		free(f->requests[i]);
	while (f->n_used < f->n_prepared)
		free(f->prepared[f->n_used++]);
}

/* ---- answers --------------------------------------------------------------------------- */

static inline char *http(int status, const char *body)
{
	char *text = NULL;

	assert_true(asprintf(&text,
			     "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
			     "Content-Length: %zu\r\n\r\n%s",
			     status, strlen(body), body) > 0);
	return text;
}

/* The next requests, one after another. */
static inline void fake_raw(struct fake *f, const char *bytes)
{
	assert_true(f->n_prepared < FAKE_ANSWERS);
	f->prepared[f->n_prepared++] = bytes == NULL ? NULL : strdup(bytes);
}

static inline void fake_http(struct fake *f, int status, const char *body)
{
	assert_true(f->n_prepared < FAKE_ANSWERS);
	f->prepared[f->n_prepared++] = http(status, body);
}

static inline void fake_hang(struct fake *f)
{
	fake_raw(f, NULL);
}

/* To the one connection whose request was left without an answer. */
static inline struct fake_conn *fake_hanging(struct fake *f)
{
	for (int i = 0; i < FAKE_CONNS; i++)
		if (f->conns[i].f.fd != -1 && f->conns[i].hung)
			return &f->conns[i];
	return NULL;
}

static inline void fake_send(struct fake *f, const char *bytes)
{
	struct fake_conn *c = fake_hanging(f);

	assert_non_null(c);
	fake_conn_send(c, bytes);
}

/* ---- requests -------------------------------------------------------------------------- */

static inline bool asked(const struct fake *f, unsigned i, const char *first_line)
{
	return i < f->n && strncmp(f->requests[i], first_line, strlen(first_line)) == 0;
}

static inline const char *body_of(const struct fake *f, unsigned i)
{
	assert_true(i < f->n);
	return strstr(f->requests[i], "\r\n\r\n") + 4;
}

static inline bool says(const struct fake *f, unsigned i, const char *text)
{
	return i < f->n && strcasestr(f->requests[i], text) != NULL;
}

#endif
