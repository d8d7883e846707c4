/*
 * tls_conn: TLS under one connection, server side.
 *
 * conn.c calls it where it would otherwise call recv() and sendmsg(): the engines above see the
 * same errno values (EAGAIN until more can be done) and nothing else. The descriptor stays
 * conn's. One record and one send() for a small answer: head and content are gathered in a buffer
 * of the worker first. While a signature is awaited from the keys process nothing can be done;
 * wake() says when.
 */
#ifndef SILEX_WORKER_TLS_TLS_CONN_H
#define SILEX_WORKER_TLS_TLS_CONN_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/str.h"
#include "worker/tls/tls_engine.h"

struct tls_client; /* tls_client.h */
struct tls_conn;

enum tls_step {
	TLS_DONE,
	TLS_EARLY, /* data came ahead (RFC 8446 §2.3): it may be read; recv does what is left */
	TLS_WANT_READ,
	TLS_WANT_WRITE,
	TLS_WANT_SIGNATURE, /* woken through wake() */
	TLS_PLAIN,          /* what came is no TLS: a plain request, most likely */
	TLS_CLOSED,         /* the client went away */
	TLS_FAILED,         /* tls_conn_trouble() says why; the alert is sent */
};

/* wake(arg) is called from the loop when the connection can go on although its descriptor is not
 * readable: a signature is there, or received bytes wait inside. NULL: memory is out. */
struct tls_conn *tls_conn_new(struct tls_engine *e, SSL_CTX *ctx, int fd, void (*wake)(void *arg),
			      void *arg);
/* The owner has moved. */
void tls_conn_set_wake(struct tls_conn *t, void (*wake)(void *arg), void *arg);
/* At any time, also while a signature is awaited: what is left of it is then finished by itself.
 * Sends close_notify when the handshake was done and `notify`. The descriptor is not closed. */
void tls_conn_free(struct tls_conn *t, bool notify);

enum tls_step tls_conn_handshake(struct tls_conn *t);
/* Are hands shaken? What is received before might be sent again by somebody else. */
bool tls_conn_shaken(const struct tls_conn *t);
/* Why it failed, in OpenSSL's words; valid until the next call into TLS. */
const char *tls_conn_trouble(const struct tls_conn *t);

/* ... because the keys process gave no signature. */
bool tls_conn_unsigned(const struct tls_conn *t);
/* ... because of ssl-reject-handshake. */
bool tls_conn_rejected(const struct tls_conn *t);

/* As conn_recv and conn_writev. */
ssize_t tls_conn_recv(struct tls_conn *t, void *buf, size_t n);
ssize_t tls_conn_writev(struct tls_conn *t, const struct iovec *iov, unsigned n);
/* If received bytes wait inside, which the loop will not report, wake() is called soon. */
void tls_conn_nudge(struct tls_conn *t);
/* Hands are not shaken, and a record is half written: nothing is received before it is out, which
 * is worth no interest in reading meanwhile. */
bool tls_conn_writes_first(const struct tls_conn *t);
/* Received bytes wait inside. */
bool tls_conn_has_more(const struct tls_conn *t);
/* close_notify: our direction is ended. False: not before hands are shaken, and then by itself,
 * the descriptor's direction included, provided that somebody reads. */
bool tls_conn_half_close(struct tls_conn *t);

/* After the handshake. */
struct str tls_conn_alpn(const struct tls_conn *t); /* "h2", "http/1.1" or empty */
bool tls_conn_resumed(const struct tls_conn *t);

/* tls_hello.c: the client is asked for a certificate; c goes with t. Whether it named a host. */
void tls_conn_set_client(struct tls_conn *t, struct tls_client *c);
void tls_conn_set_named(struct tls_conn *t, bool named);
void tls_conn_set_rejected(struct tls_conn *t);
/* The client that was asked for a certificate; NULL: nobody asked. */
struct tls_client *tls_conn_client(const struct tls_conn *t);
bool tls_conn_named(const struct tls_conn *t);
/* The peer's FIN has come, whether or not close_notify did before it. */
bool tls_conn_fin(const struct tls_conn *t);
/* Bytes handed to the kernel, records and all. */
uint64_t tls_conn_sent(const struct tls_conn *t);

/* For tls_upstream.c, which makes it the client of the handshake. */
SSL *tls_conn_ssl(const struct tls_conn *t);

/* For tls_engine.c. */
size_t tls_conn_size(void);
BIO_METHOD *tls_conn_bio_method(void);

#endif
