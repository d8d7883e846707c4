/*
 * translate_rows: rules, one row each: objects in, the table's contents and the findings out. Every
 * row runs twice: all objects at once, and one event at a time in reverse order with a flush after
 * each, which must end in the same table.
 */
#ifndef SILEX_TESTS_TRANSLATE_ROWS_H
#define SILEX_TESTS_TRANSLATE_ROWS_H

#include "translate_fixture.h"

struct row {
	const char *name;
	const char *settings; /* "key=value;...", or NULL */
	const char *yaml;
	const char *hosts;    /* the expected lines, in order; NULL: not looked at */
	const char *clusters; /* NULL: not looked at */
	const char *findings; /* NULL: there must be none */
	bool api;             /* as from the API server, not from a file */
};

static inline void check_picture(const struct row *r, const char *how, struct world *w)
{
	char *hosts = picture_text(&w->picture, SHOW_HOSTS);
	char *clusters = picture_text(&w->picture, SHOW_CLUSTERS);

	if (r->hosts != NULL && strcmp(hosts, r->hosts) != 0)
		fail_msg("%s (%s): hosts\n--- got\n%s--- want\n%s", r->name, how, hosts, r->hosts);
	if (r->clusters != NULL && strcmp(clusters, r->clusters) != 0)
		fail_msg("%s (%s): clusters\n--- got\n%s--- want\n%s", r->name, how, clusters,
			 r->clusters);
	free(hosts);
	free(clusters);
}

static inline void run_at_once(const struct row *r)
{
	struct world *w = world_new(r->settings);
	const char *want = r->findings == NULL ? "" : r->findings;
	struct objects o;

	decode_yaml(r->yaml, r->api, &o);
	for (unsigned i = 0; i < o.n; i++)
		(void)store_put(w->store, o.v[i]);
	world_translate(w);
	assert_int_equal(world_flush(w), 1);
	check_picture(r, "at once", w);
	if (strcmp(w->findings, want) != 0)
		fail_msg("%s: findings\n--- got\n%s%s--- want\n%s", r->name, w->findings, w->texts,
			 want);
	assert_int_equal(world_flush(w), 0);
	world_free(w);
}

static inline void run_one_by_one(const struct row *r)
{
	struct world *w = world_new(r->settings);
	struct objects o;

	world_translate(w);
	decode_yaml(r->yaml, r->api, &o);
	for (unsigned i = o.n; i-- > 0;) {
		(void)store_put(w->store, o.v[i]);
		assert_int_not_equal(world_flush(w), -1);
	}
	check_picture(r, "one by one", w);
	world_free(w);
}

static inline void run_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		run_at_once(&rows[i]);
		run_one_by_one(&rows[i]);
	}
}

/* The test of name_rows. */
#define ROWS(name)                                                                   \
	static void test_##name(void **state)                                        \
	{                                                                            \
		run_rows(name##_rows, sizeof(name##_rows) / sizeof(name##_rows[0])); \
	}

#endif
