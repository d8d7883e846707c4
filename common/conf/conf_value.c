/*
 * conf_value: parse and print one value by its type. See conf_value.h.
 *
 * Every type has a parser here and a printer, and what the printer writes the parser reads back.
 */
#include "common/conf/conf_value.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/net/addr.h"
#include "common/net/cidr.h"

struct suffix {
	const char *text;
	uint64_t factor;
};

static const struct suffix time_suffixes[] = {{"ms", 1},          {"s", 1000},     {"m", 60 * 1000},
					      {"h", 3600 * 1000}, {"d", 86400000}, {NULL, 0}};
static const struct suffix size_suffixes[] = {
    {"k", 1ull << 10}, {"m", 1ull << 20}, {"g", 1ull << 30}, {NULL, 0}};

static void *field(const struct conf_key *k, struct conf *c)
{
	return (char *)c + k->offset;
}

static const void *field_const(const struct conf_key *k, const struct conf *c)
{
	return (const char *)c + k->offset;
}

static bool is_text(const struct conf_key *k)
{
	return k->type >= CONF_T_STRING;
}

static bool is_number(const struct conf_key *k)
{
	return k->type >= CONF_T_INT && k->type <= CONF_T_TIME;
}

static size_t field_size(const struct conf_key *k)
{
	if (is_text(k))
		return k->cap;
	if (is_number(k))
		return sizeof(uint64_t);
	return sizeof(uint8_t);
}
_Static_assert(sizeof(bool) == sizeof(uint8_t), "BOOL and ENUM fields are one byte");

/* --- numbers ---------------------------------------------------------------------------- */

/* The run of digits at the front of *s, taken off. False when there is none or it is too long. */
static bool take_number(struct str *s, uint64_t *out)
{
	size_t n = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (!str_u64(str_make(s->p, n), UINT64_MAX >> 1, out))
		return false;
	*s = str_from_at(*s, n);
	return true;
}

/* The suffix at the front of *s, taken off; 0 when it is none of these. Longest first: "ms". */
static uint64_t take_suffix(struct str *s, const struct suffix *list)
{
	for (; list->text != NULL; list++) {
		struct str t = str_from(list->text);

		if (s->n >= t.n && str_ieq(str_make(s->p, t.n), t)) {
			*s = str_from_at(*s, t.n);
			return list->factor;
		}
	}
	return 0;
}

/* "90", "90s", "1h30m". A bare number counts in units of `bare`. */
static bool parse_scaled(struct str s, const struct suffix *list, uint64_t bare, bool sum,
			 uint64_t *out)
{
	uint64_t total = 0;

	if (s.n == 0)
		return false;
	do {
		uint64_t n, factor;

		if (!take_number(&s, &n))
			return false;
		factor = s.n == 0 ? bare : take_suffix(&s, list);
		if (factor == 0 || __builtin_mul_overflow(n, factor, &n) ||
		    __builtin_add_overflow(total, n, &total))
			return false;
		bare = 0; /* "1h30" is not clear enough to be accepted */
	} while (sum && s.n > 0);
	*out = total;
	return s.n == 0;
}

static bool parse_number(const struct conf_key *k, struct str s, uint64_t *out)
{
	switch (k->type) {
	case CONF_T_AUTO:
		if (str_ieq(s, STR("auto"))) {
			*out = 0;
			return true;
		}
		return str_u64(s, UINT64_MAX, out);
	case CONF_T_SIZE:
		return parse_scaled(s, size_suffixes, 1, false, out);
	case CONF_T_TIME:
		return parse_scaled(s, time_suffixes, 1000, true, out);
	default:
		return str_u64(s, UINT64_MAX, out);
	}
}

static int set_number(const struct conf_key *k, struct conf *c, struct str s)
{
	uint64_t v;

	if (!parse_number(k, s, &v) || v < k->lo || v > k->hi)
		return -1;
	memcpy(field(k, c), &v, sizeof(v));
	return 0;
}

static int set_bool(const struct conf_key *k, struct conf *c, struct str s)
{
	static const char *const words[] = {"false", "true", "off", "on", "no", "yes", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_ieq(s, str_from(words[i]))) {
			*(bool *)field(k, c) = (i & 1) != 0;
			return 0;
		}
	return -1;
}

/* --- choices ---------------------------------------------------------------------------- */

/* Takes the next choice off *rest. */
static bool next_choice(struct str *rest, struct str *choice)
{
	ptrdiff_t bar = str_chr(*rest, '|');

	if (rest->n == 0)
		return false;
	*choice = bar == -1 ? *rest : str_make(rest->p, (size_t)bar);
	*rest = bar == -1 ? STR_NONE : str_from_at(*rest, (size_t)bar + 1);
	return true;
}

static int set_enum(const struct conf_key *k, struct conf *c, struct str s)
{
	struct str rest = str_from(k->choices), choice;

	for (uint8_t i = 0; next_choice(&rest, &choice); i++)
		if (str_ieq(s, choice)) {
			*(uint8_t *)field(k, c) = i;
			return 0;
		}
	return -1;
}

static struct str choice_text(const struct conf_key *k, unsigned i)
{
	struct str rest = str_from(k->choices), choice = STR_NONE;

	while (next_choice(&rest, &choice) && i-- > 0)
		;
	return choice;
}

/* --- texts ------------------------------------------------------------------------------ */

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char l = ascii_lower(s.p[i]);

		if (!(l >= 'a' && l <= 'z') && !(l >= '0' && l <= '9') && l != '.' && l != '_' &&
		    l != '-')
			return false;
	}
	return true;
}

static bool is_nsname(struct str s)
{
	ptrdiff_t slash = str_chr(s, '/');

	if (s.n == 0)
		return true;
	return slash > 0 && (size_t)slash + 1 < s.n && is_name(str_make(s.p, (size_t)slash)) &&
	       is_name(str_from_at(s, (size_t)slash + 1));
}

static bool is_addrs(struct str s)
{
	struct str one;
	struct addr a;

	while (conf_csv_next(&s, &one))
		if (!addr_parse(one, 0, &a))
			return false;
	return true;
}

static bool is_cidrs(struct str s)
{
	struct str one;
	struct cidr c;

	while (conf_csv_next(&s, &one))
		if (!cidr_parse(one, &c))
			return false;
	return true;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static bool text_is_allowed(const struct conf_key *k, struct str s)
{
	if (s.n >= k->cap || !is_printable(s))
		return false;
	switch (k->type) {
	case CONF_T_NAME:
		return is_name(s);
	case CONF_T_NSNAME:
		return is_nsname(s);
	case CONF_T_URLPATH:
		return str_starts(s, STR("/"));
	case CONF_T_ADDRS:
		return is_addrs(s);
	case CONF_T_CIDRS:
		return is_cidrs(s);
	default:
		return true;
	}
}

static int set_text(const struct conf_key *k, struct conf *c, struct str s)
{
	char *to = field(k, c);

	if (!text_is_allowed(k, s))
		return -1;
	memset(to, 0, k->cap); /* all of it: two equal settings are equal bytes */
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return 0;
}

/* --- the public four -------------------------------------------------------------------- */

int conf_value_parse(const struct conf_key *k, struct conf *c, struct str text,
		     char allowed[CONF_ERROR_MAX])
{
	int rc;

	if (is_text(k))
		rc = set_text(k, c, text);
	else if (is_number(k))
		rc = set_number(k, c, text);
	else if (k->type == CONF_T_ENUM)
		rc = set_enum(k, c, text);
	else
		rc = set_bool(k, c, text);
	if (rc == -1)
		conf_value_allowed(k, allowed);
	return rc;
}

static void scaled_text(uint64_t v, const struct suffix *list, char *out, size_t cap)
{
	const struct suffix *best = NULL;

	for (; list->text != NULL; list++)
		if (v != 0 && v % list->factor == 0 && list->factor > 1)
			best = list;
	if (best != NULL)
		(void)snprintf(out, cap, "%" PRIu64 "%s", v / best->factor, best->text);
	else
		(void)snprintf(out, cap, "%" PRIu64, v);
}

static void number_text(const struct conf_key *k, uint64_t v, char *out, size_t cap)
{
	if (k->type == CONF_T_AUTO && v == 0)
		(void)snprintf(out, cap, "auto");
	else if (k->type == CONF_T_SIZE)
		scaled_text(v, size_suffixes, out, cap);
	else if (k->type == CONF_T_TIME && v % 1000 != 0)
		(void)snprintf(out, cap, "%" PRIu64 "ms", v);
	else if (k->type == CONF_T_TIME)
		scaled_text(v, time_suffixes, out, cap);
	else
		(void)snprintf(out, cap, "%" PRIu64, v);
}

void conf_value_text(const struct conf_key *k, const struct conf *c, char out[CONF_VALUE_MAX])
{
	const void *p = field_const(k, c);
	uint64_t v;

	if (is_text(k)) {
		(void)snprintf(out, CONF_VALUE_MAX, "%s", (const char *)p);
	} else if (is_number(k)) {
		memcpy(&v, p, sizeof(v));
		number_text(k, v, out, CONF_VALUE_MAX);
	} else if (k->type == CONF_T_ENUM) {
		(void)snprintf(out, CONF_VALUE_MAX, STR_FMT,
			       STR_ARG(choice_text(k, *(const uint8_t *)p)));
	} else {
		(void)snprintf(out, CONF_VALUE_MAX, "%s", *(const bool *)p ? "true" : "false");
	}
}

bool conf_value_eq(const struct conf_key *k, const struct conf *a, const struct conf *b)
{
	return memcmp(field_const(k, a), field_const(k, b), field_size(k)) == 0;
}

void conf_value_copy(const struct conf_key *k, struct conf *to, const struct conf *from)
{
	memcpy(field(k, to), field_const(k, from), field_size(k));
}

static void choices_allowed(const struct conf_key *k, char *out)
{
	struct str rest = str_from(k->choices), choice;
	size_t at = 0;

	while (next_choice(&rest, &choice) && at < CONF_ERROR_MAX)
		at += (size_t)snprintf(out + at, CONF_ERROR_MAX - at, "%s" STR_FMT,
				       at == 0 ? "" : ", ", STR_ARG(choice));
}

static void bounds_allowed(const struct conf_key *k, char *out)
{
	char lo[32], hi[32];

	number_text(k, k->lo, lo, sizeof(lo));
	number_text(k, k->hi, hi, sizeof(hi));
	if (k->type == CONF_T_AUTO)
		(void)snprintf(out, CONF_ERROR_MAX, "auto, or 1 to %s %s", hi, k->unit);
	else if (k->type == CONF_T_TIME)
		(void)snprintf(out, CONF_ERROR_MAX,
			       "%s to %s, in seconds or with suffix ms, s, m, h or d", lo, hi);
	else if (k->type == CONF_T_SIZE)
		(void)snprintf(out, CONF_ERROR_MAX, "%s to %s, in bytes or with suffix k, m or g",
			       lo, hi);
	else
		(void)snprintf(out, CONF_ERROR_MAX, "%s to %s", lo, hi);
}

void conf_value_allowed(const struct conf_key *k, char out[CONF_ERROR_MAX])
{
	static const char *const texts[] = {
	    [CONF_T_STRING] = "printable text",
	    [CONF_T_NAME] = "letters, digits, '.', '_' and '-'",
	    [CONF_T_NSNAME] = "namespace/name",
	    [CONF_T_URLPATH] = "a path that begins with '/'",
	    [CONF_T_ADDRS] = "IP addresses separated by commas",
	    [CONF_T_CIDRS] = "networks (192.0.2.0/24) separated by commas",
	};

	if (k->type == CONF_T_ENUM)
		choices_allowed(k, out);
	else if (k->type == CONF_T_BOOL)
		(void)snprintf(out, CONF_ERROR_MAX, "true or false");
	else if (is_number(k))
		bounds_allowed(k, out);
	else
		(void)snprintf(out, CONF_ERROR_MAX, "%s, at most %zu bytes", texts[k->type],
			       k->cap - 1);
}
