/*
 * ours: header fields that are ours to say, or nobody's: who gets a request from us believes them
 * because it trusts its proxy. What a client says in them is dropped or kept under another name.
 */
#ifndef SILEX_WORKER_REQUEST_OURS_H
#define SILEX_WORKER_REQUEST_OURS_H

#include "worker/request/request.h"

bool ours_to_say(enum field_id id);
/* Of these, those that a question to an auth service carries (auth/auth.h). */
bool ours_of_question(enum field_id id);

/* r->request_id: the client's own, or one made here, as the settings say. Once a request. */
void ours_request_id(struct request *r, struct str given);

#endif
