/* of_all: see of_all.h. */
#include "master/translate/snippet/of_all.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/policy/policy_map.h"
#include "common/vars/vars.h"
#include "master/translate/graph/graph_mem.h"
#include "master/translate/policy_make.h"
#include "master/translate/state.h"

static const struct {
	const char *key;
	enum snippet_kind kind;
} keys[OF_ALL_KEYS] = {
    [OF_ALL_HTTP] = {"http-snippet", SNIPPET_OF_HTTP},
    [OF_ALL_HOST] = {"server-snippet", SNIPPET_OF_HOST},
    [OF_ALL_PATH] = {"location-snippet", SNIPPET_OF_PATH},
    [OF_ALL_AUTH] = {"global-auth-snippet", SNIPPET_OF_AUTH},
    [OF_ALL_MAIN] = {"main-snippet", SNIPPET_OF_OTHER},
    [OF_ALL_STREAM] = {"stream-snippet", SNIPPET_OF_OTHER},
};

struct telling {
	struct translate *t;
	const struct configmap *cm;
	enum of_all_key key;
	struct of_all_version *to;
	struct annots tried; /* what a location-snippet gives, to see whether it can be */
};

/* --- what the administrator is told -------------------------------------------------------- */

#define STAYS                                                              \
	": what was there before stays in force until that is mended, in " \
	"all snippets of this ConfigMap; were Silex started now, "

/* Also what a start would make of it, an upgrade and a new pod included: nothing is in force then.
 */
static const char *outcome(const struct telling *to, enum snippet_told how)
{
	const struct snippets_state *s = &to->t->snippets;

	if (to->key == OF_ALL_AUTH)
		return s->auth_known ? STAYS "paths that global-auth-url protects would answer 503"
				     : ": every path that global-auth-url protects answers 503 "
				       "until that is mended";
	if (how == SNIPPET_LOCATION_CLOSED)
		return s->known ? STAYS "it would answer 503" : " answers 503 until that is mended";
	return s->known ? STAYS "every host would answer 503"
			: ": every host answers 503 until that is mended";
}

static void tell(void *arg, enum snippet_told how, const char *text)
{
	struct telling *to = arg;
	bool bad = how == SNIPPET_REFUSED || how == SNIPPET_LOCATION_CLOSED;

	finding_about(&to->t->findings, &to->t->snippets.found,
		      bad                       ? FINDING_REFUSED
		      : how == SNIPPET_LEFT_OUT ? FINDING_WARN
						: FINDING_NOTE,
		      bad ? "SnippetRefused" : "SnippetIdle", &to->cm->o, "%s: %s%s",
		      keys[to->key].key, text, bad ? outcome(to, how) : "");
	to->to->partly |= how == SNIPPET_LOCATION_CLOSED;
	if (how == SNIPPET_REFUSED && to->key == OF_ALL_AUTH)
		to->to->auth_refused = true;
	else if (how == SNIPPET_REFUSED)
		to->to->refused = true;
}

static const char *give(void *arg, enum annot_id id, struct str value)
{
	struct telling *to = arg;

	return annots_set(&to->tried, id, value);
}

/* --- a version ----------------------------------------------------------------------------- */

static void version_free(struct of_all_version *v)
{
	for (unsigned k = 0; k < OF_ALL_PROGRAMS; k++) {
		free(v->text[k]);
		free(v->program[k].p);
	}
	free(v->maps.p);
	servers_free(&v->servers);
	*v = (struct of_all_version){.refused = false};
}

static struct str find(const struct configmap *cm, const char *key)
{
	for (uint32_t i = 0; cm != NULL && i < cm->data.n; i++)
		if (str_eq(cm->data.kv[i].key, str_from(key)))
			return str_trim(cm->data.kv[i].value);
	return STR_NONE;
}

/* The variables of its maps may be named from here on. */
static void define(struct str http)
{
	static struct snippet_names names;
	static struct str strs[SNIPPET_NAMES_MAX];

	snippet_http_names(http, &names);
	for (unsigned i = 0; i < names.n; i++)
		strs[i] = str_from(names.name[i]);
	vars_define(strs, names.n);
}

void of_all_define(const struct configmap *cm)
{
	define(find(cm, keys[OF_ALL_HTTP].key));
}

static void compile(struct translate *t, const struct configmap *cm, enum of_all_key key,
		    struct of_all_version *v)
{
	struct str text = find(cm, keys[key].key), http = STR_NONE;
	struct telling to = {.t = t, .cm = cm, .key = key, .to = v};
	const struct snippet_user user = {.tell = tell, .give = give, .arg = &to};
	struct text program;

	if (key == OF_ALL_HOST)
		http = str_make(v->program[OF_ALL_HTTP].p, v->program[OF_ALL_HTTP].n);
	if (text.n == 0 && http.n == 0)
		return;
	annots_defaults(&to.tried);
	if (!snippet_compile(&(struct snippet_job){.kind = keys[key].kind,
						   .from = {{text, &user, true}},
						   .n = 1,
						   .maps = &v->maps,
						   .zones = &v->zones,
						   .servers = &v->servers,
						   .above = http,
						   .ports = {(unsigned)t->conf.http_port,
							     (unsigned)t->conf.https_port},
						   .healthz = (unsigned)t->conf.healthz_port},
			     &v->names, &program) ||
	    key >= OF_ALL_PROGRAMS) {
		free(program.p);
		return;
	}
	v->text[key] = strndup(text.n > 0 ? text.p : "", text.n);
	CHECK(v->text[key] != NULL);
	if (snippet_does_something(&program))
		v->program[key] = program;
	else
		free(program.p);
}

/* The texts as they are now, if they can be read. */
static void make(struct translate *t, const struct configmap *cm, struct of_all_version *v)
{
	*v = (struct of_all_version){.refused = false};
	text_growing(&v->maps, MAPS_BYTES_MAX);
	for (unsigned key = 0; key < OF_ALL_KEYS; key++)
		compile(t, cm, (enum of_all_key)key, v);
}

static void swap(struct of_all_version *a, struct of_all_version *b, enum of_all_key key)
{
	struct text program = a->program[key];
	char *text = a->text[key];

	a->program[key] = b->program[key];
	a->text[key] = b->text[key];
	b->program[key] = program;
	b->text[key] = text;
}

/* Nothing of the first three is in force. */
static void drop(struct of_all_version *v)
{
	for (unsigned key = 0; key < OF_ALL_AUTH; key++) {
		free(v->text[key]);
		free(v->program[key].p);
		v->text[key] = NULL;
		v->program[key] = (struct text){.p = NULL};
	}
	v->maps.n = 0;
	servers_free(&v->servers);
}

/* Does what is in force stay so? A text of questions that was never good holds nothing up: its
 * paths are closed. */
static bool stays(const struct snippets_state *s, const struct of_all_version *v)
{
	return (s->known && (v->refused || v->partly)) || (s->auth_known && v->auth_refused);
}

/* All of them or none: a new text of one beside an old one of another could let somebody in. */
static void take(struct snippets_state *s, struct of_all_version *v, bool there)
{
	struct snippet_servers servers = s->now.servers;
	struct text maps = s->now.maps;

	if (stays(s, v))
		return;
	if (v->refused)
		drop(v);
	for (unsigned key = 0; key < OF_ALL_PROGRAMS; key++)
		swap(&s->now, v, (enum of_all_key)key);
	s->now.maps = v->maps;
	v->maps = maps;
	s->now.servers = v->servers;
	v->servers = servers;
	s->now.names = v->names;
	s->now.zones = v->zones;
	s->closed = v->refused;
	s->known = there && !v->refused;
	s->auth_closed = v->auth_refused;
	s->auth_known = s->known && !v->auth_refused;
}

void of_all_conf_changed(struct translate *t)
{
	const struct configmap *cm = config_of(&t->conf, t->store);
	struct of_all_version v;

	of_all_define(cm);
	finding_begin(&t->snippets.found);
	make(t, cm, &v);
	finding_end(&t->snippets.found);
	take(&t->snippets, &v, cm != NULL);
	version_free(&v);
	define(of_all_text(t, OF_ALL_HTTP));
	t->snippets.maps_queued = true;
}

int of_all_flush_maps(struct translate *t)
{
	struct policy *maps;
	int rc;

	if (!t->snippets.maps_queued || t->sink.put_maps == NULL)
		return 0;
	t->snippets.maps_queued = false;
	t->wrote = true;
	maps = policy_make_maps(str_make(t->snippets.now.maps.p, t->snippets.now.maps.n));
	rc = t->sink.put_maps(t->sink.arg, maps);
	free(maps);
	return rc;
}

/* --- what is in force ---------------------------------------------------------------------- */

struct str of_all_text(const struct translate *t, enum of_all_key key)
{
	const char *text = t->snippets.now.text[key];

	return text == NULL ? STR_NONE : str_from(text);
}

struct str of_all_program(const struct translate *t, enum of_all_key key)
{
	const struct text *p = &t->snippets.now.program[key];

	return str_make(p->p, p->n);
}

const struct snippet_servers *of_all_servers(const struct translate *t)
{
	return &t->snippets.now.servers;
}

bool of_all_has_host(const struct translate *t)
{
	return t->snippets.closed || of_all_program(t, OF_ALL_HOST).n > 0;
}

void of_all_free(struct translate *t)
{
	version_free(&t->snippets.now);
	finding_scope_free(&t->snippets.found);
}
