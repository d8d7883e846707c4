/*
 * table_stress [SECONDS [READERS]]: the shared table while everybody around it is being killed.
 *
 * A writer process publishes without pause and kills its readers with SIGKILL wherever they are;
 * the supervisor kills the writer wherever it is, in the middle of publications too, watches the
 * readers go on with its last version, and starts the next writer, which makes a new table. Some
 * writers get a table that is too small, so that publications fail for want of room.
 *
 *   supervisor (reaps all) --> writer, one at a time --> readers
 *
 * Every read is verified whole: endpoints carry their cluster, a serial number, their place,
 * their number and a checksum of all that; policies carry a checksum; the group of a route must
 * name its host and path; two hosts that every transaction writes must always agree. Fails on
 * the first torn read, on a signal other than the SIGKILLs sent from here (SIGBUS!), on a reader
 * that makes no progress after its writer's death, and when it did not kill and read enough to
 * prove anything.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/table/table_pins.h"
#include "common/table/table_read.h"
#include "master/table/table_write.h"

#define MAX_READERS  16
#define HOSTS        400u
#define CLUSTERS     400u
#define MAX_PATHS    6u
#define MAX_ENDPOINT 12u
#define ROOMY        (64u << 20)
#define TIGHT        (192u << 10)
#define CHECK_SEED   0x7461626c65ull

struct seat { /* of one reader; outlives it */
	_Alignas(64) struct table_pins pins;
	_Atomic uint64_t reads;
	_Atomic uint64_t adoptions;
	_Atomic pid_t pid;  /* of its reader */
	_Atomic bool taken; /* set by the reader, taken back before it is killed */
};

struct board {                       /* shared by all processes of the test */
	_Atomic uint64_t generation; /* readers of another one leave */
	_Atomic uint64_t published, rolled_back, no_room, killed_readers;
	_Atomic uint64_t torn, died; /* must stay 0 */
	struct seat seats[MAX_READERS];
};

static struct board *board;
static unsigned n_readers = 4;

static uint64_t rng_state;

static uint32_t rng(uint32_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)((rng_state >> 32) * below >> 32);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void pause_us(unsigned us)
{
	struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L};

	(void)nanosleep(&ts, NULL);
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "table_stress: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---- what is put, and how one sees that it is whole -------------------------------------- */

struct mark { /* in the 16 bytes of an address */
	uint32_t serial;
	uint16_t cluster;
	uint8_t place, of;
	uint64_t sum;
};
_Static_assert(sizeof(struct mark) == 16, "a mark fills an address");

static uint64_t mark_sum(const struct mark *m)
{
	return hash_str(str_make((const char *)m, offsetof(struct mark, sum)), CHECK_SEED);
}

static struct table_endpoint make_endpoint(uint32_t serial, uint32_t cluster, unsigned place,
					   unsigned of)
{
	struct mark m = {serial, (uint16_t)cluster, (uint8_t)place, (uint8_t)of, 0};
	struct table_endpoint e = {.addr = {.family = 6}, .weight = 1};

	m.sum = mark_sum(&m);
	memcpy(e.addr.ip, &m, sizeof(m));
	e.addr.port = (uint16_t)m.sum;
	return e;
}

/* All of one put, in order, none of another. */
static bool endpoints_whole(const struct cluster_view *c)
{
	struct mark first = {.serial = 0}, m;

	for (uint32_t i = 0; i < c->n_endpoints; i++) {
		memcpy(&m, c->endpoints[i].addr.ip, sizeof(m));
		first = i == 0 ? m : first;
		if (m.sum != mark_sum(&m) || c->endpoints[i].addr.port != (uint16_t)m.sum ||
		    m.place != i || m.of != c->n_endpoints || m.cluster != c->id - 1 ||
		    m.serial != first.serial)
			return false;
	}
	return true;
}

static uint64_t policy_sum(const struct policy *p)
{
	uint32_t of[] = {p->connect_ms, p->send_ms, p->read_ms, p->next_ms};

	return hash_str(str_make((const char *)of, sizeof(of)), CHECK_SEED);
}

static struct policy make_policy(uint32_t kind)
{
	struct policy p;

	policy_defaults(&p);
	p.connect_ms = kind;
	p.send_ms = kind * 3;
	p.read_ms = kind * 7;
	p.body_max_bytes = policy_sum(&p);
	return p;
}

static void host_name(char name[64], uint32_t i)
{
	(void)snprintf(name, 64, "host-%u.%s.example.com", i, i % 3 == 0 ? "a" : "bb");
}

static void path_name(char name[32], uint32_t i)
{
	(void)snprintf(name, 32, "/part%u/of", i);
}

/* ---- a reader ---------------------------------------------------------------------------- */

static void torn(const char *what)
{
	fprintf(stderr, "table_stress: TORN: %s\n", what);
	atomic_fetch_add(&board->torn, 1);
}

static void read_cluster(const struct table *t, uint64_t id)
{
	struct cluster_view c;

	if (table_cluster(t, id, &c) && (c.id != id || !endpoints_whole(&c)))
		torn("endpoints");
}

static void read_route(const struct table *t, struct arena *a, uint32_t host, uint32_t path)
{
	char name[64], place[32], below[48];
	struct route_view v;
	struct group_view g;

	host_name(name, host);
	path_name(place, path);
	(void)snprintf(below, sizeof(below), "%s/and/below", place);
	arena_reset(a);
	if (table_route(t, str_from(name), str_from(below), a, &v) == -1) {
		torn("no room for a policy");
		return;
	}
	if (v.kind == ROUTE_NOT_FOUND)
		return;
	if (v.policy->body_max_bytes != policy_sum(v.policy))
		torn("policy");
	if (!table_group(t, v.group, &g) || !str_eq(g.host, str_from(name)) ||
	    !str_eq(g.path, str_from(place)))
		torn("group");
	read_cluster(t, v.cluster);
}

/* Two hosts that every transaction writes the same number into. */
static void read_twins(const struct table *t, struct arena *a)
{
	struct route_view first, last;

	arena_reset(a);
	if (table_route(t, STR("first"), STR("/"), a, &first) == -1 ||
	    table_route(t, STR("last"), STR("/"), a, &last) == -1 || first.cluster != last.cluster)
		torn("two hosts of one version disagree");
}

static void read_version(const struct table *t, struct arena *a, struct seat *seat)
{
	/* Mostly short looks; now and then a long one, so that old versions pile up. */
	unsigned n = rng(50) == 0 ? 3000 : 30;

	read_twins(t, a);
	for (unsigned i = 0; i < n; i++) {
		if (i % 3 == 0)
			read_cluster(t, 1 + rng(CLUSTERS));
		else
			read_route(t, a, rng(HOSTS), rng(MAX_PATHS));
	}
	read_twins(t, a);
	atomic_fetch_add_explicit(&seat->reads, n + 2, memory_order_relaxed);
}

static _Noreturn void reader(int fd, struct seat *seat, uint64_t generation)
{
	struct table *t = table_open(fd, &seat->pins);
	struct slab *slab = slab_new("arena", 4096, 0);
	struct arena a;
	uint64_t last = 0;

	if (t == NULL || slab == NULL)
		die("reader");
	arena_init(&a, slab, 1 << 16);
	atomic_store(&seat->pid, getpid());
	atomic_store(&seat->taken, true);
	while (atomic_load(&board->generation) == generation) {
		uint64_t v = table_adopt(t);

		if (v < last)
			torn("the version went back");
		if (v != last)
			atomic_fetch_add_explicit(&seat->adoptions, 1, memory_order_relaxed);
		last = v;
		read_version(t, &a, seat);
		if (table_newest(t) == v)
			pause_us(20); /* as a loop with nothing to do: who hogs the processor dies
					 late */
	}
	table_close(t);
	_exit(0);
}

/* ---- a writer ---------------------------------------------------------------------------- */

static int put_cluster(struct table_writer *w, uint32_t i)
{
	struct table_endpoint e[MAX_ENDPOINT];
	unsigned n = rng(MAX_ENDPOINT + 1);
	uint32_t serial = rng(UINT32_MAX);
	struct model_cluster c = {.id = i + 1, .name = STR("c"), .endpoints = e, .n_endpoints = n};

	for (unsigned k = 0; k < n; k++)
		e[k] = make_endpoint(serial, i, k, n);
	return table_put_cluster(w, &c);
}

static int put_host(struct table_writer *w, uint32_t i)
{
	char name[64], text[MAX_PATHS][32];
	struct model_path paths[MAX_PATHS];
	struct policy policies[MAX_PATHS];
	struct model_host h = {.paths = paths};

	host_name(name, i);
	h.name = str_from(name);
	for (uint32_t k = 0; k < MAX_PATHS; k++) {
		if (rng(2) == 0)
			continue;
		path_name(text[k], k);
		policies[k] = make_policy(rng(20));
		paths[h.n_paths++] = (struct model_path){.path = str_from(text[k]),
							 .kind = PATH_PREFIX,
							 .cluster = 1 + rng(CLUSTERS),
							 .policy = &policies[k],
							 .ns = STR("ns"),
							 .ingress = STR("ing"),
							 .service = STR("svc")};
	}
	return table_put_host(w, &h);
}

static int put_twin(struct table_writer *w, struct str name, uint64_t number)
{
	struct model_path p = {.path = STR("/"), .kind = PATH_PREFIX, .cluster = number};
	struct model_host h = {.name = name, .paths = &p, .n_paths = 1};

	return table_put_host(w, &h);
}

static int del_host(struct table_writer *w, uint32_t i)
{
	char name[64];

	host_name(name, i);
	return table_del_host(w, str_from(name));
}

static int put_something(struct table_writer *w)
{
	switch (rng(8)) {
	case 0:
		return del_host(w, rng(HOSTS));
	case 1:
		return table_del_cluster(w, 1 + rng(CLUSTERS));
	case 2:
	case 3:
	case 4:
		return put_host(w, rng(HOSTS));
	default:
		return put_cluster(w, rng(CLUSTERS));
	}
}

static int transaction(struct table_writer *w)
{
	static uint64_t number = 1u << 20; /* no cluster has it */
	unsigned n = rng(20) == 0 ? 300 : 1 + rng(6);

	number++;
	if (put_twin(w, STR("first"), number) == -1)
		return -1;
	for (unsigned i = 0; i < n; i++)
		if (put_something(w) == -1)
			return -1;
	return put_twin(w, STR("last"), number);
}

/* Room must come back, or a tight table would never publish again. */
static int make_room(struct table_writer *w)
{
	for (uint32_t i = 0; i < HOSTS / 2; i++)
		if (del_host(w, rng(HOSTS)) == -1)
			return -1;
	return 0;
}

static void one_transaction(struct table_writer *w)
{
	if (transaction(w) == -1) {
		if (errno != ENOSPC)
			die("put");
		atomic_fetch_add(&board->no_room, 1);
		table_rollback(w);
		if (make_room(w) == -1)
			table_rollback(w);
	} else if (rng(16) == 0) {
		atomic_fetch_add(&board->rolled_back, 1);
		table_rollback(w);
	}
	if (table_publish(w) != 0)
		atomic_fetch_add(&board->published, 1);
	else if (errno == ENOSPC)
		atomic_fetch_add(&board->no_room, 1);
	else
		die("publish");
}

static pid_t start_reader(struct table_writer *w, unsigned i, uint64_t generation)
{
	struct seat *seat = &board->seats[i];
	pid_t pid;

	table_pins_clear(&seat->pins);
	if (table_reader_add(w, &seat->pins) == -1)
		die("table_reader_add");
	pid = fork();
	if (pid == -1)
		die("fork");
	if (pid == 0) {
		rng_state ^= (uint64_t)getpid() << 32;
		reader(table_writer_fd(w), seat, generation);
	}
	return pid;
}

static void replace_reader(struct table_writer *w, pid_t *pid, unsigned i, uint64_t generation)
{
	int status;

	atomic_store(&board->seats[i].taken, false);
	(void)kill(*pid, SIGKILL);
	if (waitpid(*pid, &status, 0) == -1)
		die("waitpid");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		fprintf(stderr, "table_stress: reader died by itself, status %#x\n", status);
		atomic_fetch_add(&board->died, 1);
	}
	atomic_fetch_add(&board->killed_readers, 1);
	table_reader_remove(w, &board->seats[i].pins);
	*pid = start_reader(w, i, generation);
}

static _Noreturn void writer(uint64_t generation)
{
	char instance[64];
	pid_t pids[MAX_READERS];
	struct table_writer *w;
	unsigned victim;

	(void)snprintf(instance, sizeof(instance), "stress.%ld", (long)getppid());
	w = table_writer_new(instance, generation % 4 == 0 ? TIGHT : ROOMY);
	if (w == NULL)
		die("table_writer_new");
	for (unsigned i = 0; i < n_readers; i++)
		pids[i] = start_reader(w, i, generation);
	for (;;) {
		for (unsigned n = 1 + rng(8); n > 0; n--)
			one_transaction(w);
		victim = rng(n_readers);
		replace_reader(w, &pids[victim], victim, generation);
	}
}

/* ---- the supervisor ---------------------------------------------------------------------- */

#define GO_ON_MS 60000 /* patience with a busy machine; a reader that is stuck stays stuck */

/* The writer may have died between killing a reader and saying that its seat is free. */
static bool lives(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

/* Each reader must go on after its writer's death: the last version is whole. They are this
 * process's children from then on. */
static bool readers_go_on(void)
{
	uint64_t before[MAX_READERS], deadline = now_ms() + GO_ON_MS;

	for (unsigned i = 0; i < n_readers; i++)
		before[i] = atomic_load(&board->seats[i].reads);
	for (unsigned i = 0; i < n_readers; i++) {
		while (atomic_load(&board->seats[i].taken) &&
		       lives(atomic_load(&board->seats[i].pid)) &&
		       atomic_load(&board->seats[i].reads) < before[i] + 200) {
			if (now_ms() > deadline)
				return false;
			pause_us(200);
		}
	}
	return true;
}

static bool ended_well(int status)
{
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	       (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static bool reap_all(void)
{
	bool good = true;
	int status;

	while (waitpid(-1, &status, 0) != -1 || errno == EINTR)
		good &= ended_well(status);
	return good;
}

static const char *one_generation(uint64_t generation)
{
	pid_t pid;
	bool go_on;
	int status;

	for (unsigned i = 0; i < n_readers; i++)
		atomic_store(&board->seats[i].taken, false);
	atomic_store(&board->generation, generation);
	pid = fork();
	if (pid == -1)
		die("fork");
	if (pid == 0) {
		rng_state ^= generation << 20;
		writer(generation);
	}
	pause_us(20000 + rng(150000));
	(void)kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) == -1 || !ended_well(status))
		return "the writer died of something else than SIGKILL";
	go_on = readers_go_on();
	atomic_store(&board->generation, 0);
	if (!reap_all())
		return "a process died of something else than SIGKILL";
	return go_on ? NULL : "a reader stood still after its writer's death";
}

static void forget_object(void)
{
	char name[80];

	(void)snprintf(name, sizeof(name), "/silex.stress.%ld.table", (long)getpid());
	(void)shm_unlink(name);
}

static unsigned long long tell(_Atomic uint64_t *n, const char *what)
{
	unsigned long long v = atomic_load(n);

	printf("  %12llu %s\n", v, what);
	return v;
}

static bool tell_all(uint64_t generations)
{
	unsigned long long reads = 0, adoptions = 0;
	bool good;

	for (unsigned i = 0; i < n_readers; i++) {
		reads += atomic_load(&board->seats[i].reads);
		adoptions += atomic_load(&board->seats[i].adoptions);
	}
	printf("  %12llu writers killed\n  %12llu lookups verified\n  %12llu adoptions\n",
	       (unsigned long long)generations, reads, adoptions);
	good = tell(&board->published, "publications") > 100;
	good &= tell(&board->killed_readers, "readers killed") > 20;
	(void)tell(&board->rolled_back, "transactions rolled back");
	(void)tell(&board->no_room, "transactions without room");
	good &= tell(&board->torn, "torn reads") == 0;
	good &= tell(&board->died, "readers that died by themselves") == 0;
	return good && reads > 10000 && adoptions > 100;
}

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 10;
	uint64_t end = now_ms() + seconds * 1000, generation = 0;
	const char *wrong = NULL;

	n_readers = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : n_readers;
	if (seconds == 0 || n_readers == 0 || n_readers > MAX_READERS) {
		fprintf(stderr, "usage: table_stress [SECONDS [READERS, at most %d]]\n",
			MAX_READERS);
		return 2;
	}
	board =
	    mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		die("start");
	rng_state = (uint64_t)time(NULL) << 16 | 1;
	while (now_ms() < end && wrong == NULL && atomic_load(&board->torn) == 0)
		wrong = one_generation(++generation);
	forget_object();
	if (!tell_all(generation) && wrong == NULL)
		wrong = "see the figures above";
	printf("table_stress: %s\n", wrong == NULL ? "every read whole" : wrong);
	return wrong == NULL ? 0 : 1;
}
