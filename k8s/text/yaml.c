/*
 * yaml: see yaml.h. The tree is built from libyaml's events with an explicit stack, so that
 * depth costs no C stack. A mapping waits on its frame for the value of the key it has read.
 * An alias shares the anchored value by reference; its nodes are counted again all the same,
 * because whoever walks the tree will walk them again.
 */
#include "k8s/text/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/check.h"
#include "k8s/text/yaml_scalar.h"

#define ANCHORS_MAX 256

struct frame {
	struct json_object *v;     /* the mapping or sequence being filled */
	struct json_object *merge; /* what "<<" named, applied when the mapping ends */
	char *key;                 /* the key whose value comes next: .small, or allocated */
	char small[40];
	bool merge_next; /* the value that comes next is the one of "<<" */
	uint32_t nodes_before;
	int anchor; /* index, -1 = none */
};

struct anchor {
	char *name;
	struct json_object *v;
	uint32_t nodes;
	bool done; /* an alias inside its own anchor would be a loop */
};

struct build {
	yaml_parser_t parser;
	struct frame stack[JSON_DEPTH_MAX];
	unsigned depth;
	struct anchor anchors[ANCHORS_MAX];
	int n_anchors;
	uint32_t nodes;
	struct json_object *root;
	bool done;
	uint32_t first_line;
	struct jv_err *err;
};

static bool fail(struct build *b, const yaml_mark_t *at, const char *text)
{
	if (!b->err->set) {
		b->err->set = true;
		b->err->line = b->first_line + (uint32_t)at->line;
		snprintf(b->err->text, sizeof(b->err->text), "not valid YAML: %s", text);
	}
	return false;
}

/* ------------------------------ anchors and merge keys ------------------------------ */

static int anchor_open(struct build *b, const yaml_event_t *e, const yaml_char_t *name)
{
	struct anchor *a;

	if (name == NULL)
		return -1;
	if (b->n_anchors == ANCHORS_MAX) {
		fail(b, &e->start_mark, "too many anchors in one document");
		return -1;
	}
	a = &b->anchors[b->n_anchors];
	*a = (struct anchor){.name = strdup((const char *)name)};
	CHECK(a->name != NULL);
	return b->n_anchors++;
}

static void anchor_close(struct build *b, int i, struct json_object *v, uint32_t nodes)
{
	if (i == -1)
		return;
	b->anchors[i].v = json_object_get(v);
	b->anchors[i].nodes = nodes;
	b->anchors[i].done = true;
}

/* The newest anchor of that name, as YAML lets a name be given again. */
static const struct anchor *anchor_find(struct build *b, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;

	for (int i = b->n_anchors - 1; i >= 0; i--) {
		if (strcmp(b->anchors[i].name, name) != 0)
			continue;
		if (b->anchors[i].done)
			return &b->anchors[i];
		fail(b, &e->start_mark, "an alias inside the value it stands for");
		return NULL;
	}
	fail(b, &e->start_mark, "an alias without its anchor (anchors end with the document)");
	return NULL;
}

static void merge_one(struct json_object *into, struct json_object *from)
{
	json_object_object_foreach(from, key, v)
	{
		if (!json_object_object_get_ex(into, key, NULL))
			json_object_object_add(into, key, json_object_get(v));
	}
}

/* "<<: *a" or "<<: [*a, *b]": keys that the mapping lacks, the first source first. */
static bool merge_apply(struct build *b, struct frame *f, const yaml_event_t *e)
{
	bool list = json_object_is_type(f->merge, json_type_array);
	size_t n = list ? json_object_array_length(f->merge) : 1;

	for (size_t i = 0; i < n; i++) {
		struct json_object *from = list ? json_object_array_get_idx(f->merge, i) : f->merge;

		if (!json_object_is_type(from, json_type_object))
			return fail(b, &e->start_mark,
				    "\"<<\" must name a mapping, or a list of them");
		merge_one(f->v, from);
	}
	json_object_put(f->merge);
	f->merge = NULL;
	return true;
}

/* --------------------------------- placing a value --------------------------------- */

static void key_drop(struct frame *f)
{
	if (f->key != f->small)
		free(f->key);
	f->key = NULL;
}

static void key_take(struct frame *f, struct str s)
{
	f->key = s.n < sizeof(f->small) ? f->small : malloc(s.n + 1);
	CHECK(f->key != NULL);
	memcpy(f->key, s.p, s.n);
	f->key[s.n] = '\0';
}

/* Gives v (owned) its place in the innermost collection, or makes it the root. */
static bool place(struct build *b, const yaml_event_t *e, struct json_object *v)
{
	struct frame *f;

	if (b->depth == 0) {
		b->root = v;
		return true;
	}
	f = &b->stack[b->depth - 1];
	if (json_object_is_type(f->v, json_type_array)) {
		json_object_array_add(f->v, v);
		return true;
	}
	if (f->merge_next) {
		f->merge_next = false;
		f->merge = v;
		return v != NULL || fail(b, &e->start_mark, "\"<<\" without a value");
	}
	if (f->key == NULL) {
		json_object_put(v);
		return fail(b, &e->start_mark, "a mapping or list as a key");
	}
	json_object_object_add_ex(f->v, f->key, v, JSON_C_OBJECT_ADD_KEY_IS_NEW);
	key_drop(f);
	return true;
}

static bool count_nodes(struct build *b, const yaml_event_t *e, uint32_t more)
{
	if (__builtin_add_overflow(b->nodes, more, &b->nodes) || b->nodes > YAML_NODES_MAX)
		return fail(b, &e->start_mark, "too many values (aliases unfolded)");
	return true;
}

/* ------------------------------------ scalars ------------------------------------ */

static struct str scalar_text(const yaml_event_t *e)
{
	return str_make((const char *)e->data.scalar.value, e->data.scalar.length);
}

static bool tag_is(const yaml_event_t *e, const char *tag)
{
	return strcmp((const char *)e->data.scalar.tag, tag) == 0;
}

/* A tag decides only between "string" and "by its form"; the others name what it must be. */
static bool scalar_value(struct build *b, const yaml_event_t *e, struct json_object **out)
{
	bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct str s = scalar_text(e);

	if (e->data.scalar.tag != NULL) {
		if (tag_is(e, YAML_INT_TAG) || tag_is(e, YAML_FLOAT_TAG) ||
		    tag_is(e, YAML_BOOL_TAG) || tag_is(e, YAML_NULL_TAG))
			plain = true;
		else if (tag_is(e, YAML_STR_TAG) || tag_is(e, "!"))
			plain = false;
		else
			return fail(b, &e->start_mark,
				    "a tag that Kubernetes manifests do not know");
	}
	*out = plain ? yaml_scalar(s) : json_object_new_string_len(s.p, (int)s.n);
	return true;
}

/* Keys are strings in JSON: `80:` and `on:` are written as kubectl would send them. */
static bool key_text(struct build *b, const yaml_event_t *e, struct frame *f)
{
	struct json_object *v;

	if (yaml_scalar_is_text(scalar_text(e)) && e->data.scalar.tag == NULL) {
		key_take(f, scalar_text(e));
		return true;
	}
	if (!scalar_value(b, e, &v))
		return false;
	if (v == NULL)
		return fail(b, &e->start_mark, "null as a key");
	key_take(f, str_from(json_object_get_string(v)));
	json_object_put(v);
	return true;
}

static bool take_key(struct build *b, const yaml_event_t *e, struct frame *f)
{
	struct str s = scalar_text(e);
	char text[128];

	if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && str_eq(s, STR("<<"))) {
		f->merge_next = true;
		return f->merge == NULL || fail(b, &e->start_mark, "\"<<\" twice in one mapping");
	}
	if (memchr(s.p, '\0', s.n) != NULL)
		return fail(b, &e->start_mark, "a NUL byte in a key");
	if (!key_text(b, e, f))
		return false;
	if (!json_object_object_get_ex(f->v, f->key, NULL))
		return true;
	snprintf(text, sizeof(text), "the key \"%.60s\" is given twice", f->key);
	return fail(b, &e->start_mark, text);
}

static bool on_scalar(struct build *b, const yaml_event_t *e)
{
	struct frame *f = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
	struct json_object *v = NULL;
	int anchor;

	if (f != NULL && f->key == NULL && !f->merge_next &&
	    json_object_is_type(f->v, json_type_object))
		return take_key(b, e, f);
	if (!count_nodes(b, e, 1) || !scalar_value(b, e, &v))
		return false;
	if (v != NULL)
		jv_set_line(v, b->first_line + (uint32_t)e->start_mark.line);
	anchor = anchor_open(b, e, e->data.scalar.anchor);
	anchor_close(b, anchor, v, 1);
	return place(b, e, v);
}

/* ---------------------------------- collections ---------------------------------- */

static bool on_start(struct build *b, const yaml_event_t *e, struct json_object *v,
		     const yaml_char_t *anchor)
{
	struct frame *f;

	CHECK(v != NULL);
	jv_set_line(v, b->first_line + (uint32_t)e->start_mark.line);
	if (b->depth == JSON_DEPTH_MAX || !count_nodes(b, e, 1)) {
		json_object_put(v);
		return fail(b, &e->start_mark, "nested too deeply");
	}
	f = &b->stack[b->depth++];
	*f = (struct frame){.v = v, .nodes_before = b->nodes - 1};
	f->anchor = anchor_open(b, e, anchor);
	return jv_ok(&(struct jv){.err = b->err});
}

static bool on_end(struct build *b, const yaml_event_t *e)
{
	struct frame *f = &b->stack[b->depth - 1];
	struct json_object *v = f->v;

	if (f->merge != NULL && !merge_apply(b, f, e))
		return false;
	anchor_close(b, f->anchor, v, b->nodes - f->nodes_before);
	b->depth--;
	return place(b, e, v);
}

static bool on_alias(struct build *b, const yaml_event_t *e)
{
	const struct anchor *a = anchor_find(b, e);

	return a != NULL && count_nodes(b, e, a->nodes) && place(b, e, json_object_get(a->v));
}

static bool on_event(struct build *b, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(b, e);
	case YAML_ALIAS_EVENT:
		return on_alias(b, e);
	case YAML_MAPPING_START_EVENT:
		return on_start(b, e, json_object_new_object(), e->data.mapping_start.anchor);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(b, e, json_object_new_array_ext(4), e->data.sequence_start.anchor);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return on_end(b, e);
	case YAML_DOCUMENT_START_EVENT:
		return !b->done || fail(b, &e->start_mark, "a second document without \"---\"");
	case YAML_DOCUMENT_END_EVENT:
	case YAML_STREAM_END_EVENT:
		b->done = true;
		return true;
	default:
		return true;
	}
}

/* ------------------------------------ documents ------------------------------------ */

static void run(struct build *b)
{
	yaml_event_t e;
	bool last = false;

	while (!last && !b->err->set) {
		if (!yaml_parser_parse(&b->parser, &e)) {
			fail(b, &b->parser.problem_mark,
			     b->parser.problem != NULL ? b->parser.problem : "out of memory");
			return;
		}
		last = e.type == YAML_STREAM_END_EVENT;
		on_event(b, &e);
		yaml_event_delete(&e);
	}
}

static void clean_up(struct build *b)
{
	for (unsigned i = 0; i < b->depth; i++) {
		json_object_put(b->stack[i].v);
		json_object_put(b->stack[i].merge);
		key_drop(&b->stack[i]);
	}
	for (int i = 0; i < b->n_anchors; i++) {
		free(b->anchors[i].name);
		json_object_put(b->anchors[i].v);
	}
	yaml_parser_delete(&b->parser);
}

struct json_object *yaml_parse(const struct yaml_doc *doc, struct jv_err *err)
{
	struct build b;

	memset(&b.parser, 0, sizeof(b.parser));
	b.depth = 0;
	b.n_anchors = 0;
	b.nodes = 0;
	b.root = NULL;
	b.done = false;
	b.first_line = doc->line;
	b.err = err;
	CHECK(yaml_parser_initialize(&b.parser) == 1);
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)doc->text.p, doc->text.n);
	run(&b);
	clean_up(&b);
	if (!err->set)
		return b.root;
	json_object_put(b.root);
	return NULL;
}
