/* secure: see secure.h. */
#include "master/keys/secure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/process/msg.h"
#include "common/loop/timer.h"
#include "master/certs/certs.h"
#include "master/keys/keys.h"
#include "master/workers/proc.h"
#include "master/sources/sources.h"
#include "master/keys/tickets.h"
#include "master/workers/workers.h"

struct secure {
	struct ev *ev;
	struct keys *keys;
	struct sources *sources; /* NULL before secure_start() */
	struct workers *workers;
	bool ready; /* the keys process has every key */
	struct msg_tickets tickets;
	struct timer rotate, patience;
};

/* --- the keys process ----------------------------------------------------------------------- */

static void acked(void *arg, uint64_t order, bool ok, const uint8_t key[SIGN_KEY_ID_LEN])
{
	struct secure *s = arg;

	certs_acked(sources_certs(s->sources), order, ok, key);
}

static void born(void *arg)
{
	struct secure *s = arg;

	s->ready = false;
	timer_set(ev_timers(s->ev), &s->patience, ev_now_ms(s->ev) + SECURE_PATIENCE_MS);
	certs_refill(sources_certs(s->sources));
}

static void room(void *arg)
{
	struct secure *s = arg;

	certs_room(sources_certs(s->sources));
}

static const struct keys_ops keys_ops = {.acked = acked, .born = born, .room = room};

/* --- workers -------------------------------------------------------------------------------- */

static void introduce(struct secure *s, struct proc *p)
{
	int ends[2];

	if (msg_pair(ends) == -1) {
		log_error("cannot make a channel between a worker and the keys process",
			  LOG_ERRNO(errno));
		return;
	}
	if (keys_introduce(s->keys, ends[0]))
		proc_send(p, MSG_KEYS, NULL, 0, ends[1]);
	(void)close(ends[1]);
}

void secure_worker(struct secure *s, struct proc *p)
{
	proc_send(p, MSG_TICKETS, &s->tickets, sizeof(s->tickets), -1);
	if (s->ready)
		introduce(s, p);
}

static void introduce_one(void *arg, struct proc *p)
{
	introduce(arg, p);
}

void secure_keys_ready(struct secure *s)
{
	if (s->ready || s->workers == NULL)
		return;
	s->ready = true;
	timer_cancel(ev_timers(s->ev), &s->patience);
	workers_each(s->workers, introduce_one, s);
}

static void out_of_patience(struct timer *t)
{
	struct secure *s = container_of(t, struct secure, patience);

	log_warn("the keys process does not have every key yet: handshakes that need one of the "
		 "others fail until their Secrets can be read");
	secure_keys_ready(s);
}

static void on_rotate(struct timer *t)
{
	struct secure *s = container_of(t, struct secure, rotate);

	tickets_rotate(&s->tickets);
	workers_tell(s->workers, MSG_TICKETS, &s->tickets, sizeof(s->tickets), -1);
	timer_set(ev_timers(s->ev), t, ev_now_ms(s->ev) + TICKETS_ROTATE_MS);
}

/* --- life ----------------------------------------------------------------------------------- */

struct secure *secure_new(struct ev *ev, const struct conf *conf)
{
	struct secure *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ev = ev;
	timer_init(&s->rotate, on_rotate);
	timer_init(&s->patience, out_of_patience);
	tickets_make(&s->tickets);
	s->keys = keys_new(ev, conf, &keys_ops, s);
	if (s->keys == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void secure_start(struct secure *s, struct sources *sources, struct workers *workers)
{
	s->sources = sources;
	s->workers = workers;
	timer_set(ev_timers(s->ev), &s->rotate, ev_now_ms(s->ev) + TICKETS_ROTATE_MS);
	keys_start(s->keys);
}

void secure_free(struct secure *s)
{
	if (s == NULL)
		return;
	timer_cancel(ev_timers(s->ev), &s->rotate);
	timer_cancel(ev_timers(s->ev), &s->patience);
	keys_free(s->keys);
	explicit_bzero(&s->tickets, sizeof(s->tickets));
	free(s);
}

struct keys *secure_keys(struct secure *s)
{
	return s->keys;
}

pid_t secure_pid(const struct secure *s)
{
	return s->keys == NULL ? 0 : keys_pid(s->keys);
}

void secure_reap(struct secure *s)
{
	if (s->sources != NULL)
		keys_reap(s->keys);
}
