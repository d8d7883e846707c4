/*
 * config: the ConfigMap of --configmap, ingress-nginx' global settings, read into our own.
 *
 * One table (config_tbl.h) knows all keys. A value goes where the silex.conf key of that name
 * goes, or becomes the default of the annotation of that name; it wins over silex.conf and the
 * command line, because it is what is changed in a running cluster. Nothing is dropped in silence:
 * an invalid value, an unknown key ("did you mean ..."), one that cannot be honoured are told.
 */
#ifndef SILEX_K8S_SETTINGS_CONFIG_H
#define SILEX_K8S_SETTINGS_CONFIG_H

#include <stdbool.h>

#include "common/conf/conf.h"
#include "k8s/settings/annot.h"
#include "k8s/objects/obj.h"

enum config_how {
	CONFIG_HOW_TAKE,
	CONFIG_HOW_OWN,
	CONFIG_HOW_ELSEWHERE, /* read by master/translate/ */
	CONFIG_HOW_IGNORE,
	CONFIG_HOW_NEVER,
};

enum config_severity {
	CONFIG_NOTE, /* accepted, has no effect by nature */
	CONFIG_WARN, /* ignored: wrong, unknown, or not supported */
};

/* text is one sentence: what is wrong and how to mend it; valid during the call. */
typedef void config_tell_fn(void *arg, enum config_severity severity, const char *text);

/*
 * Put what the ConfigMap says over *conf and over the defaults of the annotations (each may be
 * NULL: left alone). fn (may be NULL) hears of every key that has no effect. Strings of *annots
 * are borrowed from cm. cm NULL: nothing to say.
 */
void config_apply(const struct configmap *cm, struct conf *conf, struct annots *annots,
		  config_tell_fn *fn, void *arg);

/* One row, for documentation. */
struct config_row {
	const char *key;
	const char *as;   /* silex.conf key or annotation it is taken as; NULL: none */
	const char *text; /* of those that have no effect: why; of those elsewhere: what it is */
	enum config_how how;
	/* 0; -1: wrong, err says why; 1: taken, and err says what does not work of it. */
	int (*own)(struct conf *conf, struct str value, char err[CONF_ERROR_MAX]);
};
const struct config_row *config_rows(size_t *n);
const struct config_row *config_find(struct str key);
/* The row whose key is nearest to a misspelt one; NULL when none is near. */
const struct config_row *config_nearest(struct str key);

#endif
