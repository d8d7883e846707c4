/* addresses_parse: see addresses_parse.h. */
#include "k8s/write/addresses_parse.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "k8s/objects/decode.h"
#include "k8s/text/json.h"

/* ---- Services ------------------------------------------------------------------------ */

static void add_all(struct status_addresses *out, const struct obj_strs *texts)
{
	for (uint32_t i = 0; i < texts->n; i++)
		status_addresses_add(out, texts->v[i]);
}

static void add_balancer(struct status_addresses *out, const struct lb_status *lb)
{
	for (uint32_t i = 0; i < lb->n; i++)
		status_addresses_add(out, lb->v[i].ip.n > 0 ? lb->v[i].ip : lb->v[i].hostname);
}

void addresses_of_service(struct status_addresses *out, const struct service *s)
{
	switch (s->type) {
	case SERVICE_EXTERNAL_NAME:
		status_addresses_add(out, s->external_name);
		return;
	case SERVICE_CLUSTER_IP:
		add_all(out, &s->cluster_ips);
		return;
	case SERVICE_NODE_PORT:
		add_all(out, s->external_ips.n > 0 ? &s->external_ips : &s->cluster_ips);
		return;
	case SERVICE_LOAD_BALANCER:
		add_balancer(out, &s->status);
		add_all(out, &s->external_ips);
		return;
	}
}

bool addresses_of_service_text(struct status_addresses *out, struct str json)
{
	struct jv_err err = {0};
	struct json_object *tree = jv_parse(&json, &err);
	struct obj *o = NULL;

	if (tree == NULL)
		return false;
	if (json_object_is_type(tree, json_type_object))
		o = decode_object(OBJ_SERVICE, tree, &(struct decode_from){0}, &err);
	json_object_put(tree);
	if (o == NULL)
		return false;
	addresses_of_service(out, obj_service(o));
	obj_free(o);
	return true;
}

/* ---- Pods ---------------------------------------------------------------------------- */

struct selector {
	char *out;
	size_t n;
	bool full;
};

/* Set by the workload's controller: they differ between revisions of the same controller. */
static bool names_revision(const char *label)
{
	return strcmp(label, "pod-template-hash") == 0 ||
	       strcmp(label, "controller-revision-hash") == 0 ||
	       strcmp(label, "pod-template-generation") == 0;
}

static bool add_label(void *arg, const struct jv *entry)
{
	struct selector *s = arg;
	struct str value;
	int n;

	if (names_revision(entry->key) || !jv_as_str(entry, &value))
		return true;
	n = snprintf(s->out + s->n, ADDRESSES_SELECTOR_MAX - s->n, "%s%s=" STR_FMT,
		     s->n > 0 ? "," : "", entry->key, STR_ARG(value));
	if (n < 0 || (size_t)n >= ADDRESSES_SELECTOR_MAX - s->n) {
		s->full = true;
		return false;
	}
	s->n += (size_t)n;
	return true;
}

bool addresses_pod_selector(struct str json, char out[ADDRESSES_SELECTOR_MAX])
{
	struct selector s = {.out = out};
	struct jv_err err = {0};
	struct json_object *tree = jv_parse(&json, &err);
	struct jv root, meta, labels;

	out[0] = '\0';
	if (tree == NULL)
		return false;
	root = jv_root(tree, &err);
	if (json_object_is_type(tree, json_type_object) && jv_obj(&root, "metadata", &meta) &&
	    jv_obj(&meta, "labels", &labels))
		jv_each(&labels, add_label, &s);
	json_object_put(tree);
	return s.n > 0 && !s.full;
}

static bool is_ready(const struct jv *status)
{
	struct jv conditions, one;
	uint32_t n = jv_arr(status, "conditions", &conditions);

	for (uint32_t i = 0; i < n; i++)
		if (jv_item_obj(&conditions, i, &one) && str_eq(jv_str(&one, "type"), STR("Ready")))
			return str_eq(jv_str(&one, "status"), STR("True"));
	return false;
}

static void add_node(struct addresses_nodes *nodes, struct str name)
{
	if (name.n == 0 || name.n >= STATUS_TEXT_MAX || nodes->n == ADDRESSES_NODES_MAX)
		return;
	for (unsigned i = 0; i < nodes->n; i++)
		if (str_eq(str_from(nodes->v[i]), name))
			return;
	(void)snprintf(nodes->v[nodes->n++], STATUS_TEXT_MAX, STR_FMT, STR_ARG(name));
}

static void add_pod(const struct jv *pod, struct str self, struct addresses_nodes *nodes,
		    int *others)
{
	struct jv meta, spec, status;

	if (!jv_obj(pod, "metadata", &meta) || !jv_obj(pod, "spec", &spec) ||
	    !jv_obj(pod, "status", &status))
		return;
	if (!str_eq(jv_str(&meta, "name"), self) && !jv_has(&meta, "deletionTimestamp") &&
	    str_eq(jv_str(&status, "phase"), STR("Running")))
		(*others)++;
	if (str_eq(jv_str(&status, "phase"), STR("Running")) && is_ready(&status))
		add_node(nodes, jv_str(&spec, "nodeName"));
}

bool addresses_of_pods(struct str json, struct str self, struct addresses_nodes *nodes, int *others)
{
	struct jv_err err = {0};
	struct json_object *tree = jv_parse(&json, &err);
	struct jv root, items, pod;
	uint32_t n;
	bool ok;

	*nodes = (struct addresses_nodes){0};
	*others = 0;
	if (tree == NULL)
		return false;
	root = jv_root(tree, &err);
	ok = json_object_is_type(tree, json_type_object) &&
	     str_eq(jv_str(&root, "kind"), STR("PodList"));
	n = ok ? jv_arr(&root, "items", &items) : 0;
	for (uint32_t i = 0; i < n; i++)
		if (jv_item_obj(&items, i, &pod))
			add_pod(&pod, self, nodes, others);
	json_object_put(tree);
	return ok;
}

/* ---- Nodes --------------------------------------------------------------------------- */

static unsigned add_of_type(struct status_addresses *out, const struct jv *status, struct str type)
{
	struct jv list, one;
	uint32_t n = jv_arr(status, "addresses", &list);
	unsigned added = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!jv_item_obj(&list, i, &one) || !str_eq(jv_str(&one, "type"), type))
			continue;
		status_addresses_add(out, jv_str(&one, "address"));
		added++;
	}
	return added;
}

bool addresses_of_node(struct status_addresses *out, struct str json, bool internal)
{
	struct jv_err err = {0};
	struct json_object *tree = jv_parse(&json, &err);
	struct jv root, status;
	bool ok;

	if (tree == NULL)
		return false;
	root = jv_root(tree, &err);
	ok = json_object_is_type(tree, json_type_object) && jv_obj(&root, "status", &status);
	if (ok && (internal || add_of_type(out, &status, STR("ExternalIP")) == 0))
		(void)add_of_type(out, &status, STR("InternalIP"));
	json_object_put(tree);
	return ok;
}
