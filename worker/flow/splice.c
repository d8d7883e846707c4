/* splice: see splice.h. */
#include "worker/flow/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/sys/queue.h>

#define KEPT_MAX 16 /* empty kernel pipes kept for the next body */
#define OPEN_MAX 64 /* at once: two descriptors and pinned pages each */

struct splice_pipe {
	struct splice_set *set;
	int in, out;
	size_t bytes;
	SLIST_ENTRY(splice_pipe) link;
};

struct splice_set {
	SLIST_HEAD(, splice_pipe) kept;
	unsigned n_kept, n_open;
};

struct splice_set *splice_set_new(void)
{
	return calloc(1, sizeof(struct splice_set));
}

static struct splice_pipe *open_pipe(struct splice_set *s)
{
	struct splice_pipe *p = calloc(1, sizeof(*p));
	int fds[2];

	if (p == NULL)
		return NULL;
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) == -1) {
		free(p);
		return NULL;
	}
	(void)fcntl(fds[1], F_SETPIPE_SZ,
		    SPLICE_PIPE_BYTES); /* a wish: EPERM over the user's limit */
	p->set = s;
	p->out = fds[0];
	p->in = fds[1];
	return p;
}

struct splice_pipe *splice_open(struct splice_set *s)
{
	struct splice_pipe *p = SLIST_FIRST(&s->kept);

	if (p != NULL) {
		SLIST_REMOVE_HEAD(&s->kept, link);
		s->n_kept--;
	} else if (s->n_open < OPEN_MAX) {
		p = open_pipe(s);
	}
	if (p != NULL)
		s->n_open++;
	return p;
}

void splice_close(struct splice_pipe *p)
{
	struct splice_set *s = p->set;

	s->n_open--;
	if (p->bytes == 0 && s->n_kept < KEPT_MAX) {
		SLIST_INSERT_HEAD(&s->kept, p, link);
		s->n_kept++;
		return;
	}
	close(p->in);
	close(p->out);
	free(p);
}

size_t splice_bytes(const struct splice_pipe *p)
{
	return p->bytes;
}

ssize_t splice_in(struct splice_pipe *p, int fd, size_t n)
{
	ssize_t got = splice(fd, NULL, p->in, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (got > 0)
		p->bytes += (size_t)got;
	return got;
}

ssize_t splice_out(struct splice_pipe *p, int fd, size_t n)
{
	/* Never SPLICE_F_MORE: the kernel would hold the last bytes back when the source pauses. */
	ssize_t got = splice(p->out, NULL, fd, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (got > 0)
		p->bytes -= (size_t)got;
	return got;
}
