/*
 * reflector_apply: what a watch event or a page of a list means for the store.
 *
 * An object that cannot be taken is refused by name and the stream goes on; an event that is not
 * an event at all ends the stream, because nothing behind it can be believed either.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/watch/reflector_int.h"
#include "k8s/objects/decode.h"
#include "k8s/text/json.h"

#define INITIAL_END "k8s.io/initial-events-end"

/* ---- versions ------------------------------------------------------------------------ */

/* Opaque by contract; numeric on every server there is. Used for one question only: after an
 * outage, is the server's world older than ours? Unknown forms count as not older. */
static bool version_reached(const char *ours, struct str theirs)
{
	uint64_t a, b;

	if (!str_u64(str_from(ours), UINT64_MAX, &a) || !str_u64(theirs, UINT64_MAX, &b))
		return true;
	return b >= a;
}

static void take_version(struct reflector *r, const struct jv *object)
{
	struct jv meta;
	struct str rv;

	if (!jv_obj(object, "metadata", &meta))
		return;
	rv = jv_str(&meta, "resourceVersion");
	if (rv.n == 0 || rv.n >= REFLECTOR_RV_MAX)
		return;
	if (!r->replacing && version_reached(r->rv, rv))
		r->probe_ok = true;
	(void)snprintf(r->rv, sizeof(r->rv), STR_FMT, STR_ARG(rv));
}

/* ---- objects ------------------------------------------------------------------------- */

static void refuse(struct reflector *r, struct str ns, struct str name, const char *why)
{
	char object[400];

	(void)snprintf(object, sizeof(object), "%s " STR_FMT "/" STR_FMT,
		       obj_kind_name(r->scope.kind), STR_ARG(ns), STR_ARG(name));
	r->stats.refused++;
	r->ops->refused(r->arg, r, object, why);
}

static void identity(const struct jv *object, struct str *ns, struct str *name)
{
	struct jv_err quiet = {0};
	struct jv root = jv_root(object->v, &quiet);
	struct jv meta;

	*ns = *name = STR_NONE;
	if (!jv_obj(&root, "metadata", &meta))
		return;
	*ns = jv_str(&meta, "namespace");
	*name = jv_str(&meta, "name");
}

static bool is_from_file(const struct store *store, enum obj_kind kind, struct str ns,
			 struct str name)
{
	const struct obj *o = store_get(store, kind, ns, name);

	return o != NULL && o->file.n > 0;
}

bool reflector_delete(struct store *store, enum obj_kind kind, struct str ns, struct str name)
{
	return !is_from_file(store, kind, ns, name) && store_delete(store, kind, ns, name);
}

static void put(struct reflector *r, const struct jv *object)
{
	struct jv_err err = {0};
	struct str ns, name;
	struct obj *o = decode_object(r->scope.kind, object->v, &(struct decode_from){0}, &err);

	identity(object, &ns, &name);
	r->seen = r->seen || str_eq(name, str_from(r->scope.name));
	if (o == NULL) {
		refuse(r, ns, name, err.text);
		return;
	}
	if (is_from_file(r->store, r->scope.kind, o->ns, o->name))
		obj_free(o); /* what stands in the manifests directory wins */
	else if (store_put(r->store, o))
		r->dirty = true;
}

static void remove_object(struct reflector *r, const struct jv *object)
{
	struct str ns, name;

	identity(object, &ns, &name);
	if (name.n > 0 && reflector_delete(r->store, r->scope.kind, ns, name))
		r->dirty = true;
}

void reflector_picture_begin(struct reflector *r)
{
	r->replacing = true;
	r->seen = false;
	if (r->scope.name[0] == '\0')
		store_replace_begin(r->store, r->scope.kind);
}

void reflector_picture_end(struct reflector *r)
{
	struct str ns = str_from(r->scope.ns);

	r->replacing = false;
	/* A difference may have removed something without any event: say so to be safe. */
	r->dirty = true;
	if (r->scope.name[0] == '\0')
		store_replace_end(r->store, r->scope.kind, ns);
	else if (!r->seen)
		(void)reflector_delete(r->store, r->scope.kind, ns, str_from(r->scope.name));
}

/* ---- watch events -------------------------------------------------------------------- */

static enum apply_result apply_bookmark(struct reflector *r, const struct jv *object)
{
	struct jv meta, annotations;

	r->bookmarks = true;
	r->stats.bookmarks++;
	take_version(r, object);
	if (r->replacing && jv_obj(object, "metadata", &meta) &&
	    jv_obj(&meta, "annotations", &annotations) &&
	    str_eq(jv_str(&annotations, INITIAL_END), STR("true")))
		return APPLY_INITIAL_END;
	return APPLY_OK;
}

/* A Status object; the HTTP status of the stream was 200 (facts: kubernetes-api, 410). */
static enum apply_result apply_error(struct reflector *r, const struct jv *object)
{
	int64_t code = 0;
	struct str reason = jv_str(object, "reason");

	(void)jv_int(object, "code", 0, 999, &code);
	if (code == 410 || str_eq(reason, STR("Expired")) || str_eq(reason, STR("Gone")))
		return APPLY_EXPIRED;
	/* etcd before 3.4.25 cannot tell progress: the server then has no WatchList. */
	return r->ask == ASK_WATCHLIST ? APPLY_UNSUPPORTED : APPLY_BUSY;
}

static void passed(struct reflector *r)
{
	if (r->ops->passed != NULL)
		r->ops->passed(r->arg);
}

static enum apply_result apply_typed(struct reflector *r, struct str type, const struct jv *object)
{
	if (str_eq(type, STR("BOOKMARK")))
		return apply_bookmark(r, object);
	if (str_eq(type, STR("ERROR")))
		return apply_error(r, object);
	if (str_eq(type, STR("ADDED")) || str_eq(type, STR("MODIFIED")))
		put(r, object);
	else if (str_eq(type, STR("DELETED")))
		remove_object(r, object);
	else
		return APPLY_GARBAGE;
	passed(r);
	r->stats.events++;
	take_version(r, object);
	return APPLY_OK;
}

static void release(struct reflector *r, struct json_object *tree)
{
	if (r->scope.kind == OBJ_SECRET)
		jv_wipe(tree);
	json_object_put(tree);
}

enum apply_result reflector_apply_event(struct reflector *r, struct str line)
{
	struct jv_err err = {0};
	struct json_object *tree = jv_parse(&line, &err);
	enum apply_result did = APPLY_GARBAGE;
	struct jv root, object;

	if (tree == NULL)
		return APPLY_GARBAGE;
	root = jv_root(tree, &err);
	if (json_object_is_type(tree, json_type_object) && jv_obj(&root, "object", &object))
		did = apply_typed(r, jv_str(&root, "type"), &object);
	if (did == APPLY_OK || did == APPLY_INITIAL_END)
		reflector_progress(r);
	release(r, tree);
	return did;
}

/* ---- pages --------------------------------------------------------------------------- */

static enum apply_result apply_list(struct reflector *r, const struct jv *root)
{
	bool first = r->continue_token == NULL;
	struct jv meta, items, item;
	struct str token;
	uint32_t n;

	if (!jv_obj(root, "metadata", &meta) || !str_ends(jv_str(root, "kind"), STR("List")))
		return APPLY_GARBAGE;
	if (first) { /* later pages repeat it: watch from the first page's version */
		r->rv[0] = '\0';
		take_version(r, root);
	}
	n = jv_arr(root, "items", &items);
	for (uint32_t i = 0; i < n; i++)
		if (jv_item_obj(&items, i, &item))
			put(r, &item);
	if (n > 0)
		passed(r);
	token = jv_str(&meta, "continue");
	free(r->continue_token);
	r->continue_token = token.n == 0 ? NULL : strndup(token.p, token.n);
	return token.n != 0 && r->continue_token == NULL ? APPLY_GARBAGE : APPLY_OK;
}

enum apply_result reflector_apply_page(struct reflector *r, struct str body)
{
	struct jv_err err = {0};
	struct json_object *tree = jv_parse(&body, &err);
	enum apply_result did = APPLY_GARBAGE;

	if (tree == NULL)
		return APPLY_GARBAGE;
	if (json_object_is_type(tree, json_type_object)) {
		struct jv root = jv_root(tree, &err);

		did = apply_list(r, &root);
	}
	release(r, tree);
	return did;
}
