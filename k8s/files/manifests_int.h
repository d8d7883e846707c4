/*
 * manifests_int: shared by manifests.c (when files are read) and manifests_apply.c (what their
 * declarations mean for the store).
 */
#ifndef SILEX_K8S_FILES_MANIFESTS_INT_H
#define SILEX_K8S_FILES_MANIFESTS_INT_H

#include <limits.h>

#include "common/loop/timer.h"
#include "k8s/files/manifest_file.h"
#include "k8s/files/manifest_watch.h"
#include "k8s/files/manifests.h"

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

/* arg is the struct manifests. */
void manifests_report(void *arg, enum manifests_level level, const char *line);
/* f was read anew: its declarations into the index, and the winners into the store. Takes load. */
void manifests_apply(struct manifests *m, struct mfile *f, struct mload *load);
/* f is gone: its declarations are settled at the end of the batch. */
void manifests_forget(struct manifests *m, struct mfile *f);

#endif
