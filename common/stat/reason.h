/* reason: the ids of reason_tbl.h, and their texts. */
#ifndef SILEX_COMMON_STAT_REASON_H
#define SILEX_COMMON_STAT_REASON_H

enum reason {
#define REASON(id, label, text) REASON_##id,
#include "common/stat/reason_tbl.h"
#undef REASON
	REASON_COUNT
};

struct reason_text {
	const char *label;
	const char *text;
};
extern const struct reason_text reason_texts[REASON_COUNT];

#endif
