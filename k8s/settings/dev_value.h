/*
 * dev_value: values of a Service's silex.dev/ annotations. Each returns NULL, or what is wrong as
 * the rest of a sentence ("must be ..."); *to is then unchanged.
 */
#ifndef SILEX_K8S_SETTINGS_DEV_VALUE_H
#define SILEX_K8S_SETTINGS_DEV_VALUE_H

#include <stdint.h>

#include "common/str.h"

#define DEV_PREFIX "silex.dev/"

/* "5", "5s", "500ms", "2m": 100ms to 60m. */
const char *dev_ms(uint32_t *to, struct str v);
/* A number from lo to hi. */
const char *dev_number(uint32_t *to, struct str v, uint32_t lo, uint32_t hi);
/* "true" or "false". */
const char *dev_bool(uint8_t *to, struct str v);

#endif
