/* vars_answer: variables about the route, the answer and its endpoints, the moment, the process. */
#include <stdatomic.h>

#include "common/table/table_read.h"
#include "common/version.h"
#include "worker/request/record.h"
#include "worker/vars/vars_int.h"

static bool give_u64(struct vars_out *o, uint64_t v)
{
	text_u64(o->t, v);
	return true;
}

/* ---- the route: empty outside of any Ingress, as ingress-nginx sets them ---- */

static bool give_group(struct vars_out *o, size_t at)
{
	const struct request *r = o->r;
	struct group_view g;

	if (r->w->table != NULL && table_group(r->w->table, r->route.group, &g))
		vars_put(o, *(const struct str *)(const void *)((const char *)&g + at));
	return true;
}

bool var_namespace(struct vars_out *o)
{
	return give_group(o, offsetof(struct group_view, ns));
}

bool var_ingress_name(struct vars_out *o)
{
	return give_group(o, offsetof(struct group_view, ingress));
}

bool var_service_name(struct vars_out *o)
{
	return give_group(o, offsetof(struct group_view, service));
}

bool var_location_path(struct vars_out *o)
{
	return give_group(o, offsetof(struct group_view, path));
}

/* The host of the Ingress: "_" where no rule names one. */
bool var_server_name(struct vars_out *o)
{
	const struct request *r = o->r;
	struct group_view g;

	if (r->w->table != NULL && table_group(r->w->table, r->route.group, &g) && g.host.n > 0)
		return vars_give(o, g.host);
	return vars_give(o, STR("_"));
}

bool var_proxy_upstream_name(struct vars_out *o)
{
	return vars_give(o, o->r->cluster.n > 0 ? o->r->cluster : STR("-"));
}

bool var_proxy_host(struct vars_out *o)
{
	return o->r->cluster.n > 0 && vars_give(o, o->r->cluster);
}

bool var_proxy_alternative_upstream_name(struct vars_out *o)
{
	return vars_give(o, o->r->canary.n > 0 ? o->r->canary : STR(""));
}

/* ---- the answer ---- */

bool var_status(struct vars_out *o)
{
	return give_u64(o, o->r->status);
}

bool var_body_bytes_sent(struct vars_out *o)
{
	return give_u64(o, o->r->tx_content);
}

/* Of the content; nginx' gives two digits as well. */
bool var_gzip_ratio(struct vars_out *o)
{
	const struct compress *c = o->r->compress;
	uint64_t hundredths;

	if (c == NULL || c->coded == 0)
		return false;
	hundredths = c->in * 100 / c->coded;
	text_u64(o->t, hundredths / 100);
	text_char(o->t, '.');
	text_u64(o->t, hundredths / 10 % 10);
	text_u64(o->t, hundredths % 10);
	return true;
}

bool var_bytes_sent(struct vars_out *o)
{
	return give_u64(o, o->r->tx_bytes);
}

bool var_request_time(struct vars_out *o)
{
	text_seconds(o->t, record_us(o->r->start_us, o->now->us), 3);
	return true;
}

bool var_request_completion(struct vars_out *o)
{
	return vars_give(o, o->r->client_sent ? STR("OK") : STR(""));
}

bool var_silex_reason(struct vars_out *o)
{
	return vars_give(o, str_from(reason_texts[o->r->reason].label));
}

/* ---- the endpoints: one value a try, ", " between them as nginx does ---- */

typedef void try_fn(struct vars_out *o, const struct try_record *t);

static bool each_try(struct vars_out *o, try_fn *fn)
{
	for (unsigned i = 0; i < o->r->n_tries; i++) {
		if (i > 0)
			text_lit(o->t, ", ");
		fn(o, &o->r->tries[i]);
	}
	return o->r->n_tries > 0;
}

static void try_addr(struct vars_out *o, const struct try_record *t)
{
	char buf[ADDR_TEXT_MAX];

	text_str(o->t, str_make(buf, addr_text(&t->addr, buf)));
}

static void try_status(struct vars_out *o, const struct try_record *t)
{
	uint16_t status = record_try_status(t);

	if (status == 0)
		text_char(o->t, '-');
	else
		text_u64(o->t, status);
}

static void try_bytes(struct vars_out *o, const struct try_record *t)
{
	text_u64(o->t, t->bytes);
}

static void try_time(struct vars_out *o, const struct try_record *t)
{
	text_seconds(o->t, record_try_us(t, o->now->us), 3);
}

/* A moment that was not reached is "-". */
static void try_until(struct vars_out *o, const struct try_record *t, uint64_t us)
{
	if (us == 0)
		text_char(o->t, '-');
	else
		text_seconds(o->t, record_us(t->start_us, us), 3);
}

static void try_connect(struct vars_out *o, const struct try_record *t)
{
	try_until(o, t, t->connected_us);
}

static void try_header(struct vars_out *o, const struct try_record *t)
{
	try_until(o, t, t->head_us);
}

bool var_upstream_addr(struct vars_out *o)
{
	return each_try(o, try_addr);
}

bool var_upstream_status(struct vars_out *o)
{
	return each_try(o, try_status);
}

bool var_upstream_response_length(struct vars_out *o)
{
	return each_try(o, try_bytes);
}

bool var_upstream_bytes_received(struct vars_out *o)
{
	return each_try(o, try_bytes);
}

bool var_upstream_response_time(struct vars_out *o)
{
	return each_try(o, try_time);
}

bool var_upstream_connect_time(struct vars_out *o)
{
	return each_try(o, try_connect);
}

bool var_upstream_header_time(struct vars_out *o)
{
	return each_try(o, try_header);
}

/* ---- the moment and the process ---- */

bool var_time_local(struct vars_out *o)
{
	text_str(o->t, o->now->local);
	return true;
}

bool var_time_iso8601(struct vars_out *o)
{
	text_str(o->t, o->now->iso_secs);
	text_lit(o->t, "+00:00");
	return true;
}

bool var_msec(struct vars_out *o)
{
	text_seconds(o->t, o->now->unix_ms * 1000, 3);
	return true;
}

bool var_pid(struct vars_out *o)
{
	return give_u64(o, atomic_load_explicit(&o->r->w->slot->pid, memory_order_relaxed));
}

bool var_hostname(struct vars_out *o)
{
	return vars_give(o, str_from(o->r->w->hostname));
}

bool var_nginx_version(struct vars_out *o)
{
	return vars_give(o, STR(SILEX_VERSION));
}
