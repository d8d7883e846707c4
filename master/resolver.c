/* resolver: see resolver.h. */
#include "master/resolver.h"

#include <ares.h>
#include <bsd/sys/tree.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/loop/timer.h"

#define QUERY_MS    2000 /* the first try; c-ares doubles it */
#define QUERY_TRIES 3

struct name {
	RB_ENTRY(name) link;
	struct resolver *owner;
	struct str text;
	struct resolved known;
	struct timer again;
	bool asking;
};

static int name_cmp(const struct name *a, const struct name *b)
{
	size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
	int c = memcmp(a->text.p, b->text.p, n);

	return c != 0 ? c : (a->text.n > b->text.n) - (a->text.n < b->text.n);
}

RB_HEAD(name_tree, name);
RB_GENERATE_INTERNAL(name_tree, name, link, name_cmp, static __attribute__((unused)))

/* A socket of c-ares'. */
struct sock {
	struct ev_fd f;
	struct resolver *owner;
	LIST_ENTRY(sock) link;
};

struct resolver {
	struct ev *ev;
	ares_channel channel;
	struct name_tree names;
	uint32_t n_names;
	LIST_HEAD(, sock) socks;
	struct timer timeout; /* of the queries under way */
	struct ev_task ask;   /* starts what waits, never from within resolver_get() */
	bool freeing;
	const struct resolver_ops *ops;
	void *arg;
};

/* ---- c-ares on the loop ---------------------------------------------------------------- */

static void set_timeout(struct resolver *r)
{
	struct timeval tv, *left = ares_timeout(r->channel, NULL, &tv);

	if (left == NULL)
		timer_cancel(ev_timers(r->ev), &r->timeout);
	else
		timer_set(ev_timers(r->ev), &r->timeout,
			  ev_now_ms(r->ev) + (uint64_t)left->tv_sec * 1000 +
			      (uint64_t)left->tv_usec / 1000 + 1);
}

static void on_timeout(struct timer *t)
{
	struct resolver *r = container_of(t, struct resolver, timeout);

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timeout(r);
}

static void on_ready(struct ev_fd *f, unsigned ready)
{
	struct sock *s = container_of(f, struct sock, f);
	struct resolver *r = s->owner;
	int fd = f->fd; /* s may be gone after the first call */

	ares_process_fd(r->channel, ready & (EV_READ | EV_HUP) ? fd : ARES_SOCKET_BAD,
			ready & EV_WRITE ? fd : ARES_SOCKET_BAD);
	set_timeout(r);
}

static struct sock *sock_find(struct resolver *r, int fd)
{
	struct sock *s;

	LIST_FOREACH (s, &r->socks, link)
		if (s->f.fd == fd)
			return s;
	return NULL;
}

static void sock_forget(struct sock *s)
{
	ev_del(s->owner->ev, &s->f);
	LIST_REMOVE(s, link);
	free(s);
}

static void sock_add(struct resolver *r, int fd, unsigned want)
{
	struct sock *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return; /* the query times out */
	s->owner = r;
	s->f = EV_FD_NONE;
	if (ev_add(r->ev, &s->f, fd, want, on_ready) == -1) {
		free(s);
		return;
	}
	LIST_INSERT_HEAD(&r->socks, s, link);
}

/* c-ares: wait so for this socket, or (neither) forget it before it is closed. */
static void on_sock_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	struct sock *s = sock_find(r, fd);
	unsigned want = (readable ? EV_READ : 0u) | (writable ? EV_WRITE : 0u);

	if (want == 0 && s != NULL)
		sock_forget(s);
	else if (want != 0 && s != NULL)
		ev_want(r->ev, &s->f, want);
	else if (want != 0)
		sock_add(r, fd, want);
}

/* ---- answers --------------------------------------------------------------------------- */

static int addr_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

/* Returns the shortest TTL. */
static uint32_t take_addresses(struct resolved *k, const struct ares_addrinfo *found)
{
	uint32_t ttl = RESOLVER_TTL_MAX_S;

	k->n = 0;
	for (const struct ares_addrinfo_node *n = found->nodes; n != NULL; n = n->ai_next) {
		struct addr a;

		addr_from_sockaddr(n->ai_addr, &a);
		if (a.family == 0 || k->n == RESOLVER_ADDRS_MAX)
			continue;
		a.port = 0;
		k->v[k->n++] = a;
		if (n->ai_ttl >= 0 && (uint32_t)n->ai_ttl < ttl)
			ttl = (uint32_t)n->ai_ttl;
	}
	qsort(k->v, k->n, sizeof(k->v[0]), addr_order);
	return ttl < RESOLVER_TTL_MIN_S ? RESOLVER_TTL_MIN_S : ttl;
}

static bool same(const struct resolved *a, const struct resolved *b)
{
	return a->state == b->state && a->n == b->n &&
	       memcmp(a->v, b->v, a->n * sizeof(a->v[0])) == 0;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct name *n = arg;
	struct resolver *r = n->owner;
	struct resolved before = n->known;
	uint32_t ttl = RESOLVER_RETRY_S;

	(void)timeouts;
	n->asking = false;
	if (r->freeing) {
		ares_freeaddrinfo(found);
		return;
	}
	if (status == ARES_SUCCESS) {
		ttl = take_addresses(&n->known, found);
		n->known.state = n->known.n > 0 ? RESOLVER_FOUND : RESOLVER_FAILED;
		n->known.why = "the name has no address";
	} else if (n->known.n == 0 || status == ARES_ENOTFOUND) {
		n->known =
		    (struct resolved){.state = RESOLVER_FAILED, .why = ares_strerror(status)};
	}
	ares_freeaddrinfo(found);
	timer_set(ev_timers(r->ev), &n->again, ev_now_ms(r->ev) + (uint64_t)ttl * 1000);
	if (!same(&before, &n->known))
		r->ops->changed(r->arg, n->text);
}

/* ---- names ----------------------------------------------------------------------------- */

static void ask(struct name *n)
{
	const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
						  .ai_flags = ARES_AI_NOSORT};

	n->asking = true;
	ares_getaddrinfo(n->owner->channel, n->text.p, NULL, &hints, on_answer, n);
	set_timeout(n->owner);
}

static void name_free(struct name *n)
{
	timer_cancel(ev_timers(n->owner->ev), &n->again);
	RB_REMOVE(name_tree, &n->owner->names, n);
	n->owner->n_names--;
	free(n);
}

static void on_again(struct timer *t)
{
	struct name *n = container_of(t, struct name, again);

	if (n->owner->ops->wanted(n->owner->arg, n->text))
		ask(n);
	else
		name_free(n);
}

static struct name *name_new(struct resolver *r, struct str text)
{
	struct name *n =
	    r->n_names == RESOLVER_NAMES_MAX ? NULL : calloc(1, sizeof(*n) + text.n + 1);

	if (n == NULL)
		return NULL;
	memcpy(n + 1, text.p, text.n);
	n->text = str_make((const char *)(n + 1), text.n);
	n->owner = r;
	timer_init(&n->again, on_again);
	RB_INSERT(name_tree, &r->names, n);
	r->n_names++;
	return n;
}

static void ask_new(struct ev_task *t)
{
	struct resolver *r = container_of(t, struct resolver, ask);
	struct name *n, *next;

	RB_FOREACH_SAFE(n, name_tree, &r->names, next)
	if (!n->asking && !timer_armed(&n->again))
		ask(n);
}

const struct resolved *resolver_get(struct resolver *r, struct str text)
{
	struct name key = {.text = text};
	struct name *n = RB_FIND(name_tree, &r->names, &key);

	if (n == NULL) {
		n = name_new(r, text);
		ev_post(r->ev, &r->ask);
	}
	return n == NULL ? NULL : &n->known;
}

/* ---------------------------------------------------------------------------------------- */

static int open_channel(struct resolver *r, const char *servers)
{
	struct ares_options opt = {
	    .timeout = QUERY_MS,
	    .tries = QUERY_TRIES,
	    .sock_state_cb = on_sock_state,
	    .sock_state_cb_data = r,
	};

	if (ares_init_options(&r->channel, &opt,
			      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) !=
	    ARES_SUCCESS) {
		errno = ENOMEM;
		return -1;
	}
	if (*servers == '\0' || ares_set_servers_ports_csv(r->channel, servers) == ARES_SUCCESS)
		return 0;
	ares_destroy(r->channel);
	errno = EINVAL;
	return -1;
}

struct resolver *resolver_new(struct ev *ev, const char *servers, const struct resolver_ops *ops,
			      void *arg)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->ev = ev;
	r->ops = ops;
	r->arg = arg;
	RB_INIT(&r->names);
	LIST_INIT(&r->socks);
	timer_init(&r->timeout, on_timeout);
	r->ask.fn = ask_new;
	if (open_channel(r, servers) == -1) {
		free(r);
		return NULL;
	}
	return r;
}

void resolver_free(struct resolver *r)
{
	struct name *n;
	struct sock *s;

	if (r == NULL)
		return;
	r->freeing = true;
	ares_destroy(r->channel); /* ends every query */
	while ((s = LIST_FIRST(&r->socks)) != NULL)
		sock_forget(s);
	while ((n = RB_MIN(name_tree, &r->names)) != NULL)
		name_free(n);
	timer_cancel(ev_timers(r->ev), &r->timeout);
	ev_unpost(r->ev, &r->ask);
	free(r);
}
