/* patterns_check: see patterns_check.h. */
#include "master/patterns_check.h"

#include <stdio.h>

#include "master/translate/regex_check.h"

static void check(const char *key, const char *csv, config_tell_fn *tell, void *arg)
{
	struct str rest = str_from(csv), one;
	char err[REGEX_ERROR_MAX], text[CONF_ERROR_MAX];

	while (conf_csv_next(&rest, &one)) {
		if (!str_starts(one, STR("~")) ||
		    regex_check(str_from_at(one, str_starts(one, STR("~*")) ? 2 : 1), err))
			continue;
		(void)snprintf(text, sizeof(text), "%s: \"" STR_FMT "\" has no effect: %s", key,
			       STR_ARG(str_head(one, 100)), err);
		tell(arg, CONFIG_WARN, text);
	}
}

void patterns_check(const struct conf *conf, config_tell_fn *tell, void *arg)
{
	check("skip-access-log-urls", conf->skip_access_log_urls, tell, arg);
	check("block-user-agents", conf->block_user_agents, tell, arg);
	check("block-referers", conf->block_referers, tell, arg);
}
