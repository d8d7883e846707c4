/*
 * client_hello: see client_hello.h.
 *
 * The reader hands out the bytes of the handshake message and steps over the heads of the records
 * between them; a read that fails has said why in `why`, and all later ones fail likewise.
 */
#include "worker/wire/client_hello.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_HEAD      5
#define RECORD_MOST      16384 /* RFC 8446 §5.1 */
#define RECORD_HANDSHAKE 22
#define MESSAGE_HELLO    1
#define SESSION_ID_MOST  32
#define EXT_SERVER_NAME  0
#define NAME_HOST        0

struct reader {
	const uint8_t *p;
	size_t n, at;
	size_t in_record;  /* bytes left of the record under way */
	size_t in_message; /* ... of the message */
	size_t need;
	enum client_hello_result why; /* NAME: nothing is wrong yet */
};

static bool fail(struct reader *r, enum client_hello_result why, size_t need)
{
	if (r->why == CLIENT_HELLO_NAME) {
		r->why = why;
		r->need = need;
	}
	return false;
}

static bool bad(struct reader *r)
{
	return fail(r, CLIENT_HELLO_BAD, 0);
}

/* What can be judged of a head is judged at once: garbage need not be waited for. */
static bool begin_record(struct reader *r)
{
	const uint8_t *p = r->p + r->at;
	size_t n = r->n - r->at;

	if ((n > 0 && p[0] != RECORD_HANDSHAKE) || (n > 1 && p[1] != 3))
		return bad(r);
	if (n < RECORD_HEAD)
		return fail(r, CLIENT_HELLO_MORE, r->at + RECORD_HEAD);
	r->in_record = (size_t)(p[3] << 8 | p[4]);
	if (r->in_record == 0 || r->in_record > RECORD_MOST)
		return bad(r);
	r->at += RECORD_HEAD;
	return true;
}

/* n bytes of the message, into `to` unless it is NULL. */
static bool take(struct reader *r, size_t n, void *to)
{
	uint8_t *out = to;

	if (r->why != CLIENT_HELLO_NAME || n > r->in_message)
		return bad(r);
	r->in_message -= n;
	while (n > 0) {
		size_t part;

		if (r->in_record == 0 && !begin_record(r))
			return false;
		part = n < r->in_record ? n : r->in_record;
		if (part > r->n - r->at)
			return fail(r, CLIENT_HELLO_MORE, r->at + r->in_record);
		if (out != NULL) {
			memcpy(out, r->p + r->at, part);
			out += part;
		}
		r->at += part;
		r->in_record -= part;
		n -= part;
	}
	return true;
}

/* A number of 1 to 3 bytes. */
static bool number(struct reader *r, size_t bytes, size_t *out)
{
	uint8_t b[3] = {0};

	if (!take(r, bytes, b))
		return false;
	*out = 0;
	for (size_t i = 0; i < bytes; i++)
		*out = *out << 8 | b[i];
	return true;
}

/* A vector: its length in `bytes` bytes, and as much; `unit` divides it. */
static bool skip_vector(struct reader *r, size_t bytes, size_t least, size_t most, size_t unit)
{
	size_t n;

	if (!number(r, bytes, &n))
		return false;
	if (n < least || n > most || n % unit != 0)
		return bad(r);
	return take(r, n, NULL);
}

/* Up to the extensions. *any: there are some. */
static bool skip_fixed(struct reader *r, bool *any)
{
	uint8_t version_random[2 + 32];

	if (!take(r, sizeof(version_random), version_random))
		return false;
	if (version_random[0] != 3)
		return bad(r);
	if (!skip_vector(r, 1, 0, SESSION_ID_MOST, 1) || !skip_vector(r, 2, 2, 0xfffe, 2) ||
	    !skip_vector(r, 1, 1, 255, 1))
		return false;
	*any = r->in_message > 0;
	return true;
}

static bool is_name(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = ascii_lower(p[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' &&
		    c != '_')
			return false;
	}
	return true;
}

/* One entry of type host_name: OpenSSL, too, takes no other list. */
static bool read_name(struct reader *r, size_t ext, struct client_hello *out)
{
	size_t list, type, n;

	if (!number(r, 2, &list) || !number(r, 1, &type) || !number(r, 2, &n))
		return false;
	if (list + 2 != ext || type != NAME_HOST || n + 3 != list || n == 0 ||
	    n > CLIENT_HELLO_NAME_MAX)
		return bad(r);
	if (!take(r, n, out->name))
		return false;
	out->name_n = n;
	return is_name(out->name, n) || bad(r);
}

/* True: the name was found. */
static bool find_name(struct reader *r, struct client_hello *out)
{
	size_t all, type, n;

	if (!number(r, 2, &all))
		return false;
	if (all != r->in_message)
		return bad(r);
	while (r->in_message > 0) {
		if (!number(r, 2, &type) || !number(r, 2, &n))
			return false;
		if (type == EXT_SERVER_NAME)
			return read_name(r, n, out);
		if (!take(r, n, NULL))
			return false;
	}
	return fail(r, CLIENT_HELLO_NONE, 0);
}

enum client_hello_result client_hello_read(struct str bytes, struct client_hello *out)
{
	struct reader r = {
	    .p = (const uint8_t *)bytes.p, .n = bytes.n, .in_message = 4, .why = CLIENT_HELLO_NAME};
	size_t type, length;
	bool any;

	out->name_n = 0;
	if (number(&r, 1, &type) && (type == MESSAGE_HELLO || bad(&r)) && number(&r, 3, &length)) {
		r.in_message = length;
		if (skip_fixed(&r, &any) && (any || fail(&r, CLIENT_HELLO_NONE, 0)))
			(void)find_name(&r, out);
	}
	out->need = r.need;
	return r.why;
}
