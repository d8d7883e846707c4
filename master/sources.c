/*
 * sources: see sources.h.
 *
 * A batch of changes: the source fills the store, the store tells the translation of each, and
 * at the batch's end the translation is flushed into the transaction and published. When that
 * fails everything in it is marked again and the next batch, or RETRY_MS, repeats it.
 */
#include "master/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/log.h"
#include "common/timer.h"
#include "k8s/manifests.h"
#include "k8s/store.h"
#include "master/translate.h"

#define RETRY_MS 1000

struct sources {
	struct ev *ev;
	const char *dir;
	struct publisher *publisher;
	struct store *store;
	struct translate *translate;
	struct manifests *manifests;
	struct timer retry;
	void (*synced)(void *arg);
	void *arg;
};

static void flush(struct sources *s)
{
	switch (translate_flush(s->translate)) {
	case 0:
		break;
	case -1:
		publisher_failed(s->publisher, errno);
		break;
	default:
		publisher_changed(s->publisher);
	}
}

static void retry(struct timer *t)
{
	flush(container_of(t, struct sources, retry));
}

/* --- what the parts tell -------------------------------------------------------------------- */

static void report(void *arg, enum manifests_level level, const char *line)
{
	if (level == MANIFESTS_ERROR)
		log_error("manifest", LOG_Z("what", line));
	else if (level == MANIFESTS_WARNING)
		log_warn("manifest", LOG_Z("what", line));
	else
		log_debug("manifest", LOG_Z("what", line));
}

static void applied(void *arg)
{
	flush(arg);
}

static void synced(void *arg)
{
	struct sources *s = arg;

	s->synced(s->arg);
}

static const struct manifests_ops manifests_ops = {
    .report = report,
    .applied = applied,
    .synced = synced,
};

/* --- life ----------------------------------------------------------------------------------- */

struct sources *sources_new(struct ev *ev, const struct conf *conf, struct table_writer *table,
			    struct publisher *publisher, void (*on_synced)(void *arg), void *arg)
{
	struct translate_sink sink = translate_to_table(table);
	struct sources *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ev = ev;
	s->dir = conf->manifests;
	s->publisher = publisher;
	s->synced = on_synced;
	s->arg = arg;
	timer_init(&s->retry, retry);
	s->store = store_new();
	if (s->store == NULL) {
		free(s);
		return NULL;
	}
	s->translate = translate_new(conf, s->store, &sink, finding_to_log, NULL);
	store_listen(s->store, translate_event, s->translate);
	return s;
}

int sources_start(struct sources *s)
{
	if (s->dir[0] == '\0') {
		log_error("no source of Ingresses; give --manifests DIR");
		return -1;
	}
	s->manifests = manifests_new(s->ev, s->store, s->dir, &manifests_ops, s);
	if (s->manifests == NULL) {
		log_error("cannot watch the manifests", LOG_Z("directory", s->dir),
			  LOG_ERRNO(errno));
		return -1;
	}
	manifests_start(s->manifests);
	return 0;
}

void sources_conf_changed(struct sources *s, const struct conf *conf)
{
	translate_set_conf(s->translate, conf);
	flush(s);
}

void sources_published(struct sources *s)
{
	translate_published(s->translate);
}

void sources_rolled_back(struct sources *s)
{
	translate_rolled_back(s->translate);
	timer_set(ev_timers(s->ev), &s->retry, ev_now_ms(s->ev) + RETRY_MS);
}

void sources_free(struct sources *s)
{
	if (s == NULL)
		return;
	timer_cancel(ev_timers(s->ev), &s->retry);
	manifests_free(s->manifests);
	translate_free(s->translate);
	store_free(s->store);
	free(s);
}
