/*
 * yaml_scalar: what a plain YAML scalar means: null, boolean, integer, float or string.
 *
 * The rules are those of the parser inside kubectl, since a manifest must mean the same in
 * both places: `on` is true, 010 is eight, 0x1F thirty-one, 1_000 a thousand, 2024-01-01 and
 * 12:30 strings, and a float without fraction (80.0) the integer kubectl would send.
 */
#ifndef SILEX_K8S_TEXT_YAML_SCALAR_H
#define SILEX_K8S_TEXT_YAML_SCALAR_H

#include <json-c/json.h>

#include "common/str.h"

/* A new json-c value for an unquoted scalar; NULL is the null value. */
struct json_object *yaml_scalar(struct str s);
/* True when a look at it suffices to say that it is a string; false means nothing. */
bool yaml_scalar_is_text(struct str s);

#endif
