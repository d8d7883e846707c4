/* Sockets over loopback: options that must hold, and errors that must be told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/net.h"

static const struct addr loopback4 = {.family = 4, .ip = {127, 0, 0, 1}};
static const struct addr loopback6 = {.family = 6, .ip = {[15] = 1}};
static const struct net_listen plain = {.backlog = 16};

static int get_int(int fd, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	assert_int_equal(getsockopt(fd, level, name, &v, &len), 0);
	return v;
}

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	assert_int_equal(poll(&p, 1, 10000), 1);
}

static int accepted(int l, struct addr *peer)
{
	wait_for(l, POLLIN);
	return net_accept(l, peer);
}

static void assert_flags(int fd)
{
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_NODELAY), 1);
}

static void round_trip(const struct addr *at)
{
	struct addr local, peer, client;
	bool pending;
	int l = net_listen(at, &plain), c, s;

	assert_int_not_equal(l, -1);
	assert_true(net_local(l, &local));
	assert_int_not_equal(local.port, 0);
	assert_int_equal(net_accept(l, &peer), -1);
	assert_int_equal(errno, EAGAIN);

	c = net_connect(&local, &pending);
	assert_int_not_equal(c, -1);
	s = accepted(l, &peer);
	assert_int_not_equal(s, -1);
	wait_for(c, POLLOUT);
	assert_int_equal(net_connect_error(c), 0);
	assert_true(net_local(c, &client));
	assert_true(addr_eq(&client, &peer));
	assert_flags(c);
	assert_flags(s); /* NODELAY inherited from the listener */
	assert_true(fcntl(l, F_GETFL) & O_NONBLOCK);
	close(c);
	close(s);
	close(l);
}

static void test_ipv4(void **state)
{
	round_trip(&loopback4);
}

static void test_ipv6(void **state)
{
	int fd = net_listen(&loopback6, &plain);

	if (fd == -1 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		print_message("# this machine has no IPv6\n");
		return;
	}
	close(fd);
	round_trip(&loopback6);
}

static void test_v6_only_unless_asked(void **state)
{
	struct net_listen both = {.backlog = 16, .dual_stack = true};
	int fd = net_listen(&loopback6, &plain);

	if (fd == -1 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		print_message("# this machine has no IPv6\n");
		return;
	}
	assert_int_equal(get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	close(fd);
	fd = net_listen(&(struct addr){.family = 6}, &both); /* only a wildcard can be both */
	assert_int_equal(get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
	close(fd);
}

/* Both families reach the "any" socket, and an IPv4 client is seen as IPv4. */
static void test_any(void **state)
{
	struct addr local, to = loopback4, peer;
	bool pending;
	int l = net_listen_any(0, &plain), c, s;

	assert_int_not_equal(l, -1);
	assert_true(net_local(l, &local));
	to.port = local.port;
	c = net_connect(&to, &pending);
	assert_int_not_equal(c, -1);
	s = accepted(l, &peer);
	assert_int_not_equal(s, -1);
	assert_int_equal(peer.family, 4);
	close(c);
	close(s);
	close(l);
}

static void test_listen_errors(void **state)
{
	struct addr local;
	int l = net_listen(&loopback4, &plain);

	assert_true(net_local(l, &local));
	assert_int_equal(net_listen(&local, &plain), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(l);
	/* 192.0.2.0/24 is nobody's (RFC 5737) */
	assert_int_equal(net_listen(&(struct addr){.family = 4, .ip = {192, 0, 2, 1}}, &plain), -1);
	assert_int_equal(errno, EADDRNOTAVAIL);
}

static void test_reuse_port(void **state)
{
	struct net_listen opt = {.backlog = 16, .reuse_port = true};
	struct addr local;
	int a = net_listen(&loopback4, &opt), b;

	assert_true(net_local(a, &local));
	b = net_listen(&local, &opt);
	assert_int_not_equal(b, -1);
	close(a);
	close(b);
}

static void test_defer_accept(void **state)
{
	struct net_listen opt = {.backlog = 16, .defer_accept_s = 5};
	int l = net_listen(&loopback4, &opt);

	assert_int_not_equal(l, -1);
	assert_true(get_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0);
	close(l);
}

static void test_refused(void **state)
{
	struct addr local;
	bool pending;
	int l = net_listen(&loopback4, &plain), c;

	assert_true(net_local(l, &local));
	close(l); /* nobody listens there now */
	c = net_connect(&local, &pending);
	if (c == -1) {
		assert_int_equal(errno, ECONNREFUSED);
		return;
	}
	wait_for(c, POLLOUT);
	assert_int_equal(net_connect_error(c), ECONNREFUSED);
	close(c);
}

static void test_abortive_close_resets(void **state)
{
	struct addr local, peer;
	bool pending;
	char byte;
	int l = net_listen(&loopback4, &plain), c, s;

	assert_true(net_local(l, &local));
	c = net_connect(&local, &pending);
	s = accepted(l, &peer);
	assert_int_equal(net_abortive(s), 0);
	close(s);
	wait_for(c, POLLIN);
	assert_int_equal(read(c, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(c);
	close(l);
}

/* What a closed peer has never taken stays unacknowledged, and the end of file comes first. */
static void test_unacked_after_close(void **state)
{
	struct addr local, peer;
	bool pending;
	char byte;
	int l = net_listen(&loopback4, &plain), c, s;

	assert_true(net_local(l, &local));
	c = net_connect(&local, &pending);
	s = accepted(l, &peer);
	assert_int_equal(write(c, "12345", 5), 5);
	wait_for(s, POLLIN);
	assert_int_equal(recv(s, (char[5]){0}, 5, 0), 5);
	while (net_unacked(c) > 0)
		(void)poll(NULL, 0, 1);
	close(s);
	wait_for(c, POLLIN);
	assert_int_equal(write(c, "678", 3), 3);
	wait_for(c, POLLHUP); /* the reset is here */
	assert_int_equal(net_unacked(c), 3);
	assert_int_equal(read(c, &byte, 1), 0);
	close(c);
	close(l);
	assert_int_equal(net_unacked(-1), 0);
}

static void test_exhausted(void **state)
{
	assert_true(net_accept_exhausted(EMFILE));
	assert_true(net_accept_exhausted(ENFILE));
	assert_true(net_accept_exhausted(ENOMEM));
	assert_false(net_accept_exhausted(EAGAIN));
	assert_false(net_accept_exhausted(ECONNABORTED));
}

static void test_flags(void **state)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(net_nonblock(p[0]), 0);
	assert_true(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(net_cloexec(p[0], true), 0);
	assert_int_equal(fcntl(p[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(net_cloexec(p[0], false), 0);
	assert_int_equal(fcntl(p[0], F_GETFD), 0);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ipv4),
	    cmocka_unit_test(test_ipv6),
	    cmocka_unit_test(test_v6_only_unless_asked),
	    cmocka_unit_test(test_any),
	    cmocka_unit_test(test_listen_errors),
	    cmocka_unit_test(test_reuse_port),
	    cmocka_unit_test(test_defer_accept),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_abortive_close_resets),
	    cmocka_unit_test(test_unacked_after_close),
	    cmocka_unit_test(test_exhausted),
	    cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
