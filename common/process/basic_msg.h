/*
 * basic_msg: what a worker and the auth process say to each other about passwords, and the master
 * to the auth process.
 *
 * SOCK_SEQPACKET, one packet one message, native byte order (both ends are one machine). A worker
 * can say exactly one thing: is this the password of that user in that list? Only the master can
 * put or drop lists, and introduce workers. Anything else ends the peer. Lists have numbers, and a
 * list that changes gets another one: whoever knows a number knows a version.
 *
 *     worker -> auth   struct basic_ask, cut behind the user and the password
 *     auth -> worker   struct basic_reply
 *     master -> auth   struct basic_order; PUT and WORKER carry a descriptor
 *     auth -> master   struct basic_ack for every PUT
 */
#ifndef SILEX_COMMON_PROCESS_BASIC_MSG_H
#define SILEX_COMMON_PROCESS_BASIC_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

#define BASIC_NAME_MAX     255u  /* bytes of a user's name */
#define BASIC_PASSWORD_MAX 1024u /* bytes of a password; a longer one is wrong */
#define BASIC_WAIT_MS      2000u /* a question older than that is answered by nobody */

struct basic_ask_head {
	uint64_t id;   /* the worker's own number, given back */
	uint64_t list; /* its number */
	uint32_t user_n, password_n;
};

struct basic_ask {
	struct basic_ask_head head;
	char bytes[BASIC_NAME_MAX + BASIC_PASSWORD_MAX]; /* the user, the password */
};

enum basic_verdict { /* 0 is none of them */
	BASIC_RIGHT = 1,
	BASIC_WRONG = 2,   /* no such user, or not the password */
	BASIC_BUSY = 3,    /* too many wait already, or it waited too long */
	BASIC_UNKNOWN = 4, /* there is no list of that number */
};

struct basic_reply {
	uint64_t id;
	uint32_t verdict; /* enum basic_verdict */
	uint32_t zero;
};

enum basic_order_kind {
	BASIC_PUT = 1,    /* list, bytes + descriptor: a memfd with that many bytes, an htpasswd
			   * file of nothing but good lines */
	BASIC_DROP = 2,   /* list */
	BASIC_WORKER = 3, /* + descriptor: a channel on which to serve */
};

struct basic_order {
	uint64_t list;
	uint32_t kind; /* enum basic_order_kind */
	uint32_t bytes;
};

struct basic_ack {
	uint64_t list;
	uint32_t ok; /* 0: it cannot be had (no memory) */
	uint32_t zero;
};

/* A packet of n bytes as a question; user and password are borrowed from it. False: it is none. */
bool basic_ask_read(const struct basic_ask *ask, size_t n, struct str *user, struct str *password);
/* Lengths as bounded above; id and list are the caller's to set. Returns the packet's bytes. */
size_t basic_ask_write(struct basic_ask *ask, struct str user, struct str password);

_Static_assert(offsetof(struct basic_ask, bytes) == 24, "wire format");
_Static_assert(sizeof(struct basic_reply) == 16, "wire format");
_Static_assert(sizeof(struct basic_order) == 16, "wire format");
_Static_assert(sizeof(struct basic_ack) == 16, "wire format");

#endif
