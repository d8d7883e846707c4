/*
 * names: the forms the API server demands of names, hosts, paths and ports.
 *
 * Each function answers NULL when s is well formed, else what is wrong and how it should look,
 * as the end of a sentence. ASCII only, no locale; bounded by the lengths DNS allows.
 */
#ifndef SILEX_K8S_TEXT_NAMES_H
#define SILEX_K8S_TEXT_NAMES_H

#include "common/str.h"

/* RFC 1123 label: at most 63 of a-z 0-9 -, beginning and ending with a letter or digit. */
const char *name_label(struct str s);
/* RFC 1123 subdomain: labels joined by ".", at most 253 bytes. */
const char *name_subdomain(struct str s);
/* An Ingress' host: a subdomain that is no IP address, or "*." and a subdomain. */
const char *name_host(struct str s);
/* A named port (IANA service name): at most 15 of a-z 0-9 -, with a letter, no "--". */
const char *name_port(struct str s);
/* A key of a ConfigMap's or Secret's data. */
const char *name_data_key(struct str s);
/* A path of pathType Exact or Prefix. */
const char *name_path(struct str s);
/* A path of pathType ImplementationSpecific: empty, or anything that begins with "/". */
const char *name_path_free(struct str s);

#endif
