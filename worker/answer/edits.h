/*
 * edits: what proxy-redirect-*, proxy-cookie-domain and proxy-cookie-path change in an endpoint's
 * answer (facts: annotations §2, §9; nginx' proxy_redirect, proxy_cookie_domain,
 * proxy_cookie_path). Compiled at publication (policy_edit.h); POLICY_EDITS says whether there are
 * any. Fields that are made here are none of its business.
 */
#ifndef SILEX_WORKER_ANSWER_EDITS_H
#define SILEX_WORKER_ANSWER_EDITS_H

#include "worker/request/request.h"

/* On r's answer h, before anything of ours is in it. 0, or -1: a regex gave up, memory is out, or a
 * value became too long; h may then be changed in part. */
int edits_apply(struct request *r, struct head *h);

#endif
