/* custom_errors: see custom_errors.h. */
#include "worker/answer/custom_errors.h"

#include "worker/request/failure.h"
#include "worker/answer/grpc.h"
#include "worker/request/headers.h"
#include "worker/mirror/mirror.h"

static bool read_option(const struct request *r, struct policy_errors *e)
{
	struct str opt = policy_find(r->route.policy, POLICY_OPT_ERRORS);

	if (opt.n != sizeof(*e))
		return false;
	memcpy(e, opt.p, sizeof(*e));
	return true;
}

/* Is the Service without endpoints, and another one there for that? */
static bool is_deserted(const struct policy_errors *e, enum reason why)
{
	return why == REASON_NO_ENDPOINT && (e->flags & ERRORS_NO_ENDPOINT) != 0;
}

static bool is_listed(const struct policy_errors *e, uint16_t status, enum reason why)
{
	unsigned bit = (unsigned)status - POLICY_ERROR_LEAST;

	if (is_deserted(e, why))
		return true;
	if (why == REASON_NONE && (e->flags & ERRORS_OURS_ONLY) != 0)
		return false;
	return (e->codes[bit / 64] >> (bit % 64) & 1) != 0;
}

static bool has_endpoints(const struct request *r, uint64_t cluster)
{
	struct cluster_view c;

	return cluster != 0 && table_cluster(r->w->table, cluster, &c) && c.n_endpoints > 0;
}

/* 0: nobody answers instead. */
static uint64_t who(const struct request *r, uint16_t status, enum reason why)
{
	struct policy_errors e;

	if (!read_option(r, &e) || !is_listed(&e, status, why))
		return 0;
	if (has_endpoints(r, e.clusters[0]))
		return e.clusters[0];
	return has_endpoints(r, e.clusters[1]) ? e.clusters[1] : 0;
}

static bool may_take(const struct request *r, uint16_t status)
{
	const struct policy *p = r->route.policy;

	return p != NULL && (p->flags & POLICY_ERRORS) != 0 && r->instead == 0 && !r->head_sent &&
	       !r->aside && status >= POLICY_ERROR_LEAST && status <= POLICY_ERROR_MOST &&
	       r->n_tries < REQUEST_TRIES_MAX && !grpc_request(r);
}

/* The path's own cluster has a name that is told. */
static void keep_cluster_name(struct request *r)
{
	struct cluster_view c;

	if (r->cluster.n == 0 && table_cluster(r->w->table, r->route.cluster, &c))
		r->cluster = arena_str(&r->arena, c.name);
}

bool custom_errors_take(struct request *r, uint16_t status, enum reason why)
{
	uint64_t cluster = may_take(r, status) ? who(r, status, why) : 0;

	if (cluster == 0)
		return false;
	failure_drop_upstream(r, why == REASON_NONE ? REASON_UP_STATUS : why);
	r->up_end = REASON_NONE;
	r->events = 0;
	pipe_clear(&r->down);
	pipe_init(&r->down);
	if (r->up.tapped)
		mirror_leave(r);
	pipe_clear(&r->up); /* what waits there must not follow the next head */
	r->up.splice_ok = false;
	keep_cluster_name(r);
	r->instead = status;
	r->instead_why = why;
	r->route.cluster = cluster;
	r->up_tls = 0;
	r->canary = r->hash_key = r->set_cookie = STR_NONE;
	r->sticky_cluster = 0;
	r->step = STEP_REWRITE;
	return true;
}

/* ---- the head ---- */

static struct str code_text(struct request *r)
{
	char *to = arena_alloc(&r->arena, 3);

	if (to == NULL)
		return STR_NONE;
	for (unsigned i = 3, n = r->instead; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
	return str_make(to, 3);
}

/* Of the path's backend, as the Ingress gives it: the end of "namespace-service-port". */
static struct str port_text(const struct request *r, const struct group_view *g)
{
	size_t before = g->ns.n + 1 + g->service.n + 1;

	return r->cluster.n > before ? str_from_at(r->cluster, before) : STR_NONE;
}

static int add(struct request *r, const char *name, struct str value)
{
	struct str n = str_from(name);

	headers_drop(&r->out, FIELD_OTHER, n); /* what a client says of it is nothing */
	if (value.n == 0)
		return 0;
	value = arena_str(&r->arena, value);
	return value.p == NULL ? -1 : head_add(&r->out, FIELD_OTHER, n, value);
}

static int add_names(struct request *r)
{
	struct group_view g = {.ns = STR_NONE};

	(void)table_group(r->w->table, r->route.group, &g);
	return add(r, "X-Namespace", g.ns) == -1 || add(r, "X-Ingress-Name", g.ingress) == -1 ||
		       add(r, "X-Service-Name", g.service) == -1 ||
		       add(r, "X-Service-Port", port_text(r, &g)) == -1
		   ? -1
		   : 0;
}

int custom_errors_head(struct request *r)
{
	struct str code = code_text(r);
	struct policy_errors e;
	bool whole = read_option(r, &e) && is_deserted(&e, r->instead_why);

	if (code.n == 0 || add(r, "X-Code", code) == -1 ||
	    add(r, "X-Format", head_value(&r->in, FIELD_ACCEPT)) == -1 || add_names(r) == -1)
		return -1;
	head_drop(&r->out, FIELD_X_ORIGINAL_URI);
	if (!whole && head_add(&r->out, FIELD_X_ORIGINAL_URI,
			       field_infos[FIELD_X_ORIGINAL_URI].name, r->in.target) == -1)
		return -1;
	r->out.target = whole ? r->in.target : STR("/");
	r->out.has_length = r->in.framing != FRAMING_NONE; /* of nothing */
	r->out.framing = FRAMING_NONE;
	r->out.length = 0;
	r->out.upgrade = false;
	return 0;
}
