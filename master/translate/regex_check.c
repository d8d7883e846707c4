/* regex_check: see regex_check.h. */
#include "master/translate/regex_check.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <bsd/string.h>
#include <pcre2.h>
#include <stdio.h>

#include "common/regex_limits.h"

bool regex_check(struct str pattern, char err[REGEX_ERROR_MAX])
{
	pcre2_compile_context *limits = pcre2_compile_context_create(NULL);
	pcre2_code *code = NULL;
	PCRE2_SIZE at;
	int error = PCRE2_ERROR_NOMEMORY;

	if (limits != NULL && pattern.n <= REGEX_PATTERN_MAX) {
		(void)pcre2_set_parens_nest_limit(limits, REGEX_NEST_MAX);
		code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, PCRE2_CASELESS, &error, &at,
				     limits);
	}
	pcre2_compile_context_free(limits);
	if (code == NULL && pattern.n > REGEX_PATTERN_MAX)
		(void)strlcpy(err, "it is too long", REGEX_ERROR_MAX);
	else if (code == NULL)
		(void)pcre2_get_error_message(error, (PCRE2_UCHAR *)err, REGEX_ERROR_MAX);
	pcre2_code_free(code);
	return code != NULL;
}
