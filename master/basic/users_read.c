/* users_read: see users_read.h. */
#include "master/basic/users_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/text.h"
#include "master/basic/htpasswd.h"
#include "master/basic/userlist.h"

#define FILE_KEY "auth"

struct reading {
	struct text lines;
	unsigned n_users, n_bad;
	char first_bad[USERS_WHY_MAX]; /* the first that cannot be used */
};

static void keep(struct reading *r, const struct htpasswd *h)
{
	r->n_users++;
	text_str(&r->lines, h->user);
	text_char(&r->lines, ':');
	text_str(&r->lines, h->hash);
	text_char(&r->lines, '\n');
}

static void read_file(struct reading *r, struct str text)
{
	struct htpasswd h = {.rest = text};
	enum htpasswd_got got;

	while ((got = htpasswd_next(&h)) != HTPASSWD_END) {
		if (got == HTPASSWD_USER)
			keep(r, &h);
		else if (r->n_bad++ == 0)
			(void)snprintf(r->first_bad, sizeof(r->first_bad),
				       "line %u of its key " FILE_KEY " %s", h.line, h.why);
	}
}

static void read_map(struct reading *r, const struct obj_map *data)
{
	for (uint32_t i = 0; i < data->n; i++) {
		struct htpasswd h = {.line = 0};

		if (htpasswd_pair(&h, data->kv[i].key, data->kv[i].value) == HTPASSWD_USER)
			keep(r, &h);
		else if (r->n_bad++ == 0)
			(void)snprintf(r->first_bad, sizeof(r->first_bad),
				       "the value of its key " STR_FMT " %s",
				       STR_ARG(data->kv[i].key), h.why);
	}
}

static bool write_all(int fd, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t done = pwrite(fd, p + at, n - at, (off_t)at); /* its offset stays 0 */

		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += (size_t)done;
	}
	return true;
}

static int to_memfd(const struct text *t)
{
	int fd = memfd_create("silex-users", MFD_CLOEXEC);

	if (fd == -1 || write_all(fd, t->p, t->n))
		return fd;
	(void)close(fd);
	return -1;
}

static void judge(const struct reading *r, struct users_read *out)
{
	if (r->n_users == 0 && r->n_bad == 0)
		(void)snprintf(out->why, sizeof(out->why),
			       "it holds no user: put lines of user:hash into its key " FILE_KEY
			       ", as htpasswd -B makes them");
	else if (r->n_users == 0)
		(void)snprintf(out->why, sizeof(out->why), "nobody in it can log in: %.180s",
			       r->first_bad);
	else if (r->n_bad > 0)
		(void)snprintf(out->remark, sizeof(out->remark),
			       "%.180s; left out of it: %u, the others can log in", r->first_bad,
			       r->n_bad);
	if (r->n_users == 0)
		return;
	out->fd = r->lines.full ? -1 : to_memfd(&r->lines);
	out->bytes = (uint32_t)r->lines.n;
	if (out->fd == -1)
		(void)snprintf(out->why, sizeof(out->why),
			       "it cannot be handed to the auth process: memory is out");
}

static void read_users(const struct secret *s, const struct str *file, enum users_form form,
		       struct users_read *out)
{
	struct reading r = {.n_users = 0};

	text_growing(&r.lines, USERLIST_BYTES_MAX);
	if (form == USERS_FILE)
		read_file(&r, *file);
	else
		read_map(&r, &s->data);
	judge(&r, out);
	if (r.lines.p != NULL)
		explicit_bzero(r.lines.p, r.lines.cap);
	free(r.lines.p);
}

void users_read(const struct secret *s, enum users_form form, struct users_read *out)
{
	const struct str *file = s == NULL ? NULL : obj_map_get(&s->data, STR(FILE_KEY));

	*out = (struct users_read){.fd = -1};
	if (s == NULL)
		(void)snprintf(out->why, sizeof(out->why),
			       "it does not exist: create it, or correct the name");
	else if (form == USERS_FILE && file == NULL)
		(void)snprintf(out->why, sizeof(out->why),
			       "it has no key " FILE_KEY
			       ": put the htpasswd file there, or set auth-secret-type "
			       "to auth-map if each of its keys is a user");
	else
		read_users(s, file, form, out);
}
