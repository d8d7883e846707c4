/*
 * reflector_int: shared by reflector.c (when to ask), reflector_apply.c (what an answer means) and
 * reflector_say.c (what is told of it).
 */
#ifndef SILEX_K8S_WATCH_REFLECTOR_INT_H
#define SILEX_K8S_WATCH_REFLECTOR_INT_H

#include "common/loop/timer.h"
#include "k8s/watch/backoff.h"
#include "k8s/watch/lines.h"
#include "k8s/watch/reflector.h"

#define REFLECTOR_MAGIC   0x7265666cu
#define REFLECTOR_RV_MAX  64
#define REFLECTOR_TROUBLE 256

enum reflector_ask { /* what is under way, or next */
	ASK_WATCHLIST,
	ASK_LIST,
	ASK_WATCH,
};

/* What one watch event or page asks for. */
enum apply_result {
	APPLY_OK,
	APPLY_INITIAL_END, /* the picture is whole */
	APPLY_EXPIRED,     /* 410: a new picture is needed */
	APPLY_BUSY,        /* another ERROR event: back off, watch again */
	APPLY_UNSUPPORTED, /* no WatchList here: LIST */
	APPLY_GARBAGE,     /* not JSON, or not the shape of an event */
};

struct reflector {
	uint32_t magic;
	struct ev *ev;
	struct api_client *client;
	struct store *store;
	struct resource_scope scope;
	const struct reflector_ops *ops;
	void *arg;
	uint32_t idle_ms;

	enum reflector_ask ask;
	struct api_call *call; /* NULL: waiting for the timer */
	struct timer timer;
	struct backoff backoff;
	struct lines lines;

	char rv[REFLECTOR_RV_MAX]; /* of the last complete event or list */
	char *continue_token;      /* of the list under way */
	uint32_t page;             /* objects a page */
	bool replacing;            /* a picture is being put into the store */
	bool seen;                 /* by-name scope: the one object was in the picture */
	bool no_watchlist;         /* the server refused it once */
	bool synced;
	bool probe; /* after an outage: is the server's world older than ours? */
	bool probe_ok;
	bool progress;              /* this watch has brought an event or a bookmark */
	bool bookmarks;             /* the server sends them */
	bool dirty;                 /* changes since ops->changed() */
	uint32_t bad_watches;       /* in a row */
	uint64_t asked_ms;          /* when the call under way was started */
	uint64_t refused_ms;        /* since when 403 or 404 is answered; 0: is not */
	int said_status;            /* the trouble that was logged: not again */
	enum apply_result ended_by; /* why on_data stopped the stream */
	char garbage[120];          /* its first bytes, when it was that */
	char trouble[REFLECTOR_TROUBLE];
	struct reflector_stats stats;
};

/* reflector_say.c. status: an HTTP status, or a negative number of our own per class of trouble. */
void reflector_say_trouble(struct reflector *r, int status, const char *why);
void reflector_say_forbidden(struct reflector *r);
/* A proxy in between answers HTML more often than not: its first bytes tell which. */
void reflector_say_garbage(struct reflector *r, const char *what, struct str first);
void reflector_say_live(struct reflector *r);

/* One line of a watch. */
enum apply_result reflector_apply_event(struct reflector *r, struct str line);
/* A page of a list; sets continue_token (NULL: the last page) and, on the first one, rv. */
enum apply_result reflector_apply_page(struct reflector *r, struct str body);
/* A good event or bookmark came: the API is there again. */
void reflector_progress(struct reflector *r);
/* Delete what came from the API. An object of the manifests directory that has the same name is
 * not the API's to delete. */
bool reflector_delete(struct store *store, enum obj_kind kind, struct str ns, struct str name);
/* The picture begins / is whole. */
void reflector_picture_begin(struct reflector *r);
void reflector_picture_end(struct reflector *r);

#endif
