/*
 * reflector_say: what a reflector tells. Its troubles, each once for as long as it lasts, in one
 * log line; and to whoever asks: how it fares, for /readyz?verbose and metrics.
 */
#include <stdio.h>

#include "common/log/log.h"
#include "k8s/watch/reflector_int.h"

void reflector_say_trouble(struct reflector *r, int status, const char *why)
{
	r->stats.failures++;
	if (r->stats.trouble_ms == 0)
		r->stats.trouble_ms = ev_now_ms(r->ev);
	(void)snprintf(r->trouble, sizeof(r->trouble), "%s", why);
	if (r->said_status == status)
		return;
	r->said_status = status;
	log_warn("API server: the last known objects stay in use",
		 LOG_Z("resource", resource_plural(r->scope.kind)), LOG_Z("namespace", r->scope.ns),
		 LOG_Z("name", r->scope.name), LOG_I64("status", status), LOG_Z("why", why));
}

void reflector_say_forbidden(struct reflector *r)
{
	char why[REFLECTOR_TROUBLE];

	(void)snprintf(why, sizeof(why),
		       "not allowed: the role needs apiGroups [\"%s\"] resources [\"%s\"] verbs "
		       "[\"list\", \"watch\"]%s%s",
		       resource_group(r->scope.kind), resource_plural(r->scope.kind),
		       r->scope.ns[0] != '\0' ? " in namespace " : "", r->scope.ns);
	if (r->said_status != 403)
		r->ops->forbidden(r->arg, r, why);
	reflector_say_trouble(r, 403, why);
}

void reflector_say_garbage(struct reflector *r, const char *what, struct str first)
{
	char why[REFLECTOR_TROUBLE];

	(void)snprintf(why, sizeof(why), "%s: \"" STR_FMT "\"", what, STR_ARG(first));
	reflector_say_trouble(r, -2, why);
}

void reflector_say_live(struct reflector *r)
{
	if (r->said_status != 0)
		log_info("API server: watching again",
			 LOG_Z("resource", resource_plural(r->scope.kind)),
			 LOG_Z("namespace", r->scope.ns), LOG_Z("name", r->scope.name));
	r->said_status = 0;
	r->refused_ms = 0;
	r->stats.trouble_ms = 0;
	r->trouble[0] = '\0';
}

/* ---- to whoever asks ----------------------------------------------------------------- */

const struct resource_scope *reflector_scope(const struct reflector *r)
{
	return &r->scope;
}

enum reflector_health reflector_health(const struct reflector *r)
{
	if (!r->synced)
		return REFLECTOR_STARTING;
	return r->trouble[0] == '\0' ? REFLECTOR_LIVE : REFLECTOR_STALE;
}

const char *reflector_trouble(const struct reflector *r)
{
	return r->trouble;
}

int reflector_trouble_status(const struct reflector *r)
{
	return r->trouble[0] == '\0' ? 0 : r->said_status;
}

void reflector_stats(const struct reflector *r, struct reflector_stats *out)
{
	*out = r->stats;
}
