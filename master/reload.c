/* reload: see reload.h. */
#include "master/reload.h"

#include "common/log.h"
#include "common/sdnotify.h"
#include "master/check_conf.h"
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

void reload_conf(struct master *m)
{
	char err[CONF_ERROR_MAX];
	const char *fixed;

	if (m->stage != MASTER_RUNS)
		return;
	(void)sdnotify_reloading();
	if (conf_load(&m->fresh, m->args, notice, NULL, err) == -1 ||
	    check_conf(&m->fresh, err) == -1) {
		refused(m, err);
		return;
	}
	while ((fixed = conf_fixed_difference(&m->conf, &m->fresh)) != NULL) {
		log_warn("a changed key needs a restart, its old value stays", LOG_Z("key", fixed));
		conf_keep_fixed(&m->fresh, &m->conf);
	}
	if (!workers_replace(m->workers, &m->fresh))
		refused(m, "the last one is still being taken over; send SIGHUP again later");
}

void reload_done(struct master *m, bool done)
{
	if (!done) {
		refused(m, "a worker with the new one did not come up");
		return;
	}
	m->conf = m->board->conf = m->fresh;
	log_setup("master", (enum log_level)m->conf.log_level, (enum log_format)m->conf.log_format);
	reload_logs(m);
	sources_conf_changed(m->sources, &m->conf);
	board_add(m->board, BOARD_RELOADS, 1);
	atomic_store(&m->board->stats[BOARD_CONFIG_OK], 1);
	log_info("configuration taken over");
	(void)sdnotify_ready("configuration taken over");
}

static void hand_out(struct master *m, uint32_t which, int fd)
{
	workers_tell(m->workers, MSG_LOG, &which, sizeof(which), fd);
}

void reload_logs(struct master *m)
{
	if (logs_open(&m->logs, &m->conf) == -1)
		return;
	hand_out(m, MSG_LOG_ERROR, log_fd());
	hand_out(m, MSG_LOG_ACCESS, m->logs.access);
	log_info("logs opened");
}
