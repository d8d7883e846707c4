/* policy_mirror: see policy_mirror.h. */
#include "common/policy/policy_mirror.h"

#include <string.h>

bool policy_mirror_read(struct str option, struct policy_mirror_view *out)
{
	struct str rest = str_from_at(option, sizeof(struct policy_mirror));
	struct policy_mirror h;

	if (option.n < sizeof(h))
		return false;
	memcpy(&h, option.p, sizeof(h));
	if ((size_t)h.host_n + h.target_n > rest.n)
		return false;
	*out = (struct policy_mirror_view){
	    .cluster = h.cluster,
	    .profile = h.profile,
	    .flags = h.flags,
	    .host = str_head(rest, h.host_n),
	    .target = str_head(str_from_at(rest, h.host_n), h.target_n),
	};
	return true;
}
