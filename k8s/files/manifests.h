/*
 * manifests: the source of objects that needs no cluster, --manifests DIR.
 *
 * Reads *.yaml *.yml *.json in DIR and its subfolders into a store and keeps watching with
 * inotify. A file that cannot be read or parsed leaves its previous good objects in place, and
 * so does a single bad document; everything else applies. A removed file removes its objects.
 * Two declarations of one object: the first by path and position wins, the other is reported
 * and steps in when the first goes. Objects without creationTimestamp rank as store.h says.
 * Names that begin with "." and editors' leftovers (x~, #x#, 4913) are not manifests.
 */
#ifndef SILEX_K8S_FILES_MANIFESTS_H
#define SILEX_K8S_FILES_MANIFESTS_H

#include "common/loop/ev.h"
#include "k8s/objects/store.h"

struct manifests;

enum manifests_level {
	MANIFESTS_ERROR,
	MANIFESTS_WARNING,
	MANIFESTS_DEBUG
};

struct manifests_ops {
	/* One line without newline, "file:line: reason" where a place is known. May be NULL. */
	void (*report)(void *arg, enum manifests_level level, const char *line);
	/* A batch of changes is in the store (its listener has seen each): publish now. */
	void (*applied)(void *arg);
	/* The first complete read is in the store; once, after the first applied(). */
	void (*synced)(void *arg);
};

/* dir need not exist yet: it is read when it appears (and said so). NULL with errno. */
struct manifests *manifests_new(struct ev *ev, struct store *store, const char *dir,
				const struct manifests_ops *ops, void *arg);
/* Read everything now, call applied() and synced(), then watch. Where inotify is short of
 * watches the directory is looked at every second instead, and that is reported. */
void manifests_start(struct manifests *m);
/* Decode the file at this path (as an object's .file) again although it has not changed, soon: its
 * objects are put into the store once more. */
void manifests_reread(struct manifests *m, struct str path);
/* The store keeps its objects. NULL is ignored. */
void manifests_free(struct manifests *m);

#endif
