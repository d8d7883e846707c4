/*
 * head: a message head in neutral form, whatever protocol it came in and will go out by.
 *
 * Every parser (HTTP/1, later HTTP/2) fills one, every serialiser writes one anew. Raw header
 * bytes are never forwarded: that ends request smuggling by construction. The strings borrow
 * from the receive buffer or the request's arena. Framing fields (Host, Content-Length,
 * Transfer-Encoding, Connection and what it names, Keep-Alive, TE, Upgrade, Expect: flag F of
 * field_tbl.h) are taken out of `fields` by the parser and live in the members below: a
 * serialiser derives them anew.
 * Terms: RFC 9110.
 */
#ifndef SILEX_WORKER_HEAD_HEAD_H
#define SILEX_WORKER_HEAD_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "worker/head/field_id.h"

enum method {
	METHOD_OTHER, /* any other token; its text is in method_text */
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_PATCH,
	METHOD_TRACE,
	METHOD_CONNECT,
};

/* OTHER for a token that is none of these; methods are case-sensitive. */
enum method method_parse(struct str m);
/* RFC 9110 §9.2.2: sending it twice is the same as sending it once. OTHER is not. */
bool method_is_idempotent(enum method m);

enum target_form {
	TARGET_ORIGIN,
	TARGET_ABSOLUTE,
	TARGET_ASTERISK,
	TARGET_AUTHORITY
};

/* How the content's end is known (RFC 9112 §6.3), decided by the parser, once. */
enum framing {
	FRAMING_NONE,    /* no content */
	FRAMING_LENGTH,  /* exactly `length` bytes */
	FRAMING_CHUNKED, /* chunked; HTTP/2 without content-length maps here too */
	FRAMING_CLOSE,   /* until the origin closes: responses only */
};

struct field {
	const char *name;  /* as received; lower case from HTTP/2 */
	const char *value; /* without surrounding OWS */
	uint32_t value_n;
	uint16_t name_n;
	uint8_t id;   /* enum field_id; FIELD_OTHER when not in the table */
	uint8_t drop; /* set by a step: the serialiser leaves it out */
};

struct head {
	/* both; all that is of interest of an answer once it is on its way */
	struct field *fields;
	uint16_t n_fields;
	uint16_t cap_fields;
	uint16_t status; /* response */
	uint8_t version; /* 10, 11, 20 */
	uint8_t framing; /* enum framing */
	/* request */
	enum method method;
	enum target_form form;
	struct str method_text;
	struct str target;    /* path and query as received; "/" or "*" for an absolute form without
			       * path, "?query" when that has a query (it means "/?query"); "*" */
	struct str authority; /* host[:port] as the client named it: absolute form wins over Host */
	struct str host;      /* authority without port and final dot, as received, any case */
	uint16_t port;        /* of the authority, 0 = none */
	struct str reason_phrase; /* response */
	/* both */
	bool keep_alive; /* the peer lets the connection live on */
	bool expect_continue;
	bool te_trailers; /* client said TE: trailers */
	bool upgrade;     /* Connection: upgrade and an Upgrade field */
	bool has_trailer_field;
	struct str upgrade_proto; /* its value, e.g. "websocket" */
	uint64_t length;          /* with FRAMING_LENGTH; also of a HEAD answer, see has_length */
	bool has_length; /* a Content-Length was given (HEAD, 304 carry one without content) */
};
#define HEAD_ANSWER_SIZE offsetof(struct head, method)

/* First field with this id that is not dropped, or NULL. */
const struct field *head_find(const struct head *h, enum field_id id);
/* Its value; STR_NONE without one. */
struct str head_value(const struct head *h, enum field_id id);
/* Append; the strings are borrowed and must be clean (no CR, LF, NUL). -1 when cap_fields is
 * reached. */
int head_add(struct head *h, enum field_id id, struct str name, struct str value);
/* Mark every field with this id as dropped. */
void head_drop(struct head *h, enum field_id id);

#endif
