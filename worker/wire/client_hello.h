/*
 * client_hello: the server name in the first message of a TLS handshake (RFC 8446 §4.1.2, RFC 6066
 * §3), for whoever has to know it before TLS begins (tls/tls_peek.h).
 *
 * Pure and strict: bytes as they came from the socket in, a name out. The message may lie in any
 * number of records. Nothing is judged that is not needed to find the name; what is malformed on
 * the way there is BAD, and TLS' to answer. Nothing is kept.
 */
#ifndef SILEX_WORKER_WIRE_CLIENT_HELLO_H
#define SILEX_WORKER_WIRE_CLIENT_HELLO_H

#include <stddef.h>

#include "common/str.h"

#define CLIENT_HELLO_NAME_MAX 255

enum client_hello_result {
	CLIENT_HELLO_MORE, /* so far so good; .need bytes at least, from the first on */
	CLIENT_HELLO_NAME, /* .name is set, as sent */
	CLIENT_HELLO_NONE, /* it is whole, and names nobody */
	CLIENT_HELLO_BAD,  /* no ClientHello, or a broken one */
};

struct client_hello {
	size_t need; /* > the bytes given */
	size_t name_n;
	char name[CLIENT_HELLO_NAME_MAX];
};

enum client_hello_result client_hello_read(struct str bytes, struct client_hello *out);

#endif
