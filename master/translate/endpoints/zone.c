/* zone: see zone.h. */
#include "master/translate/endpoints/zone.h"

struct str zone_of_node(const struct obj *node)
{
	const struct str *label = node == NULL ? NULL : obj_map_get(&node->labels, STR(ZONE_LABEL));

	return label == NULL ? STR_NONE : *label;
}

bool zone_hinted(const struct slice_endpoint *e, struct str zone)
{
	for (uint32_t i = 0; i < e->for_zones.n; i++)
		if (str_eq(e->for_zones.v[i], zone))
			return true;
	return false;
}

/* False: one of the slice's ready endpoints has no hint. */
static bool all_hinted(const struct endpoint_slice *s, struct str zone, bool *ours)
{
	for (uint32_t i = 0; i < s->n_endpoints; i++) {
		const struct slice_endpoint *e = &s->endpoints[i];

		if (e->ready == TRI_FALSE || e->n_addrs == 0)
			continue;
		if (e->for_zones.n == 0)
			return false;
		*ours = *ours || zone_hinted(e, zone);
	}
	return true;
}

bool zone_applies(const struct store *store, struct str ns, struct str service, struct str zone)
{
	bool ours = false;

	if (zone.n == 0)
		return false;
	for (const struct endpoint_slice *s = store_slice_first(store, ns, service); s != NULL;
	     s = store_slice_next(s))
		if (!all_hinted(s, zone, &ours))
			return false;
	return ours;
}
