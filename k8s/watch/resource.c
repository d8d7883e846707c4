/* resource: see resource.h. */
#include "k8s/watch/resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"

static const struct {
	const char *root, *group, *plural;
} places[OBJ_KINDS] = {
    [OBJ_INGRESS] = {"/apis/networking.k8s.io/v1", "networking.k8s.io", "ingresses"},
    [OBJ_CLASS] = {"/apis/networking.k8s.io/v1", "networking.k8s.io", "ingressclasses"},
    [OBJ_SERVICE] = {"/api/v1", "", "services"},
    [OBJ_SLICE] = {"/apis/discovery.k8s.io/v1", "discovery.k8s.io", "endpointslices"},
    [OBJ_SECRET] = {"/api/v1", "", "secrets"},
    [OBJ_CONFIGMAP] = {"/api/v1", "", "configmaps"},
    [OBJ_NAMESPACE] = {"/api/v1", "", "namespaces"},
    [OBJ_NODE] = {"/api/v1", "", "nodes"},
};

const char *resource_group(enum obj_kind kind)
{
	CHECK(kind < OBJ_KINDS);
	return places[kind].group;
}

const char *resource_plural(enum obj_kind kind)
{
	CHECK(kind < OBJ_KINDS);
	return places[kind].plural;
}

/* Unreserved characters of RFC 3986 §2.3 pass, everything else becomes %XX. */
static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("-._~", c) != NULL;
}

static void put_encoded(FILE *f, const char *s)
{
	for (; *s != '\0'; s++)
		(void)fprintf(f, is_unreserved((unsigned char)*s) ? "%c" : "%%%02X",
			      (unsigned char)*s);
}

void resource_encode(char *out, size_t cap, const char *value)
{
	size_t n = 0;

	for (; *value != '\0' && n + 4 <= cap; value++)
		n += (size_t)snprintf(out + n, cap - n,
				      is_unreserved((unsigned char)*value) ? "%c" : "%%%02X",
				      (unsigned char)*value);
	out[n] = '\0';
}

static void put_pair(FILE *f, char *sep, const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	(void)fprintf(f, "%c%s=", *sep, key);
	put_encoded(f, value);
	*sep = '&';
}

static void put_number(FILE *f, char *sep, const char *key, uint32_t value)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", value);
	put_pair(f, sep, key, value == 0 ? NULL : text);
}

static void put_query(FILE *f, const struct resource_scope *s, const struct resource_query *q)
{
	char field[sizeof(s->name) + 32] = "";
	char sep = '?';

	if (s->name[0] != '\0')
		(void)snprintf(field, sizeof(field), "metadata.name=%s", s->name);
	put_pair(f, &sep, "fieldSelector", field);
	put_pair(f, &sep, "labelSelector", s->label_selector);
	put_number(f, &sep, "limit", q->limit);
	put_pair(f, &sep, "continue", q->continue_token);
	if (!q->watch)
		return;
	put_pair(f, &sep, "watch", "1");
	put_pair(f, &sep, "allowWatchBookmarks", "true");
	put_pair(f, &sep, "resourceVersion", q->resource_version);
	put_number(f, &sep, "timeoutSeconds", q->timeout_s);
	if (q->initial_events) {
		put_pair(f, &sep, "sendInitialEvents", "true");
		put_pair(f, &sep, "resourceVersionMatch", "NotOlderThan");
	}
}

char *resource_path(const struct resource_scope *s, const struct resource_query *q)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (f == NULL)
		return NULL;
	(void)fputs(places[s->kind].root, f);
	if (s->ns[0] != '\0' && obj_kind_namespaced(s->kind)) {
		(void)fputs("/namespaces/", f);
		put_encoded(f, s->ns);
	}
	(void)fprintf(f, "/%s", places[s->kind].plural);
	put_query(f, s, q);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
