/*
 * client_id: who the client is, and how it came to the first proxy before us, as far as what we
 * are told about that is believed.
 *
 * Anybody can write X-Forwarded-For. These fields are believed from networks that are trusted
 * (proxy-real-ip-cidr) and nowhere else, each for itself: one that is malformed takes nothing
 * from the others. Whose word counts is the peer that speaks HTTP: behind the PROXY protocol
 * that is the address its header names. ingress-nginx believes -Host, -Proto and -Port from
 * anyone (its issue 9163); trust-forwarded-headers-from-anyone brings that back.
 * What is not believed never reaches an origin: step rewrite replaces it and counts.
 */
#ifndef SILEX_WORKER_ACCEPT_CLIENT_ID_H
#define SILEX_WORKER_ACCEPT_CLIENT_ID_H

#include <stdbool.h>

#include "common/net/addr.h"
#include "common/net/cidr.h"
#include "common/conf/conf.h"
#include "worker/head/head.h"

/* The settings, digested once. */
struct client_trust {
	struct cidr_set networks;
	struct str for_name;     /* forwarded-for-header */
	enum field_id for_field; /* the same; FIELD_OTHER: compare names */
	struct str host_name;    /* forwarded-host-header */
	enum field_id host_field;
	bool any;     /* is there anything to believe at all? */
	bool headers; /* -Host, -Proto, -Port */
	bool headers_from_anyone;
	bool address; /* forwarded-for-header */
	bool full;    /* compute-full-forwarded-for */
};

/* c must stay. 0, or -1 with errno. */
int client_trust_init(struct client_trust *t, const struct conf *c);
void client_trust_free(struct client_trust *t);

enum client_told {
	CLIENT_FOR = 1,
	CLIENT_HOST = 2,
	CLIENT_PROTO = 4,
	CLIENT_PORT = 8,
};

struct client_id {
	struct addr speaker; /* who sent the request to us */
	struct addr addr;    /* the client; the speaker when nothing else is believed */
	struct str host;     /* believed X-Forwarded-Host; empty: none */
	uint16_t port;       /* believed X-Forwarded-Port; 0: none */
	uint8_t proto;       /* believed X-Forwarded-Proto: 's' https, 'p' http, 0 none */
	uint8_t believed;    /* enum client_told: fields that were, whatever they said */
};

/* Pure. The strings of *out borrow from in. */
void client_identify(const struct client_trust *t, const struct head *in,
		     const struct addr *speaker, struct client_id *out);

/*
 * One element of X-Forwarded-For: an address with or without port or brackets. False when it is
 * none ("unknown", an obfuscated name).
 */
bool client_for_element(struct str text, struct addr *out);

#endif
