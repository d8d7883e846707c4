/* Transactions of the table: sharing, rollback, no room, growth, pins, and reclamation. */
#include "table_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "common/table/shm.h"
#include "common/table/shm_layout.h"

static struct table_info info_of(const struct fixture *f)
{
	struct table_info i;

	table_writer_info(f->w, &i);
	return i;
}

static int put_cluster(struct fixture *f, uint64_t id, const char *name, uint8_t first, uint32_t n)
{
	struct table_endpoint e[8];
	struct model_cluster c = {
	    .id = id, .name = str_from(name), .endpoints = e, .n_endpoints = n};

	for (uint32_t i = 0; i < n; i++)
		e[i] = fixture_endpoint((uint8_t)(first + i), 80);
	return table_put_cluster(f->w, &c);
}

static void nothing_new_is_no_version(void **state)
{
	struct fixture f;
	uint64_t v;

	fixture_open(&f, 1 << 20);
	assert_int_equal(table_adopt(f.t), 0);
	v = fixture_publish(&f); /* an empty table is a table */
	assert_int_equal(v, 1);
	assert_int_equal(table_publish(f.w), 1);
	assert_int_equal(fixture_put_simple(&f, "a", 1), 0);
	assert_int_equal(put_cluster(&f, 1, "c", 1, 2), 0);
	assert_int_equal(fixture_publish(&f), 2);
	assert_int_equal(fixture_put_simple(&f, "a", 1), 0);
	assert_int_equal(fixture_put_simple(&f, "A", 1), 0);
	assert_int_equal(put_cluster(&f, 1, "c", 1, 2), 0);
	assert_int_equal(table_del_host(f.w, STR("b")), 0);
	assert_int_equal(table_del_cluster(f.w, 9), 0);
	assert_int_equal(table_put_default(f.w, 0, NULL), 0);
	assert_int_equal(table_publish(f.w), 2);
	assert_int_equal(table_newest(f.t), 2);
	fixture_close(&f);
}

static void clusters(void **state)
{
	struct fixture f;
	struct cluster_view c;
	uint64_t generation;

	fixture_open(&f, 1 << 20);
	assert_false(table_cluster(f.t, 5, &c));
	assert_int_equal(put_cluster(&f, 5, "ns-web-80", 1, 3), 0);
	assert_int_equal(put_cluster(&f, 6, "ns-empty-80", 1, 0), 0);
	fixture_publish(&f);
	assert_true(table_cluster(f.t, 5, &c));
	assert_true(str_eq(c.name, STR("ns-web-80")));
	assert_int_equal(c.n_endpoints, 3);
	assert_int_equal(c.endpoints[2].addr.ip[3], 3);
	generation = c.generation;
	assert_true(table_cluster(f.t, 6, &c));
	assert_int_equal(c.n_endpoints, 0);

	/* Other flags, the same endpoints: the balancer's state stays good. */
	struct table_endpoint e[3] = {fixture_endpoint(1, 80), fixture_endpoint(2, 80),
				      fixture_endpoint(3, 80)};
	struct model_cluster m = {.id = 5,
				  .name = STR("ns-web-80"),
				  .endpoints = e,
				  .n_endpoints = 3,
				  .balance = BALANCE_EWMA,
				  .protocol = CLUSTER_H2C,
				  .flags = 4};

	assert_int_equal(table_put_cluster(f.w, &m), 0);
	fixture_publish(&f);
	assert_true(table_cluster(f.t, 5, &c));
	assert_int_equal(c.generation, generation);
	assert_int_equal(c.balance, BALANCE_EWMA);
	assert_int_equal(c.protocol, CLUSTER_H2C);
	assert_int_equal(c.flags, 4);
	e[1].weight = 9;
	assert_int_equal(table_put_cluster(f.w, &m), 0);
	fixture_publish(&f);
	assert_true(table_cluster(f.t, 5, &c));
	assert_int_not_equal(c.generation, generation);
	assert_int_equal(info_of(&f).clusters, 2);
	assert_int_equal(info_of(&f).endpoints, 3);
	assert_int_equal(table_del_cluster(f.w, 5), 0);
	fixture_publish(&f);
	assert_false(table_cluster(f.t, 5, &c));
	assert_int_equal(info_of(&f).endpoints, 0);
	fixture_close(&f);
}

static uint32_t since_of(struct fixture *f, unsigned i)
{
	struct cluster_view c;

	fixture_publish(f);
	assert_true(table_cluster(f->t, 5, &c));
	return c.endpoints[i].since;
}

/* Slow start: since when an endpoint is ready lies in the table, and who stays so keeps it. */
static void ready_since(void **state)
{
	struct table_endpoint e[3] = {fixture_endpoint(1, 80), fixture_endpoint(2, 80),
				      fixture_endpoint(3, 80)};
	struct model_cluster m = {.id = 5, .name = STR("a-b-c"), .endpoints = e, .n_endpoints = 2};
	struct fixture f;
	uint32_t since;

	fixture_open(&f, 1 << 20);
	m.opts.slow_start_ms = 60000;
	assert_int_equal(table_put_cluster(f.w, &m), 0);
	assert_int_equal(since_of(&f, 0), 0); /* the first ones have nobody to spare them */
	m.n_endpoints = 3;
	assert_int_equal(table_put_cluster(f.w, &m), 0);
	since = since_of(&f, 2);
	assert_int_not_equal(since, 0);
	m.endpoints = e + 1; /* another place in the list, the same endpoint */
	m.n_endpoints = 2;
	assert_int_equal(table_put_cluster(f.w, &m), 0);
	assert_int_equal(since_of(&f, 1), since);
	assert_int_equal(since_of(&f, 0), 0);
	e[1].state = ENDPOINT_DOWN;
	assert_int_equal(table_put_cluster(f.w, &m), 0);
	assert_int_equal(since_of(&f, 0), 0);
	e[1].state = ENDPOINT_READY;
	assert_int_equal(table_put_cluster(f.w, &m), 0);
	assert_int_not_equal(since_of(&f, 0), 0);
	m.opts.slow_start_ms = 0;
	assert_int_equal(table_put_cluster(f.w, &m), 0);
	assert_int_equal(since_of(&f, 0), 0);
	fixture_close(&f);
}

static void one_policy_for_many_routes(void **state)
{
	struct {
		struct policy fixed;
		char more[4000];
	} big = {.more = "x"};
	struct model_path path = {.path = STR("/"), .kind = PATH_PREFIX, .policy = &big.fixed};
	struct model_host h = {.paths = &path, .n_paths = 1};
	struct fixture f;
	uint64_t with;

	fixture_open(&f, 4 << 20);
	fixture_publish(&f);
	with = info_of(&f).bytes_used;
	policy_defaults(&big.fixed);
	big.fixed.size = sizeof(big);
	for (unsigned i = 0; i < 500; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "h%u", i);
		h.name = str_from(name);
		assert_int_equal(table_put_host(f.w, &h), 0);
	}
	fixture_publish(&f);
	assert_true(info_of(&f).bytes_used - with < 500 * 300 + 5000);
	for (unsigned i = 0; i < 500; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "h%u", i);
		assert_int_equal(table_del_host(f.w, str_from(name)), 0);
	}
	fixture_publish(&f);
	table_reclaim(f.w);
	assert_int_equal(info_of(&f).bytes_used, with); /* the shared one is gone with the last */
	assert_int_equal(info_of(&f).hosts, 0);
	assert_int_equal(info_of(&f).groups, 0);
	fixture_close(&f);
}

static void rollback_forgets_everything(void **state)
{
	struct fixture f;
	struct table_info before, after;
	struct cluster_view c;

	fixture_open(&f, 1 << 20);
	assert_int_equal(fixture_put_simple(&f, "keep", 1), 0);
	assert_int_equal(fixture_put_simple(&f, "", 4), 0);
	assert_int_equal(put_cluster(&f, 1, "c", 1, 2), 0);
	fixture_publish(&f);
	before = info_of(&f);
	assert_int_equal(fixture_put_simple(&f, "new", 2), 0);
	assert_int_equal(fixture_put_simple(&f, "keep", 3), 0);
	assert_int_equal(table_del_host(f.w, STR("")), 0);
	assert_int_equal(table_del_cluster(f.w, 1), 0);
	assert_int_equal(table_put_default(f.w, 8, NULL), 0);
	table_rollback(f.w);
	assert_int_equal(table_publish(f.w), before.version);
	after = info_of(&f);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(put_cluster(&f, 2, "d", 1, 1), 0);
	fixture_publish(&f);
	assert_int_equal(fixture_route(&f, "keep", "/").cluster, 1);
	assert_int_equal(fixture_route(&f, "new", "/").cluster, 4);
	assert_true(table_cluster(f.t, 1, &c));
	fixture_close(&f);
}

static void bad_input_spoils_nothing(void **state)
{
	static char long_name[300], long_path[65536];
	struct policy odd = {.size = sizeof(odd) + 4};
	const struct model_path twice[] = {{.path = STR("/a"), .kind = PATH_EXACT},
					   {.path = STR("/a"), .kind = PATH_PREFIX},
					   {.path = STR("/a"), .kind = PATH_EXACT}};
	const struct model_path bad[] = {
	    {.path = STR(""), .kind = PATH_PREFIX},
	    {.path = STR("a"), .kind = PATH_EXACT},
	    {.path = STR("/a/"), .kind = PATH_PREFIX},
	    {.path = {long_path, sizeof(long_path) - 1}, .kind = PATH_EXACT},
	    {.path = STR("/"), .kind = PATH_PREFIX, .policy = &odd},
	};
	struct model_host h = {.name = STR("h"), .paths = twice, .n_paths = 3};
	struct fixture f;

	memset(long_name, 'a', sizeof(long_name));
	memset(long_path, '/', sizeof(long_path));
	fixture_open(&f, 1 << 20);
	assert_int_equal(fixture_put_simple(&f, "good", 1), 0);
	assert_int_equal(table_put_host(f.w, &h), -1);
	assert_int_equal(errno, EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		h = (struct model_host){.name = STR("h"), .paths = &bad[i], .n_paths = 1};
		errno = 0;
		assert_int_equal(table_put_host(f.w, &h), -1);
		assert_int_equal(errno, EINVAL);
	}
	h = (struct model_host){.name = {long_name, 256}, .paths = twice, .n_paths = 2};
	assert_int_equal(table_put_host(f.w, &h), -1);
	assert_int_equal(table_del_host(f.w, h.name), 0);
	h.name.n = 255;
	assert_int_equal(table_put_host(f.w, &h), 0);
	assert_int_equal(put_cluster(&f, 0, "zero", 1, 1), -1);
	assert_int_equal(put_cluster(&f, 7, "mine", 1, 1), 0);
	assert_int_equal(put_cluster(&f, 7, "yours", 1, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(table_put_default(f.w, 1, &odd), -1);
	fixture_publish(&f);
	assert_int_equal(fixture_route(&f, "good", "/").cluster, 1);
	assert_int_equal(info_of(&f).hosts, 2);
	fixture_close(&f);
}

/* Put hosts until there is no room; returns how many. */
static unsigned fill(struct fixture *f)
{
	for (unsigned i = 0;; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "h%u", i);
		if (fixture_put_simple(f, name, i + 2) == -1)
			return i;
	}
}

static void no_room_keeps_the_old_version(void **state)
{
	struct fixture f;
	unsigned n;

	fixture_open(&f, 128 << 10);
	assert_int_equal(fixture_put_simple(&f, "keep", 1), 0);
	fixture_publish(&f);
	n = fill(&f);
	assert_int_equal(errno, ENOSPC);
	assert_true(n > 100);
	assert_int_equal(fixture_put_simple(&f, "keep", 99), -1); /* the transaction is spoiled */
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(table_publish(f.w), 0);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(table_newest(f.t), 1);
	assert_int_equal(fixture_route(&f, "keep", "/").cluster, 1);
	assert_int_equal(fixture_route(&f, "h0", "/").kind, ROUTE_NOT_FOUND);
	assert_int_equal(fixture_put_simple(&f, "keep", 5), 0); /* publish has rolled back */
	fixture_publish(&f);
	assert_int_equal(fixture_route(&f, "keep", "/").cluster, 5);
	assert_int_equal(info_of(&f).hosts, 1);
	assert_true(fill(&f) > n / 2); /* and the room came back */
	table_rollback(f.w);
	fixture_close(&f);
}

static void a_full_system_is_not_a_signal(void **state)
{
	struct rlimit was, tight;
	struct fixture f;
	struct table_info full;

	fixture_open(&f, 64 << 20);
	assert_int_equal(fixture_put_simple(&f, "keep", 1), 0);
	fixture_publish(&f);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	tight = was;
	tight.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_true(fill(&f) > 1000);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(table_publish(f.w), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	full = info_of(&f);
	assert_true(full.bytes_file <= 1 << 20);
	assert_int_equal(fixture_route(&f, "keep", "/").cluster, 1);
	fixture_close(&f);
}

static void grows_under_a_reader(void **state)
{
	struct fixture f;
	uint64_t small;

	fixture_open(&f, 64 << 20);
	assert_int_equal(fixture_put_simple(&f, "first", 1), 0);
	fixture_publish(&f);
	small = info_of(&f).bytes_file;
	for (unsigned i = 0; i < 20000; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "host-%u", i);
		assert_int_equal(fixture_put_simple(&f, name, i + 2), 0);
	}
	fixture_publish(&f);
	assert_true(info_of(&f).bytes_file > small * 4);
	assert_true(info_of(&f).bytes_used <= info_of(&f).bytes_file);
	assert_int_equal(fixture_route(&f, "first", "/").cluster, 1);
	assert_int_equal(fixture_route(&f, "host-19999", "/").cluster, 20001);
	fixture_close(&f);
}

static void pins_hold_what_they_see(void **state)
{
	struct fixture f;
	struct table_pins other_pins = {0};
	struct table *other;
	struct cluster_view c;

	fixture_open(&f, 1 << 20);
	other = table_open(table_writer_fd(f.w), &other_pins);
	assert_non_null(other);
	assert_int_equal(table_reader_add(f.w, &other_pins), 0);
	assert_int_equal(put_cluster(&f, 1, "c", 1, 4), 0);
	fixture_publish(&f);
	assert_int_equal(table_adopt(other), 1);
	assert_int_equal(other_pins.cur, 1);
	assert_int_equal(other_pins.next, 0);
	assert_true(table_cluster(other, 1, &c));
	for (unsigned i = 0; i < 200; i++) { /* the ring of roots goes round three times */
		assert_int_equal(put_cluster(&f, 1, "c", (uint8_t)(10 + i % 2), 4), 0);
		fixture_publish(&f);
	}
	assert_true(info_of(&f).bytes_retired > 0);
	assert_int_equal(c.endpoints[3].addr.ip[3], 4); /* borrowed in version 1, still good */
	assert_int_equal(table_adopt(other), 201);
	assert_true(table_cluster(other, 1, &c));
	assert_int_equal(c.endpoints[0].addr.ip[3], 11);
	table_reclaim(f.w);
	assert_int_equal(info_of(&f).bytes_retired, 0);

	/* A dead reader's pins stop counting when the master takes them out. */
	assert_int_equal(put_cluster(&f, 1, "c", 77, 4), 0);
	fixture_publish(&f);
	assert_true(info_of(&f).bytes_retired > 0);
	table_reader_remove(f.w, &other_pins);
	table_reclaim(f.w);
	assert_int_equal(info_of(&f).bytes_retired, 0);
	table_close(other);
	assert_int_equal(other_pins.cur, 0);
	fixture_close(&f);
}

static void an_announcement_counts_before_it_is_confirmed(void **state)
{
	struct table_pins p = {0};

	assert_true(table_pins_oldest(&p) == UINT64_MAX);
	p.next = 7;
	assert_int_equal(table_pins_oldest(&p), 7);
	p.cur = 5;
	assert_int_equal(table_pins_oldest(&p), 5);
	p.next = 0;
	assert_int_equal(table_pins_oldest(&p), 5);
	table_pins_clear(&p);
	assert_true(table_pins_oldest(&p) == UINT64_MAX);
}

static void group_numbers(void **state)
{
	struct table_pins other_pins = {0};
	struct table *other;
	struct group_view g;
	uint32_t a, b;
	struct fixture f;

	fixture_open(&f, 1 << 20);
	assert_int_equal(fixture_put_simple(&f, "a", 1), 0);
	assert_int_equal(fixture_put_simple(&f, "b", 1), 0);
	fixture_publish(&f);
	a = fixture_route(&f, "a", "/").group;
	b = fixture_route(&f, "b", "/").group;
	assert_true(a != 0 && b != 0 && a != b && a <= 2 && b <= 2);
	assert_int_equal(fixture_put_simple(&f, "a", 2), 0); /* another cluster, the same group */
	fixture_publish(&f);
	assert_int_equal(fixture_route(&f, "a", "/").group, a);

	other = table_open(table_writer_fd(f.w), &other_pins);
	assert_non_null(other);
	assert_int_equal(table_reader_add(f.w, &other_pins), 0);
	(void)table_adopt(other);
	assert_int_equal(table_del_host(f.w, STR("a")), 0);
	fixture_publish(&f);
	assert_false(table_group(f.t, a, &g));
	assert_int_equal(fixture_put_simple(&f, "c", 1), 0);
	fixture_publish(&f);
	assert_int_not_equal(fixture_route(&f, "c", "/").group, a); /* somebody sees the old one */
	assert_true(table_group(other, a, &g));
	assert_true(str_eq(g.host, STR("a")));
	(void)table_adopt(other);
	table_reclaim(f.w);
	assert_int_equal(fixture_put_simple(&f, "d", 1), 0);
	fixture_publish(&f);
	assert_int_equal(fixture_route(&f, "d", "/").group, a); /* now it is given again */
	table_reader_remove(f.w, &other_pins);
	table_close(other);
	fixture_close(&f);
}

struct seen {
	unsigned hosts, paths;
};

static bool see_host(void *arg, struct str host, uint32_t n_paths)
{
	struct seen *s = arg;

	assert_true(host.n > 0);
	s->hosts++;
	s->paths += n_paths;
	return s->hosts < 3;
}

static void figures_and_walk(void **state)
{
	struct fixture f;
	struct table_info i;
	struct seen s = {0, 0};

	fixture_open(&f, 1 << 20);
	table_each_host(f.t, see_host, &s);
	assert_int_equal(s.hosts, 0);
	assert_int_equal(fixture_put_simple(&f, "a", 1), 0);
	assert_int_equal(fixture_put_simple(&f, "*.b", 1), 0);
	assert_int_equal(fixture_put_simple(&f, "c", 1), 0);
	assert_int_equal(fixture_put_simple(&f, "d", 1), 0);
	assert_int_equal(put_cluster(&f, 1, "c", 1, 5), 0);
	fixture_publish(&f);
	table_info(f.t, &i);
	assert_int_equal(i.hosts, 4);
	assert_int_equal(i.routes, 4);
	assert_int_equal(i.groups, 4);
	assert_int_equal(i.clusters, 1);
	assert_int_equal(i.endpoints, 5);
	assert_int_equal(i.bytes_used, info_of(&f).bytes_used);
	table_each_host(f.t, see_host, &s);
	assert_int_equal(s.hosts, 3); /* stopped when told to */
	fixture_close(&f);
}

/* A new master makes a new table; who reads the old one keeps it, whole. */
static void a_new_writer_leaves_the_old_table_alone(void **state)
{
	struct fixture old, f;

	fixture_open(&old, 1 << 20);
	assert_int_equal(fixture_put_simple(&old, "h", 1), 0);
	fixture_publish(&old);
	fixture_open(&f, 1 << 20); /* the same instance */
	assert_int_equal(fixture_put_simple(&f, "h", 2), 0);
	fixture_publish(&f);
	assert_int_equal(fixture_route(&old, "h", "/").cluster, 1);
	assert_int_equal(fixture_route(&f, "h", "/").cluster, 2);
	fixture_close(&f);
	assert_int_equal(fixture_route(&old, "h", "/").cluster, 1);
	fixture_close(&old);
}

static void foreign_memory_is_refused(void **state)
{
	struct table_pins pins = {0};
	struct table_head *h;
	struct fixture f;
	int fd = memfd_create("table", MFD_CLOEXEC);

	fixture_open(&f, 1 << 20);
	assert_null(table_open(fd, &pins));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(shm_grow(fd, 0, TABLE_HEAD), 0);
	assert_null(table_open(fd, &pins));
	h = shm_map(fd, TABLE_HEAD, 1);
	assert_non_null(h);
	h->magic = TABLE_MAGIC;
	h->abi = TABLE_ABI;
	h->head_bytes = TABLE_HEAD;
	h->max_bytes = 1 << 20;
	struct table *t = table_open(fd, &pins);

	assert_non_null(t);
	table_close(t);
	h->abi++;
	assert_null(table_open(fd, &pins));
	assert_int_equal(errno, EINVAL);
	h->abi--;
	h->max_bytes = 100; /* less than there is */
	assert_null(table_open(fd, &pins));
	munmap(h, TABLE_HEAD);
	close(fd);
	fixture_close(&f);
}

static void bad_writers(void **state)
{
	assert_null(table_writer_new("a/b", 1 << 20));
	assert_int_equal(errno, EINVAL);
	assert_null(table_writer_new("tiny", 100));
	assert_int_equal(errno, EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_new_is_no_version),
	    cmocka_unit_test(clusters),
	    cmocka_unit_test(ready_since),
	    cmocka_unit_test(one_policy_for_many_routes),
	    cmocka_unit_test(rollback_forgets_everything),
	    cmocka_unit_test(bad_input_spoils_nothing),
	    cmocka_unit_test(no_room_keeps_the_old_version),
	    cmocka_unit_test(a_full_system_is_not_a_signal),
	    cmocka_unit_test(grows_under_a_reader),
	    cmocka_unit_test(pins_hold_what_they_see),
	    cmocka_unit_test(an_announcement_counts_before_it_is_confirmed),
	    cmocka_unit_test(group_numbers),
	    cmocka_unit_test(figures_and_walk),
	    cmocka_unit_test(a_new_writer_leaves_the_old_table_alone),
	    cmocka_unit_test(foreign_memory_is_refused),
	    cmocka_unit_test(bad_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
