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

	if (logs_open(&fresh, &m->fresh) == -1) {
		(void)log_open(m->conf.error_log);
		return -1;
	}
	m->old_logs = m->logs;
	m->logs = fresh;
	return 0;
}

static void change_logs_back(struct master *m)
{
	logs_close(&m->logs);
	m->logs = m->old_logs;
	(void)log_open(m->conf.error_log);
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
	log_setup("master", (enum log_level)m->conf.log_level, (enum log_format)m->conf.log_format);
	sources_conf_changed(m->sources, &m->conf);
	board_add(m->board, BOARD_RELOADS, 1);
	atomic_store(&m->board->stats[BOARD_CONFIG_OK], 1);
	log_info("configuration taken over");
	(void)sdnotify_ready("configuration taken over");
}

void reload_configured(struct master *m, const struct conf *effective)
{
	if (m->stage != MASTER_RUNS)
		return;
	if (!conf_differs_live_only(&m->board->conf, effective)) {
		log_info("the ConfigMap asks for other workers");
		reload_conf(m);
		return;
	}
	m->board->conf = *effective;
	workers_set_live(m->workers, effective);
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
	if (logs_open(&m->logs, &m->conf) == -1)
		return;
	hand_out(m);
	log_info("logs opened");
}
