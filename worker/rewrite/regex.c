/* regex: see regex.h. */
#include "worker/rewrite/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/hash.h"
#include "common/regex_limits.h"

#define BUCKETS     1024u /* power of two */
#define ENTRIES_MAX 4096u /* then all are thrown away: a cheap way to forget what is not used */
#define GROUPS_MAX  32u
#define OUTPUT_MAX  (32 * 1024)

enum kind {        /* of a pattern: what is put around it */
	SEARCH,    /* nothing */
	AT_START,  /* nginx writes "^" before the path as it is: "^/a|/b" is anchored in its first
		      half */
	SOMEWHERE, /* nothing, and case counts */
	NAME,      /* regex_finds_name(): at the start, or behind a separator that is not escaped */
};

#define LIT(s)                      \
	{                           \
		"" s, sizeof(s) - 1 \
	}
static const struct wrap {
	struct str before, after;
	uint32_t options;
} wraps[] = {
    [SEARCH] = {LIT(""), LIT(""), PCRE2_CASELESS},
    [AT_START] = {LIT("^"), LIT(""), PCRE2_CASELESS},
    [SOMEWHERE] = {LIT(""), LIT(""), 0},
    [NAME] = {LIT("(?:^|(?<!\\\\)[,+])(?:"), LIT(")"), 0},
};
#define WRAP_MAX 32

struct entry {
	struct entry *next;
	uint64_t hash;
	enum kind kind;
	pcre2_code *code;
	size_t n;
	char pattern[];
};

struct regexes {
	pcre2_compile_context *compile;
	pcre2_match_context *match;
	pcre2_match_data *data;
	unsigned n;
	bool gave_up;
	struct entry *buckets[BUCKETS];
};

struct regexes *regexes_new(void)
{
	struct regexes *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->compile = pcre2_compile_context_create(NULL);
	x->match = pcre2_match_context_create(NULL);
	x->data = pcre2_match_data_create(GROUPS_MAX, NULL);
	if (x->compile == NULL || x->match == NULL || x->data == NULL) {
		regexes_free(x);
		return NULL;
	}
	(void)pcre2_set_parens_nest_limit(x->compile, REGEX_NEST_MAX);
	(void)pcre2_set_match_limit(x->match, REGEX_MATCH_MAX);
	(void)pcre2_set_depth_limit(x->match, REGEX_DEPTH_MAX);
	(void)pcre2_set_heap_limit(x->match, REGEX_HEAP_KIB);
	return x;
}

static void forget_all(struct regexes *x)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct entry *e;

		while ((e = x->buckets[i]) != NULL) {
			x->buckets[i] = e->next;
			pcre2_code_free(e->code);
			free(e);
		}
	}
	x->n = 0;
}

void regexes_free(struct regexes *x)
{
	if (x == NULL)
		return;
	forget_all(x);
	pcre2_match_data_free(x->data);
	pcre2_match_context_free(x->match);
	pcre2_compile_context_free(x->compile);
	free(x);
}

static pcre2_code *compile(struct regexes *x, struct str pattern, enum kind kind)
{
	const struct wrap *wrap = &wraps[kind];
	char text[REGEX_PATTERN_MAX + WRAP_MAX];
	PCRE2_SIZE at;
	size_t n = wrap->before.n;
	int error;

	if (pattern.n > REGEX_PATTERN_MAX)
		return NULL;
	memcpy(text, wrap->before.p, n);
	if (pattern.n > 0)
		memcpy(text + n, pattern.p, pattern.n);
	n += pattern.n;
	memcpy(text + n, wrap->after.p, wrap->after.n);
	return pcre2_compile((PCRE2_SPTR)text, n + wrap->after.n, wrap->options, &error, &at,
			     x->compile);
}

/* .code NULL: it does not compile, which the master would have told. NULL: memory is out. */
static struct entry *add(struct regexes *x, struct str pattern, enum kind kind, uint64_t hash)
{
	struct entry *e;

	if (x->n == ENTRIES_MAX)
		forget_all(x);
	e = malloc(sizeof(*e) + pattern.n);
	if (e == NULL)
		return NULL;
	*e = (struct entry){.hash = hash, .kind = kind, .n = pattern.n};
	memcpy(e->pattern, pattern.p, pattern.n);
	e->code = compile(x, pattern, kind);
	e->next = x->buckets[hash & (BUCKETS - 1)];
	x->buckets[hash & (BUCKETS - 1)] = e;
	x->n++;
	return e;
}

static const pcre2_code *code_of(struct regexes *x, struct str pattern, enum kind kind)
{
	uint64_t hash = hash_str(pattern, kind);
	struct entry *e = x->buckets[hash & (BUCKETS - 1)];

	while (e != NULL &&
	       (e->hash != hash || e->kind != kind || !str_eq(str_make(e->pattern, e->n), pattern)))
		e = e->next;
	if (e == NULL)
		e = add(x, pattern, kind, hash);
	return e == NULL ? NULL : e->code;
}

/* The number of groups set, the whole match included; 0 for no match; -1 when given up. */
static int run(struct regexes *x, const pcre2_code *code, struct str subject)
{
	int n;

	if (code == NULL) {
		x->gave_up = true;
		return -1;
	}
	n = pcre2_match(code, (PCRE2_SPTR)subject.p, subject.n, 0, 0, x->data, x->match);
	if (n == PCRE2_ERROR_NOMATCH)
		return 0;
	if (n < 0) {
		x->gave_up = true;
		return -1;
	}
	return n == 0 ? (int)GROUPS_MAX : n;
}

bool regex_matches(void *arg, struct str pattern, struct str path)
{
	struct regexes *x = arg;

	/* Once given up nothing is looked at any more: the request will not be routed. */
	return x->gave_up || run(x, code_of(x, pattern, AT_START), path) != 0;
}

bool regex_finds_name(struct regexes *x, struct str pattern, struct str subject)
{
	return run(x, code_of(x, pattern, NAME), subject) > 0;
}

enum regex_result regex_search_case(struct regexes *x, struct str pattern, struct str subject)
{
	bool before = x->gave_up;
	int n = run(x, code_of(x, pattern, SOMEWHERE), subject);

	x->gave_up = before; /* it is no path: the caller decides at once */
	return n > 0 ? REGEX_YES : n == 0 ? REGEX_NO : REGEX_FAILED;
}

bool regex_gave_up(struct regexes *x)
{
	bool was = x->gave_up;

	x->gave_up = false;
	return was;
}

enum regex_result regex_search(struct regexes *x, struct str pattern, struct str subject)
{
	bool before = x->gave_up;
	int n = run(x, code_of(x, pattern, false), subject);

	x->gave_up = before; /* told by the result */
	return n == -1 ? REGEX_FAILED : n == 0 ? REGEX_NO : REGEX_YES;
}

bool regex_compiles(struct regexes *x, struct str pattern)
{
	return code_of(x, pattern, false) != NULL;
}

/* --- replacement ---------------------------------------------------------------------------- */

struct output {
	char *to;
	size_t n;
	bool full;
};

static void put(struct output *o, struct str s)
{
	if (s.n > OUTPUT_MAX - o->n) {
		o->full = true;
		return;
	}
	if (s.n > 0)
		memcpy(o->to + o->n, s.p, s.n);
	o->n += s.n;
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* What stands behind a "$": "1", "{12}", "name". Its length with braces; 0: no reference. */
static size_t reference(struct str s, struct str *name)
{
	bool braces = s.n > 0 && s.p[0] == '{';
	size_t at = braces, end;

	for (end = at; end < s.n && is_word(s.p[end]); end++)
		if (!braces && s.p[at] >= '0' && s.p[at] <= '9') { /* nginx: one digit */
			end++;
			break;
		}
	*name = str_make(s.p + at, end - at);
	if (name->n == 0 || (braces && (end == s.n || s.p[end] != '}')))
		return 0;
	return end + braces;
}

/* The number of the group, or -1. */
static int group_of(const pcre2_code *code, struct str name)
{
	char text[33];
	uint64_t n;

	if (str_u64(name, GROUPS_MAX - 1, &n))
		return (int)n;
	if (name.n >= sizeof(text))
		return -1;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	return pcre2_substring_number_from_name(code, (PCRE2_SPTR)text);
}

static struct str group(const struct regexes *x, struct str subject, int number, int n)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(x->data);

	if (number < 0 || number >= n || v[2 * number] == PCRE2_UNSET ||
	    v[2 * number + 1] < v[2 * number])
		return STR_NONE;
	return str_make(subject.p + v[2 * number], v[2 * number + 1] - v[2 * number]);
}

enum regex_result regex_capture(struct regexes *x, struct str pattern, struct str subject,
				bool any_case, struct regex_groups *out)
{
	bool before = x->gave_up;
	int n;

	if (subject.p == NULL)
		subject = STR("");
	n = run(x, code_of(x, pattern, any_case ? SEARCH : SOMEWHERE), subject);
	x->gave_up = before; /* told by the result */
	if (n <= 0)
		return n == 0 ? REGEX_NO : REGEX_FAILED;
	out->n = n < REGEX_GROUPS ? (unsigned)n : REGEX_GROUPS;
	for (unsigned i = 0; i < out->n; i++)
		out->v[i] = group(x, subject, (int)i, n);
	return REGEX_YES;
}

static void expand(const struct regexes *x, const pcre2_code *code, struct str subject, int n,
		   struct str with, struct output *o)
{
	while (with.n > 0) {
		ptrdiff_t dollar = str_chr(with, '$');
		struct str name;
		size_t used;

		put(o, dollar == -1 ? with : str_make(with.p, (size_t)dollar));
		if (dollar == -1)
			return;
		with = str_from_at(with, (size_t)dollar + 1);
		used = reference(with, &name);
		if (used == 0)
			put(o, STR("$"));
		else
			put(o, group(x, subject, group_of(code, name), n));
		with = str_from_at(with, used);
	}
}

enum regex_result regex_replace(struct regexes *x, struct str pattern, struct str subject,
				struct str replacement, struct arena *a, struct str *out)
{
	const pcre2_code *code = code_of(x, pattern, SEARCH);
	struct output o = {.full = false};
	char buf[OUTPUT_MAX];
	int n = run(x, code, subject);

	if (n == 0)
		return REGEX_NO;
	(void)regex_gave_up(x);
	if (n == -1)
		return REGEX_FAILED;
	o.to = buf;
	expand(x, code, subject, n, replacement, &o);
	*out = o.full ? STR_NONE : arena_str(a, str_make(buf, o.n));
	return out->p == NULL ? REGEX_FAILED : REGEX_YES;
}

enum regex_result regex_groups(struct regexes *x, struct str pattern, bool any_case,
			       struct str subject, struct str groups[REGEX_GROUPS])
{
	bool before = x->gave_up;
	int n = run(x, code_of(x, pattern, any_case ? SEARCH : SOMEWHERE), subject);

	x->gave_up = before; /* told by the result */
	for (int i = 0; i < REGEX_GROUPS && n > 0; i++)
		groups[i] = group(x, subject, i, n);
	return n > 0 ? REGEX_YES : n == 0 ? REGEX_NO : REGEX_FAILED;
}
