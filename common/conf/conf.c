/*
 * conf: defaults, the file, and the hand-over to a worker. See conf.h.
 *
 * The grammar of a line: blank, `# comment`, or `key = value` where value is bare (up to " #" or
 * the end, blanks trimmed) or quoted ("..." with \" and \\ as escapes, or '...' as it stands).
 */
#include "common/conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/conf/conf_key.h"
#include "common/conf/conf_value.h"

#define FILE_MAX (1024 * 1024)

void conf_init(struct conf *c)
{
	char err[CONF_ERROR_MAX];

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *k = &conf_keys[i];

		if (k->type != CONF_T_SECTION)
			CHECK(conf_value_parse(k, c, str_from(k->def), err) == 0);
	}
}

/* What a person typed, cut and made safe to print. */
static void quote(struct str s, char out[64])
{
	size_t n = s.n < 40 ? s.n : 40, at = 0;

	for (; at < n; at++)
		out[at] = (s.p[at] >= ' ' && s.p[at] <= '~') ? s.p[at] : '?';
	(void)snprintf(out + at, 64 - at, "%s", s.n > n ? "..." : "");
}

static void unknown_key(struct str key, char err[CONF_ERROR_MAX])
{
	const struct conf_key *near = conf_key_nearest(key);
	char shown[64];

	quote(key, shown);
	if (near != NULL)
		(void)snprintf(err, CONF_ERROR_MAX, "%s: unknown key; did you mean %s?", shown,
			       near->name);
	else
		(void)snprintf(err, CONF_ERROR_MAX, "%s: unknown key; silex --help-all lists all",
			       shown);
}

int conf_set(struct conf *c, struct str key, struct str value, char err[CONF_ERROR_MAX])
{
	const struct conf_key *k = conf_key_find(key);
	const struct conf_ignored *g = k == NULL ? conf_ignored_find(key) : NULL;
	char allowed[CONF_ERROR_MAX], shown[64];

	if (g != NULL) {
		(void)snprintf(err, CONF_ERROR_MAX, "%s: accepted and ignored: %s", g->name,
			       g->why);
		return 1;
	}
	if (k == NULL) {
		unknown_key(key, err);
		return -1;
	}
	if (conf_value_parse(k, c, value, allowed) == 0)
		return 0;
	quote(value, shown);
	(void)snprintf(err, CONF_ERROR_MAX, "%s: \"%s\" is not allowed; allowed: %.300s", k->name,
		       shown, allowed);
	return -1;
}

/* --- the file --------------------------------------------------------------------------- */

struct reading {
	struct conf fresh;
	const char *name;
	unsigned line;
	unsigned seen[256]; /* line in which key i was set, 0 = not yet */
	conf_notice_fn *notice;
	void *arg;
	char *err;
	char value[1024]; /* a quoted value without its escapes */
};

static int fail(struct reading *r, const char *what)
{
	(void)snprintf(r->err, CONF_ERROR_MAX, "%.200s:%u: %.280s", r->name, r->line, what);
	return -1;
}

static bool only_comment(struct str s)
{
	s = str_trim(s);
	return s.n == 0 || s.p[0] == '#';
}

/* A value in quotes: copied without them. */
static int unquote(struct reading *r, struct str s, struct str *out)
{
	char mark = s.p[0];
	size_t n = 0, i = 1;

	for (; i < s.n && s.p[i] != mark; i++) {
		if (mark == '"' && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		if (n == sizeof(r->value))
			return fail(r, "quoted value is too long");
		r->value[n++] = s.p[i];
	}
	if (i >= s.n)
		return fail(r, "quote is not closed on its line");
	if (!only_comment(str_from_at(s, i + 1)))
		return fail(r, "text after the closing quote; only a # comment may stand there");
	*out = str_make(r->value, n);
	return 0;
}

/* A bare value ends at a '#' with a blank before it. */
static struct str bare(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '#' && (i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
			return str_trim(str_make(s.p, i));
	return str_trim(s);
}

static int note_once(struct reading *r, struct str key)
{
	const struct conf_key *k = conf_key_find(key);
	unsigned *seen;
	char what[128];

	if (k == NULL)
		return 0;
	seen = &r->seen[k - conf_keys];
	if (*seen != 0) {
		(void)snprintf(what, sizeof(what), "%s: already set in line %u; remove one",
			       k->name, *seen);
		return fail(r, what);
	}
	*seen = r->line;
	return 0;
}

static int set_pair(struct reading *r, struct str key, struct str value)
{
	char what[CONF_ERROR_MAX];
	int rc;

	if (note_once(r, key) == -1)
		return -1;
	rc = conf_set(&r->fresh, key, value, what);
	if (rc == -1)
		return fail(r, what);
	if (rc == 1 && r->notice != NULL)
		r->notice(r->arg, what);
	return 0;
}

static int read_line(struct reading *r, struct str s)
{
	ptrdiff_t equals;
	struct str key, value;

	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	if (only_comment(s))
		return 0;
	equals = str_chr(s, '=');
	if (equals == -1)
		return fail(r, "no \"=\"; a line reads: key = value");
	key = str_trim(str_make(s.p, (size_t)equals));
	value = str_trim(str_from_at(s, (size_t)equals + 1));
	if (value.n > 0 && (value.p[0] == '"' || value.p[0] == '\'')) {
		if (unquote(r, value, &value) == -1)
			return -1;
	} else {
		value = bare(value);
	}
	return set_pair(r, key, value);
}

int conf_read_text(struct conf *c, const char *name, struct str text, conf_notice_fn *notice,
		   void *arg, char err[CONF_ERROR_MAX])
{
	struct reading r = {.fresh = *c, .name = name, .notice = notice, .arg = arg, .err = err};

	CHECK(conf_n_keys <= sizeof(r.seen) / sizeof(r.seen[0]));
	while (text.n > 0) {
		ptrdiff_t end = str_chr(text, '\n');
		struct str line = end == -1 ? text : str_make(text.p, (size_t)end);

		r.line++;
		if (read_line(&r, line) == -1)
			return -1;
		text = end == -1 ? STR_NONE : str_from_at(text, (size_t)end + 1);
	}
	*c = r.fresh;
	return 0;
}

/* Returns the bytes read, or -1 with errno (EFBIG beyond cap). */
static ssize_t read_all(int fd, char *buf, size_t cap)
{
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, buf + n, cap - n);

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == -1 ? -1 : (ssize_t)n;
		n += (size_t)got;
		if (n == cap) {
			errno = EFBIG;
			return -1;
		}
	}
}

int conf_read_file(struct conf *c, const char *path, conf_notice_fn *notice, void *arg,
		   char err[CONF_ERROR_MAX])
{
	static char text[FILE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read_all(fd, text, sizeof(text));
	int saved = errno;

	if (fd != -1)
		(void)close(fd);
	if (n == -1) {
		(void)snprintf(err, CONF_ERROR_MAX, "%.300s: cannot read: %s", path,
			       strerror(saved));
		return -1;
	}
	return conf_read_text(c, path, str_make(text, (size_t)n), notice, arg, err);
}

/* --- reload ----------------------------------------------------------------------------- */

bool conf_eq(const struct conf *a, const struct conf *b)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		if (conf_keys[i].type != CONF_T_SECTION && !conf_value_eq(&conf_keys[i], a, b))
			return false;
	return true;
}

static bool is_fixed(const struct conf_key *k)
{
	return k->type != CONF_T_SECTION && k->when == CONF_WHEN_START;
}

const char *conf_fixed_difference(const struct conf *running, const struct conf *fresh)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		if (is_fixed(&conf_keys[i]) && !conf_value_eq(&conf_keys[i], running, fresh))
			return conf_keys[i].name;
	return NULL;
}

void conf_keep_fixed(struct conf *fresh, const struct conf *running)
{
	for (size_t i = 0; i < conf_n_keys; i++)
		if (is_fixed(&conf_keys[i]))
			conf_value_copy(&conf_keys[i], fresh, running);
}

bool conf_csv_next(struct str *rest, struct str *element)
{
	while (rest->n > 0) {
		ptrdiff_t comma = str_chr(*rest, ',');
		struct str one = comma == -1 ? *rest : str_make(rest->p, (size_t)comma);

		*rest = comma == -1 ? STR_NONE : str_from_at(*rest, (size_t)comma + 1);
		*element = str_trim(one);
		if (element->n > 0)
			return true;
	}
	return false;
}

/* --- hand-over -------------------------------------------------------------------------- */

/* What the memfd holds. Both ends are of one build; the check is against a mixed upgrade. */
struct sealed {
	uint64_t magic;
	uint32_t abi;
	uint32_t size; /* of struct conf */
	struct conf conf;
};

#define SEALED_MAGIC 0x53494c5820434f4eull
#define SEALED_ABI   1u

/* pwrite() of everything; memfd writes are short only when memory is. */
static int write_whole(int fd, const void *p, size_t n)
{
	ssize_t put = write(fd, p, n);

	if (put == -1)
		return -1;
	if ((size_t)put != n) {
		errno = ENOSPC;
		return -1;
	}
	return 0;
}

int conf_to_fd(const struct conf *c)
{
	struct sealed s = {
	    .magic = SEALED_MAGIC, .abi = SEALED_ABI, .size = sizeof(struct conf), .conf = *c};
	int fd = memfd_create("silex-conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int saved;

	if (fd == -1)
		return -1;
	if (write_whole(fd, &s, sizeof(s)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int conf_from_fd(struct conf *c, int fd)
{
	struct sealed s;
	ssize_t n = pread(fd, &s, sizeof(s), 0);

	if (n == -1)
		return -1;
	if ((size_t)n != sizeof(s) || s.magic != SEALED_MAGIC || s.abi != SEALED_ABI ||
	    s.size != sizeof(struct conf)) {
		errno = EINVAL;
		return -1;
	}
	*c = s.conf;
	return 0;
}
