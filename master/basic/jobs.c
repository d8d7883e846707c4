/* jobs: see jobs.h. */
#include "master/basic/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "master/basic/verifier.h"

struct job {
	TAILQ_ENTRY(job) link; /* of its list's jobs */
	void *who;
	uint64_t id, by_ms;
	struct str hash; /* the list's */
	bool known;      /* the user exists; else right is wrong, too */
	uint32_t password_n;
	char password[BASIC_PASSWORD_MAX];
};

struct verifier {
	struct jobs *jobs;
	struct ev_fd f;
	bool busy;
	/* What it is busy with. */
	void *who; /* NULL: nobody waits for it */
	uint64_t id;
	bool known;
};

struct jobs {
	struct ev *ev;
	const struct jobs_ops *ops;
	void *arg;
	TAILQ_HEAD(, userlist) turns; /* lists with jobs, next first */
	unsigned n_waiting;
	struct verifier_ask ask; /* being sent; wiped after each use */
	unsigned n_verifiers;
	struct verifier verifiers[JOBS_VERIFIERS];
};

/* --- the queue ------------------------------------------------------------------------------ */

static void leave(struct jobs *j, struct userlist *l, struct job *b)
{
	TAILQ_REMOVE(&l->jobs, b, link);
	j->n_waiting--;
	if (--l->n_jobs == 0)
		TAILQ_REMOVE(&j->turns, l, turn);
}

static void job_free(struct job *b)
{
	explicit_bzero(b, sizeof(*b));
	free(b);
}

static void answer(struct jobs *j, struct job *b, enum basic_verdict verdict)
{
	j->ops->done(j->arg, b->who, b->id, verdict);
	job_free(b);
}

/* Of the list whose turn it is. */
static struct job *next_job(struct jobs *j)
{
	struct userlist *l = TAILQ_FIRST(&j->turns);
	struct job *b;

	if (l == NULL)
		return NULL;
	b = TAILQ_FIRST(&l->jobs);
	leave(j, l, b);
	if (l->n_jobs > 0) {
		TAILQ_REMOVE(&j->turns, l, turn);
		TAILQ_INSERT_TAIL(&j->turns, l, turn);
	}
	return b;
}

/* --- verifiers ------------------------------------------------------------------------------ */

static bool give(struct jobs *j, struct verifier *v, const struct job *b)
{
	struct verifier_ask *a = &j->ask;
	size_t n = offsetof(struct verifier_ask, bytes) + b->hash.n + b->password_n;
	ssize_t sent;

	a->hash_n = (uint32_t)b->hash.n;
	a->password_n = b->password_n;
	memcpy(a->bytes, b->hash.p, b->hash.n);
	memcpy(a->bytes + b->hash.n, b->password, b->password_n);
	sent = send(v->f.fd, a, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	explicit_bzero(a, n);
	v->busy = sent != -1;
	v->who = b->who;
	v->id = b->id;
	v->known = b->known;
	return v->busy;
}

static struct verifier *idle_one(struct jobs *j)
{
	for (unsigned i = 0; i < j->n_verifiers; i++)
		if (!j->verifiers[i].busy)
			return &j->verifiers[i];
	return NULL;
}

static void work(struct jobs *j)
{
	struct verifier *v;
	struct job *b;

	while ((v = idle_one(j)) != NULL && (b = next_job(j)) != NULL) {
		if (b->by_ms <= ev_now_ms(j->ev) || !give(j, v, b))
			answer(j, b, BASIC_BUSY);
		else
			job_free(b);
	}
}

static void on_verifier(struct ev_fd *f, unsigned ready)
{
	struct verifier *v = container_of(f, struct verifier, f);
	struct jobs *j = v->jobs;
	uint8_t word;
	ssize_t n = recv(f->fd, &word, sizeof(word), MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(word) || !v->busy) {
		j->ops->broken(j->arg);
		return;
	}
	v->busy = false;
	if (v->who != NULL)
		j->ops->done(j->arg, v->who, v->id,
			     word == VERIFIER_MATCHES && v->known ? BASIC_RIGHT : BASIC_WRONG);
	work(j);
}

/* --- what is asked -------------------------------------------------------------------------- */

bool jobs_add(struct jobs *j, void *who, uint64_t id, struct userlist *l, struct str user,
	      struct str password)
{
	struct job *b;

	CHECK(password.n <= BASIC_PASSWORD_MAX);
	if (j->n_waiting >= JOBS_MAX || l->n_jobs >= JOBS_OF_LIST_MAX)
		return false;
	b = malloc(sizeof(*b));
	if (b == NULL)
		return false;
	b->who = who;
	b->id = id;
	b->by_ms = ev_now_ms(j->ev) + BASIC_WAIT_MS;
	b->hash = userlist_hash(l, user, &b->known);
	b->password_n = (uint32_t)password.n;
	if (password.n > 0)
		memcpy(b->password, password.p, password.n);
	if (l->n_jobs++ == 0)
		TAILQ_INSERT_TAIL(&j->turns, l, turn);
	TAILQ_INSERT_TAIL(&l->jobs, b, link);
	j->n_waiting++;
	work(j);
	return true;
}

void jobs_forget(struct jobs *j, const void *who)
{
	struct userlist *l, *next;

	for (unsigned i = 0; i < j->n_verifiers; i++)
		if (j->verifiers[i].who == who)
			j->verifiers[i].who = NULL;
	for (l = TAILQ_FIRST(&j->turns); l != NULL; l = next) {
		struct job *b, *after;

		next = TAILQ_NEXT(l, turn);
		for (b = TAILQ_FIRST(&l->jobs); b != NULL; b = after) {
			after = TAILQ_NEXT(b, link);
			if (b->who != who)
				continue;
			leave(j, l, b);
			job_free(b);
		}
	}
}

void jobs_drop_list(struct jobs *j, struct userlist *l)
{
	struct job *b;

	while ((b = TAILQ_FIRST(&l->jobs)) != NULL) {
		leave(j, l, b);
		answer(j, b, BASIC_UNKNOWN);
	}
}

/* --- life ----------------------------------------------------------------------------------- */

static bool start_one(struct jobs *j, const struct sandbox *sandbox)
{
	struct verifier *v = &j->verifiers[j->n_verifiers];
	int fd = verifier_start(sandbox);

	*v = (struct verifier){.jobs = j, .f = EV_FD_NONE};
	if (fd == -1)
		return false;
	if (ev_add(j->ev, &v->f, fd, EV_READ, on_verifier) == -1) {
		(void)close(fd);
		return false;
	}
	j->n_verifiers++;
	return true;
}

struct jobs *jobs_new(struct ev *ev, unsigned n, const struct sandbox *sandbox,
		      const struct jobs_ops *ops, void *arg)
{
	struct jobs *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	CHECK(n >= 1 && n <= JOBS_VERIFIERS);
	j->ev = ev;
	j->ops = ops;
	j->arg = arg;
	TAILQ_INIT(&j->turns);
	while (j->n_verifiers < n)
		if (!start_one(j, sandbox)) {
			jobs_free(j);
			return NULL;
		}
	return j;
}

void jobs_free(struct jobs *j)
{
	if (j == NULL)
		return;
	for (unsigned i = 0; i < j->n_verifiers; i++) {
		int fd = j->verifiers[i].f.fd;

		ev_del(j->ev, &j->verifiers[i].f);
		(void)close(fd);
	}
	free(j);
}
