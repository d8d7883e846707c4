/*
 * events: what Silex says about an object, where its owner looks: kubectl describe.
 *
 * Never a storm: the same text about the same object is one Event whose count rises, written at
 * most once in EVENTS_REPEAT_MS; each object has a budget (client-go's: 25 at once, then one in
 * five minutes); what waits is bounded, the rest is counted. Losing an Event never disturbs
 * anything else: they are written when the API has time.
 */
#ifndef SILEX_K8S_WRITE_EVENTS_H
#define SILEX_K8S_WRITE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/loop/ev.h"
#include "k8s/api/client.h"
#include "k8s/objects/obj.h"

#define EVENTS_REPEAT_MS 10000u

struct events;

/* What it is about; strings are copied. For an object of ours use events_about(). */
struct event_about {
	const char *api_version, *kind;
	struct str ns, name, uid, resource_version;
};

/* component: reportingComponent ("nginx-ingress-controller"); instance: the pod's name.
 * NULL with errno ENOMEM. */
struct events *events_new(struct ev *ev, struct api_client *client, const char *component,
			  const char *instance);
void events_free(struct events *e); /* what waits is lost; NULL is ignored */

struct event_about events_about(const struct obj *o);
/* reason: CamelCase word ("Sync", "AnnotationParsingFailed"). message is cut at 1024 bytes. */
void events_emit(struct events *e, const struct event_about *about, bool warning,
		 const char *reason, const char *message);

struct events_stats {
	uint64_t written, failed, dropped;
};
void events_stats(const struct events *e, struct events_stats *out);

#endif
