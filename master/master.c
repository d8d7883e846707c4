/*
 * master: see master.h. Everything is made in the order of begin(), and given back in end().
 */
#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/limit/limit_rate.h"
#include "common/log/log.h"
#include "common/process/sdnotify.h"
#include "master/ports/ports.h"
#include "master/workers/orphans.h"
#include "master/workers/procstat.h"
#include "master/process/reload.h"
#include "master/basic/basic.h"
#include "master/keys/secure.h"
#include "master/workers/spawn.h"
#include "master/process/stop.h"

#define READY_POLL_MS 2 /* until the first table is in use everywhere, and only until then */

static int failed(const char *what)
{
	log_error("cannot start", LOG_Z("what", what), LOG_ERRNO(errno));
	return -1;
}

/* --- readiness ------------------------------------------------------------------------------ */

static void ready_poll(struct timer *t)
{
	struct master *m = container_of(t, struct master, ready_poll);

	if (m->synced && m->ready_version == 0)
		m->ready_version = m->version;
	if (m->ready_version == 0 || !workers_use(m->workers, m->ready_version)) {
		timer_set(ev_timers(m->ev), t, ev_now_ms(m->ev) + READY_POLL_MS);
		return;
	}
	atomic_store(&m->board->ready, 1);
	log_info("ready", LOG_U64("version", m->version));
	(void)sdnotify_ready("serving");
	orphans_dismiss(m->board);
	upgrade_done(m);
}

/* Everything the source holds is in the transaction: one version, even if it is nothing. */
static void synced(void *arg)
{
	struct master *m = arg;

	m->synced = true;
	publisher_flush(m->publisher);
}

static const char *configured(void *arg, const struct conf *effective)
{
	return reload_configured(arg, effective);
}

static void ports_published(void *arg, const struct model_port *ports, uint32_t n)
{
	struct master *m = arg;

	if (m->stage == MASTER_RUNS || m->stage == MASTER_GRACE)
		ports_want(m->ports, ports, n);
}

static void port_failed(void *arg, const struct model_port *p, const char *why)
{
	struct master *m = arg;

	sources_port_failed(m->sources, p, why);
}

static void ports_changed(void *arg)
{
	struct master *m = arg;
	int fds[SD_LISTEN_MAX];

	listen_store_again(&m->listeners, fds, ports_sockets(m->ports, fds, SD_LISTEN_MAX));
}

static const struct ports_ops ports_ops = {
    .failed = port_failed,
    .changed = ports_changed,
};

static void keys_ready(void *arg)
{
	struct master *m = arg;

	secure_keys_ready(m->secure);
}

static void users_ready(void *arg)
{
	struct master *m = arg;

	basic_lists_ready(m->basic);
}

static const struct sources_ops sources_ops = {
    .synced = synced,
    .configured = configured,
    .ports = ports_published,
    .keys_ready = keys_ready,
    .users_ready = users_ready,
};

static void published(void *arg, uint64_t version, int err)
{
	struct master *m = arg;

	if (version == 0) {
		board_add(m->board, BOARD_PUBLISH_FAILS, 1);
		log_error("the route table could not be published, the old version stays",
			  LOG_ERRNO(err));
		sources_rolled_back(m->sources);
		return;
	}
	sources_published(m->sources);
	if (version == m->version)
		return;
	m->version = version;
	board_add(m->board, BOARD_PUBLISHED, 1);
	procstat_changed(m->board);
	atomic_store(&m->board->stats[BOARD_TABLE_VERSION], version);
	workers_tell(m->workers, MSG_VERSION, &version, sizeof(version), -1);
}

/* --- workers -------------------------------------------------------------------------------- */

static void workers_changed(void *arg)
{
	stop_check(arg);
}

static void workers_replaced(void *arg, bool done)
{
	reload_done(arg, done);
}

static void workers_hopeless(void *arg)
{
	struct master *m = arg;

	upgrade_failed(&m->upgrade, m->args->argv, m, "its workers cannot work");
	log_error("no worker can work with this configuration, giving up");
	m->exit_code = WORKER_EXIT_HOPELESS;
	stop_asked(m, false);
}

static const struct workers_ops workers_ops = {
    .changed = workers_changed,
    .replaced = workers_replaced,
    .hopeless = workers_hopeless,
};

/* --- signals and time ----------------------------------------------------------------------- */

static void on_signal(struct sig *s, int signo)
{
	struct master *m = container_of(s, struct master, sig);

	switch (signo) {
	case SIGCHLD:
		workers_reap(m->workers);
		if (m->secure != NULL)
			secure_reap(m->secure);
		basic_reap(m->basic);
		upgrade_reap(m);
		stop_check(m);
		break;
	case SIGTERM:
	case SIGINT:
		stop_asked(m, true);
		break;
	case SIGQUIT:
		stop_asked(m, false);
		break;
	case SIGHUP:
		reload_conf(m);
		break;
	case SIGUSR1:
		reload_logs(m);
		break;
	case SIGUSR2:
		upgrade_asked(m);
		break;
	}
}

static void tick(struct timer *t)
{
	struct master *m = container_of(t, struct master, tick);

	workers_tick(m->workers);
	ports_tick(m->ports);
	procstat_tick(m->board, ev_now_ms(m->ev));
	timer_set(ev_timers(m->ev), t, ev_now_ms(m->ev) + WORKERS_TICK_MS);
}

static void sd_watchdog(struct timer *t)
{
	struct master *m = container_of(t, struct master, sd_watchdog);

	(void)sdnotify_watchdog();
	timer_set(ev_timers(m->ev), t, ev_now_ms(m->ev) + sdnotify_watchdog_ms());
}

static void start_timers(struct master *m)
{
	timer_init(&m->tick, tick);
	timer_init(&m->ready_poll, ready_poll);
	timer_init(&m->sd_watchdog, sd_watchdog);
	stop_init(m);
	tick(&m->tick);
	ready_poll(&m->ready_poll);
	if (sdnotify_watchdog_ms() > 0)
		sd_watchdog(&m->sd_watchdog);
}

/* --- beginning and end ---------------------------------------------------------------------- */

static int open_board(struct master *m)
{
	struct timespec now;

	m->board = board_create(m->conf.instance, &m->board_fds);
	if (m->board == NULL)
		return failed("making the board in /dev/shm");
	(void)clock_gettime(CLOCK_REALTIME, &now);
	atomic_store(&m->board->master_pid, (uint32_t)getpid());
	atomic_store(&m->board->started_ms, (uint64_t)now.tv_sec * 1000);
	atomic_store(&m->board->stats[BOARD_START_TIME], (uint64_t)now.tv_sec);
	atomic_store(&m->board->stats[BOARD_CONFIG_OK], 1);
	m->board->conf = m->conf;
	procstat_identity(m->board);
	return 0;
}

/* Sockets and board, beside or after a predecessor of the same instance. */
static int take_place(struct master *m)
{
	const struct board *predecessor;
	char err[LISTEN_ERROR_MAX];
	int rc;

	if (board_running(m->conf.instance)) {
		log_error("this instance is running already; another one needs another name",
			  LOG_Z("instance", m->conf.instance));
		return -1;
	}
	predecessor = board_open(m->conf.instance); /* NULL: a fresh start */
	rc = listen_open(&m->listeners, &m->conf, &m->upgrade.from, predecessor, err);
	if (rc == -1)
		log_error("cannot listen", LOG_Z("why", err));
	else
		rc = open_board(m);
	if (rc == 0 && m->upgrade.from.present)
		orphans_take(m->board, &m->upgrade.from, m->conf.instance);
	else if (rc == 0)
		(void)orphans_inherit(m->board, predecessor, m->conf.instance);
	board_unmap(predecessor);
	if (rc == 0)
		listen_store(&m->listeners);
	return rc;
}

static int open_secure(struct master *m)
{
	if (m->conf.https_port == 0)
		return 0;
	m->secure = secure_new(m->ev, &m->conf);
	return m->secure == NULL ? failed("setting up TLS") : 0;
}

static int open_basic(struct master *m)
{
	m->basic = basic_new(m->ev, &m->conf);
	return m->basic == NULL ? failed("setting up basic authentication") : 0;
}

static int open_table(struct master *m)
{
	struct sources_secrets to = {m->secure == NULL ? NULL : secure_keys(m->secure),
				     basic_process(m->basic)};

	m->table = table_writer_new(m->conf.instance, m->conf.table_max_bytes);
	if (m->table == NULL)
		return failed("making the route table in /dev/shm");
	m->publisher = publisher_new(m->table, m->ev, PUBLISH_QUIET_MS, published, m);
	m->sources = m->publisher == NULL ? NULL
					  : sources_new(m->ev, &m->conf, m->table, m->publisher,
							m->board, &to, &sources_ops, m);
	return m->sources == NULL ? failed("setting up the sources") : 0;
}

/* The worker of our own build, even when another file has its name by now. */
static int open_worker_exe(struct master *m)
{
	int old = m->upgrade.from.back ? m->upgrade.from.worker_fd : -1;

	if (spawn_beside("silex-worker", m->worker_path, sizeof(m->worker_path)) == -1 && old == -1)
		return -1;
	return old != -1 ? fcntl(old, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
			 : open(m->worker_path, O_RDONLY | O_CLOEXEC);
}

static int open_workers(struct master *m)
{
	int exe_fd = open_worker_exe(m);

	m->limits_fd = limit_rates_create(m->conf.instance);
	if (m->limits_fd == -1)
		return failed("making the rates of requests in /dev/shm");
	if (exe_fd == -1)
		return failed("finding silex-worker beside this executable");
	m->ports = ports_new(m->ev, &m->conf, &m->listeners, &ports_ops, m);
	if (m->ports == NULL)
		return failed("setting up the ports of TCP and UDP services");
	m->env = (struct proc_env){
	    .ev = m->ev,
	    .instance = m->conf.instance,
	    .path = m->worker_path,
	    .exe_fd = exe_fd,
	    .board = m->board,
	    .board_fd = m->board_fds.read_only,
	    .table = m->table,
	    .listeners = &m->listeners,
	    .access_log = &m->logs.access,
	    .limits_fd = m->limits_fd,
	    .secure = m->secure,
	    .basic = m->basic,
	    .ports = m->ports,
	};
	m->workers = workers_new(&m->env, &workers_ops, m);
	if (m->workers == NULL)
		return failed("setting up the workers");
	ports_start(m->ports, m->workers);
	return 0;
}

static int begin(struct master *m)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT,  SIGQUIT,
				      SIGHUP,  SIGUSR1, SIGUSR2, 0};

	m->ev = ev_new((enum ev_backend)m->conf.event_backend);
	if (m->ev == NULL || sig_open(&m->sig, m->ev, signals, on_signal) == -1)
		return failed("making the event loop");
	if (logs_open(&m->logs, &m->conf) == -1 || take_place(m) == -1)
		return -1;
	if (open_secure(m) == -1 || open_basic(m) == -1 || open_table(m) == -1 ||
	    open_workers(m) == -1)
		return -1;
	start_timers(m);
	upgrade_start(m);
	if (workers_start(m->workers, &m->conf) == -1)
		return -1;
	if (m->secure != NULL)
		secure_start(m->secure, m->sources, m->workers);
	basic_start(m->basic, sources_users(m->sources), m->workers);
	return sources_start(m->sources);
}

static void end(struct master *m)
{
	sources_free(m->sources);
	secure_free(m->secure);
	basic_free(m->basic);
	if (m->publisher != NULL)
		publisher_free(m->publisher);
	workers_free(m->workers);
	ports_free(m->ports);
	if (m->table != NULL)
		table_writer_free(m->table);
	if (m->board != NULL)
		board_unlink(m->conf.instance);
	if (m->limits_fd != -1) {
		limit_rates_unlink(m->conf.instance);
		close(m->limits_fd);
	}
	board_unmap(m->board);
	listen_close(&m->listeners, true);
	logs_close(&m->logs);
	if (m->ev != NULL) {
		sig_close(&m->sig);
		ev_free(m->ev);
	}
}

int master_run(const struct conf_args *args, const struct conf *conf, const struct upgrade *upgrade)
{
	static struct master m;

	m = (struct master){
	    .args = args, .conf = *conf, .logs = LOGS_NONE, .upgrade = *upgrade, .limits_fd = -1};
	log_setup("master", (enum log_level)conf->log_level, (enum log_format)conf->log_format);
	if (begin(&m) == -1) {
		upgrade_failed(&m.upgrade, args->argv, &m, "it cannot start (see above)");
		m.exit_code = 1;
		if (m.workers != NULL && workers_alive(m.workers) > 0)
			stop_asked(&m, false);
	}
	if (m.exit_code == 0 || (m.workers != NULL && workers_alive(m.workers) > 0))
		ev_run(m.ev);
	end(&m);
	return m.exit_code;
}
