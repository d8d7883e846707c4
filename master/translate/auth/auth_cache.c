/* auth_cache: see auth_cache.h. */
#include "master/translate/auth/auth_cache.h"

#include "k8s/settings/annot.h"
#include "k8s/text/nginx_time.h"

#define SECONDS_MAX (366u * 86400)

static const char wrong[] = "must be statuses and a time, like \"200 202 5m, 401 30s\"";

static struct str take_word(struct str *rest)
{
	struct str s = str_trim(*rest);
	ptrdiff_t end = str_chr(s, ' ');

	*rest = end == -1 ? STR_NONE : str_trim(str_from_at(s, (size_t)end));
	return end == -1 ? s : str_head(s, (size_t)end);
}

static bool put(struct text *out, unsigned *n, uint32_t status, uint32_t seconds)
{
	struct policy_auth_time t = {status, seconds};

	if (++*n > AUTH_CACHE_TIMES_MAX)
		return false;
	text_str(out, str_make((const char *)&t, sizeof(t)));
	return true;
}

static bool put_codes(struct text *out, unsigned *n, struct str codes, uint32_t seconds)
{
	while (codes.n > 0) {
		struct str word = take_word(&codes);
		uint64_t status = 0;

		if (!str_eq(word, STR("any")) && (!str_u64(word, 599, &status) || status < 100))
			return false;
		if (!put(out, n, (uint32_t)status, seconds))
			return false;
	}
	return true;
}

/* "200 202 5m": the time is the last word; alone it is for 200, as nginx has it (and for 301 and
 * 302, which let nobody in). */
static bool read_one(struct str s, struct text *out, unsigned *n)
{
	size_t at = s.n;
	uint32_t seconds;

	while (at > 0 && s.p[at - 1] != ' ')
		at--;
	if (!nginx_seconds(str_from_at(s, at), SECONDS_MAX, &seconds) || at == s.n)
		return false;
	if (str_trim(str_head(s, at)).n == 0)
		return put(out, n, 200, seconds);
	return put_codes(out, n, str_trim(str_head(s, at)), seconds);
}

const char *auth_cache_times(struct str text, struct text *out)
{
	unsigned n = 0;
	struct str one;

	while (annot_csv_next(&text, &one))
		if (!read_one(str_trim(one), out, &n))
			return wrong;
	return n == 0 ? wrong : NULL;
}
