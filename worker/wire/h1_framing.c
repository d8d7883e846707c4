/*
 * h1_framing: where a message ends and whether its connection lives on, decided once.
 *
 * The rule of this room: a message whose length two readers could see differently is refused,
 * even where RFC 9112 would let a recipient repair it (equal Content-Length twice, chunked said
 * twice, Content-Length beside chunked). Fields that protect somebody (flag P) stay even when
 * Connection names them.
 */
#include "worker/wire/h1_char.h"
#include "worker/wire/h1_framing.h"
#include "worker/wire/h1_target.h"

/* The next element of a comma-separated list, trimmed; false at its end. Elements may be empty. */
static bool next_element(struct str *list, struct str *element)
{
	ptrdiff_t comma;

	if (list->p == NULL)
		return false;
	comma = str_chr(*list, ',');
	*element = str_trim(comma < 0 ? *list : str_make(list->p, (size_t)comma));
	*list = comma < 0 ? STR_NONE : str_make(list->p + comma + 1, list->n - (size_t)comma - 1);
	return true;
}

static bool is_token(struct str s)
{
	return s.n > 0 && h1_all(s.p, s.n, H1_TOKEN);
}

/* A list of tokens that may carry parameters: good enough to tell 501 from 400. */
static bool is_coding_list(struct str list)
{
	struct str e;

	while (next_element(&list, &e)) {
		ptrdiff_t semi = str_chr(e, ';');

		if (!is_token(semi < 0 ? e : str_trim(str_make(e.p, (size_t)semi))))
			return false;
	}
	return true;
}

static enum h1_fault note_connection(struct h1_framing *fr, struct str value)
{
	struct str list = value, e;
	bool others = false;

	while (next_element(&list, &e)) {
		if (e.n == 0)
			continue;
		if (!is_token(e))
			return H1_FAULT_CONNECTION;
		if (++fr->n_options > H1_OPTIONS_MAX)
			return H1_FAULT_CONNECTION_MANY;
		if (str_ieq(e, STR("close")))
			fr->close = true;
		else if (str_ieq(e, STR("keep-alive")))
			fr->keep_alive = true;
		else if (str_ieq(e, STR("upgrade")))
			fr->connection_upgrade = true;
		else
			others = true;
	}
	if (!others)
		return H1_OK;
	if (fr->n_named == H1_NAMED_MAX)
		return H1_FAULT_CONNECTION_MANY;
	fr->named[fr->n_named++] = value;
	return H1_OK;
}

static void note_te(struct h1_framing *fr, struct str value)
{
	struct str e;

	while (next_element(&value, &e))
		if (str_ieq(e, STR("trailers")))
			fr->te_trailers = true;
}

static void note_first(struct str *first, uint8_t *count, struct str value)
{
	if (*count == 0)
		*first = value;
	if (*count < 2)
		++*count;
}

enum h1_fault h1_framing_note(struct h1_framing *fr, const struct field *f)
{
	struct str value = str_make(f->value, f->value_n);

	switch (f->id) {
	case FIELD_HOST:
		note_first(&fr->host, &fr->n_hosts, value);
		return fr->n_hosts > 1 ? H1_FAULT_TWO_HOSTS : H1_OK;
	case FIELD_CONTENT_LENGTH:
		note_first(&fr->length, &fr->n_lengths, value);
		return fr->n_lengths > 1 ? H1_FAULT_TWO_LENGTHS : H1_OK;
	case FIELD_TRANSFER_ENCODING:
		note_first(&fr->te, &fr->n_tes, value);
		return fr->n_tes > 1 ? H1_FAULT_TWO_TES : H1_OK;
	case FIELD_EXPECT:
		note_first(&fr->expect, &fr->n_expects, value);
		return H1_OK;
	case FIELD_UPGRADE:
		note_first(&fr->upgrade, &fr->n_upgrades, value);
		return H1_OK;
	case FIELD_CONNECTION:
		return note_connection(fr, value);
	case FIELD_TE:
		note_te(fr, value);
		return H1_OK;
	default: /* Keep-Alive, Proxy-Connection: nothing to learn from them */
		return H1_OK;
	}
}

static void drop_named(struct head *h, struct str name)
{
	for (unsigned i = 0; i < h->n_fields; i++) {
		struct field *f = &h->fields[i];

		if (f->name_n == name.n && !(field_infos[f->id].flags & FIELD_PROTECTED) &&
		    str_ieq(str_make(f->name, f->name_n), name))
			f->drop = 1;
	}
}

static void drop_all_named(const struct h1_framing *fr, struct head *h)
{
	struct str e;

	for (unsigned i = 0; i < fr->n_named; i++)
		for (struct str list = fr->named[i]; next_element(&list, &e);)
			if (e.n > 0)
				drop_named(h, e);
}

/* Length or coding of either kind of message, before the exceptions of its kind. */
static enum h1_fault judge_length(const struct h1_framing *fr, struct head *h)
{
	h->framing = FRAMING_NONE;
	if (fr->n_tes > 0) {
		if (h->version < 11)
			return H1_FAULT_TE_10;
		if (fr->n_lengths > 0)
			return H1_FAULT_LENGTH_AND_TE;
		if (!str_ieq(fr->te, STR("chunked")))
			return is_coding_list(fr->te) ? H1_FAULT_TE_CODING : H1_FAULT_TE;
		h->framing = FRAMING_CHUNKED;
	} else if (fr->n_lengths > 0) {
		if (!str_u64(fr->length, INT64_MAX, &h->length))
			return H1_FAULT_LENGTH;
		h->has_length = true;
		if (h->length > 0)
			h->framing = FRAMING_LENGTH;
	}
	return H1_OK;
}

static void judge_connection(const struct h1_framing *fr, struct head *h)
{
	h->keep_alive = !fr->close && (h->version >= 11 || fr->keep_alive);
	if (fr->n_named > 0)
		drop_all_named(fr, h);
}

/*
 * One protocol, and not h2c: an origin that takes an upgrade to HTTP/2 would speak it past every
 * rule of this proxy (h2c smuggling). What is not taken is ignored, as RFC 9110 §7.8 allows.
 */
static bool upgrade_taken(const struct h1_framing *fr, const struct head *h)
{
	struct str proto = fr->upgrade;
	ptrdiff_t slash;

	if (!fr->connection_upgrade || fr->n_upgrades != 1 || h->version < 11)
		return false;
	slash = str_chr(proto, '/');
	if (slash >= 0 && !is_token(str_from_at(proto, (size_t)slash + 1)))
		return false;
	if (slash >= 0)
		proto.n = (size_t)slash;
	return is_token(proto) && !str_ieq(proto, STR("h2c")) && !str_ieq(proto, STR("h2")) &&
	       !str_ieq(proto, STR("http"));
}

static enum h1_fault judge_host(const struct h1_framing *fr, struct head *h)
{
	struct authority replaced;

	if (fr->n_hosts == 0)
		return h->version >= 11 ? H1_FAULT_NO_HOST : H1_OK;
	/* RFC 9112 §3.2.2: the target's authority replaces Host, which must be one all the same */
	if (h->form == TARGET_ABSOLUTE || h->form == TARGET_AUTHORITY)
		return h1_authority(fr->host, &replaced);
	return h1_set_authority(h, fr->host);
}

static enum h1_fault judge_expect(const struct h1_framing *fr, struct head *h)
{
	if (fr->n_expects == 0 || h->version < 11) /* RFC 9110 §10.1.1: ignored from 1.0 */
		return H1_OK;
	if (fr->n_expects > 1 || !str_ieq(fr->expect, STR("100-continue")))
		return H1_FAULT_EXPECTATION;
	h->expect_continue = h->framing != FRAMING_NONE;
	return H1_OK;
}

enum h1_fault h1_framing_request(struct h1_framing *fr, struct head *h)
{
	enum h1_fault fault = judge_length(fr, h);

	if (fault == H1_OK)
		fault = judge_host(fr, h);
	if (fault == H1_OK)
		fault = judge_expect(fr, h);
	if (fault != H1_OK)
		return fault;
	judge_connection(fr, h);
	if (h->method == METHOD_CONNECT) /* what follows may be meant for the tunnel we refuse */
		h->keep_alive = false;
	h->te_trailers = fr->te_trailers && h->version >= 11;
	h->upgrade = upgrade_taken(fr, h) && h->framing == FRAMING_NONE;
	if (h->upgrade)
		h->upgrade_proto = fr->upgrade;
	return H1_OK;
}

/* RFC 9112 §6.3, rules 1 and 2: no content, whatever the fields say. */
static bool never_has_content(const struct head *h, enum method asked)
{
	return h->status < 200 || h->status == 204 || h->status == 304 || asked == METHOD_HEAD;
}

enum h1_fault h1_framing_response(struct h1_framing *fr, enum method asked, struct head *h)
{
	enum h1_fault fault = judge_length(fr, h);

	if (fault != H1_OK)
		return fault;
	judge_connection(fr, h);
	if (never_has_content(h, asked)) {
		/* An origin that announces content where there is none may well send it. */
		bool forbidden = h->status < 200 || h->status == 204;

		if (forbidden && h->framing != FRAMING_NONE)
			h->keep_alive = false;
		h->has_length = h->has_length && !forbidden;
		h->framing = FRAMING_NONE;
	} else if (h->framing == FRAMING_NONE && !h->has_length) {
		h->framing = FRAMING_CLOSE;
		h->keep_alive = false;
	}
	h->upgrade = fr->connection_upgrade && fr->n_upgrades == 1 && fr->upgrade.n > 0;
	if (fr->n_upgrades == 1)
		h->upgrade_proto = fr->upgrade;
	return H1_OK;
}
