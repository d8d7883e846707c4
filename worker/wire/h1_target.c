/* h1_target: which of the four forms a request target has, and whether its authority is one. */
#include <arpa/inet.h>
#include <string.h>

#include "worker/wire/h1_char.h"
#include "worker/wire/h1_target.h"

static enum h1_fault parse_port(struct str digits, uint16_t *port)
{
	uint64_t v;

	*port = 0;
	if (digits.n == 0) /* RFC 3986 §3.2.3: "host:" is "host" */
		return H1_OK;
	if (digits.n > 5 || !str_u64(digits, UINT16_MAX, &v) || v == 0)
		return H1_FAULT_HOST;
	*port = (uint16_t)v;
	return H1_OK;
}

/* "[" v6 "]" at the start of s; its length with the brackets, 0 when it is none. */
static size_t v6_literal(struct str s)
{
	ptrdiff_t close = str_chr(s, ']');
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	size_t n;

	if (close < 2 || (size_t)close - 1 >= sizeof(text))
		return 0;
	n = (size_t)close - 1;
	memcpy(text, s.p + 1, n);
	text[n] = '\0';
	if (memchr(text, '\0', n) != NULL || inet_pton(AF_INET6, text, &ip) != 1)
		return 0;
	return n + 2;
}

/* Length of the host name at the start of s, 0 when a dot is out of place. */
static size_t host_name(struct str s)
{
	size_t n = 0;

	for (; n < s.n && h1_is(s.p[n], H1_HOST); n++)
		if (s.p[n] == '.' && (n == 0 || s.p[n - 1] == '.'))
			return 0;
	return n;
}

enum h1_fault h1_authority(struct str s, struct authority *out)
{
	bool literal = s.n > 0 && s.p[0] == '[';
	size_t n = literal ? v6_literal(s) : host_name(s);
	enum h1_fault fault;

	if (n == 0 || (n < s.n && s.p[n] != ':'))
		return str_chr(s, '@') >= 0 ? H1_FAULT_USERINFO : H1_FAULT_HOST;
	fault = parse_port(str_from_at(s, n + 1), &out->port);
	if (fault != H1_OK)
		return str_chr(s, '@') >= 0 ? H1_FAULT_USERINFO : fault;
	out->whole = str_make(s.p, out->port != 0 ? s.n : n);
	out->host = str_make(s.p, !literal && s.p[n - 1] == '.' ? n - 1 : n);
	return H1_OK;
}

enum h1_fault h1_set_authority(struct head *h, struct str s)
{
	struct authority a;
	enum h1_fault fault = h1_authority(s, &a);

	if (fault != H1_OK)
		return fault;
	h->authority = a.whole;
	h->host = a.host;
	h->port = a.port;
	return H1_OK;
}

/* Bytes of "http://" or "https://" at the start of s, 0 when neither is there. */
static size_t scheme_len(struct str s)
{
	if (s.n >= 7 && str_ieq(str_make(s.p, 7), STR("http://")))
		return 7;
	if (s.n >= 8 && str_ieq(str_make(s.p, 8), STR("https://")))
		return 8;
	return 0;
}

static enum h1_fault absolute_form(struct str raw, struct head *h)
{
	size_t scheme = scheme_len(raw), n = scheme;

	if (scheme == 0)
		return H1_FAULT_TARGET_FORM;
	while (n < raw.n && raw.p[n] != '/' && raw.p[n] != '?')
		n++;
	h->form = TARGET_ABSOLUTE;
	h->target = str_from_at(raw, n);
	if (h->target.n == 0) /* RFC 9112 §3.2.4: OPTIONS of the server as a whole */
		h->target = h->method == METHOD_OPTIONS ? STR("*") : STR("/");
	return h1_set_authority(h, str_make(raw.p + scheme, n - scheme));
}

enum h1_fault h1_target(struct str raw, struct head *h)
{
	h->target = raw;
	if (h->method == METHOD_CONNECT) {
		enum h1_fault fault = h1_set_authority(h, raw);

		h->form = TARGET_AUTHORITY;
		return fault == H1_OK && h->port == 0 ? H1_FAULT_HOST : fault;
	}
	if (raw.p[0] == '/') {
		h->form = TARGET_ORIGIN;
		return H1_OK;
	}
	if (raw.n == 1 && raw.p[0] == '*') {
		h->form = TARGET_ASTERISK;
		return h->method == METHOD_OPTIONS ? H1_OK : H1_FAULT_TARGET_STAR;
	}
	return absolute_form(raw, h);
}
