/* regex_check: is a path that has become a regex one that PCRE2 takes? (facts: routing §5) */
#ifndef SILEX_MASTER_TRANSLATE_REGEX_CHECK_H
#define SILEX_MASTER_TRANSLATE_REGEX_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define REGEX_ERROR_MAX 128

/* False with what is wrong in err. The worker compiles with the same limits. */
bool regex_check(struct str pattern, char err[REGEX_ERROR_MAX]);

#endif
