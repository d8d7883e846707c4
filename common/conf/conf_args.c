/* conf_args: the command line. See conf_args.h. */
#include "common/conf/conf_args.h"

#include <stdio.h>

#include "common/conf/conf_key.h"

/* Options that are no configuration keys. */
static const struct {
	const char *text;
	enum conf_action action;
} actions[] = {
    {"-t", CONF_TEST},
    {"--test", CONF_TEST},
    {"-h", CONF_HELP},
    {"--help", CONF_HELP},
    {"--help-all", CONF_HELP_ALL},
    {"--version", CONF_VERSION},
    {"--print-conf-example", CONF_PRINT_EXAMPLE},
    {"--print-conf-md", CONF_PRINT_MD},
};

struct walk {
	struct conf_args *a;
	struct conf *c;
	conf_notice_fn *notice;
	void *arg;
	char *err;
	int i; /* the argument at hand */
};

/* One option taken apart: --name[=value]. */
struct option {
	struct str name;
	struct str value;
	bool has_value;
};

static struct option take_apart(const char *text)
{
	struct str s = str_from(text);
	struct str body = str_from_at(s, str_starts(s, STR("--")) ? 2 : 1);
	ptrdiff_t equals = str_chr(body, '=');

	if (equals == -1)
		return (struct option){.name = body};
	return (struct option){.name = str_make(body.p, (size_t)equals),
			       .value = str_from_at(body, (size_t)equals + 1),
			       .has_value = true};
}

static bool is_boolean(struct str name)
{
	const struct conf_key *k = conf_key_find(name);
	const struct conf_ignored *g = k == NULL ? conf_ignored_find(name) : NULL;

	return (k != NULL && k->type == CONF_T_BOOL) || (g != NULL && g->is_bool);
}

static bool is_known(struct str name)
{
	return conf_key_find(name) != NULL || conf_ignored_find(name) != NULL;
}

/* The value of an option that needs one: behind "=", or the next argument. */
static int take_value(struct walk *w, struct option *o)
{
	if (o->has_value)
		return 0;
	if (w->i + 1 >= w->a->argc) {
		(void)snprintf(w->err, CONF_ERROR_MAX, "--%.*s: needs a value",
			       o->name.n < 64 ? (int)o->name.n : 64, o->name.p);
		return -1;
	}
	o->value = str_from(w->a->argv[++w->i]);
	o->has_value = true;
	return 0;
}

static bool is_action(struct walk *w)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (str_eq(str_from(w->a->argv[w->i]), str_from(actions[i].text))) {
			w->a->action = actions[i].action;
			return true;
		}
	return false;
}

/* -v N and --v=N of the Kubernetes components: 3 and above are debugging. */
static int set_verbosity(struct walk *w, struct option *o)
{
	uint64_t level;

	if (take_value(w, o) == -1)
		return -1;
	if (!str_u64(o->value, 100, &level)) {
		(void)snprintf(w->err, CONF_ERROR_MAX, "-v: a number from 0 to 100");
		return -1;
	}
	return level < 3 ? 0 : conf_set(w->c, STR("log-level"), STR("debug"), w->err);
}

static int set_file(struct walk *w, struct option *o)
{
	if (take_value(w, o) == -1)
		return -1;
	/* A value always runs to the end of its argument: it is NUL-terminated. */
	w->a->file = o->value.n == 0 ? NULL : o->value.p;
	return 0;
}

static int set_key(struct walk *w, struct option *o)
{
	char text[CONF_ERROR_MAX];
	int rc;

	if (is_boolean(o->name) && !o->has_value)
		o->value = STR("true");
	else if (is_known(o->name) && take_value(w, o) == -1)
		return -1;
	rc = conf_set(w->c, o->name, o->value, text);
	if (rc == -1) {
		(void)snprintf(w->err, CONF_ERROR_MAX, "--%.500s", text);
		return -1;
	}
	if (rc == 1 && w->notice != NULL)
		w->notice(w->arg, text);
	return 0;
}

static int one_option(struct walk *w)
{
	struct option o = take_apart(w->a->argv[w->i]);

	if (is_action(w))
		return 0;
	if (str_eq(o.name, STR("v")))
		return set_verbosity(w, &o);
	if (str_eq(o.name, STR("config")) || str_eq(o.name, STR("c")))
		return set_file(w, &o);
	if (w->a->argv[w->i][1] != '-') {
		(void)snprintf(w->err, CONF_ERROR_MAX, "%.64s: unknown option; see silex --help",
			       w->a->argv[w->i]);
		return -1;
	}
	return set_key(w, &o);
}

/* Every option up to the first word that is none. Sets a->first. */
static int walk_all(struct walk *w)
{
	for (w->i = 1; w->i < w->a->argc; w->i++) {
		const char *arg = w->a->argv[w->i];

		if (str_eq(str_from(arg), STR("--"))) {
			w->i++;
			break;
		}
		if (arg[0] != '-' || arg[1] == '\0')
			break;
		if (one_option(w) == -1)
			return -1;
	}
	w->a->first = w->i;
	return 0;
}

int conf_args_read(struct conf_args *a, int argc, char **argv, char err[CONF_ERROR_MAX])
{
	struct conf scratch;
	struct walk w = {.a = a, .c = &scratch, .err = err};

	*a = (struct conf_args){.argc = argc, .argv = argv, .first = argc};
	conf_init(&scratch);
	return walk_all(&w);
}

int conf_load(struct conf *c, const struct conf_args *a, conf_notice_fn *notice, void *arg,
	      char err[CONF_ERROR_MAX])
{
	struct conf_args again = *a;
	struct conf fresh;
	struct walk w = {.a = &again, .c = &fresh, .notice = notice, .arg = arg, .err = err};

	conf_init(&fresh);
	if (a->file != NULL && conf_read_file(&fresh, a->file, notice, arg, err) == -1)
		return -1;
	if (walk_all(&w) == -1)
		return -1;
	*c = fresh;
	return 0;
}
