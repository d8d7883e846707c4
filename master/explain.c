/* explain: see explain.h. */
#include "master/explain.h"

#include <stdio.h>
#include <string.h>

#include "common/conf/conf_key.h"
#include "common/conf/conf_print.h"
#include "common/conf/conf_value.h"
#include "k8s/settings/annot.h"
#include "k8s/settings/config.h"

/* --- words ---------------------------------------------------------------------------------- */

static const char *risk_text(enum annot_risk risk)
{
	static const char *const names[] = {"Low", "Medium", "High", "Critical"};

	return names[risk];
}

static const char *status_text(const struct annot_row *row)
{
	if (row->id == ANNOT_ID_LATER)
		return "not supported";
	return row->id == ANNOT_ID_IDLE ? "no effect" : "works";
}

static const char *scope_text(const struct annot_row *row)
{
	return row->scope == SCOPE_LOCATION ? "path" : "host";
}

static const char *default_text(const struct annot_row *row)
{
	return row->dflt == NULL ? "" : row->dflt;
}

/* Where a key of the ConfigMap goes; NULL: nowhere. */
static const char *goes_to(const struct config_row *row)
{
	const struct annot_row *annot;

	if (row->how == CONFIG_HOW_OWN)
		return "silex.conf, in another form";
	if (row->how == CONFIG_HOW_ELSEWHERE)
		return "hosts and paths";
	if (row->how != CONFIG_HOW_TAKE)
		return NULL;
	if (conf_key_find(str_from(row->as)) != NULL)
		return "silex.conf";
	annot = annot_find(str_from(row->as));
	return annot != NULL && annot->id >= 0 ? "default of the annotation" : NULL;
}

static const char *config_text(const struct config_row *row)
{
	const struct conf_key *key = row->as == NULL ? NULL : conf_key_find(str_from(row->as));
	const struct annot_row *annot = row->as == NULL ? NULL : annot_find(str_from(row->as));

	if (row->text != NULL)
		return row->text;
	if (key != NULL)
		return key->help;
	return annot != NULL ? annot->text : "";
}

static const char *config_status(const struct config_row *row)
{
	if (goes_to(row) != NULL)
		return "works";
	return row->how == CONFIG_HOW_IGNORE ? "no effect" : "not supported";
}

/* --- Markdown ------------------------------------------------------------------------------- */

static void cell(const char *text)
{
	fputs(" ", stdout);
	for (; *text != '\0'; text++)
		printf(*text == '|' ? "\\%c" : "%c", *text);
	fputs(" |", stdout);
}

static void code_cell(const char *text)
{
	printf(*text == '\0' ? " |" : " `%s` |", text);
}

static void annotations(void)
{
	size_t n;
	const struct annot_row *rows = annot_rows(&n);

	puts("\n## Annotations\n\nBehind `nginx.ingress.kubernetes.io/` (`--annotations-prefix`). "
	     "Of: what a value holds for, the Ingress' paths or the whole host. Risk: what "
	     "`annotations-risk-level` compares with.\n\n"
	     "| annotation | | default | of | risk | |\n|---|---|---|---|---|---|");
	for (size_t i = 0; i < n; i++) {
		putchar('|');
		code_cell(rows[i].name);
		cell(status_text(&rows[i]));
		code_cell(default_text(&rows[i]));
		cell(scope_text(&rows[i]));
		cell(risk_text(rows[i].risk));
		if (rows[i].alias_of != NULL)
			printf(" another name of `%s` |\n", rows[i].alias_of);
		else {
			cell(rows[i].text);
			putchar('\n');
		}
	}
}

static void config_keys(void)
{
	size_t n;
	const struct config_row *rows = config_rows(&n);

	puts(
	    "\n## The ConfigMap\n\nThe keys of ingress-nginx' ConfigMap (`--configmap`), which win "
	    "over silex.conf and change while Silex runs.\n\n"
	    "| key | | taken as | |\n|---|---|---|---|");
	for (size_t i = 0; i < n; i++) {
		const char *to = goes_to(&rows[i]);

		putchar('|');
		code_cell(rows[i].key);
		cell(config_status(&rows[i]));
		if (to != NULL && rows[i].as != NULL && strcmp(rows[i].as, rows[i].key) != 0)
			printf(" %s: `%s` |", to, rows[i].as);
		else
			cell(to == NULL ? "" : to);
		cell(config_text(&rows[i]));
		putchar('\n');
	}
}

static void markdown(void)
{
	puts("# Every setting\n\nMade by `silex explain`; `silex explain NAME` tells of one.");
	annotations();
	config_keys();
	puts("\n## silex.conf\n\nEvery key is a `--long-option` too.");
	conf_print_md(stdout);
}

/* --- one name ------------------------------------------------------------------------------- */

static bool explain_annotation(struct str name)
{
	const struct annot_row *row = annot_find(name);

	if (row == NULL)
		return false;
	printf("annotation %s: %s\n  %s\n", row->name, status_text(row), row->text);
	if (row->alias_of != NULL)
		printf("  another name of %s\n", row->alias_of);
	printf("  holds for the %s; risk %s", scope_text(row), risk_text(row->risk));
	if (*default_text(row) != '\0')
		printf("; default %s", row->dflt);
	putchar('\n');
	return true;
}

static bool explain_config(struct str name)
{
	const struct config_row *row = config_find(name);
	const char *to = row == NULL ? NULL : goes_to(row);

	if (row == NULL)
		return false;
	printf("ConfigMap key %s: %s\n", row->key, config_status(row));
	if (to != NULL && row->as != NULL)
		printf("  taken as %s %s\n", to, row->as);
	if (to == NULL || row->as == NULL)
		printf("  %s\n", config_text(row));
	return true;
}

static bool explain_key(struct str name)
{
	const struct conf_key *k = conf_key_find(name);
	char allowed[CONF_ERROR_MAX];

	if (k == NULL || k->type == CONF_T_SECTION)
		return false;
	conf_value_allowed(k, allowed);
	printf(
	    "silex.conf key and option --%s\n  %s\n  allowed: %s; default: %s; taken over by %s\n",
	    k->name, k->help, allowed, *k->def == '\0' ? "(empty)" : k->def,
	    k->when == CONF_WHEN_HUP ? "SIGHUP" : "a restart");
	return true;
}

static const char *nearest(struct str name)
{
	const struct annot_row *annot = annot_nearest(name);
	const struct config_row *row = annot == NULL ? config_nearest(name) : NULL;
	const struct conf_key *key = annot == NULL && row == NULL ? conf_key_nearest(name) : NULL;

	return annot != NULL ? annot->name
	       : row != NULL ? row->key
	       : key != NULL ? key->name
			     : NULL;
}

/* As it stands in a manifest, on a command line, or alone. */
static struct str bare(const char *word)
{
	struct str name = str_from(word);
	ptrdiff_t slash = str_chr(name, '/');

	if (slash >= 0)
		return str_from_at(name, (size_t)slash + 1);
	return str_starts(name, STR("--")) ? str_from_at(name, 2) : name;
}

static bool explain(const char *word)
{
	struct str name = bare(word);
	bool annotation = explain_annotation(name), config = explain_config(name);
	bool key = explain_key(name);
	const char *meant;

	if (annotation || config || key)
		return true;
	meant = nearest(name);
	fprintf(stderr, "silex: nothing is called \"%s\"%s%s%s\n", word,
		meant == NULL ? "" : "; did you mean \"", meant == NULL ? "" : meant,
		meant == NULL ? "" : "\"?");
	return false;
}

int explain_main(const struct conf_args *args)
{
	bool all = true;

	if (args->first + 1 >= args->argc)
		markdown();
	for (int i = args->first + 1; i < args->argc; i++)
		all = explain(args->argv[i]) && all;
	return all ? 0 : 1;
}
