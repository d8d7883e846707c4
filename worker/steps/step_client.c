/*
 * step client: who the client is and how it came, before anything is decided by it.
 */
#include "worker/accept/client_id.h"
#include "worker/request/driver.h"

/* All lines of X-Forwarded-For, then the speaker: compute-full-forwarded-for. */
static int append_speaker(struct request *r, const struct addr *speaker)
{
	char ip[ADDR_TEXT_MAX];
	size_t n = addr_ip_text(speaker, ip), at = 0;
	char *to;

	for (uint16_t i = 0; i < r->in.n_fields; i++)
		if (r->in.fields[i].id == FIELD_X_FORWARDED_FOR)
			n += r->in.fields[i].value_n + 2;
	to = arena_alloc(&r->arena, n);
	if (to == NULL)
		return -1;
	for (uint16_t i = 0; i < r->in.n_fields; i++) {
		const struct field *f = &r->in.fields[i];

		if (f->id != FIELD_X_FORWARDED_FOR || f->value_n == 0)
			continue;
		memcpy(to + at, f->value, f->value_n);
		memcpy(to + at + f->value_n, ", ", 2);
		at += f->value_n + 2;
	}
	memcpy(to + at, ip, strlen(ip));
	r->told.forwarded_for = str_make(to, at + strlen(ip));
	return 0;
}

/* 443 is taken for TLS that ended at the load balancer, as ingress-nginx does: where it is the load
 * balancer's. */
static bool ended_before(const struct request *r)
{
	return r->to_port == 443 && r->role != ROLE_RETURN;
}

/* What the PROXY header says of the connection it stands for. */
static void from_connection(struct request *r)
{
	r->told.port = r->to_port;
	r->told.https = r->secure || ended_before(r);
}

enum step_next step_client(struct request *r)
{
	const struct client_trust *t = &r->w->trust;
	struct client_id who;

	from_connection(r);
	if (!t->any)
		return STEP_NEXT;
	client_identify(t, &r->in, &r->peer, &who);
	r->peer = who.addr;
	r->told.believed = who.believed;
	r->told.host = who.host;
	if (who.port != 0)
		r->told.port = who.port;
	if (who.proto != 0)
		r->told.https = who.proto == 's' || ended_before(r);
	if (t->full && (who.believed & CLIENT_FOR) != 0 && append_speaker(r, &who.speaker) == -1)
		return request_reply(r, 503, REASON_NO_MEMORY);
	return STEP_NEXT;
}
