/* program: see program.h. */
#include "master/translate/snippet/program.h"

#include <stdlib.h>

#include "common/check.h"

struct program *program_new(void)
{
	struct program *p = calloc(1, sizeof(*p));

	CHECK(p != NULL);
	text_growing(&p->ops, SNIP_HOST_MAX);
	text_growing(&p->locations, SNIP_HOST_MAX);
	for (unsigned s = 0; s < SNIP_SCOPES_MAX; s++)
		for (unsigned l = 0; l < SNIP_LISTS; l++)
			text_growing(&p->list[s][l], SNIP_HOST_MAX);
	p->n_scopes = 1;
	return p;
}

void program_free(struct program *p)
{
	free(p->ops.p);
	free(p->locations.p);
	for (unsigned s = 0; s < SNIP_SCOPES_MAX; s++)
		for (unsigned l = 0; l < SNIP_LISTS; l++)
			free(p->list[s][l].p);
	free(p);
}

struct text *build_list(struct build *b, enum snip_list list)
{
	return &b->p->list[b->scope][list];
}

size_t build_op(struct build *b, struct snip_op op, struct str a, struct str c)
{
	struct text *ops = &b->p->ops;
	size_t at = ops->n;

	op.a_n = (uint16_t)a.n; /* at most LEX_TEXT_MAX and a few bytes a variable */
	op.b_n = (uint16_t)c.n;
	if (!text_reserve(ops, sizeof(op) + a.n + c.n))
		return at;
	text_str(ops, str_make((const char *)&op, sizeof(op)));
	text_str(ops, a);
	text_str(ops, c);
	return at;
}

void program_put_location(struct program *p, enum snip_kind kind, bool refused, struct str text,
			  struct str program)
{
	struct snip_place place = {.kind = (uint8_t)kind,
				   .refused = refused,
				   .text_n = (uint16_t)text.n,
				   .program_n = (uint16_t)program.n};

	if (!text_reserve(&p->locations, sizeof(place) + text.n + program.n))
		return;
	text_str(&p->locations, str_make((const char *)&place, sizeof(place)));
	text_str(&p->locations, text);
	text_str(&p->locations, program);
}

static bool is_whole(const struct program *p)
{
	bool full = p->ops.full || p->locations.full;

	for (unsigned s = 0; s < p->n_scopes; s++)
		for (unsigned l = 0; l < SNIP_LISTS; l++)
			full = full || p->list[s][l].full;
	return !full;
}

static void write_scopes(const struct program *p, struct text *out)
{
	for (unsigned s = 0; s < p->n_scopes; s++) {
		struct snip_scope scope;

		for (unsigned l = 0; l < SNIP_LISTS; l++)
			scope.n[l] = (uint16_t)p->list[s][l].n;
		text_str(out, str_make((const char *)&scope, sizeof(scope)));
	}
}

bool snippet_does_something(const struct text *program)
{
	struct snip s;

	return snip_read(str_make(program->p, program->n), &s) && !snip_is_empty(&s);
}

/* What was in the list, behind what is above it. */
static void put_before(struct text *list, struct str above)
{
	struct text own = *list;

	text_growing(list, SNIP_HOST_MAX);
	text_str(list, above);
	text_str(list, str_make(own.p, own.n));
	free(own.p);
}

void program_inherit(struct program *p, struct str above)
{
	struct snip from;

	if (above.n == 0 || !snip_read(above, &from))
		return;
	for (unsigned l = 0; l < SNIP_LISTS; l++)
		if (p->list[0][l].n == 0 || snip_list_merges((enum snip_list)l))
			put_before(&p->list[0][l], snip_list(&from, 0, (enum snip_list)l));
}

bool program_write(const struct program *p, struct text *out, size_t most)
{
	struct snip_head head = {.ops_n = (uint16_t)p->ops.n,
				 .locations_n = (uint16_t)p->locations.n,
				 .scopes = (uint16_t)p->n_scopes};

	if (!is_whole(p))
		return false;
	text_str(out, str_make((const char *)&head, sizeof(head)));
	write_scopes(p, out);
	text_str(out, str_make(p->ops.p, p->ops.n));
	text_str(out, str_make(p->locations.p, p->locations.n));
	for (unsigned s = 0; s < p->n_scopes; s++)
		for (unsigned l = 0; l < SNIP_LISTS; l++)
			text_str(out, str_make(p->list[s][l].p, p->list[s][l].n));
	return !out->full && out->n <= most;
}
