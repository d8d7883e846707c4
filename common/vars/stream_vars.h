/* stream_vars: the variables of log-format-stream. Programs are those of vars.h, walked by
 * vars_next(); only what the ids mean differs. */
#ifndef SILEX_COMMON_VARS_STREAM_VARS_H
#define SILEX_COMMON_VARS_STREAM_VARS_H

#include "common/vars/vars.h"

enum stream_var {
	STREAM_VAR_LITERAL = VAR_LITERAL,
	STREAM_VAR_NOTHING = VAR_NOTHING,
#define VAR(id, name) STREAM_VAR_##id,
#include "common/vars/stream_var_tbl.h"
	STREAM_VAR_COUNT
};
_Static_assert((int)STREAM_VAR_COUNT <= (int)VAR_COUNT, "vars_next() knows all ids");

extern const struct vars_set vars_of_sessions;

#endif
