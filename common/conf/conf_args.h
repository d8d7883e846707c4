/*
 * conf_args: the command line. Every configuration key is a --long-option, as Go's pflag reads
 * them: --key value, --key=value, booleans --flag or --flag=false; "--" ends the options.
 *
 * The arguments are kept, because settings are made anew at SIGHUP and the command line then
 * still overrides the file.
 */
#ifndef SILEX_COMMON_CONF_CONF_ARGS_H
#define SILEX_COMMON_CONF_CONF_ARGS_H

#include <stdbool.h>

#include "common/conf/conf.h"

enum conf_action {
	CONF_RUN,
	CONF_TEST,          /* -t, --test: check the configuration and exit */
	CONF_HELP,          /* -h, --help */
	CONF_HELP_ALL,      /* --help-all */
	CONF_VERSION,       /* --version */
	CONF_PRINT_EXAMPLE, /* --print-conf-example */
	CONF_PRINT_MD,      /* --print-conf-md */
};

struct conf_args {
	enum conf_action action;
	const char *file; /* --config, -c; NULL: none */
	char **argv;      /* borrowed, kept for conf_load() */
	int argc;
	int first; /* index of the first word that is no option ("show"); argc: none */
};

/* Check every option. 0, or -1 with a sentence in err. A subcommand's own words (from the first
 * non-option on) are left alone. */
int conf_args_read(struct conf_args *a, int argc, char **argv, char err[CONF_ERROR_MAX]);

/* A whole configuration: defaults, file, command line. *c changes only on 0; else -1 and err.
 * Used at start, for -t, and at SIGHUP. notice is told of ignored keys; may be NULL. */
int conf_load(struct conf *c, const struct conf_args *a, conf_notice_fn *notice, void *arg,
	      char err[CONF_ERROR_MAX]);

#endif
