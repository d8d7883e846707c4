/*
 * sources_conf: what counts as settings, silex.conf and what the ConfigMap says over it.
 *
 * Always both at once: a key that leaves the ConfigMap is silex.conf's again.
 */
#include "k8s/settings/config.h"
#include "master/ocsp/staple.h"
#include "master/patterns_check.h"
#include "master/sources/sources_int.h"
#include "master/translate/snippet/of_all.h"

static void configure(const struct sources *s, struct conf *conf, config_tell_fn *tell, void *arg)
{
	config_apply(config_of(s->conf, s->store), conf, NULL, tell, arg);
	conf_keep_fixed(conf, s->conf);
}

void sources_configure(const struct sources *s, struct conf *conf)
{
	configure(s, conf, NULL, NULL);
}

static void tell_config(void *arg, enum config_severity severity, const char *text)
{
	struct sources *s = arg;
	struct findings to = {sources_found, s};

	finding_about(&to, &s->config_found, severity == CONFIG_NOTE ? FINDING_NOTE : FINDING_WARN,
		      "ConfigMapKey", &config_of(s->conf, s->store)->o, "%s", text);
}

/* What counts now: silex.conf and the ConfigMap over it. The findings stay open. */
static void set_stapling(struct sources *s)
{
	bool wanted = s->effective.enable_ocsp;

	if (s->certs == NULL || wanted == (s->stapler != NULL))
		return;
	if (wanted) {
		s->stapler = stapler_new(s->ev, s->board);
		certs_staple(s->certs, s->stapler);
		return;
	}
	certs_staple(s->certs, NULL);
	stapler_free(s->stapler);
	s->stapler = NULL;
}

void sources_set_effective(struct sources *s)
{
	of_all_define(config_of(s->conf, s->store));
	finding_begin(&s->config_found);
	s->effective = *s->conf;
	configure(s, &s->effective, tell_config, s);
	if (config_of(s->conf, s->store) != NULL)
		patterns_check(&s->effective, tell_config, s);
	set_stapling(s);
}

/* Hand it on, and tell what does not work of it. */
void sources_use_effective(struct sources *s)
{
	const char *trouble = s->ops->configured(s->arg, &s->effective);

	if (trouble != NULL && config_of(s->conf, s->store) != NULL)
		tell_config(s, CONFIG_WARN, trouble);
	finding_end(&s->config_found);
}

void sources_settings_changed(struct sources *s, bool configmap)
{
	struct conf before = s->effective;

	sources_set_effective(s);
	if (configmap || !conf_eq(&before, &s->effective))
		translate_set_conf(s->translate, &s->effective);
	sources_use_effective(s);
}

bool sources_is_config(const struct sources *s, const struct obj *o)
{
	struct str ref = str_from(s->conf->configmap);

	return o->kind == OBJ_CONFIGMAP && ref.n == o->ns.n + 1 + o->name.n &&
	       str_starts(ref, o->ns) && str_ends(ref, o->name);
}
