/* stream_end: a session is over. See stream.h. */
#include "common/check.h"
#include "worker/log/access_log.h"
#include "worker/log/stream_line.h"
#include "worker/stream/stream.h"

struct str stream_name(const struct worker *w, uint64_t cluster)
{
	struct cluster_view c;
	ptrdiff_t slash;

	if (!table_cluster(w->table, cluster, &c))
		return STR_NONE;
	slash = str_chr(c.name, '/'); /* "/udp" tells it from that of the same port's TCP */
	return slash == -1 ? c.name : str_head(c.name, (size_t)slash);
}

static void tell(const struct stream *s, enum reason why)
{
	struct worker *w = s->client.w;
	struct stream_record r = {
	    .protocol = "TCP",
	    .client = s->peer,
	    .port = s->port,
	    .cluster = stream_name(w, s->cluster),
	    .tries = s->tries,
	    .n_tries = s->n_tries,
	    .reason = why,
	    .received = s->up_way.bytes,
	    .sent = s->down_way.bytes,
	    .start_us = s->start_us,
	};

	stat_add(w->slot, STAT_STREAM_RX_BYTES, s->up_way.bytes);
	stat_add(w->slot, STAT_STREAM_TX_BYTES, s->down_way.bytes);
	reason_count(w->slot, why);
	if (!w->conf->disable_stream_access_log && !w->conf->disable_access_log)
		access_log_stream(w->access_log, &r, moment_read(&w->clock, ev_now_us(w->ev)));
}

/* Who cannot have all is told by a reset, so that nobody takes a cut stream for whole. */
static bool is_cut(const struct way *y)
{
	return !y->closed;
}

void stream_end(struct stream *s, enum reason why)
{
	struct worker *w = s->client.w;
	bool relayed = s->state == STREAM_RELAYING;

	tell(s, why);
	conn_close(&s->client, relayed && is_cut(&s->down_way));
	conn_close(&s->up, relayed && is_cut(&s->up_way));
	pipe_clear(&s->up_way.pipe);
	pipe_clear(&s->down_way.pipe);
	LIST_REMOVE(s, link);
	stat_sub(w->slot, STAT_STREAM_ACTIVE, 1);
	stat_sub(w->slot, STAT_CONN_ACTIVE, 1);
	slab_put(w->streams->slab, s);
}

void streams_cut_all(struct worker *w)
{
	while (!LIST_EMPTY(&w->streams->all))
		stream_end(LIST_FIRST(&w->streams->all), REASON_S_SHUTDOWN);
}
