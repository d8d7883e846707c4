/*
 * load: asks over and over and says exactly what went wrong, for the crash tests.
 *
 *     load --port N [--address A] [--host NAME] [--target PATH] [--connections N]
 *          [--requests N] [--seconds N] [--body BYTES] [--pause MS] [--close]
 *
 * Closed loop over keep-alive connections: each sends the next request when the answer to the
 * last is whole, and --pause is over: traffic all the while that leaves the processor to others.
 * Ends after --requests answers or failures, after --seconds, or on SIGTERM;
 * then waits for the answers still under way. Prints one JSON object:
 *
 *     sent      requests sent whole          ok        answers 200 with the whole body
 *     refused   connect() refused            reset     reset while an answer was owed
 *     closed    closed, nothing of the answer received
 *     short     closed in the middle of the answer
 *     bad       another status, or not what was announced; the first one is quoted
 *     timeout   no answer within 10 seconds in which this program was awake to see it
 *     stalled   ms in which it was not: the machine stood still, or gave it no processor
 *     connects  connections made             idle_closed  closed while nothing was owed (no fault)
 *     failures  [[kind, CLOCK_MONOTONIC ms, request number on its connection], ...], the first 1000
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_MAX     8192
#define PATIENCE   10000 /* ms for one answer */
#define WAIT_MOST  100   /* ms of one wait for events */
#define AWAKE_MOST 500   /* ms a turn may take before the rest of it counts as a stall */
#define SHOWN_MOST 1000
#define CONNS_MOST 4096

enum kind {
	OK,
	REFUSED,
	RESET,
	CLOSED,
	SHORT,
	BAD,
	TIMEOUT,
	KINDS
};
static const char *const kind_name[KINDS] = {"ok",    "refused", "reset",  "closed",
					     "short", "bad",     "timeout"};

struct client {
	int fd;
	bool connecting, owed;    /* an answer is owed */
	uint64_t since, nth, due; /* due: when it asks next */
	size_t in_len;
	char in[IN_MAX + 1];
};

static struct failure {
	enum kind kind;
	uint64_t at, nth;
} failures[SHOWN_MOST];

static uint64_t count[KINDS], sent, connects, idle_closed, nfailures;
static uint64_t most_requests = UINT64_MAX, most_ms = UINT64_MAX, pause_ms, started, now;
static uint64_t awake, stalled; /* now, without the time in which nobody could look */
static size_t body_size = 128;
static bool close_each;
static volatile sig_atomic_t stopping;
static char first_bad[512], request[2048];
static size_t request_len;
static struct addrinfo *server;
static int epfd;

static void read_clock(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A machine that stood still for ten seconds kept Silex from answering and us from looking: that
 * is nobody's fault, and must not look like a request that got no answer. */
static void next_turn(void)
{
	uint64_t before = now, took;

	read_clock();
	took = now - before;
	awake += took < AWAKE_MOST ? took : AWAKE_MOST;
	stalled += took < AWAKE_MOST ? 0 : took - AWAKE_MOST;
}

static void on_term(int sig)
{
	stopping = sig;
}

static bool enough(void)
{
	uint64_t ended = 0;
	for (int k = 0; k < KINDS; k++)
		ended += count[k];
	return stopping != 0 || ended >= most_requests || now - started >= most_ms;
}

static void finish(struct client *c, enum kind kind)
{
	count[kind]++;
	if (kind != OK && nfailures < SHOWN_MOST)
		failures[nfailures++] = (struct failure){kind, now, c->nth};
	c->owed = false;
	c->in_len = 0;
	c->due = now + pause_ms;
}

static void drop(struct client *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	c->connecting = c->owed = false;
	c->in_len = 0;
	c->nth = 0;
}

static void lost(struct client *c, bool reset)
{
	if (c->owed)
		finish(c, reset ? RESET : c->in_len > 0 ? SHORT : CLOSED);
	else
		idle_closed++;
	drop(c);
}

static void ask(struct client *c)
{
	if (enough()) {
		drop(c);
		return;
	}
	c->nth++;
	c->since = awake;
	c->owed = true;
	ssize_t n = send(c->fd, request, request_len, MSG_NOSIGNAL);
	if (n == (ssize_t)request_len)
		sent++;
	else
		lost(c, true);
}

static void begin(struct client *c)
{
	c->fd = socket(server->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	c->since = awake;
	if (c->fd == -1) {
		perror("load: socket");
		exit(1);
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
	if (connect(c->fd, server->ai_addr, server->ai_addrlen) == -1 && errno != EINPROGRESS) {
		finish(c, REFUSED);
		drop(c);
		return;
	}
	c->connecting = true;
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &e) == -1)
		exit(1);
}

static void connected(struct client *c)
{
	int error = 0;
	socklen_t len = sizeof error;
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		finish(c, REFUSED);
		drop(c);
		return;
	}
	connects++;
	c->connecting = false;
	epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &e);
	ask(c);
}

static void bad(struct client *c)
{
	if (first_bad[0] == '\0')
		snprintf(first_bad, sizeof first_bad, "%.511s", c->in);
	finish(c, BAD);
	drop(c);
}

/* The value of a field in the NUL-terminated head, or NULL. */
static const char *field(const char *head, const char *name)
{
	for (const char *line = strstr(head, "\r\n"); line != NULL;
	     line = strstr(line + 2, "\r\n")) {
		size_t n = strlen(name);
		if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':')
			return line + 3 + n + strspn(line + 3 + n, " ");
	}
	return NULL;
}

static void answer(struct client *c)
{
	char *end = strstr(c->in, "\r\n\r\n");
	if (end == NULL) {
		if (c->in_len == IN_MAX)
			bad(c);
		return;
	}
	const char *length = field(c->in, "content-length");
	size_t head = (size_t)(end - c->in) + 4;
	if (strncmp(c->in, "HTTP/1.1 200 ", 13) != 0 || length == NULL ||
	    strtoull(length, NULL, 10) != body_size || c->in_len > head + body_size) {
		bad(c);
		return;
	}
	if (c->in_len < head + body_size)
		return;
	const char *connection = field(c->in, "connection");
	bool last = connection != NULL && strncasecmp(connection, "close", 5) == 0;
	finish(c, OK);
	c->since = awake;
	if (last || close_each)
		drop(c);
	else if (pause_ms == 0)
		ask(c);
}

static void on_event(struct client *c)
{
	if (c->connecting) {
		connected(c);
		return;
	}
	ssize_t n = recv(c->fd, c->in + c->in_len, IN_MAX - c->in_len, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		lost(c, n == -1);
		return;
	}
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	if (c->owed)
		answer(c);
	else
		bad(c);
}

/* Open what is closed and ask where a pause is over, while there is more to ask; true while
 * anything is under way or pauses. */
static bool tend(struct client *clients, int n)
{
	bool busy = false;
	for (int i = 0; i < n; i++) {
		struct client *c = &clients[i];
		if (c->fd != -1 && awake - c->since > PATIENCE) {
			finish(c, TIMEOUT);
			drop(c);
		}
		if (c->fd == -1 && !enough() && now >= c->due)
			begin(c);
		else if (c->fd != -1 && !c->connecting && !c->owed && (enough() || now >= c->due))
			ask(c);
		busy = busy || c->fd != -1 || (now < c->due && !enough());
	}
	return busy;
}

static void report(void)
{
	printf("{\"sent\":%llu,\"connects\":%llu,\"idle_closed\":%llu,\"ms\":%llu,\"stalled\":%llu",
	       (unsigned long long)sent, (unsigned long long)connects,
	       (unsigned long long)idle_closed, (unsigned long long)(now - started),
	       (unsigned long long)stalled);
	for (int k = 0; k < KINDS; k++)
		printf(",\"%s\":%llu", kind_name[k], (unsigned long long)count[k]);
	printf(",\"failures\":[");
	for (uint64_t i = 0; i < nfailures; i++)
		printf("%s[\"%s\",%llu,%llu]", i > 0 ? "," : "", kind_name[failures[i].kind],
		       (unsigned long long)failures[i].at, (unsigned long long)failures[i].nth);
	printf("],\"first_bad\":\"");
	for (const char *p = first_bad; *p != '\0'; p++)
		printf(*p >= ' ' && *p != '"' && *p != '\\' && *p < 127 ? "%c" : "\\u%04x",
		       (unsigned char)*p);
	printf("\"}\n");
}

static void run(int nclients)
{
	struct client *clients = calloc((size_t)nclients, sizeof *clients);
	struct epoll_event events[256];
	int wait = pause_ms > 0 && pause_ms < WAIT_MOST ? (int)pause_ms : WAIT_MOST;
	if (clients == NULL)
		exit(1);
	for (int i = 0; i < nclients; i++)
		clients[i].fd = -1;
	read_clock();
	started = now;
	while (tend(clients, nclients)) {
		int n = epoll_wait(epfd, events, 256, wait);
		next_turn();
		for (int i = 0; i < n; i++)
			on_event(events[i].data.ptr);
	}
	free(clients);
}

static void set_request(const char *target, const char *host)
{
	int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", target,
			 host, close_each ? "Connection: close\r\n" : "");
	if (n < 0 || n >= (int)sizeof request)
		exit(2);
	request_len = (size_t)n;
}

static const struct option options[] = {{"port", 1, NULL, 'p'},
					{"address", 1, NULL, 'a'},
					{"host", 1, NULL, 'h'},
					{"target", 1, NULL, 't'},
					{"connections", 1, NULL, 'c'},
					{"requests", 1, NULL, 'r'},
					{"seconds", 1, NULL, 's'},
					{"body", 1, NULL, 'b'},
					{"pause", 1, NULL, 'w'},
					{"close", 0, NULL, 'x'},
					{0}};

int main(int argc, char **argv)
{
	const char *port = NULL, *address = "127.0.0.1", *host = "silex.test", *target = "/";
	long nclients = 16;
	int o;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'p':
			port = optarg;
			break;
		case 'a':
			address = optarg;
			break;
		case 'h':
			host = optarg;
			break;
		case 't':
			target = optarg;
			break;
		case 'c':
			nclients = strtol(optarg, NULL, 10);
			break;
		case 'r':
			most_requests = strtoull(optarg, NULL, 10);
			break;
		case 's':
			most_ms = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 'b':
			body_size = strtoull(optarg, NULL, 10);
			break;
		case 'w':
			pause_ms = strtoull(optarg, NULL, 10);
			break;
		case 'x':
			close_each = true;
			break;
		default:
			return 2;
		}
	}
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	if (port == NULL || nclients < 1 || nclients > CONNS_MOST ||
	    getaddrinfo(address, port, &hints, &server) != 0) {
		fprintf(stderr, "load: bad arguments\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL);
	set_request(target, host);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	run((int)nclients);
	freeaddrinfo(server);
	report();
	return 0;
}
