/*
 * manifests: see manifests.h. Events only mark files; a few milliseconds later a batch reads
 * what was marked, in path order, and says applied() once. Objects that lost their declaration
 * are settled at the end of the batch, so that a document moved from one file to another is a
 * change and not a removal.
 */
#include "k8s/files/manifests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "k8s/files/manifests_int.h"

#define DEBOUNCE_MS 5
#define AGAIN_MS    20 /* a file that is being written */

static int path_cmp(const struct mfile *a, const struct mfile *b)
{
	return obj_str_cmp(a->path, b->path);
}

#define TREE_STATIC __attribute__((unused)) static
/* clang-format off */
RB_GENERATE_INTERNAL(mfiles, mfile, link, path_cmp, TREE_STATIC)
/* clang-format on */

void manifests_report(void *arg, enum manifests_level level, const char *line)
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

/* --------------------------------------- files --------------------------------------- */

static void say_file(struct manifests *m, const struct mfile *f, const char *text)
{
	char buf[1024];

	snprintf(buf, sizeof(buf), STR_FMT ":1: %s", STR_ARG(f->path), text);
	manifests_report(m, MANIFESTS_WARNING, buf);
}

static void remove_file(struct manifests *m, struct mfile *f)
{
	manifests_forget(m, f);
	RB_REMOVE(mfiles, &m->files, f);
	mfile_free(f);
}

static void read_file(struct manifests *m, struct mfile *f)
{
	char full[PATH_MAX * 2];
	struct mload load;

	full_path(m, f, full, sizeof(full));
	f->dirty = false;
	switch (mfile_load(f, full, &load, manifests_report, m)) {
	case MLOAD_OK:
		f->force = false;
		manifests_apply(m, f, &load);
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
	manifests_report(m, MANIFESTS_ERROR, buf);
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
		manifests_report(m, MANIFESTS_WARNING, mwatch_trouble(m->watch));
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

void manifests_reread(struct manifests *m, struct str path)
{
	struct mfile *f = file_get(m, path);

	f->dirty = f->force = true;
	later(m, 0);
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
