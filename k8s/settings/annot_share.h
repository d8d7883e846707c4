/*
 * annot_share: one copy of what many Ingresses' annotations come to.
 *
 * A struct annots is more than a kilobyte, and most Ingresses of a large cluster have no
 * annotations or the same ones. Each content is kept once, with copies of its strings, counted,
 * and never changed.
 */
#ifndef SILEX_K8S_SETTINGS_ANNOT_SHARE_H
#define SILEX_K8S_SETTINGS_ANNOT_SHARE_H

#include <bsd/sys/tree.h>

#include "k8s/settings/annot.h"

struct annot_shared;
RB_HEAD(annot_tree, annot_shared);

struct annot_shares { /* all zero at first */
	struct annot_tree all;
	size_t n; /* different ones */
};

/* The copy with this content, counted once more: valid until it is counted less as often. Nothing
 * of *a is needed any longer but the strings that are those of defaults, or that annots_strings()
 * leaves out: these belong to the settings, and stay borrowed. Out of memory is the end of the
 * process. */
const struct annots *annots_share(struct annot_shares *s, const struct annots *a,
				  const struct annots *defaults);
/* Counted once less; a as annots_share() returned it, or NULL. */
void annots_unshare(struct annot_shares *s, const struct annots *a);

#endif
