/* texts: the strings behind the X-macro tables, expanded once. */
#include "common/stat/reason.h"
#include "common/stat/stat.h"

const struct stat_text stat_texts[STAT_COUNT] = {
#define STAT(id, name, kind, help) [STAT_##id] = {name, STAT_##kind, help},
#include "common/stat/stat_tbl.h"
#undef STAT
};

const struct reason_text reason_texts[REASON_COUNT] = {
#define REASON(id, label, text) [REASON_##id] = {label, text},
#include "common/stat/reason_tbl.h"
#undef REASON
};
