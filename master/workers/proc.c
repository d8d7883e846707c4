/* proc: see proc.h. */
#include "master/workers/proc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/process/worker_fd.h"
#include "master/process/identity.h"
#include "master/workers/obituary.h"
#include "master/workers/pidref.h"
#include "master/basic/basic.h"
#include "master/keys/secure.h"
#include "master/ports/ports.h"
#include "master/workers/spawn.h"

#define KILL_AFTER_DRAIN_MS 2000 /* a worker cuts what is left itself; then it is ours to end */
#define KILL_AFTER_EOF_MS   2000

void proc_init(struct proc *p, const struct proc_env *env, const struct proc_ops *ops, void *owner,
	       unsigned index)
{
	*p = (struct proc){.env = env,
			   .ops = ops,
			   .owner = owner,
			   .index = index,
			   .watch = EV_FD_NONE,
			   .chan.fd = -1,
			   .slot_rw = -1,
			   .slot_ro = -1};
}

static void drop_slot(struct proc *p)
{
	int error = errno;

	slot_unmap(p->slot);
	p->slot = NULL;
	if (p->slot_ro != -1)
		close(p->slot_ro);
	if (p->slot_rw != -1)
		close(p->slot_rw);
	p->slot_ro = p->slot_rw = -1;
	slot_unlink(p->env->instance, p->index);
	errno = error;
}

int proc_reserve(struct proc *p)
{
	if (p->slot != NULL)
		return 0;
	p->slot_rw = slot_create(p->env->instance, p->index);
	if (p->slot_rw == -1)
		return -1;
	p->slot_ro = slot_open(p->env->instance, p->index);
	p->slot = p->slot_ro == -1 ? NULL : slot_map(p->slot_rw, true);
	if (p->slot == NULL || table_reader_add(p->env->table, &p->slot->pins) == -1) {
		drop_slot(p);
		return -1;
	}
	atomic_store(&p->env->board->series_pages[p->index], SERIES_PAGES_FIRST);
	if (atomic_load(&p->env->board->slots) <= p->index)
		atomic_store(&p->env->board->slots, p->index + 1);
	return 0;
}

void proc_free(struct proc *p)
{
	CHECK(p->state == PROC_FREE);
	if (p->slot == NULL)
		return;
	table_reader_remove(p->env->table, &p->slot->pins);
	drop_slot(p);
}

static struct board_worker *on_board(const struct proc *p)
{
	return &p->env->board->workers[p->index];
}

static void set_state(struct proc *p, enum proc_state state, enum slot_state shown)
{
	p->state = state;
	atomic_store(&on_board(p)->state, (uint32_t)shown);
}

static void close_channel(struct proc *p)
{
	if (p->chan.fd == -1)
		return;
	ev_del(p->env->ev, &p->watch);
	close(p->chan.fd);
	p->chan.fd = -1;
}

static void send_signal(const struct proc *p, int signo)
{
	if (p->state != PROC_FREE) /* a child of ours, not yet waited for: the pid is its own */
		(void)kill(p->pid, signo);
}

/* --- what it says --------------------------------------------------------------------------- */

static void heard(struct proc *p, const struct msg *m)
{
	if (m->type != MSG_READY || p->state != PROC_STARTING)
		return; /* DRAINED: its exit follows and tells the same */
	set_state(p, PROC_READY, SLOT_READY);
	p->chan.state = MSG_IN_R;
	p->ops->ready(p);
}

static void broke_contract(struct proc *p)
{
	log_error("worker broke the channel's contract, ending it", LOG_U64("worker", p->index),
		  LOG_I64("pid", p->pid), LOG_Z("why", p->chan.why));
	board_add(p->env->board, BOARD_WORKER_BAD_MSGS, 1);
	close_channel(p);
	send_signal(p, SIGKILL);
}

static void on_message(struct ev_fd *f, unsigned ready)
{
	struct proc *p = container_of(f, struct proc, watch);

	while (p->chan.fd != -1) {
		struct msg m;

		switch (msg_recv(&p->chan, &m)) {
		case MSG_NONE:
			return;
		case MSG_OK:
			heard(p, &m);
			break;
		case MSG_EOF: /* it is about to end; if not, it has no business left here */
			close_channel(p);
			p->kill_at_ms = ev_now_ms(p->env->ev) + KILL_AFTER_EOF_MS;
			break;
		case MSG_BAD:
			broke_contract(p);
			break;
		}
	}
}

/* --- birth ---------------------------------------------------------------------------------- */

struct birth {
	struct spawn_fd fds[SPAWN_FD_END];
	size_t n_fds;
	char text[3 + BOARD_LISTENS][12];
	char *argv[6 + BOARD_LISTENS];
	unsigned n_text, argc;
};

static void give(struct birth *b, int from, int to)
{
	b->fds[b->n_fds++] = (struct spawn_fd){from, to};
}

static void say(struct birth *b, unsigned value)
{
	char *text = b->text[b->n_text++];

	(void)snprintf(text, sizeof(b->text[0]), "%u", value);
	b->argv[b->argc++] = text;
}

static void prepare(struct birth *b, const struct proc *p, const struct identity *who,
		    const struct proc *peers, unsigned n)
{
	const struct listen_set *l = p->env->listeners;
	int at = WORKER_FD_LISTEN;

	b->argv[b->argc++] = "silex-worker";
	b->argv[b->argc++] = (char *)(uintptr_t)p->env->instance; /* for who looks at ps */
	say(b, p->index);
	say(b, who->uid);
	say(b, who->gid);
	for (unsigned i = 0; i < l->n; i++) {
		if (l->at[i].fd == -1)
			continue;
		give(b, l->at[i].fd, at++);
		say(b, l->at[i].role);
	}
	give(b, STDOUT_FILENO, STDOUT_FILENO);
	give(b, log_fd(), STDERR_FILENO);
	give(b, p->env->board_fd, WORKER_FD_BOARD);
	give(b, table_writer_fd(p->env->table), WORKER_FD_TABLE);
	give(b, p->slot_rw, WORKER_FD_SLOT);
	give(b, *p->env->access_log, WORKER_FD_ACCESS_LOG);
	give(b, p->env->limits_fd, WORKER_FD_LIMITS);
	for (unsigned i = 0; i < n; i++)
		if (peers[i].slot != NULL)
			give(b, peers[i].slot_ro, WORKER_FD_PEER + (int)peers[i].index);
}

static void born(struct proc *p, pid_t pid, unsigned generation)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	p->pid = pid;
	p->generation = generation;
	p->asked = p->ports_due = false;
	p->kill_at_ms = 0;
	p->spawned_ms = ev_now_ms(p->env->ev);
	p->dog = (struct watchdog){0};
	watchdog_reset(&p->dog, p->spawned_ms);
	atomic_store(&on_board(p)->start, pidref_start(pid));
	atomic_store(&on_board(p)->since_ms,
		     (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	atomic_store(&on_board(p)->pid, (uint32_t)pid);
	set_state(p, PROC_STARTING, SLOT_STARTING);
	board_add(p->env->board, BOARD_WORKER_SPAWNS, 1);
	log_info("worker started", LOG_U64("worker", p->index), LOG_I64("pid", pid));
}

/* The two descriptors made for this birth alone; both are closed again here. */
static pid_t start_with(struct proc *p, const struct conf *conf, struct birth *b, int channel)
{
	int conf_fd = conf_to_fd(conf);
	char same[SPAWN_SAME_MAX];
	pid_t pid = -1;
	int error;

	if (conf_fd != -1) {
		give(b, conf_fd, WORKER_FD_CONF);
		give(b, channel, WORKER_FD_CHANNEL);
		pid = spawn(spawn_same(p->env->path, p->env->exe_fd, same), b->argv, b->fds,
			    b->n_fds);
	}
	error = errno;
	if (conf_fd != -1)
		close(conf_fd);
	errno = error;
	return pid;
}

static int cannot_start(const struct proc *p, const char *what)
{
	log_error("cannot start a worker", LOG_U64("worker", p->index), LOG_Z("what", what),
		  LOG_ERRNO(errno));
	return -1;
}

int proc_start(struct proc *p, const struct conf *conf, unsigned generation,
	       const struct proc *peers, unsigned n)
{
	struct birth b = {.n_fds = 0};
	struct identity who;
	pid_t pid;
	int ends[2];

	CHECK(p->state == PROC_FREE && p->slot != NULL);
	if (identity_of(conf, p->index, &who) == -1)
		return cannot_start(p, "looking up its user");
	if (msg_pair(ends) == -1)
		return cannot_start(p, "making its channel");
	msg_chan_init(&p->chan, ends[0], MSG_MASTER, MSG_IN_S);
	p->watch = EV_FD_NONE;
	if (ev_add(p->env->ev, &p->watch, ends[0], EV_READ, on_message) == -1) {
		close(ends[0]);
		close(ends[1]);
		p->chan.fd = -1;
		return cannot_start(p, "watching its channel");
	}
	prepare(&b, p, &who, peers, n);
	pid = start_with(p, conf, &b, ends[1]);
	close(ends[1]);
	if (pid == -1) {
		close_channel(p);
		return cannot_start(p, "fork");
	}
	born(p, pid, generation);
	if (p->env->secure != NULL)
		secure_worker(p->env->secure, p);
	basic_worker(p->env->basic, p);
	if (p->env->ports != NULL)
		ports_worker(p->env->ports, p);
	return 0;
}

/* --- life ----------------------------------------------------------------------------------- */

bool proc_send(struct proc *p, enum msg_type type, const void *data, size_t len, int fd)
{
	return p->chan.fd != -1 && msg_send(&p->chan, type, data, len, fd) == 0;
}

void proc_drain(struct proc *p, uint64_t timeout_ms, bool stop)
{
	struct msg_drain drain = {.timeout_ms = (uint32_t)timeout_ms, .stop = stop};
	uint64_t kill_at = ev_now_ms(p->env->ev) + timeout_ms + KILL_AFTER_DRAIN_MS;

	if (p->state == PROC_FREE)
		return;
	if (!proc_send(p, MSG_DRAIN, &drain, sizeof(drain), -1))
		send_signal(p, SIGTERM); /* the channel is full: it drains on that, too */
	p->asked = true;
	p->chan.state = MSG_IN_D;
	if (p->kill_at_ms == 0 || kill_at < p->kill_at_ms)
		p->kill_at_ms = kill_at;
	set_state(p, PROC_DRAINING, SLOT_DRAINING);
}

static void hangs(struct proc *p, uint64_t watchdog_ms)
{
	log_error("worker hangs, ending it", LOG_U64("worker", p->index), LOG_I64("pid", p->pid),
		  LOG_U64("silent_ms", watchdog_ms));
	board_add(p->env->board, BOARD_WORKER_HANGS, 1);
	send_signal(p, SIGABRT);
}

/* Its series fill up: more room before there is none. How much is ours to say, not the worker's. */
static void grow_series(struct proc *p)
{
	_Atomic uint32_t *pages = &p->env->board->series_pages[p->index];
	uint32_t had = atomic_load(pages);
	uint32_t most = series_pages_most(&p->env->board->conf);
	uint32_t more = had <= most / 4 ? had * 4 : most;

	if (atomic_load(&slot_series(p->slot)->head.used) <= had / 2 || more <= had ||
	    p->series_full)
		return;
	if (slot_grow(p->slot_rw, had, more) == 0) {
		atomic_store(pages, more);
		return;
	}
	p->series_full = true; /* once; what finds no room counts as "other" */
	board_add(p->env->board, BOARD_SERIES_FULL, 1);
	log_warn("no room in /dev/shm for more metrics, the rest counts as \"other\"",
		 LOG_U64("worker", p->index), LOG_U64("pages", had), LOG_ERRNO(errno));
}

void proc_check(struct proc *p, uint64_t newest, uint64_t watchdog_ms)
{
	uint64_t now = ev_now_ms(p->env->ev);
	struct watchdog_sight sight;

	if (p->state == PROC_FREE)
		return;
	grow_series(p);
	if (p->kill_at_ms != 0 && now >= p->kill_at_ms) {
		send_signal(p, SIGKILL);
		return;
	}
	sight = (struct watchdog_sight){
	    .beat = atomic_load(&p->slot->heartbeat_ms),
	    .pin = table_pins_oldest(&p->slot->pins),
	    .newest = newest,
	};
	switch (watchdog_judge(&p->dog, &sight, now, watchdog_ms)) {
	case WATCHDOG_FINE:
		break;
	case WATCHDOG_ABORT:
		hangs(p, watchdog_ms);
		break;
	case WATCHDOG_KILL:
		send_signal(p, SIGKILL);
		break;
	}
}

void proc_forgive(struct proc *p)
{
	if (p->state != PROC_FREE)
		watchdog_reset(&p->dog, ev_now_ms(p->env->ev));
}

/* --- death ---------------------------------------------------------------------------------- */

uint64_t proc_bury(struct proc *p, int status)
{
	uint64_t lived = ev_now_ms(p->env->ev) - p->spawned_ms;
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (p->asked && clean) {
		log_info("worker ended", LOG_U64("worker", p->index), LOG_I64("pid", p->pid));
	} else {
		struct obituary o;

		obituary_compose(&o, p->index, p->pid, status, lived, p->slot);
		obituary_log(&o);
		board_add(p->env->board, BOARD_WORKER_DEATHS, 1);
	}
	close_channel(p);
	slot_recycle(p->slot, SLOT_DEAD);
	atomic_store(&on_board(p)->pid, 0);
	atomic_store(&on_board(p)->start, 0);
	set_state(p, PROC_FREE, SLOT_DEAD);
	p->pid = 0;
	return lived;
}
