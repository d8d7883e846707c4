/* check: see check.h. Nothing here may allocate: it runs when the heap may be broken. */
#include "common/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void (*panic_hook)(const char *text);

void panic_set_hook(void (*hook)(const char *text))
{
	panic_hook = hook;
}

_Noreturn void panic(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n = snprintf(text, sizeof(text), "%s:%d: ", file, line);

	if (n < 0 || (size_t)n >= sizeof(text))
		n = 0;
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	if (panic_hook != NULL) {
		void (*hook)(const char *) = panic_hook;

		panic_hook = NULL; /* a panic inside the hook must not come back here */
		hook(text);
	}
	(void)!write(STDERR_FILENO, "panic: ", 7);
	(void)!write(STDERR_FILENO, text, strlen(text));
	(void)!write(STDERR_FILENO, "\n", 1);
	abort();
}
