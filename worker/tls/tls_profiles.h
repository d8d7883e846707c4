/*
 * tls_profiles: the TLS profiles of the table (proxy-ssl-*) as OpenSSL wants them: a context each,
 * made when a request first needs it and kept while it is used.
 *
 * Known by their generation: a profile whose Secret changed is another one here, so nothing has to
 * be told of changes, and nothing opened under the old one is taken for the new one. Bounded: the
 * one not used for longest goes; what was opened with it lives on.
 * Our certificate's key is a stub (stub_key.h): the keys process signs.
 */
#ifndef SILEX_WORKER_TLS_TLS_PROFILES_H
#define SILEX_WORKER_TLS_TLS_PROFILES_H

#include <openssl/ssl.h>

#include "common/table/table_read.h"

struct tls_engine;
struct tls_profile;
struct tls_profiles;

/* What is common to all contexts towards endpoints, said by tls_upstream.c. False: OpenSSL
 * refuses. */
typedef bool tls_profile_common(void *arg, SSL_CTX *ctx);

/* own: the engine of the HTTPS port, which knows stub keys, or NULL: no certificates of ours. NULL
 * with errno ENOMEM. */
struct tls_profiles *tls_profiles_new(const struct tls_engine *own, tls_profile_common *common,
				      void *arg);
void tls_profiles_free(struct tls_profiles *p);

/* The profile of this view, made if it is not there. NULL: it cannot be used, which the master
 * should have seen, or memory is out; nothing must be sent then. */
const struct tls_profile *tls_profiles_get(struct tls_profiles *p, const struct profile_view *v);
/* By its generation; NULL: not kept any more. */
const struct tls_profile *tls_profiles_find(struct tls_profiles *p, uint64_t generation);

SSL_CTX *tls_profile_context(const struct tls_profile *t);
/* The server name to send; NULL: none. */
const char *tls_profile_sni(const struct tls_profile *t);

#endif
