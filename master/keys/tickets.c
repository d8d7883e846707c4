/* tickets: see tickets.h. */
#include "master/keys/tickets.h"

#include <string.h>
#include <sys/random.h>

#include "common/check.h"

enum {
	NOW,
	NEXT,
	LAST
};

static void make(struct msg_ticket_key *k)
{
	CHECK(getrandom(k, sizeof(*k), 0) == (ssize_t)sizeof(*k)); /* whole, below 256 bytes */
}

void tickets_make(struct msg_tickets *t)
{
	for (unsigned i = 0; i < MSG_TICKET_KEYS; i++)
		make(&t->key[i]);
}

void tickets_rotate(struct msg_tickets *t)
{
	explicit_bzero(&t->key[LAST], sizeof(t->key[LAST]));
	t->key[LAST] = t->key[NOW];
	t->key[NOW] = t->key[NEXT];
	make(&t->key[NEXT]);
}
