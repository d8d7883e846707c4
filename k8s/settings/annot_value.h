/*
 * annot_value: what the value of an annotation of each type may look like, by ingress-nginx' rules
 * (facts: annotations §0), and what it then means.
 *
 * A value is data, read whole: what is not understood to its last byte is refused, with a text
 * that completes the sentence '"value" ...' and says how to mend it.
 * What must not happen here: knowledge of a single annotation. Bounds are the table's.
 */
#ifndef SILEX_K8S_SETTINGS_ANNOT_VALUE_H
#define SILEX_K8S_SETTINGS_ANNOT_VALUE_H

#include <stdint.h>

#include "common/str.h"
#include "k8s/settings/annot.h"

/* A type below ANNOT_STRING. NULL with the number in *out (bytes, bits of enum policy_next, enum
 * cluster_protocol, 0 or 1), or what is wrong; *out is then undefined. */
const char *annot_value_number(enum annot_type type, struct str value, int64_t *out);
/* ANNOT_STRING and after it: s. NULL, or what is wrong. An empty value passes: it is the default.
 */
const char *annot_value_text(enum annot_type type, struct str s);

#endif
