/*
 * up_tls: from proxy-ssl-* to profiles of the table: how TLS is spoken to endpoints.
 *
 *     ingress >── g_profile ── Secret (its certificate held at master/certs)
 *
 * Ingresses that ask for the same share a profile. A policy names it by id (POLICY_OPT_UP_TLS), so
 * that a changed Secret is one put and touches no route. A Secret that is missing or bad takes its
 * profile out of the table, and whoever names it answers 503: nothing is sent to an endpoint that
 * nobody verified (facts: annotations §0 LocationDenied, §3).
 * The oldest Ingress of a host that has a profile decides for all of the host's paths, unless
 * proxy-ssl-location-only is set.
 */
#ifndef SILEX_MASTER_TRANSLATE_TLS_UP_TLS_H
#define SILEX_MASTER_TRANSLATE_TLS_UP_TLS_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/policy/policy.h"
#include "master/translate/graph/graph.h"

struct translate;
struct cert;
struct g_profile;
RB_HEAD(g_profiles, g_profile);

struct up_tls_state {
	struct g_profiles profiles;
	STAILQ_HEAD(, g_profile) queue, touched;
};

void up_tls_init(struct translate *t);
void up_tls_free(struct translate *t);

/* An Ingress that is taken: its profile, or the refusal of its paths. Findings go to its scope,
 * which is open. */
void up_tls_attach(struct translate *t, struct g_ingress *i, struct annots *a);
void up_tls_detach(struct translate *t, struct g_ingress *i);

/* What the policy of i's paths on a host says; host_wide is the oldest Ingress of the host that
 * has a profile, or NULL. False: nothing. */
bool up_tls_option(const struct translate *t, const struct g_ingress *i,
		   const struct g_ingress *host_wide, struct policy_up_tls *out);

/* How TLS is spoken to an auth service or a mirror-target of this name: it is sent as SNI, and
 * nothing is verified, as ingress-nginx does it. Counted. */
struct g_profile *up_tls_ask(struct translate *t, struct str name);
void up_tls_ask_no_more(struct translate *t, struct g_profile *p);
uint64_t up_tls_id(const struct g_profile *p);

void up_tls_secret_changed(struct translate *t, const struct obj *secret);
void up_tls_cert_changed(struct translate *t, const struct cert *c);

/* Before the hosts. 0, or -1 with the sink's errno. */
int up_tls_flush(struct translate *t);
void up_tls_published(struct translate *t);
void up_tls_rolled_back(struct translate *t);

#endif
