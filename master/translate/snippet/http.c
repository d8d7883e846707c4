/*
 * http: the blocks of an http-snippet. See build.h.
 *
 * A `server` of its own is not served. Where it listens on another port than Silex does, nothing is
 * open without it: nobody comes in by that port. On one of Silex' own ports it could be what keeps
 * clients away from a host, so it refuses the snippet. `map` and `geo`: map.c.
 */
#include <stdlib.h>

#include "common/check.h"
#include "master/translate/snippet/build.h"

/* --- server -------------------------------------------------------------------------------- */

struct server {
	const struct snippet_job *job;
	unsigned listens;
	unsigned port; /* the last one */
	bool ours;     /* one of them is a port that is served here */
};

/* 8080, *:8080, 192.0.2.1:8080, [::]:8080; an address alone, or a path: none. */
static bool port_of(struct str word, unsigned *port)
{
	uint64_t n;

	for (size_t i = word.n; i > 0; i--)
		if (word.p[i - 1] == ':') {
			word = str_from_at(word, i);
			break;
		}
	if (!str_u64(word, 65535, &n))
		return false;
	*port = (unsigned)n;
	return true;
}

static bool note_listen(struct build *b, const struct directive *d, void *arg)
{
	struct server *s = arg;

	(void)b;
	if (!str_eq(d->word[0], STR("listen")))
		return true;
	s->listens++;
	if (d->n < 2 || !port_of(d->word[1], &s->port) || s->port == s->job->ports[0] ||
	    s->port == s->job->ports[1])
		s->ours = true;
	return true;
}

static bool read_server(struct build *b, const struct directive *d)
{
	struct server s = {.job = b->job};
	struct directive at = *d;

	if (!block_each(b, b->depth - 1, note_listen, &s))
		return false;
	if (s.listens == 0 || s.ours)
		return build_refuse(b, &at,
				    "server is not supported: give its host an Ingress, with the "
				    "annotations for what it does");
	return build_leave_out(b, &at,
			       "nobody listens on port %u: for a redirect to https lead the "
			       "Service to Silex' own port and use force-ssl-redirect; the status "
			       "is in /metrics",
			       s.port);
}

/* --- all of them --------------------------------------------------------------------------- */

bool http_block(struct build *b, const struct directive *d)
{
	if (str_eq(d->word[0], STR("server")) && d->n == 1)
		return read_server(b, d);
	if (str_eq(d->word[0], STR("map")) || str_eq(d->word[0], STR("geo")))
		return map_read(b, d);
	return false;
}

bool do_open(struct build *b, const struct directive *d)
{
	return build_refuse(b, d, STR_FMT " must open a block", STR_ARG(d->word[0]));
}

/* --- names before they are read ------------------------------------------------------------ */

void snippet_http_names(struct str text, struct snippet_names *out)
{
	struct lex *l = malloc(sizeof(*l));
	struct directive d;
	unsigned depth = 0;
	enum lex_end end;
	struct str name;

	CHECK(l != NULL);
	lex_init(l, text);
	out->n = 0;
	while ((end = lex_next(l, &d)) < LEX_EOF) {
		depth += end == LEX_OPEN;
		depth -= end == LEX_CLOSE && depth > 0;
		if (end != LEX_OPEN || depth != 1 || out->n == SNIPPET_NAMES_MAX ||
		    !map_names(&d, out->name[out->n], &name) || vars_builtin(name))
			continue;
		out->name[out->n++][name.n] = '\0';
	}
	free(l);
}
