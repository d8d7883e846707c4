/* dev_value: see dev_value.h. */
#include "k8s/settings/dev_value.h"

#include <stdbool.h>
#include <stdio.h>

#define MS_MIN 100
#define MS_MAX 3600000

static bool parse_ms(struct str v, uint64_t *ms)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"", 1000}};

	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++) {
		struct str unit = str_from(units[i].unit), digits = v;

		if (!str_ends(v, unit))
			continue;
		digits.n -= unit.n;
		if (!str_u64(digits, MS_MAX, ms))
			return false;
		*ms *= units[i].ms;
		return true;
	}
	return false;
}

const char *dev_ms(uint32_t *to, struct str v)
{
	uint64_t ms;

	if (!parse_ms(v, &ms) || ms < MS_MIN || ms > MS_MAX)
		return "must be a time such as 5s or 500ms, from 100ms to 60m";
	*to = (uint32_t)ms;
	return NULL;
}

const char *dev_number(uint32_t *to, struct str v, uint32_t lo, uint32_t hi)
{
	static char text[64]; /* until the next one is wrong: told at once */
	uint64_t n;

	if (str_u64(v, hi, &n) && n >= lo) {
		*to = (uint32_t)n;
		return NULL;
	}
	(void)snprintf(text, sizeof(text), "must be a number from %u to %u", lo, hi);
	return text;
}

const char *dev_bool(uint8_t *to, struct str v)
{
	if (!str_eq(v, STR("true")) && !str_eq(v, STR("false")))
		return "must be \"true\" or \"false\"";
	*to = str_eq(v, STR("true"));
	return NULL;
}
