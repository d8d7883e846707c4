/*
 * silex-worker: one process that serves traffic. Started by the master only (worker_fd.h says
 * what it is born with); it has no files, no API token, no key and no name service.
 *
 * Order: maps, loop, signals, crash handler -> sandbox -> slabs and everything that touches
 * foreign bytes -> READY -> serve -> drain -> exit 0. Exit 2: this can never work.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/mem/asan.h"
#include "common/check.h"
#include "common/log/log.h"
#include "common/process/sandbox.h"
#include "worker/log/access_log.h"
#include "worker/engine.h"
#include "worker/accept/listener.h"
#include "worker/loop/boot.h"
#include "worker/loop/bottom.h"
#include "worker/loop/channel.h"
#include "worker/loop/crash.h"
#include "worker/loop/drain.h"
#include "worker/stream/stream_port.h"
#include "worker/tls/tls_engine.h"

#define FILES_PER_CONNECTION 4    /* client, upstream, and a pipe while splicing */
#define FILES_BESIDES        1024 /* WORKER_FD_PORT + WORKER_PORTS among them */

#if UNDER_ASAN
/* The leak checker starts a tracer at exit that reads /proc, which a sandbox exists to forbid. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return 1;
}
#endif

static _Noreturn void hopeless(const char *what, const char *why)
{
	log_error(what, LOG_Z("why", why));
	exit(WORKER_EXIT_HOPELESS);
}

static void on_signal(struct sig *s, int signo)
{
	struct loop *l = container_of(s, struct loop, sig);

	drain_begin(l, l->w->conf->worker_shutdown_ms, false);
}

/* The terminal's signals go to the whole group; what they mean is the master's affair. */
static int signals(struct loop *l)
{
	static const int drain[] = {SIGTERM, SIGQUIT, 0};
	static const int ignored[] = {SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (signal(ignored[i], SIG_IGN) == SIG_ERR)
			return -1;
	return sig_open(&l->sig, l->w->ev, drain, on_signal);
}

static void confine(const struct worker *w, const struct boot_args *a)
{
	struct sandbox s = {
	    .mode = (enum sandbox_mode)w->conf->sandbox,
	    .uid = a->uid,
	    .gid = a->gid,
	    .max_files = w->conf->max_connections * FILES_PER_CONNECTION + FILES_BESIDES,
	};
	char why[256];

	/* Logs are in UTC; and with TZ set, strftime() and the like never look at a file again. */
	if (setenv("TZ", "UTC0", 1) == -1)
		hopeless("cannot set TZ", strerror(errno));
	tzset();
	if (sandbox_enter(&s, why, sizeof(why)) == -1)
		hopeless("cannot enter the sandbox", why);
}

static void begin(struct loop *l, struct conf *conf, const struct boot_args *a)
{
	struct worker *w = l->w;

	l->conf = conf;
	if (boot_maps(w, conf, a) == -1)
		exit(WORKER_EXIT_HOPELESS);
	atomic_store(&w->slot->pid, (uint32_t)getpid());
	atomic_store(&w->slot->state, SLOT_STARTING);
	if (crash_install(w->slot) == -1)
		hopeless("cannot install the crash handler", strerror(errno));
	w->ev = ev_new((enum ev_backend)conf->event_backend);
	if (w->ev == NULL)
		hopeless("cannot make the event loop", strerror(errno));
	w->timers = ev_timers(w->ev);
	if (signals(l) == -1)
		hopeless("cannot take signals", strerror(errno));
}

static void set_up_log(const struct conf *conf, unsigned index)
{
	char role[32];

	(void)snprintf(role, sizeof(role), "worker %u", index);
	log_setup(role, (enum log_level)conf->log_level, (enum log_format)conf->log_format);
}

static void open_access_log(struct worker *w)
{
	w->access_log = access_log_new(WORKER_FD_ACCESS_LOG, w->hostname, w->slot);
	if (w->access_log == NULL)
		hopeless("cannot make the access log", strerror(errno));
}

static void open_tls(struct worker *w)
{
	char why[256];

	if (w->conf->https_port == 0)
		return;
	w->tls = tls_engine_new(w, why, sizeof(why));
	if (w->tls == NULL)
		hopeless("cannot set up TLS", why);
}

int main(int argc, char **argv)
{
	static struct worker w;
	static struct conf conf;
	struct loop l = {.w = &w};
	struct boot_args args;

	if (!boot_args_parse(&args, argc, argv)) {
		fputs("silex-worker is started by silex, not by hand\n", stderr);
		return WORKER_EXIT_HOPELESS;
	}
	begin(&l, &conf, &args);
	set_up_log(&conf, args.index);
	if (gethostname(w.hostname, sizeof(w.hostname) - 1) == -1)
		w.hostname[0] = '\0';
	confine(&w, &args);
	if (getrandom(&w.rng, sizeof(w.rng), 0) != sizeof(w.rng) || w.rng == 0)
		w.rng = ev_now_us(w.ev) | 1;
	open_access_log(&w);
	open_tls(&w);
	if (engine_init(&w) == -1)
		hopeless("cannot set up the engine", strerror(errno));
	access_log_configure(w.access_log, &conf, w.regexes);
	w.listeners = listeners_new(&w, args.roles, args.n_roles);
	if (w.listeners == NULL)
		hopeless("cannot watch the listening sockets", strerror(errno));
	if (stream_ports_init(&w) == -1)
		hopeless("cannot set up the ports of TCP services", strerror(errno));
	bottom_start(&l);
	if (channel_start(&l) == -1)
		return 1;
	ev_run(w.ev);
	listeners_free(w.listeners);
	access_log_free(w.access_log);
	table_close(w.table);
	log_info("worker ends", LOG_U64("turns", atomic_load(&w.slot->turns)));
	return 0;
}
