/* basic: see basic.h. */
#include "master/basic/basic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "common/process/basic_msg.h"
#include "common/process/msg.h"
#include "master/basic/authd.h"
#include "master/process/sibling.h"
#include "master/workers/proc.h"
#include "master/workers/workers.h"

struct basic {
	struct ev *ev;
	struct sibling *process;
	struct users *users; /* NULL before basic_start() */
	struct workers *workers;
	bool started; /* the first list has been put */
	bool ready;   /* the auth process has every list */
	struct timer patience;
};

static const struct sibling_kind kind = {"auth", AUTHD_ARG,
					 "requests that need a password are answered 503", 1, true};

/* --- lists ---------------------------------------------------------------------------------- */

static void order(struct basic *b, enum basic_order_kind what, uint64_t list, uint32_t bytes,
		  int fd)
{
	struct basic_order o = {.list = list, .kind = what, .bytes = bytes};

	sibling_order(b->process, &o, sizeof(o), fd);
}

/* The process exists from the first list on: where nobody asks for passwords there is none. */
static void put(void *process, uint64_t number, int fd, uint32_t bytes)
{
	struct basic *b = process;
	int mine;

	if (!b->started) {
		sibling_start(b->process);
		b->started = true;
	}
	mine = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (mine == -1)
		log_error("a list of users cannot be handed to the auth process", LOG_ERRNO(errno));
	else
		order(b, BASIC_PUT, number, bytes, mine);
}

static void drop(void *process, uint64_t number)
{
	order(process, BASIC_DROP, number, 0, -1);
}

struct users_process basic_process(struct basic *b)
{
	return (struct users_process){put, drop, b};
}

/* --- workers -------------------------------------------------------------------------------- */

static void introduce(struct basic *b, struct proc *p)
{
	int ends[2];

	if (msg_pair(ends) == -1) {
		log_error("cannot make a channel between a worker and the auth process",
			  LOG_ERRNO(errno));
		return;
	}
	if (sibling_there(b->process))
		proc_send(p, MSG_USERS, NULL, 0, ends[1]);
	order(b, BASIC_WORKER, 0, 0, ends[0]);
	(void)close(ends[1]);
}

static void introduce_one(void *arg, struct proc *p)
{
	introduce(arg, p);
}

void basic_worker(struct basic *b, struct proc *p)
{
	if (b->ready)
		introduce(b, p);
}

void basic_lists_ready(struct basic *b)
{
	if (b->ready || !sibling_there(b->process))
		return;
	b->ready = true;
	timer_cancel(ev_timers(b->ev), &b->patience);
	workers_each(b->workers, introduce_one, b);
}

static void out_of_patience(struct timer *t)
{
	struct basic *b = container_of(t, struct basic, patience);

	log_warn("the auth process does not have every list of users yet: requests that need one "
		 "of the others are answered 503 until their Secrets can be read");
	basic_lists_ready(b);
}

/* --- the process ---------------------------------------------------------------------------- */

static void born(void *arg)
{
	struct basic *b = arg;

	b->ready = false;
	timer_set(ev_timers(b->ev), &b->patience, ev_now_ms(b->ev) + BASIC_PATIENCE_MS);
	if (b->started) /* else the first list is about to be put */
		users_refill(b->users);
}

static bool heard(void *arg, const void *bytes, size_t n)
{
	struct basic *b = arg;
	struct basic_ack ack;

	if (n != sizeof(ack))
		return false;
	memcpy(&ack, bytes, sizeof(ack));
	users_acked(b->users, ack.list, ack.ok != 0);
	return true;
}

static void room(void *arg)
{
	(void)arg; /* all orders are small, and wait in the sibling */
}

static const struct sibling_ops sibling_ops = {.born = born, .heard = heard, .room = room};

pid_t basic_pid(const struct basic *b)
{
	return sibling_pid(b->process);
}

void basic_reap(struct basic *b)
{
	sibling_reap(b->process);
}

/* --- life ----------------------------------------------------------------------------------- */

struct basic *basic_new(struct ev *ev, const struct conf *conf)
{
	struct basic *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->ev = ev;
	timer_init(&b->patience, out_of_patience);
	b->process = sibling_new(ev, conf->sandbox, &kind, &sibling_ops, b);
	if (b->process != NULL)
		return b;
	free(b);
	return NULL;
}

void basic_start(struct basic *b, struct users *users, struct workers *workers)
{
	b->users = users;
	b->workers = workers;
}

void basic_free(struct basic *b)
{
	if (b == NULL)
		return;
	timer_cancel(ev_timers(b->ev), &b->patience);
	sibling_free(b->process);
	free(b);
}
