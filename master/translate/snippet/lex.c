/* lex: see lex.h. */
#include "master/translate/snippet/lex.h"

void lex_init(struct lex *l, struct str text)
{
	l->rest = str_head(text, LEX_TEXT_MAX);
	l->line = 1;
	l->to = l->space;
	l->why = text.n > LEX_TEXT_MAX ? "it is longer than 8192 bytes" : NULL;
}

static enum lex_end bad(struct lex *l, const char *why)
{
	l->why = why;
	return LEX_BAD;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && !is_blank(c)) || c == 0x7f;
}

static void skip(struct lex *l)
{
	l->line += l->rest.p[0] == '\n';
	l->rest = str_from_at(l->rest, 1);
}

/* To where a word could begin. */
static void skip_blanks(struct lex *l)
{
	bool comment = false;

	while (l->rest.n > 0) {
		char c = l->rest.p[0];

		if (comment ? c == '\n' : c == '#')
			comment = !comment;
		if (!comment && !is_blank(c))
			return;
		skip(l);
	}
}

/* One character of a word, or two that stand for one. */
static void take(struct lex *l)
{
	char c = l->rest.p[0], next = l->rest.n > 1 ? l->rest.p[1] : '\0';

	if (c == '\\' && (next == '"' || next == '\'' || next == '\\' || next == 't' ||
			  next == 'r' || next == 'n')) {
		*l->to++ = next == 't' ? '\t' : next == 'r' ? '\r' : next == 'n' ? '\n' : next;
		skip(l);
	} else {
		*l->to++ = c;
		if (c == '\\' && l->rest.n > 1 && !is_control(next)) {
			skip(l);
			*l->to++ = next;
		}
	}
	skip(l);
}

static bool take_quoted(struct lex *l)
{
	char quote = l->rest.p[0];

	skip(l);
	while (l->rest.n > 0 && l->rest.p[0] != quote) {
		if (is_control(l->rest.p[0])) {
			l->why = "it holds a control character";
			return false;
		}
		take(l);
	}
	if (l->rest.n == 0) {
		l->why = "a quote is not closed";
		return false;
	}
	skip(l);
	if (l->rest.n > 0 && !is_blank(l->rest.p[0]) && str_chr(STR(";{)"), l->rest.p[0]) == -1) {
		l->why = "behind a closing quote must come a blank, \";\", \"{\" or \")\"";
		return false;
	}
	return true;
}

static bool take_plain(struct lex *l)
{
	bool dollar = false;

	while (l->rest.n > 0) {
		char c = l->rest.p[0];

		if (is_control(c)) {
			l->why = "it holds a control character";
			return false;
		}
		if (is_blank(c) || c == ';' || (c == '{' && !dollar))
			return true;
		dollar = c == '$';
		take(l);
	}
	return true;
}

static bool take_word(struct lex *l, struct directive *d)
{
	char *from = l->to;
	bool quoted = l->rest.p[0] == '"' || l->rest.p[0] == '\'';

	if (d->n == LEX_WORDS_MAX) {
		l->why = "a directive has more than 32 words";
		return false;
	}
	if (d->n == 0)
		d->line = l->line;
	if (!(quoted ? take_quoted(l) : take_plain(l)))
		return false;
	d->quoted[d->n] = quoted;
	d->word[d->n++] = str_make(from, (size_t)(l->to - from));
	return true;
}

/* Behind the words. */
static enum lex_end end(struct lex *l, const struct directive *d)
{
	char c = l->rest.p[0];

	skip(l);
	if (c == '}')
		return d->n == 0 ? LEX_CLOSE : bad(l, "\"}\" where \";\" is due");
	if (d->n == 0)
		return bad(l, c == ';' ? "\";\" without a directive" : "\"{\" without a directive");
	return c == ';' ? LEX_SIMPLE : LEX_OPEN;
}

enum lex_end lex_next(struct lex *l, struct directive *d)
{
	d->n = 0;
	d->line = l->line;
	if (l->why != NULL)
		return LEX_BAD;
	for (;;) {
		skip_blanks(l);
		if (l->rest.n == 0 && d->n == 0)
			return LEX_EOF;
		if (l->rest.n == 0)
			return bad(l, "it ends without \";\"");
		if (str_chr(STR(";{}"), l->rest.p[0]) != -1)
			return end(l, d);
		if (!take_word(l, d))
			return LEX_BAD;
	}
}
