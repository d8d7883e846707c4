/* vault: see vault.h. */
#include "master/keys/vault.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/check.h"

#define CLASSES (KEY_DER_MAX / VAULT_GRAIN + 1)

struct free_piece {
	SLIST_ENTRY(free_piece) link;
};

struct block {
	SLIST_ENTRY(block) link;
	uint8_t *bytes;
};

struct vault {
	SLIST_HEAD(, block) blocks;
	SLIST_HEAD(, free_piece) spare[CLASSES]; /* by size in grains */
	uint8_t *at;                             /* of the youngest block, what is untouched */
	size_t left;
	struct vault_stats stats;
};

_Static_assert(sizeof(struct free_piece) <= VAULT_GRAIN, "a piece in the list holds its link");
_Static_assert(VAULT_BLOCK >= KEY_DER_MAX && VAULT_BLOCK % VAULT_GRAIN == 0, "a key is a piece");

static size_t grains(size_t n)
{
	CHECK(n > 0 && n <= KEY_DER_MAX);
	return (n + VAULT_GRAIN - 1) / VAULT_GRAIN;
}

static void spare(struct vault *v, uint8_t *p, size_t n_grains)
{
	struct free_piece *f = (struct free_piece *)(void *)p;

	SLIST_INSERT_HEAD(&v->spare[n_grains], f, link);
}

/* What is left of the block before is a piece: it was too small for a key. */
static void retire_rest(struct vault *v)
{
	if (v->left > 0)
		spare(v, v->at, v->left / VAULT_GRAIN);
	v->left = 0;
}

static bool map_block(struct vault *v)
{
	struct block *b = calloc(1, sizeof(*b));
	void *p = b == NULL ? MAP_FAILED
			    : mmap(NULL, VAULT_BLOCK, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		free(b);
		return false;
	}
	if (mlock(p, VAULT_BLOCK) == -1)
		v->stats.unlocked += VAULT_BLOCK;
	(void)madvise(p, VAULT_BLOCK, MADV_DONTDUMP);
	retire_rest(v);
	b->bytes = v->at = p;
	v->left = VAULT_BLOCK;
	v->stats.mapped += VAULT_BLOCK;
	SLIST_INSERT_HEAD(&v->blocks, b, link);
	return true;
}

static uint8_t *take(struct vault *v, size_t n_grains)
{
	struct free_piece *f = SLIST_FIRST(&v->spare[n_grains]);
	uint8_t *p;

	if (f != NULL) {
		SLIST_REMOVE_HEAD(&v->spare[n_grains], link);
		return (uint8_t *)f;
	}
	if (v->left < n_grains * VAULT_GRAIN && !map_block(v))
		return NULL;
	p = v->at;
	v->at += n_grains * VAULT_GRAIN;
	v->left -= n_grains * VAULT_GRAIN;
	return p;
}

const uint8_t *vault_put(struct vault *v, struct str der)
{
	size_t n = grains(der.n);
	uint8_t *p = take(v, n);

	if (p == NULL)
		return NULL;
	memcpy(p, der.p, der.n);
	v->stats.used += n * VAULT_GRAIN;
	return p;
}

void vault_drop(struct vault *v, const uint8_t *piece, size_t n)
{
	uint8_t *p = (uint8_t *)(uintptr_t)piece;

	explicit_bzero(p, n);
	v->stats.used -= grains(n) * VAULT_GRAIN;
	spare(v, p, grains(n));
}

struct vault_stats vault_stats(const struct vault *v)
{
	return v->stats;
}

struct vault *vault_new(void)
{
	return calloc(1, sizeof(struct vault));
}

void vault_free(struct vault *v)
{
	struct block *b;

	if (v == NULL)
		return;
	while ((b = SLIST_FIRST(&v->blocks)) != NULL) {
		SLIST_REMOVE_HEAD(&v->blocks, link);
		explicit_bzero(b->bytes, VAULT_BLOCK);
		(void)munmap(b->bytes, VAULT_BLOCK);
		free(b);
	}
	free(v);
}
