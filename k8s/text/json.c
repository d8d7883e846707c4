/* json: see json.h. */
#include "k8s/text/json.h"

#include <json-c/json_visit.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static uint32_t count_lines(const char *p, size_t n)
{
	uint32_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

static struct str skip_blanks(struct str s)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL && s.p[0] != '\0')
		s = str_from_at(s, 1);
	return s;
}

static void parse_error(struct jv_err *err, struct str text, size_t at, const char *what)
{
	err->set = true;
	err->line = 1 + count_lines(text.p, at < text.n ? at : text.n);
	snprintf(err->text, sizeof(err->text), "not valid JSON: %s", what);
}

struct json_object *jv_parse(struct str *text, struct jv_err *err)
{
	struct json_tokener *tok;
	struct json_object *v;
	enum json_tokener_error code;
	size_t end;

	if (text->n > JSON_TEXT_MAX) {
		parse_error(err, *text, 0, "too large (the limit is 64 MiB)");
		return NULL;
	}
	tok = json_tokener_new_ex(JSON_DEPTH_MAX);
	if (tok == NULL) {
		parse_error(err, *text, 0, "out of memory");
		return NULL;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
					JSON_TOKENER_VALIDATE_UTF8);
	v = json_tokener_parse_ex(tok, text->p, (int)text->n);
	code = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (v == NULL) {
		parse_error(err, *text, end,
			    code == json_tokener_continue  ? "it ends too early"
			    : code == json_tokener_success ? "a lone null"
							   : json_tokener_error_desc(code));
		return NULL;
	}
	*text = skip_blanks(str_from_at(*text, end));
	return v;
}

struct jv jv_root(struct json_object *v, struct jv_err *err)
{
	return (struct jv){.v = v, .err = err};
}

/* Writes the path from the root to at; returns its length, cut at size - 1. */
static size_t path_text(const struct jv *at, char *buf, size_t size)
{
	size_t n;
	int more;

	if (at->up == NULL) {
		buf[0] = '\0';
		return 0;
	}
	n = path_text(at->up, buf, size);
	if (at->key != NULL)
		more = snprintf(buf + n, size - n, "%s%.80s", n > 0 ? "." : "", at->key);
	else
		more = snprintf(buf + n, size - n, "[%u]", at->index);
	n += more > 0 ? (size_t)more : 0;
	return n < size ? n : size - 1;
}

static uint32_t nearest_line(const struct jv *at)
{
	for (; at != NULL; at = at->up)
		if (jv_line(at->v) != 0)
			return jv_line(at->v);
	return 0;
}

/* A path or value goes into a log line: no control bytes. */
static void printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

void jv_fail(const struct jv *at, const char *key, const char *fmt, ...)
{
	struct jv child = {.up = at, .key = key, .err = at->err};
	struct jv_err *err = at->err;
	char *text = err->text;
	size_t n;
	va_list ap;

	if (err->set)
		return;
	err->set = true;
	if (key != NULL)
		json_object_object_get_ex(at->v, key, &child.v);
	err->line = nearest_line(key != NULL ? &child : at);
	n = path_text(key != NULL ? &child : at, text, sizeof(err->text) / 2);
	if (n > 0) {
		text[n++] = ':';
		text[n++] = ' ';
	}
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(err->text) - n, fmt, ap);
	va_end(ap);
	printable(text);
}

static const char *type_text(enum json_type t)
{
	static const char *const names[] = {
	    [json_type_null] = "null",     [json_type_boolean] = "boolean",
	    [json_type_double] = "number", [json_type_int] = "integer",
	    [json_type_object] = "object", [json_type_array] = "array",
	    [json_type_string] = "string",
	};

	return names[t];
}

static void wrong_type(const struct jv *at, enum json_type want)
{
	enum json_type found = json_object_get_type(at->v);
	bool quote = want == json_type_string && found != json_type_object &&
		     found != json_type_array && found != json_type_null;

	jv_fail(at, NULL, "expected %s, found %s%s", type_text(want), type_text(found),
		quote ? " (put the value in quotes)" : "");
}

/* The cursor of a field that is present and of the wanted type. */
static bool field(const struct jv *in, const char *key, enum json_type want, struct jv *out)
{
	struct jv at = {.up = in, .key = key, .err = in->err};

	if (!json_object_object_get_ex(in->v, key, &at.v) || at.v == NULL)
		return false;
	*out = at;
	if (json_object_is_type(at.v, want))
		return true;
	wrong_type(out, want);
	return false;
}

static bool item(const struct jv *arr, uint32_t i, enum json_type want, struct jv *out)
{
	*out = (struct jv){.up = arr, .index = i, .err = arr->err};
	out->v = json_object_array_get_idx(arr->v, i);
	if (out->v != NULL && json_object_is_type(out->v, want))
		return true;
	wrong_type(out, want);
	return false;
}

static struct str string_of(struct json_object *v)
{
	return str_make(json_object_get_string(v), (size_t)json_object_get_string_len(v));
}

bool jv_obj(const struct jv *in, const char *key, struct jv *out)
{
	return field(in, key, json_type_object, out);
}

uint32_t jv_arr(const struct jv *in, const char *key, struct jv *out)
{
	if (!field(in, key, json_type_array, out))
		return 0;
	return (uint32_t)json_object_array_length(out->v);
}

bool jv_item_obj(const struct jv *arr, uint32_t i, struct jv *out)
{
	return item(arr, i, json_type_object, out);
}

struct str jv_item_str(const struct jv *arr, uint32_t i, struct jv *out)
{
	return item(arr, i, json_type_string, out) ? string_of(out->v) : STR_NONE;
}

struct str jv_str(const struct jv *in, const char *key)
{
	struct jv at;

	return field(in, key, json_type_string, &at) ? string_of(at.v) : STR_NONE;
}

bool jv_bool(const struct jv *in, const char *key, bool *out)
{
	struct jv at;

	if (!field(in, key, json_type_boolean, &at))
		return false;
	*out = json_object_get_boolean(at.v) != 0;
	return true;
}

/* json-c saturates what does not fit, and answers unsigned values above INT64_MAX with it. */
bool jv_int(const struct jv *in, const char *key, int64_t min, int64_t max, int64_t *out)
{
	struct jv at;
	int64_t n;

	if (!field(in, key, json_type_int, &at))
		return false;
	n = json_object_get_int64(at.v);
	if (n < min || n > max || n == INT64_MAX || n == INT64_MIN) {
		jv_fail(&at, NULL, "must be between %lld and %lld", (long long)min, (long long)max);
		return false;
	}
	*out = n;
	return true;
}

bool jv_has(const struct jv *in, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(in->v, key, &v) && v != NULL;
}

bool jv_int_or_str(const struct jv *in, const char *key, struct jv *out)
{
	*out = (struct jv){.up = in, .key = key, .err = in->err};
	if (!json_object_object_get_ex(in->v, key, &out->v) || out->v == NULL)
		return false;
	if (json_object_is_type(out->v, json_type_int) ||
	    json_object_is_type(out->v, json_type_string))
		return true;
	jv_fail(out, NULL, "expected integer or string, found %s",
		type_text(json_object_get_type(out->v)));
	return false;
}

void jv_each(const struct jv *obj, bool (*fn)(void *arg, const struct jv *entry), void *arg)
{
	struct json_object_iterator it = json_object_iter_begin(obj->v);
	struct json_object_iterator end = json_object_iter_end(obj->v);

	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		struct jv entry = {.up = obj, .key = json_object_iter_peek_name(&it)};

		entry.v = json_object_iter_peek_value(&it);
		entry.err = obj->err;
		if (entry.v != NULL && !fn(arg, &entry))
			return;
	}
}

bool jv_as_str(const struct jv *at, struct str *out)
{
	if (!json_object_is_type(at->v, json_type_string)) {
		wrong_type(at, json_type_string);
		return false;
	}
	*out = string_of(at->v);
	return true;
}

void jv_set_line(struct json_object *v, uint32_t line)
{
	json_object_set_userdata(v, (void *)(uintptr_t)line, NULL);
}

uint32_t jv_line(const struct json_object *v)
{
	return v == NULL ? 0 : (uint32_t)(uintptr_t)json_object_get_userdata((void *)(uintptr_t)v);
}

static int wipe_one(struct json_object *v, int flags, struct json_object *parent, const char *key,
		    size_t *index, void *arg)
{
	(void)parent, (void)key, (void)index, (void)arg;
	if (!(flags & JSON_C_VISIT_SECOND) && json_object_is_type(v, json_type_string))
		explicit_bzero((char *)(uintptr_t)json_object_get_string(v),
			       (size_t)json_object_get_string_len(v));
	return JSON_C_VISIT_RETURN_CONTINUE;
}

void jv_wipe(struct json_object *v)
{
	json_c_visit(v, 0, wipe_one, NULL);
}
