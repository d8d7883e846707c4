/* policy_map: see policy_map.h. */
#include "common/policy/policy_map.h"

static bool cut(struct str *rest, size_t n, struct str *out)
{
	if (rest->n < n)
		return false;
	*out = str_head(*rest, n);
	*rest = str_from_at(*rest, n);
	return true;
}

bool map_next(struct str *maps, struct map_view *out)
{
	struct map_head head;
	struct str part;

	if (!cut(maps, sizeof(head), &part))
		return false;
	memcpy(&head, part.p, sizeof(head));
	out->geo = head.geo != 0;
	out->hostnames = head.hostnames != 0;
	return cut(maps, head.name_n, &out->name) && cut(maps, head.source_n, &out->source) &&
	       cut(maps, head.default_n, &out->value) && cut(maps, head.entries_n, &out->entries);
}

bool map_next_entry(struct str *entries, struct map_entry_view *out)
{
	struct map_entry head;
	struct str part;

	if (!cut(entries, sizeof(head), &part))
		return false;
	memcpy(&head, part.p, sizeof(head));
	if (head.kind >= MAP_KINDS)
		return false;
	out->kind = (enum map_kind)head.kind;
	return cut(entries, head.text_n, &out->text) && cut(entries, head.value_n, &out->value);
}

bool map_find(struct str maps, struct str name, struct map_view *out)
{
	struct map_view m;
	bool found = false;

	while (map_next(&maps, &m))
		if (str_eq(m.name, name)) {
			*out = m;
			found = true;
		}
	return found;
}
