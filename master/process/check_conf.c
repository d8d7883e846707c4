/* check_conf: see check_conf.h. */
#include "master/process/check_conf.h"

#include <stdio.h>

#include "common/stat/series.h"
#include "common/table/shm.h"
#include "k8s/objects/selector.h"
#include "master/process/identity.h"

int check_conf(const struct conf *conf, char err[CONF_ERROR_MAX])
{
	char name[SHM_NAME_MAX];
	struct identity who;
	struct series_bounds bounds;
	const char *key;

	if (shm_name(name, conf->instance, "board") == -1) {
		(void)snprintf(
		    err, CONF_ERROR_MAX,
		    "instance: \"%s\" may only hold letters, digits, \".\", \"_\", \"-\"",
		    conf->instance);
		return -1;
	}
	if (!series_bounds_parse(&bounds, conf, &key)) {
		(void)snprintf(err, CONF_ERROR_MAX,
			       "%s: must be 1 to %d rising numbers above 0, separated by commas",
			       key, BUCKETS_MAX);
		return -1;
	}
	if (selector_wrong(str_from(conf->watch_namespace_selector)) != NULL) {
		(void)snprintf(err, CONF_ERROR_MAX,
			       "watch-namespace-selector: %s; for example "
			       "env=prod,tier!=test",
			       selector_wrong(str_from(conf->watch_namespace_selector)));
		return -1;
	}
	if (conf->watch_namespace[0] != '\0' && conf->watch_namespace_selector[0] != '\0') {
		(void)snprintf(err, CONF_ERROR_MAX,
			       "watch-namespace and watch-namespace-selector exclude each other");
		return -1;
	}
	if (conf->publish_service[0] != '\0' && conf->publish_status_address[0] != '\0') {
		(void)snprintf(err, CONF_ERROR_MAX,
			       "publish-service and publish-status-address exclude each other");
		return -1;
	}
	if (conf->upstream_check_low > conf->upstream_check_high) {
		(void)snprintf(err, CONF_ERROR_MAX,
			       "upstream-check-status-min is above upstream-check-status-max");
		return -1;
	}
	if (identity_of(conf, 0, &who) == -1) {
		(void)snprintf(err, CONF_ERROR_MAX,
			       "user: there is no user \"%s\", or it is root; workers need one "
			       "without privileges",
			       conf->user);
		return -1;
	}
	return 0;
}
