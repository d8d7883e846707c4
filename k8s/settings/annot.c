/*
 * annot: reading an Ingress' annotations. See annot.h; the table's rows are in annot_rows.c, what
 * a value may look like is in annot_value.c.
 */
#include "k8s/settings/annot.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "k8s/settings/annot_value.h"

static const struct {
	size_t offset, size; /* of the target in struct annots */
	int64_t scale, min, max;
	enum annot_type type;
	const char *dflt;
} fields[ANNOT_IDS] = {
#define ANNOT(id, name, type, scale, min, max, dflt, risk, scope, field, text) \
	[ANNOT_##id] = {offsetof(struct annots, field),                        \
			sizeof(((struct annots *)0)->field),                   \
			scale,                                                 \
			min,                                                   \
			max,                                                   \
			ANNOT_##type,                                          \
			dflt},
#define ANNOT_IDLE(name, type, risk, scope, text)
#define ANNOT_LATER(name, type, risk, scope, text)
#define ANNOT_ALIAS(name, canonical)
#include "k8s/settings/annot_tbl.h"
};

static bool is_string(enum annot_id id)
{
	return fields[id].type >= ANNOT_STRING;
}

static void mark(uint64_t words[ANNOT_WORDS], enum annot_id id)
{
	words[id / 64] |= (uint64_t)1 << (id % 64);
}

static const char *set_string(struct annots *a, enum annot_id id, struct str value)
{
	const char *wrong = annot_value_text(fields[id].type, value);

	if (wrong != NULL)
		return wrong;
	CHECK(fields[id].size == sizeof(struct str));
	*(struct str *)(void *)((char *)a + fields[id].offset) = value;
	mark(a->set, id);
	return NULL;
}

static void store(struct annots *a, enum annot_id id, int64_t v)
{
	char *to = (char *)a + fields[id].offset;

	v *= fields[id].scale;
	switch (fields[id].size) {
	case sizeof(bool):
		*(bool *)to = v != 0;
		return;
	case sizeof(uint16_t):
		*(uint16_t *)(void *)to = (uint16_t)v;
		return;
	case sizeof(uint32_t):
		*(uint32_t *)(void *)to = (uint32_t)v;
		return;
	case sizeof(uint64_t):
		*(uint64_t *)(void *)to = (uint64_t)v;
		return;
	}
	BUG("annotation %d has a target of an unknown size", (int)id);
}

const char *annots_set(struct annots *a, enum annot_id id, struct str value)
{
	const char *wrong;
	int64_t v = 0;

	CHECK(id < ANNOT_IDS);
	if (is_string(id))
		return set_string(a, id, value);
	wrong = annot_value_number(fields[id].type, value, &v);
	if (wrong != NULL)
		return wrong;
	if (v < fields[id].min || v > fields[id].max)
		return v < fields[id].min ? "is too small" : "is too large";
	store(a, id, v);
	mark(a->set, id);
	return NULL;
}

void annots_strings(struct annots *a, struct str *out[ANNOT_STRINGS])
{
	struct str *made = (struct str *)(void *)&a->made;
	size_t n = 0;

	for (int id = 0; id < ANNOT_IDS; id++)
		if (is_string((enum annot_id)id))
			out[n++] = (struct str *)(void *)((char *)a + fields[id].offset);
	for (size_t i = 0; i < ANNOT_MADE; i++)
		out[n++] = &made[i];
	CHECK(n == ANNOT_STRINGS);
}

void annots_made_free(struct annots *a)
{
	struct str *made = (struct str *)(void *)&a->made;

	for (size_t i = 0; i < ANNOT_MADE; i++)
		free((void *)(uintptr_t)made[i].p);
	a->made = (struct annots_made){.edits = STR_NONE};
}

/* What lies between the members counts where copies are compared (annot_share.c). */
void annots_defaults(struct annots *a)
{
	memset(a, 0, sizeof(*a));
	policy_defaults(&a->policy);
	for (int id = 0; id < ANNOT_IDS; id++)
		CHECK(annots_set(a, (enum annot_id)id, str_from(fields[id].dflt)) == NULL);
	memset(a->set, 0, sizeof(a->set));
}

/* ------------------------------------- findings ------------------------------------- */

struct reading {
	const struct annot_conf *conf;
	struct annots *out;
	annot_report_fn *report;
	void *arg;
	const struct obj_kv *given[ANNOT_IDS]; /* NULL: not given, or not valid */
	bool refused;
};

__attribute__((format(printf, 4, 5))) static void finding(struct reading *r,
							  const struct obj_kv *kv,
							  enum annot_severity severity,
							  const char *fmt, ...)
{
	struct annot_finding f = {.annotation = kv->key, .severity = severity};
	char text[400];
	va_list ap;

	r->refused = r->refused || severity == ANNOT_REFUSE;
	if (r->report == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f.text = text;
	r->report(r->arg, &f);
}

static void unknown(struct reading *r, const struct obj_kv *kv, struct str name)
{
	const struct annot_row *near = annot_nearest(name);

	if (near == NULL)
		finding(r, kv, ANNOT_WARN, "there is no such annotation; it has no effect");
	else
		finding(r, kv, ANNOT_WARN,
			"there is no such annotation; it has no effect. Did you mean \"%s\"?",
			near->name);
}

static const char *risk_text(enum annot_risk risk)
{
	static const char *const names[] = {"Low", "Medium", "High", "Critical"};

	return names[risk];
}

static void known(struct reading *r, const struct obj_kv *kv, const struct annot_row *row)
{
	struct str value = kv->value;
	const char *wrong;

	if (row->risk > r->conf->risk_max) {
		finding(r, kv, ANNOT_REFUSE,
			"its risk is %s and annotations-risk-level allows %s: the whole Ingress is "
			"refused; remove the annotation or raise the level",
			risk_text(row->risk), risk_text(r->conf->risk_max));
		return;
	}
	if (row->id == ANNOT_ID_LATER) {
		finding(r, kv, ANNOT_WARN, "not supported by Silex yet; it has no effect (%s)",
			row->text);
		return;
	}
	if (row->id == ANNOT_ID_IDLE) {
		finding(r, kv, ANNOT_NOTE, "accepted, without effect: %s", row->text);
		return;
	}
	if (row->alias_of != NULL && annots_has(r->out, (enum annot_id)row->id)) {
		finding(r, kv, ANNOT_WARN, "ignored, because \"%s\" is given too", row->alias_of);
		return;
	}
	wrong =
	    value.n == 0 ? "must not be empty" : annots_set(r->out, (enum annot_id)row->id, value);
	if (wrong == NULL) {
		r->given[row->id] = kv;
		return;
	}
	if (value.n > 0) /* empty is as good as not given */
		mark(r->out->bad, (enum annot_id)row->id);
	finding(r, kv, ANNOT_WARN, "\"%.*s\" %s; the default is used",
		(int)(value.n < 80 ? value.n : 80), value.n > 0 ? value.p : "", wrong);
}

/* auth-tls-* counts only together with its Secret. */
static void judge_client_tls(struct reading *r)
{
	static const enum annot_id rest[] = {ANNOT_AUTH_TLS_VERIFY, ANNOT_AUTH_TLS_DEPTH,
					     ANNOT_AUTH_TLS_ERROR_PAGE, ANNOT_AUTH_TLS_PASS,
					     ANNOT_AUTH_TLS_MATCH};

	if (annots_has(r->out, ANNOT_AUTH_TLS_SECRET) ||
	    annots_spoilt(r->out, ANNOT_AUTH_TLS_SECRET))
		return;
	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
		if (r->given[rest[i]] != NULL)
			finding(r, r->given[rest[i]], ANNOT_WARN,
				"has no effect without auth-tls-secret");
}

/* The name behind "prefix/"; false when the key belongs to somebody else. */
static bool under(struct str key, struct str prefix, struct str *name)
{
	if (!str_starts(key, prefix) || key.n <= prefix.n || key.p[prefix.n] != '/')
		return false;
	*name = str_from_at(key, prefix.n + 1);
	return true;
}

static void one(struct reading *r, const struct obj_kv *kv)
{
	const struct annot_row *row;
	struct str name;

	if (under(kv->key, r->conf->prefix, &name)) {
		row = annot_find(name);
		if (row == NULL)
			unknown(r, kv, name);
		else
			known(r, kv, row);
	} else if (under(kv->key, ANNOT_CONF_DEFAULT.prefix, &name)) {
		finding(r, kv, ANNOT_WARN, "not read, because --annotations-prefix is \"%.*s\"",
			STR_ARG(r->conf->prefix));
	}
}

bool annots_parse(const struct obj *o, const struct annot_conf *conf, const struct annots *defaults,
		  struct annots *out, annot_report_fn *report, void *arg)
{
	struct reading r = {.conf = conf, .out = out, .report = report, .arg = arg};

	memcpy(out, defaults, sizeof(*out));
	memset(out->set, 0, sizeof(out->set));
	memset(out->bad, 0, sizeof(out->bad));
	for (uint32_t i = 0; i < o->annotations.n; i++)
		one(&r, &o->annotations.kv[i]);
	judge_client_tls(&r);
	if (r.refused)
		*out = *defaults;
	return !r.refused;
}
