/* manifest_file: see manifest_file.h. */
#include "k8s/files/manifest_file.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/check.h"
#include "common/hash.h"
#include "k8s/objects/decode.h"
#include "k8s/text/yaml.h"

struct reader {
	struct mfile *f;
	struct mload *out;
	mreport_fn *report;
	void *arg;
	bool secrets; /* the tree in hand holds some: wipe it */
	struct decode_from from;
	uint32_t docs_room;
};

struct mfile *mfile_new(struct str path)
{
	struct mfile *f = calloc(1, sizeof(*f) + path.n);

	CHECK(f != NULL);
	memcpy(f->text, path.p, path.n);
	f->path = str_make(f->text, path.n);
	return f;
}

void mfile_free(struct mfile *f)
{
	for (uint32_t i = 0; i < f->decls.n; i++)
		mdecl_free(f->decls.v[i]);
	free(f->decls.v);
	free(f->docs);
	free(f);
}

/* The next size of a growing array. */
static uint32_t more(uint32_t room)
{
	return room == 0 ? 4 : room * 2;
}

void mlist_add(struct mlist *l, struct mdecl *d)
{
	if (l->n == l->room) {
		l->room = more(l->room);
		l->v = reallocarray(l->v, l->room, sizeof(*l->v));
		CHECK(l->v != NULL);
	}
	l->v[l->n++] = d;
}

static struct mdoc *doc_add(struct reader *r, uint64_t hash, uint32_t line)
{
	struct mload *o = r->out;

	if (o->n_docs == r->docs_room) {
		r->docs_room = more(r->docs_room);
		o->docs = reallocarray(o->docs, r->docs_room, sizeof(*o->docs));
		CHECK(o->docs != NULL);
	}
	o->docs[o->n_docs] = (struct mdoc){.hash = hash, .line = line, .first = o->decls.n};
	return &o->docs[o->n_docs++];
}

static void say(const struct reader *r, enum manifests_level level, uint32_t line, const char *text)
{
	char buf[1024];

	snprintf(buf, sizeof(buf), STR_FMT ":%u: %s", STR_ARG(r->f->path), line, text);
	r->report(r->arg, level, buf);
}

/* ------------------------------------- decoding ------------------------------------- */

static struct mdoc *this_doc(const struct reader *r)
{
	return &r->out->docs[r->out->n_docs - 1];
}

static void declare(struct reader *r, struct mdecl *d, const struct decoded *dec)
{
	d->doc = r->from.doc;
	d->item = dec->obj != NULL ? dec->obj->item : 0;
	d->line = dec->line;
	d->obj = dec->obj;
	mlist_add(&r->out->decls, d);
	this_doc(r)->n++;
}

static void on_object(struct reader *r, struct decoded *dec)
{
	struct obj *o = dec->obj;

	if (o->line == 0)
		o->line = this_doc(r)->line;
	dec->line = o->line;
	declare(r, mdecl_new(r->f, r->f->path, (enum obj_kind)o->kind, o->ns, o->name), dec);
}

static void bad_document(struct reader *r, uint32_t line, const char *text)
{
	this_doc(r)->hash = 0;
	say(r, MANIFESTS_ERROR, line != 0 ? line : this_doc(r)->line, text);
}

static void on_bad(struct reader *r, const struct decoded *dec)
{
	struct mdecl *d;

	bad_document(r, dec->line, dec->text);
	if (!dec->named) {
		r->out->nameless = true;
		return;
	}
	d = mdecl_new(r->f, r->f->path, dec->kind, dec->ns, dec->name);
	d->bad = true;
	declare(r, d, dec);
}

static void on_decoded(void *arg, struct decoded *dec)
{
	struct reader *r = arg;

	switch (dec->what) {
	case DECODED_OBJECT:
		r->secrets = r->secrets || dec->obj->wipe;
		on_object(r, dec);
		return;
	case DECODED_IGNORED:
		say(r, MANIFESTS_DEBUG, dec->line != 0 ? dec->line : this_doc(r)->line, dec->text);
		return;
	case DECODED_BAD:
		r->secrets = r->secrets || !dec->named || dec->kind == OBJ_SECRET;
		on_bad(r, dec);
		return;
	}
}

/* The documents's tree into declarations; NULL with an error is a document nobody can name. */
static void take_tree(struct reader *r, struct json_object *v, const struct jv_err *err)
{
	if (err->set) {
		r->out->nameless = true;
		bad_document(r, err->line, err->text);
	} else if (v != NULL) {
		r->from.doc = r->out->n_docs - 1;
		r->from.item = 0;
		r->from.content = this_doc(r)->hash;
		r->secrets = false;
		decode_any(v, &r->from, on_decoded, r);
		if (r->secrets)
			jv_wipe(v);
	}
	json_object_put(v);
}

/* The same text at the same place as the last time: its declarations move over. */
static bool reuse(struct reader *r, uint64_t hash, uint32_t line)
{
	const struct mfile *f = r->f;
	uint32_t i = r->out->n_docs;
	struct mdoc *doc;

	if (f->force || i >= f->n_docs || f->docs[i].hash != hash || f->docs[i].line != line)
		return false;
	doc = doc_add(r, hash, line);
	for (uint32_t k = 0; k < f->docs[i].n; k++) {
		struct mdecl *d = f->decls.v[f->docs[i].first + k];

		d->reused = true;
		mlist_add(&r->out->decls, d);
		doc->n++;
	}
	return true;
}

/* Never 0, which stands for unknown. */
static uint64_t text_hash(struct str text)
{
	return hash_str(text, 0) | 1;
}

static void take_yaml(struct reader *r, struct str text)
{
	struct yaml_doc doc;
	uint32_t line = 1;

	while (yaml_next(&text, &line, &doc)) {
		struct jv_err err = {0};
		uint64_t hash = text_hash(doc.text);

		if (reuse(r, hash, doc.line))
			continue;
		doc_add(r, hash, doc.line);
		take_tree(r, yaml_parse(&doc, &err), &err);
	}
}

static uint32_t lines_in(const char *p, const char *end)
{
	uint32_t n = 0;

	while (p < end)
		n += *p++ == '\n';
	return n;
}

/* One or more JSON values behind each other. After a syntax error nothing more can be read. */
static void take_json(struct reader *r, struct str text)
{
	uint32_t line = 1;

	while (text.n > 0) {
		struct jv_err err = {0};
		struct str rest = text;
		struct json_object *v = jv_parse(&rest, &err);
		struct str used = str_make(text.p, text.n - rest.n);

		doc_add(r, v == NULL ? 0 : text_hash(used), line);
		if (err.set)
			err.line += line - 1;
		take_tree(r, v, &err);
		if (err.set)
			return;
		line += lines_in(used.p, used.p + used.n);
		text = rest;
	}
}

/* -------------------------------------- reading -------------------------------------- */

static struct mfile_stamp stamp_of(const struct stat *st)
{
	return (struct mfile_stamp){.dev = st->st_dev,
				    .ino = st->st_ino,
				    .size = st->st_size,
				    .mtime = st->st_mtim,
				    .ctime = st->st_ctim};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_stamp(const struct mfile_stamp *a, const struct mfile_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

bool mfile_changed(const struct mfile *f, const char *full)
{
	struct mfile_stamp now;
	struct stat st;

	if (stat(full, &st) == -1)
		return true;
	now = stamp_of(&st);
	return !same_stamp(&now, &f->stamp);
}

static enum mload_result cannot(const struct reader *r, int error)
{
	char text[256];

	if (error == ENOENT || error == ENOTDIR || error == ELOOP)
		return MLOAD_GONE;
	snprintf(text, sizeof(text), "cannot be read: %s; what it declared before stays",
		 strerror(error));
	say(r, MANIFESTS_ERROR, 0, text);
	return MLOAD_FAILED;
}

/* All bytes of fd, which has size of them; -1 with errno (EAGAIN: fewer than it said). */
static int read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, buf + n, size - n);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		if (got == 0) {
			errno = EAGAIN;
			return -1;
		}
		n += (size_t)got;
	}
	return 0;
}

static bool is_json(struct str path)
{
	return str_ends(path, STR(".json"));
}

/* The bytes may hold keys: they are overwritten when done with. */
static enum mload_result load_text(struct reader *r, int fd, size_t size)
{
	char *buf = malloc(size + 1);
	struct mfile_stamp now;
	struct stat st;

	CHECK(buf != NULL);
	if (read_all(fd, buf, size) == -1 || fstat(fd, &st) == -1) {
		int error = errno;

		freezero(buf, size + 1);
		return error == EAGAIN ? MLOAD_AGAIN : cannot(r, error);
	}
	now = stamp_of(&st);
	if (!same_stamp(&now, &r->f->stamp)) {
		freezero(buf, size + 1);
		return MLOAD_AGAIN;
	}
	buf[size] = '\0';
	if (is_json(r->f->path))
		take_json(r, str_make(buf, size));
	else
		take_yaml(r, str_make(buf, size));
	freezero(buf, size + 1);
	return MLOAD_OK;
}

static enum mload_result load_fd(struct reader *r, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return cannot(r, errno);
	if (!S_ISREG(st.st_mode))
		return MLOAD_GONE;
	r->f->stamp = stamp_of(&st);
	if (st.st_size == 0)
		return MLOAD_EMPTY;
	if (st.st_size > JSON_TEXT_MAX)
		return cannot(r, EFBIG);
	return load_text(r, fd, (size_t)st.st_size);
}

enum mload_result mfile_load(struct mfile *f, const char *full, struct mload *out,
			     mreport_fn *report, void *arg)
{
	struct reader r = {.f = f, .out = out, .report = report, .arg = arg};
	enum mload_result result;
	struct stat st;
	int fd;

	*out = (struct mload){0};
	r.from = (struct decode_from){.file_mode = true, .file = f->path};
	/* O_NONBLOCK: a FIFO by that name must not stop the master. */
	fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1) {
		result = cannot(&r, errno);
		if (stat(full, &st) == 0) /* said once, and again when something changes */
			f->stamp = stamp_of(&st);
		return result;
	}
	result = load_fd(&r, fd);
	close(fd);
	return result;
}
