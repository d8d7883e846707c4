/* channel: see channel.h. */
#include "worker/loop/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/conf/conf_live.h"
#include "common/log/log.h"
#include "common/process/worker_fd.h"
#include "worker/log/access_log.h"
#include "worker/accept/listener.h"
#include "worker/basic/asker.h"
#include "worker/engine.h"
#include "worker/loop/drain.h"
#include "worker/stream/stream_port.h"
#include "worker/tls/tls_engine.h"

static void orphaned(struct loop *l, const char *why)
{
	log_warn("the master is gone, serving on with the last table", LOG_Z("why", why));
	slot_event(l->w->slot, "orphaned: %s", why);
	l->orphan = true;
	ev_del(l->w->ev, &l->chan_watch);
	close(l->chan.fd);
	l->chan.fd = -1;
	listeners_share_port(l->w->listeners);
}

/* A new sink takes the old one's number, so nobody who writes has to know. */
static void new_sink(struct worker *w, const struct msg *m)
{
	uint32_t which;

	memcpy(&which, m->data, sizeof(which));
	if (m->fd == -1)
		return;
	if (which == MSG_LOG_ACCESS) {
		access_log_reopen(w->access_log);
		(void)dup3(m->fd, WORKER_FD_ACCESS_LOG, O_CLOEXEC);
	} else if (which == MSG_LOG_ERROR) {
		(void)dup2(m->fd, STDERR_FILENO);
		log_use_fd(STDERR_FILENO);
	}
	close(m->fd);
}

/* What is read from the settings each time it is needed has changed with them; the rest is told. */
static void take_settings(struct loop *l, const struct conf *fresh)
{
	conf_take_live(l->conf, fresh);
	log_set_level((enum log_level)l->conf->log_level);
	access_log_configure(l->w->access_log, l->conf, l->w->regexes);
	if (engine_configure(l->w) == -1)
		log_error("out of memory: the clients that were blocked before still are");
}

static void new_settings(struct loop *l, const struct msg *m)
{
	struct conf fresh;

	if (m->fd == -1)
		return;
	if (conf_from_fd(&fresh, m->fd) == 0)
		take_settings(l, &fresh);
	else
		log_error("the master's new settings cannot be read", LOG_ERRNO(errno));
	close(m->fd);
}

/* A channel to the keys process, or to its successor. */
static void new_keys(struct worker *w, int fd)
{
	if (fd == -1)
		return;
	if (w->tls == NULL)
		close(fd);
	else if (signer_attach(w->tls->signer, fd) == -1)
		log_error("cannot use the channel to the keys process", LOG_ERRNO(errno));
}

/* The same of the auth process. */
static void new_users(struct worker *w, int fd)
{
	struct asker *a;

	if (fd == -1)
		return;
	a = asker_of(w);
	if (a == NULL)
		close(fd);
	if (a == NULL || asker_attach(a, fd) == -1)
		log_error("cannot use the channel to the auth process", LOG_ERRNO(errno));
}

static void new_port(struct worker *w, const struct msg *m)
{
	struct msg_port port;

	memcpy(&port, m->data, sizeof(port));
	stream_ports_told(w, &port, m->fd);
}

static void obey(struct loop *l, const struct msg *m)
{
	struct msg_drain drain;

	switch (m->type) {
	case MSG_DRAIN:
		memcpy(&drain, m->data, sizeof(drain));
		drain_begin(l, drain.timeout_ms, drain.stop != 0);
		break;
	case MSG_LOG:
		new_sink(l->w, m);
		break;
	case MSG_CONF:
		new_settings(l, m);
		break;
	case MSG_KEYS:
		new_keys(l->w, m->fd);
		break;
	case MSG_USERS:
		new_users(l->w, m->fd);
		break;
	case MSG_TICKETS:
		if (l->w->tls != NULL)
			tls_tickets_set(l->w->tls->tickets, (const void *)m->data);
		break;
	case MSG_PORT:
		new_port(l->w, m);
		break;
	case MSG_VERSION: /* waking up was all: the bottom of this turn adopts it */
		break;
	case MSG_READY:
	case MSG_DRAINED:
		BUG("channel: %s passed the table of messages", msg_name(m->type));
	}
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct loop *l = container_of(f, struct loop, chan_watch);

	while (!l->orphan) {
		struct msg m;

		switch (msg_recv(&l->chan, &m)) {
		case MSG_NONE:
			return;
		case MSG_OK:
			obey(l, &m);
			if (m.type == MSG_TICKETS)
				explicit_bzero(&m, sizeof(m));
			break;
		case MSG_EOF:
			orphaned(l, "end of channel");
			break;
		case MSG_BAD:
			orphaned(l, l->chan.why);
			break;
		}
	}
}

int channel_start(struct loop *l)
{
	uint64_t version = table_version(l->w->table);

	msg_chan_init(&l->chan, WORKER_FD_CHANNEL, MSG_WORKER, MSG_IN_S);
	l->chan_watch = EV_FD_NONE;
	if (ev_add(l->w->ev, &l->chan_watch, l->chan.fd, EV_READ, on_ready) == -1)
		return -1;
	atomic_store(&l->w->slot->state, SLOT_READY);
	if (msg_send(&l->chan, MSG_READY, &version, sizeof(version), -1) == -1 && errno != EPIPE)
		return -1; /* EPIPE: the master died meanwhile, and the end of channel will tell */
	l->chan.state = MSG_IN_R;
	return 0;
}
