/*
 * headers: header fields that ConfigMaps name, compiled for the table (policy_header.h).
 *
 *   add-headers, hide-headers     answers: of every route, and of the server itself
 *   proxy-set-headers             requests to endpoints; values may hold variables
 *   annotation custom-headers     answers of one Ingress' routes; every name must be in
 *                                 global-allowed-response-headers (facts: annotations §11)
 *
 * A name or value that cannot stand in a head is left out and told, on the ConfigMap that holds
 * it; an annotation that cannot be honoured closes its locations (503), as ingress-nginx does it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/policy/policy_header.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/named.h"
#include "master/translate/state.h"

static const struct configmap *find(const struct translate *t, struct str ns, struct str name)
{
	const struct obj *o = store_get(t->store, OBJ_CONFIGMAP, ns, name);

	return o == NULL ? NULL : obj_configmap(o);
}

/* ---- what holds for all ---- */

static void tell(struct translate *t, const struct obj *about, const char *why)
{
	finding_about(&t->findings, &t->headers.found, FINDING_WARN, "BadHeader", about, "%s", why);
}

/* All of a ConfigMap's entries. */
static void put_all(struct translate *t, struct text *list, const struct configmap *cm)
{
	char why[VARS_WHY_MAX];

	for (uint32_t i = 0; i < cm->data.n; i++)
		if (policy_header_put(list, HEADER_SET, cm->data.kv[i].key,
				      str_trim(cm->data.kv[i].value), false, why) != VARS_OK)
			tell(t, &cm->o, why);
}

/* Objects that are named are still on their way: what is not there may come. translate_settled()
 * looks again. */
static bool may_come(const struct translate *t)
{
	return t->sink.settling != NULL && t->sink.settling(t->sink.secrets);
}

static void put_named(struct translate *t, struct text *list, const char *key, const char *ref)
{
	struct obj named = {.kind = OBJ_CONFIGMAP};
	const struct configmap *cm;
	char why[VARS_WHY_MAX];

	if (*ref == '\0' || !named_split(str_from(ref), &named.ns, &named.name))
		return;
	cm = find(t, named.ns, named.name);
	if (cm != NULL) {
		put_all(t, list, cm);
		return;
	}
	if (may_come(t)) {
		t->headers.waits = true;
		return;
	}
	(void)snprintf(why, sizeof(why),
		       "%s names this ConfigMap, which does not exist: create it, "
		       "or correct the name",
		       key);
	tell(t, &named, why);
}

static void put_hidden(struct translate *t, struct text *list)
{
	const struct configmap *cm = config_of(&t->conf, t->store);
	struct str rest = str_from(t->conf.hide_headers), one;
	static const struct obj silex_conf = {.kind = OBJ_CONFIGMAP};
	char why[VARS_WHY_MAX];

	while (conf_csv_next(&rest, &one))
		if (policy_header_put(list, HEADER_HIDE, one, STR_NONE, true, why) != VARS_OK)
			tell(t, cm == NULL ? &silex_conf : &cm->o, why);
}

static void refer(struct translate *t, const char *ref,
		  void (*fn)(void *arg, struct str ns, struct str name))
{
	struct str ns, name;

	if (fn != NULL && *ref != '\0' && named_split(str_from(ref), &ns, &name))
		fn(t->sink.secrets, ns, name);
}

/* The new ones before the old are let go: what stays is not fetched anew. */
static void follow(struct translate *t)
{
	struct headers_state *h = &t->headers;

	refer(t, t->conf.add_headers, t->sink.configmap_ref);
	refer(t, t->conf.proxy_set_headers, t->sink.configmap_ref);
	refer(t, h->add, t->sink.configmap_unref);
	refer(t, h->set, t->sink.configmap_unref);
	memcpy(h->add, t->conf.add_headers, sizeof(h->add));
	memcpy(h->set, t->conf.proxy_set_headers, sizeof(h->set));
}

void headers_conf_changed(struct translate *t)
{
	struct headers_state *h = &t->headers;
	uint32_t *flags = &t->defaults.policy.flags;
	struct text request, response;

	follow(t);
	text_growing(&request, POLICY_LIST_MAX);
	text_growing(&response, POLICY_LIST_MAX);
	h->waits = false;
	finding_begin(&h->found);
	put_hidden(t, &response);
	put_named(t, &response, "add-headers", t->conf.add_headers);
	put_named(t, &request, "proxy-set-headers", t->conf.proxy_set_headers);
	finding_end(&h->found);
	free(h->request);
	free(h->response);
	h->request = request.p;
	h->response = response.p;
	t->defaults.request_headers = str_make(request.p, request.n);
	t->defaults.response_headers = str_make(response.p, response.n);
	*flags |= t->conf.allow_backend_server_header ? POLICY_KEEP_SERVER : 0;
	*flags |= t->conf.server_tokens ? POLICY_SERVER_TOKENS : 0;
	*flags |= t->conf.proxy_add_original_uri ? POLICY_ORIGINAL_URI : 0;
}

bool headers_named(const struct translate *t, const struct obj *configmap)
{
	const char *refs[] = {t->conf.add_headers, t->conf.proxy_set_headers};
	struct str ns, name;

	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++)
		if (*refs[i] != '\0' && named_split(str_from(refs[i]), &ns, &name) &&
		    str_eq(ns, configmap->ns) && str_eq(name, configmap->name))
			return true;
	return false;
}

void headers_free(struct translate *t)
{
	free(t->headers.request);
	free(t->headers.response);
	finding_scope_free(&t->headers.found);
}

/* ---- custom-headers of one Ingress ---- */

static bool allowed(const struct translate *t, struct str name)
{
	struct str rest = str_from(t->conf.allowed_response_headers), one;

	while (conf_csv_next(&rest, &one))
		if (str_eq(one, name))
			return true;
	return false;
}

static const char *custom_list(struct translate *t, const struct configmap *cm, struct text *list,
			       char why[VARS_WHY_MAX])
{
	for (uint32_t n = 0; n < cm->data.n; n++) {
		struct str name = cm->data.kv[n].key;

		if (!allowed(t, name)) {
			(void)snprintf(why, VARS_WHY_MAX,
				       "names header \"" STR_FMT "\", which "
				       "global-allowed-response-headers does not list",
				       STR_ARG(str_head(name, 60)));
			return why;
		}
		if (policy_header_put(list, HEADER_SET, name, str_trim(cm->data.kv[n].value), true,
				      why) != VARS_OK)
			return why;
	}
	return NULL;
}

void headers_attach(struct translate *t, struct g_ingress *i, struct annots *a)
{
	if (!named_list(t, i, "custom-headers", a->custom_headers, custom_list,
			&a->made.own_headers))
		a->policy.flags |= POLICY_DENY;
}
