/*
 * net: sockets. Everything made here is non-blocking and close-on-exec.
 *
 * What must not happen here: name resolution, and any wait.
 */
#ifndef SILEX_COMMON_NET_NET_H
#define SILEX_COMMON_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"

struct net_listen {
	int backlog;
	int defer_accept_s; /* TCP_DEFER_ACCEPT: wake only when a first byte is there; 0 = off */
	bool reuse_port;    /* SO_REUSEPORT: the last resort of an upgrade (DESIGN §2.4) */
	bool dual_stack;    /* an IPv6 wildcard takes IPv4 too; otherwise IPV6_V6ONLY */
};

/*
 * A listening TCP socket on a. SO_REUSEADDR, and TCP_NODELAY, which accepted sockets inherit on
 * Linux. Returns the descriptor, or -1 with errno (EADDRINUSE, EACCES, EAFNOSUPPORT, ...).
 */
int net_listen(const struct addr *a, const struct net_listen *opt);
/* All addresses: [::] dual-stack, or 0.0.0.0 where the machine has no IPv6. */
int net_listen_any(uint16_t port, const struct net_listen *opt);
/* A bound UDP socket that tells to which of our addresses a datagram came, reuse_port as above. */
int net_udp(const struct addr *a, bool reuse_port, bool dual_stack);
/* A UDP socket that talks to this address only, or -1 with errno. */
int net_udp_connect(const struct addr *to);
/* The address a listening socket is bound to (tests listen on port 0). False on error. */
bool net_local(int fd, struct addr *out);

/* Next connection, or -1 with errno: EAGAIN none, EMFILE/ENFILE/ENOBUFS/ENOMEM no room, anything
 * else (ECONNABORTED, EPROTO, ...) concerns only that connection: call again. */
int net_accept(int listen_fd, struct addr *peer);
/* Is this errno of net_accept() a shortage that asks for a pause? */
bool net_accept_exhausted(int error);

/* Start a connection with TCP_NODELAY. Returns the descriptor, *pending false when it is already
 * established (loopback); or -1 with errno. When writable ask net_connect_error(). */
int net_connect(const struct addr *to, bool *pending);
/* SO_ERROR: 0 = established, else the errno. */
int net_connect_error(int fd);

enum net_trouble {
	NET_NO_DESCRIPTOR, /* or no local port */
	NET_NO_MEMORY,
	NET_FAILED, /* the other side's */
};
/* Whose fault is it that a connection could not be made with this errno value? */
enum net_trouble net_connect_trouble(int error);

/* Bytes sent that the peer's kernel has not acknowledged yet; 0 also when that is not known. */
uint32_t net_unacked(int fd);

/* 0 or -1 with errno. */
int net_nonblock(int fd);
int net_nodelay(int fd, bool on);
int net_cloexec(int fd, bool on);
/* close() sends RST instead of FIN: SO_LINGER zero. */
int net_abortive(int fd);

#endif
