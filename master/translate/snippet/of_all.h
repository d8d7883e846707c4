/*
 * of_all: the snippets of the ConfigMap: what holds for all hosts and paths.
 *
 *   http-snippet         lists for every host that has none of its own; map and geo; servers on
 *                        ports of their own that only return (streams.c opens these)
 *   server-snippet       in every host, behind the server-snippet of its Ingress
 *   location-snippet     in every path, behind the configuration-snippet of its Ingress
 *   global-auth-snippet  in every question of global-auth-url
 *   main-, stream-snippet  nothing in them is of a request: all of it is left out, and told
 *
 * That is the order in ingress-nginx' template. allow-snippet-annotations does not matter: who may
 * write this ConfigMap is the administrator.
 *
 * What is refused is told on the ConfigMap. Which text counts then is decided for the first four
 * together, because they name each other's variables:
 *   - a text that has once been in force stays so until a new one can be read, as a manifest does:
 *     a slip at night must neither open nor close anything. Who is told of it is told what a start
 *     would make of it, too, an upgrade (USR2) included, which knows nothing of what was before;
 *   - with nothing good before (a start with a broken text), every host answers 503: what was
 *     refused could be the `deny` of all of them. A location that is refused closes only itself.
 * What can only format, tune, or name what others would use (DIRECTIVE_MINOR) refuses nothing.
 */
#ifndef SILEX_MASTER_TRANSLATE_SNIPPET_OF_ALL_H
#define SILEX_MASTER_TRANSLATE_SNIPPET_OF_ALL_H

#include "common/text.h"
#include "master/translate/finding.h"
#include "master/translate/snippet/snippet.h"

enum of_all_key { /* the order in which they are read: each may use what those before it set */
	OF_ALL_HTTP,
	OF_ALL_HOST,
	OF_ALL_PATH,
	OF_ALL_AUTH,
	OF_ALL_MAIN,
	OF_ALL_STREAM,
	OF_ALL_KEYS
};
#define OF_ALL_PROGRAMS (OF_ALL_AUTH + 1) /* those that become a program */

struct of_all_version {
	char *text[OF_ALL_PROGRAMS];          /* NUL-terminated; NULL: none */
	struct text program[OF_ALL_PROGRAMS]; /* of the text alone; that of a host with http's */
	struct text maps;                     /* policy_map.h */
	struct snippet_zones zones;           /* of limit_req_zone */
	struct snippet_servers servers;       /* on ports of their own */
	struct snippet_names names;           /* that they set */
	bool refused, partly;                 /* one of the first three; a location of them */
	bool auth_refused;
};

struct snippets_state {
	struct of_all_version now;    /* in force */
	bool known;                   /* it is good, though perhaps empty: there was a ConfigMap */
	bool closed;                  /* nothing is in force, and every host answers 503 */
	bool auth_known, auth_closed; /* the same of the questions; known only with the others */
	bool maps_queued;             /* for the next flush */
	struct finding_scope found;
};

struct translate;

/* Before the settings are read: which variables the ConfigMap's maps define, so that templates may
 * name them (vars.h). cm may be NULL. */
void of_all_define(const struct configmap *cm);
/* After the settings. */
void of_all_conf_changed(struct translate *t);
/* Is there anything for a host? */
bool of_all_has_host(const struct translate *t);
/* The maps into the sink, when they have changed. 0, or -1 with errno. */
int of_all_flush_maps(struct translate *t);
struct str of_all_text(const struct translate *t, enum of_all_key key);
struct str of_all_program(const struct translate *t, enum of_all_key key);
/* Its servers on ports of their own. Borrowed, until the settings change. */
const struct snippet_servers *of_all_servers(const struct translate *t);
void of_all_free(struct translate *t);

#endif
