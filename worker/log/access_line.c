/*
 * access_line: see access_line.h.
 *
 * The budgets below bound each value a client or origin wrote, in bytes of output; together with
 * the numbers, the names and REQUEST_TRIES_MAX tries they stay below ACCESS_LINE_MAX.
 * Meaning of the nginx variables: facts, ConfigMap log-format-upstream.
 */
#include "worker/log/access_line.h"

#include <string.h>

#include "common/table/table_read.h"
#include "worker/log/access_log.h"
#include "worker/request/record.h"
#include "worker/vars/basic_user.h"

#define MAX_METHOD  32
#define MAX_TARGET  700 /* and TRY_BYTES more for every try that was not made */
#define MAX_REFERER 300
#define MAX_AGENT   256
#define MAX_USER    BASIC_USER_MAX
#define MAX_HOST    256
#define MAX_ID      64
#define MAX_NAME    128 /* of a cluster, an Ingress */
#define MAX_LABEL   63  /* of a namespace, a Service: RFC 1123 */
#define TRY_BYTES   170 /* one try in JSON, at most */

static struct str field(const struct request *r, enum field_id id)
{
	const struct field *f = head_find(&r->in, id);

	return f == NULL ? STR_NONE : str_make(f->value, f->value_n);
}

static size_t target_max(const struct request *r)
{
	return MAX_TARGET + (size_t)(REQUEST_TRIES_MAX - r->n_tries) * TRY_BYTES;
}

static void addr(struct text *t, const struct addr *a)
{
	char buf[ADDR_TEXT_MAX];

	text_str(t, str_make(buf, addr_text(a, buf)));
}

static void ip(struct text *t, const struct addr *a)
{
	char buf[ADDR_TEXT_MAX];

	text_str(t, str_make(buf, addr_ip_text(a, buf)));
}

/* ---- ingress-nginx' format ---- */

/* As nginx: an empty field is a value. */
static void hex_or_dash(struct text *t, struct str s, size_t most)
{
	if (s.p == NULL)
		text_char(t, '-');
	else
		text_hex(t, s, most);
}

static void hex_request_line(struct text *t, const struct request *r)
{
	if (r->in.method_text.n == 0) { /* no head was understood */
		text_char(t, '-');
		return;
	}
	text_hex(t, r->in.method_text, MAX_METHOD);
	text_char(t, ' ');
	text_hex(t, r->in.target, target_max(r));
	text_char(t, ' ');
	text_str(t, record_protocol(r));
}

enum try_column {
	TRY_ADDR,
	TRY_LENGTH,
	TRY_TIME,
	TRY_STATUS
};

static void try_value(struct text *t, const struct try_record *try, enum try_column what,
		      const struct moment *now)
{
	switch (what) {
	case TRY_ADDR:
		addr(t, &try->addr);
		break;
	case TRY_LENGTH:
		text_u64(t, try->bytes);
		break;
	case TRY_TIME:
		text_seconds(t, record_try_us(try, now->us), 3);
		break;
	case TRY_STATUS:
		if (record_try_status(try) == 0)
			text_char(t, '-');
		else
			text_u64(t, record_try_status(try));
	}
}

/* One column over all tries, ", " between them as nginx does; " -" without a try. */
static void tries(struct text *t, const struct request *r, enum try_column what,
		  const struct moment *now)
{
	text_char(t, ' ');
	if (r->n_tries == 0)
		text_char(t, '-');
	for (unsigned i = 0; i < r->n_tries; i++) {
		if (i > 0)
			text_lit(t, ", ");
		try_value(t, &r->tries[i], what, now);
	}
}

void access_line_upstreaminfo(struct text *t, const struct request *r, const struct moment *now)
{
	char user[MAX_USER];

	ip(t, &r->peer);
	text_lit(t, " - ");
	hex_or_dash(t, basic_user(r, user), MAX_USER);
	text_lit(t, " [");
	text_str(t, now->local);
	text_lit(t, "] \"");
	hex_request_line(t, r);
	text_lit(t, "\" ");
	text_u64(t, r->status);
	text_char(t, ' ');
	text_u64(t, r->tx_content);
	text_lit(t, " \"");
	hex_or_dash(t, field(r, FIELD_REFERER), MAX_REFERER);
	text_lit(t, "\" \"");
	hex_or_dash(t, field(r, FIELD_USER_AGENT), MAX_AGENT);
	text_lit(t, "\" ");
	text_u64(t, r->rx_bytes);
	text_char(t, ' ');
	text_seconds(t, record_us(r->start_us, now->us), 3);
	text_lit(t, " [");
	hex_or_dash(t, r->cluster, MAX_NAME);
	text_lit(t, "] [");
	text_str(t, r->canary); /* $proxy_alternative_upstream_name */
	text_lit(t, "]");
	for (int what = TRY_ADDR; what <= TRY_STATUS; what++)
		tries(t, r, (enum try_column)what, now);
	text_char(t, ' ');
	hex_or_dash(t, r->request_id, MAX_ID);
	text_char(t, '\n');
}

/* ---- JSON ---- */

/* ,"key":"value"; nothing for an empty value. key with its punctuation. */
static void json_str(struct text *t, struct str key, struct str s, size_t most)
{
	if (s.n == 0)
		return;
	text_str(t, key);
	text_json(t, s, most);
	text_char(t, '"');
}

static void json_u64(struct text *t, struct str key, uint64_t v)
{
	text_str(t, key);
	text_u64(t, v);
}

static void json_seconds(struct text *t, struct str key, uint64_t us)
{
	text_str(t, key);
	text_seconds(t, us, 6);
}

static void json_time(struct text *t, const struct moment *now)
{
	text_lit(t, "{\"time\":\"");
	text_str(t, now->iso_secs);
	text_char(t, '.');
	text_char(t, (char)('0' + now->unix_ms / 100 % 10));
	text_char(t, (char)('0' + now->unix_ms / 10 % 10));
	text_char(t, (char)('0' + now->unix_ms % 10));
	text_lit(t, "Z\"");
}

static void json_request(struct text *t, const struct request *r)
{
	char user[MAX_USER];

	text_lit(t, ",\"remote_addr\":\"");
	ip(t, &r->peer);
	text_char(t, '"');
	json_str(t, STR(",\"remote_user\":\""), basic_user(r, user), MAX_USER);
	json_str(t, STR(",\"method\":\""), r->in.method_text, MAX_METHOD);
	json_str(t, STR(",\"host\":\""), r->in.host, MAX_HOST);
	json_str(t, STR(",\"uri\":\""), r->in.target, target_max(r));
	if (r->in.method_text.n > 0)
		json_str(t, STR(",\"protocol\":\""), record_protocol(r), 8);
	json_str(t, STR(",\"referer\":\""), field(r, FIELD_REFERER), MAX_REFERER);
	json_str(t, STR(",\"user_agent\":\""), field(r, FIELD_USER_AGENT), MAX_AGENT);
	json_str(t, STR(",\"request_id\":\""), r->request_id, MAX_ID);
}

static void json_result(struct text *t, const struct request *r, const struct moment *now)
{
	json_u64(t, STR(",\"status\":"), r->status);
	json_str(t, STR(",\"reason\":\""), str_from(reason_texts[r->reason].label), MAX_NAME);
	json_u64(t, STR(",\"body_bytes_sent\":"), r->tx_content);
	json_u64(t, STR(",\"bytes_sent\":"), r->tx_bytes);
	json_u64(t, STR(",\"request_length\":"), r->rx_bytes);
	json_seconds(t, STR(",\"request_time\":"), record_us(r->start_us, now->us));
}

/* Who the route belongs to. The number stays this Ingress' own until every worker has adopted a
 * version without it (table_group), so a newer table answers rightly or not at all. */
static void json_group(struct text *t, const struct request *r)
{
	struct group_view g;

	json_str(t, STR(",\"upstream\":\""), r->cluster, MAX_NAME);
	if (r->w->table == NULL || !table_group(r->w->table, r->route.group, &g))
		return;
	json_str(t, STR(",\"namespace\":\""), g.ns, MAX_LABEL);
	json_str(t, STR(",\"ingress\":\""), g.ingress, MAX_NAME);
	json_str(t, STR(",\"service\":\""), g.service, MAX_LABEL);
}

static void json_try(struct text *t, const struct try_record *try, const struct moment *now)
{
	text_lit(t, "{\"addr\":\"");
	addr(t, &try->addr);
	text_char(t, '"');
	if (record_try_status(try) != 0)
		json_u64(t, STR(",\"status\":"), record_try_status(try));
	if (try->reason != REASON_NONE)
		json_str(t, STR(",\"reason\":\""), str_from(reason_texts[try->reason].label), 32);
	json_u64(t, STR(",\"bytes\":"), try->bytes);
	json_seconds(t, STR(",\"time\":"), record_try_us(try, now->us));
	text_str(t, try->reused ? STR(",\"reused\":true}") : STR(",\"reused\":false}"));
}

void access_line_json(struct text *t, const struct request *r, const struct moment *now)
{
	json_time(t, now);
	json_request(t, r);
	json_result(t, r, now);
	json_group(t, r);
	text_lit(t, ",\"tries\":[");
	for (unsigned i = 0; i < r->n_tries; i++) {
		if (i > 0)
			text_char(t, ',');
		json_try(t, &r->tries[i], now);
	}
	text_lit(t, "]}\n");
}

bool access_line_reads(const struct field *f)
{
	return f->id == FIELD_REFERER || f->id == FIELD_USER_AGENT || basic_user_is(f);
}
