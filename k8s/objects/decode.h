/*
 * decode: a JSON tree becomes a typed object, or a reason why not.
 *
 * One decoder for both sources. What the API server would refuse is refused here too, where it
 * matters for routing or safety: names, hosts, paths, ports, addresses, types. Differences for
 * files: a missing namespace is "default", and any IP address is allowed, loopback included.
 */
#ifndef SILEX_K8S_OBJECTS_DECODE_H
#define SILEX_K8S_OBJECTS_DECODE_H

#include "k8s/text/json.h"
#include "k8s/objects/obj.h"

/* Where the tree comes from. All zero for the API server. */
struct decode_from {
	bool file_mode;
	struct str file; /* copied into the object */
	uint32_t doc, item;
	uint64_t content;
};

/* An object of a kind that is known (an item of a LIST or a watch event). NULL with *err set. */
struct obj *decode_object(enum obj_kind kind, struct json_object *v, const struct decode_from *from,
			  struct jv_err *err);

enum decoded_what {
	DECODED_OBJECT,  /* .obj, now the receiver's */
	DECODED_IGNORED, /* a kind Silex does not read; .text says which */
	DECODED_BAD,     /* .text says why, .line where */
};

struct decoded {
	enum decoded_what what;
	struct obj *obj;
	/* Who it is, as far as known, also when it is bad; borrowed from the tree. */
	bool named;
	enum obj_kind kind;
	struct str ns, name;
	uint32_t line;
	const char *text;
};

typedef void decode_emit_fn(void *arg, struct decoded *d);

/* Any value by its apiVersion and kind; a List gives each of its items, one call each. */
void decode_any(struct json_object *v, const struct decode_from *from, decode_emit_fn *emit,
		void *arg);

#endif
