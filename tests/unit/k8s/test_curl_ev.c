/* curl_ev: libcurl's sockets and timers on our loop, with transfers that end, fail and are taken
 * away. Under both backends. */
#include "k8s_test.h"

#include <curl/curl.h>

#include "fake_server.h"
#include "k8s/api/curl_ev.h"
#include "k8s/api/curl_lib.h"

struct world {
	struct ev *ev;
	struct fake f;
	struct curl_ev *c;
	unsigned ended;
	CURLcode code;
	CURL *last;
	char body[64];
};

static size_t on_bytes(char *p, size_t size, size_t n, void *arg)
{
	struct world *w = arg;
	size_t have = strlen(w->body);

	(void)snprintf(w->body + have, sizeof(w->body) - have, "%.*s", (int)(size * n), p);
	return size * n;
}

static void on_end(void *arg, CURL *easy, CURLcode code)
{
	struct world *w = arg;

	w->ended++;
	w->code = code;
	w->last = easy;
	curl_ev_remove(w->c, easy);
	curl_easy_cleanup(easy);
}

static struct world *open_world(enum ev_backend backend)
{
	struct world *w = calloc(1, sizeof(*w));

	w->ev = ev_new(backend);
	fake_open(&w->f, w->ev);
	w->c = curl_ev_new(w->ev, on_end, w);
	assert_non_null(w->c);
	return w;
}

static void close_world(struct world *w)
{
	curl_ev_free(w->c);
	fake_close(&w->f);
	ev_free(w->ev);
	free(w);
}

static CURL *start(struct world *w, long timeout_ms)
{
	CURL *e = curl_easy_init();

	assert_non_null(e);
	assert_int_equal(curl_easy_setopt(e, CURLOPT_URL, w->f.url), CURLE_OK);
	assert_int_equal(curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes), CURLE_OK);
	assert_int_equal(curl_easy_setopt(e, CURLOPT_WRITEDATA, w), CURLE_OK);
	assert_int_equal(curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L), CURLE_OK);
	assert_int_equal(curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, timeout_ms), CURLE_OK);
	assert_int_equal(curl_ev_add(w->c, e), 0);
	return e;
}

static void check_end(enum ev_backend backend)
{
	struct world *w = open_world(backend);
	CURL *e;

	fake_http(&w->f, 200, "hello");
	e = start(w, 0);
	assert_int_equal(w->ended, 0); /* never from within */
	WAIT(w->ev, w->ended == 1);
	assert_ptr_equal(w->last, e);
	assert_int_equal(w->code, CURLE_OK);
	assert_string_equal(w->body, "hello");
	fake_http(&w->f, 200, ", again"); /* over the same connection */
	(void)start(w, 0);
	WAIT(w->ev, w->ended == 2);
	assert_string_equal(w->body, "hello, again");
	assert_int_equal(w->f.conns[1].f.fd, -1);
	close_world(w);
}

static void test_end(void **state)
{
	(void)state;
	check_end(EV_BACKEND_POLL);
	check_end(EV_BACKEND_EPOLL);
}

static void test_timeout(void **state)
{
	struct world *w = open_world(EV_BACKEND_EPOLL);

	(void)state;
	(void)start(w, 40);
	WAIT(w->ev, w->ended == 1);
	assert_int_equal(w->code, CURLE_OPERATION_TIMEDOUT);
	close_world(w);
}

static void test_refused(void **state)
{
	struct world *w = open_world(EV_BACKEND_EPOLL);

	(void)state;
	fake_stop_listening(&w->f);
	(void)start(w, 0);
	WAIT(w->ev, w->ended == 1);
	assert_int_equal(w->code, CURLE_COULDNT_CONNECT);
	close_world(w);
}

/* Taken away before and while it runs: nothing is told. */
static void test_removed(void **state)
{
	struct world *w = open_world(EV_BACKEND_POLL);
	CURL *e = start(w, 0);

	(void)state;
	curl_ev_remove(w->c, e);
	curl_easy_cleanup(e);
	e = start(w, 0);
	WAIT(w->ev, w->f.n == 1);
	curl_ev_remove(w->c, e);
	curl_easy_cleanup(e);
	fake_http(&w->f, 200, "");
	(void)start(w, 0);
	WAIT(w->ev, w->ended == 1);
	close_world(w);
}

/* Many at once, some of them hanging when the world ends. */
static void test_many(void **state)
{
	struct world *w = open_world(EV_BACKEND_EPOLL);
	CURL *hanging[4];

	(void)state;
	for (int i = 0; i < 12; i++)
		fake_http(&w->f, 200, "x");
	for (int i = 0; i < 12; i++)
		(void)start(w, 0);
	WAIT(w->ev, w->ended == 12);
	for (int i = 0; i < 4; i++)
		hanging[i] = start(w, 0);
	WAIT(w->ev, w->f.n == 16);
	for (int i = 0; i < 4; i++) {
		curl_ev_remove(w->c, hanging[i]);
		curl_easy_cleanup(hanging[i]);
	}
	close_world(w);
}

static void test_load_twice(void **state)
{
	(void)state;
	assert_int_equal(curl_lib_load(), 0);
	assert_int_equal(curl_lib_load(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_end),     cmocka_unit_test(test_timeout),
	    cmocka_unit_test(test_refused), cmocka_unit_test(test_removed),
	    cmocka_unit_test(test_many),    cmocka_unit_test(test_load_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
