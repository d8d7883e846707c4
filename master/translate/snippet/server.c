/*
 * server: a `server` of an http-snippet. See build.h and snippet_servers.
 *
 * On a port of its own it is served when all it does is one `return`, for every request: that is
 * what it is mostly written for (the port that a load balancer's port 80 leads to). It is a program
 * of one op, with the lists of http{}. Any other is left out: without it nobody comes in by that
 * port. On one of Silex' own ports it could be what keeps clients away from a host, so it refuses
 * the snippet. Names of its own do not matter: it is the only server of its port, and nginx gives
 * a host that nobody names to that. Documents: nginx' ngx_http_core_module, listen and server.
 */
#include <stdio.h>
#include <stdlib.h>

#include "master/translate/snippet/build.h"
#include "master/translate/snippet/program.h"

struct server {
	const struct snippet_job *job;
	unsigned depth; /* of what stands in it */
	unsigned listens, locations, returns;
	uint16_t port; /* the last one */
	bool ours;     /* one of them is a port that is served here */
	bool proxy_in; /* one of them has proxy_protocol */
	struct program *p;
	char why[BUILD_WHY_MAX]; /* it is left out; empty: it is served */
};

/* Why it is not served; the first reason counts. Always true: the walk goes on. */
static bool because(struct server *s, const struct directive *d, const char *why)
{
	if (s->why[0] == '\0')
		(void)snprintf(s->why, sizeof(s->why), STR_FMT " of line %u %s",
			       STR_ARG(str_head(d->word[0], 40)), d->line, why);
	return true;
}

/* --- ports ---------------------------------------------------------------------------------- */

/* Which of several servers of one port answers is said by names, which are not looked at: then none
 * is served. */
static bool is_second(struct snippet_servers *all, uint16_t port)
{
	for (unsigned i = 0; all != NULL && i < all->n; i++) {
		if (all->v[i].port != port)
			continue;
		all->v[i].shared = true;
		return true;
	}
	return false;
}

/* This port has a server that is left out. */
static void reserve(struct snippet_servers *all, uint16_t port)
{
	if (all != NULL && !is_second(all, port) && all->n < SNIPPET_SERVERS_MAX)
		all->v[all->n++] = (struct snippet_server){.port = port, .left_out = true};
}

/* --- listen -------------------------------------------------------------------------------- */

/* 8080, *:8080, [::]:8080; *all: at every address. Also 192.0.2.1:8080. A name or an address alone,
 * or a path: false. */
static bool port_of(struct str word, uint16_t *port, bool *all)
{
	struct str host = STR_NONE;
	uint64_t n;

	for (size_t i = word.n; i > 0; i--)
		if (word.p[i - 1] == ':') {
			host = str_head(word, i - 1);
			word = str_from_at(word, i);
			break;
		}
	if (!str_u64(word, UINT16_MAX, &n))
		return false;
	*all = host.n == 0 || str_eq(host, STR("*")) || str_eq(host, STR("[::]")) ||
	       str_eq(host, STR("0.0.0.0"));
	*port = (uint16_t)n;
	return true;
}

/* Words of listen that say how the socket is made: ours are made as those of TCP services. */
static bool is_of_socket(struct str word)
{
	static const char *const whole[] = {"default_server", "default", "reuseport",
					    "deferred",       "bind",    "ipv6only=on",
					    "ipv6only=off"};
	static const char *const begin[] = {
	    "backlog=", "rcvbuf=", "sndbuf=", "so_keepalive=", "fastopen="};

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (str_eq(word, str_from(whole[i])))
			return true;
	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (str_starts(word, str_from(begin[i])))
			return true;
	return false;
}

static bool read_listen(struct server *s, const struct directive *d)
{
	uint16_t before = s->port;
	bool all = false;

	s->listens++;
	if (d->n < 2 || !port_of(d->word[1], &s->port, &all) || s->port == s->job->ports[0] ||
	    s->port == s->job->ports[1]) {
		s->ours = true;
		return true;
	}
	if (s->port == 0 || s->port == s->job->healthz)
		return because(s, d, "names the port of health checks, or none");
	if (s->listens > 1 && s->port != before) {
		reserve(s->job->servers, before);
		return because(s, d, "names another port: a server has one");
	}
	if (!all)
		return because(s, d, "names an address: use bind-address");
	for (unsigned i = 2; i < d->n; i++) {
		if (str_eq(d->word[i], STR("proxy_protocol")))
			s->proxy_in = true;
		else if (!is_of_socket(d->word[i]))
			return because(s, d, "asks for more than HTTP, or cannot be read");
	}
	return true;
}

/* --- what is in it ------------------------------------------------------------------------- */

static bool read_return(struct build *b, struct server *s, const struct directive *d)
{
	struct program *around = b->p;
	enum build_block block = b->block;
	bool ok;

	if (b->depth != s->depth && (b->depth != s->depth + 1 || s->locations == 0))
		return because(s, d, "stands where it cannot");
	if (s->returns++ > 0 || d->n < 2 || d->n > 3)
		return because(s, d, "is one too many, or has too few or too many words");
	b->p = s->p;
	b->block = IN_SERVER;
	ok = do_return(b, d);
	b->p = around;
	b->block = block;
	if (!ok && s->why[0] == '\0')
		memcpy(s->why, b->why, sizeof(s->why));
	b->why[0] = '\0';
	return true;
}

/* All paths: whatever is in it could as well stand around it. */
static bool read_location(const struct build *b, struct server *s, const struct directive *d)
{
	bool all = d->n == 2 || (d->n == 3 && str_eq(d->word[1], STR("^~")));

	if (s->locations++ > 0 || b->depth != s->depth + 1 || !all ||
	    !str_eq(d->word[d->n - 1], STR("/")))
		return because(s, d, "is not the only one, or not of all paths");
	return true;
}

static bool read_one(struct build *b, const struct directive *d, void *arg)
{
	struct server *s = arg;
	bool at_top = b->depth == s->depth;

	if (str_eq(d->word[0], STR("listen")))
		return read_listen(s, d);
	if (str_eq(d->word[0], STR("location")))
		return read_location(b, s, d);
	if (str_eq(d->word[0], STR("return")))
		return read_return(b, s, d);
	if (at_top && str_eq(d->word[0], STR("server_name")))
		return true;
	if (at_top && str_eq(d->word[0], STR("server_tokens")))
		return build_note(b, d, "server-tokens of the ConfigMap counts");
	return because(s, d, "cannot be done there");
}

/* --- all of it ----------------------------------------------------------------------------- */

static bool leave_out(struct build *b, const struct directive *d, const struct server *s)
{
	return build_leave_out(b, d,
			       "nobody listens on port %u: %s; only a server that has one return, "
			       "for all requests, is served (for a host use an Ingress)",
			       s->port, s->why);
}

static bool keep(struct build *b, const struct directive *d, struct server *s)
{
	struct snippet_servers *all = b->job->servers;

	if (s->why[0] == '\0' && s->returns == 0)
		(void)because(s, d, "has no return");
	if (s->why[0] == '\0' && all == NULL)
		(void)because(s, d, "stands where none is served");
	if (is_second(all, s->port))
		(void)because(s, d, "is the second of this port, of which then none is served");
	if (s->why[0] == '\0' && all->n == SNIPPET_SERVERS_MAX)
		(void)because(s, d, "is one too many: there are 8 at most");
	if (s->why[0] != '\0') {
		reserve(all, s->port);
		return leave_out(b, d, s);
	}
	all->v[all->n] =
	    (struct snippet_server){.port = s->port, .proxy_in = s->proxy_in, .line = d->line};
	b->servers[all->n++] = s->p;
	s->p = NULL;
	return true;
}

bool server_read(struct build *b, const struct directive *d)
{
	struct server s = {.job = b->job, .depth = b->depth, .p = program_new()};
	struct directive at = *d;
	bool ok = block_each(b, b->depth - 1, read_one, &s);

	if (ok && (s.listens == 0 || s.ours))
		ok = build_refuse(b, &at,
				  "server is not supported: give its host an Ingress, with the "
				  "annotations for what it does");
	else if (ok)
		ok = keep(b, &at, &s);
	if (s.p != NULL)
		program_free(s.p);
	return ok;
}

static void leave_out_late(struct build *b, const struct snippet_server *s)
{
	struct directive d = {.word = {STR("server")}, .n = 1, .line = s->line};

	(void)build_leave_out(b, &d, "nobody listens on port %u: %s", s->port,
			      s->shared ? "another server has that port, too"
					: "with the lists around it, it is too long");
}

/* False: it is not served. */
static bool write_one(struct build *b, struct snippet_server *s, struct program *p, struct str http)
{
	if (s->left_out)
		return false; /* and told */
	text_growing(&s->program, SNIP_HOST_MAX);
	program_inherit(p, http);
	if (!s->shared && program_write(p, &s->program, SNIP_HOST_MAX))
		return true;
	leave_out_late(b, s);
	free(s->program.p);
	return false;
}

void servers_end(struct build *b, bool ok, struct str http)
{
	struct snippet_servers *all = b->job->servers;
	unsigned n = 0;

	if (all == NULL || b->job->kind != SNIPPET_OF_HTTP)
		return;
	for (unsigned i = 0; i < all->n; i++) {
		if (ok && write_one(b, &all->v[i], b->servers[i], http))
			all->v[n++] = all->v[i];
		if (b->servers[i] != NULL)
			program_free(b->servers[i]);
	}
	all->n = n;
}

void servers_free(struct snippet_servers *all)
{
	for (unsigned i = 0; i < all->n; i++)
		free(all->v[i].program.p);
	all->n = 0;
}
