/*
 * up_tls_settings: what the proxy-ssl-* annotations beside proxy-ssl-secret say (facts:
 * annotations §3), read strictly: what cannot be read never makes a connection less safe.
 *
 * Pure but for OpenSSL's opinion of a cipher list.
 */
#ifndef SILEX_MASTER_TRANSLATE_TLS_UP_TLS_SETTINGS_H
#define SILEX_MASTER_TRANSLATE_TLS_UP_TLS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "k8s/settings/annot.h"

struct up_tls_settings {
	struct str ns, name; /* of the Secret; borrowed, as all strings here */
	bool verify, sni;    /* sni: with server_name only */
	uint8_t depth;       /* of the chain */
	uint8_t versions;    /* enum profile_version */
	struct str ciphers;
	struct str server_name; /* empty: the endpoint's certificate may be for any name */
};

/* annotation is the name without prefix; text says what is wrong, and what is done. */
typedef void up_tls_tell_fn(void *arg, const char *annotation, const char *text);

/*
 * a has a proxy-ssl-secret; foreign: Secrets of another namespace may be named. False: it cannot be
 * used, and the paths must answer 503. Everything that is not as written is told.
 */
bool up_tls_settings_read(struct up_tls_settings *out, const struct annots *a,
			  struct str ingress_ns, bool foreign, up_tls_tell_fn *tell, void *arg);

#endif
