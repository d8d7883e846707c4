/* whereabouts: see whereabouts.h. */
#include "master/kube/whereabouts.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "k8s/text/json.h"
#include "k8s/watch/backoff.h"

#define TOTAL_MS 15000
#define BODY_MAX ((size_t)4 << 20) /* a Pod may be large, and most of it is not for us */

struct whereabouts {
	struct ev *ev;
	struct api_client *client;
	struct pod *pod;
	struct api_call *call; /* NULL: waiting for the timer, or done */
	struct timer again;
	struct backoff backoff;
	void (*found)(void *arg);
	void *arg;
};

static void give_up(struct whereabouts *w, const char *why)
{
	log_warn(
	    "the node this pod runs on is not known: endpoints of all zones are used alike; set "
	    "NODE_NAME in the environment from spec.nodeName",
	    LOG_Z("why", why));
	w->found(w->arg);
}

static void take(struct whereabouts *w, struct str body)
{
	struct jv_err err = {0};
	struct json_object *tree = jv_parse(&body, &err);
	struct jv root, spec;

	if (tree != NULL && json_object_is_type(tree, json_type_object)) {
		root = jv_root(tree, &err);
		if (jv_obj(&root, "spec", &spec))
			(void)snprintf(w->pod->node, sizeof(w->pod->node), STR_FMT,
				       STR_ARG(jv_str(&spec, "nodeName")));
	}
	json_object_put(tree);
	if (w->pod->node[0] != '\0')
		w->found(w->arg);
	else
		give_up(w, "the Pod names no node");
}

static void on_reply(void *arg, const struct api_reply *reply)
{
	struct whereabouts *w = arg;
	uint64_t now = ev_now_ms(w->ev);

	w->call = NULL;
	if (reply->status == 200 && reply->complete)
		take(w, reply->body);
	else if (reply->status == 403)
		give_up(w, "not allowed: the role needs pods: get");
	else if (reply->status == 404)
		give_up(w, "there is no Pod of the name POD_NAME says");
	else
		timer_set(ev_timers(w->ev), &w->again,
			  now + backoff_next(&w->backoff, now, reply->retry_after_s * 1000));
	if (reply->status == 401)
		api_credentials_stale(w->client);
}

static void ask(struct whereabouts *w)
{
	char path[512];
	struct api_request req = {
	    .method = "GET",
	    .path = path,
	    .gzip = true,
	    .total_ms = TOTAL_MS,
	    .body_max = BODY_MAX,
	};

	(void)snprintf(path, sizeof(path), "/api/v1/namespaces/%s/pods/%s", w->pod->ns,
		       w->pod->name);
	w->call = api_start(w->client, &req, NULL, on_reply, w);
	if (w->call == NULL)
		give_up(w, "out of memory");
}

static void on_again(struct timer *t)
{
	ask(container_of(t, struct whereabouts, again));
}

struct whereabouts *whereabouts_new(struct ev *ev, struct api_client *client, struct pod *pod,
				    void (*found)(void *arg), void *arg)
{
	struct whereabouts *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->ev = ev;
	w->client = client;
	w->pod = pod;
	w->found = found;
	w->arg = arg;
	timer_init(&w->again, on_again);
	backoff_init(&w->backoff, (uint64_t)(uintptr_t)w ^ ev_now_us(ev));
	if (pod->node[0] != '\0')
		found(arg);
	else if (pod->name[0] == '\0' || pod->ns[0] == '\0')
		give_up(w, "POD_NAME and POD_NAMESPACE are not set either");
	else
		ask(w);
	return w;
}

void whereabouts_free(struct whereabouts *w)
{
	if (w == NULL)
		return;
	api_cancel(w->call);
	timer_cancel(ev_timers(w->ev), &w->again);
	free(w);
}
