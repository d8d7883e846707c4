/* recent: see recent.h. */
#include "common/mem/recent.h"

#include "common/check.h"

static int number_cmp(const struct recent *a, const struct recent *b)
{
	return (a->number > b->number) - (a->number < b->number);
}

RB_GENERATE_INTERNAL(recent_tree, recent, by_number, number_cmp, static __attribute__((unused)))

void recents_init(struct recents *s, size_t most, void (*fn)(struct recent *r))
{
	CHECK(most > 0);
	s->n = 0;
	s->most = most;
	s->free = fn;
	RB_INIT(&s->tree);
	TAILQ_INIT(&s->used);
}

static void drop(struct recents *s, struct recent *r)
{
	RB_REMOVE(recent_tree, &s->tree, r);
	TAILQ_REMOVE(&s->used, r, by_use);
	s->n--;
	s->free(r);
}

void recents_clear(struct recents *s)
{
	struct recent *r;

	while ((r = TAILQ_FIRST(&s->used)) != NULL)
		drop(s, r);
}

struct recent *recents_find(struct recents *s, uint64_t number)
{
	struct recent key = {.number = number};
	struct recent *r = TAILQ_FIRST(&s->used);

	if (r != NULL && r->number == number)
		return r; /* mostly the last one is asked for again */
	r = RB_FIND(recent_tree, &s->tree, &key);
	if (r == NULL)
		return NULL;
	TAILQ_REMOVE(&s->used, r, by_use);
	TAILQ_INSERT_HEAD(&s->used, r, by_use);
	return r;
}

void recents_drop(struct recents *s, uint64_t number)
{
	struct recent key = {.number = number};
	struct recent *r = RB_FIND(recent_tree, &s->tree, &key);

	if (r != NULL)
		drop(s, r);
}

void recents_add(struct recents *s, struct recent *r)
{
	CHECK(RB_INSERT(recent_tree, &s->tree, r) == NULL);
	TAILQ_INSERT_HEAD(&s->used, r, by_use);
	if (++s->n > s->most)
		drop(s, TAILQ_LAST(&s->used, recent_list));
}
