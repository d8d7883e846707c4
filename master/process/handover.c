/* handover: see handover.h. The words: a letter, then numbers parted by dots. */
#include "master/process/handover.h"

#include <inttypes.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/net/net.h"
#include "common/str.h"

#define VARIABLE "SILEX_HANDOVER"
#define TEXT_MAX (64 * 1024)
#define NUMBERS  3

/* --- reading -------------------------------------------------------------------------------- */

/* "8.0.1" into numbers; how many there are, 0 when it is malformed. */
static unsigned numbers(struct str s, uint64_t v[NUMBERS])
{
	unsigned n = 0;

	while (n < NUMBERS) {
		ptrdiff_t dot = str_chr(s, '.');
		struct str one = dot == -1 ? s : str_make(s.p, (size_t)dot);

		if (!str_u64(one, INT64_MAX, &v[n++]))
			return 0;
		if (dot == -1)
			return n;
		s = str_from_at(s, (size_t)dot + 1);
	}
	return 0;
}

static int inherited(uint64_t fd)
{
	return fd > STDERR_FILENO && fd < 1 << 20 && net_cloexec((int)fd, true) == 0 ? (int)fd : -1;
}

static void take_listen(struct handover *h, const uint64_t v[NUMBERS])
{
	int fd = inherited(v[0]);

	if (fd == -1 || h->n_listens == BOARD_LISTENS || v[1] > ROLE_HEALTHZ)
		return;
	h->listens[h->n_listens++] =
	    (struct handed_listen){fd, (enum listener_role)v[1], v[2] != 0};
}

static void take_port(struct handover *h, uint64_t v)
{
	int fd = inherited(v);

	if (fd != -1 && h->n_ports < HANDED_PORTS)
		h->ports[h->n_ports++] = fd;
}

static void take_worker(struct handover *h, const uint64_t v[NUMBERS])
{
	if (h->n_workers < 2 * SLOT_MAX && v[0] > 1 && v[0] < INT32_MAX)
		h->workers[h->n_workers++] = (struct handed_worker){(pid_t)v[0], v[1]};
}

static void take_sibling(struct handover *h, uint64_t v)
{
	if (h->n_siblings < HANDED_SIBLINGS && v > 1 && v < INT32_MAX)
		h->siblings[h->n_siblings++] = (pid_t)v;
}

static void take_word(struct handover *h, struct str word)
{
	uint64_t v[NUMBERS];
	unsigned n = numbers(str_from_at(word, 1), v);
	char what = word.p[0];

	if (what == 'l' && n == 3)
		take_listen(h, v);
	else if (what == 'w' && n == 2)
		take_worker(h, v);
	else if (what == 'p' && n == 1)
		take_port(h, v[0]);
	else if (what == 's' && n == 1)
		h->slots = v[0] < SLOT_MAX ? (unsigned)v[0] : SLOT_MAX;
	else if (what == 'b' && n == 1)
		h->back = v[0] != 0;
	else if (what == 'x' && n == 1)
		h->exe_fd = inherited(v[0]);
	else if (what == 'y' && n == 1)
		h->worker_fd = inherited(v[0]);
	else if (what == 'o' && n == 1)
		take_sibling(h, v[0]);
}

void handover_take(struct handover *h)
{
	struct str rest = str_from(getenv(VARIABLE));

	*h = HANDOVER_NONE;
	h->present = rest.n > 0;
	while (rest.n > 0) {
		ptrdiff_t space = str_chr(rest, ' ');
		size_t n = space == -1 ? rest.n : (size_t)space;

		if (n > 1)
			take_word(h, str_make(rest.p, n));
		rest = str_from_at(rest, n + 1);
	}
	(void)unsetenv(VARIABLE);
}

/* --- leaving -------------------------------------------------------------------------------- */

struct text {
	char *to;
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->to + t->n, TEXT_MAX - t->n, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < TEXT_MAX - t->n)
		t->n += (size_t)n;
}

static void put_fd(struct text *t, char what, int fd)
{
	if (fd != -1)
		put(t, "%c%d ", what, fd);
}

static void describe(const struct handover *h, struct text *t)
{
	put(t, "b%d s%u ", h->back, h->slots);
	put_fd(t, 'x', h->exe_fd);
	put_fd(t, 'y', h->worker_fd);
	for (unsigned i = 0; i < h->n_listens; i++)
		put(t, "l%d.%d.%d ", h->listens[i].fd, (int)h->listens[i].role,
		    h->listens[i].given);
	for (unsigned i = 0; i < h->n_ports; i++)
		put_fd(t, 'p', h->ports[i]);
	for (unsigned i = 0; i < h->n_siblings; i++)
		put(t, "o%d ", (int)h->siblings[i]);
	for (unsigned i = 0; i < h->n_workers; i++)
		put(t, "w%d.%" PRIu64 " ", (int)h->workers[i].pid, h->workers[i].start);
}

static void mark(const struct handover *h, bool cloexec)
{
	const int fds[] = {h->exe_fd, h->worker_fd};

	for (unsigned i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] != -1)
			(void)net_cloexec(fds[i], cloexec);
	for (unsigned i = 0; i < h->n_listens; i++)
		(void)net_cloexec(h->listens[i].fd, cloexec);
	for (unsigned i = 0; i < h->n_ports; i++)
		(void)net_cloexec(h->ports[i], cloexec);
}

int handover_leave(const struct handover *h)
{
	struct text t = {.to = malloc(TEXT_MAX)};
	int rc;

	if (t.to == NULL)
		return -1;
	t.to[0] = '\0';
	describe(h, &t);
	rc = setenv(VARIABLE, t.to, 1);
	free(t.to);
	if (rc == -1)
		return -1;
	/* Libraries' descriptors too; a kernel before 5.11 leaves those as they are. */
	(void)close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	mark(h, false);
	return 0;
}

void handover_cancel(const struct handover *h)
{
	mark(h, true);
	(void)unsetenv(VARIABLE);
}

static void shut(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void handover_close(struct handover *h)
{
	shut(&h->exe_fd);
	shut(&h->worker_fd);
	for (unsigned i = 0; i < h->n_listens; i++)
		shut(&h->listens[i].fd);
	for (unsigned i = 0; i < h->n_ports; i++)
		shut(&h->ports[i]);
	h->n_listens = h->n_ports = 0;
	h->present = false;
}
