/* snippet_int: what the files of this room share. */
#ifndef SILEX_WORKER_SNIPPET_SNIPPET_INT_H
#define SILEX_WORKER_SNIPPET_SNIPPET_INT_H

#include "worker/snippet/snippet.h"

enum run {
	RUN_ON,    /* to its end */
	RUN_AGAIN, /* to its end, and the path is another one */
	RUN_LEFT,  /* the request goes elsewhere: *next */
};

/* ops.c: do the ops of a part. */
enum run snippet_run(struct request *r, struct snippet_part *part, enum step_next *next);
/* The value of a template, in the arena or borrowed. False: it does not fit. */
bool snippet_value(struct request *r, struct str program, struct str *out);

/* answer.c: what return and rewrite say to the client. */
enum step_next snippet_return(struct request *r, const struct snip_step *s);
enum step_next snippet_go(struct request *r, uint16_t status, struct str url);
enum step_next snippet_failed(struct request *r, enum reason why);

/* The list that counts for the request now: its own, or that of the block around. */
struct str snippet_list(const struct request *r, enum snip_list list);
/* All that are done, the outer ones first, of a list that merges (policy_snippet.h). How many. */
#define SNIPPET_LISTS 6 /* of three parts the block, and an if in it */
unsigned snippet_lists(const struct request *r, enum snip_list list, struct str all[SNIPPET_LISTS]);
/* That of the path's own snippets alone. */
struct str snippet_list_of_path(const struct request *r, enum snip_list list);

#endif
