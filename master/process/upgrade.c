/* upgrade: see upgrade.h. */
#include "master/process/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/process/sdnotify.h"
#include "master/basic/basic.h"
#include "master/keys/secure.h"
#include "master/master.h"
#include "master/ports/ports.h"
#include "master/workers/spawn.h"

#define CHECK_MS 30000 /* for the new binary's -t */

static timer_fn on_late;

void upgrade_init(struct upgrade *u)
{
	ssize_t n = readlink("/proc/self/exe", u->exe, sizeof(u->exe) - 1);
	char *gone;

	u->exe[n == -1 ? 0 : n] = '\0';
	gone = strstr(u->exe, " (deleted)");
	if (gone != NULL)
		*gone = '\0'; /* we are back: a new file has our name */
	u->checking = 0;
	handover_take(&u->from);
	if (u->from.back) /* executed through a descriptor, whose number the name would be */
		(void)prctl(PR_SET_NAME, "silex");
	timer_init(&u->timer, on_late);
}

void upgrade_start(struct master *m)
{
	const struct upgrade *u = &m->upgrade;

	if (!u->from.present)
		return;
	log_info(u->from.back ? "back after a failed upgrade" : "upgraded, starting workers",
		 LOG_U64("workers_inherited", u->from.n_workers));
	if (!u->from.back)
		timer_set(ev_timers(m->ev), &m->upgrade.timer,
			  ev_now_ms(m->ev) + m->conf.upgrade_timeout_ms);
}

/* --- leaving everything to another program -------------------------------------------------- */

static void leave_worker(struct handover *h, const struct board_worker *w)
{
	pid_t pid = (pid_t)atomic_load(&w->pid);

	for (unsigned i = 0; i < h->n_workers; i++)
		if (h->workers[i].pid == pid)
			return;
	if (pid != 0 && h->n_workers < 2 * SLOT_MAX)
		h->workers[h->n_workers++] = (struct handed_worker){pid, atomic_load(&w->start)};
}

static void leave_sibling(struct handover *h, pid_t pid)
{
	if (pid > 0 && h->n_siblings < HANDED_SIBLINGS)
		h->siblings[h->n_siblings++] = pid;
}

/* What the predecessor left and we still keep, and everything of m's. */
static void gather(struct handover *h, const struct upgrade *u, const struct master *m)
{
	*h = u->from;
	h->present = true;
	h->back = false;
	if (m == NULL || m->board == NULL)
		return;
	h->slots = atomic_load(&m->board->slots);
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		leave_worker(h, &m->board->workers[i]);
		leave_worker(h, &m->board->orphans[i]);
	}
	if (m->secure != NULL)
		leave_sibling(h, secure_pid(m->secure));
	if (m->basic != NULL)
		leave_sibling(h, basic_pid(m->basic));
	if (h->n_listens > 0)
		return; /* going back: those we came with */
	if (m->ports != NULL)
		h->n_ports = ports_sockets(m->ports, h->ports, HANDED_PORTS);
	for (unsigned i = 0; i < m->listeners.n; i++) {
		const struct listen_socket *s = &m->listeners.at[i];

		if (s->fd != -1)
			h->listens[h->n_listens++] =
			    (struct handed_listen){s->fd, s->role, s->given};
	}
}

/* The signals we wait for stay blocked: one that comes meanwhile is the new program's. */
static void replace(const struct handover *h, const char *path, char *const argv[])
{
	int error;

	if (handover_leave(h) == 0)
		(void)execv(path, argv);
	error = errno;
	handover_cancel(h);
	errno = error;
	log_error("cannot execute", LOG_Z("path", path), LOG_ERRNO(errno));
}

void upgrade_failed(struct upgrade *u, char *const argv[], const struct master *m, const char *why)
{
	struct handover h;
	char path[32];

	if (!u->from.present || u->from.back || u->from.exe_fd == -1)
		return;
	log_error("upgrade failed, going back to the program before", LOG_Z("why", why));
	gather(&h, u, m);
	h.back = true;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", h.exe_fd);
	replace(&h, path, argv);
}

/* --- the new program's check ---------------------------------------------------------------- */

static void refused(struct master *m, const char *why)
{
	log_error("upgrade refused, the running program stays", LOG_Z("why", why));
	(void)sdnotify_ready("upgrade refused");
}

/* Our own arguments, and -t. */
static pid_t start_check(const struct upgrade *u, const struct conf_args *args)
{
	const struct spawn_fd fds[] = {{STDERR_FILENO, STDOUT_FILENO},
				       {STDERR_FILENO, STDERR_FILENO}};
	char **argv = calloc((size_t)args->argc + 2, sizeof(*argv));
	pid_t pid = -1;

	if (argv == NULL)
		return -1;
	argv[0] = args->argv[0];
	argv[1] = "-t";
	for (int i = 1; i < args->argc; i++)
		argv[i + 1] = args->argv[i];
	pid = spawn(u->exe, argv, fds, 2);
	free(argv);
	return pid;
}

void upgrade_asked(struct master *m)
{
	struct upgrade *u = &m->upgrade;

	if (m->stage != MASTER_RUNS || u->checking != 0)
		return;
	if (workers_replacing(m->workers) || u->from.present) {
		log_warn("no upgrade now: workers are being replaced; ask again when it is done");
		return;
	}
	(void)sdnotify_reloading();
	u->late = false;
	u->checking = start_check(u, m->args);
	if (u->checking == -1) {
		u->checking = 0;
		refused(m, "cannot start its check");
		return;
	}
	log_info("upgrade: checking the new program", LOG_Z("path", u->exe));
	timer_set(ev_timers(m->ev), &u->timer, ev_now_ms(m->ev) + CHECK_MS);
}

static void go(struct master *m)
{
	struct handover h;

	gather(&h, &m->upgrade, m);
	h.exe_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	h.worker_fd = m->env.exe_fd;
	log_info("upgrade: handing over", LOG_U64("workers", h.n_workers));
	replace(&h, m->upgrade.exe, m->args->argv);
	if (h.exe_fd != -1)
		close(h.exe_fd);
	refused(m, "it cannot be executed");
}

/* Neither it nor anybody of the group it led (sibling.h) is our child any more. */
static bool is_gone(pid_t sibling)
{
	pid_t it, left;

	while ((it = waitpid(sibling, NULL, WNOHANG)) > 0)
		;
	while ((left = waitpid(-sibling, NULL, WNOHANG)) > 0)
		;
	return it == -1 && left == -1;
}

/* The children of the program that ran here before are ours now. */
static void reap_inherited(struct handover *h)
{
	for (unsigned i = 0; i < h->n_workers;) {
		if (waitpid(h->workers[i].pid, NULL, WNOHANG) != h->workers[i].pid) {
			i++;
			continue;
		}
		log_info("inherited worker ended", LOG_I64("pid", h->workers[i].pid));
		h->workers[i] = h->workers[--h->n_workers];
	}
	for (unsigned i = 0; i < h->n_siblings;)
		if (is_gone(h->siblings[i]))
			h->siblings[i] = h->siblings[--h->n_siblings];
		else
			i++;
}

unsigned upgrade_inherited(const struct master *m)
{
	return m->upgrade.from.n_workers;
}

void upgrade_cut(const struct master *m)
{
	const struct handover *h = &m->upgrade.from;

	for (unsigned i = 0; i < h->n_workers; i++)
		(void)kill(h->workers[i].pid, SIGKILL); /* children, not waited for yet */
}

void upgrade_reap(struct master *m)
{
	struct upgrade *u = &m->upgrade;
	int status;

	reap_inherited(&u->from);
	if (u->checking == 0 || waitpid(u->checking, &status, WNOHANG) != u->checking)
		return;
	u->checking = 0;
	timer_cancel(ev_timers(m->ev), &u->timer);
	if (u->late)
		refused(m, "its check of the configuration did not end");
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		refused(m, "it does not run, or refuses the configuration (see above)");
	else if (m->stage == MASTER_RUNS && !workers_replacing(m->workers))
		go(m);
}

/* --- READY, or not -------------------------------------------------------------------------- */

static void on_late(struct timer *t)
{
	struct master *m = container_of(t, struct master, upgrade.timer);

	if (m->upgrade.checking != 0) {
		m->upgrade.late = true;
		(void)kill(m->upgrade.checking, SIGKILL);
		return;
	}
	upgrade_failed(&m->upgrade, m->args->argv, m, "not ready in upgrade-timeout");
}

void upgrade_done(struct master *m)
{
	struct upgrade *u = &m->upgrade;

	if (!u->from.present)
		return;
	timer_cancel(ev_timers(m->ev), &u->timer);
	log_info(u->from.back ? "serving with the program before" : "upgrade done");
	handover_close(&u->from);
}
