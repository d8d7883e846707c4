/* net: sockets. See net.h. */
#include "common/net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static int close_and_fail(int fd)
{
	int saved = errno;

	(void)close(fd);
	errno = saved;
	return -1;
}

static int stream_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int listen_options(int fd, int family, const struct net_listen *opt)
{
	if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1 || net_nodelay(fd, true) == -1)
		return -1;
	if (opt->reuse_port && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) == -1)
		return -1;
	if (opt->defer_accept_s > 0 &&
	    set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, opt->defer_accept_s) == -1)
		return -1;
	if (family == AF_INET6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !opt->dual_stack) == -1)
		return -1;
	return 0;
}

int net_listen(const struct addr *a, const struct net_listen *opt)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, &ss);
	int fd = stream_socket(ss.ss_family);

	if (fd == -1)
		return -1;
	if (listen_options(fd, ss.ss_family, opt) == -1 ||
	    bind(fd, (const struct sockaddr *)&ss, len) == -1 || listen(fd, opt->backlog) == -1)
		return close_and_fail(fd);
	return fd;
}

int net_listen_any(uint16_t port, const struct net_listen *opt)
{
	struct net_listen both = *opt;
	int fd;

	both.dual_stack = true;
	fd = net_listen(&(struct addr){.family = 6, .port = port}, &both);
	/* A kernel without IPv6, or with it switched off by sysctl, says one of these. */
	if (fd == -1 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = net_listen(&(struct addr){.family = 4, .port = port}, opt);
	return fd;
}

static int udp_options(int fd, int family, bool reuse_port, bool dual_stack)
{
	if (reuse_port && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) == -1)
		return -1;
	if (family == AF_INET)
		return set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	if (set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual_stack) == -1)
		return -1;
	return set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

int net_udp(const struct addr *a, bool reuse_port, bool dual_stack)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	if (udp_options(fd, ss.ss_family, reuse_port, dual_stack) == -1 ||
	    bind(fd, (const struct sockaddr *)&ss, len) == -1)
		return close_and_fail(fd);
	return fd;
}

int net_udp_connect(const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	return connect(fd, (const struct sockaddr *)&ss, len) == 0 ? fd : close_and_fail(fd);
}

bool net_local(int fd, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return false;
	addr_from_sockaddr((const struct sockaddr *)&ss, out);
	return out->family != 0;
}

int net_accept(int listen_fd, struct addr *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd;

	do {
		fd = accept4(listen_fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (fd == -1 && errno == EINTR);
	if (fd != -1)
		addr_from_sockaddr((const struct sockaddr *)&ss, peer);
	return fd;
}

bool net_accept_exhausted(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int net_connect(const struct addr *to, bool *pending)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss);
	int fd = stream_socket(ss.ss_family);

	if (fd == -1)
		return -1;
	*pending = false;
	if (net_nodelay(fd, true) == -1)
		return close_and_fail(fd);
	if (connect(fd, (const struct sockaddr *)&ss, len) == 0)
		return fd;
	/* An interrupted connect goes on in the kernel, as one in progress does. */
	if (errno != EINPROGRESS && errno != EINTR)
		return close_and_fail(fd);
	*pending = true;
	return fd;
}

int net_connect_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ? errno : error;
}

uint32_t net_unacked(int fd)
{
	int n = 0;

	return ioctl(fd, SIOCOUTQ, &n) == -1 || n < 0 ? 0 : (uint32_t)n;
}

int net_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags == -1 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int net_nodelay(int fd, bool on)
{
	return set_int(fd, IPPROTO_TCP, TCP_NODELAY, on);
}

int net_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

int net_abortive(int fd)
{
	struct linger l = {.l_onoff = 1, .l_linger = 0};

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

enum net_trouble net_connect_trouble(int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case EADDRNOTAVAIL: /* out of local ports */
	case EAGAIN:
		return NET_NO_DESCRIPTOR;
	case ENOMEM:
	case ENOBUFS:
		return NET_NO_MEMORY;
	default:
		return NET_FAILED;
	}
}
