/* keys: see keys.h. */
#include "master/keys/keys.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "master/keys/keyd.h"
#include "master/process/sibling.h"

struct keys {
	struct sibling *process;
	const struct keys_ops *ops;
	void *arg;
	uint64_t next_order;
	struct key_order order; /* being sent; wiped after each use */
};

static const struct sibling_kind kind = {"keys", KEYD_ARG, "TLS handshakes fail", 0, false};

/* --- orders --------------------------------------------------------------------------------- */

uint64_t keys_put(struct keys *k, struct str der)
{
	size_t n = offsetof(struct key_order, der) + der.n;
	bool sent;

	CHECK(der.n <= KEY_DER_MAX);
	k->order.id = ++k->next_order;
	k->order.kind = KEY_PUT;
	k->order.der_n = (uint32_t)der.n;
	memcpy(k->order.der, der.p, der.n);
	sent = sibling_send(k->process, &k->order, n, -1);
	explicit_bzero(k->order.der, der.n);
	return sent ? k->next_order : 0;
}

/* One without a private key. */
static void order_small(struct keys *k, enum key_order_kind what, const uint8_t *key, int fd)
{
	k->order.id = ++k->next_order;
	k->order.kind = what;
	k->order.der_n = 0;
	if (key != NULL)
		memcpy(k->order.key, key, sizeof(k->order.key));
	sibling_order(k->process, &k->order, offsetof(struct key_order, der), fd);
}

void keys_forget(struct keys *k, const uint8_t key[SIGN_KEY_ID_LEN])
{
	order_small(k, KEY_DELETE, key, -1); /* without a process it is forgotten already */
}

bool keys_introduce(struct keys *k, int fd)
{
	bool there = sibling_there(k->process);

	order_small(k, KEY_WORKER, NULL, fd);
	return there;
}

/* --- the process ---------------------------------------------------------------------------- */

static void born(void *arg)
{
	struct keys *k = arg;

	k->ops->born(k->arg);
}

static bool heard(void *arg, const void *bytes, size_t n)
{
	struct keys *k = arg;
	struct key_ack ack;

	if (n != sizeof(ack))
		return false;
	memcpy(&ack, bytes, sizeof(ack));
	k->ops->acked(k->arg, ack.id, ack.ok != 0, ack.key);
	return true;
}

static void room(void *arg)
{
	struct keys *k = arg;

	k->ops->room(k->arg);
}

static const struct sibling_ops sibling_ops = {.born = born, .heard = heard, .room = room};

void keys_start(struct keys *k)
{
	sibling_start(k->process);
}

void keys_reap(struct keys *k)
{
	sibling_reap(k->process);
}

pid_t keys_pid(const struct keys *k)
{
	return sibling_pid(k->process);
}

/* --- life ----------------------------------------------------------------------------------- */

struct keys *keys_new(struct ev *ev, const struct conf *conf, const struct keys_ops *ops, void *arg)
{
	struct keys *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->ops = ops;
	k->arg = arg;
	k->process = sibling_new(ev, conf->sandbox, &kind, &sibling_ops, k);
	if (k->process != NULL)
		return k;
	free(k);
	return NULL;
}

void keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	sibling_free(k->process);
	free(k);
}
