/*
 * manifests: a directory in a temporary folder, changed as users, editors and kubelets do it.
 * Nothing is timed: every wait is for a condition, and ends the test when it does not come.
 */
#include "k8s_test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/files/manifests.h"

struct world {
	struct ev *ev;
	struct store *store;
	struct manifests *m;
	char dir[64]; /* what the test owns */
	char src[80]; /* dir/m, what is watched */
	char heard[1024];
	char reports[4096];
	unsigned errors, warnings, applied, synced;
};

static void hear(void *arg, const struct obj *old, const struct obj *new)
{
	struct world *w = arg;
	const struct obj *o = new != NULL ? new : old;
	size_t n = strlen(w->heard);

	snprintf(w->heard + n, sizeof(w->heard) - n, "%c%.*s ",
		 new == NULL   ? '-'
		 : old == NULL ? '+'
			       : '~',
		 STR_ARG(o->name));
}

static void on_report(void *arg, enum manifests_level level, const char *line)
{
	struct world *w = arg;
	size_t n = strlen(w->reports);

	w->errors += level == MANIFESTS_ERROR;
	w->warnings += level == MANIFESTS_WARNING;
	snprintf(w->reports + n, sizeof(w->reports) - n, "%s\n", line);
}

static void on_applied(void *arg)
{
	((struct world *)arg)->applied++;
}

static void on_synced(void *arg)
{
	((struct world *)arg)->synced++;
}

static const struct manifests_ops ops = {on_report, on_applied, on_synced};

static enum ev_backend backend = EV_BACKEND_EPOLL;

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/silex-manifests-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->src, sizeof(w->src), "%s/m", w->dir);
	assert_int_equal(mkdir(w->src, 0755), 0);
	w->ev = ev_new(backend);
	w->store = store_new();
	store_listen(w->store, hear, w);
	*state = w;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int teardown(void **state)
{
	struct world *w = *state;

	manifests_free(w->m);
	store_free(w->store);
	ev_free(w->ev);
	remove_tree(w->dir);
	free(w);
	return 0;
}

static char *path_in(const struct world *w, const char *name)
{
	static char path[4][512];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", w->src, name);
	return p;
}

static void write_file(const struct world *w, const char *name, const char *text)
{
	FILE *f = fopen(path_in(w, name), "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

#define NS(name, value)                                                                            \
	"---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: " name "\n  labels: {v: '" value \
	"'}\n"

static void start(struct world *w)
{
	w->m = manifests_new(w->ev, w->store, w->src, &ops, w);
	assert_non_null(w->m);
	manifests_start(w->m);
}

/* Turns until the label v of a Namespace is value (NULL: until there is no such Namespace). */
static void await(struct world *w, const char *name, const char *value)
{
	for (int i = 0; i < 2000; i++) {
		const struct obj *o = store_get(w->store, OBJ_NAMESPACE, STR_NONE, str_from(name));
		const struct str *v = o == NULL ? NULL : obj_map_get(&o->labels, STR("v"));

		if (value == NULL ? o == NULL : v != NULL && str_eq(*v, str_from(value)))
			return;
		ev_turn(w->ev, 10);
	}
	fail_msg("%s did not become %s\n%s", name, value, w->reports);
}

static void await_report(struct world *w, const char *part)
{
	for (int i = 0; i < 2000 && strstr(w->reports, part) == NULL; i++)
		ev_turn(w->ev, 10);
	if (strstr(w->reports, part) == NULL)
		fail_msg("no report with \"%s\" in:\n%s", part, w->reports);
}

static void heard_only(struct world *w, const char *want)
{
	assert_string_equal(w->heard, want);
	w->heard[0] = '\0';
}

/* ------------------------------------------------------------------------------------- */

static void test_first_read(void **state)
{
	struct world *w = *state;

	mkdir(path_in(w, "sub"), 0755);
	mkdir(path_in(w, ".git"), 0755);
	write_file(w, "b.yml", NS("b1", "1") NS("b2", "1"));
	write_file(w, "a.yaml", NS("a1", "1"));
	write_file(
	    w, "sub/c.json",
	    "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"c1\"}}\n"
	    "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"c2\"}}\n");
	write_file(w, ".hidden.yaml", NS("no1", "1"));
	write_file(w, ".git/x.yaml", NS("no2", "1"));
	write_file(w, "x.yaml~", NS("no3", "1"));
	write_file(w, "notes.txt", NS("no4", "1"));
	start(w);
	heard_only(w, "+a1 +b1 +b2 +c1 +c2 ");
	assert_int_equal(w->synced, 1);
	assert_int_equal(w->applied, 1);
	assert_string_equal(w->reports, "");
	assert_str(store_get(w->store, OBJ_NAMESPACE, STR_NONE, STR("c2"))->file, "sub/c.json");
	assert_int_equal(store_get(w->store, OBJ_NAMESPACE, STR_NONE, STR("c2"))->line, 2);
	assert_int_equal(store_get(w->store, OBJ_NAMESPACE, STR_NONE, STR("b2"))->line, 8);
}

static void test_edits(void **state)
{
	struct world *w = *state;

	write_file(w, "a.yaml", NS("a1", "1") NS("a2", "1"));
	start(w);
	heard_only(w, "+a1 +a2 ");
	write_file(w, "a.yaml", NS("a1", "1") NS("a2", "2"));
	await(w, "a2", "2");
	heard_only(w, "~a2 ");
	write_file(w, "b.yaml", NS("b1", "1"));
	await(w, "b1", "1");
	write_file(w, ".b.yaml.swp", "x");
	write_file(w, "4913", "x");
	unlink(path_in(w, "a.yaml"));
	await(w, "a1", NULL);
	await(w, "a2", NULL);
	heard_only(w, "+b1 -a1 -a2 ");
}

/* As most editors and `sed -i` save: a new file renamed over the old one. */
static void test_atomic_rename(void **state)
{
	struct world *w = *state;

	write_file(w, "a.yaml", NS("a1", "1"));
	start(w);
	write_file(w, "sedXYZ", NS("a1", "2"));
	rename(path_in(w, "sedXYZ"), path_in(w, "a.yaml"));
	await(w, "a1", "2");
	rename(path_in(w, "a.yaml"), path_in(w, "b.yaml"));
	for (int i = 0;
	     i < 2000 && !str_eq(store_first(w->store, OBJ_NAMESPACE)->file, STR("b.yaml")); i++)
		ev_turn(w->ev, 10);
	heard_only(w, "+a1 ~a1 ~a1 ");
}

static void test_bad_document(void **state)
{
	struct world *w = *state;

	write_file(w, "a.yaml", NS("a1", "1") NS("a2", "1") NS("a3", "1"));
	start(w);
	/* One that cannot be parsed: nothing of the file is taken for gone. */
	write_file(w, "a.yaml", NS("a1", "2") "---\nmetadata: [\n" NS("a4", "1"));
	await(w, "a1", "2");
	await(w, "a4", "1");
	heard_only(w, "+a1 +a2 +a3 ~a1 +a4 ");
	assert_non_null(strstr(w->reports, "a.yaml:9: not valid YAML"));
	assert_non_null(strstr(w->reports, "of Namespace a2 and of 1 other objects stays"));
	/* One that is wrong but has a name: it stays, the others are as the file says. */
	write_file(
	    w, "a.yaml",
	    NS("a1",
	       "2") "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a2, labels: 7}\n");
	await(w, "a3", NULL);
	await(w, "a4", NULL);
	await(w, "a2", "1");
	assert_non_null(strstr(w->reports, "a.yaml:10: metadata.labels: expected object"));
	/* Mended. */
	write_file(w, "a.yaml", NS("a2", "3"));
	await(w, "a1", NULL);
	await(w, "a2", "3");
}

static void test_empty_and_unreadable(void **state)
{
	struct world *w = *state;

	write_file(w, "a.yaml", NS("a1", "1"));
	start(w);
	write_file(w, "a.yaml", "");
	await_report(w, "a.yaml:1: is empty");
	await(w, "a1", "1");
	write_file(w, "a.yaml", NS("a1", "2"));
	await(w, "a1", "2");
	write_file(w, "a.yaml", "# nothing any more\n");
	await(w, "a1", NULL);
	mkfifo(path_in(w, "pipe.yaml"), 0644);
	write_file(w, "b.yaml", NS("b1", "1"));
	await(w, "b1", "1");
}

static void test_duplicates(void **state)
{
	struct world *w = *state;

	write_file(w, "b.yaml", NS("a1", "b"));
	write_file(w, "c.yaml", NS("a1", "c"));
	start(w);
	await(w, "a1", "b");
	assert_non_null(strstr(w->reports, "c.yaml:2: Namespace a1 is declared in b.yaml:2 too"));
	write_file(w, "a.yaml", NS("a1", "a"));
	await(w, "a1", "a");
	unlink(path_in(w, "b.yaml"));
	unlink(path_in(w, "a.yaml"));
	await(w, "a1", "c");
	unlink(path_in(w, "c.yaml"));
	await(w, "a1", NULL);
	/* Within one file the first wins, too, and the second steps in. */
	write_file(w, "d.yaml", NS("d1", "1") NS("d1", "2"));
	await(w, "d1", "1");
	write_file(w, "d.yaml", NS("d2", "1") NS("d1", "2"));
	await(w, "d1", "2");
}

static void test_subfolders(void **state)
{
	struct world *w = *state;

	start(w);
	mkdir(path_in(w, "x"), 0755);
	mkdir(path_in(w, "x/deep"), 0755);
	write_file(w, "x/deep/a.yaml", NS("a1", "1"));
	await(w, "a1", "1");
	write_file(w, "x/deep/a.yaml", NS("a1", "2"));
	await(w, "a1", "2");
	rename(path_in(w, "x"), path_in(w, "z"));
	for (int i = 0; i < 2000; i++) {
		const struct obj *o = store_first(w->store, OBJ_NAMESPACE);

		if (o != NULL && str_eq(o->file, STR("z/deep/a.yaml")))
			break;
		ev_turn(w->ev, 10);
	}
	write_file(w, "z/deep/a.yaml", NS("a1", "3"));
	await(w, "a1", "3");
	remove_tree(path_in(w, "z"));
	await(w, "a1", NULL);
}

/* The directory goes and comes back: what was read stays meanwhile. */
static void test_directory_replaced(void **state)
{
	struct world *w = *state;
	char aside[128];

	write_file(w, "a.yaml", NS("a1", "1"));
	write_file(w, "b.yaml", NS("b1", "1"));
	start(w);
	snprintf(aside, sizeof(aside), "%s/aside", w->dir);
	rename(w->src, aside);
	await_report(w, "cannot be read");
	await(w, "a1", "1");
	mkdir(w->src, 0755);
	write_file(w, "a.yaml", NS("a1", "2"));
	await(w, "a1", "2");
	await(w, "b1", NULL);
	write_file(w, "a.yaml", NS("a1", "3"));
	await(w, "a1", "3");
	assert_int_equal(w->synced, 1);
}

static void test_directory_comes_late(void **state)
{
	struct world *w = *state;

	rmdir(w->src);
	start(w);
	assert_int_equal(w->synced, 0);
	mkdir(w->src, 0755);
	write_file(w, "a.yaml", NS("a1", "1"));
	await(w, "a1", "1");
	assert_int_equal(w->synced, 1);
}

/* How the kubelet updates a mounted ConfigMap: a new folder, and "..data" renamed to it. */
static void test_config_map_mount(void **state)
{
	struct world *w = *state;

	mkdir(path_in(w, "..1"), 0755);
	mkdir(path_in(w, "..2"), 0755);
	write_file(w, "..1/a.yaml", NS("a1", "1"));
	write_file(w, "..2/a.yaml", NS("a1", "2"));
	assert_int_equal(symlink("..1", path_in(w, "..data")), 0);
	assert_int_equal(symlink("..data/a.yaml", path_in(w, "a.yaml")), 0);
	start(w);
	await(w, "a1", "1");
	assert_int_equal(symlink("..2", path_in(w, "..data_tmp")), 0);
	assert_int_equal(rename(path_in(w, "..data_tmp"), path_in(w, "..data")), 0);
	await(w, "a1", "2");
	heard_only(w, "+a1 ~a1 ");
}

/* A whole deployment swapped by a symbolic link. */
static void test_linked_directory(void **state)
{
	struct world *w = *state;
	char one[128], two[128], link[128];

	snprintf(one, sizeof(one), "%s/one", w->dir);
	snprintf(two, sizeof(two), "%s/two", w->dir);
	snprintf(link, sizeof(link), "%s/link", w->dir);
	write_file(w, "a.yaml", NS("a1", "1"));
	rename(w->src, one);
	mkdir(w->src, 0755);
	write_file(w, "a.yaml", NS("a1", "2"));
	rename(w->src, two);
	assert_int_equal(symlink("one", w->src), 0);
	start(w);
	await(w, "a1", "1");
	assert_int_equal(symlink("two", link), 0);
	rename(link, w->src);
	await(w, "a1", "2");
}

/* inotify says nothing of what a link points to: it is looked at from time to time. */
static void test_link_elsewhere(void **state)
{
	struct world *w = *state;

	write_file(w, "../elsewhere.yaml", NS("a1", "1"));
	start(w);
	assert_int_equal(symlink("../elsewhere.yaml", path_in(w, "a.yaml")), 0);
	await(w, "a1", "1");
	write_file(w, "../elsewhere.yaml", NS("a1", "2"));
	await(w, "a1", "2");
}

/* A file being written is not read before its writer closes it. */
static void test_half_written(void **state)
{
	struct world *w = *state;
	FILE *f;

	write_file(w, "a.yaml", NS("a1", "1") NS("a2", "1"));
	start(w);
	heard_only(w, "+a1 +a2 ");
	f = fopen(path_in(w, "a.yaml"), "we");
	fputs(NS("a1", "2"), f);
	fflush(f);
	write_file(w, "z.yaml", NS("z1", "1"));
	await(w, "z1", "1");
	heard_only(w, "+z1 ");
	fputs(NS("a2", "1"), f);
	fclose(f);
	await(w, "a1", "2");
	heard_only(w, "~a1 ");
}

static void test_many_changes(void **state)
{
	struct world *w = *state;
	char text[256], value[16];

	start(w);
	for (int i = 0; i < 300; i++) {
		snprintf(value, sizeof(value), "%d", i);
		snprintf(text, sizeof(text), NS("a1", "%d"), i);
		write_file(w, "a.yaml", text);
	}
	await(w, "a1", "299");
	assert_int_equal(w->errors, 0);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(test_first_read),           CASE(test_edits),
	    CASE(test_atomic_rename),        CASE(test_bad_document),
	    CASE(test_empty_and_unreadable), CASE(test_duplicates),
	    CASE(test_subfolders),           CASE(test_directory_replaced),
	    CASE(test_directory_comes_late), CASE(test_config_map_mount),
	    CASE(test_linked_directory),     CASE(test_link_elsewhere),
	    CASE(test_half_written),         CASE(test_many_changes),
	};
	int failed = cmocka_run_group_tests_name("epoll", tests, NULL, NULL);

	backend = EV_BACKEND_POLL;
	return failed + cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
