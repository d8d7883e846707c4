/* wipe_free: see wipe_free.h. */
#include "master/keys/wipe_free.h"

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem/asan.h"

#define STACK_BYTES 65536 /* OpenSSL's decoders stay below a quarter of it */

#if defined(__GLIBC__) && !UNDER_ASAN && !defined(__SANITIZE_THREAD__)
#define WIPES 1

/* The C library's own, exported under these names for replacements such as this one. */
void __libc_free(void *p);

/* Not inlined: whoever knows what was asked of malloc() would take what lies behind for overflow.
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): theirs is a reserved name */
__attribute__((noinline)) void free(void *p)
{
	if (p == NULL)
		return;
	explicit_bzero(p, malloc_usable_size(p));
	__libc_free(p);
}

/* Never in place beyond what is there: the library's own would give back the old piece unwiped. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): theirs are reserved names */
void *realloc(void *p, size_t n)
{
	size_t have = p == NULL ? 0 : malloc_usable_size(p);
	void *q;

	if (p != NULL && n == 0) {
		free(p);
		return NULL;
	}
	if (p != NULL && n <= have && n >= have / 2)
		return p;
	q = malloc(n);
	if (q == NULL || p == NULL)
		return q;
	memcpy(q, p, n < have ? n : have);
	free(p);
	return q;
}
#else
#define WIPES 0
#endif

/* A chunk that is given back can be looked at as long as nobody takes it: this is the only place
 * that does. The C library keeps two words of its own at its beginning. */
bool wipe_free_works(void)
{
	enum {
		BYTES = 256,
		OWN = 16
	};
	volatile unsigned char *p = malloc(BYTES);
	uintptr_t at = (uintptr_t)p;
	bool clean = WIPES;

	if (p == NULL || !WIPES)
		return false;
	for (int i = 0; i < BYTES; i++)
		p[i] = 0xa5;
	free((void *)at);
	for (int i = OWN; i < BYTES; i++)
		clean = clean && ((volatile unsigned char *)at)[i] != 0xa5;
	return clean;
}

__attribute__((noinline)) void wipe_stack(void)
{
	char below[STACK_BYTES];

	explicit_bzero(below, sizeof(below));
}
