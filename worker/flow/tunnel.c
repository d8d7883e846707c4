/* tunnel: see tunnel.h. */
#include "worker/flow/tunnel.h"

#include "worker/mirror/mirror.h"

void tunnel_begin(struct request *r)
{
	r->tunnel = true;
	r->client_sent = r->up_sent = r->up_whole = false;
	r->events &= (uint16_t) ~(REQ_CLIENT_SENT | REQ_UP_SENT);
	if (r->up.tapped)
		mirror_leave(r);
	pipe_clear(&r->up);
	pipe_init(&r->up);
	pipe_clear(&r->down);
	pipe_init(&r->down);
	/* Bytes that came behind either head are in the sides' buffers. */
	r->upstream->ops->tunnel(r->upstream);
	r->client->ops->tunnel(r->client);
}

bool tunnel_done(struct request *r, unsigned ev)
{
	return r->client_sent && r->up_sent;
}
