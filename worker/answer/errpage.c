/* errpage: see errpage.h. */
#include "worker/answer/errpage.h"

#include <stdio.h>

#include "worker/wire/h1_write.h"

#define PAGE                                                             \
	"<!DOCTYPE html>\n<html>\n<head><title>%u %.*s</title></head>\n" \
	"<body><h1>%u %.*s</h1></body>\n</html>\n"
#define PAGE_MAX 256

struct str errpage(struct arena *a, unsigned status)
{
	struct str phrase = h1_status_phrase(status);
	char *to = arena_alloc(a, PAGE_MAX);
	int n;

	if (to == NULL)
		return STR_NONE;
	n = snprintf(to, PAGE_MAX, PAGE, status, STR_ARG(phrase), status, STR_ARG(phrase));
	return n < 0 || n >= PAGE_MAX ? STR_NONE : str_make(to, (size_t)n);
}
