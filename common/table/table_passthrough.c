/* table_passthrough: whose TLS is passed through (table_read.h). */
#define XXH_INLINE_ALL
#include "common/hash.h"
#include "common/table/table_find.h"
#include "common/table/table_read.h"
#include "common/table/table_view.h"

bool table_passes_through(const struct table *t)
{
	return t->root != NULL && t->root->n_passthrough > 0;
}

static bool find(const struct table *t, struct str name, uint64_t *cluster)
{
	const struct passthrough_leaf *l = (const struct passthrough_leaf *)trie_find(
	    t->base, t->root->passthrough, hash_str(name, t->seed), name);

	if (l == NULL)
		return false;
	*cluster = l->cluster;
	return true;
}

/* "a.example.com" -> "*.example.com", in place. */
static bool find_wildcard(const struct table *t, char *name, size_t n, uint64_t *cluster)
{
	ptrdiff_t dot = str_chr(str_make(name, n), '.');

	if (dot <= 0 || trie_find(t->base, t->root->hosts, hash_str(str_make(name, n), t->seed),
				  str_make(name, n)) != NULL)
		return false;
	name[dot - 1] = '*';
	return find(t, str_make(name + dot - 1, n - (size_t)dot + 1), cluster);
}

bool table_passthrough(const struct table *t, struct str sni, uint64_t *cluster)
{
	char name[TABLE_HOST_MAX];

	if (sni.n > 0 && sni.p[sni.n - 1] == '.')
		sni.n--;
	if (!table_passes_through(t) || sni.n == 0 || sni.n > sizeof(name) || sni.p[0] == '*')
		return false;
	for (size_t i = 0; i < sni.n; i++)
		name[i] = ascii_lower(sni.p[i]);
	if (find(t, str_make(name, sni.n), cluster))
		return true;
	return t->root->n_passthrough_wildcards > 0 && find_wildcard(t, name, sni.n, cluster);
}
