/*
 * manifest_watch: a directory tree under inotify.
 *
 * Says which files to look at again, or that everything has to be looked at; never reads them.
 * Handles new and renamed subfolders, atomic renames, the "..data" link by which the kubelet
 * swaps a mounted ConfigMap, the directory itself removed, recreated or swapped (watched from
 * its parent), an overflowing queue. Where inotify cannot help (no such directory yet, symbolic
 * links to elsewhere, no watches left) it asks for a rescan every MWATCH_POLL_MS.
 */
#ifndef SILEX_K8S_FILES_MANIFEST_WATCH_H
#define SILEX_K8S_FILES_MANIFEST_WATCH_H

#include "common/loop/ev.h"
#include "common/str.h"

#define MWATCH_POLL_MS 1000

struct mwatch;

struct mwatch_ops {
	void (*touched)(void *arg, struct str path); /* a manifest by its relative path */
	void (*rescan)(void *arg);
};

/* NULL with errno. dir need not exist. */
struct mwatch *mwatch_new(struct ev *ev, const char *dir, const struct mwatch_ops *ops, void *arg);
void mwatch_free(struct mwatch *w);

/*
 * Walk the tree, watching every directory in it before it is read, and call file() for every
 * manifest's relative path. Returns 0; 1 when a subfolder could not be read, so that files not
 * met may still exist; -1 with errno when dir itself cannot be read. Links to directories are
 * not followed.
 */
int mwatch_walk(struct mwatch *w, void (*file)(void *arg, struct str path), void *arg);
/* Why inotify is not enough, for the log; NULL when it is. Valid after a walk. */
const char *mwatch_trouble(const struct mwatch *w);

#endif
