/* stream_vars: see stream_vars.h. */
#include "common/vars/stream_vars.h"

static const struct vars_known table[] = {
#define VAR(id, name)         {{#name, sizeof(#name) - 1}, STREAM_VAR_##id, false, NULL},
#define VAR_ABSENT(name, why) {{name, sizeof(name) - 1}, STREAM_VAR_NOTHING, false, why},
#include "common/vars/stream_var_tbl.h"
};

const struct vars_set vars_of_sessions = {table, sizeof(table) / sizeof(table[0])};
