/* take: is this Ingress ours? See take.h. */
#include "master/translate/graph/take.h"

#include <string.h>

#include "k8s/objects/selector.h"

static bool class_is_ours(const struct conf *conf, const struct ingress_class *c)
{
	if (str_eq(c->controller, str_from(conf->controller_class)))
		return true;
	return conf->ingress_class_by_name && str_eq(c->o.name, str_from(conf->ingress_class));
}

static enum take by_class_name(const struct conf *conf, const struct store *store, struct str name)
{
	const struct obj *o = store_get(store, OBJ_CLASS, STR_NONE, name);

	if (o == NULL)
		return TAKE_NO_SUCH_CLASS;
	return class_is_ours(conf, obj_class(o)) ? TAKE_YES : TAKE_NOT_OURS;
}

static enum take by_class(const struct conf *conf, const struct store *store,
			  const struct ingress *ing)
{
	const struct str *legacy;

	if (ing->class_name.n > 0)
		return by_class_name(conf, store, ing->class_name);
	/* Given but empty is another class than ours, not none. */
	legacy = obj_map_get(&ing->o.annotations, STR(OBJ_CLASS_ANNOTATION));
	if (legacy != NULL)
		return str_eq(*legacy, str_from(conf->ingress_class)) ? TAKE_YES : TAKE_NOT_OURS;
	return conf->watch_ingress_without_class ? TAKE_YES : TAKE_NO_CLASS;
}

/* A namespace that is not known matches no selector: it will be, or we may not read it. */
static bool is_watched(const struct conf *conf, const struct store *store, struct str ns)
{
	struct str one = str_from(conf->watch_namespace);
	struct str selector = str_from(conf->watch_namespace_selector);
	const struct obj *o;

	if (one.n > 0 && !str_eq(ns, one))
		return false;
	if (selector.n == 0)
		return true;
	o = store_get(store, OBJ_NAMESPACE, STR_NONE, ns);
	return o != NULL && selector_matches(selector, &o->labels);
}

static bool holds(struct str s, const char *word)
{
	return s.n > 0 && memmem(s.p, s.n, word, strlen(word)) != NULL;
}

/* A directive of nginx: the word, and after it, somewhere, what ends it. */
static bool holds_directive(struct str s, const char *word)
{
	const char *at = s.n == 0 ? NULL : memmem(s.p, s.n, word, strlen(word));

	return at != NULL && memchr(at, ';', (size_t)(s.p + s.n - at)) != NULL;
}

const char *take_inspect(struct str path)
{
	static const char *const words[] = {
	    "/etc/passwd",
	    "/etc/shadow",
	    "/etc/group",
	    "/etc/nginx",
	    "/etc/ingress-controller",
	    "/var/run/secrets",
	    "_by_lua",
	};
	static const char *const directives[] = {"alias", "root"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (holds(path, words[i]))
			return words[i];
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (holds_directive(path, directives[i]))
			return directives[i];
	return NULL;
}

static bool is_suspicious(const struct ingress *ing)
{
	for (uint32_t r = 0; r < ing->n_rules; r++)
		for (uint32_t p = 0; p < ing->rules[r].n_paths; p++)
			if (take_inspect(ing->rules[r].paths[p].path) != NULL)
				return true;
	return false;
}

enum take take_ingress(const struct conf *conf, const struct store *store,
		       const struct ingress *ing)
{
	enum take t;

	if (!is_watched(conf, store, ing->o.ns))
		return TAKE_NOT_OURS;
	t = by_class(conf, store, ing);
	if (t == TAKE_YES && ing->has_default && conf->disable_catch_all)
		return TAKE_CATCH_ALL;
	if (t == TAKE_YES && conf->deep_inspect && is_suspicious(ing))
		return TAKE_INSPECTED;
	return t;
}
