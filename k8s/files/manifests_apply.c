/*
 * manifests_apply: the declarations of one file into the index and the store, and what is told of
 * those that lose. See manifests.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "k8s/files/manifests_int.h"

static void say_decl(struct manifests *m, const struct mdecl *loser, const struct mdecl *winner)
{
	char buf[1024];

	snprintf(buf, sizeof(buf),
		 STR_FMT ":%u: %s " STR_FMT "%s" STR_FMT " is declared in " STR_FMT
			 ":%u too, which wins (first by path and position): remove one of them",
		 STR_ARG(loser->path), loser->line, obj_kind_name((enum obj_kind)loser->kind),
		 STR_ARG(loser->ns), loser->ns.n > 0 ? "/" : "", STR_ARG(loser->name),
		 STR_ARG(winner->path), winner->line);
	manifests_report(m, MANIFESTS_WARNING, buf);
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
	manifests_report(m, MANIFESTS_WARNING, buf);
}

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

void manifests_apply(struct manifests *m, struct mfile *f, struct mload *load)
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

void manifests_forget(struct manifests *m, struct mfile *f)
{
	for (uint32_t i = 0; i < f->decls.n; i++) {
		mindex_remove(&m->index, f->decls.v[i]);
		orphan(m, f->decls.v[i]);
	}
	f->decls.n = 0;
}
