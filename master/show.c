/* show: see show.h. */
#include "master/show.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/process/board.h"
#include "common/conf/conf_print.h"
#include "common/process/page.h"
#include "common/table/shm.h"
#include "common/table/table_read.h"

#define WORDS_MAX    4
#define OPTIONS_MAX  64
#define EXIT_USAGE   2
#define TRIES        100 /* versions may change while the table is read */
#define READ_SECONDS 2   /* one try, at most */

static const char usage_text[] =
    "usage: silex show workers | table | route HOST PATH | conf  [--instance NAME]\n";

struct shown {
	const char *instance;
	const struct board *board;
	const char *words[WORDS_MAX]; /* "workers", ... */
	int n;
};

static int complain(const char *what)
{
	fprintf(stderr, "silex: %s: %s\n", what, strerror(errno));
	return 1;
}

/* --- workers -------------------------------------------------------------------------------- */

static const char *state_name(uint32_t state)
{
	static const char *const names[] = {"free", "starting", "ready", "draining", "dead"};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

static uint64_t realtime_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const struct slot *map_slot(const char *instance, unsigned i)
{
	int fd = slot_open(instance, i);
	const struct slot *s = fd == -1 ? NULL : slot_map(fd, false);

	if (fd != -1)
		close(fd);
	return s;
}

static void print_worker(const struct shown *sh, unsigned i)
{
	const struct board_worker *w = &sh->board->workers[i];
	const struct slot *s = map_slot(sh->instance, i);
	uint32_t pid = atomic_load(&w->pid);

	if (pid != 0 && s != NULL)
		printf("%4u %8u %-9s %8" PRIu64 " %8" PRIu64 " %12" PRIu64 " %8" PRIu64 " %8" PRIu64
		       "\n",
		       i, pid, state_name(atomic_load(&w->state)),
		       (realtime_ms() - atomic_load(&w->since_ms)) / 1000,
		       atomic_load(&s->stats[STAT_CONN_ACTIVE]),
		       atomic_load(&s->stats[STAT_REQ_TOTAL]), atomic_load(&s->pins.cur),
		       atomic_load(&s->stats[STAT_EJECTED]));
	slot_unmap(s);
}

static int show_workers(const struct shown *sh)
{
	uint32_t n = atomic_load(&sh->board->slots);

	printf("%4s %8s %-9s %8s %8s %12s %8s %8s\n", "slot", "pid", "state", "age_s", "conns",
	       "requests", "version", "ejected");
	for (unsigned i = 0; i < n && i < SLOT_MAX; i++)
		print_worker(sh, i);
	return 0;
}

/* --- table ---------------------------------------------------------------------------------- */

static struct table *open_table(const char *instance, struct table_pins *pins)
{
	char name[SHM_NAME_MAX];
	struct table *t;
	int fd;

	if (shm_name(name, instance, "table") == -1)
		return NULL;
	fd = page_open(name);
	if (fd == -1)
		return NULL;
	t = table_open(fd, pins);
	close(fd);
	return t;
}

static bool print_host(void *arg, struct str host, uint32_t n_paths)
{
	fprintf(arg, "%6u  " STR_FMT "\n", n_paths, STR_ARG(host.n > 0 ? host : STR("(any host)")));
	return true;
}

static int print_table(const struct shown *sh, struct table *t, FILE *f)
{
	struct table_info i;

	table_info(t, &i);
	fprintf(f,
		"version %" PRIu64 "\nhosts %" PRIu64 "\nroutes %" PRIu64 "\nclusters %" PRIu64
		"\nendpoints %" PRIu64 "\nbytes used %" PRIu64 "\nbytes retired %" PRIu64
		"\nbytes reserved %" PRIu64 "\nbytes at most %" PRIu64 "\n\n paths  host\n",
		i.version, i.hosts, i.routes, i.clusters, i.endpoints, i.bytes_used,
		i.bytes_retired, i.bytes_file, i.bytes_mapped);
	table_each_host(t, print_host, f);
	return 0;
}

static void print_cluster(const struct table *t, uint64_t id, FILE *f)
{
	char text[ADDR_TEXT_MAX];
	struct cluster_view c;

	if (!table_cluster(t, id, &c)) {
		fprintf(f, "cluster none: 503\n");
		return;
	}
	fprintf(f, "cluster " STR_FMT "\n", STR_ARG(c.name));
	for (uint32_t i = 0; i < c.n_endpoints; i++) {
		(void)addr_text(&c.endpoints[i].addr, text);
		fprintf(f, "endpoint %s weight %u%s\n", text, c.endpoints[i].weight,
			c.endpoints[i].state == ENDPOINT_READY ? "" : " (not ready)");
	}
}

static void print_route(const struct table *t, const struct route_view *v, FILE *f)
{
	struct group_view g;

	if (v->kind == ROUTE_NOT_FOUND) {
		fprintf(f, "no route: 404\n");
		return;
	}
	if (table_group(t, v->group, &g))
		fprintf(f,
			"ingress " STR_FMT "/" STR_FMT "\nservice " STR_FMT "\nhost " STR_FMT
			"\npath " STR_FMT "\n",
			STR_ARG(g.ns), STR_ARG(g.ingress), STR_ARG(g.service), STR_ARG(g.host),
			STR_ARG(g.path));
	if (v->kind == ROUTE_ADD_SLASH)
		fprintf(f, "answer 301, the same path with \"/\"\n");
	else
		print_cluster(t, v->cluster, f);
}

/* The path as the table has it; percent escapes and dots are not undone here. */
static int print_route_of(const struct shown *sh, struct table *t, FILE *f)
{
	struct slab *slab = slab_new("show", 4096, 0);
	struct route_view v;
	struct arena arena;
	int rc = -1;

	if (slab == NULL)
		return -1;
	arena_init(&arena, slab, 64 << 10);
	if (table_route(t, str_from(sh->words[1]), str_from(sh->words[2]), &arena, &v) == 0) {
		print_route(t, &v, f);
		rc = 0;
	}
	arena_reset(&arena);
	slab_free(slab);
	return rc;
}

typedef int print_fn(const struct shown *sh, struct table *t, FILE *f);

/* In a child: what it reads may be used again under its feet, so it may be led astray, even for
 * ever. It is believed only if it ends well and no version came meanwhile: until then nothing of
 * what was read can have been used again. */
static _Noreturn void read_once(const struct shown *sh, struct table *t, print_fn *print, int fd)
{
	struct rlimit no_core = {0, 0};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	FILE *f = fdopen(fd, "w");
	uint64_t version;

	if (f == NULL || null == -1 || dup2(null, STDERR_FILENO) == -1 ||
	    setrlimit(RLIMIT_CORE, &no_core) == -1)
		_exit(1);
	(void)alarm(READ_SECONDS);
	version = table_adopt(t);
	if (print(sh, t, f) == -1 || fflush(f) == EOF || table_newest(t) != version)
		_exit(1);
	_exit(0);
}

/* 1: read whole; 0: not this time; -1 with errno. */
static int try_once(const struct shown *sh, struct table *t, print_fn *print, int fd)
{
	int status;
	pid_t pid;

	if (ftruncate(fd, 0) == -1 || lseek(fd, 0, SEEK_SET) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		read_once(sh, t, print, fd);
	if (pid == -1)
		return -1;
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int copy_out(int fd)
{
	char buf[65536];
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) == -1)
		return -1;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		(void)fwrite(buf, 1, (size_t)n, stdout);
	return (int)n;
}

static int read_stable(const struct shown *sh, struct table *t, print_fn *print)
{
	int fd = memfd_create("silex-show", MFD_CLOEXEC), got = fd == -1 ? -1 : 0;

	for (unsigned i = 0; i < TRIES && got == 0; i++)
		got = try_once(sh, t, print, fd);
	if (got == 1)
		got = copy_out(fd) == 0 ? 1 : -1;
	if (got == -1)
		(void)complain("reading the table");
	if (got == 0)
		fprintf(stderr, "silex: the table changes too fast to be shown, try again\n");
	if (fd != -1)
		close(fd);
	return got == 1 ? 0 : 1;
}

static int with_table(const struct shown *sh, print_fn *print)
{
	struct table_pins pins = {0};
	struct table *t = open_table(sh->instance, &pins);
	int rc;

	if (t == NULL)
		return complain("the route table");
	rc = read_stable(sh, t, print);
	table_close(t);
	return rc;
}

static int show_table(const struct shown *sh)
{
	return with_table(sh, print_table);
}

static int show_route(const struct shown *sh)
{
	return with_table(sh, print_route_of);
}

/* --- conf ----------------------------------------------------------------------------------- */

static int show_conf(const struct shown *sh)
{
	conf_print_values(stdout, &sh->board->conf);
	return 0;
}

/* --- words ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int words; /* this one included */
	int (*show)(const struct shown *sh);
} commands[] = {
    {"workers", 1, show_workers},
    {"table", 1, show_table},
    {"route", 3, show_route},
    {"conf", 1, show_conf},
};

static int dispatch(const struct shown *sh)
{
	for (size_t i = 0; sh->n > 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(sh->words[0], commands[i].name) == 0 && sh->n == commands[i].words)
			return commands[i].show(sh);
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

/* The words after "show" hold options too: sorts them out. -1: too many of either. */
static int sort_out(struct shown *sh, const struct conf_args *args, char *options[OPTIONS_MAX],
		    int *n_options)
{
	int n = 0;

	for (int i = 0; i < args->argc; i++) {
		char *word = args->argv[i];
		bool option = i < args->first || word[0] == '-';

		if (i == args->first)
			continue; /* "show" */
		if ((option && n + 2 > OPTIONS_MAX) || (!option && sh->n == WORDS_MAX))
			return -1;
		if (!option) {
			sh->words[sh->n++] = word;
			continue;
		}
		options[n++] = word;
		if (i > args->first && strchr(word, '=') == NULL && i + 1 < args->argc)
			options[n++] = args->argv[++i];
	}
	*n_options = n;
	return 0;
}

int show_main(const struct conf_args *args)
{
	static struct conf conf;
	char err[CONF_ERROR_MAX], *options[OPTIONS_MAX];
	struct shown sh = {.n = 0};
	struct conf_args own;
	int n, rc;

	if (sort_out(&sh, args, options, &n) == -1) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	if (conf_args_read(&own, n, options, err) == -1 ||
	    conf_load(&conf, &own, NULL, NULL, err) == -1) {
		fprintf(stderr, "silex: %s\n", err);
		return EXIT_USAGE;
	}
	sh.instance = conf.instance;
	sh.board = board_open(conf.instance);
	if (sh.board == NULL) {
		fprintf(stderr, "silex: instance \"%s\" does not run here (%s)\n", conf.instance,
			strerror(errno));
		return 1;
	}
	rc = dispatch(&sh);
	board_unmap(sh.board);
	return rc;
}
