/* conf_live: see conf_live.h. */
#include "common/conf/conf_live.h"

#include <string.h>

void conf_take_live(struct conf *running, const struct conf *fresh)
{
#define CONF_LIVE(field) memcpy(&running->field, &fresh->field, sizeof(running->field));
#include "common/conf/conf_live_tbl.h"
#undef CONF_LIVE
}

bool conf_differs_live_only(const struct conf *running, const struct conf *fresh)
{
	struct conf after = *running;

	conf_take_live(&after, fresh);
	return conf_eq(&after, fresh);
}
