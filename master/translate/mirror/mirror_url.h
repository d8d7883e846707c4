/*
 * mirror_url: the URL of mirror-target, taken apart.
 *
 *     http[s]://host[:port]rest     host as in auth_url.h; rest is a template of variables
 *
 * ingress-nginx gives the text to nginx' proxy_pass. What may stand in it is what ingress-nginx'
 * validation lets through. The host is fixed: nginx would look a host made of variables up at
 * every request, which lets a client choose whom the controller speaks to. A variable right behind
 * the host must therefore be one that begins with "/".
 */
#ifndef SILEX_MASTER_TRANSLATE_MIRROR_MIRROR_URL_H
#define SILEX_MASTER_TRANSLATE_MIRROR_MIRROR_URL_H

#include "common/text.h"
#include "master/translate/auth/auth_url.h"

/* What ingress-nginx' validation of mirror-target and mirror-host lets through. */
bool mirror_url_chars(struct str s);

/* The host's part of text into *out, and the template of the copy's target behind what `target`
 * holds. *same: that is the request's own, path and all. NULL, or what is wrong with it: the end
 * of a sentence that begins with the text. */
const char *mirror_url_parse(struct str text, struct auth_url *out, struct text *target,
			     bool *same);

#endif
