/* external: see external.h. */
#include "master/translate/endpoints/external.h"

#include <string.h>

static bool is_local_v4(const uint8_t ip[4])
{
	return ip[0] == 0 || ip[0] == 127 || (ip[0] == 169 && ip[1] == 254) || ip[0] >= 224;
}

/* ::, ::1, fe80::/10, ff00::/8 */
static bool is_local_v6(const uint8_t ip[16])
{
	static const uint8_t zero[15];

	return (memcmp(ip, zero, 15) == 0 && ip[15] <= 1) ||
	       (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) || ip[0] == 0xff;
}

static bool same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool external_allowed(const struct external *x, const struct conf *conf, const struct obj *by,
		      const struct addr *a)
{
	if (by->file.n > 0 || conf->external_name_allow_local)
		return true;
	return !(a->family == 4 ? is_local_v4(a->ip) : is_local_v6(a->ip)) && !same_ip(a, &x->api);
}
