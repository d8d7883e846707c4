/* patterns: see patterns.h. */
#include "worker/rewrite/patterns.h"

#include <stdlib.h>
#include <string.h>

#include "common/conf/conf.h"

#define SAME_CASE STR("(?-i)") /* regexes are compiled for any case */

struct pattern {
	struct str text; /* of a regex: as compiled */
	bool regex;
};

struct patterns {
	size_t n;
	char *texts;
	struct pattern v[];
};

static size_t count(struct str csv)
{
	struct str one;
	size_t n = 0;

	while (conf_csv_next(&csv, &one))
		n++;
	return n;
}

static struct str put(char **to, struct str a, struct str b)
{
	struct str s = str_make(*to, a.n + b.n);

	if (a.n > 0)
		memcpy(*to, a.p, a.n);
	if (b.n > 0)
		memcpy(*to + a.n, b.p, b.n);
	*to += s.n;
	return s;
}

static struct pattern make(struct str one, char **to)
{
	if (str_starts(one, STR("~*")))
		return (struct pattern){put(to, str_from_at(one, 2), STR_NONE), true};
	if (str_starts(one, STR("~")))
		return (struct pattern){put(to, SAME_CASE, str_from_at(one, 1)), true};
	return (struct pattern){put(to, one, STR_NONE), false};
}

struct patterns *patterns_new(struct str csv, struct regexes *x)
{
	size_t most = count(csv);
	struct patterns *p = most == 0 ? NULL : calloc(1, sizeof(*p) + most * sizeof(p->v[0]));
	struct str one;
	char *to;

	if (p == NULL)
		return NULL;
	p->texts = to = malloc(csv.n + most * SAME_CASE.n + 1);
	if (p->texts == NULL) {
		free(p);
		return NULL;
	}
	while (conf_csv_next(&csv, &one)) {
		struct pattern m = make(one, &to);

		if (!m.regex || regex_compiles(x, m.text))
			p->v[p->n++] = m;
	}
	return p;
}

void patterns_free(struct patterns *p)
{
	if (p == NULL)
		return;
	free(p->texts);
	free(p);
}

enum regex_result patterns_match(const struct patterns *p, struct regexes *x, struct str value)
{
	enum regex_result one, all = REGEX_NO;

	if (p == NULL || value.p == NULL)
		return REGEX_NO;
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].regex)
			one = regex_search(x, p->v[i].text, value);
		else
			one = str_ieq(p->v[i].text, value) ? REGEX_YES : REGEX_NO;
		if (one == REGEX_YES)
			return REGEX_YES;
		if (one == REGEX_FAILED)
			all = REGEX_FAILED;
	}
	return all;
}
