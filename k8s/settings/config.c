/* config: see config.h. */
#include "k8s/settings/config.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/conf/conf_key.h"
#include "common/vars/log_format.h"
#include "common/vars/stream_vars.h"

/* ---- keys whose value reads otherwise than ours --------------------------------------- */

/* "4 8k": number and size of buffers; a line must fit into one, the head into all of them. */
static int header_buffers(struct conf *conf, struct str value, char err[CONF_ERROR_MAX])
{
	ptrdiff_t blank = str_chr(value, ' ');
	struct str count = str_make(value.p, blank == -1 ? 0 : (size_t)blank);
	struct str size = str_trim(str_from_at(value, (size_t)(blank + 1)));
	char total[32];
	uint64_t n;

	if (blank == -1 || !str_u64(count, 64, &n) || n == 0) {
		(void)snprintf(err, CONF_ERROR_MAX,
			       "large-client-header-buffers: \"" STR_FMT
			       "\" is not a number and a size, as in \"4 8k\"",
			       STR_ARG(str_head(value, 60)));
		return -1;
	}
	if (conf_set(conf, STR("client-header-line-size"), size, err) != 0)
		return -1;
	(void)snprintf(total, sizeof(total), "%llu",
		       (unsigned long long)conf->client_header_line_bytes * n);
	return conf_set(conf, STR("client-header-size"), str_from(total), err);
}

/* A format that cannot be read is refused; one with a variable nobody knows works without it. */
static int log_format(const struct vars_set *set, const char *key, struct str value,
		      char to[LOG_FORMAT_MAX + 1], char err[CONF_ERROR_MAX])
{
	char program[VARS_PROGRAM_MAX], why[VARS_WHY_MAX];
	enum vars_result result;
	struct text t;

	text_fixed(&t, program, sizeof(program));
	result = log_format_compile(set, value, &t, why);
	if (result != VARS_OK)
		(void)snprintf(err, CONF_ERROR_MAX, "%s: %s%s", key, why,
			       result == VARS_BAD ? "; it has no effect" : "");
	if (result == VARS_BAD)
		return -1;
	if (value.n > LOG_FORMAT_MAX) {
		(void)snprintf(err, CONF_ERROR_MAX, "%s: longer than %d bytes", key,
			       LOG_FORMAT_MAX);
		return -1;
	}
	/* Not by conf_set(): a ConfigMap may hold line ends, which silex.conf cannot. */
	if (value.n > 0)
		memcpy(to, value.p, value.n);
	to[value.n] = '\0';
	return result == VARS_UNKNOWN;
}

static int log_format_upstream(struct conf *conf, struct str value, char err[CONF_ERROR_MAX])
{
	return log_format(&vars_of_requests, "log-format-upstream", value,
			  conf->log_format_upstream, err);
}

static int log_format_stream(struct conf *conf, struct str value, char err[CONF_ERROR_MAX])
{
	return log_format(&vars_of_sessions, "log-format-stream", value, conf->log_format_stream,
			  err);
}

/* In ingress-nginx' image its own files are links to the standard streams. */
static int access_log_path(struct conf *conf, struct str value, char err[CONF_ERROR_MAX])
{
	if (value.n == 0)
		return 0;
	if (str_eq(value, STR("/var/log/nginx/access.log")) || str_eq(value, STR("/dev/stdout")))
		value = STR("stdout");
	return conf_set(conf, STR("access-log"), value, err);
}

static int error_log_path(struct conf *conf, struct str value, char err[CONF_ERROR_MAX])
{
	if (value.n == 0)
		return 0;
	if (str_eq(value, STR("/var/log/nginx/error.log")) || str_eq(value, STR("/dev/stderr")))
		value = STR("stderr");
	return conf_set(conf, STR("error-log"), value, err);
}

/* nginx knows eight levels, Silex four. */
static int error_log_level(struct conf *conf, struct str value, char err[CONF_ERROR_MAX])
{
	static const struct {
		const char *theirs, *ours;
	} levels[] = {{"debug", "debug"}, {"info", "info"},   {"notice", "info"},
		      {"warn", "warn"},   {"error", "error"}, {"crit", "error"},
		      {"alert", "error"}, {"emerg", "error"}};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (str_ieq(value, str_from(levels[i].theirs)))
			return conf_set(conf, STR("log-level"), str_from(levels[i].ours), err);
	(void)snprintf(err, CONF_ERROR_MAX,
		       "error-log-level: \"" STR_FMT "\" is none of debug, info, notice, warn, "
		       "error, crit, alert, emerg; it has no effect",
		       STR_ARG(str_head(value, 60)));
	return -1;
}

/* ---- rows ----------------------------------------------------------------------------- */

static const struct config_row rows[] = {
#define CONFIG_TAKE(name)           {.key = (name), .as = (name), .how = CONFIG_HOW_TAKE},
#define CONFIG_AS(name, conf)       {.key = (name), .as = (conf), .how = CONFIG_HOW_TAKE},
#define CONFIG_OWN(name, fn)        {.key = (name), .own = (fn), .how = CONFIG_HOW_OWN},
#define CONFIG_ELSEWHERE(name, why) {.key = (name), .text = (why), .how = CONFIG_HOW_ELSEWHERE},
#define CONFIG_IGNORE(name, why)    {.key = (name), .text = (why), .how = CONFIG_HOW_IGNORE},
#define CONFIG_NEVER(name, why)     {.key = (name), .text = (why), .how = CONFIG_HOW_NEVER},
#include "k8s/settings/config_tbl.h"
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

const struct config_row *config_rows(size_t *n)
{
	*n = N_ROWS;
	return rows;
}

const struct config_row *config_find(struct str key)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (str_eq(key, str_from(rows[i].key)))
			return &rows[i];
	return NULL;
}

const struct config_row *config_nearest(struct str key)
{
	const struct config_row *best = NULL;
	unsigned least = (unsigned)(key.n / 4 + 1); /* more slips than that is another word */

	for (size_t i = 0; i < N_ROWS; i++) {
		unsigned d = conf_word_distance(key, str_from(rows[i].key));

		if (d < least) {
			least = d;
			best = &rows[i];
		}
	}
	return best;
}

/* ---- applying ------------------------------------------------------------------------- */

struct applying {
	struct conf *conf;
	struct annots *annots;
	config_tell_fn *tell;
	void *arg;
};

static void tell(const struct applying *a, enum config_severity severity, const char *text)
{
	if (a->tell != NULL)
		a->tell(a->arg, severity, text);
}

static void unknown(const struct applying *a, struct str key)
{
	const struct config_row *near = config_nearest(key);
	char text[CONF_ERROR_MAX];

	if (near != NULL)
		(void)snprintf(text, sizeof(text), STR_FMT ": unknown key; did you mean %s?",
			       STR_ARG(str_head(key, 100)), near->key);
	else
		(void)snprintf(text, sizeof(text), STR_FMT ": unknown key; remove it",
			       STR_ARG(str_head(key, 100)));
	tell(a, CONFIG_WARN, text);
}

static void without_effect(const struct applying *a, const struct config_row *row, const char *why)
{
	bool never = row->how == CONFIG_HOW_NEVER;
	char text[CONF_ERROR_MAX];

	(void)snprintf(text, sizeof(text), "%s: %s: %s", row->key,
		       never ? "cannot be honoured" : "accepted and ignored", why);
	tell(a, never ? CONFIG_WARN : CONFIG_NOTE, text);
}

static void as_annotation(const struct applying *a, const struct config_row *row, struct str value)
{
	const struct annot_row *annot = annot_find(str_from(row->as));
	const char *wrong;
	char text[CONF_ERROR_MAX];

	if (annot != NULL && annot->id == ANNOT_ID_IDLE) {
		without_effect(a, row, annot->text);
		return;
	}
	if (annot == NULL || annot->id < 0) {
		(void)snprintf(text, sizeof(text), "%s: not supported yet; it has no effect",
			       row->key);
		tell(a, CONFIG_WARN, text);
		return;
	}
	wrong = annots_set(a->annots, (enum annot_id)annot->id, value);
	if (wrong == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%s: \"" STR_FMT "\" %s; it has no effect", row->key,
		       STR_ARG(str_head(value, 60)), wrong);
	tell(a, CONFIG_WARN, text);
}

static void take(const struct applying *a, const struct config_row *row, struct str value)
{
	char err[CONF_ERROR_MAX];
	int rc;

	if (row->how == CONFIG_HOW_OWN) {
		rc = row->own(a->conf, value, err);
	} else if (conf_key_find(str_from(row->as)) != NULL) {
		rc = conf_set(a->conf, str_from(row->as), value, err);
	} else {
		as_annotation(a, row, value);
		return;
	}
	if (rc != 0)
		tell(a, CONFIG_WARN, err);
}

static void apply_one(const struct applying *a, struct str key, struct str value)
{
	const struct config_row *row = config_find(key);

	if (row == NULL)
		unknown(a, key);
	else if (row->how == CONFIG_HOW_ELSEWHERE)
		return;
	else if (row->how == CONFIG_HOW_IGNORE || row->how == CONFIG_HOW_NEVER)
		without_effect(a, row, row->text);
	else
		take(a, row, str_trim(value));
}

void config_apply(const struct configmap *cm, struct conf *conf, struct annots *annots,
		  config_tell_fn *fn, void *arg)
{
	struct conf spare_conf;
	struct annots spare_annots;
	struct applying a = {conf, annots, fn, arg};

	if (conf == NULL) {
		conf_init(&spare_conf);
		a.conf = &spare_conf;
	}
	if (annots == NULL) {
		annots_defaults(&spare_annots);
		a.annots = &spare_annots;
	}
	for (uint32_t i = 0; cm != NULL && i < cm->data.n; i++)
		apply_one(&a, cm->data.kv[i].key, cm->data.kv[i].value);
	memset(a.annots->set, 0, sizeof(a.annots->set)); /* defaults, whoever gave them */
}
