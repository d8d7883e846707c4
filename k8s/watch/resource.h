/*
 * resource: where a kind lives in the API, and how its lists and watches are asked for.
 */
#ifndef SILEX_K8S_WATCH_RESOURCE_H
#define SILEX_K8S_WATCH_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/objects/obj.h"

/* What of a kind is wanted. */
struct resource_scope {
	enum obj_kind kind;
	char ns[64];    /* "": all namespaces */
	char name[254]; /* "": all names; else this one object */
	char label_selector[256];
};

struct resource_query {
	bool watch;
	bool initial_events;          /* WatchList: sendInitialEvents */
	uint32_t limit;               /* list: page size; 0: no limit */
	const char *continue_token;   /* list: NULL on the first page */
	const char *resource_version; /* watch: from here on */
	uint32_t timeout_s;           /* watch */
};

/* "networking.k8s.io" or "" and "ingresses": as RBAC rules write them. */
const char *resource_group(enum obj_kind kind);
const char *resource_plural(enum obj_kind kind);

/* A malloc'ed path with its query, values percent-encoded; NULL with errno ENOMEM. */
char *resource_path(const struct resource_scope *s, const struct resource_query *q);
/* Percent-encode a query value; cut at cap, always NUL-terminated. */
void resource_encode(char *out, size_t cap, const char *value);

#endif
