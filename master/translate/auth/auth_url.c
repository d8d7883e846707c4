/* auth_url: see auth_url.h. */
#include "master/translate/auth/auth_url.h"

#include <string.h>

#include "common/net/addr.h"
#include "common/vars/vars.h"

#define NAME_MAX_BYTES 253 /* RFC 1035 §2.3.4 */

static bool cut(struct str *rest, struct str prefix)
{
	if (rest->n < prefix.n || !str_ieq(str_head(*rest, prefix.n), prefix))
		return false;
	*rest = str_from_at(*rest, prefix.n);
	return true;
}

static size_t span(struct str s, const char *until)
{
	size_t n = 0;

	while (n < s.n && strchr(until, s.p[n]) == NULL)
		n++;
	return n;
}

static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
			return false;
	return true;
}

static bool is_host_char(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static bool are_host_chars(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_host_char(s.p[i]))
			return false;
	return true;
}

static bool is_name(struct str s)
{
	return are_host_chars(s) && s.n > 0 && s.n <= NAME_MAX_BYTES && s.p[0] != '.';
}

/* Variables that mean the host the client named: no client may choose another. */
static bool is_host_variable(uint16_t id)
{
	return id == VAR_HOST || id == VAR_HTTP_HOST || id == VAR_BEST_HTTP_HOST ||
	       id == VAR_SERVER_NAME;
}

static const char *check_template(struct str host)
{
	char space[VARS_PROGRAM_MAX];
	struct vars_op op;
	struct str program, part;
	struct text t;

	text_fixed(&t, space, sizeof(space));
	if (vars_compile(host, &t, NULL) != VARS_OK)
		return "has a variable in its host that does not exist";
	program = str_make(t.p, t.n);
	while (vars_next(&program, &op, &part)) {
		if (op.id != VAR_LITERAL && !is_host_variable(op.id))
			return "may have $host, $http_host, $best_http_host or $server_name in its "
			       "host, no other variable";
		if (op.id == VAR_LITERAL && !are_host_chars(part))
			return "has a host that is no name";
	}
	return NULL;
}

/* "name.ns.svc", with whatever domain the cluster has behind it. */
static void find_service(struct auth_url *u)
{
	ptrdiff_t first = str_chr(u->host, '.'), second;
	struct str rest = first == -1 ? STR_NONE : str_from_at(u->host, (size_t)first + 1);

	second = str_chr(rest, '.');
	if (first <= 0 || second <= 0)
		return;
	if (!str_eq(str_from_at(rest, (size_t)second + 1), STR("svc")) &&
	    !str_starts(str_from_at(rest, (size_t)second + 1), STR("svc.")))
		return;
	u->service = str_head(u->host, (size_t)first);
	u->ns = str_head(rest, (size_t)second);
}

static const char *take_port(struct str text, struct auth_url *u)
{
	uint64_t port;

	u->port = u->https ? 443 : 80;
	if (text.n == 0)
		return NULL;
	if (!str_u64(str_from_at(text, 1), UINT16_MAX, &port) || port == 0)
		return "has a port that is no number from 1 to 65535";
	u->port = (uint16_t)port;
	return NULL;
}

static const char *take_address(struct str authority, struct auth_url *u)
{
	ptrdiff_t end = str_chr(authority, ']');
	struct addr a;

	if (end == -1)
		return "has a \"[\" without \"]\" in its host";
	u->host = str_make(authority.p + 1, (size_t)end - 1);
	if (!addr_parse(u->host, 0, &a))
		return "has a host that is no address";
	authority = str_from_at(authority, (size_t)end + 1);
	if (authority.n > 0 && authority.p[0] != ':')
		return "has something behind its host's \"]\"";
	return take_port(authority, u);
}

static const char *take_authority(struct str authority, struct auth_url *u)
{
	ptrdiff_t colon = str_chr(authority, ':');
	struct str port = colon == -1 ? STR_NONE : str_from_at(authority, (size_t)colon);
	const char *wrong;

	if (authority.n == 0)
		return "names no host";
	if (authority.p[0] == '[')
		return take_address(authority, u);
	if (str_chr(authority, '@') != -1)
		return "has a user in it, which is sent to nobody";
	u->host = colon == -1 ? authority : str_head(authority, (size_t)colon);
	u->by_host = str_chr(u->host, '$') != -1;
	wrong = take_port(port, u);
	if (wrong != NULL)
		return wrong;
	if (u->by_host)
		return check_template(u->host);
	if (u->host.n > 1 && u->host.p[u->host.n - 1] == '.')
		u->host.n--;
	if (!is_name(u->host))
		return "has a host that is no name";
	find_service(u);
	return NULL;
}

static void take_target(struct str rest, struct auth_url *u)
{
	ptrdiff_t hash = str_chr(rest, '#');
	size_t path;

	if (hash != -1)
		rest = str_head(rest, (size_t)hash);
	path = span(rest, "?");
	u->path = path == 0 ? STR("/") : str_head(rest, path);
	u->query = str_from_at(rest, path);
}

const char *auth_url_parse(struct str text, struct auth_url *out)
{
	struct str rest = text;
	const char *wrong;
	size_t n;

	*out = (struct auth_url){0};
	if (!is_visible(text))
		return "holds a blank, or a character that must be escaped";
	out->https = cut(&rest, STR("https://"));
	out->same_scheme = !out->https && cut(&rest, STR("$scheme://"));
	if (!out->https && !out->same_scheme && !cut(&rest, STR("http://")))
		return "must begin with http:// or https://";
	n = span(rest, "/?#");
	wrong = take_authority(str_head(rest, n), out);
	if (wrong != NULL)
		return wrong;
	if (out->same_scheme && !out->by_host)
		return "must begin with http:// or https://, because its host is fixed";
	take_target(str_from_at(rest, n), out);
	return NULL;
}
