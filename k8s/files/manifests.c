/*
 * manifests: see manifests.h. Events only mark files; a few milliseconds later a batch reads
 * what was marked, in path order, and says applied() once. Objects that lost their declaration
 * are settled at the end of the batch, so that a document moved from one file to another is a
 * change and not a removal.
 */
#include "k8s/files/manifests.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/loop/timer.h"
#include "k8s/files/manifest_file.h"
#include "k8s/files/manifest_watch.h"

#define DEBOUNCE_MS 5
#define AGAIN_MS    20 /* a file that is being written */

RB_HEAD(mfiles, mfile);

struct manifests {
	struct ev *ev;
	struct store *store;
	struct manifests_ops ops;
	void *arg;
	struct mwatch *watch;
	struct timer timer;
	struct mfiles files;
	struct mindex index;
	struct mlist orphans; /* declarations that went in this batch */
	uint32_t walk;
	bool rescan, synced;
	bool missing;        /* said so */
	const char *trouble; /* said so */
	char dir[PATH_MAX];
};

static int path_cmp(const struct mfile *a, const struct mfile *b)
{
	return obj_str_cmp(a->path, b->path);
}

#define TREE_STATIC __attribute__((unused)) static
/* clang-format off */
RB_GENERATE_INTERNAL(mfiles, mfile, link, path_cmp, TREE_STATIC)
/* clang-format on */

static void report(void *arg, enum manifests_level level, const char *line)
{
	struct manifests *m = arg;

	if (m->ops.report != NULL)
		m->ops.report(m->arg, level, line);
}

static void full_path(const struct manifests *m, const struct mfile *f, char *buf, size_t size)
{
	snprintf(buf, size, "%s/" STR_FMT, m->dir, STR_ARG(f->path));
}

static void later(struct manifests *m, uint64_t ms)
{
	if (!timer_armed(&m->timer))
		timer_set(ev_timers(m->ev), &m->timer, ev_now_ms(m->ev) + ms);
}

/* ------------------------------------- reporting ------------------------------------- */

static void say_decl(struct manifests *m, const struct mdecl *loser, const struct mdecl *winner)
{
	char buf[1024];

	snprintf(buf, sizeof(buf),
		 STR_FMT ":%u: %s " STR_FMT "%s" STR_FMT " is declared in " STR_FMT
			 ":%u too, which wins (first by path and position): remove one of them",
		 STR_ARG(loser->path), loser->line, obj_kind_name((enum obj_kind)loser->kind),
		 STR_ARG(loser->ns), loser->ns.n > 0 ? "/" : "", STR_ARG(loser->name),
		 STR_ARG(winner->path), winner->line);
	report(m, MANIFESTS_WARNING, buf);
}

/* One line, however many: a file of thousands may be broken at its end. */
static void say_kept(struct manifests *m, const struct mdecl *d, uint32_t n)
{
	char buf[1024], others[48] = "";

	if (n > 1)
		snprintf(others, sizeof(others), " and of %u other objects", n - 1);
	snprintf(buf, sizeof(buf), STR_FMT ":%u: the previous version of %s " STR_FMT "%s stays",
		 STR_ARG(d->path), d->line, obj_kind_name((enum obj_kind)d->kind), STR_ARG(d->name),
		 others);
	report(m, MANIFESTS_WARNING, buf);
}

static void say_file(struct manifests *m, const struct mfile *f, const char *text)
{
	char buf[1024];

	snprintf(buf, sizeof(buf), STR_FMT ":1: %s", STR_ARG(f->path), text);
	report(m, MANIFESTS_WARNING, buf);
}

/* -------------------------------------- applying -------------------------------------- */

/* A bad document that can be named keeps what the file declared under that name before. */
static void keep_named(struct manifests *m, struct mlist *fresh)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fresh->n; i++) {
		struct mdecl *d = fresh->v[i], *old;

		if (!d->bad) {
			fresh->v[n++] = d;
			continue;
		}
		old = mindex_of_file(&m->index, d);
		for (; old != NULL && old->file == d->file; old = mindex_next(old))
			old->kept = true;
		mdecl_free(d);
	}
	fresh->n = n;
}

static void orphan(struct manifests *m, struct mdecl *d)
{
	d->path = STR_NONE; /* its file may go before it does */
	mlist_add(&m->orphans, d);
}

/* What the new read neither reused nor excused is settled at the end of the batch. */
static void settle_old(struct manifests *m, struct mfile *f, struct mload *load)
{
	const struct mdecl *first = NULL;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < f->decls.n; i++) {
		struct mdecl *d = f->decls.v[i];

		if (d->reused) {
			d->reused = false;
		} else if ((d->kept || load->nameless) && mindex_of_file(&m->index, d) == NULL) {
			first = kept++ == 0 ? d : first;
			mindex_insert(&m->index, d);
			mlist_add(&load->decls, d);
		} else {
			orphan(m, d);
		}
	}
	if (first != NULL)
		say_kept(m, first, kept);
	free(f->decls.v);
	free(f->docs);
}

static void put_fresh(struct manifests *m, struct mdecl *d)
{
	struct mdecl *winner = mindex_winner(&m->index, d);
	struct obj *o = d->obj;

	d->obj = NULL;
	if (winner != d) {
		obj_free(o);
		say_decl(m, d, winner);
		return;
	}
	store_put(m->store, o);
	for (struct mdecl *x = mindex_next(d); x != NULL; x = mindex_next(x))
		say_decl(m, x, d);
}

/* The docs' ranges count declarations; bad ones have left the list, and their docs' hash is 0. */
static void renumber(struct mload *load)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < load->n_docs; i++) {
		load->docs[i].first = k;
		load->docs[i].n = 0;
		while (k < load->decls.n && load->decls.v[k]->doc == i) {
			k++;
			load->docs[i].n++;
		}
	}
}

static void apply(struct manifests *m, struct mfile *f, struct mload *load)
{
	uint32_t n;

	for (uint32_t i = 0; i < f->decls.n; i++)
		f->decls.v[i]->kept = false;
	keep_named(m, &load->decls);
	renumber(load);
	for (uint32_t i = 0; i < f->decls.n; i++)
		if (!f->decls.v[i]->reused)
			mindex_remove(&m->index, f->decls.v[i]);
	n = load->decls.n;
	for (uint32_t i = 0; i < n; i++)
		if (!load->decls.v[i]->reused)
			mindex_insert(&m->index, load->decls.v[i]);
	settle_old(m, f, load);
	f->decls = load->decls;
	f->docs = load->docs;
	f->n_docs = load->n_docs;
	for (uint32_t i = 0; i < n; i++)
		if (f->decls.v[i]->obj != NULL)
			put_fresh(m, f->decls.v[i]);
}

static void remove_file(struct manifests *m, struct mfile *f)
{
	for (uint32_t i = 0; i < f->decls.n; i++) {
		mindex_remove(&m->index, f->decls.v[i]);
		orphan(m, f->decls.v[i]);
	}
	f->decls.n = 0;
	RB_REMOVE(mfiles, &m->files, f);
	mfile_free(f);
}

static void read_file(struct manifests *m, struct mfile *f)
{
	char full[PATH_MAX * 2];
	struct mload load;

	full_path(m, f, full, sizeof(full));
	f->dirty = false;
	switch (mfile_load(f, full, &load, report, m)) {
	case MLOAD_OK:
		f->force = false;
		apply(m, f, &load);
		break;
	case MLOAD_GONE:
		remove_file(m, f);
		break;
	case MLOAD_AGAIN:
		f->dirty = true;
		later(m, AGAIN_MS);
		break;
	case MLOAD_EMPTY:
		if (f->decls.n > 0)
			say_file(m, f,
				 "is empty: what it declared before stays until the file is "
				 "removed or written");
		break;
	case MLOAD_FAILED:
		break;
	}
}

/* --------------------------------------- batches --------------------------------------- */

static struct mfile *file_get(struct manifests *m, struct str path)
{
	struct mfile probe = {.path = path};
	struct mfile *f = RB_FIND(mfiles, &m->files, &probe);

	if (f != NULL)
		return f;
	f = mfile_new(path);
	f->dirty = true;
	RB_INSERT(mfiles, &m->files, f);
	return f;
}

static void on_walk_file(void *arg, struct str path)
{
	struct manifests *m = arg;
	struct mfile *f = file_get(m, path);
	char full[PATH_MAX * 2];

	f->seen = m->walk;
	if (f->dirty)
		return;
	full_path(m, f, full, sizeof(full));
	f->dirty = mfile_changed(f, full);
}

static void say_missing(struct manifests *m, int error)
{
	char buf[PATH_MAX + 256];

	if (m->missing)
		return;
	m->missing = true;
	snprintf(buf, sizeof(buf),
		 "%s: cannot be read: %s; what was read before stays, waiting for it", m->dir,
		 strerror(error));
	report(m, MANIFESTS_ERROR, buf);
}

/* Finds what is new, changed or gone. While a directory cannot be read nothing is gone. */
static bool walk(struct manifests *m)
{
	struct mfile *f, *next;
	int result;

	m->rescan = false;
	m->walk++;
	result = mwatch_walk(m->watch, on_walk_file, m);
	if (result == -1) {
		say_missing(m, errno);
		return false;
	}
	m->missing = false;
	if (mwatch_trouble(m->watch) != NULL && m->trouble == NULL)
		report(m, MANIFESTS_WARNING, mwatch_trouble(m->watch));
	m->trouble = mwatch_trouble(m->watch);
	for (f = RB_MIN(mfiles, &m->files); f != NULL && result == 0; f = next) {
		next = RB_NEXT(mfiles, &m->files, f);
		if (f->seen != m->walk)
			remove_file(m, f);
	}
	return true;
}

static void read_dirty(struct manifests *m)
{
	struct mfile *f, *next;

	for (f = RB_MIN(mfiles, &m->files); f != NULL; f = next) {
		next = RB_NEXT(mfiles, &m->files, f);
		if (f->dirty)
			read_file(m, f);
	}
}

/* Is the object in the store the one its winning declaration stands for? */
static bool in_store(const struct manifests *m, const struct mdecl *d)
{
	const struct obj *o = store_get(m->store, (enum obj_kind)d->kind, d->ns, d->name);

	return o != NULL && o->doc == d->doc && o->item == d->item && str_eq(o->file, d->path);
}

/* Objects whose declaration went: gone, or the next declaration's file is read once more. */
static bool settle_orphans(struct manifests *m)
{
	struct mlist list = m->orphans;
	bool again = false;

	m->orphans = (struct mlist){0};
	for (uint32_t i = 0; i < list.n; i++) {
		struct mdecl *d = list.v[i], *w = mindex_winner(&m->index, d);

		if (w == NULL) {
			store_delete(m->store, (enum obj_kind)d->kind, d->ns, d->name);
		} else if (!in_store(m, w)) {
			struct mfile *f = file_get(m, w->path);

			f->dirty = f->force = again = true;
		}
		mdecl_free(d);
	}
	free(list.v);
	return again;
}

static void batch(struct manifests *m)
{
	bool whole = !m->rescan || walk(m);

	read_dirty(m);
	if (settle_orphans(m))
		read_dirty(m);
	settle_orphans(m);
	if (m->ops.applied != NULL)
		m->ops.applied(m->arg);
	if (whole && !m->synced) {
		m->synced = true;
		if (m->ops.synced != NULL)
			m->ops.synced(m->arg);
	}
}

static void on_timer(struct timer *t)
{
	batch(container_of(t, struct manifests, timer));
}

static void on_touched(void *arg, struct str path)
{
	struct manifests *m = arg;

	file_get(m, path)->dirty = true;
	later(m, DEBOUNCE_MS);
}

static void on_rescan(void *arg)
{
	struct manifests *m = arg;

	m->rescan = true;
	later(m, DEBOUNCE_MS);
}

/* --------------------------------------- lifetime --------------------------------------- */

struct manifests *manifests_new(struct ev *ev, struct store *store, const char *dir,
				const struct manifests_ops *ops, void *arg)
{
	static const struct mwatch_ops watch_ops = {.touched = on_touched, .rescan = on_rescan};
	struct manifests *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->ev = ev;
	m->store = store;
	m->ops = *ops;
	m->arg = arg;
	timer_init(&m->timer, on_timer);
	snprintf(m->dir, sizeof(m->dir), "%s", dir);
	m->watch = mwatch_new(ev, dir, &watch_ops, m);
	if (m->watch == NULL) {
		free(m);
		return NULL;
	}
	return m;
}

void manifests_start(struct manifests *m)
{
	m->rescan = true;
	batch(m);
}

void manifests_free(struct manifests *m)
{
	struct mfile *f;

	if (m == NULL)
		return;
	timer_cancel(ev_timers(m->ev), &m->timer);
	mwatch_free(m->watch);
	while ((f = RB_MIN(mfiles, &m->files)) != NULL) {
		RB_REMOVE(mfiles, &m->files, f);
		mfile_free(f);
	}
	free(m);
}
