/*
 * service_opts: what silex.conf, and over it the annotations of a Service, ask of its endpoints:
 * silex.dev/slow-start and silex.dev/eject-*. Health checks are check_spec.h's.
 */
#ifndef SILEX_MASTER_BALANCE_SERVICE_OPTS_H
#define SILEX_MASTER_BALANCE_SERVICE_OPTS_H

#include "common/conf/conf.h"
#include "common/table/cluster_opts.h"
#include "k8s/objects/obj.h"

/* A value that is not used, and why: one sentence. */
typedef void service_tell_fn(void *arg, struct str annotation, const char *why);

void service_opts_defaults(struct cluster_opts *o, const struct conf *conf);
void service_opts_read(struct cluster_opts *o, const struct obj *service, service_tell_fn *tell,
		       void *arg);

#endif
