/*
 * json: bounded, suspicious access to a json-c tree.
 *
 * A struct jv is a value together with the way that led to it, so that every complaint names
 * its field: "spec.rules[2].http.paths[0].backend.service.port.number: expected integer, found
 * string". Cursors live on the stack and point at their parent. The first complaint sticks in
 * the shared struct jv_err; accessors answer "absent" from then on where it matters little, so
 * a decoder reads straight through and looks at the error once, at its end.
 *
 * Rules: a field that is null is absent; unknown fields are ignored; a wrong type is an error;
 * of duplicate keys in JSON the last counts (as in Go), in YAML they are refused (yaml.c).
 * The line of a value in its file, where known, travels as json-c user data.
 */
#ifndef SILEX_K8S_TEXT_JSON_H
#define SILEX_K8S_TEXT_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define JSON_DEPTH_MAX 64
#define JSON_TEXT_MAX  (64u << 20) /* bytes of one text, also of a manifest file */

struct jv_err {
	bool set;
	uint32_t line; /* in the file, 0 = unknown */
	char text[480];
};

struct jv {
	const struct jv *up; /* NULL at the root */
	const char *key;     /* NULL for an array's item */
	uint32_t index;
	struct json_object *v;
	struct jv_err *err;
};

/*
 * The first JSON value in *text, which is advanced behind it (and the blanks that follow).
 * Strict grammar, UTF-8 checked, JSON_DEPTH_MAX deep. NULL with *err set; err->line is relative
 * to the beginning of *text, from 1. A lone `null` is an error. json_object_put() the result.
 */
struct json_object *jv_parse(struct str *text, struct jv_err *err);

struct jv jv_root(struct json_object *v, struct jv_err *err);

/* Record "path.key: text" (key may be NULL) unless a complaint is there already. */
void jv_fail(const struct jv *at, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool jv_ok(const struct jv *at)
{
	return !at->err->set;
}

/* An object field; false when absent or wrong (the latter is recorded, as everywhere below). */
bool jv_obj(const struct jv *in, const char *key, struct jv *out);
/* An array field: its number of items, 0 when absent. *out is set when the result is not 0. */
uint32_t jv_arr(const struct jv *in, const char *key, struct jv *out);
/* Item i < n of an array. A null item is an error. */
bool jv_item_obj(const struct jv *arr, uint32_t i, struct jv *out);
struct str jv_item_str(const struct jv *arr, uint32_t i, struct jv *out);
/* A string field, borrowed from the tree; STR_NONE when absent. Holds any byte, NUL too. */
struct str jv_str(const struct jv *in, const char *key);
/* True when present; *out is left alone otherwise. */
bool jv_bool(const struct jv *in, const char *key, bool *out);
/* True when present and min <= value <= max. Only integers: 80.0 and "80" are wrong types. */
bool jv_int(const struct jv *in, const char *key, int64_t min, int64_t max, int64_t *out);
/* True when the field is there and not null, whatever its type. */
bool jv_has(const struct jv *in, const char *key);
/* The field's cursor when it is a string or an integer (IntOrString). */
bool jv_int_or_str(const struct jv *in, const char *key, struct jv *out);

/* Entries of an object: fn(arg, entry) for each that is not null, until one returns false. */
void jv_each(const struct jv *obj, bool (*fn)(void *arg, const struct jv *entry), void *arg);
/* The string of this very cursor; records a complaint and answers false when it is none. */
bool jv_as_str(const struct jv *at, struct str *out);

/* The line a value begins on (0 = unknown), carried by the tree. */
void jv_set_line(struct json_object *v, uint32_t line);
uint32_t jv_line(const struct json_object *v);

/* Overwrite every string of the tree: for Secrets, before json_object_put(). */
void jv_wipe(struct json_object *v);

#endif
