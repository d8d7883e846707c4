/*
 * tls_early: data that a client sends before the handshake is done (0-RTT: RFC 8446 §2.3).
 *
 * What came ahead is kept until the engine above reads it; each further recv() goes on with the
 * handshake. Answers go out meanwhile, under keys that the client has already. Early data can be
 * replayed by who saw it, so what may be done with it is HTTP's to decide (RFC 8470; step head).
 *
 * The handshake ends with records of its own (tickets), which must not go into the middle of a
 * half-written one: OpenSSL breaks the connection then (bad write retry). So nothing is received
 * while one is unsent; conn.c takes the interest in reading back until it is out.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "worker/tls/tls_conn_int.h"

static bool keep(struct tls_conn *t, const char *bytes, size_t n)
{
	struct tls_early *e = &t->early;
	char *all;

	if (e->n + n > TLS_EARLY_MAX)
		return false; /* OpenSSL counts, too */
	all = realloc(e->bytes, e->n + n);
	if (all == NULL)
		return false;
	memcpy(all + e->n, bytes, n);
	e->bytes = all;
	e->n += (uint32_t)n;
	return true;
}

static enum tls_step waits(struct tls_conn *t)
{
	enum tls_step step = tls_conn_shaking(t, 0);

	return step == TLS_WANT_READ && t->early.n > 0 ? TLS_EARLY : step;
}

enum tls_step tls_early_read(struct tls_conn *t)
{
	for (;;) {
		size_t n = 0;

		switch (SSL_read_early_data(t->ssl, t->e->scratch, TLS_SCRATCH, &n)) {
		case SSL_READ_EARLY_DATA_SUCCESS:
			if (n > 0 && !keep(t, t->e->scratch, n)) {
				t->broken = true;
				return TLS_CLOSED;
			}
			break;
		case SSL_READ_EARLY_DATA_FINISH:
			t->early.open = false;
			return tls_conn_shake(t);
		default:
			return waits(t);
		}
	}
}

static ssize_t take(struct tls_conn *t, void *buf, size_t n)
{
	struct tls_early *e = &t->early;
	size_t left = e->n - e->at;

	n = n < left ? n : left;
	memcpy(buf, e->bytes + e->at, n);
	e->at += (uint32_t)n;
	if (e->at == e->n)
		tls_early_free(t);
	t->more = true; /* more of it, or what ends the handshake, may wait inside OpenSSL */
	return (ssize_t)n;
}

ssize_t tls_early_recv(struct tls_conn *t, void *buf, size_t n)
{
	enum tls_step step;

	if (t->early.n > 0)
		return take(t, buf, n);
	if (tls_conn_writes_first(t)) {
		t->more = true; /* whatever came is looked at then */
		errno = EAGAIN;
		return -1;
	}
	t->more = false;
	step = tls_conn_handshake(t);
	t->early.stuck = step == TLS_WANT_WRITE;
	if (t->early.n > 0)
		return take(t, buf, n);
	switch (step) {
	case TLS_DONE:
		return 0; /* as ever from now on */
	case TLS_EARLY:
	case TLS_WANT_READ:
	case TLS_WANT_WRITE: /* tickets: the client has its answers without them */
	case TLS_WANT_SIGNATURE:
		errno = EAGAIN;
		return -1;
	case TLS_PLAIN:
	case TLS_CLOSED:
	case TLS_FAILED:
		break;
	}
	t->broken = true;
	errno = ECONNRESET;
	return -1;
}

/*
 * OpenSSL buffers while a handshake is under way, and says nothing when the last of it finds no
 * room. The engine above is told that nothing was written until that is out, too, so that it
 * waits for room; then it is told all at once.
 */
static ssize_t settle(struct tls_conn *t, size_t n)
{
	if (t->blocked) {
		t->early.owed = t->unsent = (uint32_t)n;
		errno = EAGAIN;
		return -1;
	}
	t->early.owed = t->unsent = 0;
	return (ssize_t)n;
}

static ssize_t not_now(struct tls_conn *t, size_t n)
{
	int error = SSL_get_error(t->ssl, 0);

	t->unsent = (uint32_t)n;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	t->broken = true;
	ERR_clear_error();
	errno = EPIPE;
	return -1;
}

/* The handshake is in the middle of a flight of its own, which goes first. False: it is out. */
static bool still_stuck(struct tls_conn *t)
{
	if (t->early.stuck)
		t->early.stuck = tls_conn_handshake(t) == TLS_WANT_WRITE;
	return t->early.stuck;
}

ssize_t tls_early_write(struct tls_conn *t, const void *p, size_t n)
{
	uint32_t owed = t->early.owed;
	size_t written = 0;

	if (still_stuck(t)) {
		t->unsent = (uint32_t)n;
		errno = EAGAIN;
		return -1;
	}
	if (t->broken) {
		errno = EPIPE;
		return -1;
	}
	if (t->done) { /* and with it all that was buffered is out */
		t->blocked = false;
		return owed == 0 ? 0 : settle(t, owed);
	}
	t->blocked = false;
	if (SSL_write_early_data(t->ssl, p, owed > 0 ? 0 : n, &written) != 1)
		return not_now(t, n);
	return settle(t, owed > 0 ? owed : written);
}

void tls_early_free(struct tls_conn *t)
{
	free(t->early.bytes);
	t->early.bytes = NULL;
	t->early.n = t->early.at = 0;
}
