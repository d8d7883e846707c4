/* basic: see basic.h. */
#include "worker/basic/basic.h"

#include "common/check.h"
#include "worker/basic/credentials.h"
#include "worker/request/headers.h"

static void done(struct asker_wait *w, unsigned end)
{
	struct basic *b = container_of(w, struct basic, wait);

	b->open = false;
	b->end = end;
	request_event(b->request, REQ_AUTH);
}

static enum basic_now ask(struct request *r, struct asker *a, uint64_t list,
			  const struct credentials *c, const struct known_digest *d)
{
	struct basic *b = arena_alloc(&r->arena, sizeof(*b));

	if (b == NULL)
		return BASIC_NOW_NO_MEMORY;
	b->request = r;
	b->end = 0;
	b->wait.done = done;
	b->wait.digest = *d;
	b->open = asker_ask(a, &b->wait, list, c->user, c->password);
	if (!b->open)
		return BASIC_NOW_BUSY;
	r->basic = b;
	stat_add(r->w->slot, STAT_BASIC_ASKED, 1);
	return BASIC_NOW_ASKED;
}

static enum basic_now look(struct request *r, struct asker *a, uint64_t list,
			   const struct credentials *c)
{
	struct known_digest d = asker_digest(a, list, c->user, c->password);

	if (!asker_knows(a, &d))
		return ask(r, a, list, c, &d);
	stat_add(r->w->slot, STAT_BASIC_KNOWN, 1);
	return BASIC_NOW_RIGHT;
}

enum basic_now basic_look(struct request *r, uint64_t list)
{
	struct asker *a = asker_of(r->w);
	enum basic_now now = BASIC_NOW_WRONG;
	struct credentials c;

	if (a == NULL)
		return BASIC_NOW_NO_MEMORY;
	if (credentials_read(&r->in, &c))
		now = look(r, a, list, &c);
	credentials_wipe(&c);
	return now;
}

void basic_forget(struct request *r)
{
	struct basic *b = r->basic;

	if (!b->open)
		return;
	b->open = false;
	asker_forget(r->w->asker, &b->wait);
}

int basic_to_client(struct request *r, struct head *h)
{
	if (r->challenge.n == 0 || h->status != 401)
		return 0;
	if (headers_room(r, h, 1, &r->resp_array) == -1)
		return -1;
	return head_add(h, FIELD_WWW_AUTHENTICATE, field_infos[FIELD_WWW_AUTHENTICATE].name,
			r->challenge);
}
