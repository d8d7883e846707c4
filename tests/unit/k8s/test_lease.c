/*
 * lease: leader election against a server that keeps one Lease as the API server does: a version
 * that must match, six fraction digits, conflicts. Two candidates share it in the last tests.
 */
#include "k8s_test.h"

#include "fake_server.h"
#include "k8s/write/lease.h"

#define TTL_MS 4000u

/* As WAIT(), with time running much faster than the machine's. */
#define WAIT_LONG(ev, cond)                                           \
	do {                                                          \
		for (int turn_ = 0; turn_ < 2000 && !(cond); turn_++) \
			later(ev, 10);                                \
		assert_true(cond);                                    \
	} while (0)

struct candidate {
	struct api_client *client;
	struct lease *l;
	unsigned won, lost, released;
};

struct world {
	struct ev *ev;
	struct fake f;
	struct candidate a, b;
	char *record; /* the Lease's spec as JSON, NULL: there is none */
	unsigned version, puts;
	int refuse; /* every answer has this status; 0: none */
};

static void changed(void *arg, bool leader)
{
	struct candidate *c = arg;

	c->won += leader;
	c->lost += !leader;
}

static void released(void *arg)
{
	((struct candidate *)arg)->released++;
}

static char *lease_text(const struct world *w)
{
	char *text = NULL;

	assert_true(asprintf(&text,
			     "{\"kind\":\"Lease\",\"metadata\":{\"name\":\"l\","
			     "\"resourceVersion\":\"%u\"},\"spec\":%s}",
			     w->version, w->record) > 0);
	return text;
}

static char *answer_lease(const struct world *w, int status)
{
	char *text = lease_text(w), *all = http(status, text);

	free(text);
	return all;
}

static bool version_fits(const struct world *w, const char *body)
{
	char want[64];

	(void)snprintf(want, sizeof(want), "\"resourceVersion\":\"%u\"", w->version);
	return strstr(body, want) != NULL;
}

/* Takes the spec out of what was sent. */
static void keep(struct world *w, const char *body)
{
	const char *spec = strstr(body, "\"spec\":");

	assert_non_null(spec);
	free(w->record);
	w->record = strdup(spec + 7);
	w->record[strlen(w->record) - 1] = '\0'; /* the outer brace */
	w->version++;
	w->puts++;
}

static char *serve(struct fake *f, const char *request)
{
	struct world *w = f->arg;
	const char *body = strstr(request, "\r\n\r\n") + 4;

	if (w->refuse != 0)
		return http(w->refuse, "{}");
	if (strncmp(request, "GET ", 4) == 0)
		return w->record == NULL ? http(404, "{}") : answer_lease(w, 200);
	if (strncmp(request, "POST ", 5) == 0) {
		if (w->record != NULL)
			return http(409, "{}");
		keep(w, body);
		return answer_lease(w, 201);
	}
	assert_true(strncmp(request, "PUT ", 4) == 0);
	if (!version_fits(w, body))
		return http(409, "{}");
	keep(w, body);
	return answer_lease(w, 200);
}

static struct world *open_world(void)
{
	struct world *w = calloc(1, sizeof(*w));

	w->ev = ev_new(EV_BACKEND_POLL);
	fake_open(&w->f, w->ev);
	w->f.answer = serve;
	w->f.arg = w;
	w->version = 100;
	return w;
}

static void run_for_it(struct world *w, struct candidate *c, const char *identity)
{
	const struct lease_conf conf = {
	    .ns = "infra", .name = "l", .identity = identity, .ttl_ms = TTL_MS};

	c->client = api_client_new(w->ev, &w->f.access, "silex/test", 0, 0);
	c->l = lease_new(w->ev, c->client, &conf, changed, c);
	assert_non_null(c->l);
}

static void leave(struct candidate *c)
{
	lease_free(c->l);
	api_client_free(c->client);
	c->l = NULL;
	c->client = NULL;
}

static void close_world(struct world *w)
{
	leave(&w->a);
	leave(&w->b);
	fake_close(&w->f);
	ev_free(w->ev);
	free(w->record);
	free(w);
}

static bool record_says(const struct world *w, const char *text)
{
	return w->record != NULL && strstr(w->record, text) != NULL;
}

static void set_record(struct world *w, const char *holder, int duration_s)
{
	free(w->record);
	assert_true(asprintf(&w->record,
			     "{\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":%d,"
			     "\"acquireTime\":\"2026-01-01T00:00:00.000000Z\","
			     "\"renewTime\":\"2026-01-01T00:00:00.000000Z\","
			     "\"leaseTransitions\":3}",
			     holder, duration_s) > 0);
	w->version++;
}

/* The next look, as if its time had come. */
static void look_now(struct world *w)
{
	for (int i = 0; i < 200 && ev_turn(w->ev, 5) > 0; i++) {
	}                                   /* what is under way arrives before the time is over */
	later(w->ev, TTL_MS / 4 * 13 / 10); /* a tenth to a fifth late, at most */
}

static void test_made(void **state)
{
	struct world *w = open_world();

	(void)state;
	run_for_it(w, &w->a, "silex-0");
	assert_false(lease_held(w->a.l));
	WAIT(w->ev, w->a.won == 1);
	assert_true(lease_held(w->a.l));
	assert_string_equal(lease_holder(w->a.l), "silex-0");
	assert_true(
	    asked(&w->f, 0, "GET /apis/coordination.k8s.io/v1/namespaces/infra/leases/l HTTP/1.1"));
	assert_true(
	    asked(&w->f, 1, "POST /apis/coordination.k8s.io/v1/namespaces/infra/leases HTTP/1.1"));
	assert_true(record_says(w, "\"holderIdentity\":\"silex-0\""));
	assert_true(record_says(w, "\"leaseDurationSeconds\":4"));
	assert_true(record_says(w, "\"leaseTransitions\":0"));
	close_world(w);
}

/* client-go's form: six fraction digits, and acquireTime stays when it is renewed. */
static void test_renewed(void **state)
{
	struct world *w = open_world();
	char acquired[64];
	const char *at;

	(void)state;
	run_for_it(w, &w->a, "silex-0");
	WAIT(w->ev, w->a.won == 1);
	at = strstr(w->record, "\"acquireTime\":\"");
	(void)snprintf(acquired, sizeof(acquired), "%.43s", at);
	assert_int_equal(strcspn(at + 15, "\""), 27);
	assert_int_equal(at[15 + 19], '.');
	assert_int_equal(at[15 + 26], 'Z');
	look_now(w);
	WAIT(w->ev, w->puts == 2);
	assert_true(record_says(w, acquired));
	assert_true(record_says(w, "\"leaseTransitions\":0"));
	assert_int_equal(w->a.won, 1);
	assert_int_equal(w->a.lost, 0);
	close_world(w);
}

/* Held by another: only looked at, however old its times are on our clock. */
static void test_taken(void **state)
{
	struct world *w = open_world();

	(void)state;
	set_record(w, "nginx-0", 3600);
	run_for_it(w, &w->a, "silex-0");
	WAIT(w->ev, w->f.n == 1);
	for (int i = 0; i < 3; i++) {
		unsigned n = w->f.n;

		look_now(w);
		WAIT(w->ev, w->f.n > n);
		assert_true(asked(&w->f, n, "GET "));
	}
	assert_int_equal(w->puts, 0);
	assert_int_equal(w->a.won, 0);
	assert_string_equal(lease_holder(w->a.l), "nginx-0");
	close_world(w);
}

/* It was given up, or its holder did not renew it for as long as we watch. */
static void test_taken_over(void **state)
{
	struct world *w = open_world();

	(void)state;
	set_record(w, "", 1);
	run_for_it(w, &w->a, "silex-0");
	WAIT(w->ev, w->a.won == 1);
	assert_true(record_says(w, "\"leaseTransitions\":4"));
	leave(&w->a);

	set_record(w, "dead", 1);
	run_for_it(w, &w->b, "silex-1");
	WAIT_LONG(w->ev, w->b.won == 1); /* after a second without a renewal */
	assert_true(record_says(w, "silex-1"));
	close_world(w);
}

/* Somebody else was faster by a breath: 409, and no leader. */
static void test_conflict(void **state)
{
	struct world *w = open_world();

	(void)state;
	set_record(w, "", 1);
	fake_raw(&w->f, NULL);
	run_for_it(w, &w->a, "silex-0");
	WAIT(w->ev, w->f.n == 1);
	{
		struct fake_conn *c = fake_hanging(&w->f);
		char *old = answer_lease(w, 200);

		set_record(w, "silex-9", 3600);
		c->hung = false;
		fake_conn_send(c, old);
		free(old);
	}
	WAIT(w->ev, w->f.n == 2);
	assert_true(asked(&w->f, 1, "PUT "));
	look_now(w);
	WAIT(w->ev, w->f.n >= 3);
	assert_int_equal(w->a.won, 0);
	assert_true(record_says(w, "silex-9"));
	close_world(w);
}

/* The server does not answer: leadership ends by our own clock, half way to the lease's end. */
static void test_lost_without_an_answer(void **state)
{
	struct world *w = open_world();
	uint64_t won_ms;

	(void)state;
	run_for_it(w, &w->a, "silex-0");
	WAIT(w->ev, w->a.won == 1);
	won_ms = ev_now_ms(w->ev);
	w->f.answer = NULL; /* hangs */
	WAIT_LONG(w->ev, !lease_held(w->a.l));
	assert_true(ev_now_ms(w->ev) - won_ms < TTL_MS);
	WAIT_LONG(w->ev, w->a.lost == 1);
	w->f.answer = serve;
	WAIT_LONG(w->ev, w->a.won == 2);
	close_world(w);
}

static void test_lost_to_another(void **state)
{
	struct world *w = open_world();

	(void)state;
	run_for_it(w, &w->a, "silex-0");
	WAIT(w->ev, w->a.won == 1);
	set_record(w, "thief", 3600);
	look_now(w);
	WAIT_LONG(w->ev, w->a.lost == 1);
	assert_false(lease_held(w->a.l));
	assert_true(record_says(w, "thief"));
	close_world(w);
}

static void test_refused_and_garbage(void **state)
{
	struct world *w = open_world();

	(void)state;
	w->refuse = 403;
	run_for_it(w, &w->a, "silex-0");
	WAIT(w->ev, w->f.n == 1);
	fake_http(&w->f, 200, "<html>");
	look_now(w);
	WAIT(w->ev, w->f.n == 2);
	fake_http(&w->f, 500, "{}");
	look_now(w);
	WAIT(w->ev, w->f.n == 3);
	w->refuse = 0;
	look_now(w);
	WAIT(w->ev, w->a.won == 1);
	close_world(w);
}

static void test_released(void **state)
{
	struct world *w = open_world();

	(void)state;
	run_for_it(w, &w->a, "silex-0");
	WAIT(w->ev, w->a.won == 1);
	lease_release(w->a.l, released, &w->a);
	assert_false(lease_held(w->a.l));
	WAIT(w->ev, w->a.released == 1);
	assert_int_equal(w->a.lost, 1);
	assert_true(record_says(w, "\"holderIdentity\":\"\""));
	assert_true(record_says(w, "\"leaseDurationSeconds\":1"));
	run_for_it(w, &w->b, "silex-1"); /* a successor need not wait */
	WAIT(w->ev, w->b.won == 1);
	close_world(w);
}

/* Nothing of ours to give up: done at once, nothing written. */
static void test_release_of_anothers(void **state)
{
	struct world *w = open_world();

	(void)state;
	set_record(w, "nginx-0", 3600);
	run_for_it(w, &w->a, "silex-0");
	WAIT(w->ev, w->f.n == 1);
	lease_release(w->a.l, released, &w->a);
	assert_int_equal(w->a.released, 1);
	assert_int_equal(w->puts, 0);
	close_world(w);
}

/* Two at the same Lease, in one loop: at no turn both believe to hold it, and when one dies the
 * other takes over. */
static void test_never_both(void **state)
{
	struct world *w = open_world();

	(void)state;
	run_for_it(w, &w->a, "silex-0");
	run_for_it(w, &w->b, "silex-1");
	for (int i = 0; i < 2000 && w->puts < 4; i++) {
		later(w->ev, 20);
		assert_false(lease_held(w->a.l) && lease_held(w->b.l));
	}
	assert_true(w->puts >= 4);
	assert_int_equal(w->a.won + w->b.won, 1);
	leave(w->a.won == 1 ? &w->a : &w->b);
	WAIT_LONG(w->ev, w->a.won + w->b.won == 2);
	assert_true(record_says(w, "\"leaseTransitions\":1"));
	close_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_made),
	    cmocka_unit_test(test_renewed),
	    cmocka_unit_test(test_taken),
	    cmocka_unit_test(test_taken_over),
	    cmocka_unit_test(test_conflict),
	    cmocka_unit_test(test_lost_without_an_answer),
	    cmocka_unit_test(test_lost_to_another),
	    cmocka_unit_test(test_refused_and_garbage),
	    cmocka_unit_test(test_released),
	    cmocka_unit_test(test_release_of_anothers),
	    cmocka_unit_test(test_never_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
