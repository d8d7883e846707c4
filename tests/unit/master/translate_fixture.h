/*
 * translate_fixture: YAML in, a picture of the table out.
 *
 * The picture is a sink that remembers what was put, as sorted lines of text:
 *     a.test prefix /foo web-app-80            one path of a host: kind, path, cluster
 *     a.test prefix /bar web-app-80 slash      "/bar" itself is redirected
 *     * prefix / web-app-80 default            reached as a default backend
 *     a.test -                                 a host without a path
 *     web-app-80: 10.0.0.1:8080 10.0.0.2:8080~ a cluster, "~" a terminating endpoint
 *     default web-app-80                       only when it is not the built-in 404
 */
#ifndef SILEX_TESTS_TRANSLATE_FIXTURE_H
#define SILEX_TESTS_TRANSLATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/objects/decode.h"
#include "k8s/text/json.h"
#include "k8s/objects/store.h"
#include "k8s/text/yaml.h"
#include "master/translate/translate.h"

#define TEXT_MAX 16384

/* --- the picture --------------------------------------------------------------------------- */

struct shape {       /* one host or cluster */
	char *host;  /* NULL: a cluster */
	uint64_t id; /* of the cluster */
	char *name;
	char *text; /* host: lines "kind path <id> flags"; cluster: endpoints */
};

struct picture {
	struct shape shapes[512];
	unsigned n;
	uint64_t default_cluster;
	struct policy policy; /* of the path put last */
	unsigned puts_host, puts_cluster, dels_host, dels_cluster, puts_default;
	int fail_after; /* puts and deletes until ENOSPC; -1 = never */
};

static inline void picture_free(struct picture *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		free(p->shapes[i].host);
		free(p->shapes[i].name);
		free(p->shapes[i].text);
	}
	p->n = 0;
}

static inline char *copy_z(const char *z)
{
	return z == NULL ? NULL : strdup(z);
}

/* to must be empty. Counters are not part of the picture. */
static inline void picture_copy(struct picture *to, const struct picture *from)
{
	to->n = from->n;
	to->default_cluster = from->default_cluster;
	for (unsigned i = 0; i < from->n; i++)
		to->shapes[i] = (struct shape){.host = copy_z(from->shapes[i].host),
					       .id = from->shapes[i].id,
					       .name = copy_z(from->shapes[i].name),
					       .text = copy_z(from->shapes[i].text)};
}

static inline int picture_fails(struct picture *p)
{
	if (p->fail_after < 0 || p->fail_after-- > 0)
		return 0;
	p->fail_after = 0;
	errno = ENOSPC;
	return -1;
}

static inline struct shape *picture_find(struct picture *p, const char *host, uint64_t id)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct shape *s = &p->shapes[i];

		if (host != NULL ? s->host != NULL && strcmp(s->host, host) == 0
				 : s->host == NULL && s->id == id)
			return s;
	}
	return NULL;
}

static inline void picture_remove(struct picture *p, struct shape *s)
{
	if (s == NULL)
		return;
	free(s->host);
	free(s->name);
	free(s->text);
	*s = p->shapes[--p->n];
}

static inline void picture_put(struct picture *p, const char *host, uint64_t id, const char *name,
			       const char *text)
{
	picture_remove(p, picture_find(p, host, id));
	assert_true(p->n < 512);
	p->shapes[p->n++] = (struct shape){
	    .host = copy_z(host), .id = id, .name = copy_z(name), .text = copy_z(text)};
}

static inline void host_text(const struct model_host *h, char *out)
{
	static const char *const kinds[] = {"exact", "prefix", "regex"};
	size_t at = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < h->n_paths; i++) {
		const struct model_path *p = &h->paths[i];

		for (uint32_t j = 0; j < i; j++)
			assert_false(p->kind == h->paths[j].kind &&
				     str_eq(p->path, h->paths[j].path));
		at += (size_t)snprintf(out + at, TEXT_MAX - at,
				       "%s " STR_FMT " %" PRIx64 " " STR_FMT "/" STR_FMT "%s%s\n",
				       kinds[p->kind], STR_ARG(p->path), p->cluster, STR_ARG(p->ns),
				       STR_ARG(p->ingress), p->slash_only ? " slash" : "",
				       p->default_backend ? " default" : "");
		assert_true(at < TEXT_MAX);
	}
}

static int rec_put_host(void *arg, const struct model_host *h)
{
	struct picture *p = arg;
	static char text[TEXT_MAX];
	char name[256];

	p->puts_host++;
	if (picture_fails(p) == -1)
		return -1;
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(h->name));
	host_text(h, text);
	picture_put(p, name, 0, NULL, text);
	if (h->n_paths > 0)
		p->policy = *h->paths[h->n_paths - 1].policy;
	return 0;
}

static int rec_del_host(void *arg, struct str host)
{
	struct picture *p = arg;
	char name[256];

	p->dels_host++;
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(host));
	if (picture_fails(p) == -1)
		return -1;
	picture_remove(p, picture_find(p, name, 0));
	return 0;
}

static int rec_put_cluster(void *arg, const struct model_cluster *c)
{
	struct picture *p = arg;
	static char text[TEXT_MAX];
	char name[256], addr[ADDR_TEXT_MAX + 1];
	size_t at = 0;

	p->puts_cluster++;
	if (picture_fails(p) == -1)
		return -1;
	text[0] = '\0';
	for (uint32_t i = 0; i < c->n_endpoints; i++) {
		addr[addr_text(&c->endpoints[i].addr, addr)] = '\0';
		assert_int_equal(c->endpoints[i].weight, 1);
		at += (size_t)snprintf(text + at, TEXT_MAX - at, " %s%s", addr,
				       c->endpoints[i].state == ENDPOINT_TERMINATING ? "~" : "");
	}
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(c->name));
	picture_put(p, NULL, c->id, name, text);
	return 0;
}

static int rec_del_cluster(void *arg, uint64_t id)
{
	struct picture *p = arg;

	p->dels_cluster++;
	if (picture_fails(p) == -1)
		return -1;
	picture_remove(p, picture_find(p, NULL, id));
	return 0;
}

static int rec_put_default(void *arg, uint64_t cluster, const struct policy *policy)
{
	struct picture *p = arg;

	p->puts_default++;
	assert_non_null(policy);
	if (picture_fails(p) == -1)
		return -1;
	p->default_cluster = cluster;
	return 0;
}

static inline struct translate_sink picture_sink(struct picture *p)
{
	return (struct translate_sink){.put_host = rec_put_host,
				       .del_host = rec_del_host,
				       .put_cluster = rec_put_cluster,
				       .del_cluster = rec_del_cluster,
				       .put_default = rec_put_default,
				       .arg = p};
}

/* --- the picture as text ------------------------------------------------------------------- */

static inline const char *cluster_name_of(struct picture *p, uint64_t id)
{
	const struct shape *s = picture_find(p, NULL, id);

	if (id == 0)
		return "none";
	return s == NULL ? "DANGLING" : s->name;
}

struct lines {
	char *v[4096];
	unsigned n;
};

__attribute__((format(printf, 2, 3))) static inline void lines_add(struct lines *l, const char *fmt,
								   ...)
{
	va_list ap;

	assert_true(l->n < 4096);
	va_start(ap, fmt);
	assert_true(vasprintf(&l->v[l->n++], fmt, ap) >= 0);
	va_end(ap);
}

static inline int line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void host_lines(struct picture *p, const struct shape *s, bool owner, struct lines *l)
{
	const char *name = s->host[0] == '\0' ? "*" : s->host;
	char *text = strdup(s->text), *save = NULL;

	if (text[0] == '\0')
		lines_add(l, "%s -", name);
	for (char *one = strtok_r(text, "\n", &save); one != NULL;
	     one = strtok_r(NULL, "\n", &save)) {
		char kind[16], path[512], who[256], flags[64] = "";
		uint64_t id;

		assert_true(sscanf(one, "%15s %511s %" SCNx64 " %255s%63[^\n]", kind, path, &id,
				   who, flags) >= 4);
		lines_add(l, "%s %s %s %s%s%s%s", name, kind, path, cluster_name_of(p, id), flags,
			  owner ? " of " : "", owner ? who : "");
	}
	free(text);
}

enum {
	SHOW_HOSTS = 1,
	SHOW_CLUSTERS = 2,
	SHOW_OWNERS = 4,
	SHOW_ALL = 7
};

/* malloc'ed. */
static inline char *picture_text(struct picture *p, unsigned show)
{
	static struct lines l;
	char *out = NULL;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	l.n = 0;
	for (unsigned i = 0; i < p->n; i++) {
		const struct shape *s = &p->shapes[i];

		if (s->host != NULL && (show & SHOW_HOSTS))
			host_lines(p, s, (show & SHOW_OWNERS) != 0, &l);
		else if (s->host == NULL && (show & SHOW_CLUSTERS))
			lines_add(&l, "%s:%s", s->name, s->text);
	}
	if (p->default_cluster != 0)
		lines_add(&l, "default %s", cluster_name_of(p, p->default_cluster));
	qsort(l.v, l.n, sizeof(l.v[0]), line_cmp);
	for (unsigned i = 0; i < l.n; i++) {
		fprintf(f, "%s\n", l.v[i]);
		free(l.v[i]);
	}
	fclose(f);
	return out;
}

/* --- objects from YAML --------------------------------------------------------------------- */

struct objects {
	struct obj *v[64];
	unsigned n;
};

static inline void keep_object(void *arg, struct decoded *d)
{
	struct objects *o = arg;

	if (d->what != DECODED_OBJECT)
		fail_msg("line %u: %s", d->line, d->text);
	assert_true(o->n < 64);
	o->v[o->n++] = d->obj;
}

/* Everything in the text, in order. As from a file, or as from the API server. */
static inline void decode_yaml(const char *yaml, bool api, struct objects *out)
{
	struct str rest = str_from(yaml);
	struct yaml_doc doc;
	uint32_t line = 1;
	struct decode_from from = {.file_mode = !api, .file = api ? STR_NONE : STR("t.yaml")};

	out->n = 0;
	while (yaml_next(&rest, &line, &doc)) {
		struct jv_err err = {0};
		struct json_object *v = yaml_parse(&doc, &err);

		if (v == NULL)
			fail_msg("line %u: %s", err.line, err.text);
		from.doc++;
		decode_any(v, &from, keep_object, out);
		json_object_put(v);
	}
}

/* One object. */
static inline struct obj *decode_one(const char *yaml)
{
	struct objects o;

	decode_yaml(yaml, false, &o);
	assert_int_equal(o.n, 1);
	return o.v[0];
}

/* --- a translation with its store and picture ---------------------------------------------- */

struct world {
	struct conf conf;
	struct store *store;
	struct picture picture;
	struct translate *t;
	char findings[TEXT_MAX]; /* lines "Reason namespace/name" */
	char texts[TEXT_MAX];    /* the sentences */
};

__attribute__((format(printf, 2, 3))) static inline void append(char *to, const char *fmt, ...)
{
	size_t at = strlen(to);
	va_list ap;

	va_start(ap, fmt);
	assert_true(vsnprintf(to + at, TEXT_MAX - at, fmt, ap) < (int)(TEXT_MAX - at));
	va_end(ap);
}

static void world_finding(void *arg, const struct finding *f)
{
	struct world *w = arg;

	append(w->findings, "%s " STR_FMT "/" STR_FMT "\n", f->reason, STR_ARG(f->ns),
	       STR_ARG(f->name));
	append(w->texts, "%s\n", f->text);
}

/* settings: "key=value;key=value", or NULL. */
static inline void world_set(struct conf *c, const char *settings)
{
	char err[CONF_ERROR_MAX];
	char *copy = strdup(settings == NULL ? "" : settings), *save = NULL;

	conf_init(c);
	for (char *one = strtok_r(copy, ";", &save); one != NULL;
	     one = strtok_r(NULL, ";", &save)) {
		char *equals = strchr(one, '=');

		assert_non_null(equals);
		*equals = '\0';
		if (conf_set(c, str_from(one), str_from(equals + 1), err) != 0)
			fail_msg("%s", err);
	}
	free(copy);
}

static inline void world_translate(struct world *w)
{
	struct translate_sink sink = picture_sink(&w->picture);

	w->picture.fail_after = -1;
	w->t = translate_new(&w->conf, w->store, &sink, world_finding, w);
	store_listen(w->store, translate_event, w->t);
}

static inline struct world *world_new(const char *settings)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	world_set(&w->conf, settings);
	w->store = store_new();
	assert_non_null(w->store);
	return w;
}

static inline void world_free(struct world *w)
{
	translate_free(w->t);
	store_free(w->store);
	picture_free(&w->picture);
	free(w);
}

static inline int world_flush(struct world *w)
{
	int rc = translate_flush(w->t);

	if (rc == 1)
		translate_published(w->t);
	return rc;
}

static inline void world_put(struct world *w, const char *yaml)
{
	(void)store_put(w->store, decode_one(yaml));
}

/* --- YAML in little space ------------------------------------------------------------------ */

#define CLASS_OF(name, controller)                                                          \
	"---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: " name \
	"}\nspec: {controller: " controller "}\n"
#define CLASS CLASS_OF("nginx", "k8s.io/ingress-nginx")

#define META(ns, name, created) \
	"metadata: {name: " name ", namespace: " ns ", creationTimestamp: '" created "'"
#define DAY(d) "2024-01-" d "T00:00:00Z"

#define ING_META(meta, spec) \
	"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\n" meta "}\nspec: {" spec "}\n"
/* In namespace web, of our class. */
#define ING(name, day, spec) ING_META(META("web", name, DAY(day)), "ingressClassName: nginx, " spec)
#define RULES(...)           "rules: [" __VA_ARGS__ "]"
#define HTTP(paths)          "http: {paths: [" paths "]}"
#define RULE(host, paths)    "{host: '" host "', " HTTP(paths) "}, "
#define ANY(paths)           "{" HTTP(paths) "}, "
#define BACKEND(svc, port)   "{service: {name: " svc ", port: {" port "}}}"
#define P(path, type, svc) \
	"{path: " path ", pathType: " type ", backend: " BACKEND(svc, "number: 80") "}, "
#define DEFAULT(svc) "defaultBackend: " BACKEND(svc, "number: 80") ", "

#define SVC_SPEC(ns, name, spec)                                                        \
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: " ns \
	"}\nspec: {" spec "}\n"
#define PORTS(...) "ports: [" __VA_ARGS__ "]"
#define SVC(name)  SVC_SPEC("web", name, PORTS("{port: 80, targetPort: 8080}"))

#define SLICE_SPEC(ns, name, svc, type, ports, endpoints)                                         \
	"---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: " name       \
	", namespace: " ns ", labels: {kubernetes.io/service-name: " svc "}}\naddressType: " type \
	"\nports: [" ports "]\nendpoints: [" endpoints "]\n"
#define EP(addr)                    "{addresses: ['" addr "']}, "
#define EPC(addr, conds)            "{addresses: ['" addr "'], conditions: {" conds "}}, "
#define SLICE(name, svc, endpoints) SLICE_SPEC("web", name, svc, "IPv4", "{port: 8080}", endpoints)
/* A Service with one endpoint. */
#define APP(name, addr) SVC(name) SLICE(name "-1", name, EP(addr))

#endif
