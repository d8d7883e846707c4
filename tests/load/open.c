/*
 * open: an open-loop load generator: requests leave when they are due, not when answers come.
 *
 *     open --port N [--address A] [--host NAME] [--rate R] [--seconds N] [--connections N]
 *
 * Request i is due at start + i / rate. It leaves on an idle keep-alive connection, or waits until
 * there is one; its latency counts from when it was due, so a server that stalls is charged for all
 * who had to wait (a closed loop would ask less and look better). After the last due request 10
 * seconds are waited for answers; who has none then is a timeout. Prints one JSON object: due, ok,
 * bad (another status, or closed), timeouts, and latencies in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_MAX       16384
#define PATIENCE_NS  10000000000ull
#define CONNECTS_MAX 4096

struct conn {
	int fd; /* -1: to be opened */
	bool busy;
	uint64_t due;  /* of the request it carries */
	size_t n;      /* bytes of the head so far */
	uint64_t left; /* of the content, once the head is whole */
	bool in_content;
	bool last; /* the server said Connection: close */
	char in[IN_MAX];
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static char request[512];
static int request_n, epfd;
static struct conn *conns, **idle;
static unsigned n_conns = 200, n_idle;
static uint64_t ok, bad, *latencies, n_latencies;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "open: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void dial(struct conn *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 || connect(c->fd, (struct sockaddr *)&server, sizeof(server)) == -1)
		die("connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) == -1 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		die("epoll_ctl");
}

static void rest(struct conn *c)
{
	c->busy = c->in_content = c->last = false;
	c->n = 0;
	idle[n_idle++] = c;
}

static void failed(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
	if (!c->busy)
		return; /* it is in the idle list already, and is opened again when needed */
	bad++;
	rest(c);
}

static void done(struct conn *c)
{
	latencies[n_latencies++] = now_ns() - c->due;
	ok++;
	if (c->last) {
		close(c->fd);
		c->fd = -1;
	}
	rest(c);
}

/* The head is whole: a 200 with Content-Length, or something is wrong. */
static bool head(struct conn *c, char *end)
{
	char *length;

	*end = '\0';
	length = strcasestr(c->in, "\r\nContent-Length:");
	if (strncmp(c->in, "HTTP/1.1 200", 12) != 0 || length == NULL)
		return false;
	c->left = strtoull(length + 17, NULL, 10);
	c->last = strcasestr(c->in, "\r\nConnection: close") != NULL;
	c->in_content = true;
	return true;
}

static void take(struct conn *c, size_t got)
{
	char *end;
	size_t more;

	if (!c->in_content) {
		c->n += got;
		c->in[c->n] = '\0';
		end = strstr(c->in, "\r\n\r\n");
		if (end == NULL)
			return;
		more = c->n - (size_t)(end + 4 - c->in);
		if (!head(c, end)) {
			failed(c);
			return;
		}
		got = more;
	}
	c->left = got < c->left ? c->left - got : 0;
	if (c->left == 0)
		done(c);
}

static void on_read(struct conn *c)
{
	size_t at = c->in_content ? 0 : c->n;
	ssize_t got = read(c->fd, c->in + at, IN_MAX - 1 - at);

	if (got == -1 && errno == EAGAIN)
		return;
	if (got <= 0 || !c->busy)
		failed(c);
	else
		take(c, (size_t)got);
}

static void ask(uint64_t due)
{
	struct conn *c = idle[--n_idle];

	if (c->fd == -1)
		dial(c);
	c->busy = true;
	c->due = due;
	if (write(c->fd, request, (size_t)request_n) != request_n)
		failed(c);
}

/* Events, for at most ns. */
static void turn(uint64_t ns)
{
	struct epoll_event ev[256];
	struct timespec ts = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
	int n = epoll_pwait2(epfd, ev, 256, &ts, NULL);

	for (int i = 0; i < n; i++)
		on_read(ev[i].data.ptr);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double quantile(double q)
{
	uint64_t at;

	if (n_latencies == 0)
		return 0;
	at = (uint64_t)(q * (double)n_latencies);
	return (double)latencies[at < n_latencies ? at : n_latencies - 1] / 1000;
}

static void drive(double rate, double seconds)
{
	uint64_t total = (uint64_t)(rate * seconds), sent = 0, start = now_ns(), end, now;

	latencies = calloc(total + 1, sizeof(*latencies));
	if (latencies == NULL)
		die("memory");
	end = start + (uint64_t)(seconds * 1e9) + PATIENCE_NS;
	while (ok + bad < total && (now = now_ns()) < end) {
		uint64_t due = start + (uint64_t)((double)sent / rate * 1e9);

		while (sent < total && due <= now && n_idle > 0) {
			ask(due);
			due = start + (uint64_t)((double)++sent / rate * 1e9);
		}
		turn(sent < total && n_idle > 0 && due > now ? due - now : 1000000);
	}
	qsort(latencies, n_latencies, sizeof(*latencies), by_size);
	printf("{\"due\":%llu,\"ok\":%llu,\"bad\":%llu,\"timeouts\":%llu,\"p50_us\":%.0f,\"p99_"
	       "us\":%.0f,"
	       "\"p999_us\":%.0f,\"max_us\":%.0f}\n",
	       (unsigned long long)total, (unsigned long long)ok, (unsigned long long)bad,
	       (unsigned long long)(total - ok - bad), quantile(0.5), quantile(0.99),
	       quantile(0.999), quantile(1));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"port", 1, 0, 'p'}, {"address", 1, 0, 'a'}, {"host", 1, 0, 'h'},
	    {"rate", 1, 0, 'r'}, {"seconds", 1, 0, 's'}, {"connections", 1, 0, 'c'},
	    {0, 0, 0, 0}};
	const char *host = "localhost", *address = "127.0.0.1";
	double rate = 1000, seconds = 10;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'p')
			server.sin_port = htons((uint16_t)strtoul(optarg, NULL, 10));
		else if (o == 'a')
			address = optarg;
		else if (o == 'h')
			host = optarg;
		else if (o == 'r')
			rate = strtod(optarg, NULL);
		else if (o == 's')
			seconds = strtod(optarg, NULL);
		else if (o == 'c')
			n_conns = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (n_conns == 0 || n_conns > CONNECTS_MAX || rate <= 0 || seconds <= 0 ||
	    inet_pton(AF_INET, address, &server.sin_addr) != 1)
		return 2;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_IGN);
	request_n = snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	conns = calloc(n_conns, sizeof(*conns));
	idle = calloc(n_conns, sizeof(*idle));
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (conns == NULL || idle == NULL || epfd == -1)
		die("setting up");
	for (unsigned i = 0; i < n_conns; i++) {
		dial(&conns[i]);
		rest(&conns[i]);
	}
	drive(rate, seconds);
	return 0;
}
