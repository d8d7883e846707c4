/* tls_conn_int: what tls_conn.c and tls_early.c share. */
#ifndef SILEX_WORKER_TLS_TLS_CONN_INT_H
#define SILEX_WORKER_TLS_TLS_CONN_INT_H

#include "worker/tls/tls_conn.h"

/* Early data (tls_early.c). */
struct tls_early {
	char *bytes; /* received ahead and not taken yet: [at, n) */
	uint32_t n, at;
	uint32_t owed; /* of what is to be written: done by OpenSSL, not by the socket */
	bool open;     /* more may come */
	bool stuck;    /* the rest of the handshake waits for room in the socket */
};

struct tls_conn {
	struct tls_engine *e;
	SSL *ssl;
	struct sign_wait signature;
	struct ev_task nudge;
	void (*wake)(void *arg);
	void *arg;
	const char *trouble;
	struct tls_client *client; /* NULL: not asked for a certificate */
	struct tls_early early;
	uint64_t sent; /* to the kernel */
	int fd;
	uint32_t unsent;
	unsigned char first; /* byte ever received: 22 is a handshake record */
	bool begun;          /* there was one */
	bool done;           /* shaken hands */
	bool broken;         /* a fatal error: OpenSSL must not be asked anything more */
	bool awaiting;       /* a signature */
	bool orphan;         /* freed while awaiting: goes when the answer comes */
	bool drained;        /* the last recv() took all there was */
	bool fresh;          /* nothing was asked since the handshake */
	bool more;           /* bytes wait inside */
	bool parting;        /* our direction ends as soon as hands are shaken */
	bool blocked;        /* the last send() found no room */
	bool named;          /* the client said which host it wants */
	bool rejected;       /* ... and it is none of ours */
	bool fin;            /* recv() has met the end */
};

/* One more step of the handshake, once no early data can come any more. */
enum tls_step tls_conn_shake(struct tls_conn *t);
/* What OpenSSL's last call means for a handshake that is not done. */
enum tls_step tls_conn_shaking(struct tls_conn *t, int rc);

/* As tls_conn_handshake(): collects early data, and goes on when it is over. */
enum tls_step tls_early_read(struct tls_conn *t);
/* While hands are not shaken: the bytes received ahead. As tls_conn_recv(), which calls it. */
ssize_t tls_early_recv(struct tls_conn *t, void *buf, size_t n);
/* Likewise: one record to a client that has not finished its handshake (RFC 8446 §4.4.4). Bytes
 * written, or -1 with errno. */
ssize_t tls_early_write(struct tls_conn *t, const void *p, size_t n);
void tls_early_free(struct tls_conn *t);

#endif
