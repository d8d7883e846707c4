/* conf_key: the rows of conf_tbl.h as data, and finding them. See conf_key.h. */
#include "common/conf/conf_key.h"

#include <limits.h>

const struct conf_key conf_keys[] = {
#define CONF_SECTION(title) {.name = (title), .type = CONF_T_SECTION},
#define CONF_BOOL(key, field, d, w, s, text)     \
	{.name = (key),                          \
	 .type = CONF_T_BOOL,                    \
	 .def = (d),                             \
	 .unit = "",                             \
	 .when = CONF_WHEN_##w,                  \
	 .show = CONF_SHOW_##s,                  \
	 .offset = offsetof(struct conf, field), \
	 .help = (text)},
#define CONF_NUM(t, key, field, d, l, h, u, w, s, text) \
	{.name = (key),                                 \
	 .type = CONF_T_##t,                            \
	 .def = (d),                                    \
	 .lo = (l),                                     \
	 .hi = (h),                                     \
	 .unit = (u),                                   \
	 .when = CONF_WHEN_##w,                         \
	 .show = CONF_SHOW_##s,                         \
	 .offset = offsetof(struct conf, field),        \
	 .help = (text)},
#define CONF_TEXT(t, key, field, d, bytes, w, s, text) \
	{.name = (key),                                \
	 .type = CONF_T_##t,                           \
	 .def = (d),                                   \
	 .unit = "",                                   \
	 .cap = (bytes),                               \
	 .when = CONF_WHEN_##w,                        \
	 .show = CONF_SHOW_##s,                        \
	 .offset = offsetof(struct conf, field),       \
	 .help = (text)},
#define CONF_ENUM(key, field, d, among, w, s, text) \
	{.name = (key),                             \
	 .type = CONF_T_ENUM,                       \
	 .def = (d),                                \
	 .choices = (among),                        \
	 .unit = "",                                \
	 .when = CONF_WHEN_##w,                     \
	 .show = CONF_SHOW_##s,                     \
	 .offset = offsetof(struct conf, field),    \
	 .help = (text)},
#include "common/conf/conf_tbl.h"
};
const size_t conf_n_keys = sizeof(conf_keys) / sizeof(conf_keys[0]);

/* No value may outgrow the buffer conf_value_text() is given. */
#define CONF_TEXT(t, key, field, d, bytes, w, s, text) \
	_Static_assert((bytes) <= CONF_VALUE_MAX, key " is too large");
#include "common/conf/conf_tbl.h"

static const struct conf_ignored ignored[] = {
#define CONF_IGNORED(key, boolean, reason) {(key), (boolean), (reason)},
#include "common/conf/conf_ignored_tbl.h"
};

const struct conf_key *conf_key_find(struct str name)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		if (conf_keys[i].type != CONF_T_SECTION &&
		    str_eq(name, str_from(conf_keys[i].name)))
			return &conf_keys[i];
	return NULL;
}

const struct conf_ignored *conf_ignored_find(struct str name)
{
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (str_eq(name, str_from(ignored[i].name)))
			return &ignored[i];
	return NULL;
}

/* "_" for "-" is the commonest slip of all and costs nothing. */
static bool same_letter(char a, char b)
{
	a = ascii_lower(a) == '_' ? '-' : ascii_lower(a);
	b = ascii_lower(b) == '_' ? '-' : ascii_lower(b);
	return a == b;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

enum {
	WORD_MAX = 48
};

/* Levenshtein distance, one row at a time. */
unsigned conf_word_distance(struct str a, struct str b)
{
	unsigned row[WORD_MAX + 1];

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return UINT_MAX;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned cost = same_letter(a.p[i - 1], b.p[j - 1]) ? 0 : 1;
			unsigned best = min3(row[j] + 1, row[j - 1] + 1, diagonal + cost);

			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[b.n];
}

const struct conf_key *conf_key_nearest(struct str name)
{
	const struct conf_key *best = NULL;
	unsigned least = 4; /* more than three slips is another word */

	if (name.n < 3 || name.n > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < conf_n_keys; i++) {
		struct str key = str_from(conf_keys[i].name);
		unsigned d;

		if (conf_keys[i].type == CONF_T_SECTION || key.n > WORD_MAX)
			continue;
		d = conf_word_distance(name, key);
		if (d < least) {
			least = d;
			best = &conf_keys[i];
		}
	}
	return best;
}
