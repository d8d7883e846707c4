/*
 * annot_words: annotations whose value is one of a few words, kept as its number.
 */
#ifndef SILEX_K8S_SETTINGS_ANNOT_WORDS_H
#define SILEX_K8S_SETTINGS_ANNOT_WORDS_H

#include "k8s/settings/annot.h"

/* *out: the word's place, an enum of cluster_kind.h. Returns NULL, or what the value must be. */
const char *annot_word(enum annot_type type, struct str value, int64_t *out);

#endif
