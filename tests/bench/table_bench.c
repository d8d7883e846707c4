/*
 * table_bench: what the shared route table costs. Prints a table; --json FILE writes the same.
 *
 * Lookups are measured in random order over all hosts, so that at 100,000 hosts nearly every one
 * misses the caches, as it would behind real traffic. Publications are measured one change at a
 * time with the thread's own CPU clock, reclamation included. Bytes are what one more simple
 * host + route + cluster + 2 endpoints adds to the table, names, tries and reserve of the size
 * classes included. Exits 1 when a figure to reach is missed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/table/table_pins.h"
#include "common/table/table_read.h"
#include "master/table/table_write.h"

#define MAX_BYTES    (512u << 20)
#define LOOKUPS      1048576u
#define BATCH        256u
#define PUBLICATIONS 2000u
#define ADOPTIONS    1000000u

struct result {
	const char *name, *unit;
	double value;
	double reach; /* at most this; 0 = no figure to reach */
};

static struct result results[32];
static unsigned n_results;

static void report(const char *name, double value, const char *unit, double reach)
{
	results[n_results++] = (struct result){name, unit, value, reach};
	if (reach > 0)
		printf("%-44s %10.1f %-5s (to reach: %.0f)%s\n", name, value, unit, reach,
		       value > reach ? "  MISSED" : "");
	else
		printf("%-44s %10.1f %s\n", name, value, unit);
	(void)fflush(stdout);
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "table_bench: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double cpu_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == -1)
		die("clock_gettime");
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Small and fast; the same order in every run. */
static uint64_t rng_state = 88172645463325252ull;

static uint32_t rng(uint32_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)((rng_state >> 32) * below >> 32);
}

struct bench {
	struct table_writer *w;
	struct table *t;
	struct table_pins pins;
	struct slab *slab;
	struct arena arena;
	uint32_t n_hosts;
	char names[BATCH][48]; /* to look up next */
};

static void check_put(int rc)
{
	if (rc == -1)
		die("put");
}

static void put_host(struct bench *b, uint32_t i, const char *path, uint64_t cluster)
{
	char name[64], service[64];
	struct model_path p = {.path = str_from(path),
			       .kind = PATH_PREFIX,
			       .cluster = cluster,
			       .ns = STR("team-shop"),
			       .ingress = STR("web-frontend")};
	struct model_host h = {.paths = &p, .n_paths = 1};

	(void)snprintf(name, sizeof(name), "%sapp-%u.apps.example.com", i % 10 == 9 ? "*." : "", i);
	(void)snprintf(service, sizeof(service), "service-%u", i);
	h.name = str_from(name);
	p.service = str_from(service);
	check_put(table_put_host(b->w, &h));
}

static uint64_t put_cluster(struct bench *b, uint32_t i, uint8_t last)
{
	char name[64];
	struct table_endpoint e[2];
	struct model_cluster c = {.endpoints = e, .n_endpoints = 2};

	(void)snprintf(name, sizeof(name), "team-shop-service-%u-8080", i);
	c.name = str_from(name);
	c.id = model_cluster_id(c.name);
	for (unsigned k = 0; k < 2; k++)
		e[k] = (struct table_endpoint){
		    .addr = {.family = 4,
			     .port = 8080,
			     .ip = {10, (uint8_t)(i >> 8), (uint8_t)i, (uint8_t)(last + k)}},
		    .weight = 1};
	check_put(table_put_cluster(b->w, &c));
	return c.id;
}

static void publish(struct bench *b)
{
	if (table_publish(b->w) == 0)
		die("publish");
}

static void build(struct bench *b, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		put_host(b, i, "/", put_cluster(b, i, 1));
	publish(b);
	(void)table_adopt(b->t);
}

static void bench_open(struct bench *b, uint32_t n_hosts)
{
	char instance[64];

	*b = (struct bench){.n_hosts = n_hosts};
	(void)snprintf(instance, sizeof(instance), "bench.%ld", (long)getpid());
	b->w = table_writer_new(instance, MAX_BYTES);
	if (b->w == NULL)
		die("table_writer_new");
	b->t = table_open(table_writer_fd(b->w), &b->pins);
	b->slab = slab_new("arena", 4096, 0);
	if (b->t == NULL || b->slab == NULL || table_reader_add(b->w, &b->pins) == -1)
		die("open");
	arena_init(&b->arena, b->slab, 1 << 20);
}

static void bench_close(struct bench *b)
{
	arena_reset(&b->arena);
	slab_free(b->slab);
	table_close(b->t);
	table_writer_free(b->w);
}

enum lookup {
	HIT,
	WILDCARD,
	MISS
};
static const char *const lookup_names[] = {"hit", "wildcard", "miss"};

/* A handful of requests' hosts: as hot in the cache as a head that was just received. Every tenth
 * host is a wildcard; a hit asks for one of the others. */
static void make_names(struct bench *b, enum lookup what)
{
	static const char *const first[] = {[HIT] = "", [WILDCARD] = "www.", [MISS] = "nobody-"};

	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t n = rng(b->n_hosts) / 10 * 10 + (what == WILDCARD ? 9 : rng(9));

		(void)snprintf(b->names[i], sizeof(b->names[i]), "%sapp-%u.apps.example.com",
			       first[what], n);
	}
}

/* ns of one lookup: the route into an empty arena, as a request does it. */
static double lookup(struct bench *b, enum lookup what)
{
	static const struct str path = STR("/shop/cart/42");
	uint32_t found = 0;
	double spent = 0;

	for (uint32_t n = 0; n < LOOKUPS; n += BATCH) {
		double from;

		make_names(b, what);
		from = cpu_ns();
		for (uint32_t i = 0; i < BATCH; i++) {
			struct route_view v;

			arena_reset(&b->arena);
			if (table_route(b->t, str_from(b->names[i]), path, &b->arena, &v) == 0)
				found += v.kind == ROUTE_PROXY;
		}
		spent += cpu_ns() - from;
	}
	if (found != (what == MISS ? 0 : LOOKUPS))
		die("lookups found the wrong number");
	return spent / LOOKUPS;
}

static void bench_lookups(struct bench *b)
{
	char name[3][64];

	for (enum lookup k = HIT; k <= MISS; k++) {
		(void)snprintf(name[k], sizeof(name[k]), "lookup, %u hosts, %s", b->n_hosts,
			       lookup_names[k]);
		report(strdup(name[k]), lookup(b, k), "ns", b->n_hosts == 100000 ? 300 : 0);
	}
}

static void bench_cluster_lookup(struct bench *b)
{
	uint64_t *ids = calloc(LOOKUPS, sizeof(*ids)), sum = 0;
	double from;

	if (ids == NULL)
		die("calloc");
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "team-shop-service-%u-8080", rng(b->n_hosts));
		ids[i] = model_cluster_id(str_from(name));
	}
	from = cpu_ns();
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		struct cluster_view v;

		if (table_cluster(b->t, ids[i], &v))
			sum += v.endpoints[0].addr.port;
	}
	report("cluster by id, 100000 clusters", (cpu_ns() - from) / LOOKUPS, "ns", 0);
	if (sum != (uint64_t)LOOKUPS * 8080)
		die("cluster not found");
	free(ids);
}

/* One host of many paths: the lookup must not care. */
static void bench_paths(struct bench *b)
{
	enum {
		PATHS = 10000
	};
	static char text[PATHS][32], below[PATHS][48];
	static struct model_path paths[PATHS];
	struct model_host h = {.name = STR("paths.example.com"), .paths = paths, .n_paths = PATHS};
	uint32_t found = 0;
	double from;

	for (uint32_t i = 0; i < PATHS; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "/api/v%u/item%u", i % 3, i);
		(void)snprintf(below[i], sizeof(below[i]), "/api/v%u/item%u/and/more", i % 3, i);
		paths[i] = (struct model_path){
		    .path = str_from(text[i]), .kind = PATH_PREFIX, .cluster = i + 1};
	}
	check_put(table_put_host(b->w, &h));
	publish(b);
	(void)table_adopt(b->t);
	from = cpu_ns();
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		uint32_t k = rng(PATHS);
		struct route_view v;

		arena_reset(&b->arena);
		if (table_route(b->t, h.name, str_from(below[k]), &b->arena, &v) == 0)
			found += v.cluster == k + 1;
	}
	report("lookup, one host of 10000 paths", (cpu_ns() - from) / LOOKUPS, "ns", 300);
	if (found != LOOKUPS)
		die("paths not found");
}

/* change(i) and its publication, one after another; the reader adopts each. */
static void bench_publications(struct bench *b, const char *what,
			       void (*change)(struct bench *b, uint32_t i))
{
	uint64_t copied = table_writer_copied(b->w);
	double spent = 0;
	char name[64];

	for (uint32_t n = 0; n < PUBLICATIONS; n++) {
		uint32_t i = rng(b->n_hosts);
		double from = cpu_ns();

		change(b, i);
		publish(b);
		spent += cpu_ns() - from;
		(void)table_adopt(b->t);
	}
	(void)snprintf(name, sizeof(name), "publication of one %s change", what);
	report(strdup(name), spent / PUBLICATIONS / 1000, "us", 100);
	(void)snprintf(name, sizeof(name), "bytes copied by it (%s)", what);
	report(strdup(name), (double)(table_writer_copied(b->w) - copied) / PUBLICATIONS, "bytes",
	       0);
}

static void change_endpoint(struct bench *b, uint32_t i)
{
	(void)put_cluster(b, i, (uint8_t)(2 + rng(200)));
}

static void change_route(struct bench *b, uint32_t i)
{
	static uint64_t another = 1;

	put_host(b, i, "/", another++);
}

static void bench_adoption(struct bench *b)
{
	double spent = 0;
	double from;

	for (uint32_t n = 0; n < PUBLICATIONS; n++) {
		change_endpoint(b, rng(b->n_hosts));
		publish(b);
		from = cpu_ns();
		(void)table_adopt(b->t);
		spent += cpu_ns() - from;
	}
	from = cpu_ns();
	for (uint32_t n = 0; n < ADOPTIONS; n++)
		(void)cpu_ns();
	spent -= (cpu_ns() - from) / ADOPTIONS * PUBLICATIONS;
	report("adoption of a new version, 100000 hosts", spent / PUBLICATIONS, "ns", 0);
	from = cpu_ns();
	for (uint32_t n = 0; n < ADOPTIONS; n++)
		(void)table_adopt(b->t);
	report("adoption when nothing is new", (cpu_ns() - from) / ADOPTIONS, "ns", 0);
}

static void bench_size(uint32_t n_hosts)
{
	struct bench b;
	struct table_info info;
	double from = cpu_ns();

	bench_open(&b, n_hosts);
	build(&b, 0, n_hosts);
	if (n_hosts == 100000) {
		report("build of 100000 hosts from nothing", (cpu_ns() - from) / 1e9, "s", 0);
		table_writer_info(b.w, &info);
		report("bytes of host, route, cluster, 2 endpoints",
		       (double)info.bytes_used / n_hosts, "bytes", 700);
		report("the same as reserved in /dev/shm", (double)info.bytes_file / n_hosts,
		       "bytes", 0);
	}
	bench_lookups(&b);
	if (n_hosts == 100000) {
		bench_cluster_lookup(&b);
		bench_paths(&b);
		bench_publications(&b, "endpoint", change_endpoint);
		bench_publications(&b, "route", change_route);
		bench_adoption(&b);
	}
	bench_close(&b);
}

static void write_json(const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		die(path);
	fputs("{\n", f);
	for (unsigned i = 0; i < n_results; i++)
		fprintf(f, "  \"%s\": {\"value\": %.1f, \"unit\": \"%s\", \"reach\": %.0f}%s\n",
			results[i].name, results[i].value, results[i].unit, results[i].reach,
			i + 1 < n_results ? "," : "");
	fputs("}\n", f);
	if (fclose(f) != 0)
		die(path);
}

int main(int argc, char **argv)
{
	const char *json = argc == 3 && strcmp(argv[1], "--json") == 0 ? argv[2] : NULL;
	int missed = 0;

	if (argc != 1 && json == NULL) {
		fprintf(stderr, "usage: table_bench [--json FILE]\n");
		return 2;
	}
	bench_size(100);
	bench_size(10000);
	bench_size(100000);
	if (json != NULL)
		write_json(json);
	for (unsigned i = 0; i < n_results; i++)
		missed |= results[i].reach > 0 && results[i].value > results[i].reach;
	return missed;
}
