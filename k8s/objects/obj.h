/*
 * obj: the Kubernetes objects Silex reads, as compact plain structs.
 *
 * Every object is one allocation: struct, arrays and strings behind each other, made by
 * decode.c and never changed afterwards, so that 30,000 of them stay small and obj_free() is
 * one call. All strings and arrays point into that allocation and are valid as long as the
 * object is; strings are NUL-terminated behind their end (not counted in n), except the values
 * of Secrets. What the API server would refuse never becomes an object (decode.h).
 *
 * What must not happen here: routing. These structs say what the user wrote, not what it means.
 * Not kept, because nothing reads them and they are large: managedFields, ownerReferences,
 * finalizers and the annotation kubectl.kubernetes.io/last-applied-configuration.
 */
#ifndef SILEX_K8S_OBJECTS_OBJ_H
#define SILEX_K8S_OBJECTS_OBJ_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/str.h"
#include "k8s/objects/aside.h"

enum obj_kind {
	OBJ_INGRESS,   /* networking.k8s.io/v1 */
	OBJ_CLASS,     /* networking.k8s.io/v1 IngressClass */
	OBJ_SERVICE,   /* v1 */
	OBJ_SLICE,     /* discovery.k8s.io/v1 EndpointSlice */
	OBJ_SECRET,    /* v1 */
	OBJ_CONFIGMAP, /* v1 */
	OBJ_NAMESPACE, /* v1 */
	OBJ_NODE,      /* v1 */
	OBJ_KINDS
};

/* "Ingress", "EndpointSlice", ... and "networking.k8s.io/v1", "v1", ... */
const char *obj_kind_name(enum obj_kind kind);
const char *obj_kind_api(enum obj_kind kind);
/* False for IngressClass, Namespace and Node, whose .ns is always empty. */
bool obj_kind_namespaced(enum obj_kind kind);

/* A JSON boolean that may be absent. */
enum tri {
	TRI_UNSET,
	TRI_FALSE,
	TRI_TRUE
};

struct obj_kv {
	struct str key, value;
};

struct obj_map { /* sorted by key (bytes), keys unique */
	const struct obj_kv *kv;
	uint32_t n;
};

/* The value, or NULL when the key is absent. */
const struct str *obj_map_get(const struct obj_map *m, struct str key);

struct obj_strs {
	const struct str *v;
	uint32_t n;
};

/* .created of an object without creationTimestamp: younger than every object that has one. */
#define OBJ_CREATED_UNKNOWN INT64_MAX

/* The head of every object: its metadata, where it came from, and its place in the store. */
struct obj {
	uint32_t magic;
	uint8_t kind;   /* enum obj_kind */
	bool wipe;      /* holds secrets: memory is wiped when freed */
	uint32_t bytes; /* of the whole allocation */
	struct str ns, name;
	struct str uid, resource_version; /* empty in file mode unless the file has them */
	int64_t generation;               /* 0 = not given */
	int64_t created;                  /* creationTimestamp, seconds since 1970 */
	int64_t deleted;                  /* deletionTimestamp, 0 = not being deleted */
	struct obj_map labels, annotations;

	/* File mode; empty and 0 for objects from the API server. */
	struct str file;  /* path relative to the manifests directory */
	uint32_t doc;     /* which document of the file, from 0 */
	uint32_t item;    /* which item of that document, if it is a List */
	uint32_t line;    /* where it begins; kept current by the store */
	uint64_t content; /* hash of its text, 0 = unknown */

	/* The store's own (store.c). */
	uint32_t mark;
	RB_ENTRY(obj) by_name, by_age;
};

#define OBJ_MAGIC 0x6f626a31

/* <0, 0, >0 by bytes: the order of every name here. */
int obj_str_cmp(struct str a, struct str b);

/* Wiped first when it holds secrets. NULL is ignored. Must not be in a store. */
void obj_free(struct obj *o);

/* ------------------------------------------------------------------------------------- */

enum port_protocol {
	PORT_TCP,
	PORT_UDP,
	PORT_SCTP
};

enum port_asks { /* is it an auth service, and in what is it asked? */
	PORT_ASKS_NOTHING,
	PORT_ASKS_HTTP,
	PORT_ASKS_HTTPS,
};

/* A Service's port as its users write it: by name or by number. */
struct port_ref {
	struct str name;  /* empty: use .number */
	uint16_t number;  /* 0: use .name; both unset: none was given */
	uint8_t protocol; /* enum port_protocol */
	bool cluster_ip;  /* the Service\'s own address is wanted, not its endpoints */
	uint8_t asks;     /* enum port_asks */
};

struct ingress_backend {
	struct str service; /* empty when it is a resource, or there is no backend */
	struct port_ref port;
	bool resource; /* backend.resource: not supported, answers 503 */
};

enum path_type {
	PATH_IMPLEMENTATION,
	PATH_EXACT_TYPE,
	PATH_PREFIX_TYPE
};

struct ingress_path {
	struct str path; /* as written, begins with "/"; empty = not given */
	enum path_type type;
	struct ingress_backend backend;
};

struct ingress_rule {
	struct str host; /* lower case; "*.x" a wildcard, "" every host */
	const struct ingress_path *paths;
	uint32_t n_paths;
};

struct ingress_tls {
	struct obj_strs hosts; /* lower case */
	struct str secret;     /* name in the Ingress' namespace; may be empty */
};

struct lb_address { /* one entry of status.loadBalancer.ingress */
	struct str ip, hostname;
};

struct lb_status {
	const struct lb_address *v;
	uint32_t n;
};

struct ingress {
	struct obj o;
	struct str class_name; /* spec.ingressClassName; empty = not given */
	bool has_default;
	struct ingress_backend default_backend;
	const struct ingress_rule *rules;
	const struct ingress_tls *tls;
	uint32_t n_rules, n_tls;
	struct lb_status status;
};

/* The legacy way to name the class: an annotation of the Ingress. */
#define OBJ_CLASS_ANNOTATION "kubernetes.io/ingress.class"

struct ingress_class {
	struct obj o;
	struct str controller; /* "k8s.io/ingress-nginx" */
	bool is_default;       /* annotation ingressclass.kubernetes.io/is-default-class: "true" */
	struct {               /* spec.parameters; .kind empty = none */
		struct str api_group, kind, name, ns, scope;
	} parameters;
};

enum service_type {
	SERVICE_CLUSTER_IP,
	SERVICE_NODE_PORT,
	SERVICE_LOAD_BALANCER,
	SERVICE_EXTERNAL_NAME,
};

struct service_port {
	struct str name; /* empty: the only port */
	struct str app_protocol;
	struct port_ref target; /* both unset: same as .port */
	uint16_t port, node_port;
	enum port_protocol protocol;
};

struct service {
	struct obj o;
	enum service_type type;
	bool headless;          /* clusterIP: None */
	bool publish_not_ready; /* publishNotReadyAddresses */
	bool has_selector;
	struct obj_strs cluster_ips; /* without "None" */
	struct obj_strs external_ips;
	struct str external_name;
	struct str traffic_distribution;
	const struct service_port *ports;
	uint32_t n_ports;
	struct lb_status status;
};

enum address_type {
	ADDRESS_IPV4,
	ADDRESS_IPV6,
	ADDRESS_FQDN
};

struct slice_endpoint {
	const struct addr *addrs; /* port 0; none for ADDRESS_FQDN (deprecated, not supported) */
	uint16_t n_addrs;         /* the API says they are alike, and to use the first */
	uint8_t ready, serving, terminating; /* enum tri; ready unset counts as ready */
	struct str node, zone;
	struct obj_strs for_zones; /* hints.forZones */
};

struct slice_port {
	struct str name; /* empty: the only port */
	struct str app_protocol;
	uint16_t port; /* 0: all ports (headless Services without ports) */
	enum port_protocol protocol;
};

struct endpoint_slice {
	struct obj o;
	enum address_type type;
	struct str service; /* label kubernetes.io/service-name; may be empty */
	const struct slice_endpoint *endpoints;
	const struct slice_port *ports;
	uint32_t n_endpoints, n_ports;
	RB_ENTRY(endpoint_slice) by_service; /* the store's own */
};

struct secret {
	struct obj o;
	struct str type;             /* "kubernetes.io/tls", "Opaque", ... */
	struct obj_map data;         /* decoded bytes */
	struct aside *aside;         /* where those of tls.crt and tls.key lie; NULL: nowhere */
	bool has_pair;               /* it had tls.crt or tls.key, whatever has become of them */
	bool has_key;                /* some of it is private (secret_is_private()) */
	bool key_gone;               /* some of it was, and the store has wiped it (store.h) */
	LIST_ENTRY(secret) with_key; /* the store's own */
};

/* Let go of tls.crt and tls.key, overwritten: they have no value from now on. Returns the bytes. */
size_t secret_drop_pair(struct secret *s);
/* Bytes of its memory, the object's own not counted. */
size_t secret_aside_bytes(const struct secret *s);

/* Is this entry nobody's business once it has been read: a private key, users' hashes, anything but
 * tls.crt, ca.crt and ca.crl? And those too, where PEM with a private key is in them, as some put
 * the whole bundle into tls.crt. */
bool secret_is_private(const struct obj_kv *entry);

struct configmap {
	struct obj o;
	struct obj_map data; /* binaryData is not kept */
};

struct namespace
{ /* its labels are in .o */
	struct obj o;
};

struct node { /* the same; its addresses are read elsewhere (addresses_parse.h) */
	struct obj o;
};

/* The object as its kind; CHECKs the kind. */
const struct ingress *obj_ingress(const struct obj *o);
const struct ingress_class *obj_class(const struct obj *o);
const struct service *obj_service(const struct obj *o);
const struct endpoint_slice *obj_slice(const struct obj *o);
const struct secret *obj_secret(const struct obj *o);
const struct configmap *obj_configmap(const struct obj *o);

#endif
