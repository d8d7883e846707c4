/* reload: see reload.h. */
#include "master/process/reload.h"

#include "common/conf/conf_live.h"
#include "common/log/log.h"
#include "common/process/sdnotify.h"
#include "master/process/check_conf.h"
#include "master/master.h"

static void refused(struct master *m, const char *why)
{
	log_error("configuration not taken over, the running one stays", LOG_Z("why", why));
	board_add(m->board, BOARD_RELOAD_FAILS, 1);
	atomic_store(&m->board->stats[BOARD_CONFIG_OK], 0);
	(void)sdnotify_ready("configuration refused, the running one stays");
}

static void notice(void *arg, const char *text)
{
	log_warn("configuration", LOG_Z("note", text));
}

static void hand_out(struct master *m)
{
	uint32_t error = MSG_LOG_ERROR, access = MSG_LOG_ACCESS;

	workers_tell(m->workers, MSG_LOG, &error, sizeof(error), log_fd());
	workers_tell(m->workers, MSG_LOG, &access, sizeof(access), m->logs.access);
}

/* The new sinks have to be there before the first successor, who is born with them; the old ones
 * are kept for the case that it does not come up. */
static int change_logs(struct master *m)
{
	struct logs fresh = LOGS_NONE;

	if (logs_open(&fresh, &m->successor) == -1)
		return -1;
	m->old_logs = m->logs;
	m->logs = fresh;
	return 0;
}

static void change_logs_back(struct master *m)
{
	logs_close(&m->logs);
	m->logs = m->old_logs;
	(void)logs_open(&m->logs, &m->board->conf);
	hand_out(m);
}

static int read_conf(struct master *m, char err[CONF_ERROR_MAX])
{
	const char *fixed;

	if (conf_load(&m->fresh, m->args, notice, NULL, err) == -1 ||
	    check_conf(&m->fresh, err) == -1)
		return -1;
	fixed = conf_fixed_difference(&m->conf, &m->fresh);
	if (fixed != NULL)
		log_warn("a changed key needs a restart, its old value stays", LOG_Z("key", fixed));
	conf_keep_fixed(&m->fresh, &m->conf);
	m->successor = m->fresh;
	sources_configure(m->sources, &m->successor);
	return 0;
}

void reload_conf(struct master *m)
{
	char err[CONF_ERROR_MAX];

	if (m->stage != MASTER_RUNS)
		return;
	if (workers_replacing(m->workers)) {
		m->reload_again = true; /* m->fresh is in use until reload_done() */
		return;
	}
	(void)sdnotify_reloading();
	if (read_conf(m, err) == -1)
		refused(m, err);
	else if (change_logs(m) == -1)
		refused(m, "a log cannot be opened");
	else
		workers_replace(m->workers, &m->successor);
}

static void taken_over(struct master *m)
{
	m->conf = m->fresh;
	m->board->conf = m->successor;
	logs_close(&m->old_logs);
	log_setup("master", (enum log_level)m->successor.log_level,
		  (enum log_format)m->successor.log_format);
	sources_conf_changed(m->sources, &m->conf);
	board_add(m->board, BOARD_RELOADS, 1);
	atomic_store(&m->board->stats[BOARD_CONFIG_OK], 1);
	log_info("configuration taken over");
	(void)sdnotify_ready("configuration taken over");
}

/* Settings that name other sinks: they are opened here, and handed to the workers. */
static bool change_sinks(struct master *m, const struct conf *effective)
{
	if (!logs_differ(&m->board->conf, effective))
		return true;
	if (logs_open(&m->logs, effective) == -1)
		return false;
	hand_out(m);
	log_info("the ConfigMap names other logs");
	return true;
}

static void take_live(struct master *m, const struct conf *effective, bool sinks)
{
	struct conf taken = *effective;

	if (!sinks)
		logs_keep(&taken, &m->board->conf);
	m->board->conf = taken;
	log_set_level((enum log_level)taken.log_level);
	workers_set_live(m->workers, &taken);
}

const char *reload_configured(struct master *m, const struct conf *effective)
{
	bool sinks;

	if (m->stage != MASTER_RUNS)
		return NULL;
	if (!conf_differs_live_only(&m->board->conf, effective)) {
		log_info("the ConfigMap asks for other workers");
		reload_conf(m);
		return NULL;
	}
	sinks = change_sinks(m, effective);
	take_live(m, effective, sinks);
	return sinks ? NULL
		     : "access-log-path, error-log-path or syslog-host: it cannot be opened (see "
		       "the log); the logs stay where they are";
}

void reload_done(struct master *m, bool done)
{
	if (done) {
		taken_over(m);
	} else {
		change_logs_back(m);
		refused(m, "a worker with the new one did not come up");
	}
	if (m->reload_again) {
		m->reload_again = false;
		reload_conf(m);
	}
}

void reload_logs(struct master *m)
{
	if (logs_open(&m->logs, &m->board->conf) == -1)
		return;
	hand_out(m);
	log_info("logs opened");
}
