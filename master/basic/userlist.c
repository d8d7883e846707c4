/* userlist: see userlist.h. */
#include "master/basic/userlist.h"

#include <bsd/stdlib.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "master/basic/htpasswd.h"

static int list_cmp(const struct userlist *a, const struct userlist *b)
{
	return (a->number > b->number) - (a->number < b->number);
}

RB_GENERATE_INTERNAL(userlists, userlist, entry, list_cmp, static __attribute__((unused)))

static int name_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

/* The first of two lines of one name counts, so it comes first. */
static int user_cmp(const void *x, const void *y)
{
	const struct userlist_user *a = x, *b = y;
	int c = name_cmp(a->name, b->name);

	return c != 0 ? c : (a->name.p > b->name.p) - (a->name.p < b->name.p);
}

static uint32_t count_lines(const char *bytes, size_t n)
{
	uint32_t lines = 1;

	for (size_t i = 0; i < n; i++)
		lines += bytes[i] == '\n';
	return lines;
}

static void read_users(struct userlist *l)
{
	struct htpasswd h = {.rest = str_make(l->bytes, l->bytes_n)};
	enum htpasswd_got got;
	uint32_t n = 0;

	while ((got = htpasswd_next(&h)) != HTPASSWD_END)
		if (got == HTPASSWD_USER)
			l->users[n++] = (struct userlist_user){h.user, h.hash};
	/* Not qsort(), which asks the kernel how much memory there is: a sandbox has no answer. */
	if (n > 0)
		(void)heapsort(l->users, n, sizeof(*l->users), user_cmp);
	for (uint32_t i = 0; i < n; i++)
		if (i == 0 || name_cmp(l->users[i].name, l->users[i - 1].name) != 0)
			l->users[l->n_users++] = l->users[i];
}

static void list_free(struct userlist *l)
{
	explicit_bzero(l->bytes, l->bytes_n);
	free(l->bytes);
	free(l->users);
	free(l);
}

struct userlist *userlist_put(struct userlists *all, uint64_t number, char *bytes, size_t n)
{
	struct userlist *l = calloc(1, sizeof(*l));

	if (l != NULL) {
		*l = (struct userlist){.number = number, .bytes = bytes, .bytes_n = n};
		TAILQ_INIT(&l->jobs);
		l->users = calloc(count_lines(bytes, n), sizeof(*l->users));
	}
	if (l == NULL || l->users == NULL) {
		explicit_bzero(bytes, n);
		free(bytes);
		free(l);
		return NULL;
	}
	read_users(l);
	if (l->n_users > 0 && RB_INSERT(userlists, all, l) == NULL)
		return l;
	list_free(l);
	return NULL;
}

struct userlist *userlist_find(struct userlists *all, uint64_t number)
{
	struct userlist key = {.number = number};

	return RB_FIND(userlists, all, &key);
}

void userlist_drop(struct userlists *all, struct userlist *l)
{
	CHECK(TAILQ_EMPTY(&l->jobs));
	RB_REMOVE(userlists, all, l);
	list_free(l);
}

struct str userlist_hash(const struct userlist *l, struct str user, bool *known)
{
	uint32_t low = 0, high = l->n_users;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (name_cmp(l->users[mid].name, user) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*known = low < l->n_users && str_eq(l->users[low].name, user);
	return *known ? l->users[low].hash : l->users[0].hash;
}
