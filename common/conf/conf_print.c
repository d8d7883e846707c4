/* conf_print: the configuration keys for people. See conf_print.h. */
#include "common/check.h"
#include "common/conf/conf_print.h"

#include "common/conf/conf_key.h"
#include "common/conf/conf_value.h"

/* The placeholder behind an option in the help. */
static const char *value_word(const struct conf_key *k)
{
	static const char *const words[] = {
	    [CONF_T_SECTION] = "",        [CONF_T_BOOL] = "",         [CONF_T_INT] = " N",
	    [CONF_T_AUTO] = " N",         [CONF_T_SIZE] = " SIZE",    [CONF_T_TIME] = " TIME",
	    [CONF_T_ENUM] = " WORD",      [CONF_T_STRING] = " TEXT",  [CONF_T_NAME] = " NAME",
	    [CONF_T_NSNAME] = " NS/NAME", [CONF_T_URLPATH] = " PATH", [CONF_T_ADDRS] = " ADDR,...",
	    [CONF_T_CIDRS] = " CIDR,...",
	};

	CHECK(k->type < sizeof(words) / sizeof(words[0])); /* a new type needs its word */
	return words[k->type];
}

static bool is_shown(const struct conf_key *k, bool all)
{
	return k->type != CONF_T_SECTION && (all || k->show == CONF_SHOW_COMMON);
}

/* Does the section that starts at row i have a key to show? */
static bool section_is_shown(size_t i, bool all)
{
	for (i++; i < conf_n_keys && conf_keys[i].type != CONF_T_SECTION; i++)
		if (is_shown(&conf_keys[i], all))
			return true;
	return false;
}

static void help_row(FILE *f, const struct conf_key *k)
{
	char left[64];

	if (k->type == CONF_T_ENUM)
		(void)snprintf(left, sizeof(left), "--%s %s", k->name, k->choices);
	else
		(void)snprintf(left, sizeof(left), "--%s%s", k->name, value_word(k));
	fprintf(f, "  %-38s %s", left, k->help);
	if (k->def[0] != '\0' && k->type != CONF_T_BOOL)
		fprintf(f, " [%s]", k->def);
	fprintf(f, "\n");
}

void conf_print_help(FILE *f, bool all)
{
	fprintf(f, "silex: Kubernetes ingress controller\n"
		   "  silex [options]                        serve until SIGTERM\n"
		   "  silex show workers|table|route HOST PATH|conf\n"
		   "  -c, --config FILE                      read `key = value` lines; "
		   "options override them\n"
		   "  -t, --test                             check the configuration and exit\n"
		   "  -h, --help  --help-all  --version\n");
	if (all)
		fprintf(f, "  --print-conf-example, --print-conf-md  silex.conf.example, "
			   "table for the README\n");
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *k = &conf_keys[i];

		if (k->type == CONF_T_SECTION && section_is_shown(i, all))
			fprintf(f, "%s:\n", k->name);
		else if (is_shown(k, all))
			help_row(f, k);
	}
}

static const char *when_text(const struct conf_key *k)
{
	return k->when == CONF_WHEN_HUP ? "SIGHUP" : "restart";
}

/* A value as it must stand in the file: quoted when it is empty or holds what ends a bare one. */
static void print_pair(FILE *f, const struct conf_key *k, const char *value)
{
	bool quoted = value[0] == '\0' || strpbrk(value, "#\"'\\ \t") != NULL;

	fprintf(f, "%s = ", k->name);
	if (!quoted) {
		fprintf(f, "%s\n", value);
		return;
	}
	fputc('"', f);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', f);
		fputc(*value, f);
	}
	fprintf(f, "\"\n");
}

void conf_print_example(FILE *f)
{
	char allowed[CONF_ERROR_MAX];

	fprintf(f, "# silex.conf: `key = value`, one a line. Made by silex --print-conf-example.\n"
		   "# Every key is also an option: --key value. What stands here is the default.\n"
		   "# A bad line is refused with file, line and key, and changes nothing.\n");
	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *k = &conf_keys[i];

		if (k->type == CONF_T_SECTION) {
			fprintf(f, "\n### %s\n", k->name);
			continue;
		}
		conf_value_allowed(k, allowed);
		fprintf(f, "\n# %s\n# Allowed: %s. Taken over by: %s.\n#", k->help, allowed,
			when_text(k));
		print_pair(f, k, k->def);
	}
}

/* "|" would end a cell. */
static void print_cell(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '|')
			fputc('\\', f);
		fputc(*s, f);
	}
}

void conf_print_md(FILE *f)
{
	char allowed[CONF_ERROR_MAX];

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *k = &conf_keys[i];

		if (k->type == CONF_T_SECTION) {
			fprintf(
			    f,
			    "\n**%s**\n\n| key | default | allowed | taken over by | meaning |\n"
			    "|---|---|---|---|---|\n",
			    k->name);
			continue;
		}
		conf_value_allowed(k, allowed);
		fprintf(f, "| `%s` | %s | ", k->name, k->def);
		print_cell(f, allowed);
		fprintf(f, " | %s | ", when_text(k));
		print_cell(f, k->help);
		fprintf(f, " |\n");
	}
}

void conf_print_values(FILE *f, const struct conf *c)
{
	char value[CONF_VALUE_MAX];

	for (size_t i = 0; i < conf_n_keys; i++) {
		if (conf_keys[i].type == CONF_T_SECTION)
			continue;
		conf_value_text(&conf_keys[i], c, value);
		print_pair(f, &conf_keys[i], value);
	}
}
