/* decode_parts: the pieces several kinds share. See decode_kind.h. */
#include "k8s/objects/decode_kind.h"

#include <stdio.h>
#include <string.h>

void decode_judge(const struct jv *in, const char *key, struct str value, const char *wrong)
{
	if (wrong == NULL)
		return;
	if (value.n == 0)
		jv_fail(in, key, "%s", wrong);
	else
		jv_fail(in, key, "\"%.*s\" %s", (int)(value.n < 80 ? value.n : 80), value.p, wrong);
}

int decode_enum(const struct jv *in, const char *key, const char *const *names, int n, int dflt)
{
	struct str s = jv_str(in, key);
	char list[128] = "";
	size_t at = 0;

	if (s.n == 0)
		return dflt;
	for (int i = 0; i < n; i++)
		if (str_eq(s, str_from(names[i])))
			return i;
	for (int i = 0; i < n && at < sizeof(list); i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i > 0 ? ", " : "",
				       names[i]);
	jv_fail(in, key, "\"%.40s\" must be one of %s", s.p, list);
	return dflt;
}

enum port_protocol decode_protocol(const struct jv *in)
{
	static const char *const names[] = {"TCP", "UDP", "SCTP"};

	return (enum port_protocol)decode_enum(in, "protocol", names, 3, PORT_TCP);
}

uint16_t decode_port(const struct jv *in, const char *key)
{
	int64_t port = 0;

	jv_int(in, key, 1, UINT16_MAX, &port);
	return (uint16_t)port;
}

void decode_lb_status(const struct jv *root, struct obj_mem *m, struct lb_status *out)
{
	struct jv status, lb, arr, at;
	struct lb_address *v;
	uint32_t n;

	if (!jv_obj(root, "status", &status) || !jv_obj(&status, "loadBalancer", &lb))
		return;
	n = jv_arr(&lb, "ingress", &arr);
	v = obj_mem_array(m, n, sizeof(*v));
	for (uint32_t i = 0; i < n && jv_item_obj(&arr, i, &at); i++) {
		v[i].ip = obj_mem_str(m, jv_str(&at, "ip"));
		v[i].hostname = obj_mem_str(m, jv_str(&at, "hostname"));
	}
	*out = (struct lb_status){.v = v, .n = n};
}
