/* keyd: see keyd.h. */
#include "master/keys/keyd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/ev.h"
#include "common/log/log.h"
#include "common/net/net.h"
#include "common/process/sign_msg.h"
#include "master/keys/keystore.h"
#include "master/process/sibling.h"
#include "master/process/sibling_main.h"

#define LOCK_ENOUGH    ((rlim_t)256 << 20)
#define PACKETS_A_TURN 16 /* of one worker: a busy one must not starve the others */

struct keyd {
	struct ev *ev;
	struct ev_fd master;
	struct keystore *keys;
	bool told_unlocked;
	bool ack_waits;     /* `ack` found no room: no order is read until it does */
	struct key_ack ack; /* the last one */
	unsigned n_workers;
	struct key_order order; /* wiped after each use */
};

struct customer { /* one worker's channel */
	struct keyd *keyd;
	struct ev_fd f;
};

/* ---- workers ------------------------------------------------------------------------- */

static void customer_end(struct customer *c)
{
	struct keyd *k = c->keyd;
	int fd = c->f.fd;

	ev_del(k->ev, &c->f);
	(void)close(fd);
	free(c);
	if (--k->n_workers == 0 && k->master.fd == -1)
		ev_stop(k->ev);
}

/* False: the worker broke the contract or is gone. */
static bool serve_one(struct customer *c, const struct sign_ask *ask, size_t n)
{
	struct sign_reply reply = {.id = ask->head.id};
	const struct sign_head *h = &ask->head;
	ptrdiff_t sig_n;

	if (n < sizeof(*h) || h->tbs_n > SIGN_TBS_MAX || n != sizeof(*h) + h->tbs_n)
		return false;
	sig_n = keystore_sign(c->keyd->keys, h->key, (enum sign_alg)h->alg,
			      str_make((const char *)ask->tbs, h->tbs_n), reply.sig);
	reply.sig_n = sig_n < 0 ? 0 : (uint32_t)sig_n;
	/* A worker that does not read its answers waits for them in vain: its own loss. */
	return send(c->f.fd, &reply, offsetof(struct sign_reply, sig) + reply.sig_n,
		    MSG_DONTWAIT | MSG_NOSIGNAL) != -1 ||
	       errno == EAGAIN;
}

static void on_worker(struct ev_fd *f, unsigned ready)
{
	struct customer *c = container_of(f, struct customer, f);
	struct sign_ask ask;

	(void)ready;
	for (int i = 0; i < PACKETS_A_TURN; i++) {
		ssize_t n = recv(f->fd, &ask, sizeof(ask), MSG_DONTWAIT);

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || !serve_one(c, &ask, (size_t)n)) {
			customer_end(c);
			return;
		}
	}
}

static void add_worker(struct keyd *k, int fd)
{
	struct customer *c = calloc(1, sizeof(*c));

	if (c != NULL) {
		c->keyd = k;
		c->f = EV_FD_NONE;
		if (ev_add(k->ev, &c->f, fd, EV_READ, on_worker) == 0) {
			k->n_workers++;
			return;
		}
	}
	free(c);
	(void)close(fd);
}

/* ---- the master ---------------------------------------------------------------------- */

static void tell_unlocked(struct keyd *k)
{
	struct vault_stats s = keystore_memory(k->keys);

	if (s.unlocked == 0 || k->told_unlocked)
		return;
	k->told_unlocked = true;
	log_warn("keys: private keys are in memory that cannot be locked; raise RLIMIT_MEMLOCK or "
		 "grant IPC_LOCK",
		 LOG_U64("locked_bytes", s.mapped - s.unlocked));
}

/* The master is told of every order, in turn: it counts what it waits for. While it is busy,
 * reading thousands of Secrets, there may be no room for that. */
static void send_ack(struct keyd *k)
{
	k->ack_waits =
	    send(k->master.fd, &k->ack, sizeof(k->ack), MSG_DONTWAIT | MSG_NOSIGNAL) == -1 &&
	    (errno == EAGAIN || errno == EINTR);
	ev_want(k->ev, &k->master, k->ack_waits ? EV_WRITE : EV_READ);
}

static void obey(struct keyd *k, int fd)
{
	struct key_order *o = &k->order;
	struct key_ack ack = {.id = o->id};

	switch ((enum key_order_kind)o->kind) {
	case KEY_WORKER:
		if (fd != -1)
			add_worker(k, fd);
		return;
	case KEY_PUT:
		ack.ok =
		    keystore_put(k->keys, str_make((const char *)o->der, o->der_n), ack.key) == 0;
		tell_unlocked(k);
		break;
	case KEY_DELETE:
		memcpy(ack.key, o->key, sizeof(ack.key));
		ack.ok = keystore_delete(k->keys, o->key) == 0;
		break;
	default:
		return;
	}
	if (fd != -1)
		(void)close(fd);
	k->ack = ack;
	send_ack(k);
}

/* Nobody can put keys any more; those that are here are used as long as there are workers. */
static void orphaned(struct keyd *k)
{
	int fd = k->master.fd;

	ev_del(k->ev, &k->master);
	(void)close(fd);
	if (k->n_workers == 0)
		ev_stop(k->ev);
}

static void on_master(struct ev_fd *f, unsigned ready)
{
	struct keyd *k = container_of(f, struct keyd, master);
	ssize_t n;
	int fd;

	if (k->ack_waits) {
		send_ack(k);
		return;
	}
	n = sibling_receive(f->fd, &k->order, sizeof(k->order), &fd);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		orphaned(k);
		return;
	}
	if ((size_t)n >= offsetof(struct key_order, der) && k->order.der_n <= KEY_DER_MAX &&
	    (size_t)n == offsetof(struct key_order, der) + k->order.der_n)
		obey(k, fd);
	explicit_bzero(&k->order, sizeof(k->order));
}

/* ---- the process --------------------------------------------------------------------- */

/* All memory, that of later keys too. Where little may be locked (an unprivileged container)
 * MCL_FUTURE would make allocations fail, and what is there already, mostly code, would use up what
 * may be: there the vault locks the keys, and here the packet they come in is locked. Parsed ones
 * are left to the node's owner, who has no swap. */
static void lock_memory(const struct keyd *k)
{
	struct rlimit limit = {0};

	if (geteuid() == 0) {
		limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
		(void)setrlimit(RLIMIT_MEMLOCK, &limit);
	}
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &limit);
	}
	if (limit.rlim_max < LOCK_ENOUGH || mlockall(MCL_CURRENT | MCL_FUTURE) == -1) {
		(void)mlock(&k->order, sizeof(k->order));
		log_warn("keys: only private keys at rest are locked, not all memory; raise "
			 "RLIMIT_MEMLOCK or grant IPC_LOCK");
	}
}

static int serve(struct keyd *k, const struct sandbox *sandbox)
{
	k->ev = ev_new(EV_BACKEND_POLL);
	k->keys = keystore_new();
	if (k->ev == NULL || k->keys == NULL ||
	    ev_add(k->ev, &k->master, SIBLING_FD, EV_READ, on_master) == -1) {
		log_error("keys: cannot start", LOG_ERRNO(errno));
		return 1;
	}
	if (!sibling_confine("keys", sandbox))
		return 1;
	ev_run(k->ev);
	keystore_free(k->keys);
	ev_free(k->ev);
	return 0;
}

int keyd_main(int argc, char **argv)
{
	struct keyd k = {.master = EV_FD_NONE};
	struct sandbox sandbox;

	if (!sibling_begin(argc, argv, "keys", &sandbox))
		return 2;
	lock_memory(&k);
	return serve(&k, &sandbox);
}
