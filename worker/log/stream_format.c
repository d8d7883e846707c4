/* stream_format: see stream_format.h. */
#include "worker/log/stream_format.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/vars/log_format.h"
#include "common/vars/stream_vars.h"
#include "common/version.h"

struct out {
	const struct stream_format *f;
	const struct stream_record *r;
	const struct moment *now;
	struct text *t;
};

/* False: there is no value, and nothing was appended. */
typedef bool value_fn(struct out *o);

static bool give_u64(struct out *o, uint64_t v)
{
	text_u64(o->t, v);
	return true;
}

static bool give(struct out *o, struct str s)
{
	text_str(o->t, s);
	return s.n > 0;
}

static bool remote_addr(struct out *o)
{
	char buf[ADDR_TEXT_MAX];

	return give(o, str_make(buf, addr_ip_text(&o->r->client, buf)));
}

static bool remote_port(struct out *o)
{
	return give_u64(o, o->r->client.port);
}

static bool binary_remote_addr(struct out *o)
{
	static const char hex[] = "0123456789abcdef";
	const struct addr *a = &o->r->client;

	for (unsigned i = 0; i < (a->family == 4 ? 4u : 16u); i++) {
		text_char(o->t, hex[a->ip[i] >> 4]);
		text_char(o->t, hex[a->ip[i] & 15]);
	}
	return true;
}

static bool server_port(struct out *o)
{
	return give_u64(o, o->r->port);
}

static bool protocol(struct out *o)
{
	return give(o, str_from(o->r->protocol));
}

static bool status(struct out *o)
{
	return give_u64(o, stream_status(o->r->reason));
}

static bool bytes_sent(struct out *o)
{
	return give_u64(o, o->r->sent);
}

static bool bytes_received(struct out *o)
{
	return give_u64(o, o->r->received);
}

static bool session_time(struct out *o)
{
	uint64_t from = o->r->start_us;

	text_seconds(o->t, o->now->us > from ? o->now->us - from : 0, 3);
	return true;
}

static bool upstream_addr(struct out *o)
{
	char buf[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < o->r->n_tries; i++) {
		if (i > 0)
			text_lit(o->t, ", ");
		text_str(o->t, str_make(buf, addr_text(&o->r->tries[i], buf)));
	}
	return o->r->n_tries > 0;
}

/* What one end sent is what the other got, or was to get. */
static bool upstream_bytes_sent(struct out *o)
{
	return o->r->n_tries > 0 && bytes_received(o);
}

static bool upstream_bytes_received(struct out *o)
{
	return o->r->n_tries > 0 && bytes_sent(o);
}

static bool proxy_upstream_name(struct out *o)
{
	if (o->r->cluster.n == 0)
		return false;
	for (const char *p = o->r->protocol; *p != '\0'; p++)
		text_char(o->t, ascii_lower(*p));
	text_char(o->t, '-');
	return give(o, o->r->cluster);
}

static bool silex_reason(struct out *o)
{
	return give(o, str_from(reason_texts[o->r->reason].label));
}

static bool time_local(struct out *o)
{
	return give(o, o->now->local);
}

static bool time_iso8601(struct out *o)
{
	text_str(o->t, o->now->iso_secs);
	text_lit(o->t, "+00:00");
	return true;
}

static bool msec(struct out *o)
{
	text_seconds(o->t, o->now->unix_ms * 1000, 3);
	return true;
}

static bool pid(struct out *o)
{
	return give_u64(o, atomic_load_explicit(&o->f->slot->pid, memory_order_relaxed));
}

static bool hostname(struct out *o)
{
	return give(o, str_from(o->f->host));
}

static bool nginx_version(struct out *o)
{
	return give(o, STR(SILEX_VERSION));
}

static value_fn *const fns[STREAM_VAR_COUNT] = {
#define VAR(id, name) [STREAM_VAR_##id] = (name),
#include "common/vars/stream_var_tbl.h"
};

void stream_format_set(struct stream_format *f, const struct conf *conf, const char *host,
		       const struct slot *slot)
{
	struct str template = str_from(conf->log_format_stream);
	struct text t;

	stream_format_free(f);
	f->host = host;
	f->slot = slot;
	f->builtin = (enum conf_access_format)conf->access_log_format;
	if (template.n == 0)
		return;
	text_growing(&t, VARS_PROGRAM_MAX);
	if (log_format_compile(&vars_of_sessions, template, &t, NULL) != VARS_BAD)
		f->program = str_make(t.p, t.n);
	else
		free(t.p);
}

void stream_format_free(struct stream_format *f)
{
	free((char *)(uintptr_t)f->program.p);
	f->program = STR_NONE;
}

static void write_program(struct str program, struct out *o)
{
	struct vars_op op;
	struct str rest;

	while (vars_next(&program, &op, &rest)) {
		if (op.id == STREAM_VAR_LITERAL)
			text_str(o->t, rest);
		else if (op.id >= STREAM_VAR_COUNT || fns[op.id] == NULL || !fns[op.id](o))
			text_char(o->t, '-');
	}
	text_char(o->t, '\n');
}

void stream_format_write(const struct stream_format *f, const struct stream_record *r,
			 const struct moment *now, struct text *t)
{
	struct out o = {f, r, now, t};

	if (f->program.n > 0)
		write_program(f->program, &o);
	else if (f->builtin == CONF_ACCESS_JSON)
		stream_line_json(t, r, now);
	else
		stream_line_text(t, r, now);
}
