/*
 * credential: who to say that we are: the bearer token to send now, and the certificate that a
 * command gave.
 *
 * A projected service account token is replaced on disk about once an hour, by rename, and may be
 * empty or unreadable for a moment: the old one is used until a good one is read. An exec plugin
 * of a kubeconfig runs as a child beside the loop and what it gave is used until it expires.
 */
#ifndef SILEX_K8S_API_CREDENTIAL_H
#define SILEX_K8S_API_CREDENTIAL_H

#include <stdbool.h>

#include "common/loop/ev.h"
#include "k8s/api/access.h"

#define CREDENTIAL_REREAD_MS 60000u /* client-go re-reads a token file once a minute */
#define CREDENTIAL_TOKEN_MAX 65536u

struct credential;

/* ready(arg) is called when a token that was waited for has come or will not come. NULL with
 * errno ENOMEM. access is borrowed. */
struct credential *credential_new(struct ev *ev, const struct access *access,
				  void (*ready)(void *arg), void *arg);
void credential_free(struct credential *c);

/* Must the caller wait for ready() before it asks for the token? */
bool credential_pending(const struct credential *c);
/* The token, or NULL when none is used. Valid until the next call of this room. */
const char *credential_token(struct credential *c);
/* The certificate and key (PEM) that the kubeconfig's command gave, else NULL; as long valid. */
const char *credential_cert(const struct credential *c);
const char *credential_key(const struct credential *c);
/* What is known is no longer believed (401): read or run again now. */
void credential_refresh(struct credential *c);

#endif
