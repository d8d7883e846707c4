/* addresses: see addresses.h. Here: what to ask for, one request after the other. */
#include "k8s/write/addresses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf/conf.h"
#include "k8s/write/addresses_parse.h"
#include "k8s/watch/resource.h"

#define BODY_MAX  ((size_t)16 << 20)
#define PODS_MAX  500
#define TOTAL_MS  15000
#define PATH_SIZE 4096
#define WHY_SIZE  256

enum step {
	STEP_SERVICE,
	STEP_POD,
	STEP_PODS,
	STEP_NODE,
};

struct addresses {
	struct api_client *client;
	const struct store *store;
	char *fixed, *service, *pod_ns, *pod_name;
	bool internal_ip;
	char selector[ADDRESSES_SELECTOR_MAX]; /* of our pods; "": not known yet */
	struct api_call *call;
	enum step step;
	struct status_addresses found;
	struct addresses_nodes nodes;
	unsigned node; /* the one that is asked for */
	int others;
	/* Exactly one of the two while something is asked for. */
	addresses_fn *on_found;
	addresses_others_fn *on_others;
	void *arg;
};

/* ---- answering ----------------------------------------------------------------------- */

static void answer(struct addresses *a, const char *why)
{
	addresses_fn *on_found = a->on_found;
	addresses_others_fn *on_others = a->on_others;

	a->on_found = NULL;
	a->on_others = NULL;
	if (on_found != NULL)
		on_found(a->arg, why == NULL ? &a->found : NULL, why);
	else if (on_others != NULL)
		on_others(a->arg, why == NULL ? a->others : -1);
}

static const char *const rights[] = {
    [STEP_SERVICE] = "services: get",
    [STEP_POD] = "pods: get",
    [STEP_PODS] = "pods: list",
    [STEP_NODE] = "nodes: get",
};

static void answer_failed(struct addresses *a, const struct api_reply *reply)
{
	char why[WHY_SIZE];

	if (reply->status == 403)
		(void)snprintf(why, sizeof(why), "not allowed: the role needs %s", rights[a->step]);
	else if (reply->error != NULL)
		(void)snprintf(why, sizeof(why), "%s", reply->error);
	else
		(void)snprintf(why, sizeof(why), "HTTP status %d, or an unexpected answer, to %s",
			       reply->status, rights[a->step]);
	answer(a, why);
}

/* ---- asking -------------------------------------------------------------------------- */

static void on_reply(void *arg, const struct api_reply *reply);

static void ask(struct addresses *a, enum step step, const char *path)
{
	struct api_request req = {
	    .method = "GET",
	    .path = path,
	    .gzip = true,
	    .total_ms = TOTAL_MS,
	    .body_max = BODY_MAX,
	};

	a->step = step;
	a->call = api_start(a->client, &req, NULL, on_reply, a);
	if (a->call == NULL)
		answer(a, "out of memory");
}

static void ask_pods(struct addresses *a)
{
	char encoded[ADDRESSES_SELECTOR_MAX * 3 + 1];
	char path[PATH_SIZE];

	if (a->pod_ns[0] == '\0' || a->pod_name[0] == '\0') {
		answer(a, "POD_NAME and POD_NAMESPACE are not set in the environment: give "
			  "--publish-service or --publish-status-address");
		return;
	}
	if (a->selector[0] == '\0') {
		(void)snprintf(path, sizeof(path), "/api/v1/namespaces/%s/pods/%s", a->pod_ns,
			       a->pod_name);
		ask(a, STEP_POD, path);
		return;
	}
	resource_encode(encoded, sizeof(encoded), a->selector);
	(void)snprintf(path, sizeof(path), "/api/v1/namespaces/%s/pods?limit=%d&labelSelector=%s",
		       a->pod_ns, PODS_MAX, encoded);
	ask(a, STEP_PODS, path);
}

static void ask_node(struct addresses *a)
{
	char path[PATH_SIZE];

	if (a->on_others != NULL || a->node == a->nodes.n) {
		answer(a, NULL);
		return;
	}
	(void)snprintf(path, sizeof(path), "/api/v1/nodes/%s", a->nodes.v[a->node]);
	ask(a, STEP_NODE, path);
}

/* False: the answer makes no sense. */
static bool take(struct addresses *a, struct str body)
{
	switch (a->step) {
	case STEP_SERVICE:
		if (!addresses_of_service_text(&a->found, body))
			return false;
		answer(a, NULL);
		return true;
	case STEP_POD:
		if (!addresses_pod_selector(body, a->selector))
			return false;
		ask_pods(a);
		return true;
	case STEP_PODS:
		if (!addresses_of_pods(body, str_from(a->pod_name), &a->nodes, &a->others))
			return false;
		a->node = 0;
		ask_node(a);
		return true;
	case STEP_NODE:
		if (!addresses_of_node(&a->found, body, a->internal_ip))
			return false;
		a->node++;
		ask_node(a);
		return true;
	}
	return false;
}

static void on_reply(void *arg, const struct api_reply *reply)
{
	struct addresses *a = arg;

	a->call = NULL;
	if (reply->status == 404 && a->step == STEP_NODE) { /* gone since the list of pods */
		a->node++;
		ask_node(a);
		return;
	}
	if (reply->status != 200 || !reply->complete || !take(a, reply->body))
		answer_failed(a, reply);
}

/* ---- the question -------------------------------------------------------------------- */

static void find_fixed(struct addresses *a)
{
	struct str rest = str_from(a->fixed), one;

	while (conf_csv_next(&rest, &one))
		status_addresses_add(&a->found, one);
	answer(a, NULL);
}

/* From the store when it is watched there, which costs nothing and is newest. */
static void find_service(struct addresses *a)
{
	struct str text = str_from(a->service);
	ptrdiff_t slash = str_chr(text, '/');
	struct str ns = str_make(text.p, slash == -1 ? 0 : (size_t)slash);
	struct str name = str_from_at(text, (size_t)(slash + 1));
	const struct obj *o = store_get(a->store, OBJ_SERVICE, ns, name);
	char path[PATH_SIZE];

	if (o != NULL) {
		addresses_of_service(&a->found, obj_service(o));
		answer(a, NULL);
		return;
	}
	(void)snprintf(path, sizeof(path), "/api/v1/namespaces/" STR_FMT "/services/" STR_FMT,
		       STR_ARG(ns), STR_ARG(name));
	ask(a, STEP_SERVICE, path);
}

static void begin(struct addresses *a, void *arg)
{
	api_cancel(a->call);
	a->call = NULL;
	a->found = (struct status_addresses){0};
	a->others = 0;
	a->on_found = NULL;
	a->on_others = NULL;
	a->arg = arg;
}

void addresses_find(struct addresses *a, addresses_fn *fn, void *arg)
{
	begin(a, arg);
	a->on_found = fn;
	if (a->fixed[0] != '\0')
		find_fixed(a);
	else if (a->service[0] != '\0')
		find_service(a);
	else
		ask_pods(a);
}

void addresses_others(struct addresses *a, addresses_others_fn *fn, void *arg)
{
	begin(a, arg);
	a->on_others = fn;
	ask_pods(a);
}

struct addresses *addresses_new(struct api_client *client, const struct store *store,
				const struct addresses_conf *conf)
{
	struct addresses *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->client = client;
	a->store = store;
	a->internal_ip = conf->internal_ip;
	a->fixed = strdup(conf->fixed);
	a->service = strdup(conf->service);
	a->pod_ns = strdup(conf->pod_ns);
	a->pod_name = strdup(conf->pod_name);
	if (a->fixed == NULL || a->service == NULL || a->pod_ns == NULL || a->pod_name == NULL) {
		addresses_free(a);
		errno = ENOMEM;
		return NULL;
	}
	return a;
}

void addresses_free(struct addresses *a)
{
	if (a == NULL)
		return;
	api_cancel(a->call);
	free(a->fixed);
	free(a->service);
	free(a->pod_ns);
	free(a->pod_name);
	free(a);
}
