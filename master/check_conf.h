/*
 * check_conf: what a configuration must fulfil beyond the form of its values (conf_tbl.h): the
 * user exists, addresses are addresses, there is a source. The same check at start, for -t and
 * at SIGHUP.
 */
#ifndef SILEX_MASTER_CHECK_CONF_H
#define SILEX_MASTER_CHECK_CONF_H

#include "common/conf.h"

/* 0, or -1 with a sentence in err. */
int check_conf(const struct conf *conf, char err[CONF_ERROR_MAX]);

#endif
