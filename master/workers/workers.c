/* workers: see workers.h. */
#include "master/workers/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/check.h"
#include "common/conf/conf_live.h"
#include "common/process/cpus.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "master/workers/backoff.h"

struct seat {
	struct workers *all;
	struct proc *now;  /* NULL: vacant */
	struct proc *next; /* its successor while it starts */
	struct backoff backoff;
	struct timer respawn;
	bool hopeless;
};

struct workers {
	const struct proc_env *env;
	const struct workers_ops *ops;
	void *arg;
	struct conf conf;  /* of whoever is started now */
	struct conf fresh; /* replacing: of the successors */
	unsigned n_seats;
	unsigned generation;       /* of conf */
	unsigned fresh_generation; /* of fresh; the same when nobody is being replaced */
	bool replacing, stopping;
	uint64_t last_tick_ms;
	struct seat seats[SLOT_MAX];
	struct proc procs[SLOT_MAX];
};

static void seat_respawn(struct timer *t);
static void proc_ready(struct proc *p);

static const struct proc_ops proc_ops = {.ready = proc_ready};

struct workers *workers_new(const struct proc_env *env, const struct workers_ops *ops, void *arg)
{
	struct workers *ws = calloc(1, sizeof(*ws));

	if (ws == NULL)
		return NULL;
	ws->env = env;
	ws->ops = ops;
	ws->arg = arg;
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		ws->seats[i].all = ws;
		timer_init(&ws->seats[i].respawn, seat_respawn);
		proc_init(&ws->procs[i], env, &proc_ops, ws, i);
	}
	return ws;
}

void workers_free(struct workers *ws)
{
	if (ws == NULL)
		return;
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		timer_cancel(ev_timers(ws->env->ev), &ws->seats[i].respawn);
		proc_free(&ws->procs[i]);
	}
	free(ws);
}

static unsigned wanted(const struct conf *conf)
{
	unsigned n = conf->workers != 0 ? (unsigned)conf->workers : cpus_allowed();
	unsigned most = SLOT_MAX / 2; /* every one may have a successor beside it */

	if (n > most)
		log_warn("more workers than there is room for", LOG_U64("asked", n),
			 LOG_U64("most", most));
	return n < most ? n : most;
}

/* All slots exist before anybody is started, so that everybody can be given all of them. */
static int reserve(struct workers *ws, unsigned seats)
{
	unsigned slots = 2 * seats < SLOT_MAX ? 2 * seats : SLOT_MAX;

	for (unsigned i = 0; i < slots; i++)
		if (proc_reserve(&ws->procs[i]) == -1) {
			log_error("no room for the workers' slots in /dev/shm",
				  LOG_U64("slots", slots), LOG_ERRNO(errno));
			return -1;
		}
	return 0;
}

static struct proc *free_proc(struct workers *ws)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (ws->procs[i].state == PROC_FREE && proc_reserve(&ws->procs[i]) == 0)
			return &ws->procs[i];
	log_error("no free slot for a worker");
	return NULL;
}

static struct proc *launch(struct seat *s, const struct conf *conf, unsigned generation)
{
	struct workers *ws = s->all;
	struct proc *p = free_proc(ws);

	if (p == NULL)
		return NULL;
	p->seat = (unsigned)(s - ws->seats);
	if (proc_start(p, conf, generation, ws->procs, SLOT_MAX) == -1)
		return NULL;
	return p;
}

static void respawn_after(struct seat *s, uint64_t ms)
{
	struct workers *ws = s->all;

	if (ms > 0)
		log_warn("workers of this seat keep dying, waiting",
			 LOG_U64("seat", (unsigned)(s - ws->seats)), LOG_U64("wait_ms", ms));
	timer_set(ev_timers(ws->env->ev), &s->respawn, ev_now_ms(ws->env->ev) + ms);
}

static void fill(struct seat *s)
{
	s->now = launch(s, &s->all->conf, s->all->generation);
	if (s->now == NULL)
		respawn_after(s, backoff_died(&s->backoff, 0) + BACKOFF_FIRST_MS);
}

static void seat_respawn(struct timer *t)
{
	struct seat *s = container_of(t, struct seat, respawn);

	if (s->now == NULL && !s->all->stopping)
		fill(s);
}

int workers_start(struct workers *ws, const struct conf *conf)
{
	ws->conf = *conf;
	ws->n_seats = wanted(conf);
	ws->last_tick_ms = ev_now_ms(ws->env->ev);
	if (reserve(ws, ws->n_seats) == -1)
		return -1;
	for (unsigned i = 0; i < ws->n_seats; i++)
		fill(&ws->seats[i]);
	return 0;
}

/* --- replacing ------------------------------------------------------------------------------ */

static void replacement_ends(struct workers *ws, bool done)
{
	ws->replacing = false;
	ws->ops->replaced(ws->arg, done);
}

static void vacate(struct workers *ws, struct seat *s)
{
	timer_cancel(ev_timers(ws->env->ev), &s->respawn);
	if (s->now != NULL)
		proc_drain(s->now, ws->conf.worker_shutdown_ms, false);
	s->now = NULL;
}

/* The next seat whose worker is of an older generation gets a successor; one at a time. */
static void replace_step(struct workers *ws)
{
	unsigned want = wanted(&ws->fresh);

	for (unsigned i = 0; i < want; i++) {
		struct seat *s = &ws->seats[i];

		if (s->now != NULL && s->now->generation == ws->fresh_generation)
			continue;
		s->hopeless = false;
		s->next = launch(s, &ws->fresh, ws->fresh_generation);
		if (s->next == NULL)
			replacement_ends(ws, false);
		return;
	}
	for (unsigned i = want; i < ws->n_seats; i++)
		vacate(ws, &ws->seats[i]);
	ws->n_seats = want;
	replacement_ends(ws, true);
}

bool workers_replacing(const struct workers *ws)
{
	return ws->replacing;
}

void workers_replace(struct workers *ws, const struct conf *conf)
{
	CHECK(!ws->replacing && !ws->stopping);
	ws->fresh = *conf;
	ws->fresh_generation++;
	ws->replacing = true;
	if (reserve(ws, wanted(conf)) == -1)
		replacement_ends(ws, false);
	else
		replace_step(ws);
}

static void take_over(struct workers *ws, struct seat *s)
{
	struct proc *old = s->now;

	timer_cancel(ev_timers(ws->env->ev), &s->respawn);
	s->now = s->next;
	s->next = NULL;
	ws->conf = ws->fresh; /* it works: whoever dies from here on is replaced by its like */
	ws->generation = ws->fresh_generation;
	if (s >= &ws->seats[ws->n_seats])
		ws->n_seats = (unsigned)(s - ws->seats) + 1;
	if (old != NULL)
		proc_drain(old, ws->conf.worker_shutdown_ms, false);
	replace_step(ws);
}

static struct seat *seat_of(struct workers *ws, const struct proc *p)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (ws->seats[i].now == p || ws->seats[i].next == p)
			return &ws->seats[i];
	return NULL;
}

static void count(struct workers *ws)
{
	uint64_t ready = 0, draining = 0;

	for (unsigned i = 0; i < SLOT_MAX; i++) {
		ready += ws->procs[i].state == PROC_READY;
		draining += ws->procs[i].state == PROC_DRAINING;
	}
	atomic_store(&ws->env->board->stats[BOARD_WORKERS], ready);
	atomic_store(&ws->env->board->stats[BOARD_WORKERS_DRAINING], draining);
}

static void proc_ready(struct proc *p)
{
	struct workers *ws = p->owner;
	struct seat *s = seat_of(ws, p);

	if (s != NULL && s->next == p)
		take_over(ws, s);
	count(ws);
	ws->ops->changed(ws->arg);
}

/* --- death ---------------------------------------------------------------------------------- */

static bool all_hopeless(const struct workers *ws)
{
	for (unsigned i = 0; i < ws->n_seats; i++)
		if (!ws->seats[i].hopeless)
			return false;
	return true;
}

static void seat_vacant(struct workers *ws, struct seat *s, int status, uint64_t lived_ms)
{
	s->now = NULL;
	if (ws->stopping)
		return;
	s->hopeless = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_HOPELESS;
	if (!s->hopeless) {
		respawn_after(s, backoff_died(&s->backoff, lived_ms));
		return;
	}
	log_error("a worker with this configuration can never work, its seat stays vacant",
		  LOG_U64("seat", (unsigned)(s - ws->seats)));
	if (all_hopeless(ws))
		ws->ops->hopeless(ws->arg);
}

static void ended(struct workers *ws, struct proc *p, int status)
{
	struct seat *s = seat_of(ws, p);
	uint64_t lived = proc_bury(p, status);

	if (s != NULL && s->next == p) {
		s->next = NULL;
		if (ws->replacing)
			replacement_ends(ws, false);
	} else if (s != NULL) {
		seat_vacant(ws, s, status, lived);
	}
	count(ws);
	ws->ops->changed(ws->arg);
}

/* By pid, one by one: a child that is not a worker is somebody else's to wait for. */
void workers_reap(struct workers *ws)
{
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		struct proc *p = &ws->procs[i];
		int status;

		if (p->state != PROC_FREE && waitpid(p->pid, &status, WNOHANG) == p->pid)
			ended(ws, p, status);
	}
}

/* --- all of them ---------------------------------------------------------------------------- */

void workers_tick(struct workers *ws)
{
	uint64_t newest = atomic_load(&ws->env->board->stats[BOARD_TABLE_VERSION]);
	uint64_t now = ev_now_ms(ws->env->ev);
	bool stopped = now - ws->last_tick_ms > 4 * WORKERS_TICK_MS; /* we were, or all of us */

	ws->last_tick_ms = now;
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		if (stopped)
			proc_forgive(&ws->procs[i]);
		proc_check(&ws->procs[i], newest, ws->conf.watchdog_ms);
	}
}

void workers_each(struct workers *ws, void (*fn)(void *arg, struct proc *p), void *arg)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (ws->procs[i].state != PROC_FREE)
			fn(arg, &ws->procs[i]);
}

void workers_tell(struct workers *ws, enum msg_type type, const void *data, size_t len, int fd)
{
	for (unsigned i = 0; i < SLOT_MAX; i++)
		if (ws->procs[i].state != PROC_FREE)
			(void)proc_send(&ws->procs[i], type, data, len, fd);
}

void workers_set_live(struct workers *ws, const struct conf *conf)
{
	int fd = conf_to_fd(conf);

	conf_take_live(&ws->conf, conf);
	conf_take_live(&ws->fresh, conf);
	if (fd == -1) {
		log_error("workers keep their settings", LOG_ERRNO(errno));
		return;
	}
	workers_tell(ws, MSG_CONF, NULL, 0, fd);
	close(fd);
}

void workers_stop(struct workers *ws, uint64_t timeout_ms)
{
	ws->stopping = true;
	ws->replacing = false;
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		timer_cancel(ev_timers(ws->env->ev), &ws->seats[i].respawn);
		proc_drain(&ws->procs[i], timeout_ms, true);
	}
	count(ws);
}

unsigned workers_seats(const struct workers *ws)
{
	unsigned fresh = ws->replacing ? wanted(&ws->fresh) : 0;

	return fresh > ws->n_seats ? fresh : ws->n_seats;
}

unsigned workers_alive(const struct workers *ws)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SLOT_MAX; i++)
		n += ws->procs[i].state != PROC_FREE;
	return n;
}

bool workers_complete(const struct workers *ws)
{
	return workers_use(ws, 0);
}

bool workers_use(const struct workers *ws, uint64_t version)
{
	for (unsigned i = 0; i < ws->n_seats; i++) {
		const struct proc *p = ws->seats[i].now;

		if (p == NULL || p->state != PROC_READY)
			return false;
		if (atomic_load(&p->slot->pins.cur) < version)
			return false;
	}
	return true;
}
