/* nginx_time: times as nginx writes them: "30d", "1h30m", "90" (seconds); M is 30 days, y 365. */
#ifndef SILEX_K8S_TEXT_NGINX_TIME_H
#define SILEX_K8S_TEXT_NGINX_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

/* In seconds, at most `most`. False: it is none, or more; *out is then left alone. */
bool nginx_seconds(struct str s, uint32_t most, uint32_t *out);

#endif
