/* users: see users.h. */
#include "master/basic/users.h"

#include <bsd/sys/tree.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/timer.h"
#include "master/basic/users_read.h"
#include "master/keys/wipe_free.h"
#include "master/table/vec.h"
#include "master/translate/graph/graph_mem.h"

#define FORGET_MS 10000 /* a question that began with an old list is over by then */

struct users_list {
	RB_ENTRY(users_list) entry;
	struct str ns, name;
	enum users_form form;
	unsigned holds;
	uint64_t live; /* the number in force; 0: none */
	uint64_t next; /* on its way to the auth process; 0: none */
	bool wanted;   /* its Secret is being read again */
	char *trouble; /* NULL: none */
	char *remark;  /* NULL: none */
};

RB_HEAD(users_tree, users_list);

struct old_list { /* to be dropped when no question can name it any more */
	uint64_t number, due_ms;
};

struct users {
	struct ev *ev;
	const struct store *store;
	struct users_process to;
	const struct users_ops *ops;
	void *arg;
	struct users_tree tree;
	uint64_t last; /* number that was given */
	size_t n_waiting;
	struct vec old; /* of struct old_list, oldest first */
	struct timer forget, sweep;
};

static int list_cmp(const struct users_list *a, const struct users_list *b)
{
	int c = obj_str_cmp(a->ns, b->ns);

	if (c == 0)
		c = obj_str_cmp(a->name, b->name);
	return c != 0 ? c : (int)a->form - (int)b->form;
}

RB_GENERATE_INTERNAL(users_tree, users_list, entry, list_cmp, static __attribute__((unused)))

/* "": none. True when it is another one. */
static bool set_text(char **text, const char *now)
{
	if (strcmp(*text == NULL ? "" : *text, now) == 0)
		return false;
	free(*text);
	*text = now[0] == '\0' ? NULL : strdup(now);
	CHECK(*text != NULL || now[0] == '\0');
	return true;
}

/* --- on the way to the auth process --------------------------------------------------------- */

static void set_waiting(struct users *us, struct users_list *l, uint64_t next, bool wanted)
{
	if (l->next != 0 || l->wanted)
		us->n_waiting--;
	if (next != 0 || wanted)
		us->n_waiting++;
	l->next = next;
	l->wanted = wanted;
}

static void forget_due(struct timer *t)
{
	struct users *us = container_of(t, struct users, forget);
	struct old_list *o = us->old.items;
	size_t n = 0;

	while (n < us->old.n && o[n].due_ms <= ev_now_ms(us->ev))
		us->to.drop(us->to.process, o[n++].number);
	if (n > 0)
		memmove(o, o + n, (us->old.n - n) * sizeof(*o));
	us->old.n -= n;
	if (us->old.n > 0)
		timer_set(ev_timers(us->ev), t, o[0].due_ms);
}

static void forget_later(struct users *us, uint64_t number)
{
	struct old_list *o = vec_push(&us->old, sizeof(*o));

	CHECK(o != NULL);
	*o = (struct old_list){number, ev_now_ms(us->ev) + FORGET_MS};
	if (us->old.n == 1)
		timer_set(ev_timers(us->ev), &us->forget, o->due_ms);
}

static void set_live(struct users *us, struct users_list *l, uint64_t number)
{
	if (l->live != 0 && l->live != number)
		forget_later(us, l->live);
	l->live = number;
}

/* Whatever is on its way is not waited for. */
static void give_up_next(struct users *us, struct users_list *l)
{
	if (l->next != 0 && l->next != l->live)
		us->to.drop(us->to.process, l->next);
	set_waiting(us, l, 0, false);
}

static void check_settled(struct users *us)
{
	if (us->n_waiting == 0)
		us->ops->settled(us->arg);
}

static struct users_list *by_next(struct users *us, uint64_t number)
{
	struct users_list *l;

	RB_FOREACH(l, users_tree, &us->tree)
	if (l->next == number)
		return l;
	return NULL;
}

void users_acked(struct users *us, uint64_t number, bool ok)
{
	struct users_list *l = number == 0 ? NULL : by_next(us, number);
	bool news;

	if (l == NULL)
		return; /* superseded meanwhile */
	set_waiting(us, l, 0, false);
	news = l->live != (ok ? number : 0);
	set_live(us, l, ok ? number : 0);
	if (!ok)
		news =
		    set_text(&l->trouble, "the auth process cannot hold it: memory is out") || news;
	if (news)
		us->ops->changed(us->arg, l);
	check_settled(us);
}

/* --- reading -------------------------------------------------------------------------------- */

/* As that number. True when something changed at once. */
static bool take(struct users *us, struct users_list *l, const struct secret *s, uint64_t number)
{
	bool was_usable = l->live != 0, news;
	struct users_read r;

	give_up_next(us, l);
	users_read(s, l->form, &r);
	wipe_stack();
	news = set_text(&l->trouble, r.why);
	news = set_text(&l->remark, r.remark) || news;
	if (r.fd == -1) {
		set_live(us, l, 0);
		return was_usable || news;
	}
	set_waiting(us, l, number, false);
	us->to.put(us->to.process, number, r.fd, r.bytes);
	(void)close(r.fd);
	return news;
}

static void want(struct users *us, struct users_list *l)
{
	give_up_next(us, l);
	set_waiting(us, l, 0, true);
	us->ops->want(us->arg, l->ns, l->name);
}

/* The number under which what is read anew, and has not changed, is put. */
static uint64_t same_number(struct users *us, const struct users_list *l)
{
	return l->live != 0 ? l->live : ++us->last;
}

/* As the store has it. True when something changed at once. */
static bool read_list(struct users *us, struct users_list *l, bool again)
{
	const struct obj *o = store_get(us->store, OBJ_SECRET, l->ns, l->name);

	if (o == NULL || !obj_secret(o)->key_gone)
		return take(us, l, o == NULL ? NULL : obj_secret(o),
			    again ? same_number(us, l) : ++us->last);
	want(us, l);
	return false;
}

/* Both forms of one Secret, if both are held. */
static struct users_list *list_of(struct users *us, const struct obj *secret, enum users_form form)
{
	struct users_list key = {.ns = secret->ns, .name = secret->name, .form = form};

	return RB_FIND(users_tree, &us->tree, &key);
}

void users_secret_changed(struct users *us, const struct obj *secret)
{
	for (int form = USERS_FILE; form <= USERS_MAP; form++) {
		struct users_list *l = list_of(us, secret, (enum users_form)form);

		if (l != NULL && read_list(us, l, false))
			us->ops->changed(us->arg, l);
	}
	check_settled(us);
}

void users_secret_again(struct users *us, const struct secret *again)
{
	for (int form = USERS_FILE; form <= USERS_MAP; form++) {
		struct users_list *l = list_of(us, &again->o, (enum users_form)form);

		if (l != NULL && l->wanted && take(us, l, again, same_number(us, l)))
			us->ops->changed(us->arg, l);
	}
	check_settled(us);
}

void users_refill(struct users *us)
{
	struct users_list *l;

	us->old.n = 0;
	RB_FOREACH(l, users_tree, &us->tree)
	if ((l->live != 0 || l->next != 0 || l->wanted) && read_list(us, l, true))
		us->ops->changed(us->arg, l);
	check_settled(us);
}

/* --- holding -------------------------------------------------------------------------------- */

struct users_list *users_hold(struct users *us, struct str ns, struct str name,
			      enum users_form form)
{
	struct users_list key = {.ns = ns, .name = name, .form = form};
	struct users_list *l = RB_FIND(users_tree, &us->tree, &key);

	if (l == NULL) {
		l = mem_zalloc(sizeof(*l));
		l->ns = mem_str(ns);
		l->name = mem_str(name);
		l->form = form;
		RB_INSERT(users_tree, &us->tree, l);
		(void)read_list(us, l, false);
	}
	l->holds++;
	return l;
}

static void list_free(struct users *us, struct users_list *l)
{
	RB_REMOVE(users_tree, &us->tree, l);
	mem_str_free(l->ns);
	mem_str_free(l->name);
	free(l->trouble);
	free(l->remark);
	free(l);
}

/* Lists are not kept without need. Later, because an Ingress that is translated anew lets its list
 * go and takes it again, and because the store's listener may be at work. */
static void sweep(struct timer *t)
{
	struct users *us = container_of(t, struct users, sweep);
	struct users_list *l, *next;

	for (l = RB_MIN(users_tree, &us->tree); l != NULL; l = next) {
		next = RB_NEXT(users_tree, &us->tree, l);
		if (l->holds > 0)
			continue;
		give_up_next(us, l);
		set_live(us, l, 0);
		list_free(us, l);
	}
	check_settled(us);
}

void users_drop(struct users *us, struct users_list *l)
{
	CHECK(l->holds > 0);
	if (--l->holds == 0)
		timer_set(ev_timers(us->ev), &us->sweep, ev_now_ms(us->ev));
}

/* --- what is known -------------------------------------------------------------------------- */

uint64_t users_number(const struct users_list *l)
{
	return l->live;
}

const char *users_trouble(const struct users_list *l)
{
	return l->trouble;
}

const char *users_remark(const struct users_list *l)
{
	return l->remark;
}

struct str users_ns(const struct users_list *l)
{
	return l->ns;
}

struct str users_name(const struct users_list *l)
{
	return l->name;
}

bool users_settled(const struct users *us)
{
	return us->n_waiting == 0;
}

/* --- life ----------------------------------------------------------------------------------- */

struct users *users_new(struct ev *ev, const struct store *store, const struct users_process *to,
			const struct users_ops *ops, void *arg)
{
	struct users *us = mem_zalloc(sizeof(*us));

	us->ev = ev;
	us->store = store;
	us->to = *to;
	us->ops = ops;
	us->arg = arg;
	RB_INIT(&us->tree);
	timer_init(&us->forget, forget_due);
	timer_init(&us->sweep, sweep);
	return us;
}

void users_free(struct users *us)
{
	struct users_list *l;

	if (us == NULL)
		return;
	timer_cancel(ev_timers(us->ev), &us->forget);
	timer_cancel(ev_timers(us->ev), &us->sweep);
	while ((l = RB_MIN(users_tree, &us->tree)) != NULL)
		list_free(us, l);
	vec_free(&us->old);
	free(us);
}
