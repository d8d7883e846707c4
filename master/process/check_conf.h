/*
 * check_conf: what a configuration must fulfil beyond the form of its values (conf_tbl.h), on
 * this machine: the user exists, the instance can be a name. The same at start, for -t and HUP.
 */
#ifndef SILEX_MASTER_PROCESS_CHECK_CONF_H
#define SILEX_MASTER_PROCESS_CHECK_CONF_H

#include "common/conf/conf.h"

/* 0, or -1 with a sentence in err. */
int check_conf(const struct conf *conf, char err[CONF_ERROR_MAX]);

#endif
