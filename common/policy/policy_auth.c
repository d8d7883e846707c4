/* policy_auth: see policy_auth.h. */
#include "common/policy/policy_auth.h"

static bool take(struct str *rest, size_t n, struct str *out)
{
	if (rest->n < n)
		return false;
	*out = str_head(*rest, n);
	*rest = str_from_at(*rest, n);
	return true;
}

bool policy_auth_read(struct str option, struct policy_auth_view *out)
{
	struct str rest = str_from_at(option, sizeof(struct policy_auth));
	struct policy_auth h;

	if (option.n < sizeof(h))
		return false;
	memcpy(&h, option.p, sizeof(h));
	*out =
	    (struct policy_auth_view){.cluster = h.cluster, .profile = h.profile, .flags = h.flags};
	return take(&rest, h.method_n, &out->method) && take(&rest, h.host_n, &out->host) &&
	       take(&rest, h.target_n, &out->target) && take(&rest, h.signin_n, &out->signin) &&
	       take(&rest, h.redirect_n, &out->redirect) && take(&rest, h.names_n, &out->names) &&
	       take(&rest, h.input_n, &out->input) && take(&rest, h.set_n, &out->set) &&
	       take(&rest, h.ops_n, &out->ops);
}
