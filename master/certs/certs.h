/*
 * certs: from Secrets to certificates that can be served.
 *
 * A Secret that somebody holds is read when it is held and whenever it changes: parsed, checked,
 * its private key handed to the keys process and wiped here. Only when the keys process has it is
 * the certificate usable, and its holders are told (changed()). While a renewed one is on its way
 * the old one serves on; a Secret that is gone or broken takes its certificate with it, and the
 * default serves.
 *
 * The store forgets private keys once they have been read here (store_forget_keys()). When one is
 * needed again (a Secret is held for the first time long after it came; the keys process died and
 * everything with it), the source is asked to read the Secret once more: want() goes out, and
 * certs_secret_again() or certs_secret_changed() comes in, now or when the source is there again.
 * What was usable stays so meanwhile: its handshakes fail until then, sooner than in two seconds
 * and counted, but no host changes its certificate because of it.
 * What must not happen here: private keys that outlive their hand-over, opinions about hosts.
 */
#ifndef SILEX_MASTER_CERTS_CERTS_H
#define SILEX_MASTER_CERTS_CERTS_H

#include <stdbool.h>

#include "common/loop/ev.h"
#include "k8s/objects/store.h"
#include "master/keys/keys.h"
#include "master/table/model.h"

struct certs;
struct stapler;
struct cert; /* a held Secret */

struct certs_ops {
	/* What cert_model() or cert_trouble() says of it has changed. */
	void (*changed)(void *arg, struct cert *c);
	/* The Secret of this name, which is in the store, has to be read from its source again. */
	void (*want)(void *arg, struct str ns, struct str name);
	/* Nothing is on its way to the keys process any more. */
	void (*settled)(void *arg);
};

/* Everything is borrowed. keys' ops have to be led to certs_acked(), _room() and _refill(). Out of
 * memory is the end of the process. */
struct certs *certs_new(struct ev *ev, const struct store *store, struct keys *keys,
			const struct certs_ops *ops, void *arg);
void certs_free(struct certs *cs); /* NULL is ignored */

/* The certificate of a Secret; every hold needs its drop. ns and name are copied. */
struct cert *certs_hold(struct certs *cs, struct str ns, struct str name);
void certs_drop(struct certs *cs, struct cert *c);
/* The self-signed one; always there, never dropped. */
struct cert *certs_self_signed(struct certs *cs);

/* A Secret came, changed, or went: the store says which. */
void certs_secret_changed(struct certs *cs, const struct obj *secret);

/* From store_listen_again(). */
void certs_secret_again(struct certs *cs, const struct secret *again);

/* From now on certificates have OCSP responses of this stapler (master/ocsp/staple.h), or, NULL,
 * none. Borrowed until certs_free(). */
void certs_staple(struct certs *cs, struct stapler *s);

/* Fills in all but the name; valid until the next call into certs. False: not usable. */
bool cert_model(const struct cert *c, struct model_cert *out);
/* Is the certificate, usable or on its way, made for this host? While that is unknown: yes. */
bool cert_covers(const struct cert *c, struct str host);
/* Why it is not usable, and how to mend it; NULL when it is, or will be in a moment. */
const char *cert_trouble(const struct cert *c);
struct str cert_ns(const struct cert *c);
struct str cert_name(const struct cert *c);

/* From keys_ops. */
void certs_acked(struct certs *cs, uint64_t order, bool ok, const uint8_t key[SIGN_KEY_ID_LEN]);
void certs_room(struct certs *cs);
void certs_refill(struct certs *cs);
/* Is anything on its way? */
bool certs_settled(const struct certs *cs);

#endif
