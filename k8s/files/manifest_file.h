/*
 * manifest_file: one manifest file, read and decoded, with what it declared the last time.
 *
 * Reading decides nothing: mfile_load() gives the declarations of the file as it is now,
 * manifests.c puts them into index and store. Documents whose text has not changed since the
 * last time are not parsed again.
 */
#ifndef SILEX_K8S_FILES_MANIFEST_FILE_H
#define SILEX_K8S_FILES_MANIFEST_FILE_H

#include <sys/stat.h>

#include "k8s/files/manifest_index.h"
#include "k8s/files/manifests.h"

/* A document of the last read: unchanged text at the same place means unchanged declarations. */
struct mdoc {
	uint64_t hash; /* 0: not to be reused */
	uint32_t line;
	uint32_t first, n; /* its declarations */
};

struct mfile_stamp { /* the file has changed when any of it has */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct mlist {
	struct mdecl **v;
	uint32_t n, room;
};

struct mfile {
	RB_ENTRY(mfile) link;
	struct mfile_stamp stamp;
	struct mlist decls;
	struct mdoc *docs;
	uint32_t n_docs;
	uint32_t seen;   /* the walk that last saw it */
	bool dirty;      /* to be read in this batch */
	bool force;      /* ... without reusing anything */
	struct str path; /* relative to the directory */
	char text[];
};

struct mload {
	struct mlist decls; /* new and reused; owned by the caller after MLOAD_OK */
	struct mdoc *docs;
	uint32_t n_docs;
	bool nameless; /* a bad document that could be any of the old declarations */
};

enum mload_result {
	MLOAD_OK,
	MLOAD_GONE,   /* no such file, or no regular one */
	MLOAD_AGAIN,  /* it changed while it was read: try again soon */
	MLOAD_EMPTY,  /* no bytes: somebody is about to write it */
	MLOAD_FAILED, /* cannot be read; reported */
};

typedef void mreport_fn(void *arg, enum manifests_level level, const char *line);

struct mfile *mfile_new(struct str path);
/* Frees its list of declarations, which must be out of the index. */
void mfile_free(struct mfile *f);

/* Does the file at full look different from the last read? True also when it is gone. */
bool mfile_changed(const struct mfile *f, const char *full);
/* Read and decode the file at full. f->stamp is updated; f's declarations are only marked. */
enum mload_result mfile_load(struct mfile *f, const char *full, struct mload *out,
			     mreport_fn *report, void *arg);

void mlist_add(struct mlist *l, struct mdecl *d);

#endif
