/* expo: see expo.h. */
#include "worker/metrics/expo.h"

#include <string.h>

bool expo_wants_open(struct str accept)
{
	static const struct str type = {"application/openmetrics-text", 28};

	return accept.n >= type.n && memmem(accept.p, accept.n, type.p, type.n) != NULL;
}

static struct str without_total(struct str name)
{
	static const struct str end = {"_total", 6};

	if (name.n > end.n && memcmp(name.p + name.n - end.n, end.p, end.n) == 0)
		name.n -= end.n;
	return name;
}

static struct str type_name(const struct expo *x, struct str name, enum expo_type type)
{
	switch (type) {
	case EXPO_GAUGE:
		return STR("gauge");
	case EXPO_HISTOGRAM:
		return STR("histogram");
	case EXPO_COUNTER_TOTAL:
		return x->open ? STR("unknown") : STR("counter");
	case EXPO_COUNTER:
		break;
	}
	return x->open && without_total(name).n == name.n ? STR("unknown") : STR("counter");
}

void expo_family(struct expo *x, struct str name, enum expo_type type, struct str help)
{
	struct str family = x->open && type == EXPO_COUNTER ? without_total(name) : name;

	text_lit(&x->t, "# HELP ");
	text_str(&x->t, family);
	text_char(&x->t, ' ');
	text_str(&x->t, help);
	text_lit(&x->t, "\n# TYPE ");
	text_str(&x->t, family);
	text_char(&x->t, ' ');
	text_str(&x->t, type_name(x, name, type));
	text_char(&x->t, '\n');
}

void expo_value(struct expo *x, uint64_t v)
{
	text_char(&x->t, ' ');
	text_u64(&x->t, v);
	text_char(&x->t, '\n');
}

void expo_sample(struct expo *x, struct str name, struct str labels, uint64_t v)
{
	text_str(&x->t, name);
	if (labels.n > 0) {
		text_char(&x->t, '{');
		text_str(&x->t, labels);
		text_char(&x->t, '}');
	}
	expo_value(x, v);
}

static void escaped(struct text *t, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\n') {
			text_lit(t, "\\n");
			continue;
		}
		if (c == '"' || c == '\\')
			text_char(t, '\\');
		text_char(t, c);
	}
}

void expo_label(struct text *t, struct str name, struct str value)
{
	if (t->n > 0)
		text_char(t, ',');
	text_str(t, name);
	text_lit(t, "=\"");
	escaped(t, value);
	text_char(t, '"');
}
