/*
 * check_spec: how the endpoints of one Service are checked: silex.conf's upstream-check* keys, and
 * over them the Service's own annotations silex.dev/health-check*.
 */
#ifndef SILEX_MASTER_CHECK_CHECK_SPEC_H
#define SILEX_MASTER_CHECK_CHECK_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf/conf.h"
#include "k8s/objects/obj.h"

#define CHECK_PATH_MAX    256
#define CHECK_HOST_MAX    256
#define CHECK_SERVICE_MAX 128

enum check_kind { /* the order of upstream-check's words */
	CHECK_OFF,
	CHECK_TCP, /* a connection is enough */
	CHECK_HTTP,
	CHECK_HTTPS, /* nobody verifies the certificate (check_tls.h) */
	CHECK_GRPC,  /* grpc.health.v1.Health/Check without TLS */
	CHECK_GRPCS, /* ... with */
};

struct check_spec {
	uint8_t kind;       /* enum check_kind */
	uint8_t rise;       /* good checks in a row that bring an endpoint back, >= 1 */
	uint8_t fall;       /* bad ones that take it out, >= 1 */
	uint16_t port;      /* 0: the endpoint's own */
	uint16_t low, high; /* statuses that are good */
	uint32_t interval_ms, timeout_ms;
	char path[CHECK_PATH_MAX];
	char host[CHECK_HOST_MAX];       /* also TLS' name; empty: localhost, and none in TLS */
	char service[CHECK_SERVICE_MAX]; /* gRPC's; empty: the whole server */
};

static inline bool check_uses_tls(const struct check_spec *s)
{
	return s->kind == CHECK_HTTPS || s->kind == CHECK_GRPCS;
}

static inline bool check_is_grpc(const struct check_spec *s)
{
	return s->kind == CHECK_GRPC || s->kind == CHECK_GRPCS;
}

/* A value that is not used, and why: one sentence. */
typedef void check_tell_fn(void *arg, struct str annotation, const char *why);

void check_spec_defaults(struct check_spec *s, const struct conf *conf);
/* o: the Service; what is wrong in it is told and the default stays. */
void check_spec_read(struct check_spec *s, const struct obj *o, check_tell_fn *tell, void *arg);

#endif
