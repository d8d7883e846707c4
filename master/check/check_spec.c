/* check_spec: see check_spec.h. One row an annotation. */
#include "master/check/check_spec.h"

#include <bsd/string.h>
#include <string.h>

#include "k8s/settings/dev_value.h"

typedef const char *set_fn(struct check_spec *s, struct str value);

static const char *set_kind(struct check_spec *s, struct str v)
{
	static const char *const words[] = {"off", "tcp", "http", "https", "grpc", "grpcs"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (str_eq(v, str_from(words[i]))) {
			s->kind = (uint8_t)i;
			return NULL;
		}
	return "must be off, tcp, http, https, grpc or grpcs";
}

/* Bytes that can stand in a request line or a field: visible ASCII. */
static bool is_visible(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= 0x20 || v.p[i] >= 0x7f)
			return false;
	return v.n > 0;
}

static const char *set_path(struct check_spec *s, struct str v)
{
	if (!is_visible(v) || v.p[0] != '/' || v.n >= sizeof(s->path))
		return "must be a path of visible characters that begins with / (255 at most)";
	memcpy(s->path, v.p, v.n);
	s->path[v.n] = '\0';
	return NULL;
}

static const char *set_host(struct check_spec *s, struct str v)
{
	if (!is_visible(v) || v.n >= sizeof(s->host))
		return "must be a host name of visible characters (255 at most)";
	memcpy(s->host, v.p, v.n);
	s->host[v.n] = '\0';
	return NULL;
}

static const char *set_service(struct check_spec *s, struct str v)
{
	if (!is_visible(v) || v.n >= sizeof(s->service))
		return "must be a service's name of visible characters (127 at most)";
	memcpy(s->service, v.p, v.n);
	s->service[v.n] = '\0';
	return NULL;
}

static const char *set_port(struct check_spec *s, struct str v)
{
	uint64_t n;

	if (!str_u64(v, UINT16_MAX, &n) || n == 0)
		return "must be a port number, 1 to 65535";
	s->port = (uint16_t)n;
	return NULL;
}

static const char *set_interval(struct check_spec *s, struct str v)
{
	return dev_ms(&s->interval_ms, v);
}

static const char *set_timeout(struct check_spec *s, struct str v)
{
	return dev_ms(&s->timeout_ms, v);
}

static const char *set_count(uint8_t *to, struct str v)
{
	uint32_t n;
	const char *wrong = dev_number(&n, v, 1, 100);

	if (wrong == NULL)
		*to = (uint8_t)n;
	return wrong;
}

static const char *set_rise(struct check_spec *s, struct str v)
{
	return set_count(&s->rise, v);
}

static const char *set_fall(struct check_spec *s, struct str v)
{
	return set_count(&s->fall, v);
}

/* "200" or "200-399". */
static const char *set_status(struct check_spec *s, struct str v)
{
	ptrdiff_t dash = str_chr(v, '-');
	struct str low = dash == -1 ? v : str_make(v.p, (size_t)dash);
	struct str high = dash == -1 ? v : str_from_at(v, (size_t)dash + 1);
	uint64_t a, b;

	if (!str_u64(low, 599, &a) || !str_u64(high, 599, &b) || a < 100 || b < a)
		return "must be a status or a range of them, such as 200 or 200-399";
	s->low = (uint16_t)a;
	s->high = (uint16_t)b;
	return NULL;
}

static const struct {
	const char *name;
	set_fn *set;
} rows[] = {
    {DEV_PREFIX "health-check", set_kind},
    {DEV_PREFIX "health-check-path", set_path},
    {DEV_PREFIX "health-check-host", set_host},
    {DEV_PREFIX "health-check-service", set_service},
    {DEV_PREFIX "health-check-port", set_port},
    {DEV_PREFIX "health-check-interval", set_interval},
    {DEV_PREFIX "health-check-timeout", set_timeout},
    {DEV_PREFIX "health-check-status", set_status},
    {DEV_PREFIX "health-check-healthy-threshold", set_rise},
    {DEV_PREFIX "health-check-unhealthy-threshold", set_fall},
};

void check_spec_defaults(struct check_spec *s, const struct conf *conf)
{
	*s = (struct check_spec){
	    .kind = (uint8_t)conf->upstream_check,
	    .rise = (uint8_t)conf->upstream_check_rise,
	    .fall = (uint8_t)conf->upstream_check_fall,
	    .low = (uint16_t)conf->upstream_check_low,
	    .high = (uint16_t)conf->upstream_check_high,
	    .interval_ms = (uint32_t)conf->upstream_check_interval_ms,
	    .timeout_ms = (uint32_t)conf->upstream_check_timeout_ms,
	};
	(void)strlcpy(s->path, conf->upstream_check_path, sizeof(s->path));
}

void check_spec_read(struct check_spec *s, const struct obj *o, check_tell_fn *tell, void *arg)
{
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str name = str_from(rows[i].name);
		const struct str *value = obj_map_get(&o->annotations, name);
		const char *wrong = value == NULL ? NULL : rows[i].set(s, *value);

		if (wrong != NULL)
			tell(arg, name, wrong);
	}
}
