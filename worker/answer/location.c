/* location: see location.h. */
#include "worker/answer/location.h"

#include <stdio.h>
#include <string.h>

#define PORT_TEXT 8

static size_t put(char *to, struct str s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return s.n;
}

enum step_next location_reply(struct request *r, uint16_t status, const struct location *to)
{
	struct str scheme = to->https ? STR("https://") : STR("http://");
	char *text = arena_alloc(&r->arena, scheme.n + to->host.n + PORT_TEXT + to->uri.n);
	size_t n = 0;

	if (text == NULL)
		return request_reply(r, 503, REASON_NO_MEMORY);
	if (to->host.n > 0) {
		n += put(text, scheme);
		n += put(text + n, to->host);
	}
	if (to->host.n > 0 && to->port != 0)
		n += (size_t)snprintf(text + n, PORT_TEXT, ":%u", to->port);
	n += put(text + n, to->uri);
	r->location = str_make(text, n);
	return request_reply(r, status, REASON_LOCAL);
}

uint16_t location_status(const struct worker *w)
{
	static const uint16_t codes[] = {301, 302, 307, 308}; /* as in conf_tbl.h */

	return codes[w->conf->http_redirect_code & 3];
}

uint16_t location_port(const struct request *r)
{
	uint16_t port = request_port(r);

	if ((r->route.policy->flags & POLICY_PORT) == 0 || port == (r->secure ? 443 : 80))
		return 0;
	return port;
}

struct str location_uri(const struct request *r)
{
	struct str uri = r->in.target;

	if (uri.n > 0 && uri.p[uri.n - 1] == '/')
		uri.n--;
	return uri;
}
