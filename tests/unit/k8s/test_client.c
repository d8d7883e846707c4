/* client: one request's life against a server that behaves, and one that does not. */
#include "k8s_test.h"

#include "fake_server.h"

struct told {
	struct fake f;
	struct ev *ev;
	struct api_client *c;
	unsigned done, pieces;
	int status;
	bool complete;
	uint32_t retry_after;
	char body[512], error[256], order[64];
	bool refuse_data;
};

static struct told *open_client(uint32_t qps, uint32_t burst)
{
	struct told *t = calloc(1, sizeof(*t));

	t->ev = ev_new(EV_BACKEND_POLL);
	fake_open(&t->f, t->ev);
	t->c = api_client_new(t->ev, &t->f.access, "silex/test", qps, burst);
	assert_non_null(t->c);
	return t;
}

static void close_client(struct told *t)
{
	api_client_free(t->c);
	fake_close(&t->f);
	ev_free(t->ev);
	free(t);
}

static void on_done(void *arg, const struct api_reply *r)
{
	struct told *t = arg;

	t->done++;
	t->status = r->status;
	t->complete = r->complete;
	t->retry_after = r->retry_after_s;
	(void)snprintf(t->body, sizeof(t->body), STR_FMT, STR_ARG(r->body));
	(void)snprintf(t->error, sizeof(t->error), "%s", r->error == NULL ? "" : r->error);
}

static bool on_data(void *arg, struct str piece)
{
	struct told *t = arg;
	size_t n = strlen(t->body);

	t->pieces++;
	(void)snprintf(t->body + n, sizeof(t->body) - n, STR_FMT, STR_ARG(piece));
	return !t->refuse_data;
}

static void get(struct told *t, const char *path)
{
	const struct api_request r = {.method = "GET", .path = path};

	assert_non_null(api_start(t->c, &r, NULL, on_done, t));
}

static void test_get(void **state)
{
	struct told *t = open_client(0, 0);

	(void)state;
	fake_http(&t->f, 200, "{\"a\":1}");
	get(t, "/api/v1/x?limit=5");
	WAIT(t->ev, t->done == 1);
	assert_int_equal(t->status, 200);
	assert_true(t->complete);
	assert_string_equal(t->body, "{\"a\":1}");
	assert_string_equal(t->error, "");
	assert_true(asked(&t->f, 0, "GET /api/v1/x?limit=5 HTTP/1.1\r\n"));
	assert_true(says(&t->f, 0, "User-Agent: silex/test\r\n"));
	assert_true(says(&t->f, 0, "Accept: application/json\r\n"));
	assert_false(says(&t->f, 0, "Authorization:"));
	assert_false(says(&t->f, 0, "Accept-Encoding:"));
	close_client(t);
}

static void test_write(void **state)
{
	struct told *t = open_client(0, 0);
	struct api_request r = {.method = "PATCH",
				.path = "/p",
				.body = STR("{\"x\":\"y\"}"),
				.content_type = "application/merge-patch+json",
				.gzip = true};

	(void)state;
	fake_http(&t->f, 409, "{\"reason\":\"Conflict\"}");
	assert_non_null(api_start(t->c, &r, NULL, on_done, t));
	WAIT(t->ev, t->done == 1);
	assert_int_equal(t->status, 409);
	assert_true(t->complete);
	assert_string_equal(t->body, "{\"reason\":\"Conflict\"}");
	assert_true(asked(&t->f, 0, "PATCH /p HTTP/1.1\r\n"));
	assert_true(says(&t->f, 0, "Content-Type: application/merge-patch+json\r\n"));
	assert_true(says(&t->f, 0, "Accept-Encoding: gzip\r\n"));
	assert_string_equal(body_of(&t->f, 0), "{\"x\":\"y\"}");
	close_client(t);
}

static void test_retry_after(void **state)
{
	struct told *t = open_client(0, 0);

	(void)state;
	fake_raw(&t->f, "HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
	get(t, "/");
	WAIT(t->ev, t->done == 1);
	assert_int_equal(t->status, 429);
	assert_int_equal(t->retry_after, 7);
	close_client(t);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* Pieces as they come; the end is clean or it is not. */
static void test_stream(void **state)
{
	const struct api_request r = {.method = "GET", .path = "/w", .stream = true};
	struct told *t = open_client(0, 0);

	(void)state;
	fake_hang(&t->f);
	fake_hang(&t->f);
	assert_non_null(api_start(t->c, &r, on_data, on_done, t));
	WAIT(t->ev, t->f.n == 1);
	fake_send(&t->f, CHUNKED "3\r\none\r\n");
	WAIT(t->ev, t->pieces == 1);
	fake_send(&t->f, "3\r\ntwo\r\n");
	WAIT(t->ev, t->pieces == 2);
	assert_string_equal(t->body, "onetwo");
	assert_int_equal(t->done, 0);
	fake_send(&t->f, "0\r\n\r\n");
	WAIT(t->ev, t->done == 1);
	assert_true(t->complete);
	fake_hanging(&t->f)->hung = false;

	t->body[0] = '\0';
	assert_non_null(api_start(t->c, &r, on_data, on_done, t));
	WAIT(t->ev, t->f.n == 2);
	fake_send(&t->f, CHUNKED "3\r\none\r\n5\r\ncu");
	WAIT(t->ev, t->pieces >= 3);
	fake_send(&t->f, "");
	WAIT(t->ev, t->done == 2);
	assert_int_equal(t->status, 200);
	assert_false(t->complete);
	assert_string_not_equal(t->error, "");
	close_client(t);
}

/* A refusal of a stream is kept for who asked, not handed on as data. */
static void test_stream_refused(void **state)
{
	const struct api_request r = {.method = "GET", .path = "/w", .stream = true};
	struct told *t = open_client(0, 0);

	(void)state;
	fake_http(&t->f, 403, "no");
	assert_non_null(api_start(t->c, &r, on_data, on_done, t));
	WAIT(t->ev, t->done == 1);
	assert_int_equal(t->pieces, 0);
	assert_string_equal(t->body, "no");
	close_client(t);
}

static void test_reader_ends_it(void **state)
{
	const struct api_request r = {.method = "GET", .path = "/w", .stream = true};
	struct told *t = open_client(0, 0);

	(void)state;
	t->refuse_data = true;
	fake_raw(&t->f, CHUNKED "3\r\none\r\n");
	assert_non_null(api_start(t->c, &r, on_data, on_done, t));
	WAIT(t->ev, t->done == 1);
	assert_false(t->complete);
	assert_string_equal(t->error, "ended by the reader");
	close_client(t);
}

static void test_bounded_body(void **state)
{
	struct api_request r = {.method = "GET", .path = "/", .body_max = 4};
	struct told *t = open_client(0, 0);

	(void)state;
	fake_http(&t->f, 200, "four");
	fake_http(&t->f, 200, "fives");
	assert_non_null(api_start(t->c, &r, NULL, on_done, t));
	WAIT(t->ev, t->done == 1);
	assert_true(t->complete);
	assert_non_null(api_start(t->c, &r, NULL, on_done, t));
	WAIT(t->ev, t->done == 2);
	assert_false(t->complete);
	assert_string_equal(t->error, "answer larger than its bound");
	close_client(t);
}

static void test_silence(void **state)
{
	const struct api_request idle = {.method = "GET", .path = "/", .idle_ms = 30};
	const struct api_request total = {.method = "GET", .path = "/", .total_ms = 30};
	struct told *t = open_client(0, 0);

	(void)state;
	assert_non_null(api_start(t->c, &idle, NULL, on_done, t));
	WAIT(t->ev, t->done == 1);
	assert_int_equal(t->status, 0);
	assert_string_equal(t->error, "no byte from the API server for too long");
	assert_non_null(api_start(t->c, &total, NULL, on_done, t));
	WAIT(t->ev, t->done == 2);
	assert_int_equal(t->status, 0);
	assert_false(t->complete);
	close_client(t);
}

/* api_set_idle(): less patience from now on. */
static void test_less_patience(void **state)
{
	struct told *t = open_client(0, 0);
	const struct api_request r = {.method = "GET", .path = "/"};
	struct api_call *call = api_start(t->c, &r, NULL, on_done, t);

	(void)state;
	WAIT(t->ev, t->f.n == 1);
	api_set_idle(call, 20);
	WAIT(t->ev, t->done == 1);
	assert_false(t->complete);
	close_client(t);
}

static void test_nobody_there(void **state)
{
	struct told *t = open_client(0, 0);

	(void)state;
	fake_stop_listening(&t->f);
	get(t, "/");
	WAIT(t->ev, t->done == 1);
	assert_int_equal(t->status, 0);
	assert_false(t->complete);
	assert_string_not_equal(t->error, "");
	close_client(t);
}

static void test_no_http(void **state)
{
	struct told *t = open_client(0, 0);

	(void)state;
	fake_raw(&t->f, "220 mail.test ESMTP\r\n\r\n");
	get(t, "/");
	WAIT(t->ev, t->done == 1);
	assert_false(t->complete && t->status == 200);
	close_client(t);
}

/* Before it is started, while it runs, with its client. */
static void test_cancel(void **state)
{
	struct told *t = open_client(0, 0);
	const struct api_request r = {.method = "GET", .path = "/"};
	struct api_call *call;

	(void)state;
	api_cancel(NULL);
	api_cancel(api_start(t->c, &r, NULL, on_done, t));
	call = api_start(t->c, &r, NULL, on_done, t);
	WAIT(t->ev, t->f.n == 1);
	api_cancel(call);
	assert_non_null(api_start(t->c, &r, NULL, on_done, t));
	WAIT(t->ev, t->f.n == 2);
	assert_non_null(api_start(t->c, &r, NULL, on_done, t));
	assert_int_equal(t->done, 0);
	close_client(t); /* one runs, one waits */
}

/* Two at once, the third when the bucket has filled again. */
static void test_rate(void **state)
{
	struct told *t = open_client(20, 2);
	uint64_t began;

	(void)state;
	for (int i = 0; i < 4; i++)
		fake_http(&t->f, 200, "");
	(void)ev_turn(t->ev, 0);
	began = ev_now_ms(t->ev);
	for (int i = 0; i < 4; i++)
		get(t, "/");
	WAIT(t->ev, t->f.n == 2);
	WAIT(t->ev, t->done == 4);
	assert_true(ev_now_ms(t->ev) - began >= 2 * 1000 / 20);
	close_client(t);
}

static void again(void *arg, const struct api_reply *r)
{
	struct told *t = arg;

	on_done(t, r);
	if (t->done < 3)
		assert_non_null(api_start(
		    t->c, &(struct api_request){.method = "GET", .path = "/n"}, NULL, again, t));
}

static void test_next_from_done(void **state)
{
	struct told *t = open_client(0, 0);

	(void)state;
	for (int i = 0; i < 3; i++)
		fake_http(&t->f, 200, "");
	assert_non_null(
	    api_start(t->c, &(struct api_request){.method = "GET", .path = "/n"}, NULL, again, t));
	WAIT(t->ev, t->done == 3);
	assert_int_equal(t->f.n, 3);
	close_client(t);
}

/* The file's token goes out; after a 401 the file is read again, at once. */
static void test_token_file(void **state)
{
	char path[] = "/tmp/silex-token-XXXXXX";
	int fd = mkstemp(path);
	struct told *t;

	(void)state;
	assert_int_equal(write(fd, "first\n", 6), 6);
	t = open_client(0, 0);
	t->f.access.token_file = path;
	fake_http(&t->f, 401, "");
	fake_http(&t->f, 200, "");
	fake_http(&t->f, 200, "");
	get(t, "/");
	WAIT(t->ev, t->done == 1);
	assert_true(says(&t->f, 0, "Authorization: Bearer first\r\n"));
	assert_int_equal(pwrite(fd, "other\n", 6, 0), 6);
	get(t, "/");
	WAIT(t->ev, t->done == 2);
	assert_true(says(&t->f, 1, "Authorization: Bearer first\r\n"));
	api_credentials_stale(t->c);
	get(t, "/");
	WAIT(t->ev, t->done == 3);
	assert_true(says(&t->f, 2, "Authorization: Bearer other\r\n"));
	close_client(t);
	(void)close(fd);
	(void)unlink(path);
}

static void test_basic(void **state)
{
	struct told *t = open_client(0, 0);

	(void)state;
	t->f.access.username = (char *)"alice";
	t->f.access.password = (char *)"secret";
	fake_http(&t->f, 200, "");
	get(t, "/");
	WAIT(t->ev, t->done == 1);
	assert_true(says(&t->f, 0, "Authorization: Basic YWxpY2U6c2VjcmV0\r\n"));
	close_client(t);
}

/* Nothing is asked before the kubeconfig's command has said who we are. */
static void test_waits_for_the_command(void **state)
{
	static char *argv[] = {
	    (char *)"sh", (char *)"-c",
	    (char *)"sleep 0.1; echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t0\"}}'",
	    NULL};
	struct told *t = calloc(1, sizeof(*t));

	(void)state;
	t->ev = ev_new(EV_BACKEND_POLL);
	fake_open(&t->f, t->ev);
	t->f.access.exec.argv = argv;
	t->c = api_client_new(t->ev, &t->f.access, "silex/test", 0, 0);
	assert_non_null(t->c);
	fake_http(&t->f, 200, "");
	get(t, "/");
	WAIT(t->ev, t->done == 1);
	assert_true(says(&t->f, 0, "Authorization: Bearer t0\r\n"));
	close_client(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_get),
	    cmocka_unit_test(test_write),
	    cmocka_unit_test(test_retry_after),
	    cmocka_unit_test(test_stream),
	    cmocka_unit_test(test_stream_refused),
	    cmocka_unit_test(test_reader_ends_it),
	    cmocka_unit_test(test_bounded_body),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_less_patience),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_no_http),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_rate),
	    cmocka_unit_test(test_next_from_done),
	    cmocka_unit_test(test_token_file),
	    cmocka_unit_test(test_basic),
	    cmocka_unit_test(test_waits_for_the_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
