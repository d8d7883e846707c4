/*
 * events_int: shared by events.c (who may say what, and what is remembered) and event_write.c (how
 * it reaches the API server).
 */
#ifndef SILEX_K8S_WRITE_EVENTS_INT_H
#define SILEX_K8S_WRITE_EVENTS_INT_H

#include <bsd/sys/queue.h>

#include "common/loop/timer.h"
#include "k8s/write/events.h"

#define TABLE_SIZE 1024u /* buckets */
#define STAMP_MAX  32

/* One Event object: written once, then counted up. */
struct entry {
	struct events *owner;
	LIST_ENTRY(entry) bucket;
	TAILQ_ENTRY(entry) age;  /* least recently said first */
	TAILQ_ENTRY(entry) work; /* in owner->waiting */
	uint64_t key;            /* object, reason and message */
	char *api_version, *kind, *ns, *name, *uid, *resource_version, *reason, *message;
	char event_name[320];
	char first[STAMP_MAX];
	uint64_t said_ms, written_ms;
	uint32_t count, written_count;
	bool warning, waiting, created;
	struct api_call *call;
	struct timer due;
};
LIST_HEAD(entry_bucket, entry);
TAILQ_HEAD(entry_list, entry);

/* What an object may still say. */
struct budget {
	uint64_t key, at_ms;
	uint32_t left;
};

struct events {
	struct ev *ev;
	struct api_client *client;
	char *component, *instance;
	struct entry_bucket table[TABLE_SIZE];
	struct budget budgets[TABLE_SIZE]; /* a collision shares a budget: harmless */
	struct entry_list age, waiting;
	uint32_t entries, running;
	uint64_t serial;
	int said_status; /* the failure that was logged: not again; -1: none */
	struct events_stats stats;
};

/* Write it when it is its turn: now, or behind those that wait. */
void event_write(struct entry *n);
/* entry.due: repeats were collected for long enough. */
void event_due(struct timer *t);
/* Now, as Kubernetes writes times of whole seconds. */
void event_stamp(char out[STAMP_MAX]);

#endif
