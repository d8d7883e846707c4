/* service_opts: see service_opts.h. One row an annotation. */
#include "master/balance/service_opts.h"

#include "k8s/settings/dev_value.h"

typedef const char *set_fn(struct cluster_opts *o, struct str value);

/* "0" and "off" take back what silex.conf asks for. */
static bool is_off(struct str v)
{
	return str_eq(v, STR("0")) || str_eq(v, STR("off"));
}

static const char *set_slow_start(struct cluster_opts *o, struct str v)
{
	if (!is_off(v))
		return dev_ms(&o->slow_start_ms, v);
	o->slow_start_ms = 0;
	return NULL;
}

static const char *set_after(struct cluster_opts *o, struct str v)
{
	uint32_t n = 0;
	const char *wrong = is_off(v) ? NULL : dev_number(&n, v, 0, 1000);

	if (wrong == NULL)
		o->eject_after = (uint16_t)n;
	return wrong;
}

static const char *set_time(struct cluster_opts *o, struct str v)
{
	return dev_ms(&o->eject_ms, v);
}

static const char *set_max_time(struct cluster_opts *o, struct str v)
{
	return dev_ms(&o->eject_max_ms, v);
}

static const char *set_share(struct cluster_opts *o, struct str v)
{
	uint32_t n;
	const char *wrong = dev_number(&n, v, 1, 100);

	if (wrong == NULL)
		o->eject_share = (uint8_t)n;
	return wrong;
}

static const char *set_5xx(struct cluster_opts *o, struct str v)
{
	return dev_bool(&o->eject_5xx, v);
}

static const struct {
	const char *name;
	set_fn *set;
} rows[] = {
    {DEV_PREFIX "slow-start", set_slow_start}, {DEV_PREFIX "eject-after", set_after},
    {DEV_PREFIX "eject-time", set_time},       {DEV_PREFIX "eject-max-time", set_max_time},
    {DEV_PREFIX "eject-share", set_share},     {DEV_PREFIX "eject-5xx", set_5xx},
};

void service_opts_defaults(struct cluster_opts *o, const struct conf *conf)
{
	*o = (struct cluster_opts){
	    .slow_start_ms = (uint32_t)conf->upstream_slow_start_ms,
	    .eject_ms = (uint32_t)conf->upstream_eject_ms,
	    .eject_max_ms = (uint32_t)conf->upstream_eject_max_ms,
	    .eject_after = (uint16_t)conf->upstream_eject_after,
	    .eject_share = (uint8_t)conf->upstream_eject_share,
	    .eject_5xx = conf->upstream_eject_5xx,
	};
}

void service_opts_read(struct cluster_opts *o, const struct obj *service, service_tell_fn *tell,
		       void *arg)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str name = str_from(rows[i].name);
		const struct str *value = obj_map_get(&service->annotations, name);
		const char *wrong = value == NULL ? NULL : rows[i].set(o, *value);

		if (wrong != NULL)
			tell(arg, name, wrong);
	}
}
