/*
 * limit: limit_req_zone of an http-snippet, and limit_req. Each limit_req becomes a struct
 * snip_limit with the zone's rate and key; whose zone it is tells one hash of its name and rate, so
 * that all who name it share it, as in nginx, and begin anew when the rate is another one. What
 * nginx would delay passes at once: the rate is the same.
 */
#include "common/hash.h"
#include "common/limit/limit_rate.h"
#include "master/translate/snippet/build.h"

/* "name=" at the beginning of a word, and what is behind it. */
static bool parameter(struct str word, const char *name, struct str *value)
{
	if (!str_starts(word, str_from(name)))
		return false;
	*value = str_from_at(word, strlen(name));
	return true;
}

/* --- limit_req_zone ------------------------------------------------------------------------ */

/* "10r/s", "2r/m" as microseconds between two. */
static bool interval_of(struct str rate, uint32_t *us)
{
	uint64_t n, period;

	if (str_ends(rate, STR("r/s")))
		period = 1000000;
	else if (str_ends(rate, STR("r/m")))
		period = 60000000;
	else
		return false;
	rate.n -= 3;
	if (!str_u64(rate, 1000000, &n) || n == 0)
		return false;
	*us = (uint32_t)(period / n);
	return *us > 0;
}

static struct snippet_zone *zone_find(struct snippet_zones *zones, struct str name)
{
	for (unsigned i = 0; zones != NULL && i < zones->n; i++)
		if (zones->v[i].id == hash_str(name, 0))
			return &zones->v[i];
	return NULL;
}

/* name:size; the size is nginx' business. */
static struct str name_of(struct str zone)
{
	ptrdiff_t colon = str_chr(zone, ':');

	return colon == -1 ? zone : str_head(zone, (size_t)colon);
}

static bool compile_key(struct build *b, const struct directive *d, struct snippet_zone *z)
{
	struct text key;
	bool ok;

	text_fixed(&key, z->key, sizeof(z->key));
	ok = template_decides(b, d, d->word[1], &key);
	z->key_n = (uint16_t)key.n;
	return ok;
}

bool do_limit_zone(struct build *b, const struct directive *d)
{
	struct snippet_zones *zones = b->job->zones;
	struct str zone = STR_NONE, rate = STR_NONE;
	struct snippet_zone *z;

	for (unsigned i = 2; i < d->n; i++)
		if (!parameter(d->word[i], "zone=", &zone) &&
		    !parameter(d->word[i], "rate=", &rate) && !str_eq(d->word[i], STR("sync")))
			return build_refuse(b, d, "limit_req_zone takes a key, zone= and rate=");
	zone = name_of(zone);
	if (zone.n == 0 || zone_find(zones, zone) != NULL || zones->n == SNIPPET_ZONES_MAX)
		return build_refuse(b, d, "there must be up to 32 zones, each with its name");
	z = &zones->v[zones->n];
	*z = (struct snippet_zone){.id = hash_str(zone, 0)};
	if (!interval_of(rate, &z->interval_us))
		return build_refuse(b, d, "rate= must be such as 10r/s or 30r/m");
	if (!compile_key(b, d, z))
		return false;
	zones->n++;
	return true;
}

/* --- limit_req ----------------------------------------------------------------------------- */

bool do_limit(struct build *b, const struct directive *d)
{
	struct str zone = STR_NONE, word, unused;
	struct snip_limit limit = {.burst = 0};
	struct text *list = build_list(b, SNIP_LIMIT);
	const struct snippet_zone *z;
	bool at_once = false;
	uint64_t burst = 0;

	for (unsigned i = 1; i < d->n; i++) {
		if (str_eq(d->word[i], STR("nodelay")) || parameter(d->word[i], "delay=", &unused))
			at_once = true;
		else if (!parameter(d->word[i], "zone=", &zone) &&
			 !(parameter(d->word[i], "burst=", &word) &&
			   str_u64(word, 1000000, &burst)))
			return build_refuse(b, d, "limit_req takes zone=, burst= and nodelay");
	}
	z = zone_find(b->job->zones, zone);
	if (z == NULL)
		return build_refuse(b, d,
				    "no limit_req_zone of the ConfigMap's http-snippet defines "
				    "zone \"" STR_FMT "\": add it there, or use the annotations "
				    "limit-rps, limit-rpm",
				    STR_ARG(str_head(zone, 60)));
	if ((burst + 1) * z->interval_us > LIMIT_AHEAD_US)
		return build_refuse(b, d,
				    "at the rate of its zone this burst takes more than a day: "
				    "lower it");
	limit = (struct snip_limit){.zone = z->id + z->interval_us,
				    .interval_us = z->interval_us,
				    .burst = (uint32_t)burst,
				    .key_n = z->key_n};
	text_str(list, str_make((const char *)&limit, sizeof(limit)));
	text_str(list, str_make(z->key, z->key_n));
	return at_once || burst == 0 ||
	       build_note(b, d, "without nodelay the burst passes at once, too; the rate holds");
}
