/*
 * k8s_test: shorthands of the tests in this folder. Objects are written as YAML, as users do.
 */
#ifndef SILEX_TESTS_K8S_TEST_H
#define SILEX_TESTS_K8S_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "k8s/objects/decode.h"
#include "k8s/text/yaml.h"

/* One YAML document as a tree; fails the test when it is broken. */
static inline struct json_object *tree_of(const char *text)
{
	struct yaml_doc doc = {.text = str_from(text), .line = 1};
	struct jv_err err = {0};
	struct json_object *v = yaml_parse(&doc, &err);

	if (err.set)
		fail_msg("line %u: %s", err.line, err.text);
	return v;
}

struct last_decoded {
	struct obj *obj;
	unsigned objects, ignored, bad;
	uint32_t line;
	char text[512];
};

static inline void keep_decoded(void *arg, struct decoded *d)
{
	struct last_decoded *l = arg;

	l->line = d->line;
	l->objects += d->what == DECODED_OBJECT;
	l->ignored += d->what == DECODED_IGNORED;
	l->bad += d->what == DECODED_BAD;
	if (d->text != NULL) {
		strncpy(l->text, d->text, sizeof(l->text) - 1);
		l->text[sizeof(l->text) - 1] = '\0';
	}
	if (d->what != DECODED_OBJECT)
		return;
	obj_free(l->obj);
	l->obj = d->obj;
}

static inline struct last_decoded decode_text(const char *yaml)
{
	struct last_decoded l = {0};
	struct decode_from from = {.file_mode = true, .file = STR("t.yaml")};
	struct json_object *v = tree_of(yaml);

	decode_any(v, &from, keep_decoded, &l);
	json_object_put(v);
	return l;
}

/* The one object a text declares; fails the test when it declares none. */
static inline struct obj *object_of(const char *yaml)
{
	struct last_decoded l = decode_text(yaml);

	if (l.obj == NULL)
		fail_msg("%s", l.text);
	return l.obj;
}

#define assert_str(is, want)                                                    \
	do {                                                                    \
		struct str is_ = (is), want_ = str_from(want);                  \
		if (!str_eq(is_, want_))                                        \
			fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(is_), want); \
	} while (0)

#endif
