/* endpoints: the addresses behind a Service and port. See endpoints.h. */
#include "master/translate/endpoints/endpoints.h"

#include <stdlib.h>

#include "common/check.h"
#include "master/resolver.h"
#include "master/translate/endpoints/zone.h"

void endpoints_free(struct endpoints *e)
{
	free(e->v);
	e->v = NULL;
	e->n = e->cap = 0;
}

static void add(struct endpoints *e, const struct addr *a, uint16_t port, enum endpoint_state state)
{
	struct addr at = *a;

	if (e->n == e->cap) {
		e->cap = e->cap == 0 ? 16 : e->cap * 2;
		e->v = reallocarray(e->v, e->cap, sizeof(*e->v));
		CHECK(e->v != NULL);
	}
	at.port = port;
	e->v[e->n++] = (struct table_endpoint){.addr = at, .weight = 1, .state = (uint8_t)state};
}

/* By address; of two alike the better state first. */
static int endpoint_cmp(const void *a, const void *b)
{
	const struct table_endpoint *x = a, *y = b;
	int c = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return c != 0 ? c : (int)x->state - (int)y->state;
}

static void sort_unique(struct endpoints *e)
{
	uint32_t kept = 0;

	if (e->n > 1)
		qsort(e->v, e->n, sizeof(*e->v), endpoint_cmp);
	for (uint32_t i = 0; i < e->n; i++)
		if (kept == 0 || !addr_eq(&e->v[kept - 1].addr, &e->v[i].addr))
			e->v[kept++] = e->v[i];
	e->n = kept;
}

/* --- the Service's port -------------------------------------------------------------------- */

/* The number to connect to where no slice port says another; 0: only a name is known. */
static uint16_t target_number(const struct service_port *p)
{
	if (p->target.name.n > 0)
		return 0;
	return p->target.number != 0 ? p->target.number : p->port;
}

/* Port number, targetPort (number or name) and port name are all good to name a port by. */
static bool port_fits(const struct service_port *p, const struct port_ref *ref)
{
	if (p->protocol != (enum port_protocol)ref->protocol)
		return false;
	if (ref->name.n > 0)
		return str_eq(p->name, ref->name) || str_eq(p->target.name, ref->name);
	return ref->number == 0 || p->port == ref->number || target_number(p) == ref->number;
}

static const struct service_port *find_port(const struct service *s, const struct port_ref *ref)
{
	for (uint32_t i = 0; i < s->n_ports; i++)
		if (port_fits(&s->ports[i], ref))
			return &s->ports[i];
	return NULL;
}

/* --- the slices ---------------------------------------------------------------------------- */

/* False: not to be used at all. */
static bool endpoint_usable(const struct slice_endpoint *e, enum endpoint_state *state)
{
	if (e->ready != TRI_FALSE) {
		*state = ENDPOINT_READY;
		return true;
	}
	*state = ENDPOINT_TERMINATING;
	return e->terminating == TRI_TRUE && e->serving == TRI_TRUE;
}

static void add_all(struct endpoints *e, const struct endpoint_slice *slice, uint16_t port)
{
	enum endpoint_state state;

	for (uint32_t i = 0; i < slice->n_endpoints; i++) {
		const struct slice_endpoint *one = &slice->endpoints[i];

		if (!endpoint_usable(one, &state) || (e->zoned && !zone_hinted(one, e->zone)))
			continue;
		for (uint16_t a = 0; a < one->n_addrs; a++)
			add(e, &one->addrs[a], port, state);
	}
}

/* The slice's ports of the Service port's protocol and name; a nameless one means all of them. */
static bool add_named(struct endpoints *e, const struct endpoint_slice *slice,
		      const struct service_port *p)
{
	bool any = false;

	for (uint32_t i = 0; i < slice->n_ports; i++) {
		const struct slice_port *sp = &slice->ports[i];

		if (sp->protocol != p->protocol || sp->port == 0 ||
		    (p->name.n > 0 && !str_eq(sp->name, p->name)))
			continue;
		add_all(e, slice, sp->port);
		any = true;
	}
	return any;
}

static bool has_other_protocols_only(const struct endpoint_slice *slice,
				     enum port_protocol protocol)
{
	for (uint32_t i = 0; i < slice->n_ports; i++)
		if (slice->ports[i].protocol == protocol)
			return false;
	return slice->n_ports > 0;
}

static void add_slice(struct endpoints *e, const struct endpoint_slice *slice,
		      const struct service_port *p)
{
	uint16_t number = target_number(p);

	if (add_named(e, slice, p) || has_other_protocols_only(slice, p->protocol))
		return;
	/* A slice without ports, or with other names: the target port, when it is a number. */
	if (number != 0)
		add_all(e, slice, number);
}

/* --- ExternalName -------------------------------------------------------------------------- */

/* The address written as a name, or what the name resolves to. */
static enum endpoints_state names(struct endpoints *e, struct str name, const struct addr **v,
				  uint32_t *n, struct addr *literal)
{
	const struct resolved *known;

	if (addr_parse(name, 0, literal)) {
		*v = literal;
		*n = 1;
		return ENDPOINTS_FOUND;
	}
	known = e->external.resolver == NULL ? NULL : resolver_get(e->external.resolver, name);
	if (known == NULL || known->state == RESOLVER_FAILED)
		return ENDPOINTS_EXTERNAL_UNKNOWN;
	*v = known->v;
	*n = known->n;
	return known->state == RESOLVER_FOUND ? ENDPOINTS_FOUND : ENDPOINTS_EXTERNAL_WAITING;
}

static enum endpoints_state add_allowed(struct endpoints *e, const struct conf *conf,
					const struct obj *by, const struct addr *v, uint32_t n,
					uint16_t port)
{
	for (uint32_t i = 0; i < n; i++)
		if (external_allowed(&e->external, conf, by, &v[i]))
			add(e, &v[i], port, ENDPOINT_READY);
	sort_unique(e);
	return e->n > 0 ? ENDPOINTS_FOUND : ENDPOINTS_EXTERNAL_REFUSED;
}

static enum endpoints_state external(struct endpoints *e, const struct conf *conf,
				     const struct service *s, const struct port_ref *ref)
{
	const struct service_port *p = find_port(s, ref);
	uint16_t port = p != NULL ? target_number(p) : ref->number;
	const struct addr *v = NULL;
	enum endpoints_state got;
	struct addr literal;
	uint32_t n = 0;

	if (conf->disable_svc_external_name)
		return ENDPOINTS_EXTERNAL_OFF;
	got = names(e, s->external_name, &v, &n, &literal);
	if (got != ENDPOINTS_FOUND)
		return got;
	if (port == 0)
		return ENDPOINTS_NO_PORT;
	return add_allowed(e, conf, &s->o, v, n, port);
}

enum endpoints_state endpoints_of_name(struct endpoints *e, const struct conf *conf,
				       const struct obj *by, struct str name, uint16_t port)
{
	const struct addr *v = NULL;
	enum endpoints_state got;
	struct addr literal;
	uint32_t n = 0;

	e->n = 0;
	got = names(e, name, &v, &n, &literal);
	return got == ENDPOINTS_FOUND ? add_allowed(e, conf, by, v, n, port) : got;
}

/* The Service's own address is its one endpoint; false when it has none (headless). */
static bool own_address(struct endpoints *e, const struct service *s, const struct service_port *p)
{
	struct addr a;

	if (s->headless || s->cluster_ips.n == 0 || !addr_parse(s->cluster_ips.v[0], 0, &a))
		return false;
	add(e, &a, p->port, ENDPOINT_READY);
	return true;
}

enum endpoints_state endpoints_find(struct endpoints *e, const struct store *store,
				    const struct conf *conf, struct str ns, struct str service,
				    const struct port_ref *port)
{
	const struct obj *o = store_get(store, OBJ_SERVICE, ns, service);
	const struct service_port *p;

	e->n = 0;
	if (o == NULL)
		return ENDPOINTS_NO_SERVICE;
	if (obj_service(o)->type == SERVICE_EXTERNAL_NAME)
		return external(e, conf, obj_service(o), port);
	p = find_port(obj_service(o), port);
	if (p == NULL)
		return ENDPOINTS_NO_PORT;
	if (port->cluster_ip && own_address(e, obj_service(o), p))
		return ENDPOINTS_FOUND;
	e->zoned = zone_applies(store, ns, service, e->zone);
	for (const struct endpoint_slice *s = store_slice_first(store, ns, service); s != NULL;
	     s = store_slice_next(s))
		add_slice(e, s, p);
	sort_unique(e);
	return e->n > 0 ? ENDPOINTS_FOUND : ENDPOINTS_NONE_READY;
}

bool endpoints_of_service(struct endpoints *e, const struct store *store, struct str ns,
			  struct str service, const struct port_ref *port)
{
	const struct obj *o = store_get(store, OBJ_SERVICE, ns, service);
	const struct service *s = o == NULL ? NULL : obj_service(o);
	const struct service_port *p;
	struct addr a;

	e->n = 0;
	if (s == NULL || s->type == SERVICE_EXTERNAL_NAME || s->cluster_ips.n == 0)
		return false;
	p = find_port(s, port);
	if (p == NULL || p->port == 0 || !addr_parse(s->cluster_ips.v[0], 0, &a))
		return false;
	add(e, &a, p->port, ENDPOINT_READY);
	return true;
}
