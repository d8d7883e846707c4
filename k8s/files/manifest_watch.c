/* manifest_watch: see manifest_watch.h. */
#include "k8s/files/manifest_watch.h"

#include <bsd/string.h>
#include <bsd/sys/tree.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/timer.h"

#define DEPTH_MAX 16

/* No IN_MODIFY: a file is read when its writer closes it, not half-way. */
#define TREE_EVENTS                                                                         \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF)
#define PARENT_EVENTS (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

struct wdir { /* one watched directory */
	RB_ENTRY(wdir) link;
	int wd;
	uint32_t walk; /* the walk that last met it */
	bool parent;   /* not of the tree, but what holds it */
	char path[];   /* relative to the directory, "" or ending in "/" */
};

RB_HEAD(wdirs, wdir);

struct mwatch {
	struct ev *ev;
	struct ev_fd fd;
	struct timer poll;
	const struct mwatch_ops *ops;
	void *arg;
	struct wdirs dirs;
	uint32_t walk;
	bool links;   /* symbolic links to files were seen */
	bool missing; /* the directory is not there */
	bool blind;   /* a subfolder could not be read */
	int refused;  /* errno of a watch that could not be set */
	void (*file)(void *arg, struct str path);
	void *file_arg;
	char dir[PATH_MAX];
};

static int wd_cmp(const struct wdir *a, const struct wdir *b)
{
	return (a->wd > b->wd) - (a->wd < b->wd);
}

#define TREE_STATIC __attribute__((unused)) static
/* clang-format off */
RB_GENERATE_INTERNAL(wdirs, wdir, link, wd_cmp, TREE_STATIC)
/* clang-format on */

static struct wdir *wdir_find(struct mwatch *w, int wd)
{
	struct wdir probe = {.wd = wd};

	return RB_FIND(wdirs, &w->dirs, &probe);
}

/* inotify gives the same number for the same directory: a renamed one only gets a new path. */
static void watch_dir(struct mwatch *w, const char *full, const char *path, bool parent)
{
	int wd = inotify_add_watch(w->fd.fd, full, parent ? PARENT_EVENTS : TREE_EVENTS);
	size_t n = strlen(path) + 1;
	struct wdir *d;

	if (wd == -1) {
		if (errno != ENOENT && errno != ENOTDIR)
			w->refused = errno;
		return;
	}
	d = wdir_find(w, wd);
	if (d != NULL) {
		RB_REMOVE(wdirs, &w->dirs, d);
		free(d);
	}
	d = malloc(sizeof(*d) + n);
	CHECK(d != NULL);
	d->wd = wd;
	d->walk = w->walk;
	d->parent = parent;
	memcpy(d->path, path, n);
	RB_INSERT(wdirs, &w->dirs, d);
}

static void forget_stale(struct mwatch *w)
{
	struct wdir *d, *next;

	for (d = RB_MIN(wdirs, &w->dirs); d != NULL; d = next) {
		next = RB_NEXT(wdirs, &w->dirs, d);
		if (d->walk == w->walk)
			continue;
		inotify_rm_watch(w->fd.fd, d->wd);
		RB_REMOVE(wdirs, &w->dirs, d);
		free(d);
	}
}

static bool is_manifest(struct str name)
{
	return name.n > 0 && name.p[0] != '.' &&
	       (str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) ||
		str_ends(name, STR(".json")));
}

/* --------------------------------------- walking --------------------------------------- */

static int walk_dir(struct mwatch *w, char *full, size_t full_n, unsigned depth);

/* One entry, whose full path stands in full[0..n) NUL-terminated. */
static void walk_entry(struct mwatch *w, char *full, size_t n, const struct dirent *e,
		       unsigned depth)
{
	size_t root = strlen(w->dir) + 1;
	unsigned char type = e->d_type;
	struct stat st;

	if (type == DT_UNKNOWN && lstat(full, &st) == 0)
		type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISLNK(st.st_mode) ? DT_LNK : DT_REG;
	if (type == DT_DIR) {
		walk_dir(w, full, n, depth + 1);
		return;
	}
	if (!is_manifest(str_from(e->d_name)))
		return;
	w->links = w->links || type == DT_LNK;
	w->file(w->file_arg, str_make(full + root, n - root));
}

static int walk_dir(struct mwatch *w, char *full, size_t full_n, unsigned depth)
{
	size_t root = strlen(w->dir);
	char rel[PATH_MAX];
	struct dirent *e;
	DIR *d;

	snprintf(rel, sizeof(rel), "%s%s", full_n > root ? full + root + 1 : "",
		 full_n > root ? "/" : "");
	watch_dir(w, full, rel, false);
	d = opendir(full);
	if (d == NULL) {
		w->blind = w->blind || (errno != ENOENT && errno != ENOTDIR);
		return -1;
	}
	while ((e = readdir(d)) != NULL && depth < DEPTH_MAX) {
		size_t n = full_n + 1 + strlen(e->d_name);

		if (e->d_name[0] == '.' || n >= PATH_MAX)
			continue;
		full[full_n] = '/';
		memcpy(full + full_n + 1, e->d_name, n - full_n);
		walk_entry(w, full, n, e, depth);
		full[full_n] = '\0';
	}
	closedir(d);
	return 0;
}

/* The parent tells when the directory itself comes, goes, or is swapped for another. */
static void watch_parent(struct mwatch *w)
{
	char parent[PATH_MAX];
	char *slash;

	strlcpy(parent, w->dir, sizeof(parent));
	slash = strrchr(parent, '/');
	if (slash == NULL)
		strlcpy(parent, ".", sizeof(parent));
	else
		slash[slash == parent] = '\0';
	watch_dir(w, parent, slash == NULL ? w->dir : w->dir + (slash - parent) + 1, true);
}

static void poll_again(struct mwatch *w)
{
	if (w->links || w->missing || w->blind || w->refused != 0)
		timer_set(ev_timers(w->ev), &w->poll, ev_now_ms(w->ev) + MWATCH_POLL_MS);
	else
		timer_cancel(ev_timers(w->ev), &w->poll);
}

int mwatch_walk(struct mwatch *w, void (*file)(void *arg, struct str path), void *arg)
{
	char full[PATH_MAX];
	int result, error;

	w->walk++;
	w->links = false;
	w->blind = false;
	w->refused = 0;
	w->file = file;
	w->file_arg = arg;
	watch_parent(w);
	strlcpy(full, w->dir, sizeof(full));
	result = walk_dir(w, full, strlen(full), 0);
	error = errno;
	w->missing = result == -1;
	forget_stale(w);
	poll_again(w);
	errno = error;
	return result == -1 ? -1 : w->blind;
}

const char *mwatch_trouble(const struct mwatch *w)
{
	if (w->refused == ENOSPC)
		return "no inotify watches left (raise fs.inotify.max_user_watches): "
		       "looking every second";
	return w->refused != 0 ? "inotify refused a watch: looking every second" : NULL;
}

/* --------------------------------------- events --------------------------------------- */

/*
 * A name that has just appeared. A plain file is read when its writer closes it; one moved here
 * or hard-linked is complete; a symbolic link has to be known to the walk (see links).
 */
static void on_birth(struct mwatch *w, const char *path, bool moved)
{
	char full[PATH_MAX];
	struct stat st;

	if (snprintf(full, sizeof(full), "%s/%s", w->dir, path) >= (int)sizeof(full) ||
	    lstat(full, &st) == -1)
		return;
	if (S_ISLNK(st.st_mode))
		w->ops->rescan(w->arg);
	else if (moved || st.st_nlink > 1)
		w->ops->touched(w->arg, str_from(path));
}

static void on_name(struct mwatch *w, const struct wdir *d, const struct inotify_event *e)
{
	char path[PATH_MAX];

	if (d->parent) {
		if (strcmp(e->name, d->path) == 0)
			w->ops->rescan(w->arg);
		return;
	}
	if ((e->mask & IN_ISDIR) || strncmp(e->name, "..", 2) == 0) {
		w->ops->rescan(w->arg);
		return;
	}
	if (!is_manifest(str_from(e->name)) ||
	    snprintf(path, sizeof(path), "%s%s", d->path, e->name) >= (int)sizeof(path))
		return;
	if (e->mask & (IN_CREATE | IN_MOVED_TO))
		on_birth(w, path, (e->mask & IN_MOVED_TO) != 0);
	else
		w->ops->touched(w->arg, str_from(path));
}

static void on_event(struct mwatch *w, const struct inotify_event *e)
{
	struct wdir *d = wdir_find(w, e->wd);

	if (e->mask & IN_Q_OVERFLOW) {
		w->ops->rescan(w->arg);
		return;
	}
	if (d == NULL)
		return;
	if (e->mask & IN_IGNORED) { /* the kernel has dropped the watch */
		RB_REMOVE(wdirs, &w->dirs, d);
		free(d);
		w->ops->rescan(w->arg);
	} else if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
		w->ops->rescan(w->arg);
	} else if (e->len > 0) {
		on_name(w, d, e);
	}
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct mwatch *w = container_of(f, struct mwatch, fd);
	_Alignas(struct inotify_event) char buf[16384];
	ssize_t n = read(f->fd, buf, sizeof(buf));

	(void)ready;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(buf + at);

		on_event(w, e);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

static void on_poll(struct timer *t)
{
	struct mwatch *w = container_of(t, struct mwatch, poll);

	w->ops->rescan(w->arg);
}

struct mwatch *mwatch_new(struct ev *ev, const char *dir, const struct mwatch_ops *ops, void *arg)
{
	struct mwatch *w = calloc(1, sizeof(*w));
	size_t n;
	int fd;

	if (w == NULL)
		return NULL;
	w->ev = ev;
	w->ops = ops;
	w->arg = arg;
	w->fd = EV_FD_NONE;
	timer_init(&w->poll, on_poll);
	n = strlcpy(w->dir, dir, sizeof(w->dir));
	while (n > 1 && n < sizeof(w->dir) && w->dir[n - 1] == '/')
		w->dir[--n] = '\0';
	if (n == 0 || n >= sizeof(w->dir)) {
		free(w);
		errno = n == 0 ? EINVAL : ENAMETOOLONG;
		return NULL;
	}
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd == -1 || ev_add(ev, &w->fd, fd, EV_READ, on_ready) == -1) {
		if (fd != -1)
			close(fd);
		free(w);
		return NULL;
	}
	return w;
}

void mwatch_free(struct mwatch *w)
{
	struct wdir *d;
	int fd = w->fd.fd;

	while ((d = RB_MIN(wdirs, &w->dirs)) != NULL) {
		RB_REMOVE(wdirs, &w->dirs, d);
		free(d);
	}
	timer_cancel(ev_timers(w->ev), &w->poll);
	ev_del(w->ev, &w->fd);
	close(fd);
	free(w);
}
