/*
 * sources: from the objects of a source (the manifests directory; the API server) through the
 * store and the translation into the table. The wiring only; each part knows nothing of the next.
 */
#ifndef SILEX_MASTER_SOURCES_H
#define SILEX_MASTER_SOURCES_H

#include "common/conf.h"
#include "common/ev.h"
#include "master/publish.h"
#include "master/table_write.h"

struct sources;

/* Everything is borrowed. synced(): the first complete reading is translated into the
 * transaction; publish it, even if it is empty. NULL with errno. */
struct sources *sources_new(struct ev *ev, const struct conf *conf, struct table_writer *table,
			    struct publisher *publisher, void (*synced)(void *arg), void *arg);
/* Begin to read. 0, or -1 with the reason logged. */
int sources_start(struct sources *s);
/* After SIGHUP: classes, defaults and the like may have changed; translates everything again. */
void sources_conf_changed(struct sources *s, const struct conf *conf);
/* What became of a publication; a failed one is rolled back, and tried again after a while. */
void sources_published(struct sources *s);
void sources_rolled_back(struct sources *s);
void sources_free(struct sources *s);

#endif
