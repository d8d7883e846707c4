/*
 * nobody: hosts that no Ingress names. Where the ConfigMap's snippets say something of every host,
 * the table gets a catch-all without paths for them; the catch-all of an Ingress takes its place.
 */
#include "master/translate/policy_make.h"
#include "master/translate/state.h"

#include <stdlib.h>

static bool is_taken(struct translate *t)
{
	const struct g_host *h = graph_host_find(&t->graph, STR_NONE);

	return h != NULL && h->mark.live;
}

static int put(struct translate *t)
{
	struct model_host m = {.name = STR("")};
	struct policy *server =
	    policy_make_host(&t->defaults, of_all_program(t, OF_ALL_HOST), t->snippets.closed);
	int rc;

	m.server = server;
	t->nobody_live = true;
	rc = t->sink.put_host(t->sink.arg, &m);
	free(server);
	return rc;
}

int nobody_flush(struct translate *t)
{
	bool wanted = of_all_has_host(t);

	if (!t->nobody_queued)
		return 0;
	t->nobody_queued = false;
	if (is_taken(t)) {
		t->nobody_live = false;
		return 0;
	}
	if (!wanted && !t->nobody_live)
		return 0;
	t->wrote = true;
	if (wanted)
		return put(t);
	t->nobody_live = false;
	return t->sink.del_host(t->sink.arg, STR(""));
}
