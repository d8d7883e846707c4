/*
 * finding: something in the user's objects that was refused, ignored, or cannot work, and how to
 * mend it.
 *
 * Every place that renders (an Ingress, a host, a cluster) has a scope: the findings of its last
 * rendering. Rendering again tells only what is new, so an unchanged fault is told once, and a
 * fault that went and came back is told again.
 */
#ifndef SILEX_MASTER_TRANSLATE_FINDING_H
#define SILEX_MASTER_TRANSLATE_FINDING_H

#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "k8s/objects/obj.h"

enum finding_level {
	FINDING_NOTE,    /* worth knowing */
	FINDING_WARN,    /* a part does not work as written */
	FINDING_REFUSED, /* the object, or the path, is not served */
};

struct finding {
	enum finding_level level;
	const char *reason; /* one CamelCase word, as Kubernetes Events have it */
	enum obj_kind kind; /* about: an object that need not exist */
	struct str ns, name;
	struct str file; /* manifests: where it stands; empty and 0 otherwise */
	uint32_t line;
	const char *text; /* one sentence or two: what is wrong, and how to mend it */
};

/* Everything is valid during the call only. */
typedef void finding_fn(void *arg, const struct finding *f);

/* One log line a finding. arg is not used. */
void finding_to_log(void *arg, const struct finding *f);

/* Who is told. One for a whole translation. */
struct findings {
	finding_fn *tell;
	void *arg;
};

struct finding_scope {       /* all zero at first */
	uint64_t *old, *now; /* hashes of the last rendering, and of this one */
	uint32_t n_old, n_now, cap_now;
};

void finding_scope_free(struct finding_scope *s);
/* A rendering: begin, any number of findings, end. */
void finding_begin(struct finding_scope *s);
void finding_end(struct finding_scope *s);

/* A finding about object o. */
void finding_about(struct findings *f, struct finding_scope *s, enum finding_level level,
		   const char *reason, const struct obj *o, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

#endif
