/*
 * wipe_free: in the master and the keys process every piece of heap memory is overwritten before
 * it is given back, whoever gives it back.
 *
 * A private key on its way from a Secret to the keys process passes through libraries that wipe
 * nothing: libcurl's and OpenSSL's buffers of the connection, json-c's token buffer (which leaves
 * a copy behind each time it grows), libyaml's tokens, stdio. Hunting them one by one would hold
 * until the next release of one of them. So this executable has free() and realloc() of its own,
 * which the C library documents as possible (glibc manual, "Replacing malloc") and which every
 * library in the process then calls: they overwrite, and leave the rest to the C library's own.
 * The price is a memset of what was used anyway; silex-worker, which never sees a key and must be
 * fast, does not link this room. Buffers that live on are not its business: connections that
 * carried a key are closed (k8s/watch/source.h), Secrets in the store are stripped (store.h).
 *
 * Under sanitizers, which bring their own allocator, and without glibc it is left out.
 */
#ifndef SILEX_MASTER_KEYS_WIPE_FREE_H
#define SILEX_MASTER_KEYS_WIPE_FREE_H

#include <stdbool.h>

/* Is it in force in this process? Tried, not assumed. */
bool wipe_free_works(void);
/* Overwrite what functions that have returned left on the stack below their caller's frame, as
 * far as parsing a key goes. */
void wipe_stack(void);

#endif
