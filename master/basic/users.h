/*
 * users: from Secrets to lists of users that can be asked about.
 *
 * A Secret that somebody holds is read when it is held and whenever it changes: its lines are
 * checked, the good ones handed to the auth process under a number nobody had before, and
 * forgotten here. Only when the auth process has them may requests be asked about under that
 * number, and the holders are told (changed()). While a changed list is on its way the old one is
 * in force, for the milliseconds that takes; a Secret that is gone, or without a user who could log
 * in, takes its list with it at once.
 *
 * The store forgets what is in such Secrets once it has been read here, as it forgets private keys
 * (store_forget_keys()); when a list is needed again, because it is held for the first time long
 * after the Secret came or the auth process died, the source reads the Secret once more, as it does
 * for certs (certs.h). What was in force stays so meanwhile, under the same number.
 * What must not happen here: hashes that outlive their hand-over, or stand in a message.
 */
#ifndef SILEX_MASTER_BASIC_USERS_H
#define SILEX_MASTER_BASIC_USERS_H

#include <stdbool.h>

#include "common/loop/ev.h"
#include "k8s/objects/store.h"

struct users;
struct users_list; /* a held Secret, read in one way */

enum users_form {
	USERS_FILE, /* an htpasswd file under the key "auth" */
	USERS_MAP   /* each key a user, its value the hash */
};

struct users_ops {
	/* What is said of it below has changed. */
	void (*changed)(void *arg, struct users_list *l);
	/* The Secret of this name, which is in the store, has to be read from its source again. */
	void (*want)(void *arg, struct str ns, struct str name);
	/* Nothing is on its way to the auth process any more. */
	void (*settled)(void *arg);
};

struct users_process { /* the auth process: basic.h, or a test's */
	/* Put a list; the memfd stays the caller's. Without a process it is forgotten, and
	 * users_refill() follows. */
	void (*put)(void *process, uint64_t number, int fd, uint32_t bytes);
	void (*drop)(void *process, uint64_t number);
	void *process;
};

/* Everything is borrowed but what `to` says, which is copied. Out of memory is the end of the
 * process. */
struct users *users_new(struct ev *ev, const struct store *store, const struct users_process *to,
			const struct users_ops *ops, void *arg);
void users_free(struct users *us); /* NULL is ignored; the auth process is not told */

/* Every hold needs its drop. ns and name are copied. */
struct users_list *users_hold(struct users *us, struct str ns, struct str name,
			      enum users_form form);
void users_drop(struct users *us, struct users_list *l);

/* A Secret came, changed, or went: the store says which. */
void users_secret_changed(struct users *us, const struct obj *secret);
/* From store_listen_again(). */
void users_secret_again(struct users *us, const struct secret *again);

/* Its number, to ask the auth process with; 0: it cannot be used, or not yet. */
uint64_t users_number(const struct users_list *l);
/* Why it cannot be used, and how to mend it; NULL when it can be, or will be in a moment. */
const char *users_trouble(const struct users_list *l);
/* What of it is left out, and how to mend it; NULL: nothing. */
const char *users_remark(const struct users_list *l);
struct str users_ns(const struct users_list *l);
struct str users_name(const struct users_list *l);

/* From the auth process: the list of that number is there, or cannot be had. */
void users_acked(struct users *us, uint64_t number, bool ok);
/* A new process, which knows no list. */
void users_refill(struct users *us);
/* Is nothing on its way? */
bool users_settled(const struct users *us);

#endif
