/* coding: see coding.h. */
#include "worker/compress/coding.h"

#define WEIGHT_MOST 1000

static const struct {
	const char *name, *alias; /* RFC 9110 §8.4.1.3: x-gzip is gzip */
} codings[CODINGS] = {
    [CODING_IDENTITY] = {"identity", "identity"},
    [CODING_GZIP] = {"gzip", "x-gzip"},
    [CODING_BR] = {"br", "br"},
};

void coding_wish_init(struct coding_wish *w)
{
	for (unsigned i = 0; i < CODINGS; i++)
		w->weight[i] = -1;
	w->others = -1;
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ), in thousandths; -1: none. */
static int16_t weight(struct str s)
{
	int16_t value, digit = 100;

	if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.'))
		return -1;
	value = s.p[0] == '1' ? WEIGHT_MOST : 0;
	for (size_t i = 2; i < s.n; i++, digit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		value = (int16_t)(value + (s.p[i] - '0') * digit);
	}
	return value > WEIGHT_MOST ? -1 : value;
}

/* Take what comes before the next `end` off *s. */
static struct str take(struct str *s, char end)
{
	ptrdiff_t at = str_chr(*s, end);
	struct str part = at < 0 ? *s : str_make(s->p, (size_t)at);

	*s = at < 0 ? STR_NONE : str_from_at(*s, (size_t)at + 1);
	return str_trim(part);
}

/* The weight among a coding's parameters: the only one there is. -1: not a weight. */
static int16_t weight_of(struct str parameters)
{
	struct str name;

	if (parameters.n == 0)
		return WEIGHT_MOST;
	name = take(&parameters, '=');
	if (!str_ieq(name, STR("q")))
		return -1;
	return weight(str_trim(parameters));
}

static void add_one(struct coding_wish *w, struct str element)
{
	struct str name = take(&element, ';');
	int16_t q = weight_of(str_trim(element));

	if (q < 0)
		return;
	if (str_eq(name, STR("*")))
		w->others = q;
	for (unsigned i = 0; i < CODINGS; i++)
		if (str_ieq(name, str_from(codings[i].name)) ||
		    str_ieq(name, str_from(codings[i].alias)))
			w->weight[i] = q;
}

void coding_wish_add(struct coding_wish *w, struct str accept_encoding)
{
	while (accept_encoding.n > 0)
		add_one(w, take(&accept_encoding, ','));
}

enum coding coding_choose(const struct coding_wish *w, unsigned offered)
{
	/* Without a word about it identity is acceptable, and the last choice. */
	int16_t identity = w->weight[CODING_IDENTITY];
	int16_t best = identity < 0 ? 0 : identity;
	enum coding chosen = CODING_IDENTITY;

	for (unsigned i = CODING_IDENTITY + 1; i < CODINGS; i++) {
		int16_t q = w->weight[i] < 0 ? w->others : w->weight[i];

		if ((offered & 1u << i) != 0 && q > 0 && q >= best) {
			best = q;
			chosen = (enum coding)i;
		}
	}
	return chosen;
}

struct str coding_name(enum coding c)
{
	return c == CODING_IDENTITY ? STR_NONE : str_from(codings[c].name);
}
