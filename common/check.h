/*
 * check: assertions that stay on in production.
 *
 * CHECK() guards our own state, never input: what a peer sends is counted and answered, what
 * we got wrong stops the process before it can do harm. panic() writes its text through a hook
 * (the worker's hook copies it into its shared slot, so that the obituary can quote it) and
 * aborts. Every object that travels through a callback carries a magic number, checked at entry.
 */
#ifndef SILEX_COMMON_CHECK_H
#define SILEX_COMMON_CHECK_H

#include <stddef.h>

/* Formats the text, calls the hook, writes one line to stderr, abort()s. Never returns. */
_Noreturn void panic(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* hook(text) is called once, before abort(); it must be async-signal-safe. NULL removes it. */
void panic_set_hook(void (*hook)(const char *text));

#define CHECK(cond)                                                           \
	do {                                                                  \
		if (__builtin_expect(!(cond), 0))                             \
			panic(__FILE__, __LINE__, "check failed: %s", #cond); \
	} while (0)

#define BUG(...) panic(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK_MAGIC(obj, want) CHECK((obj) != NULL && (obj)->magic == (want))

/* The object that embeds this member. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
