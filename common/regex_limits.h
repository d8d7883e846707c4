/* regex_limits: what a path's regex may be and cost, for who checks it and who runs it. */
#ifndef SILEX_COMMON_REGEX_LIMITS_H
#define SILEX_COMMON_REGEX_LIMITS_H

#define REGEX_PATTERN_MAX 2000
#define REGEX_NEST_MAX    50     /* parentheses in parentheses */
#define REGEX_MATCH_MAX   100000 /* calls of PCRE2's internal match(): some milliseconds */
#define REGEX_DEPTH_MAX   2000   /* backtracking points at a time */
#define REGEX_HEAP_KIB    1024

#endif
