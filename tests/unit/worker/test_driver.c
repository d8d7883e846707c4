/*
 * test_driver: the steps between two fake sides: what a request does for each thing a side may
 * report, in any order, and that no step is ever entered twice. No sockets, an empty table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/table/table_view.h"
#include "worker/request/driver.h"
#include "worker/engine.h"

struct fake {
	struct side side;
	bool is_client;
	unsigned heads, pumps, resumes, tunnels, aborts, detaches;
	uint16_t last_status;
	uint64_t content;     /* taken from the sink pipe */
	bool fails;           /* send_head fails */
	bool reports_at_once; /* the message is out when send_head or pump returns */
	bool dies_in_send;    /* reports its end from within send_head */
	enum reason aborted;
};

static struct worker w;
static struct conf conf;
static struct table table;
static struct table_head nothing_published;
static struct fake client, up;
static struct policy policy;
static unsigned depth, deepest;

static struct fake *fake_of(struct side *s)
{
	return container_of(s, struct fake, side);
}

static struct pipe *sink_of(const struct fake *f)
{
	struct request *r = f->side.request;

	return f->is_client ? &r->down : &r->up;
}

/* A side that is called inside a step may report; the driver must not run inside. */
static void enter(void)
{
	depth++;
	deepest = depth > deepest ? depth : deepest;
	driver_run(&w); /* as a careless callback would */
	depth--;
}

static void drain(struct fake *f)
{
	struct pipe *p = sink_of(f);

	f->content += p->bytes;
	pipe_consume(p, p->bytes);
	if (f->reports_at_once && p->end)
		request_event(f->side.request, f->is_client ? REQ_CLIENT_SENT : REQ_UP_SENT);
}

static int fake_send_head(struct side *s, const struct head *h)
{
	struct fake *f = fake_of(s);

	if (f->fails)
		return -1;
	f->heads++;
	f->last_status = h->status;
	if (f->dies_in_send)
		request_client_ended(s->request, REASON_CLIENT_GONE);
	else if (h->status == 0 || h->status >= 200) {
		if (h->framing == FRAMING_NONE)
			sink_of(f)->end = true;
		drain(f);
	}
	enter();
	return 0;
}

static void fake_pump(struct side *s)
{
	fake_of(s)->pumps++;
	drain(fake_of(s));
	enter();
}

static void fake_resume(struct side *s)
{
	fake_of(s)->resumes++;
	enter();
}

static void fake_tunnel(struct side *s)
{
	fake_of(s)->tunnels++;
}

static void fake_abort(struct side *s, enum reason why)
{
	fake_of(s)->aborts++;
	fake_of(s)->aborted = why;
	s->request = NULL;
}

static void fake_detach(struct side *s)
{
	fake_of(s)->detaches++;
	s->request = NULL;
}

static const struct side_ops fake_ops = {
    .send_head = fake_send_head,
    .pump = fake_pump,
    .resume_read = fake_resume,
    .tunnel = fake_tunnel,
    .abort = fake_abort,
    .detach = fake_detach,
};

/* Once: a worker never takes its engine apart, so there is nothing that would. */
static int make_engine(void)
{
	w.slot = calloc(1, sizeof(*w.slot));
	w.ev = ev_new(EV_BACKEND_POLL);
	w.timers = ev_timers(w.ev);
	return engine_init(&w);
}

static int set_up(void **state)
{
	memset(&client, 0, sizeof(client));
	memset(&up, 0, sizeof(up));
	depth = deepest = 0;
	conf_init(&conf);
	policy_defaults(&policy);
	table = (struct table){.base = &nothing_published, .bytes = sizeof(nothing_published)};
	policy_defaults(&table.builtin);
	w.conf = &conf;
	w.table = &table;
	w.rng = 1;
	w.draining = false;
	client.side.ops = up.side.ops = &fake_ops;
	client.is_client = client.reports_at_once = up.reports_at_once = true;
	if (w.ev == NULL && make_engine() == -1)
		return -1;
	memset(w.slot, 0, sizeof(*w.slot));
	return 0;
}

static int tear_down(void **state)
{
	assert_int_equal(slab_used(w.requests), 0);
	assert_int_equal(slab_used(w.arenas), 0);
	assert_int_equal(slab_used(w.chunks), 0);
	assert_in_range(deepest, 0, 1);
	return 0;
}

static struct request *request(enum method m, const char *target)
{
	struct request *r = request_new(&w, &client.side);

	r->in = (struct head){.method = m, .target = str_from(target), .host = STR("h")};
	r->up.end = true;
	return r;
}

/* A request that has been sent to `up` and waits for its answer. */
static struct request *sent_request(enum method m)
{
	struct request *r = request(m, "/");

	r->route.policy = &policy;
	r->upstream = &up.side;
	up.side.request = r;
	r->n_tries = 1;
	r->tries[0] = (struct try_record){.start_us = 1};
	r->try_sent = true;
	r->step = STEP_RELAY;
	return r;
}

static void answer_head(struct request *r, uint16_t status, enum framing f)
{
	r->resp = (struct head){.status = status, .framing = (uint8_t)f};
	request_event(r, status < 200 && status != 101 ? REQ_UP_INTERIM : REQ_UP_HEAD);
}

static void content(struct request *r, const char *text, bool end)
{
	(void)pipe_write(&r->down, w.chunks, text, strlen(text));
	r->down.end = end;
	r->up_whole = end;
	request_event(r, REQ_UP_DATA);
}

static uint64_t counted(enum reason why)
{
	return atomic_load(&w.slot->reasons[why]);
}

static void local_answers(void **state)
{
	static const struct {
		enum method m;
		const char *target;
		uint16_t status;
		enum reason why;
	} cases[] = {
	    {METHOD_GET, "/", 404, REASON_NO_ROUTE},
	    {METHOD_HEAD, "/", 404, REASON_NO_ROUTE},
	    {METHOD_CONNECT, "/", 405, REASON_METHOD_REFUSED},
	    {METHOD_TRACE, "/", 405, REASON_METHOD_REFUSED},
	    {METHOD_GET, "/a/../..", 400, REASON_BAD_REQUEST},
	    {METHOD_GET, "/%zz", 400, REASON_BAD_REQUEST},
	    {METHOD_GET, "/healthz", 200, REASON_LOCAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		driver_post(request(cases[i].m, cases[i].target));
		driver_run(&w);
		assert_int_equal(client.last_status, cases[i].status);
		assert_int_equal(client.detaches, i + 1);
		assert_true(counted(cases[i].why) > 0);
	}
	assert_int_equal(client.aborts, 0);
}

static void an_answer_is_relayed_and_both_sides_let_go(void **state)
{
	struct request *r = sent_request(METHOD_GET);

	answer_head(r, 200, FRAMING_LENGTH);
	content(r, "hello", true);
	driver_run(&w);
	assert_int_equal(client.heads, 1);
	assert_int_equal(client.content, 5);
	assert_int_equal(up.detaches, 1);
	assert_int_equal(client.detaches, 1);
	assert_int_equal(counted(REASON_DONE), 1);
}

static void content_in_pieces(void **state)
{
	struct request *r = sent_request(METHOD_GET);

	answer_head(r, 200, FRAMING_LENGTH);
	driver_run(&w);
	for (int i = 0; i < 10; i++) {
		content(r, "piece", i == 9);
		driver_run(&w);
	}
	assert_int_equal(client.content, 50);
	assert_int_equal(client.detaches, 1);
}

static void a_slow_client_frees_the_origin_first(void **state)
{
	struct request *r = sent_request(METHOD_GET);

	client.reports_at_once = false;
	answer_head(r, 200, FRAMING_LENGTH);
	content(r, "x", true);
	driver_run(&w);
	assert_int_equal(up.detaches, 1);
	assert_int_equal(client.detaches, 0);
	request_event(r, REQ_CLIENT_SENT);
	driver_run(&w);
	assert_int_equal(client.detaches, 1);
}

static void interim_answers_pass_and_the_origin_goes_on(void **state)
{
	struct request *r = sent_request(METHOD_GET);

	answer_head(r, 103, FRAMING_NONE);
	driver_run(&w);
	assert_int_equal(client.last_status, 103);
	assert_int_equal(up.resumes, 1);
	answer_head(r, 204, FRAMING_NONE);
	r->up_whole = r->down.end = true;
	driver_run(&w);
	assert_int_equal(client.last_status, 204);
	assert_int_equal(client.detaches, 1);
}

static void an_upload_is_pumped(void **state)
{
	struct request *r = sent_request(METHOD_POST);

	r->up.end = false;
	for (int i = 0; i < 4; i++) {
		(void)pipe_write(&r->up, w.chunks, "abc", 3);
		r->up.end = i == 3;
		request_event(r, REQ_CLIENT_DATA);
		driver_run(&w);
	}
	assert_int_equal(up.content, 12);
	assert_int_equal(client.resumes, 3);
	answer_head(r, 200, FRAMING_NONE);
	r->up_whole = r->down.end = true;
	driver_run(&w);
	assert_int_equal(client.detaches, 1);
}

static void counted_content_over_the_limit(void **state)
{
	struct request *r = sent_request(METHOD_POST);

	policy.body_max_bytes = 2;
	r->up.end = false;
	(void)pipe_write(&r->up, w.chunks, "abc", 3);
	request_event(r, REQ_CLIENT_DATA);
	driver_run(&w);
	assert_int_equal(client.last_status, 413);
	assert_int_equal(up.aborts, 1);
	assert_int_equal(counted(REASON_BODY_TOO_LARGE), 1);
}

static void a_failed_origin_is_answered_for(void **state)
{
	static const struct {
		enum reason why;
		uint16_t status;
	} cases[] = {
	    {REASON_UP_RESET, 502},        {REASON_UP_READ_TIMEOUT, 504},
	    {REASON_UP_SEND_TIMEOUT, 504}, {REASON_UP_BAD_HEAD, 502},
	    {REASON_UP_BAD_UPGRADE, 502},  {REASON_UP_HEAD_TOO_LARGE, 502},
	    {REASON_NO_MEMORY, 503},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		request_up_ended(sent_request(METHOD_POST), cases[i].why);
		driver_run(&w);
		assert_int_equal(client.last_status, cases[i].status);
		assert_int_equal(counted(cases[i].why), 1);
		assert_int_equal(up.aborted, cases[i].why);
	}
}

static void an_idempotent_request_looks_for_another_endpoint(void **state)
{
	request_up_ended(sent_request(METHOD_GET), REASON_UP_RESET);
	driver_run(&w);
	assert_int_equal(client.last_status, 503); /* the table has none */
	assert_int_equal(atomic_load(&w.slot->stats[STAT_UP_RETRIES]), 1);
	assert_int_equal(counted(REASON_NO_ENDPOINT), 1);
}

static void an_answer_cut_short_aborts_the_client(void **state)
{
	struct request *r = sent_request(METHOD_GET);

	answer_head(r, 200, FRAMING_LENGTH);
	content(r, "hel", false);
	driver_run(&w);
	request_up_ended(r, REASON_UP_RESET);
	driver_run(&w);
	assert_int_equal(client.aborts, 1);
	assert_int_equal(client.detaches, 0);
	assert_int_equal(counted(REASON_UP_RESET), 1);
}

static void a_client_that_goes_takes_the_origin_with_it(void **state)
{
	request_client_ended(sent_request(METHOD_GET), REASON_CLIENT_GONE);
	driver_run(&w);
	assert_int_equal(up.aborts, 1);
	assert_int_equal(client.aborts, 1);
	assert_int_equal(client.heads, 0);
	assert_int_equal(counted(REASON_CLIENT_GONE), 1);
}

static void bad_content_of_the_client_is_answered(void **state)
{
	request_client_ended(sent_request(METHOD_POST), REASON_BAD_BODY);
	driver_run(&w);
	assert_int_equal(client.last_status, 400);
	request_client_ended(sent_request(METHOD_POST), REASON_BODY_TIMEOUT);
	driver_run(&w);
	assert_int_equal(client.last_status, 408);
	assert_int_equal(up.aborts, 2);
	assert_int_equal(client.detaches, 2);
}

static void both_sides_at_once(void **state)
{
	struct request *r = sent_request(METHOD_GET);

	request_client_ended(r, REASON_CLIENT_GONE);
	request_up_ended(r, REASON_UP_RESET);
	driver_run(&w);
	assert_int_equal(client.aborts, 1);
	assert_int_equal(up.aborts, 1);
	assert_int_equal(counted(REASON_CLIENT_GONE), 1);
	assert_int_equal(counted(REASON_UP_RESET), 0); /* exactly one reason */
}

static void a_client_that_dies_while_it_is_written_to(void **state)
{
	struct request *r = sent_request(METHOD_GET);

	client.dies_in_send = true;
	answer_head(r, 200, FRAMING_LENGTH);
	content(r, "x", true);
	driver_run(&w);
	assert_int_equal(client.aborts, 1);
	assert_int_equal(up.detaches + up.aborts, 1);
}

static void a_head_that_cannot_be_sent(void **state)
{
	struct request *r = sent_request(METHOD_GET);

	client.fails = true;
	answer_head(r, 200, FRAMING_LENGTH);
	driver_run(&w);
	assert_int_equal(client.aborts, 1);
	assert_int_equal(up.aborts, 1);
	assert_int_equal(counted(REASON_NO_MEMORY), 1);
}

static void a_tunnel_ends_when_both_directions_have(void **state)
{
	struct request *r = sent_request(METHOD_GET);

	r->in.upgrade = true;
	answer_head(r, 101, FRAMING_NONE);
	driver_run(&w);
	assert_int_equal(client.tunnels, 1);
	assert_int_equal(up.tunnels, 1);
	assert_ptr_equal(up.side.request, client.side.request);
	r = client.side.request; /* settled: it has moved */
	assert_true(r->settled);
	(void)pipe_write(&r->up, w.chunks, "ping", 4);
	request_event(r, REQ_CLIENT_DATA);
	driver_run(&w);
	assert_int_equal(up.content, 4);
	r->up.end = true; /* the client's half-close passes */
	request_event(r, REQ_CLIENT_DATA);
	r->up_sent = true;
	driver_run(&w);
	assert_int_equal(client.detaches, 0);
	r->down.end = r->up_whole = true;
	request_event(r, REQ_UP_DATA);
	driver_run(&w);
	assert_int_equal(client.detaches, 1);
	assert_int_equal(counted(REASON_TUNNEL_DONE), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(local_answers),
	    T(an_answer_is_relayed_and_both_sides_let_go),
	    T(content_in_pieces),
	    T(a_slow_client_frees_the_origin_first),
	    T(interim_answers_pass_and_the_origin_goes_on),
	    T(an_upload_is_pumped),
	    T(counted_content_over_the_limit),
	    T(a_failed_origin_is_answered_for),
	    T(an_idempotent_request_looks_for_another_endpoint),
	    T(an_answer_cut_short_aborts_the_client),
	    T(a_client_that_goes_takes_the_origin_with_it),
	    T(bad_content_of_the_client_is_answered),
	    T(both_sides_at_once),
	    T(a_client_that_dies_while_it_is_written_to),
	    T(a_head_that_cannot_be_sent),
	    T(a_tunnel_ends_when_both_directions_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
