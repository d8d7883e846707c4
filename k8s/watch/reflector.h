/*
 * reflector: keeps one kind of object in the store as the API server has it.
 *
 *            start
 *              |  WatchList where the server has it, else LIST in pages
 *              v
 *   +--- initial picture -----> watching --+-- clean end, reset: watch again from the last version
 *   |          ^                           |
 *   |          +------- 410, silence ------+   (what is stored stays until the new picture is
 * whole)
 *   +-- failure: back off with jitter, try again
 *
 * Reactions to each fault: facts, faults-and-threats §A. Whatever the API does, what is in the
 * store stays there until a whole new picture has replaced it by difference: traffic never notices.
 * Memory is bounded by a page of the list or one event.
 * What must not happen here: knowing what an object is for.
 */
#ifndef SILEX_K8S_WATCH_REFLECTOR_H
#define SILEX_K8S_WATCH_REFLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/loop/ev.h"
#include "k8s/api/client.h"
#include "k8s/watch/resource.h"
#include "k8s/objects/store.h"

struct reflector;

enum reflector_health {
	REFLECTOR_STARTING, /* no picture yet */
	REFLECTOR_LIVE,     /* watching */
	REFLECTOR_STALE,    /* the API is away or refuses: the last picture is used */
};

struct reflector_ops {
	/* Some changes are in the store (its listener has seen each): publish soon. */
	void (*changed)(void *arg);
	/* The first picture is whole, or this kind cannot be had (403, 404) and others must not
	 * wait for it. Once. */
	void (*synced)(void *arg, struct reflector *r);
	/* Not allowed: the rule the role lacks, in one line. Once for as long as it lasts. */
	void (*forbidden)(void *arg, struct reflector *r, const char *why);
	/* Content of objects came through the connection. NULL: nobody wants to know. */
	void (*passed)(void *arg);
	/* An object could not be taken: what, and why. The stream goes on. */
	void (*refused)(void *arg, struct reflector *r, const char *object, const char *why);
};

/* Bookmarks come each minute: two missed and a half. */
#define REFLECTOR_IDLE_MS 150000u

/* client, store and ops are borrowed. idle_ms: a watch silent for longer is begun anew; 0:
 * REFLECTOR_IDLE_MS. Starts at once. NULL with errno ENOMEM. */
struct reflector *reflector_new(struct ev *ev, struct api_client *client, struct store *store,
				const struct resource_scope *scope, uint32_t idle_ms,
				const struct reflector_ops *ops, void *arg);
/* The store keeps what it has. NULL is ignored. */
void reflector_free(struct reflector *r);

/* Ask for the whole picture once more: every object of it is put into the store again. */
void reflector_again(struct reflector *r);
/* A watch under way goes on through another connection (api_client_renew()). False: a picture is
 * under way, try again later. */
bool reflector_renew(struct reflector *r);

const struct resource_scope *reflector_scope(const struct reflector *r);
enum reflector_health reflector_health(const struct reflector *r);
/* Why it is not live: one line, "" when it is. */
const char *reflector_trouble(const struct reflector *r);
/* 0: live; else the HTTP status that prevents it, negative for trouble below HTTP. */
int reflector_trouble_status(const struct reflector *r);
/* Counters since the start, and two moments of the loop's clock (0: never). */
struct reflector_stats {
	uint64_t lists, watches, events, bookmarks, failures, refused;
	uint64_t contact_ms; /* of the last good answer, event or bookmark */
	uint64_t trouble_ms; /* since when it is not live; 0: it is */
};
void reflector_stats(const struct reflector *r, struct reflector_stats *out);

#endif
