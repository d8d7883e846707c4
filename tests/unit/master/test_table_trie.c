/* The copy-on-write trie against a plain array, with hashes made to collide at every depth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/table/shm.h"
#include "common/table/table_find.h"
#include "master/table/table_trie.h"

#define MAX_BYTES (16u << 20)
#define KEYS      600u

struct fixture {
	struct table_alloc a;
	char *base;
	int fd;
	shm_ref root;
	uint64_t version;
};

struct leaf { /* as the tests put them */
	struct trie_leaf head;
	uint32_t stamp;
	char key[12];
};

struct key {
	uint64_t hash;
	char text[12];
	uint32_t stamp; /* 0: not in the trie */
};

static int open_trie(void **state)
{
	static struct fixture f;

	f = (struct fixture){.fd = memfd_create("trie", MFD_CLOEXEC)};
	assert_int_not_equal(f.fd, -1);
	assert_int_equal(shm_grow(f.fd, 0, TABLE_HEAD), 0);
	f.base = shm_map(f.fd, MAX_BYTES, 1);
	assert_non_null(f.base);
	assert_int_equal(alloc_init(&f.a, f.base, f.fd, MAX_BYTES, TABLE_HEAD), 0);
	*state = &f;
	return 0;
}

static int close_trie(void **state)
{
	struct fixture *f = *state;

	alloc_free(&f->a);
	munmap(f->base, MAX_BYTES);
	close(f->fd);
	return 0;
}

static struct str key_of(const struct key *k)
{
	return str_from(k->text);
}

static void put(struct fixture *f, struct key *k, uint32_t stamp)
{
	shm_ref ref = alloc_take(&f->a, ALLOC_OTHER, sizeof(struct leaf)), old;
	struct leaf *l = alloc_at(&f->a, ref);

	assert_int_not_equal(ref, 0);
	*l = (struct leaf){.head = {.hash = k->hash,
				    .size = sizeof(*l),
				    .key_n = (uint16_t)strlen(k->text),
				    .key_at = offsetof(struct leaf, key)},
			   .stamp = stamp};
	memcpy(l->key, k->text, sizeof(l->key));
	assert_int_equal(trie_put(&f->a, &f->root, ref, &old), 0);
	assert_int_equal(old != 0, k->stamp != 0);
	if (old != 0) {
		assert_int_equal(((struct leaf *)alloc_at(&f->a, old))->stamp, k->stamp);
		assert_int_equal(alloc_retire(&f->a, old), 0);
	}
	k->stamp = stamp;
}

static void del(struct fixture *f, struct key *k)
{
	shm_ref old;

	assert_int_equal(trie_del(&f->a, &f->root, k->hash, key_of(k), &old), 0);
	assert_int_equal(old != 0, k->stamp != 0);
	if (old != 0)
		assert_int_equal(alloc_retire(&f->a, old), 0);
	k->stamp = 0;
}

static void commit(struct fixture *f)
{
	assert_int_equal(alloc_prepare(&f->a), 0);
	alloc_commit(&f->a, ++f->version);
}

static bool count_leaf(void *arg, const struct trie_leaf *l)
{
	(*(size_t *)arg)++;
	return true;
}

struct piece {
	uint64_t at; /* the hash where the next piece begins */
	size_t seen, left;
};

/* Stops at the first new hash when there is no room left. */
static bool take_leaf(void *arg, const struct trie_leaf *l)
{
	struct piece *p = arg;

	if (p->left == 0 && l->hash != p->at) {
		p->at = l->hash;
		return false;
	}
	p->left -= p->left > 0;
	p->at = l->hash;
	p->seen++;
	return true;
}

/* A walk that is broken off and taken up again sees every leaf once. */
static void check_pieces(const struct fixture *f, shm_ref root, size_t in)
{
	struct piece p = {.left = 7};

	while (!trie_each(f->base, root, p.at, take_leaf, &p))
		p.left = 7;
	assert_int_equal(p.seen, in);
}

/* The trie under root holds these keys and nothing else. */
static void check_all(const struct fixture *f, shm_ref root, const struct key *keys)
{
	size_t in = 0, seen = 0;

	for (unsigned i = 0; i < KEYS; i++) {
		const struct leaf *l =
		    (const void *)trie_find(f->base, root, keys[i].hash, key_of(&keys[i]));

		assert_int_equal(l != NULL, keys[i].stamp != 0);
		in += keys[i].stamp != 0;
		if (l != NULL)
			assert_int_equal(l->stamp, keys[i].stamp);
	}
	assert_true(trie_each(f->base, root, 0, count_leaf, &seen));
	assert_int_equal(seen, in);
	check_pieces(f, root, in);
}

static uint64_t rng(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x * 2685821657736338717ull;
}

typedef uint64_t hash_fn(unsigned i);

static uint64_t spread(unsigned i)
{
	return rng();
}

static uint64_t all_equal(unsigned i)
{
	return 0x123456789abcdef0ull;
}

static uint64_t top_bits_only(unsigned i)
{
	return (uint64_t)(i % 16) << 60 | 0x0abcdef;
}

static uint64_t dense(unsigned i)
{
	return i;
}

static uint64_t few(unsigned i)
{
	return (uint64_t)(i % 7) << (i % 11 * 6);
}

static void churn(struct fixture *f, hash_fn *hash)
{
	static struct key keys[KEYS], then[KEYS];
	shm_ref then_root = 0;

	memset(then, 0, sizeof(then));
	for (unsigned i = 0; i < KEYS; i++) {
		keys[i] = (struct key){.hash = hash(i)};
		(void)snprintf(keys[i].text, sizeof(keys[i].text), "k%u", i);
	}
	for (uint32_t step = 1; step <= 12000; step++) {
		struct key *k = &keys[(rng() >> 33) % KEYS];

		/* Waves: mostly putting, then mostly deleting. */
		if ((rng() >> 40) % 4 < (step / 2000 % 2 == 0 ? 3u : 1u))
			put(f, k, step);
		else
			del(f, k);
		if (step % 50 == 0)
			commit(f);
		if (step % 1000 == 500) { /* what was published then is untouched now */
			check_all(f, then_root, then);
			alloc_reclaim(&f->a, f->version);
			then_root = f->root;
			memcpy(then, keys, sizeof(then));
		}
		if (step % 500 == 0)
			check_all(f, f->root, keys);
	}
	for (unsigned i = 0; i < KEYS; i++)
		del(f, &keys[i]);
	assert_int_equal(f->root, 0);
	commit(f);
	alloc_reclaim(&f->a, f->version);
	assert_int_equal(f->a.used, 0);
}

static void random_hashes(void **state)
{
	churn(*state, spread);
}

static void equal_hashes(void **state)
{
	churn(*state, all_equal);
}

static void hashes_alike_but_at_the_top(void **state)
{
	churn(*state, top_bits_only);
}

static void dense_numbers(void **state)
{
	churn(*state, dense);
}

static void alike_at_every_level(void **state)
{
	churn(*state, few);
}

/* The order of the changes leaves no trace in the shape: the same bytes are used. */
static void shape_is_canonical(void **state)
{
	struct fixture *f = *state;
	static struct key keys[KEYS];
	uint64_t used;

	for (unsigned i = 0; i < KEYS; i++) {
		keys[i] = (struct key){.hash = few(i) ^ (uint64_t)(i % 3) << 62};
		(void)snprintf(keys[i].text, sizeof(keys[i].text), "k%u", i);
	}
	for (unsigned i = 0; i < KEYS / 2; i++)
		put(f, &keys[i], 1);
	used = f->a.used;
	for (unsigned i = KEYS; i-- > KEYS / 2;)
		put(f, &keys[i], 2);
	for (unsigned i = KEYS / 2; i < KEYS; i++)
		del(f, &keys[i]);
	assert_int_equal(f->a.used, used);
	check_all(f, f->root, keys);
}

static void no_room_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct key k = {.hash = 1, .text = "k"};
	shm_ref ref = alloc_take(&f->a, ALLOC_OTHER, sizeof(struct leaf)), old;
	struct leaf *l = alloc_at(&f->a, ref);

	*l = (struct leaf){.head = {.hash = k.hash, .size = sizeof(*l)}};
	commit(f);
	while (alloc_take(&f->a, ALLOC_NODE, 16) != 0)
		;
	assert_int_equal(trie_put(&f->a, &f->root, ref, &old), -1);
	assert_int_equal(f->root, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(random_hashes, open_trie, close_trie),
	    cmocka_unit_test_setup_teardown(equal_hashes, open_trie, close_trie),
	    cmocka_unit_test_setup_teardown(hashes_alike_but_at_the_top, open_trie, close_trie),
	    cmocka_unit_test_setup_teardown(dense_numbers, open_trie, close_trie),
	    cmocka_unit_test_setup_teardown(alike_at_every_level, open_trie, close_trie),
	    cmocka_unit_test_setup_teardown(shape_is_canonical, open_trie, close_trie),
	    cmocka_unit_test_setup_teardown(no_room_is_an_error, open_trie, close_trie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
