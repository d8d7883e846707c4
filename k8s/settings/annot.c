/* annot: reading an Ingress' annotations. See annot.h; the table's rows are in annot_rows.c. */
#include "k8s/settings/annot.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/check.h"

#define TEXT_MAX 2000

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
#define ANNOT_LATER(name, type, risk, scope, text)
#define ANNOT_ALIAS(name, canonical)
#include "k8s/settings/annot_tbl.h"
};

/* -------------------------------------- values -------------------------------------- */

/* Go's strconv.ParseBool. */
static bool parse_bool(struct str s, int64_t *out)
{
	static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
	static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (str_eq(s, str_from(yes[i])) || str_eq(s, str_from(no[i]))) {
			*out = str_eq(s, str_from(yes[i]));
			return true;
		}
	}
	return false;
}

/* Go's strconv.Atoi: a sign and decimal digits, no unit. */
static bool parse_int(struct str s, int64_t *out)
{
	bool minus = str_starts(s, STR("-"));
	uint64_t v;

	if (minus || str_starts(s, STR("+")))
		s = str_from_at(s, 1);
	if (!str_u64(s, INT64_MAX, &v))
		return false;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

/* Digits and k, m or g, whatever their case. */
static bool parse_size(struct str s, int64_t *out)
{
	int shift = 0;
	uint64_t v;

	if (s.n == 0)
		return false;
	switch (ascii_lower(s.p[s.n - 1])) {
	case 'k':
		shift = 10;
		break;
	case 'm':
		shift = 20;
		break;
	case 'g':
		shift = 30;
		break;
	}
	if (shift != 0)
		s.n--;
	if (!str_u64(s, (uint64_t)INT64_MAX >> shift, &v))
		return false;
	*out = (int64_t)(v << shift);
	return true;
}

/* Words are parted by spaces, and lines. */
static bool next_word(struct str *rest, struct str *word)
{
	size_t i = 0, from;

	while (i < rest->n && (rest->p[i] == ' ' || rest->p[i] == '\n'))
		i++;
	from = i;
	while (i < rest->n && rest->p[i] != ' ' && rest->p[i] != '\n')
		i++;
	*word = str_make(rest->p + from, i - from);
	*rest = str_from_at(*rest, i);
	return word->n > 0;
}

/* Words, in any order; "off" beside others still is off, as in nginx. */
static bool parse_next(struct str s, int64_t *out)
{
	static const struct {
		const char *word;
		uint16_t bit;
	} words[] = {
	    {"off", 0},
	    {"error", NEXT_ERROR},
	    {"timeout", NEXT_TIMEOUT},
	    {"invalid_header", NEXT_INVALID_HEADER},
	    {"http_500", NEXT_HTTP_500},
	    {"http_502", NEXT_HTTP_502},
	    {"http_503", NEXT_HTTP_503},
	    {"http_504", NEXT_HTTP_504},
	    {"http_403", NEXT_HTTP_403},
	    {"http_404", NEXT_HTTP_404},
	    {"http_429", NEXT_HTTP_429},
	    {"non_idempotent", NEXT_NON_IDEMPOTENT},
	};
	size_t n = sizeof(words) / sizeof(*words), i;
	bool off = false;
	struct str word;

	*out = 0;
	while (next_word(&s, &word)) {
		for (i = 0; i < n && !str_eq(word, str_from(words[i].word)); i++)
			;
		if (i == n)
			return false;
		off = off || i == 0;
		*out |= words[i].bit;
	}
	if (off)
		*out = 0;
	return true;
}

static bool parse_verify(struct str s, int64_t *out)
{
	static const char *const words[] = {
	    [TLS_VERIFY_OFF] = "off",
	    [TLS_VERIFY_ON] = "on",
	    [TLS_VERIFY_OPTIONAL] = "optional",
	    [TLS_VERIFY_OPTIONAL_NO_CA] = "optional_no_ca",
	};

	for (int i = 0; i < (int)(sizeof(words) / sizeof(*words)); i++) {
		if (str_eq(s, str_from(words[i]))) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* ingress-nginx takes any case, and blanks around. */
static const char *parse_protocol(struct str s, int64_t *out)
{
	s = str_trim(s);
	if (str_ieq(s, STR("HTTP")))
		return *out = CLUSTER_HTTP, NULL;
	if (str_ieq(s, STR("HTTPS")))
		return *out = CLUSTER_HTTPS, NULL;
	if (str_ieq(s, STR("AUTO_HTTP")))
		return *out = CLUSTER_AUTO, NULL;
	if (str_ieq(s, STR("GRPC")) || str_ieq(s, STR("H2C")))
		return *out = CLUSTER_H2C, NULL;
	if (str_ieq(s, STR("GRPCS")) || str_ieq(s, STR("H2")))
		return *out = CLUSTER_H2, NULL;
	if (str_ieq(s, STR("FCGI")))
		return "is not supported yet with this value; HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS, "
		       "H2C and H2 are";
	return "must be HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS, H2C or H2";
}

static const char *parse(enum annot_type type, struct str value, int64_t *out)
{
	switch (type) {
	case ANNOT_BOOL:
		return parse_bool(value, out) ? NULL : "must be \"true\" or \"false\"";
	case ANNOT_INT:
		return parse_int(value, out) ? NULL : "must be a whole number without unit";
	case ANNOT_SIZE:
		return parse_size(value, out) ? NULL
					      : "must be a number of bytes, or one with k, m or g";
	case ANNOT_PROTOCOL:
		return parse_protocol(value, out);
	case ANNOT_NEXT:
		return parse_next(value, out)
			   ? NULL
			   : "must be words of: error timeout invalid_header http_500 http_502 "
			     "http_503 http_504 http_403 http_404 http_429 non_idempotent off";
	case ANNOT_VERIFY:
		return parse_verify(value, out)
			   ? NULL
			   : "must be \"on\", \"off\", \"optional\" or \"optional_no_ca\"";
	case ANNOT_STRING:
	case ANNOT_PATH:
	case ANNOT_URL:
	case ANNOT_PLACE:
	case ANNOT_HOST:
	case ANNOT_NETS:
		break;
	}
	BUG("an annotation of type string with a numeric target");
}

/* Nothing that could end a line, or be taken for the end of a text. */
static bool is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n <= TEXT_MAX;
}

static bool is_host(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
		    c != '_' && c != ':' && c != '[' && c != ']')
			return false;
	}
	return true;
}

static bool is_nets(struct str s)
{
	struct policy_net net;
	struct str one;

	while (annot_csv_next(&s, &one))
		if (!policy_net_parse(one, &net))
			return false;
	return true;
}

static bool is_url(struct str s)
{
	return str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
}

static bool is_path(struct str s)
{
	return s.p[0] == '/' && !str_starts(s, STR("//"));
}

static const char *judge_text(enum annot_type type, struct str s)
{
	if (!is_text(s))
		return "must not hold control characters, nor be longer than 2000 bytes";
	if (s.n == 0)
		return NULL;
	if (type == ANNOT_PATH && !is_path(s))
		return "must be a path that begins with one \"/\"";
	if (type == ANNOT_URL && !is_url(s))
		return "must be a URL that begins with http:// or https://";
	if (type == ANNOT_PLACE && !is_path(s) && !is_url(s))
		return "must be a path that begins with one \"/\", or a URL that begins with "
		       "http:// or https://";
	if (type == ANNOT_HOST && !is_host(s))
		return "must be a host name, with or without a port; variables are not supported";
	if (type == ANNOT_NETS && !is_nets(s))
		return "must be IP addresses or networks (192.0.2.0/24) parted by commas";
	return NULL;
}

bool annot_csv_next(struct str *rest, struct str *item)
{
	while (rest->n > 0) {
		ptrdiff_t comma = str_chr(*rest, ',');

		*item = str_trim(comma == -1 ? *rest : str_make(rest->p, (size_t)comma));
		*rest = comma == -1 ? STR_NONE : str_from_at(*rest, (size_t)comma + 1);
		if (item->n > 0)
			return true;
	}
	return false;
}

static bool is_string(enum annot_id id)
{
	return fields[id].type >= ANNOT_STRING;
}

static const char *set_string(struct annots *a, enum annot_id id, struct str value)
{
	const char *wrong = judge_text(fields[id].type, value);

	if (wrong != NULL)
		return wrong;
	CHECK(fields[id].size == sizeof(struct str));
	*(struct str *)(void *)((char *)a + fields[id].offset) = value;
	a->set |= (uint64_t)1 << id;
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
	wrong = parse(fields[id].type, value, &v);
	if (wrong != NULL)
		return wrong;
	if (v < fields[id].min || v > fields[id].max)
		return v < fields[id].min ? "is too small" : "is too large";
	store(a, id, v);
	a->set |= (uint64_t)1 << id;
	return NULL;
}

void annots_defaults(struct annots *a)
{
	*a = (struct annots){0};
	policy_defaults(&a->policy);
	for (int id = 0; id < ANNOT_IDS; id++)
		CHECK(annots_set(a, (enum annot_id)id, str_from(fields[id].dflt)) == NULL);
	a->set = 0;
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
	if (row->id == -1) {
		finding(r, kv, ANNOT_WARN, "not supported by Silex yet; it has no effect (%s)",
			row->text);
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
		r->out->bad |= (uint64_t)1 << row->id;
	finding(r, kv, ANNOT_WARN, "\"%.*s\" %s; the default is used",
		(int)(value.n < 80 ? value.n : 80), value.n > 0 ? value.p : "", wrong);
}

/*
 * proxy-ssl-* counts only together with its Secret (facts: annotations §3). What it asks for is
 * not there yet: an endpoint that shall be verified gets nothing rather than everything.
 */
static void judge_upstream_tls(struct reading *r)
{
	struct annots *a = r->out;
	const struct obj_kv *secret = r->given[ANNOT_PROXY_SSL_SECRET];
	const struct obj_kv *verify = r->given[ANNOT_PROXY_SSL_VERIFY];

	if (secret == NULL || a->protocol == CLUSTER_HTTP || a->protocol == CLUSTER_H2C)
		return;
	if (verify == NULL || !str_ieq(a->proxy_ssl_verify, STR("on"))) {
		finding(r, secret, ANNOT_WARN,
			"not supported by Silex yet: endpoints get no client certificate");
		return;
	}
	a->policy.flags |= POLICY_DENY;
	finding(r, verify, ANNOT_WARN,
		"not supported by Silex yet: the Ingress answers 503 rather than trust endpoints "
		"that nobody verified");
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

	*out = *defaults;
	out->set = out->bad = 0;
	for (uint32_t i = 0; i < o->annotations.n; i++)
		one(&r, &o->annotations.kv[i]);
	judge_upstream_tls(&r);
	judge_client_tls(&r);
	if (r.refused)
		*out = *defaults;
	return !r.refused;
}
