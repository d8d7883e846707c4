/* Basic authentication in a worker: what a client sent, what was right a short while ago, and the
 * questions to the auth process, which is played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/timer.h"
#include "worker/basic/asker.h"
#include "worker/basic/credentials.h"
#include "worker/basic/siphash.h"

/* --- siphash -------------------------------------------------------------------------------- */

/* The first and the sixteenth of the authors' vectors for 128 bits: key 00 01 02 ..., input
 * 00 01 02 ... */
static void test_siphash(void **state)
{
	static const uint8_t empty[] = {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
					0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93};
	static const uint8_t one[] = {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44,
				      0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45};
	static const uint8_t fifteen[] = {0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11,
					  0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9};
	uint8_t key[SIPHASH_KEY], in[16], out[SIPHASH_LEN];

	for (unsigned i = 0; i < sizeof(in); i++)
		key[i] = in[i] = (uint8_t)i;
	siphash(key, in, 0, out);
	assert_memory_equal(out, empty, sizeof(out));
	siphash(key, in, 1, out);
	assert_memory_equal(out, one, sizeof(out));
	siphash(key, in, 15, out);
	assert_memory_equal(out, fifteen, sizeof(out));
}

/* --- credentials ---------------------------------------------------------------------------- */

static struct credentials c;

static bool readable(const char *value, unsigned times)
{
	struct field fields[2];
	struct head h = {.fields = fields, .n_fields = (uint16_t)times};

	for (unsigned i = 0; i < times; i++)
		fields[i] = (struct field){.name = "authorization",
					   .name_n = 13,
					   .value = value,
					   .value_n = (uint32_t)strlen(value),
					   .id = FIELD_AUTHORIZATION};
	return credentials_read(&h, &c);
}

static void good(const char *value, const char *user, const char *password)
{
	assert_true(readable(value, 1));
	assert_true(str_eq(c.user, str_from(user)) && str_eq(c.password, str_from(password)));
}

static void test_credentials(void **state)
{
	good("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"); /* RFC 7617 §2 */
	good("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Aladdin", "open sesame");
	good("Basic dGVzdDoxMjPCow==", "test", "123\xc2\xa3"); /* §2.1 */
	good("Basic YTo=", "a", "");
	good("Basic YTpiOmM=", "a", "b:c");
	credentials_wipe(&c);
	for (size_t i = 0; i < sizeof(c.bytes); i++)
		assert_int_equal(c.bytes[i], 0);
}

static void test_no_credentials(void **state)
{
	static const char *const none[] = {
	    "",           "Basic",        "Basic ",         "Basic =",    "Basic !",
	    "Basic YQ==", "Basic OmI=",   "Bearer YTpi",    "YTpi",       "Basic YT pi",
	    "BasicYTpi",  "Basic Y\x80p", "Digest a=\"b\"", "Basic YTpi,"};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_false(readable(none[i], 1));
	assert_false(readable("Basic YTpi", 0));
	assert_false(readable("Basic YTpi", 2));
}

/* user: so many a; password: so many b. */
static bool lengths_readable(size_t user, size_t password)
{
	static char value[4096];
	char *to = value + 6;
	size_t n = user + 1 + password;
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	memcpy(value, "Basic ", 6);
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = 0;

		for (size_t k = i; k < i + 3; k++)
			v = v << 8 | (unsigned)(k < user ? 'a' : k == user ? ':' : k < n ? 'b' : 0);
		for (int shift = 18; shift >= 0; shift -= 6)
			*to++ = digits[v >> shift & 63];
	}
	to -= (3 - n % 3) % 3;
	*to = '\0';
	return readable(value, 1);
}

static void test_lengths(void **state)
{
	assert_true(lengths_readable(BASIC_NAME_MAX, BASIC_PASSWORD_MAX));
	assert_int_equal(c.user.n, BASIC_NAME_MAX);
	assert_int_equal(c.password.n, BASIC_PASSWORD_MAX);
	assert_false(lengths_readable(BASIC_NAME_MAX + 1, 3));
	assert_false(lengths_readable(3, BASIC_PASSWORD_MAX + 1));
	assert_false(lengths_readable(3, BASIC_PASSWORD_MAX + 1000));
}

/* --- known ---------------------------------------------------------------------------------- */

static void test_known(void **state)
{
	struct known *k = known_new(), *other = known_new();
	struct known_digest d = known_digest(k, 1, STR("alice"), STR("secret"));
	struct known_digest not_it[] = {
	    known_digest(k, 2, STR("alice"), STR("secret")), /* the list has changed */
	    known_digest(k, 1, STR("alic"), STR("esecret")),
	    known_digest(k, 1, STR("alice"), STR("secret2")),
	    known_digest(k, 1, STR("bob"), STR("secret")),
	    known_digest(other, 1, STR("alice"), STR("secret")), /* another process' key */
	};

	assert_false(known_has(k, &d, 1000));
	known_add(k, &d, 1000);
	known_add(k, &d, 1000);
	assert_true(known_has(k, &d, 1000));
	for (size_t i = 0; i < sizeof(not_it) / sizeof(not_it[0]); i++)
		assert_false(known_has(k, &not_it[i], 1000));
	assert_true(known_has(k, &d, 1000 + KNOWN_MS - 1));
	assert_false(known_has(k, &d, 1000 + KNOWN_MS));
	known_free(k);
	known_free(other);
}

/* However many are added, the last ones are there, and there are no more than fit. */
static void test_known_is_bounded(void **state)
{
	struct known *k = known_new();
	uint64_t there = 0;

	for (uint64_t i = 1; i <= 3 * KNOWN_SETS * KNOWN_WAYS; i++) {
		struct known_digest d = known_digest(k, i, STR("a"), STR("b"));

		known_add(k, &d, i);
		assert_true(known_has(k, &d, i));
	}
	for (uint64_t i = 1; i <= 3 * KNOWN_SETS * KNOWN_WAYS; i++) {
		struct known_digest d = known_digest(k, i, STR("a"), STR("b"));

		there += known_has(k, &d, i);
	}
	assert_true(there > KNOWN_SETS && there <= KNOWN_SETS * KNOWN_WAYS);
	known_free(k);
}

/* --- asker ---------------------------------------------------------------------------------- */

static struct worker w;
static struct asker *a;
static int process; /* the auth process' end */

struct asked {
	struct asker_wait wait;
	unsigned end;
};

static void done(struct asker_wait *wait, unsigned end)
{
	struct asked *q = container_of(wait, struct asked, wait);

	assert_int_equal(q->end, 0);
	q->end = end;
}

static int attach(void)
{
	int ends[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(asker_attach(a, ends[0]), 0);
	return ends[1];
}

static int setup(void **state)
{
	memset(&w, 0, sizeof(w));
	w.ev = ev_new(EV_BACKEND_POLL);
	w.timers = ev_timers(w.ev);
	STAILQ_INIT(&w.driver.queue);
	a = asker_of(&w);
	assert_ptr_equal(asker_of(&w), a);
	process = attach();
	return 0;
}

static int teardown(void **state)
{
	asker_free(a);
	assert_null(w.asker);
	(void)close(process);
	ev_free(w.ev);
	return 0;
}

static void stop(struct timer *t)
{
	ev_stop(w.ev);
}

/* The loop, until what is ready has been read. */
static void turn(void)
{
	struct timer t;

	timer_init(&t, stop);
	timer_set(w.timers, &t, ev_now_ms(w.ev) + 1);
	ev_run(w.ev);
}

static bool ask(struct asked *q, const char *user, const char *password)
{
	*q = (struct asked){.wait.done = done,
			    .wait.digest = asker_digest(a, 7, str_from(user), str_from(password))};
	return asker_ask(a, &q->wait, 7, str_from(user), str_from(password));
}

/* What the auth process hears next; its id. */
static uint64_t hears(int fd, const char *user, const char *password)
{
	struct basic_ask got;
	struct str u, p;
	ssize_t n = recv(fd, &got, sizeof(got), MSG_DONTWAIT);

	assert_true(n > 0);
	assert_true(basic_ask_read(&got, (size_t)n, &u, &p));
	assert_int_equal(got.head.list, 7);
	assert_true(str_eq(u, str_from(user)) && str_eq(p, str_from(password)));
	return got.head.id;
}

static bool hears_nothing(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == -1;
}

static bool knows(uint64_t list, const char *user, const char *password)
{
	struct known_digest d = asker_digest(a, list, str_from(user), str_from(password));

	return asker_knows(a, &d);
}

static void says(int fd, uint64_t id, uint32_t verdict)
{
	struct basic_reply r = {.id = id, .verdict = verdict};

	assert_int_equal(send(fd, &r, sizeof(r), 0), sizeof(r));
	turn();
}

static void test_ask(void **state)
{
	struct asked right, wrong, busy;

	assert_true(ask(&right, "alice", "secret") && ask(&wrong, "alice", "x"));
	assert_true(ask(&busy, "bob", ""));
	says(process, hears(process, "alice", "secret"), BASIC_RIGHT);
	assert_int_equal(right.end, BASIC_RIGHT);
	says(process, hears(process, "alice", "x"), BASIC_WRONG);
	assert_int_equal(wrong.end, BASIC_WRONG);
	says(process, hears(process, "bob", ""), BASIC_BUSY);
	assert_int_equal(busy.end, BASIC_BUSY);
	assert_true(knows(7, "alice", "secret"));
	assert_false(knows(8, "alice", "secret"));
	assert_false(knows(7, "alice", "x"));
	for (size_t i = 0; i < right.wait.n; i++)
		assert_int_equal(((const char *)&right.wait.ask)[i], 0);
}

static void test_the_same_is_asked_once(void **state)
{
	struct asked first, second, other;

	assert_true(ask(&first, "alice", "secret") && ask(&second, "alice", "secret"));
	assert_true(ask(&other, "alice", "secre"));
	uint64_t id = hears(process, "alice", "secret");

	(void)hears(process, "alice", "secre");
	assert_true(hears_nothing(process));
	says(process, id, BASIC_RIGHT);
	assert_int_equal(first.end, BASIC_RIGHT);
	assert_int_equal(second.end, BASIC_RIGHT);
	assert_int_equal(other.end, 0);
	asker_forget(a, &other.wait);
}

/* Who asked first goes away; the next asks for itself. */
static void test_forgotten(void **state)
{
	struct asked first, second;

	assert_true(ask(&first, "alice", "secret") && ask(&second, "alice", "secret"));
	uint64_t id = hears(process, "alice", "secret");

	asker_forget(a, &first.wait);
	says(process, id, BASIC_RIGHT); /* nobody's any more */
	assert_int_equal(first.end + second.end, 0);
	says(process, hears(process, "alice", "secret"), BASIC_RIGHT);
	assert_int_equal(second.end, BASIC_RIGHT);
}

static void test_another_process(void **state)
{
	struct asked q;

	assert_true(ask(&q, "alice", "secret"));
	(void)close(process);
	turn();
	assert_int_equal(q.end, 0);
	process = attach();
	says(process, hears(process, "alice", "secret"), BASIC_UNKNOWN);
	assert_int_equal(q.end, BASIC_UNKNOWN);
}

/* It must not be believed. */
static void test_nonsense(void **state)
{
	static const uint32_t verdicts[] = {0, 5, 0xffffffff};
	struct asked q;

	assert_true(ask(&q, "alice", "secret"));
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		says(process, hears(process, "alice", "secret"), verdicts[i]);
		assert_int_equal(q.end, 0);
		(void)close(process);
		process = attach();
	}
	(void)hears(process, "alice", "secret");
	assert_int_equal(send(process, "x", 1, 0), 1);
	turn();
	assert_int_equal(q.end, 0);
	asker_forget(a, &q.wait);
}

static void test_late(void **state)
{
	struct asked q;

	assert_true(ask(&q, "alice", "secret"));
	while (q.end == 0)
		turn();
	assert_int_equal(q.end, ASKER_LATE);
	says(process, hears(process, "alice", "secret"), BASIC_RIGHT);
	assert_false(knows(7, "alice", "secret"));
}

static void test_too_many(void **state)
{
	static struct asked q[ASKER_WAITING_MAX + 1];

	for (unsigned i = 0; i < ASKER_WAITING_MAX; i++)
		assert_true(ask(&q[i], "alice", "secret"));
	assert_false(ask(&q[ASKER_WAITING_MAX], "alice", "secret"));
	for (unsigned i = 0; i < ASKER_WAITING_MAX; i++)
		asker_forget(a, &q[i].wait);
}

#define CASE(f)  cmocka_unit_test(f)
#define ASKER(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_siphash),        CASE(test_credentials),
	    CASE(test_no_credentials), CASE(test_lengths),
	    CASE(test_known),          CASE(test_known_is_bounded),
	    ASKER(test_ask),           ASKER(test_the_same_is_asked_once),
	    ASKER(test_forgotten),     ASKER(test_another_process),
	    ASKER(test_nonsense),      ASKER(test_late),
	    ASKER(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
