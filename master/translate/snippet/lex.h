/*
 * lex: nginx' lexical rules, for snippets: words, comments, quotes, escapes, ";" and braces.
 *
 * Words are parted by blanks and line ends. "#" where a word could begin is a comment. A word that
 * begins with a quote ends with it; behind it must come a blank, ";", "{" or ")". In any word a
 * backslash before a quote or a backslash is taken off, "\t", "\r", "\n" are these characters, and
 * any other backslash stays. "{" ends a word unless "$" is before it, "}" only counts where a word
 * could begin. Bytes below 0x20 other than blanks and line ends are refused, as is DEL: whatever
 * they do in nginx, nobody writes them on purpose.
 */
#ifndef SILEX_MASTER_TRANSLATE_SNIPPET_LEX_H
#define SILEX_MASTER_TRANSLATE_SNIPPET_LEX_H

#include "common/str.h"

#define LEX_TEXT_MAX  8192 /* bytes of a snippet */
#define LEX_WORDS_MAX 32   /* words of a directive */

enum lex_end {
	LEX_SIMPLE, /* words and ";" */
	LEX_OPEN,   /* words and "{" */
	LEX_CLOSE,  /* "}" alone */
	LEX_EOF,    /* nothing more */
	LEX_BAD,    /* why says what is wrong */
};

struct lex {
	struct str rest;
	unsigned line;                /* of rest, from 1 */
	char *to;                     /* where the next word is written */
	const char *why;              /* a sentence, of LEX_BAD */
	char space[LEX_TEXT_MAX + 1]; /* all words, unescaped: never longer than the text */
};

struct directive { /* one; its words are in the lexer's space */
	struct str word[LEX_WORDS_MAX];
	bool quoted[LEX_WORDS_MAX];
	unsigned n, line;
};

void lex_init(struct lex *l, struct str text);
enum lex_end lex_next(struct lex *l, struct directive *d);

#endif
