/* conf_live: see conf_live.h. */
#include "common/conf/conf_live.h"

#include <string.h>

#include "common/conf/conf_key.h"
#include "common/conf/conf_value.h"

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
	for (size_t i = 0; i < conf_n_keys; i++)
		if (conf_keys[i].type != CONF_T_SECTION &&
		    !conf_value_eq(&conf_keys[i], &after, fresh))
			return false;
	return true;
}
