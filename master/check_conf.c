/* check_conf: see check_conf.h. */
#include "master/check_conf.h"

#include <stdio.h>

#include "common/addr.h"
#include "common/shm.h"
#include "master/identity.h"

static int check_addresses(const char *key, const char *csv, char *err)
{
	struct str rest = str_from(csv), one;
	struct addr addr;

	while (conf_csv_next(&rest, &one)) {
		if (one.n > 2 && one.p[0] == '[' && one.p[one.n - 1] == ']')
			one = str_make(one.p + 1, one.n - 2);
		if (addr_parse(one, 0, &addr))
			continue;
		(void)snprintf(err, CONF_ERROR_MAX,
			       "%s: \"" STR_FMT "\" is not an IPv4 or IPv6 address", key,
			       STR_ARG(one));
		return -1;
	}
	return 0;
}

int check_conf(const struct conf *conf, char err[CONF_ERROR_MAX])
{
	char name[SHM_NAME_MAX];
	struct identity who;

	if (shm_name(name, conf->instance, "board") == -1) {
		(void)snprintf(
		    err, CONF_ERROR_MAX,
		    "instance: \"%s\" may only hold letters, digits, \".\", \"_\", \"-\"",
		    conf->instance);
		return -1;
	}
	if (identity_of(conf, 0, &who) == -1) {
		(void)snprintf(err, CONF_ERROR_MAX,
			       "user: there is no user \"%s\", or it is root; workers need one "
			       "without privileges",
			       conf->user);
		return -1;
	}
	if (check_addresses("bind-address", conf->bind_address, err) == -1)
		return -1;
	return check_addresses("healthz-host", conf->healthz_host, err);
}
