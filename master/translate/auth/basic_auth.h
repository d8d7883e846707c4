/*
 * basic_auth: from auth-type, auth-secret, auth-secret-type and auth-realm to the option that step
 * basic reads (policy_basic.h).
 *
 *     ingress >── users_list (master/basic/users.h): the Secret, read in one way
 *
 * Without a list that the auth process has, the Ingress' paths are closed (503): nobody passes
 * because a Secret is missing, empty, another namespace's, or on its way (facts: annotations §0
 * LocationDenied, §7).
 */
#ifndef SILEX_MASTER_TRANSLATE_AUTH_BASIC_AUTH_H
#define SILEX_MASTER_TRANSLATE_AUTH_BASIC_AUTH_H

#include "master/translate/state.h"

/* An Ingress that is taken: its option into a->made. Findings go to its scope, which is open.
 * False: its paths stay closed, which was told, or is over in a moment. */
bool basic_attach(struct translate *t, struct g_ingress *i, struct annots *a);
void basic_detach(struct translate *t, struct g_ingress *i);

#endif
