/*
 * tls_conn: see tls_conn.h.
 *
 * OpenSSL reads ahead, so that a record is one recv() and not two; the price is that bytes may
 * wait inside OpenSSL while the descriptor is not readable (`more`). The BIO remembers a short
 * recv() as "drained", which saves the second, empty one of each request.
 * OpenSSL takes a record whole or not at all: when the socket is full in the middle of one, the
 * same bytes have to be offered again (`unsent` of them). They are the first unsent ones of the
 * engine above, which only ever appends behind them.
 */
#include "worker/tls/tls_conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

#include "common/check.h"
#include "worker/tls/tls_client.h"
#include "worker/tls/tls_conn_int.h"

#define HANDSHAKE_RECORD 22

/* ---- the BIO: OpenSSL's way to the descriptor ---------------------------------------- */

static int bio_read(BIO *b, char *to, int n)
{
	struct tls_conn *t = BIO_get_data(b);
	ssize_t got;

	BIO_clear_retry_flags(b);
	if (t->drained) {
		BIO_set_retry_read(b);
		return -1;
	}
	got = recv(t->fd, to, (size_t)n, 0);
	t->fin = got == 0;
	if (got > 0) {
		t->drained = got < n;
		if (!t->begun)
			t->first = (unsigned char)to[0];
		t->begun = true;
	} else if (got == -1 && (errno == EAGAIN || errno == EINTR)) {
		BIO_set_retry_read(b);
	}
	return (int)got;
}

static int bio_write(BIO *b, const char *from, int n)
{
	struct tls_conn *t = BIO_get_data(b);
	ssize_t sent = send(t->fd, from, (size_t)n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	t->blocked = sent == -1 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR);
	if (t->blocked)
		BIO_set_retry_write(b);
	t->sent += sent > 0 ? (uint64_t)sent : 0;
	return (int)sent;
}

static long bio_ctrl(BIO *b, int cmd, long n, void *p)
{
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

BIO_METHOD *tls_conn_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "silex conn");

	if (m == NULL || BIO_meth_set_read(m, bio_read) != 1 ||
	    BIO_meth_set_write(m, bio_write) != 1 || BIO_meth_set_ctrl(m, bio_ctrl) != 1)
		return NULL;
	return m;
}

/* ---- life ---------------------------------------------------------------------------- */

size_t tls_conn_size(void)
{
	return sizeof(struct tls_conn);
}

static void give_back(struct tls_conn *t)
{
	ev_unpost(t->e->w->ev, &t->nudge);
	/* Else OpenSSL forgets a session whose connection had no close_notify: few clients send
	 * one, and since TLS 1.1 (RFC 4346 §7.2.1) it does not matter. */
	if (t->done && t->e->signer != NULL)
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	tls_early_free(t);
	tls_client_free(t->client);
	slab_put(t->e->conns, t);
}

static void on_nudge(struct ev_task *task)
{
	struct tls_conn *t = container_of(task, struct tls_conn, nudge);

	t->wake(t->arg);
}

static void on_signature(struct sign_wait *w)
{
	struct tls_conn *t = container_of(w, struct tls_conn, signature);

	t->awaiting = false;
	if (!t->orphan) {
		t->wake(t->arg);
		return;
	}
	if (tls_conn_handshake(t) != TLS_WANT_SIGNATURE) /* its job has to end before it may go */
		give_back(t);
}

static SSL *make_ssl(struct tls_engine *e, SSL_CTX *ctx, struct tls_conn *t)
{
	SSL *ssl = SSL_new(ctx);
	BIO *bio = ssl == NULL ? NULL : BIO_new(e->bio);

	if (bio == NULL) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_accept_state(ssl);
	(void)SSL_set_app_data(ssl, t);
	return ssl;
}

struct tls_conn *tls_conn_new(struct tls_engine *e, SSL_CTX *ctx, int fd, void (*wake)(void *arg),
			      void *arg)
{
	struct tls_conn *t = slab_get(e->conns);

	if (t == NULL)
		return NULL;
	*t = (struct tls_conn){.e = e,
			       .fd = fd,
			       .wake = wake,
			       .arg = arg,
			       .signature = {.wake = on_signature},
			       .nudge = {.fn = on_nudge},
			       .trouble = "nothing"};
	t->early.open = e->early;
	t->ssl = make_ssl(e, ctx, t);
	if (t->ssl == NULL) {
		slab_put(e->conns, t);
		return NULL;
	}
	return t;
}

void tls_conn_set_wake(struct tls_conn *t, void (*wake)(void *arg), void *arg)
{
	t->wake = wake;
	t->arg = arg;
}

void tls_conn_free(struct tls_conn *t, bool notify)
{
	if (notify)
		(void)tls_conn_half_close(t);
	if (!t->awaiting) {
		give_back(t);
		return;
	}
	t->orphan = true;
	t->fd = -1; /* what is left of the handshake meets EBADF */
}

/* ---- handshake ----------------------------------------------------------------------- */

static enum tls_step failed(struct tls_conn *t, bool fatal)
{
	unsigned long error = ERR_peek_last_error();
	const char *words = error == 0 ? NULL : ERR_reason_error_string(error);

	t->trouble = words == NULL ? "connection lost" : words;
	t->broken = true;
	ERR_clear_error();
	if (!t->begun || !fatal)
		return TLS_CLOSED;
	return t->first >= 'A' && t->first <= 'Z' ? TLS_PLAIN : TLS_FAILED;
}

enum tls_step tls_conn_shaking(struct tls_conn *t, int rc)
{
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_WANT_ASYNC:
		t->awaiting = true;
		return TLS_WANT_SIGNATURE;
	case SSL_ERROR_SSL:
		return failed(t, true);
	default:
		return failed(t, false);
	}
}

enum tls_step tls_conn_shake(struct tls_conn *t)
{
	int rc = SSL_do_handshake(t->ssl);

	if (rc != 1)
		return tls_conn_shaking(t, rc);
	(void)SSL_clear_mode(t->ssl, SSL_MODE_ASYNC); /* it costs at every read */
	t->done = t->fresh = true;
	if (t->client != NULL)
		tls_client_take(t->client, t->ssl);
	if (t->parting && tls_conn_half_close(t))
		(void)shutdown(t->fd, SHUT_WR);
	return TLS_DONE;
}

enum tls_step tls_conn_handshake(struct tls_conn *t)
{
	struct signer *signer = t->e->signer;
	enum tls_step step;

	t->drained = false;
	if (signer != NULL)
		signer_set_current(signer, &t->signature);
	step = t->early.open ? tls_early_read(t) : tls_conn_shake(t);
	if (signer != NULL)
		signer_set_current(signer, NULL);
	return step;
}

bool tls_conn_shaken(const struct tls_conn *t)
{
	return t->done;
}

const char *tls_conn_trouble(const struct tls_conn *t)
{
	return t->trouble;
}

bool tls_conn_unsigned(const struct tls_conn *t)
{
	return t->signature.refused;
}

/* ---- bytes --------------------------------------------------------------------------- */

/* What the last call of OpenSSL that gave nothing means: 0 the end, -1 with errno. */
static ssize_t why_nothing(struct tls_conn *t, int rc)
{
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		t->broken = true;
		ERR_clear_error();
		errno = ECONNRESET;
		return -1;
	}
}

ssize_t tls_conn_recv(struct tls_conn *t, void *buf, size_t n)
{
	ssize_t verdict = -1;
	size_t got = 0;
	int rc = 1;

	if (t->broken) {
		errno = ECONNRESET;
		return -1;
	}
	if (t->e->early && (!t->done || t->early.n > 0)) {
		ssize_t early = tls_early_recv(t, buf, n);

		if (early != 0)
			return early;
	}
	t->drained = t->drained && t->fresh;
	t->fresh = t->more = false;
	while (got < n) {
		size_t want = n - got < INT32_MAX ? n - got : INT32_MAX;

		rc = SSL_read(t->ssl, (char *)buf + got, (int)want);
		if (rc <= 0)
			break;
		got += (size_t)rc;
		if (t->drained && SSL_has_pending(t->ssl) == 0)
			break; /* it would only find out that there is nothing */
	}
	if (rc <= 0)
		verdict = why_nothing(t, rc);
	if (got == 0)
		return verdict;
	/* A record cut in two is no reason to come back before its rest is there; an end is. */
	t->more = rc <= 0 ? verdict == 0 || t->broken : SSL_has_pending(t->ssl) == 1;
	return (ssize_t)got;
}

void tls_conn_nudge(struct tls_conn *t)
{
	if (t->more)
		ev_post(t->e->w->ev, &t->nudge);
}

/* One record. */
static ssize_t write_record(struct tls_conn *t, const void *p, size_t n)
{
	int rc;

	if (t->e->early && (!t->done || t->early.owed > 0)) {
		ssize_t early = tls_early_write(t, p, n);

		if (early != 0)
			return early;
	}
	rc = SSL_write(t->ssl, p, (int)n);
	t->unsent = rc > 0 ? 0 : (uint32_t)n;
	if (rc > 0)
		return rc;
	if (why_nothing(t, rc) == 0)
		errno = EPIPE;
	return -1;
}

/* Where in a list of buffers one is. */
struct cursor {
	const struct iovec *iov;
	unsigned n;
	size_t at; /* within iov[0] */
};

static void skip(struct cursor *c, size_t n)
{
	while (c->n > 0 && n >= c->iov->iov_len - c->at) {
		n -= c->iov->iov_len - c->at;
		c->iov++;
		c->n--;
		c->at = 0;
	}
	c->at += n;
}

/* The next record's bytes, at most `most`: in place when one buffer has them all, else gathered. */
static struct str next_record(struct tls_conn *t, struct cursor c, size_t most)
{
	size_t n = 0;

	if (c.n == 1 || c.iov->iov_len - c.at >= most) {
		size_t whole = c.iov->iov_len - c.at;

		return str_make((const char *)c.iov->iov_base + c.at, whole < most ? whole : most);
	}
	while (c.n > 0 && n < most) {
		size_t part = c.iov->iov_len - c.at;

		part = part < most - n ? part : most - n;
		memcpy(t->e->scratch + n, (const char *)c.iov->iov_base + c.at, part);
		n += part;
		skip(&c, part);
	}
	return str_make(t->e->scratch, n);
}

static size_t record_max(const struct tls_conn *t)
{
	return t->e->record_max > 0 ? t->e->record_max : TLS_SCRATCH;
}

ssize_t tls_conn_writev(struct tls_conn *t, const struct iovec *iov, unsigned n)
{
	struct cursor c = {.iov = iov, .n = n};
	size_t sent = 0;

	if (t->broken) {
		errno = EPIPE;
		return -1;
	}
	skip(&c, 0);
	while (c.n > 0) {
		size_t most = t->unsent > 0 ? t->unsent : record_max(t);
		struct str record = next_record(t, c, most);
		ssize_t rc;

		if (record.n < t->unsent) {
			t->broken = true; /* the engine has taken back what it had begun to say */
			errno = EPIPE;
			return -1;
		}
		rc = write_record(t, record.p, record.n);
		if (rc == -1)
			return sent > 0 ? (ssize_t)sent : -1;
		sent += (size_t)rc;
		skip(&c, (size_t)rc);
	}
	return (ssize_t)sent;
}

bool tls_conn_writes_first(const struct tls_conn *t)
{
	return !t->done && t->unsent > 0 && t->early.n == 0;
}

bool tls_conn_has_more(const struct tls_conn *t)
{
	return t->more || SSL_has_pending(t->ssl) == 1;
}

void tls_conn_set_client(struct tls_conn *t, struct tls_client *c)
{
	tls_client_free(t->client); /* a second ClientHello, after HelloRetryRequest */
	t->client = c;
}

void tls_conn_set_named(struct tls_conn *t, bool named)
{
	t->named = named;
}

void tls_conn_set_rejected(struct tls_conn *t)
{
	t->rejected = true;
}

bool tls_conn_rejected(const struct tls_conn *t)
{
	return t->rejected;
}

struct tls_client *tls_conn_client(const struct tls_conn *t)
{
	return t->client;
}

bool tls_conn_named(const struct tls_conn *t)
{
	return t->named;
}

bool tls_conn_fin(const struct tls_conn *t)
{
	return t->fin;
}

uint64_t tls_conn_sent(const struct tls_conn *t)
{
	return t->sent;
}

SSL *tls_conn_ssl(const struct tls_conn *t)
{
	return t->ssl;
}

bool tls_conn_half_close(struct tls_conn *t)
{
	if (!t->done && !t->broken && t->e->early && t->e->signer != NULL) {
		t->parting = true; /* OpenSSL cannot say it before hands are shaken */
		return false;
	}
	if (t->done && !t->broken && t->unsent == 0 && SSL_shutdown(t->ssl) < 0)
		ERR_clear_error();
	return true;
}

struct str tls_conn_alpn(const struct tls_conn *t)
{
	const unsigned char *p;
	unsigned n;

	SSL_get0_alpn_selected(t->ssl, &p, &n);
	return str_make((const char *)p, n);
}

bool tls_conn_resumed(const struct tls_conn *t)
{
	return SSL_session_reused(t->ssl) == 1;
}
