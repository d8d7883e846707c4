/* sticky: see sticky.h. */
#define XXH_INLINE_ALL
#include "common/hash.h"
#include "worker/affinity/sticky.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/table/cluster_kind.h"
#include "common/text.h"
#include "worker/head/cookie.h"
#include "worker/request/date.h"

#define HEX_LEN     32 /* of 128 bits */
#define NEW_KEYS    20 /* tried for one that leads elsewhere than to who failed */
#define COOKIE_ROOM 256

bool sticky_read(const struct cluster_view *c, struct sticky *out)
{
	struct str rest = c->cookie;

	if (rest.n < sizeof(out->c))
		return false;
	memcpy(&out->c, rest.p, sizeof(out->c));
	rest = str_from_at(rest, sizeof(out->c));
	if ((size_t)out->c.name_n + out->c.domain_n > rest.n)
		return false;
	out->name = str_make(rest.p, out->c.name_n);
	out->domain = str_make(rest.p + out->c.name_n, out->c.domain_n);
	return true;
}

/* --- keys ----------------------------------------------------------------------------------- */

static void hex(uint64_t high, uint64_t low, char to[HEX_LEN + 1])
{
	(void)snprintf(to, HEX_LEN + 1, "%016" PRIx64 "%016" PRIx64, high, low);
}

/* Unseeded: every worker and every Silex must come to the same. */
static void name_of_cluster(struct str name, char to[HEX_LEN + 1])
{
	XXH128_hash_t h = XXH3_128bits(name.p, name.n);

	hex(h.high64, h.low64, to);
}

static void name_of_endpoint(const struct cluster_view *c, const struct addr *a,
			     char to[HEX_LEN + 1])
{
	XXH128_hash_t h = XXH3_128bits_withSeed(a, sizeof(*a), hash_str(c->name, 0));

	hex(h.high64, h.low64, to);
}

static uint64_t random_word(struct worker *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng;
}

static struct str cookie_key(const struct request *r, const struct sticky *s)
{
	struct str value = cookie_find(&r->in, s->name);
	ptrdiff_t bar = str_chr(value, '|');

	return bar == -1 ? value : str_head(value, (size_t)bar);
}

bool sticky_belongs(const struct request *r, const struct sticky *s, struct str cluster_name)
{
	struct str value = cookie_find(&r->in, s->name);
	ptrdiff_t bar = str_chr(value, '|');
	char name[HEX_LEN + 1];

	if (bar == -1)
		return false;
	name_of_cluster(cluster_name, name);
	return str_eq(str_from_at(value, (size_t)bar + 1), str_from(name));
}

/* --- the cookie ----------------------------------------------------------------------------- */

static bool has(struct str s, const char *what)
{
	return s.n > 0 && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* Browsers that take SameSite=None for Strict, or refuse it (chromium.org, "SameSite=None: Known
 * Incompatible Clients"), as ingress-nginx tells them. */
static bool mistakes_none(struct str agent)
{
	static const char *const always[] = {"Chrome/4", "Chrome/5", "Chrome/6", "CPU iPhone OS 12",
					     "iPad; CPU OS 12"};

	for (unsigned i = 0; i < sizeof(always) / sizeof(*always); i++)
		if (has(agent, always[i]))
			return true;
	return has(agent, "Macintosh") && has(agent, "Intel Mac OS X 10_14") &&
	       has(agent, "Safari") && !has(agent, "Chrome");
}

static void put_same_site(struct text *t, const struct request *r, const struct cluster_cookie *c)
{
	static const char *const words[] = {
	    [SAMESITE_NONE] = "None", [SAMESITE_LAX] = "Lax", [SAMESITE_STRICT] = "Strict"};

	if (c->same_site == SAMESITE_UNSET)
		return;
	if (c->same_site == SAMESITE_NONE && (c->flags & COOKIE_SPARES_OLD) != 0 &&
	    mistakes_none(head_value(&r->in, FIELD_USER_AGENT)))
		return;
	text_lit(t, "; SameSite=");
	text_str(t, str_from(words[c->same_site]));
}

static void put_times(struct text *t, const struct cluster_cookie *c)
{
	char date[DATE_LEN + 1], number[24];

	if ((c->flags & COOKIE_EXPIRES) != 0) {
		date_text((int64_t)time(NULL) + c->expires_s, date);
		text_lit(t, "; Expires=");
		text_str(t, str_from(date));
	}
	if ((c->flags & COOKIE_MAX_AGE) != 0) {
		(void)snprintf(number, sizeof(number), "%" PRId64, c->max_age_s);
		text_lit(t, "; Max-Age=");
		text_str(t, str_from(number));
	}
}

/* In the order of lua-resty-cookie, which ingress-nginx bakes them with. */
static void make_cookie(struct request *r, const struct sticky *s, const struct cluster_view *c,
			struct str key)
{
	struct str path = policy_find(r->route.policy, POLICY_OPT_AFFINITY);
	size_t room = COOKIE_ROOM + s->name.n + s->domain.n + path.n + key.n;
	char *buf = path.p == NULL ? NULL : arena_alloc(&r->arena, room);
	char cluster[HEX_LEN + 1];
	struct text t;

	if (buf == NULL) /* this location gives none, or memory is out: the next request gets one */
		return;
	text_fixed(&t, buf, room);
	name_of_cluster(c->name, cluster);
	text_str(&t, s->name);
	text_lit(&t, "=");
	text_str(&t, key);
	text_lit(&t, "|");
	text_str(&t, str_from(cluster));
	put_times(&t, &s->c);
	if (s->domain.n > 0) {
		text_lit(&t, "; Domain=");
		text_str(&t, s->domain);
	}
	text_lit(&t, "; Path=");
	text_str(&t, path);
	if ((s->c.flags & COOKIE_SECURE) != 0 || r->told.https)
		text_lit(&t, "; Secure");
	text_lit(&t, "; HttpOnly");
	put_same_site(&t, r, &s->c);
	if (!t.full)
		r->set_cookie = str_make(buf, t.n);
}

void sticky_add(struct request *r, struct head *h)
{
	if (r->set_cookie.n > 0)
		(void)head_add(h, FIELD_SET_COOKIE, field_infos[FIELD_SET_COOKIE].name,
			       r->set_cookie);
}

/* --- picking -------------------------------------------------------------------------------- */

static bool known(struct request *r, const struct sticky *s, const struct cluster_view *c,
		  const struct pick_ask *ask, struct addr *out)
{
	struct str key = cookie_key(r, s);
	struct pick_ask again = *ask;
	char name[HEX_LEN + 1];

	if (key.n == 0)
		return false;
	again.n_tried = 0; /* the same endpoint, though it failed: that is what sticky means */
	again.key = key;
	again.subset = 1;
	if ((s->c.flags & COOKIE_PERSISTENT) == 0)
		return pick_endpoint(r->w->picker, c, &again, out);
	for (uint32_t i = 0; i < c->n_endpoints; i++) {
		name_of_endpoint(c, &c->endpoints[i].addr, name);
		if (str_eq(key, str_from(name))) {
			*out = c->endpoints[i].addr;
			return pick_allows(c, &c->endpoints[i], &again);
		}
	}
	return false;
}

/* A key that leads to an endpoint that has not failed; it must do so without being told who
 * has, since the next request will not know. */
static bool balanced(struct request *r, const struct sticky *s, const struct cluster_view *c,
		     const struct pick_ask *ask, struct addr *out)
{
	struct pick_ask free_of = *ask;
	char key[HEX_LEN + 1];

	free_of.n_tried = 0;
	free_of.subset = 1;
	for (unsigned i = 0; i < NEW_KEYS; i++) {
		hex(random_word(r->w), random_word(r->w), key);
		free_of.key = str_make(key, HEX_LEN);
		if (!pick_endpoint(r->w->picker, c, &free_of, out))
			return false;
		if (!pick_was_tried(ask, out))
			break;
	}
	make_cookie(r, s, c, free_of.key);
	return true;
}

static bool persistent(struct request *r, const struct sticky *s, const struct cluster_view *c,
		       const struct pick_ask *ask, struct addr *out)
{
	char key[HEX_LEN + 1];

	if (!pick_endpoint(r->w->picker, c, ask, out))
		return false;
	name_of_endpoint(c, out, key);
	make_cookie(r, s, c, str_make(key, HEX_LEN));
	return true;
}

bool sticky_pick(struct request *r, const struct sticky *s, const struct cluster_view *c,
		 const struct pick_ask *ask, struct addr *out)
{
	bool moves = ask->n_tried > 0 && (s->c.flags & COOKIE_CHANGE_ON_FAILURE) != 0;

	if (!moves && known(r, s, c, ask, out))
		return true;
	return (s->c.flags & COOKIE_PERSISTENT) != 0 ? persistent(r, s, c, ask, out)
						     : balanced(r, s, c, ask, out);
}
