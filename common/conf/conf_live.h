/*
 * conf_live: which settings a running worker takes over as they are.
 *
 * They are read each time they are needed, so that a change of the ConfigMap needs no new
 * workers and closes no connection. What else differs is fixed for a worker's life (sizes of its
 * memory, its sandbox) and takes a replacement, as SIGHUP does it.
 */
#ifndef SILEX_COMMON_CONF_CONF_LIVE_H
#define SILEX_COMMON_CONF_CONF_LIVE_H

#include "common/conf/conf.h"

/* Copy every live setting. */
void conf_take_live(struct conf *running, const struct conf *fresh);
/* Would conf_take_live() make them alike? Both must be copies of one struct conf at first. */
bool conf_differs_live_only(const struct conf *running, const struct conf *fresh);

#endif
