/*
 * decode_kind: the decoders of the single kinds, for decode.c only.
 *
 * Each fills the object at o, zeroed and with its metadata in place, from the whole JSON
 * object. It complains through jv_fail() and reads on; after a complaint the object is dropped.
 */
#ifndef SILEX_K8S_OBJECTS_DECODE_KIND_H
#define SILEX_K8S_OBJECTS_DECODE_KIND_H

#include "k8s/objects/objmem.h"

typedef void decode_kind_fn(const struct jv *root, struct obj_mem *m, struct obj *o);

decode_kind_fn decode_ingress, decode_class, decode_service, decode_slice, decode_secret,
    decode_configmap, decode_bare;

/* jv_fail(in.key) with the value and what is wrong with it, unless wrong is NULL. */
void decode_judge(const struct jv *in, const char *key, struct str value, const char *wrong);
/* A string that must be one of names; its index, or dflt when absent. */
int decode_enum(const struct jv *in, const char *key, const char *const *names, int n, int dflt);
/* "TCP" (also when absent), "UDP", "SCTP". */
enum port_protocol decode_protocol(const struct jv *in);
/* A port number 1..65535; 0 when absent. */
uint16_t decode_port(const struct jv *in, const char *key);
/* status.loadBalancer.ingress. */
void decode_lb_status(const struct jv *root, struct obj_mem *m, struct lb_status *out);

#endif
