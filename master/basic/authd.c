/* authd: see authd.h. */
#include "master/basic/authd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/ev.h"
#include "common/process/basic_msg.h"
#include "common/process/cpus.h"
#include "master/basic/jobs.h"
#include "master/basic/userlist.h"
#include "master/process/sibling.h"
#include "master/process/sibling_main.h"

#define PACKETS_A_TURN 16 /* of one worker: a busy one must not starve the others */

struct authd {
	struct ev *ev;
	struct ev_fd master;
	struct jobs *jobs;
	struct userlists lists;
	bool ack_waits;       /* `ack` found no room: no order is read until it does */
	struct basic_ack ack; /* the last one */
	bool broken;
	unsigned n_workers;
	struct basic_ask ask; /* the one being read; wiped after each use */
};

struct customer { /* one worker's channel */
	struct authd *authd;
	struct ev_fd f;
};

/* ---- workers ------------------------------------------------------------------------- */

static void customer_end(struct customer *c)
{
	struct authd *a = c->authd;
	int fd = c->f.fd;

	jobs_forget(a->jobs, c);
	ev_del(a->ev, &c->f);
	(void)close(fd);
	free(c);
	if (--a->n_workers == 0 && a->master.fd == -1)
		ev_stop(a->ev);
}

/* A worker that does not read its answers waits for them in vain: its own loss. */
static void reply(const struct customer *c, uint64_t id, enum basic_verdict verdict)
{
	struct basic_reply r = {.id = id, .verdict = verdict};

	(void)send(c->f.fd, &r, sizeof(r), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void done(void *arg, void *who, uint64_t id, enum basic_verdict verdict)
{
	reply(who, id, verdict);
}

static void broken(void *arg)
{
	struct authd *a = arg;

	log_error("auth: a process that checks passwords died");
	a->broken = true;
	ev_stop(a->ev);
}

static const struct jobs_ops jobs_ops = {.done = done, .broken = broken};

/* False: the worker broke the contract. */
static bool take_question(struct customer *c, const struct basic_ask *ask, size_t n)
{
	const struct basic_ask_head *h = &ask->head;
	struct authd *a = c->authd;
	struct str user, password;
	struct userlist *l;

	if (!basic_ask_read(ask, n, &user, &password))
		return false;
	l = userlist_find(&a->lists, h->list);
	if (l == NULL)
		reply(c, h->id, BASIC_UNKNOWN);
	else if (!jobs_add(a->jobs, c, h->id, l, user, password))
		reply(c, h->id, BASIC_BUSY);
	return true;
}

static void on_worker(struct ev_fd *f, unsigned ready)
{
	struct customer *c = container_of(f, struct customer, f);
	struct basic_ask *ask = &c->authd->ask;

	for (int i = 0; i < PACKETS_A_TURN; i++) {
		ssize_t n = recv(f->fd, ask, sizeof(*ask), MSG_DONTWAIT);
		bool good;

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		good = n > 0 && take_question(c, ask, (size_t)n);
		explicit_bzero(ask, sizeof(*ask));
		if (!good) {
			customer_end(c);
			return;
		}
	}
}

static void add_worker(struct authd *a, int fd)
{
	struct customer *c = calloc(1, sizeof(*c));

	if (c != NULL) {
		c->authd = a;
		c->f = EV_FD_NONE;
		if (ev_add(a->ev, &c->f, fd, EV_READ, on_worker) == 0) {
			a->n_workers++;
			return;
		}
	}
	free(c);
	(void)close(fd);
}

/* ---- the master ---------------------------------------------------------------------- */

/* The master is told of every list, in turn; while it is busy there may be no room for that. */
static void send_ack(struct authd *a)
{
	a->ack_waits =
	    send(a->master.fd, &a->ack, sizeof(a->ack), MSG_DONTWAIT | MSG_NOSIGNAL) == -1 &&
	    (errno == EAGAIN || errno == EINTR);
	ev_want(a->ev, &a->master, a->ack_waits ? EV_WRITE : EV_READ);
}

static void drop_list(struct authd *a, uint64_t number)
{
	struct userlist *l = userlist_find(&a->lists, number);

	if (l == NULL)
		return;
	jobs_drop_list(a->jobs, l);
	userlist_drop(&a->lists, l);
}

/* All of it, or NULL. */
static char *read_all(int fd, size_t n)
{
	char *bytes = n == 0 || n > USERLIST_BYTES_MAX ? NULL : malloc(n);
	size_t have = 0;

	while (bytes != NULL && have < n) {
		ssize_t got = read(fd, bytes + have, n - have);

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0) {
			explicit_bzero(bytes, have);
			free(bytes);
			return NULL;
		}
		have += (size_t)got;
	}
	return bytes;
}

static void put_list(struct authd *a, const struct basic_order *o, int fd)
{
	char *bytes = fd == -1 ? NULL : read_all(fd, o->bytes);

	drop_list(a, o->list);
	a->ack = (struct basic_ack){.list = o->list};
	a->ack.ok =
	    bytes != NULL && userlist_put(&a->lists, o->list, bytes, o->bytes) != NULL ? 1 : 0;
	send_ack(a);
}

static void obey(struct authd *a, const struct basic_order *o, int fd)
{
	switch ((enum basic_order_kind)o->kind) {
	case BASIC_WORKER:
		if (fd != -1)
			add_worker(a, fd);
		return;
	case BASIC_PUT:
		put_list(a, o, fd);
		break;
	case BASIC_DROP:
		drop_list(a, o->list);
		break;
	}
	if (fd != -1)
		(void)close(fd);
}

/* Nobody can put lists any more; those that are here are used as long as there are workers. */
static void orphaned(struct authd *a)
{
	int fd = a->master.fd;

	ev_del(a->ev, &a->master);
	(void)close(fd);
	if (a->n_workers == 0)
		ev_stop(a->ev);
}

static void on_master(struct ev_fd *f, unsigned ready)
{
	struct authd *a = container_of(f, struct authd, master);
	struct basic_order order;
	ssize_t n;
	int fd;

	if (a->ack_waits) {
		send_ack(a);
		return;
	}
	n = sibling_receive(f->fd, &order, sizeof(order), &fd);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		orphaned(a);
	else if (n == sizeof(order))
		obey(a, &order, fd);
	else if (fd != -1)
		(void)close(fd);
}

/* ---- the process --------------------------------------------------------------------- */

/* Half the CPUs: the workers need them, too. */
static unsigned verifiers_wanted(void)
{
	unsigned n = cpus_allowed() / 2;

	return n < 1 ? 1 : n > JOBS_VERIFIERS ? JOBS_VERIFIERS : n;
}

static int serve(struct authd *a, const struct sandbox *sandbox)
{
	a->ev = ev_new(EV_BACKEND_POLL);
	a->jobs = a->ev == NULL ? NULL : jobs_new(a->ev, verifiers_wanted(), sandbox, &jobs_ops, a);
	if (a->jobs == NULL || ev_add(a->ev, &a->master, SIBLING_FD, EV_READ, on_master) == -1) {
		log_error("auth: cannot start", LOG_ERRNO(errno));
		return 1;
	}
	if (!sibling_confine("auth", sandbox))
		return 1;
	ev_run(a->ev);
	return a->broken ? 1 : 0; /* the kernel gives back memory wiped, all of it at once */
}

int authd_main(int argc, char **argv)
{
	static struct authd a;
	struct sandbox sandbox;

	if (!sibling_begin(argc, argv, "auth", &sandbox))
		return 2;
	(void)setpgid(0, 0); /* the verifiers are reaped by it (sibling.c) */
	a.master = EV_FD_NONE;
	RB_INIT(&a.lists);
	return serve(&a, &sandbox);
}
