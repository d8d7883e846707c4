/* client_id: see client_id.h. Facts: routing §7. */
#include "worker/accept/client_id.h"

#include "worker/wire/h1_target.h"

int client_trust_init(struct client_trust *t, const struct conf *c)
{
	*t = (struct client_trust){
	    .for_name = str_from(c->forwarded_for_header),
	    .host_name = str_from(c->forwarded_host_header),
	    .headers = c->use_forwarded_headers,
	    .headers_from_anyone = c->use_forwarded_headers && c->forwarded_from_anyone,
	    /* With the PROXY protocol the address is its to say, as ingress-nginx has it. */
	    .address = (c->use_forwarded_headers || c->enable_real_ip) && !c->use_proxy_protocol,
	    .full = c->use_forwarded_headers && c->compute_full_forwarded_for,
	};
	t->any = t->headers || t->address;
	t->for_field = field_lookup(t->for_name.p, t->for_name.n);
	t->host_field = field_lookup(t->host_name.p, t->host_name.n);
	cidr_set_init(&t->networks);
	return cidr_set_add_list(&t->networks, str_from(c->proxy_real_ip_cidr), NULL);
}

void client_trust_free(struct client_trust *t)
{
	cidr_set_free(&t->networks);
}

/* --- the address --------------------------------------------------------------------------- */

/* "[v6]" or "[v6]:port"; the text in brackets. */
static bool bracketed(struct str text, struct str *ip, struct str *port)
{
	ptrdiff_t end = str_chr(text, ']');

	if (end == -1)
		return false;
	*ip = str_make(text.p + 1, (size_t)end - 1);
	*port = str_from_at(text, (size_t)end + 1);
	if (port->n == 0)
		return true;
	*port = str_from_at(*port, 1);
	return text.p[end + 1] == ':' && port->n > 0;
}

bool client_for_element(struct str text, struct addr *out)
{
	struct str ip = text, port = STR_NONE;
	uint64_t number = 0;
	ptrdiff_t colon = str_chr(text, ':');

	if (text.n > 0 && text.p[0] == '[') {
		if (!bracketed(text, &ip, &port))
			return false;
	} else if (colon != -1 && str_chr(str_from_at(text, (size_t)colon + 1), ':') == -1) {
		ip = str_make(text.p, (size_t)colon); /* one colon: no IPv6 address has that */
		port = str_from_at(text, (size_t)colon + 1);
		if (port.n == 0)
			return false;
	}
	if (port.n > 0 && !str_u64(port, UINT16_MAX, &number))
		return false;
	if (!addr_parse(ip, (uint16_t)number, out))
		return false;
	addr_unmap(out);
	return true;
}

/* The last element of a list, taken off. */
static bool last_element(struct str *list, struct str *one)
{
	size_t at = list->n;

	if (at == 0)
		return false;
	while (at > 0 && list->p[at - 1] != ',')
		at--;
	*one = str_trim(str_from_at(*list, at));
	*list = str_make(list->p, at == 0 ? 0 : at - 1);
	return true;
}

/*
 * From the right, since every proxy appends: the first address that is not one of ours, else the
 * leftmost. What lies left of an element that is no address is nobody's word. False: stop.
 */
static bool walk_list(const struct client_trust *t, struct str list, struct addr *client)
{
	struct str one;
	struct addr a;

	while (last_element(&list, &one)) {
		if (one.n == 0)
			continue;
		if (!client_for_element(one, &a))
			return false;
		*client = a;
		if (!cidr_set_has(&t->networks, &a))
			return false;
	}
	return true;
}

/* Is it the field of this id, or, where the id says nothing, of this name? */
static bool is_field(const struct field *f, enum field_id id, struct str name)
{
	if (id != FIELD_OTHER)
		return f->id == id;
	return f->id == FIELD_OTHER && str_ieq(str_make(f->name, f->name_n), name);
}

static void find_address(const struct client_trust *t, const struct head *in, struct addr *client)
{
	for (uint16_t i = in->n_fields; i-- > 0;) {
		const struct field *f = &in->fields[i];

		if (is_field(f, t->for_field, t->for_name) &&
		    !walk_list(t, str_make(f->value, f->value_n), client))
			return;
	}
}

/* --- what it asked for -------------------------------------------------------------------- */

/* What the proxy nearest to the client said: the first element of the first line. */
static struct str first_of(struct str list)
{
	ptrdiff_t comma = str_chr(list, ',');

	return str_trim(comma == -1 ? list : str_make(list.p, (size_t)comma));
}

static struct str first_element(const struct head *in, enum field_id id)
{
	return first_of(head_value(in, id));
}

/* The same of forwarded-host-header, which may be a field we have no id for. */
static struct str forwarded_host(const struct client_trust *t, const struct head *in)
{
	if (t->host_field != FIELD_OTHER)
		return first_element(in, t->host_field);
	for (uint16_t i = 0; i < in->n_fields; i++) {
		const struct field *f = &in->fields[i];

		if (is_field(f, t->host_field, t->host_name))
			return first_of(str_make(f->value, f->value_n));
	}
	return STR_NONE;
}

static void find_headers(const struct client_trust *t, const struct head *in, struct client_id *out)
{
	struct str proto = first_element(in, FIELD_X_FORWARDED_PROTO);
	struct authority host;
	uint64_t port;

	if (str_ieq(proto, STR("https")) || str_ieq(proto, STR("http"))) {
		out->proto = proto.n == 5 ? 's' : 'p';
		out->believed |= CLIENT_PROTO;
	}
	if (h1_authority(forwarded_host(t, in), &host) == H1_OK && host.host.n > 0) {
		out->host = host.whole;
		out->believed |= CLIENT_HOST;
	}
	if (str_u64(first_element(in, FIELD_X_FORWARDED_PORT), UINT16_MAX, &port) && port > 0) {
		out->port = (uint16_t)port;
		out->believed |= CLIENT_PORT;
	}
}

void client_identify(const struct client_trust *t, const struct head *in,
		     const struct addr *speaker, struct client_id *out)
{
	bool trusted = cidr_set_has(&t->networks, speaker);

	*out = (struct client_id){.speaker = *speaker, .addr = *speaker};
	if (t->headers && (trusted || t->headers_from_anyone))
		find_headers(t, in, out);
	if (t->address && trusted) {
		find_address(t, in, &out->addr);
		out->believed |= CLIENT_FOR;
	}
	if (t->full && (trusted || t->headers_from_anyone))
		out->believed |= CLIENT_FOR;
}
