/*
 * snippet: nginx configuration of annotations and of the ConfigMap, compiled into a program of
 * typed operations (policy_snippet.h).
 *
 * There is no nginx here. A snippet is read by nginx' lexical rules (lex.h), each directive by its
 * row of directive_tbl.h, and nothing of it is ever written to a file or run: what a program can
 * do is what policy_snippet.h has operations for. A directive that is not known, or would need
 * what is not there, refuses the whole snippet, because what it does could be the protection of
 * a path: whose snippet is refused answers 503. Tuning of nginx' own buffers and timers, which
 * can be left out without any difference but in speed, is taken and told.
 *
 * Only where allow-snippet-annotations is true, and annotations-risk-level Critical (the gates of
 * ingress-nginx; facts: annotations §0, §15).
 */
#ifndef SILEX_MASTER_TRANSLATE_SNIPPET_SNIPPET_H
#define SILEX_MASTER_TRANSLATE_SNIPPET_SNIPPET_H

#include "common/text.h"
#include "k8s/settings/annot.h"

#define SNIPPET_NAMES_MAX 32
#define SNIPPET_NAME_MAX  64

/* Variables that a snippet sets, for those that are read after it. */
struct snippet_names {
	unsigned n;
	char name[SNIPPET_NAMES_MAX][SNIPPET_NAME_MAX + 1];
};

#define SNIPPET_ZONES_MAX 32

struct snippet_zone { /* of limit_req_zone */
	uint64_t id;  /* of its name */
	uint32_t interval_us;
	uint16_t key_n;
	char key[258]; /* a program of variables */
};

struct snippet_zones {
	unsigned n;
	struct snippet_zone v[SNIPPET_ZONES_MAX];
};

#define SNIPPET_SERVERS_MAX 8

/* A server of an http-snippet, on a port of its own, that answers every request by `return`. */
struct snippet_server {
	uint16_t port;
	bool proxy_in;       /* clients send a PROXY header */
	bool shared;         /* while they are read: another one has its port, too */
	bool left_out;       /* likewise: only its port is known */
	unsigned line;       /* where it stands */
	struct text program; /* policy_snippet.h */
};

struct snippet_servers {
	unsigned n;
	struct snippet_server v[SNIPPET_SERVERS_MAX];
};

/* Their programs; *all is empty afterwards. */
void servers_free(struct snippet_servers *all);

enum snippet_kind {
	SNIPPET_OF_PATH,  /* configuration-snippet; behind it location-snippet of the ConfigMap */
	SNIPPET_OF_HOST,  /* server-snippet; behind it that of the ConfigMap */
	SNIPPET_OF_AUTH,  /* auth-snippet, global-auth-snippet: of the question (policy_auth.h) */
	SNIPPET_OF_HTTP,  /* http-snippet: lists only, for the hosts below */
	SNIPPET_OF_OTHER, /* main-snippet, stream-snippet: nothing in them is of a request */
	SNIPPET_KINDS
};

enum snippet_told {
	SNIPPET_NOTE,            /* taken, without effect */
	SNIPPET_LEFT_OUT,        /* not done, but nothing is less protected without it */
	SNIPPET_LOCATION_CLOSED, /* one location is refused and answers 503 */
	SNIPPET_REFUSED,         /* all of it */
};

struct snippet_user { /* who is told, and what an annotation of the same meaning is given */
	void (*tell)(void *arg, enum snippet_told how, const char *text);
	/* NULL: taken; or why not. May be NULL: such directives have no effect. */
	const char *(*give)(void *arg, enum annot_id id, struct str value);
	void *arg;
};

struct snippet_source {
	struct str text;
	const struct snippet_user *user;
	bool of_all; /* of the ConfigMap: what opens nothing may be left out (DIRECTIVE_MINOR) */
};

struct snippet_job {
	enum snippet_kind kind;
	struct snippet_source from[2]; /* in the order in which nginx would read them */
	unsigned n;
	unsigned
	    ports[2]; /* that Silex listens on: what `listen` of an http-snippet must not name */
	unsigned healthz;                /* its port of health checks: no server has that */
	struct snippet_servers *servers; /* of SNIPPET_OF_HTTP, empty: they come here, and are the
					  * caller's to free also when it is refused; NULL: none
					  * is served */
	struct text *maps; /* policy_map.h: of SNIPPET_OF_HTTP what map and geo say comes here, to
			    * the others it is known; may be NULL there */
	struct snippet_zones *zones; /* of SNIPPET_OF_HTTP they come here; known to the others */
	struct str above; /* program of SNIPPET_OF_HTTP: its lists, where there is none; or empty */
};

/*
 * Compile the texts of a job, which are one block, into *out, which the caller frees; names are
 * known variables, and those that are set come to them. False: it is refused, which the user of
 * that text was told.
 */
bool snippet_compile(const struct snippet_job *job, struct snippet_names *names, struct text *out);

/* Is there anything in a program? */
bool snippet_does_something(const struct text *program);

/* The variables that map and geo of an http-snippet define, whether they can be read or not; at
 * most SNIPPET_NAMES_MAX. */
void snippet_http_names(struct str text, struct snippet_names *out);

/* One row of directive_tbl.h, for documents. */
struct snippet_row {
	const char *name;
	const char *text; /* what becomes of it */
	char how;         /* 'd'one, 'a'nnotation, 'i'dle, 'o'ff only, 'm'inor, 'n'ot */
};
const struct snippet_row *snippet_rows(size_t *n);

#endif
