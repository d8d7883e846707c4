/*
 * sign_msg: what a worker and the keys process say to each other, and the master to keys.
 *
 * SOCK_SEQPACKET, one packet one message, native byte order (both ends are one machine). A worker
 * can say exactly one thing: sign this with that key. Only the master can put or delete keys, and
 * introduce workers. Anything else ends the peer.
 *
 *     worker -> keys   struct sign_ask, cut behind tbs[tbs_n]
 *     keys -> worker   struct sign_reply, cut behind sig[sig_n]; sig_n == 0: refused
 *     master -> keys   struct key_order, cut behind der[der_n]; KEY_WORKER carries a descriptor
 *     keys -> master   struct key_ack for every KEY_PUT and KEY_DELETE
 */
#ifndef SILEX_COMMON_PROCESS_SIGN_MSG_H
#define SILEX_COMMON_PROCESS_SIGN_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "common/process/sign_alg.h"

#define KEY_DER_MAX 16384u /* PKCS#8 of RSA-8192 is below 5 KiB */

struct sign_head {
	uint64_t id;  /* the worker's own number, given back */
	uint32_t alg; /* enum sign_alg */
	uint32_t tbs_n;
	uint8_t key[SIGN_KEY_ID_LEN];
};

struct sign_ask {
	struct sign_head head;
	uint8_t tbs[SIGN_TBS_MAX];
};

struct sign_reply {
	uint64_t id;
	uint32_t sig_n;
	uint32_t zero;
	uint8_t sig[SIGN_SIG_MAX];
};

enum key_order_kind {
	KEY_PUT = 1,    /* der: PKCS#8; the id is made from it by the receiver, never believed */
	KEY_DELETE = 2, /* key */
	KEY_WORKER = 3, /* + descriptor: a channel on which to serve */
};

struct key_order {
	uint64_t id;
	uint32_t kind; /* enum key_order_kind */
	uint32_t der_n;
	uint8_t key[SIGN_KEY_ID_LEN];
	uint8_t der[KEY_DER_MAX];
};

struct key_ack {
	uint64_t id;
	uint32_t ok; /* 0: not a key, or a kind that is not supported */
	uint32_t zero;
	uint8_t key[SIGN_KEY_ID_LEN];
};

_Static_assert(offsetof(struct sign_ask, tbs) == 48, "wire format");
_Static_assert(offsetof(struct sign_reply, sig) == 16, "wire format");
_Static_assert(offsetof(struct key_order, der) == 48, "wire format");
_Static_assert(sizeof(struct key_ack) == 48, "wire format");

#endif
