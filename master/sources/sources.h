/*
 * sources: from the objects of the sources (manifests directory, API server) through the store
 * and the translation into the table. The wiring only; each part knows nothing of the next.
 *
 * With a manifests directory and a kubeconfig (or apiserver-host) both are sources; an object of
 * the directory then wins over the API's of the same name. Without a directory the API alone.
 * Nothing is translated before every source has been read whole once: a table made of half the
 * objects would answer 404 and 503 where the other half says otherwise.
 */
#ifndef SILEX_MASTER_SOURCES_SOURCES_H
#define SILEX_MASTER_SOURCES_SOURCES_H

#include "common/process/board.h"
#include "common/conf/conf.h"
#include "common/loop/ev.h"
#include "master/basic/users.h"
#include "master/table/publish.h"
#include "master/table/table_write.h"

struct certs;
struct keys;
struct sources;
struct model_port;

struct sources_secrets {   /* who holds what must not stay in the master */
	struct keys *keys; /* NULL: there is no HTTPS port */
	struct users_process users;
};

struct sources_ops {
	/* The first complete reading is translated into the transaction; publish it, even if it is
	 * empty. Once. */
	void (*synced)(void *arg);
	/* The settings in use are now these: conf, and what the ConfigMap says over it. NULL, or
	 * what of it could not be done. */
	const char *(*configured)(void *arg, const struct conf *effective);
	/* What was published has these ports of TCP and UDP services: listen on them and no others.
	 */
	void (*ports)(void *arg, const struct model_port *ports, uint32_t n);
	/* The keys process has every private key it should have: workers may ask it. */
	void (*keys_ready)(void *arg);
	/* The auth process has every list of users it should have: the same. */
	void (*users_ready)(void *arg);
};

/* Everything is borrowed; conf must stay current across sources_conf_changed(). NULL with errno. */
struct sources *sources_new(struct ev *ev, const struct conf *conf, struct table_writer *table,
			    struct publisher *publisher, struct board *board,
			    const struct sources_secrets *to, const struct sources_ops *ops,
			    void *arg);
/* What the auth process' words have to be led to. */
struct users *sources_users(struct sources *s);
/* What keys_ops have to be led to; NULL without an HTTPS port. */
struct certs *sources_certs(struct sources *s);
/* Begin to read. 0, or -1 with the reason logged. */
int sources_start(struct sources *s);
/* Put what the ConfigMap says over *conf, except what is fixed at start. */
void sources_configure(const struct sources *s, struct conf *conf);
/* After SIGHUP: classes, defaults and the like may have changed; translates everything again. */
void sources_conf_changed(struct sources *s, const struct conf *conf);
/* What became of a publication; a failed one is rolled back, and tried again after a while. */
void sources_published(struct sources *s);
void sources_rolled_back(struct sources *s);
/* Such a port cannot be listened on: told where it is asked for. */
void sources_port_failed(struct sources *s, const struct model_port *p, const char *why);
/* An orderly end of the instance: what was written into the cluster is cleared or given up. The
 * objects are followed on until sources_free(). done(arg) comes soon, perhaps from within. */
void sources_stop(struct sources *s, void (*done)(void *arg), void *arg);
void sources_free(struct sources *s);

#endif
