/*
 * yaml: YAML documents as json-c trees, the way kubectl reads them.
 *
 * A stream is first cut into documents at its "---" lines, so that a broken document cannot
 * hide its neighbours; each is then parsed by libyaml. Plain scalars become typed values by the
 * rules of kubectl's parser (YAML 1.1 booleans yes/no/on/off/y/n, 0x and 0-octal integers,
 * underscores, .inf); quoted ones are strings; timestamps stay strings. Anchors, aliases and
 * merge keys work, within JSON_DEPTH_MAX and YAML_NODES_MAX counted with every alias unfolded.
 * Refused with a reason: duplicate keys, unknown tags, maps and lists as keys.
 * Every node carries its line (jv_line).
 */
#ifndef SILEX_K8S_TEXT_YAML_H
#define SILEX_K8S_TEXT_YAML_H

#include "k8s/text/json.h"

#define YAML_NODES_MAX 1000000u

struct yaml_doc {
	struct str text; /* from its "---" line (or the stream's beginning) to the next one */
	uint32_t line;   /* of its first byte, from 1 */
};

/* The next document of *rest, whose first byte is on line *line; both are advanced. Documents
 * of blanks and comments only are skipped. False at the end. */
bool yaml_next(struct str *rest, uint32_t *line, struct yaml_doc *out);

/*
 * Parse one document. Returns the tree (json_object_put() it), or NULL with *err set; NULL
 * without *err: the document is null. Lines count from doc->line.
 */
struct json_object *yaml_parse(const struct yaml_doc *doc, struct jv_err *err);

#endif
