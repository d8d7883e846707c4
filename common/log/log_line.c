/*
 * log_line: one event as one line. See log_line.h.
 *
 *   2026-11-23T17:11:22.123Z warn master[12] worker died: pid=77 host="a b"
 *   {"time":"...","level":"warn","role":"master","pid":12,"msg":"worker died","host":"a b"}
 *
 * A line that does not fit is cut between two fields or inside a value, and says so by "...";
 * in JSON the string and the object are closed all the same.
 */
#include "common/log/log_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define TAIL 16 /* always left for closing quote, "..." and brace */

struct line {
	char *p;
	size_t n;
	bool cut;
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static void put(struct line *l, const char *p, size_t n)
{
	if (l->cut || n > LOG_LINE_MAX - TAIL - l->n) {
		l->cut = true;
		return;
	}
	memcpy(l->p + l->n, p, n);
	l->n += n;
}

static void put_z(struct line *l, const char *z)
{
	put(l, z, strlen(z));
}

__attribute__((format(printf, 2, 3))) static void put_f(struct line *l, const char *fmt, ...)
{
	char tmp[80];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(tmp, sizeof(tmp), fmt, ap);
	va_end(ap);
	if (n > 0)
		put(l, tmp, (size_t)n < sizeof(tmp) ? (size_t)n : sizeof(tmp) - 1);
}

/* The inside of a quoted string. \u00xx is valid in JSON and unmistakable in text. */
static void put_escaped(struct line *l, struct str s)
{
	for (size_t i = 0; i < s.n && !l->cut; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			put_f(l, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			put_f(l, "\\u%04x", c);
		else
			put(l, s.p + i, 1);
	}
}

static void put_quoted(struct line *l, struct str s)
{
	put(l, "\"", 1);
	if (l->cut)
		return;
	put_escaped(l, s);
	if (l->cut) { /* the tail's room is for this */
		memcpy(l->p + l->n, "...\"", 4);
		l->n += 4;
		return;
	}
	put(l, "\"", 1);
}

static bool is_bare(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\' ||
		    s.p[i] == '=')
			return false;
	return s.n > 0;
}

static void put_value(struct line *l, const struct log_field *f, bool json)
{
	char text[ADDR_TEXT_MAX];
	struct str s = f->s;

	switch (f->type) {
	case LOG_T_U64:
		put_f(l, "%" PRIu64, f->u);
		return;
	case LOG_T_I64:
		put_f(l, "%" PRId64, f->i);
		return;
	case LOG_T_ADDR:
		s = str_make(text, addr_text(f->addr, text));
		break;
	default:
		break;
	}
	if (!json && is_bare(s))
		put(l, s.p, s.n);
	else
		put_quoted(l, s);
}

static void put_time(struct line *l, uint64_t at_ms)
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm tm;
	char text[32];

	(void)gmtime_r(&seconds, &tm);
	put(l, text, strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm));
	put_f(l, ".%03uZ", (unsigned)(at_ms % 1000));
}

static void text_line(struct line *l, const struct log_head *h, const struct log_field *f)
{
	put_time(l, h->at_ms);
	put_f(l, " %s ", level_names[h->level]);
	put_z(l, h->role[0] == '\0' ? "silex" : h->role);
	put_f(l, "[%d] ", (int)h->pid);
	put_escaped(l, str_from(h->what));
	put(l, ":", 1);
	for (; f->type != LOG_T_END; f++) {
		put(l, " ", 1);
		put_z(l, f->key);
		put(l, "=", 1);
		put_value(l, f, false);
	}
	if (h->suppressed > 0)
		put_f(l, " suppressed=%" PRIu32, h->suppressed);
}

static void json_line(struct line *l, const struct log_head *h, const struct log_field *f)
{
	put_z(l, "{\"time\":\"");
	put_time(l, h->at_ms);
	put_f(l, "\",\"level\":\"%s\",\"role\":", level_names[h->level]);
	put_quoted(l, str_from(h->role));
	put_f(l, ",\"pid\":%d,\"msg\":", (int)h->pid);
	put_quoted(l, str_from(h->what));
	for (; f->type != LOG_T_END && !l->cut; f++) {
		size_t key_at = l->n;

		put_f(l, ",\"%s\":", f->key);
		put_value(l, f, true);
		if (l->cut && l->p[l->n - 1] != '"')
			l->n = key_at; /* neither a bare key nor half a number */
	}
	if (h->suppressed > 0)
		put_f(l, ",\"suppressed\":%" PRIu32, h->suppressed);
}

size_t log_line(char *out, enum log_format format, const struct log_head *head,
		const struct log_field *fields)
{
	struct line l = {.p = out};

	if (format == LOG_FORMAT_JSON) {
		json_line(&l, head, fields);
		l.p[l.n++] = '}';
	} else {
		text_line(&l, head, fields);
		if (l.cut && l.p[l.n - 1] != '"')
			for (int i = 0; i < 3; i++)
				l.p[l.n++] = '.';
	}
	l.p[l.n++] = '\n';
	return l.n;
}
