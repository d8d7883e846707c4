/*
 * selector: label selectors as kubectl writes them, for --watch-namespace-selector.
 *
 *     env=prod,tier!=test,zone in (a, b),team notin (x),owner,!legacy
 *
 * All requirements must hold. As in Kubernetes: "!=" and "notin" also hold where the label is
 * absent. Matched against text each time: it is short, and namespaces change seldom.
 */
#ifndef SILEX_K8S_OBJECTS_SELECTOR_H
#define SILEX_K8S_OBJECTS_SELECTOR_H

#include <stdbool.h>

#include "common/str.h"
#include "k8s/objects/obj.h"

/* NULL when text is a selector (the empty one matches everything), else what is wrong with it. */
const char *selector_wrong(struct str text);
/* Do the labels match? A text that is no selector matches nothing. */
bool selector_matches(struct str text, const struct obj_map *labels);

#endif
