/* nginx_time: see nginx_time.h. */
#include "k8s/text/nginx_time.h"

#define NUMBER_MAX 1000000000u /* of one unit, whatever the sum may be */

/* Seconds of one unit, 0: there is none of that letter. */
static uint32_t unit(char c)
{
	switch (c) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7 * 86400;
	case 'M':
		return 30 * 86400;
	case 'y':
		return 365 * 86400;
	default:
		return 0;
	}
}

bool nginx_seconds(struct str s, uint32_t most, uint32_t *out)
{
	uint64_t sum = 0;

	if (s.n == 0)
		return false;
	while (s.n > 0) {
		size_t digits = 0;
		uint64_t n, of = 1;

		while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
			digits++;
		if (!str_u64(str_head(s, digits), NUMBER_MAX, &n))
			return false;
		if (digits < s.n)
			of = unit(s.p[digits++]);
		sum += n * of;
		if (of == 0 || sum > most)
			return false;
		s = str_from_at(s, digits);
	}
	*out = (uint32_t)sum;
	return true;
}
