/* table_fixture: a writer and one reader of its table in one process, for the tests of the table.
 */
#ifndef SILEX_TESTS_TABLE_FIXTURE_H
#define SILEX_TESTS_TABLE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/table/table_pins.h"
#include "common/table/table_read.h"
#include "master/table/table_write.h"

struct fixture {
	struct table_writer *w;
	struct table *t;
	struct table_pins pins;
	struct slab *slab;
	struct arena arena;
};

static inline void fixture_open(struct fixture *f, size_t max_bytes)
{
	char instance[64];

	*f = (struct fixture){.w = NULL};
	(void)snprintf(instance, sizeof(instance), "unit.%ld", (long)getpid());
	f->w = table_writer_new(instance, max_bytes);
	assert_non_null(f->w);
	f->t = table_open(table_writer_fd(f->w), &f->pins);
	assert_non_null(f->t);
	assert_int_equal(table_reader_add(f->w, &f->pins), 0);
	f->slab = slab_new("arena", 4096, 0);
	assert_non_null(f->slab);
	arena_init(&f->arena, f->slab, 1 << 20);
}

static inline void fixture_close(struct fixture *f)
{
	arena_reset(&f->arena);
	slab_free(f->slab);
	table_close(f->t);
	table_writer_free(f->w);
}

/* Publish and adopt: what is put is what is seen. */
static inline uint64_t fixture_publish(struct fixture *f)
{
	uint64_t v = table_publish(f->w);

	assert_int_not_equal(v, 0);
	assert_int_equal(table_adopt(f->t), v);
	return v;
}

static inline struct route_view fixture_route(struct fixture *f, const char *host, const char *path)
{
	struct route_view v;

	arena_reset(&f->arena);
	assert_int_equal(table_route(f->t, str_from(host), str_from(path), &f->arena, &v), 0);
	assert_non_null(v.policy);
	return v;
}

/* A host with the one path "/" to a cluster. */
static inline int fixture_put_simple(struct fixture *f, const char *host, uint64_t cluster)
{
	const struct model_path path = {
	    .path = STR("/"),
	    .kind = PATH_PREFIX,
	    .cluster = cluster,
	    .ns = STR("default"),
	    .ingress = STR("web"),
	    .service = STR("web"),
	};
	const struct model_host h = {.name = str_from(host), .paths = &path, .n_paths = 1};

	return table_put_host(f->w, &h);
}

static inline struct table_endpoint fixture_endpoint(uint8_t last, uint16_t port)
{
	return (struct table_endpoint){
	    .addr = {.family = 4, .port = port, .ip = {10, 0, 0, last}},
	    .weight = 1,
	};
}

#endif
