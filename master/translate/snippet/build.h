/*
 * build: what the files of this room share while a snippet is compiled: the program as it grows,
 * the block that is read, and why it is refused.
 */
#ifndef SILEX_MASTER_TRANSLATE_SNIPPET_BUILD_H
#define SILEX_MASTER_TRANSLATE_SNIPPET_BUILD_H

#include "common/policy/policy_snippet.h"
#include "common/text.h"
#include "common/vars/vars.h"
#include "k8s/settings/annot.h"
#include "master/translate/snippet/lex.h"
#include "master/translate/snippet/snippet.h"

#define BUILD_WHY_MAX 320

enum build_block { /* where a directive stands; a set of them where it may */
	IN_SERVER = 1 << 0,
	IN_SERVER_IF = 1 << 1,
	IN_PATH = 1 << 2, /* configuration-snippet */
	IN_PATH_IF = 1 << 3,
	IN_LOCATION = 1 << 4, /* a location of a snippet */
	IN_LOCATION_IF = 1 << 5,
	IN_HTTP = 1 << 6,
	IN_AUTH = 1 << 7, /* the location of a question to an auth service */
	IN_AUTH_IF = 1 << 8,
	IN_OTHER = 1 << 9, /* main, or stream */
};
#define IN_QUESTION   (IN_AUTH | IN_AUTH_IF)
#define IN_IF         (IN_SERVER_IF | IN_PATH_IF | IN_LOCATION_IF | IN_AUTH_IF)
#define ANYWHERE      (IN_SERVER | IN_PATH | IN_LOCATION | IN_SERVER_IF | IN_PATH_IF | IN_LOCATION_IF)
#define OUTSIDE_IF    (IN_SERVER | IN_PATH | IN_LOCATION)
#define OUTSIDE       (OUTSIDE_IF | IN_HTTP)
#define BUT_IF_AT_TOP (OUTSIDE | IN_PATH_IF | IN_LOCATION_IF)

struct program {
	struct text ops, locations;
	struct text list[SNIP_SCOPES_MAX][SNIP_LISTS];
	unsigned n_scopes;
};

struct build {
	struct lex lex;
	struct program *p; /* the snippet's, or that of the location being read */
	enum build_block block;
	unsigned scope;
	unsigned depth; /* of open braces */
	bool condition; /* what is compiled decides something */
	bool captures;  /* a regular expression may have set $1 */
	bool fatal;     /* it cannot be read on */
	bool of_all;    /* the text is the ConfigMap's */
	struct snippet_names *names;
	const struct snippet_user *user;
	const struct snippet_job *job;
	struct program *servers[SNIPPET_SERVERS_MAX]; /* of job->servers, while they are read */
	char why[BUILD_WHY_MAX];
};

/* Refuse: false, with a sentence that begins with its line. */
__attribute__((format(printf, 3, 4))) bool build_refuse(struct build *b, const struct directive *d,
							const char *fmt, ...);
/* Taken, but not as it stands: the user is told. Always true. */
__attribute__((format(printf, 3, 4))) bool build_note(struct build *b, const struct directive *d,
						      const char *fmt, ...);
/* Not done, and nothing is less protected without it: the user is told. Always true. */
__attribute__((format(printf, 3, 4))) bool
build_leave_out(struct build *b, const struct directive *d, const char *fmt, ...);
/* The list of the scope that is read. */
struct text *build_list(struct build *b, enum snip_list list);
/* Append an op; its place in the ops. */
size_t build_op(struct build *b, struct snip_op op, struct str a, struct str c);

/* template.c: text with variables, $1 to $9 and the snippet's own variables. */
bool template_compile(struct build *b, const struct directive *d, struct str text,
		      struct text *out);
/* Text that something is decided by, or may be: each of its variables must be able to have a value.
 */
bool template_decides(struct build *b, const struct directive *d, struct str text,
		      struct text *out);
/* Text that is a value as it stands. */
void template_literal(struct text *out, struct str text);
bool template_names(struct build *b, const struct directive *d, struct str word);

/* compile.c: to the end of the block that is open, or of the snippet. */
bool block_read(struct build *b);
/* Past blocks until depth are open, whatever is in them; fn (may be NULL) is given each directive,
 * when its block is open if it has one, and refuses by false. False also when the text cannot be
 * read. */
typedef bool block_fn(struct build *b, const struct directive *d, void *arg);
bool block_each(struct build *b, unsigned depth, block_fn *fn, void *arg);
/* map.c: `map` or `geo` has been read, to its end. */
bool map_read(struct build *b, const struct directive *d);
/* Does it open one? Its variable in lower case, in `to`. */
bool map_names(const struct directive *d, char to[SNIPPET_NAME_MAX + 1], struct str *name);
/* http.c: a block of http{}. False: it is refused, with or without why. */
bool http_block(struct build *b, const struct directive *d);
/* server.c: `server {` of http{} has been read. */
bool server_read(struct build *b, const struct directive *d);
/* All has been read; ok: it is not refused, and http is its program, whose lists its servers have,
 * too. Their programs are made, or there is none of them. */
void servers_end(struct build *b, bool ok, struct str http);
/* location.c: `location ... {` has been read. What is refused in it closes only this location. */
bool location_read(struct build *b, const struct directive *d);

/* What a directive does (directive_tbl.h). */
typedef bool build_fn(struct build *b, const struct directive *d);
build_fn do_set, do_return, do_rewrite, do_break;                      /* flow.c */
build_fn do_more_set, do_more_clear, do_add_header, do_expires;        /* fields.c */
build_fn do_input_set, do_input_clear, do_send_header, do_hide_header; /* fields.c */
build_fn do_allow, do_deny, do_default_type, do_access_log;            /* rest.c */
build_fn do_limit_zone, do_limit;                                      /* limit.c */
build_fn do_open;                                                      /* http.c */
build_fn do_pass_fields, do_pass_body, do_auth_set;                    /* rest.c */
/* The condition of an `if`; its op's place in *at, for the block that follows. */
bool flow_if(struct build *b, const struct directive *d, size_t *at);

#endif
