/* policy_snippet: see policy_snippet.h. */
#include "common/policy/policy_snippet.h"

#include <string.h>

/* The first n bytes of rest; false when there are fewer. */
static bool cut(struct str *rest, size_t n, struct str *out)
{
	if (rest->n < n)
		return false;
	*out = str_make(rest->p, n);
	*rest = str_from_at(*rest, n);
	return true;
}

bool snip_read(struct str option, struct snip *out)
{
	struct snip_head head;
	struct str part;

	if (!cut(&option, sizeof(head), &part))
		return false;
	memcpy(&head, part.p, sizeof(head));
	if (head.scopes == 0 || head.scopes > SNIP_SCOPES_MAX ||
	    !cut(&option, head.scopes * sizeof(struct snip_scope), &part))
		return false;
	*out = (struct snip){.scopes = part.p, .n_scopes = head.scopes};
	if (!cut(&option, head.ops_n, &out->ops) ||
	    !cut(&option, head.locations_n, &out->locations))
		return false;
	out->lists = option;
	return true;
}

bool snip_next(struct str *ops, struct snip_step *out)
{
	struct str head;

	if (!cut(ops, sizeof(out->op), &head))
		return false;
	memcpy(&out->op, head.p, sizeof(out->op));
	return out->op.code < SNIP_CODES && cut(ops, out->op.a_n, &out->a) &&
	       cut(ops, out->op.b_n, &out->b);
}

bool snip_next_location(struct str *locations, struct snip_location *out)
{
	struct snip_place place;
	struct str head;

	if (!cut(locations, sizeof(place), &head))
		return false;
	memcpy(&place, head.p, sizeof(place));
	if (place.kind >= SNIP_KINDS)
		return false;
	out->kind = (enum snip_kind)place.kind;
	out->refused = place.refused != 0;
	return cut(locations, place.text_n, &out->text) &&
	       cut(locations, place.program_n, &out->program);
}

bool snip_is_empty(const struct snip *s)
{
	return s->ops.n + s->locations.n + s->lists.n == 0;
}

struct str snip_list(const struct snip *s, unsigned scope, enum snip_list list)
{
	struct snip_scope one;
	size_t at = 0;

	if (scope >= s->n_scopes)
		return STR_NONE;
	for (unsigned i = 0;; i++) {
		unsigned upto = i == scope ? (unsigned)list : SNIP_LISTS;

		memcpy(&one, s->scopes + i * sizeof(one), sizeof(one));
		for (unsigned l = 0; l < upto; l++)
			at += one.n[l];
		if (i == scope)
			break;
	}
	return str_head(str_from_at(s->lists, at), one.n[list]);
}

bool snip_list_merges(enum snip_list list)
{
	return list == SNIP_MORE || list == SNIP_INPUT;
}
