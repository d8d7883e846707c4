/* htpasswd: see htpasswd.h. */
#include "master/basic/htpasswd.h"

#include "master/basic/password.h"

static enum htpasswd_got bad(struct htpasswd *h, const char *why)
{
	h->user = h->hash = STR_NONE;
	h->why = why;
	return HTPASSWD_BAD;
}

/* Of the hash: what is before a colon, and before a line's end where it came alone. */
static struct str cut(struct str hash)
{
	ptrdiff_t colon = str_chr(hash, ':');

	return colon == -1 ? hash : str_head(hash, (size_t)colon);
}

static struct str without_end(struct str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

enum htpasswd_got htpasswd_pair(struct htpasswd *h, struct str user, struct str hash)
{
	const char *wrong;

	hash = cut(without_end(hash));
	if (user.n == 0)
		return bad(h, "has no user's name before the colon");
	if (user.n > HTPASSWD_USER_MAX)
		return bad(h, "has a name of more than 255 bytes");
	wrong = password_wrong(hash);
	if (wrong != NULL)
		return bad(h, wrong);
	h->user = user;
	h->hash = hash;
	return HTPASSWD_USER;
}

static struct str take_line(struct htpasswd *h)
{
	ptrdiff_t end = str_chr(h->rest, '\n');
	struct str line = end == -1 ? h->rest : str_head(h->rest, (size_t)end);

	h->rest = end == -1 ? STR_NONE : str_from_at(h->rest, (size_t)end + 1);
	h->line++;
	return without_end(line);
}

enum htpasswd_got htpasswd_next(struct htpasswd *h)
{
	while (h->rest.n > 0) {
		struct str line = take_line(h);
		ptrdiff_t colon = str_chr(line, ':');

		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (colon == -1)
			return bad(h, "has no colon: it must be user:hash");
		return htpasswd_pair(h, str_head(line, (size_t)colon),
				     str_from_at(line, (size_t)colon + 1));
	}
	return HTPASSWD_END;
}
