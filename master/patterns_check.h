/*
 * patterns_check: do the expressions of skip-access-log-urls, block-user-agents and block-referers
 * compile? A worker leaves out those that do not; here they are told.
 */
#ifndef SILEX_MASTER_PATTERNS_CHECK_H
#define SILEX_MASTER_PATTERNS_CHECK_H

#include "common/conf/conf.h"
#include "k8s/settings/config.h"

void patterns_check(const struct conf *conf, config_tell_fn *tell, void *arg);

#endif
