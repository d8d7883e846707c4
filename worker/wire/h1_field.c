/*
 * h1_field: the line scanner under heads and trailer sections.
 *
 * One pass: the name by the class table, the value eight bytes at a time up to the next control
 * character, which must be the CR of CRLF (or an HTAB). Nothing here knows what a field means.
 */
#include "common/check.h"
#include "worker/wire/h1_char.h"
#include "worker/wire/h1_field.h"

static const struct h1_refusal refusals[H1_FAULT_COUNT] = {
#define FAULT(id, status, reason, why) [H1_FAULT_##id] = {status, REASON_##reason, why},
#include "worker/wire/h1_fault_tbl.h"
#undef FAULT
};

enum h1_verdict h1_refuse(enum h1_fault fault, struct h1_refusal *refusal)
{
	CHECK(fault > H1_SHORT && fault < H1_FAULT_COUNT);
	*refusal = refusals[fault];
	return H1_REFUSED;
}

enum h1_fault h1_short(const struct h1_cursor *c)
{
	if ((size_t)(c->end - c->line) > c->limits->line_max)
		return H1_FAULT_LINE_LONG;
	if ((size_t)(c->end - c->start) > c->limits->head_max)
		return H1_FAULT_HEAD_LONG;
	return H1_SHORT;
}

enum h1_fault h1_line_end(struct h1_cursor *c)
{
	if (c->p == c->end)
		return h1_short(c);
	if (*c->p != '\r')
		return *c->p == '\n' ? H1_FAULT_BARE_LF : H1_FAULT_VALUE;
	if (c->p + 1 == c->end)
		return h1_short(c);
	if (c->p[1] != '\n')
		return H1_FAULT_BARE_CR;
	c->p += 2;
	return H1_OK;
}

/* The byte that ended a name is not a colon: say what is wrong with the line. */
static enum h1_fault bad_name(const struct h1_cursor *c, const char *s)
{
	if (s == c->end)
		return h1_short(c);
	if (s == c->line && (*s == ' ' || *s == '\t'))
		return H1_FAULT_FOLD;
	if (*s == '\n')
		return H1_FAULT_BARE_LF;
	if (*s == '\r')
		return H1_FAULT_NO_COLON;
	return *s == ' ' || *s == '\t' ? H1_FAULT_NAME_BLANK : H1_FAULT_NAME;
}

static bool name_unwanted(const struct h1_cursor *c, const char *name, const char *end)
{
	for (; name < end; name++)
		if (!h1_is(*name, H1_PLAIN) && !(c->limits->underscores && *name == '_'))
			return true;
	return false;
}

static enum h1_fault read_name(struct h1_cursor *c, struct field *f)
{
	unsigned all = H1_PLAIN, k;
	const char *s = c->p;

	for (; s < c->end && ((k = h1_class[(unsigned char)*s]) & H1_TOKEN) != 0; s++)
		all &= k;
	if (s == c->end || *s != ':')
		return bad_name(c, s);
	if (s == c->p)
		return H1_FAULT_NO_NAME;
	if (s - c->p > H1_NAME_MAX)
		return H1_FAULT_NAME_LONG;
	f->name = c->p;
	f->name_n = (uint16_t)(s - c->p);
	f->drop = c->gateway_names && all == 0 && name_unwanted(c, c->p, s);
	c->p = s + 1;
	return H1_OK;
}

static enum h1_fault read_value(struct h1_cursor *c, struct field *f)
{
	const char *s = c->p, *last;
	enum h1_fault fault;

	while (s < c->end && (*s == ' ' || *s == '\t'))
		s++;
	f->value = s;
	while ((s = h1_find_ctl(s, c->end)) < c->end && *s == '\t')
		s++;
	c->p = last = s;
	fault = h1_line_end(c);
	if (fault != H1_OK)
		return fault;
	while (last > f->value && (last[-1] == ' ' || last[-1] == '\t'))
		last--;
	f->value_n = (uint32_t)(last - f->value);
	return H1_OK;
}

enum h1_fault h1_field_line(struct h1_cursor *c, struct field *f)
{
	enum h1_fault fault;

	c->line = c->p;
	f->name_n = 0;
	if (c->p < c->end && *c->p == '\r') {
		fault = h1_line_end(c);
	} else {
		fault = read_name(c, f);
		if (fault == H1_OK)
			fault = read_value(c, f);
		if (fault == H1_OK && (size_t)(c->p - c->line) > c->limits->line_max)
			return H1_FAULT_LINE_LONG;
		if (fault == H1_OK)
			f->id = (uint8_t)field_lookup(f->name, f->name_n);
	}
	if (fault == H1_OK && (size_t)(c->p - c->start) > c->limits->head_max)
		return H1_FAULT_HEAD_LONG;
	return fault;
}
