/* block: see block.h. */
#include "worker/request/block.h"

#include <stdlib.h>

#include "common/net/cidr.h"
#include "worker/rewrite/patterns.h"

struct block {
	struct cidr_set nets;
	struct patterns *agents, *referers; /* NULL: none */
};

struct block *block_new(const struct conf *conf, struct regexes *x, bool *failed)
{
	struct block *b;

	*failed = false;
	if (conf->block_cidrs[0] == '\0' && conf->block_user_agents[0] == '\0' &&
	    conf->block_referers[0] == '\0')
		return NULL;
	b = calloc(1, sizeof(*b));
	if (b == NULL) {
		*failed = true;
		return NULL;
	}
	cidr_set_init(&b->nets);
	*failed = cidr_set_add_list(&b->nets, str_from(conf->block_cidrs), NULL) == -1;
	b->agents = patterns_new(str_from(conf->block_user_agents), x);
	b->referers = patterns_new(str_from(conf->block_referers), x);
	return b;
}

void block_free(struct block *b)
{
	if (b == NULL)
		return;
	cidr_set_free(&b->nets);
	patterns_free(b->agents);
	patterns_free(b->referers);
	free(b);
}

bool block_hits(const struct block *b, const struct request *r)
{
	struct regexes *x = r->w->regexes;

	return cidr_set_has(&b->nets, &r->peer) ||
	       patterns_match(b->agents, x, head_value(&r->in, FIELD_USER_AGENT)) != REGEX_NO ||
	       patterns_match(b->referers, x, head_value(&r->in, FIELD_REFERER)) != REGEX_NO;
}
