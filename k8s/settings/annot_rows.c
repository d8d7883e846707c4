/* annot_rows: the annotation table as rows, and finding one by its name or nearly so. */
#include "k8s/settings/annot.h"

#define NAME_MAX_LEN 64

static const struct annot_row rows[] = {
#define ANNOT(id, name, type, scale, min, max, dflt, risk, scope, field, text) \
	{name, text, NULL, dflt, ANNOT_##id, ANNOT_##type, RISK_##risk, SCOPE_##scope},
#define ANNOT_IDLE(name, type, risk, scope, text) \
	{name, text, NULL, NULL, ANNOT_ID_IDLE, ANNOT_##type, RISK_##risk, SCOPE_##scope},
#define ANNOT_LATER(name, type, risk, scope, text) \
	{name, text, NULL, NULL, ANNOT_ID_LATER, ANNOT_##type, RISK_##risk, SCOPE_##scope},
#define ANNOT_ALIAS(name, canonical) \
	{name, NULL, canonical, NULL, ANNOT_ID_LATER, ANNOT_STRING, RISK_LOW, SCOPE_LOCATION},
#include "k8s/settings/annot_tbl.h"
};

#define N_ROWS (sizeof(rows) / sizeof(*rows))

/* Aliases take all but the name from their canonical row, once. */
static const struct annot_row *filled(void)
{
	static struct annot_row all[N_ROWS];

	if (all[0].name != NULL)
		return all;
	for (size_t i = N_ROWS; i-- > 0;) {
		const struct annot_row *from = &rows[i];

		for (size_t k = 0; k < N_ROWS && rows[i].alias_of != NULL; k++)
			if (strcmp(rows[k].name, rows[i].alias_of) == 0)
				from = &rows[k];
		all[i] = *from;
		all[i].name = rows[i].name;
		all[i].alias_of = rows[i].alias_of;
	}
	return all;
}

const struct annot_row *annot_rows(size_t *n)
{
	*n = N_ROWS;
	return filled();
}

const struct annot_row *annot_find(struct str name)
{
	const struct annot_row *all = filled();

	for (size_t i = 0; i < N_ROWS; i++)
		if (str_eq(str_from(all[i].name), name))
			return &all[i];
	return NULL;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits between a and b, two neighbours swapped counting as one. */
static unsigned distance(struct str a, struct str b)
{
	unsigned d[3][NAME_MAX_LEN + 1];
	unsigned *before = d[0], *last = d[1], *row = d[2];

	for (unsigned k = 0; k <= b.n; k++)
		last[k] = k;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *spare = before;

		row[0] = i;
		for (unsigned k = 1; k <= b.n; k++) {
			bool same = a.p[i - 1] == b.p[k - 1];

			row[k] = min3(last[k] + 1, row[k - 1] + 1, last[k - 1] + !same);
			if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] &&
			    a.p[i - 2] == b.p[k - 1] && before[k - 2] + 1 < row[k])
				row[k] = before[k - 2] + 1;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b.n];
}

/* "body-size" for "proxy-body-size": half of a name is a frequent slip, too. */
static bool is_tail(struct str name, struct str part)
{
	return part.n >= 6 && name.n > part.n && str_ends(name, part) &&
	       name.p[name.n - part.n - 1] == '-';
}

const struct annot_row *annot_nearest(struct str name)
{
	const struct annot_row *all = filled(), *best = NULL;
	unsigned least = (unsigned)(name.n / 4 + 1); /* more edits than that is another word */

	if (name.n == 0 || name.n > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < N_ROWS; i++) {
		struct str s = str_from(all[i].name);
		unsigned d = distance(name, s);

		if (d < least) {
			least = d;
			best = &all[i];
		}
	}
	for (size_t i = 0; i < N_ROWS && best == NULL; i++)
		if (is_tail(str_from(all[i].name), name))
			best = &all[i];
	return best;
}
