/* stream_accept: from a connection to a session. See stream.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/net/net.h"
#include "worker/accept/client.h"
#include "worker/accept/proxy_accept.h"
#include "worker/log/access_log.h"
#include "worker/log/stream_line.h"
#include "worker/stream/stream.h"

int streams_init(struct worker *w)
{
	w->streams = calloc(1, sizeof(*w->streams));
	if (w->streams == NULL)
		return -1;
	LIST_INIT(&w->streams->all);
	w->streams->slab = slab_new("streams", sizeof(struct stream), w->conf->max_connections);
	return w->streams->slab == NULL ? -1 : 0;
}

void stream_refuse(struct worker *w, int fd, const struct addr *peer, uint16_t port,
		   enum reason why)
{
	struct stream_record r = {
	    .protocol = "TCP",
	    .client = *peer,
	    .port = port,
	    .reason = why,
	    .start_us = ev_now_us(w->ev),
	};
	struct stream_view v;

	if (table_stream(w->table, TRANSPORT_TCP, port, &v))
		r.cluster = stream_name(w, v.cluster);
	close(fd);
	stat_add(w->slot, STAT_STREAM_SESSIONS, 1);
	reason_count(w->slot, why);
	if (!w->conf->disable_stream_access_log && !w->conf->disable_access_log)
		access_log_stream(w->access_log, &r, moment_read(&w->clock, ev_now_us(w->ev)));
}

void stream_accept(struct worker *w, int fd, const struct addr *peer, uint16_t port)
{
	struct addr client = *peer;
	struct stream_view v;
	bool service = table_stream(w->table, TRANSPORT_TCP, port, &v), proxy_in;

	stat_add(w->slot, STAT_CONN_ACCEPTED, 1);
	addr_unmap(&client);
	if (!service && table_is_server(w->table, port, &proxy_in))
		client_accept_return(w, fd, &client, port, proxy_in);
	else if (service && v.proxy_in)
		proxy_accept(w, fd, &client, ROLE_STREAM, port);
	else
		stream_enter(w, fd, &client, NULL, port);
}

/* All but the ring, which is written before it is read. */
static void begin_way(struct way *y)
{
	memset(y, 0, offsetof(struct way, pipe));
	pipe_init(&y->pipe);
}

static void set_up(struct stream *s, const struct stream_view *v, const struct addr *peer,
		   const struct addr *to, uint16_t port)
{
	s->up.fd = -1;
	s->proxy_out = v->proxy_out;
	s->port = port;
	s->n_tries = 0;
	s->broke = REASON_NONE;
	s->peer = *peer;
	s->cluster = v->cluster;
	s->start_us = ev_now_us(s->client.w->ev);
	if (to != NULL)
		s->to = *to;
	else if (v->proxy_out && net_local(s->client.fd, &s->to))
		addr_unmap(&s->to);
	begin_way(&s->up_way);
	begin_way(&s->down_way);
}

static void open_stream(struct worker *w, int fd, const struct addr *peer, const struct addr *to,
			uint16_t port, const struct stream_view *v)
{
	struct stream *s = slab_get(w->streams->slab);

	if (s == NULL || conn_open(&s->client, w, fd, 0, stream_client_ready, stream_idle) == -1) {
		slab_put(w->streams->slab, s);
		stat_add(w->slot, STAT_SLAB_EXHAUSTED, 1);
		stream_refuse(w, fd, peer, port, REASON_S_NO_MEMORY);
		return;
	}
	set_up(s, v, peer, to, port);
	LIST_INSERT_HEAD(&w->streams->all, s, link);
	stat_add(w->slot, STAT_STREAM_SESSIONS, 1);
	stat_add(w->slot, STAT_STREAM_ACTIVE, 1);
	stat_add(w->slot, STAT_CONN_ACTIVE, 1);
	stream_connect(s);
}

void stream_enter(struct worker *w, int fd, const struct addr *peer, const struct addr *to,
		  uint16_t port)
{
	struct stream_view v;

	if (table_stream(w->table, TRANSPORT_TCP, port, &v))
		open_stream(w, fd, peer, to, port, &v);
	else
		stream_refuse(w, fd, peer, port, REASON_S_NO_SERVICE);
}

void stream_pass(struct worker *w, int fd, const struct addr *peer, uint16_t port, uint64_t cluster)
{
	struct stream_view v = {.cluster = cluster};

	open_stream(w, fd, peer, NULL, port, &v);
}
