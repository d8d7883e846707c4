/*
 * udp: sessions of UDP services.
 *
 * A session is a client's address and ours, and a socket that is connected to an endpoint. It
 * begins with a client's first datagram, and ends when the endpoint has answered with
 * proxy-stream-responses datagrams for each (1; ingress-nginx' rule), or when it is silent both
 * ways for proxy-stream-timeout. Answers leave from the address that the client sent to. All
 * sockets of a port are one SO_REUSEPORT group, a worker reads its own: a client's datagrams come
 * to one worker.
 *
 * Sessions are bounded (max-connections): the one silent longest makes room. Nothing waits: what a
 * socket does not take now is dropped and counted, as a network would.
 * What must not happen here: an allocation for a datagram.
 */
#ifndef SILEX_WORKER_STREAM_UDP_H
#define SILEX_WORKER_STREAM_UDP_H

#include <bsd/sys/queue.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/net/addr.h"
#include "common/stat/reason.h"
#include "worker/worker.h"

#define UDP_MOST 65536 /* bytes of a datagram */
#define UDP_DRAIN_MS                                                                 \
	5000 /* a draining worker waits so long for an answer: nothing else can come \
	      */

struct udp_port { /* a socket of a UDP service */
	struct worker *w;
	struct ev_fd watch;
	int fd;
	uint16_t port;
	bool v6;
	bool closing; /* ours no more: gone with its last session */
	uint32_t n_sessions;
};

struct udp_path { /* who sent to which of our addresses; all zero where nothing is */
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} client;
	union {
		struct in_pktinfo in;
		struct in6_pktinfo in6;
	} local;
};

struct udp_session {
	struct udp_port *port;
	struct udp_path path;
	struct addr endpoint;
	struct ev_fd watch;
	struct timer timer;
	int fd; /* connected to the endpoint */
	uint64_t cluster;
	uint32_t requests, responses;
	uint64_t received, sent; /* bytes, from and to the client */
	uint64_t start_us;
	LIST_ENTRY(udp_session) bucket;
	TAILQ_ENTRY(udp_session) age;
};

struct udp; /* one worker's sessions */

/* Once at start. 0, or -1 with errno. */
int udp_init(struct worker *w);

/* udp_port.c: read datagrams from fd, which is the caller's: a copy is kept. NULL with errno. */
struct udp_port *udp_open(struct worker *w, int fd, uint16_t port);
/* Sessions live on. drained: another worker reads the socket now, so this one does not. */
void udp_close(struct udp_port *p, bool drained);
void udp_port_left(struct udp_port *p); /* a session of it has ended */
/* Answer a session's client. False: not now, it is lost. */
bool udp_answer(const struct udp_session *s, const void *data, size_t n);

/* udp_session.c */
void udp_datagram(struct udp_port *p, const struct udp_path *path, const void *data, size_t n);
size_t udp_sessions(const struct worker *w);
void udp_drain(struct worker *w); /* w->draining was set */
void udp_cut_all(struct worker *w);
char *udp_buffer(struct worker *w); /* UDP_MOST bytes, for the moment */

#endif
