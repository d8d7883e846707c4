/* stat: the ids of stat_tbl.h, and their texts. */
#ifndef SILEX_COMMON_STAT_STAT_H
#define SILEX_COMMON_STAT_STAT_H

enum stat_kind {
	STAT_COUNTER,
	STAT_GAUGE
};

enum stat_id { /* not "enum stat": sys/stat.h has a struct of that name */
#define STAT(id, name, kind, help) STAT_##id,
#include "common/stat/stat_tbl.h"
#undef STAT
	STAT_COUNT
};

struct stat_text {
	const char *name;
	enum stat_kind kind;
	const char *help;
};
extern const struct stat_text stat_texts[STAT_COUNT];

#endif
