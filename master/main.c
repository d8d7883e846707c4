/*
 * silex: the one command. Without a subcommand it is the master of an instance; `silex show`
 * looks at a running one, `silex explain` tells of settings; -t, --help and the like answer and
 * exit.
 */
#include <stdio.h>
#include <string.h>

#include "common/conf/conf_args.h"
#include "common/conf/conf_print.h"
#include "common/log/log.h"
#include "common/version.h"
#include "master/process/check_conf.h"
#include "master/basic/authd.h"
#include "master/explain.h"
#include "master/keys/keyd.h"
#include "master/master.h"
#include "master/show.h"

#define EXIT_USAGE 2

static int usage(const char *err)
{
	fprintf(stderr, "silex: %s\n", err);
	return EXIT_USAGE;
}

static void notice(void *arg, const char *text)
{
	fprintf(stderr, "silex: note: %s\n", text);
}

static int load(struct conf *conf, const struct conf_args *args, char err[CONF_ERROR_MAX])
{
	if (conf_load(conf, args, notice, NULL, err) == -1)
		return -1;
	return check_conf(conf, err);
}

/* -t: what a start would refuse is refused here, in the same words. */
static int test(const struct conf_args *args)
{
	static struct conf conf;
	char err[CONF_ERROR_MAX];

	if (load(&conf, args, err) == -1)
		return usage(err);
	printf("silex: configuration %s is good\n", args->file != NULL ? args->file : "(defaults)");
	return 0;
}

static int run(const struct conf_args *args)
{
	static struct upgrade upgrade;
	static struct conf conf;
	char err[CONF_ERROR_MAX];

	upgrade_init(&upgrade);
	if (load(&conf, args, err) == -1) {
		upgrade_failed(&upgrade, args->argv, NULL, err);
		return usage(err);
	}
	return master_run(args, &conf, &upgrade);
}

int main(int argc, char **argv)
{
	struct conf_args args;
	char err[CONF_ERROR_MAX];

	if (argc > 1 && strcmp(argv[1], AUTHD_ARG) == 0)
		return authd_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], KEYD_ARG) == 0)
		return keyd_main(argc, argv);
	if (conf_args_read(&args, argc, argv, err) == -1)
		return usage(err);
	if (args.first < argc && strcmp(argv[args.first], "show") == 0)
		return show_main(&args);
	if (args.first < argc && strcmp(argv[args.first], "explain") == 0)
		return explain_main(&args);
	if (args.first < argc) {
		(void)snprintf(err, sizeof(err), "unknown command \"%s\"; there are: show, explain",
			       argv[args.first]);
		return usage(err);
	}
	switch (args.action) {
	case CONF_HELP:
	case CONF_HELP_ALL:
		conf_print_help(stdout, args.action == CONF_HELP_ALL);
		return 0;
	case CONF_VERSION:
		puts("silex " SILEX_VERSION);
		return 0;
	case CONF_PRINT_EXAMPLE:
		conf_print_example(stdout);
		return 0;
	case CONF_PRINT_MD:
		conf_print_md(stdout);
		return 0;
	case CONF_RUN:
	case CONF_TEST:
		break;
	}
	return args.action == CONF_TEST ? test(&args) : run(&args);
}
