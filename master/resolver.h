/*
 * resolver: addresses of the names that Services of type ExternalName give, by c-ares on the
 * master's loop.
 *
 * A name is asked for when it is first wanted and again when its TTL is over, for as long as it
 * is wanted; while a name server is away the last addresses stay. The number of names and of
 * addresses each is bounded. Which addresses may be used is not decided here.
 */
#ifndef SILEX_MASTER_RESOLVER_H
#define SILEX_MASTER_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/loop/ev.h"
#include "common/str.h"

#define RESOLVER_NAMES_MAX 4096u
#define RESOLVER_ADDRS_MAX 32u
#define RESOLVER_TTL_MIN_S 1u /* a TTL of 0 would ask without pause */
#define RESOLVER_TTL_MAX_S 3600u
#define RESOLVER_RETRY_S   5u /* after a failure */

struct resolver;

enum resolver_state {
	RESOLVER_WAITING, /* asked for the first time */
	RESOLVER_FOUND,
	RESOLVER_FAILED, /* no such name, or no name server; asked again */
};

struct resolved {
	enum resolver_state state;
	struct addr v[RESOLVER_ADDRS_MAX]; /* sorted, port 0; the last good ones */
	uint32_t n;
	const char *why; /* FAILED: one line */
};

struct resolver_ops {
	/* What is known of a name has changed. Never from within resolver_get(). */
	void (*changed)(void *arg, struct str name);
	/* Before it is asked again: does anybody still want it? */
	bool (*wanted)(void *arg, struct str name);
};

/* servers: comma separated addresses, with or without port; "": as /etc/resolv.conf says. NULL
 * with errno (EINVAL: servers cannot be read). */
struct resolver *resolver_new(struct ev *ev, const char *servers, const struct resolver_ops *ops,
			      void *arg);
void resolver_free(struct resolver *r); /* NULL is ignored */

/* What is known, valid until the loop's next turn; NULL: too many names, or out of memory. */
const struct resolved *resolver_get(struct resolver *r, struct str text);

#endif
