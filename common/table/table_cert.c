/*
 * table_cert: which certificate a server name gets (table_read.h).
 *
 * Names and certificates are two things: 10,000 names below one wildcard certificate are 10,000
 * small leaves and one block. The rule is ingress-nginx' (facts: routing §3): exact, one label
 * below a wildcard, default.
 */
#define XXH_INLINE_ALL
#include "common/hash.h"
#include "common/table/table_find.h"
#include "common/table/table_read.h"
#include "common/table/table_view.h"

static const struct sni_leaf *find(const struct table *t, struct str name)
{
	return (const struct sni_leaf *)trie_find(t->base, t->root->certs, hash_str(name, t->seed),
						  name);
}

/* Lower case without its final dot; false for what is no name ("*.x" means no host). */
static bool normal_name(struct str name, char to[TABLE_HOST_MAX], struct str *out)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n > TABLE_HOST_MAX || name.p[0] == '*')
		return false;
	for (size_t i = 0; i < name.n; i++)
		to[i] = ascii_lower(name.p[i]);
	*out = str_make(to, name.n);
	return true;
}

/* "a.example.com" -> "*.example.com", in place. */
static const struct sni_leaf *find_wildcard(const struct table *t, char *name, size_t n)
{
	ptrdiff_t dot = str_chr(str_make(name, n), '.');

	if (dot <= 0)
		return NULL;
	name[dot - 1] = '*';
	return find(t, str_make(name + dot - 1, n - (size_t)dot + 1));
}

static void view(const struct table *t, const struct sni_leaf *l, struct cert_view *out)
{
	const struct cert_block *c = table_at(t, l->cert);
	const char *chain = (const char *)(c + 1);

	*out = (struct cert_view){
	    .generation = c->generation,
	    .key = c->key,
	    .chain = str_make(chain, c->chain_n),
	    .ocsp = str_make(chain + c->chain_n, c->ocsp_n),
	    .ocsp_until = (int64_t)c->ocsp_min * 60,
	    .not_after = c->not_after,
	    .labels = str_make(chain + c->chain_n + c->ocsp_n, c->labels_n),
	};
}

bool table_cert(const struct table *t, struct str sni, struct cert_view *out)
{
	const struct sni_leaf *l = NULL;
	char buf[TABLE_HOST_MAX];
	struct str name;

	if (t->root == NULL)
		return false;
	if (normal_name(sni, buf, &name)) {
		l = find(t, name);
		if (l == NULL && t->root->n_sni_wildcards != 0)
			l = find_wildcard(t, buf, name.n);
	}
	if (l == NULL)
		l = find(t, STR_NONE);
	if (l == NULL)
		return false;
	view(t, l, out);
	return true;
}

bool table_cert_below_wildcard(const struct table *t, struct str host)
{
	char buf[TABLE_HOST_MAX];
	struct str name;

	return t->root->n_sni_wildcards != 0 && normal_name(host, buf, &name) &&
	       find_wildcard(t, buf, name.n) != NULL;
}

bool table_cert_next(struct str *rest, struct str *der)
{
	uint32_t n;

	if (rest->n < sizeof(n))
		return false;
	memcpy(&n, rest->p, sizeof(n));
	if (n > rest->n - sizeof(n))
		return false;
	*der = str_make(rest->p + sizeof(n), n);
	*rest = str_from_at(*rest, sizeof(n) + n);
	return true;
}

bool table_cert_label(struct str *rest, struct str *text)
{
	size_t n = rest->n == 0 ? 0 : (uint8_t)rest->p[0];

	if (rest->n == 0 || n > rest->n - 1)
		return false;
	*text = str_make(rest->p + 1, n);
	*rest = str_from_at(*rest, 1 + n);
	return true;
}

struct cert_walk {
	const struct table *t;
	bool (*fn)(void *arg, struct str name, const struct cert_view *c);
	void *arg;
};

static bool each(void *arg, const struct trie_leaf *l)
{
	const struct cert_walk *w = arg;
	struct cert_view c;

	view(w->t, (const struct sni_leaf *)(const void *)l, &c);
	return w->fn(w->arg, leaf_key(l), &c);
}

void table_each_cert(const struct table *t,
		     bool (*fn)(void *arg, struct str name, const struct cert_view *c), void *arg)
{
	struct cert_walk w = {t, fn, arg};

	if (t->root != NULL)
		(void)trie_each(t->base, t->root->certs, 0, each, &w);
}
