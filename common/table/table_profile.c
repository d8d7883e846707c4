/* table_profile: how TLS is spoken to endpoints, by the profile's id (table_read.h). */
#include "common/table/table_read.h"
#include "common/table/table_view.h"

bool table_profile(const struct table *t, uint64_t id, struct profile_view *out)
{
	const struct profile_block *p;
	const char *at;

	if (t->root == NULL || t->root->profiles == 0)
		return false;
	p = (const struct profile_block *)(const void *)trie_find(t->base, t->root->profiles, id,
								  STR_NONE);
	if (p == NULL)
		return false;
	at = (const char *)(p + 1);
	*out = (struct profile_view){
	    .cert = {.generation = p->generation, .key = p->key, .chain = str_make(at, p->chain_n)},
	    .ca = str_make(at + p->chain_n, p->ca_n),
	    .ciphers = str_make(at + p->chain_n + p->ca_n, p->ciphers_n),
	    .name = str_make(at + p->chain_n + p->ca_n + p->ciphers_n, p->name_n),
	    .verify = p->verify != 0,
	    .sni = p->sni != 0,
	    .depth = p->depth,
	    .versions = p->versions,
	};
	return true;
}
