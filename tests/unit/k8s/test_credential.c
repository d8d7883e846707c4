/* credential: the token of a file that is replaced, caught at bad moments, and of a command. */
#include "k8s_test.h"

#include <time.h>

#include "fake_server.h"
#include "k8s/api/credential.h"

struct world {
	struct ev *ev;
	struct access access;
	struct credential *c;
	unsigned ready;
	char file[64];
};

static void on_ready(void *arg)
{
	((struct world *)arg)->ready++;
}

static void put(const struct world *w, const char *text)
{
	char new[80];
	FILE *f;

	(void)snprintf(new, sizeof(new), "%s.new", w->file);
	f = fopen(new, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(new, w->file), 0); /* as the kubelet does */
}

static struct world *world(void)
{
	struct world *w = calloc(1, sizeof(*w));

	w->ev = ev_new(EV_BACKEND_POLL);
	(void)snprintf(w->file, sizeof(w->file), "/tmp/silex-cred-XXXXXX");
	(void)close(mkstemp(w->file));
	return w;
}

static void open_it(struct world *w)
{
	w->c = credential_new(w->ev, &w->access, on_ready, w);
	assert_non_null(w->c);
}

static void close_world(struct world *w)
{
	credential_free(w->c);
	ev_free(w->ev);
	(void)unlink(w->file);
	free(w);
}

static void expect(struct world *w, const char *token)
{
	const char *is = credential_token(w->c);

	assert_string_equal(is == NULL ? "-" : is, token);
}

static void test_none_and_fixed(void **state)
{
	struct world *w = world();

	(void)state;
	credential_free(NULL);
	open_it(w);
	assert_false(credential_pending(w->c));
	expect(w, "-");
	credential_free(w->c);
	w->access.token = (char *)"fixed";
	open_it(w);
	expect(w, "fixed");
	credential_refresh(w->c);
	expect(w, "fixed");
	close_world(w);
}

/* Read once a minute, or when somebody says it is stale. */
static void test_file(void **state)
{
	struct world *w = world();

	(void)state;
	put(w, "one\n");
	w->access.token_file = w->file;
	open_it(w);
	assert_false(credential_pending(w->c));
	expect(w, "one");
	put(w, "two\r\n\n");
	expect(w, "one");
	credential_refresh(w->c);
	expect(w, "two");
	close_world(w);
}

/* Faults §A.18: the old one until a good one is read. */
static void test_file_at_a_bad_moment(void **state)
{
	static const char *const bad[] = {
	    "", "\n", "two words", "con\x01trol", "line\nline", "x\r\nAuthorization: Bearer evil"};
	struct world *w = world();

	(void)state;
	w->access.token_file = w->file;
	open_it(w);
	expect(w, "-");
	put(w, "good");
	credential_refresh(w->c);
	expect(w, "good");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(w, bad[i]);
		credential_refresh(w->c);
		expect(w, "good");
	}
	(void)unlink(w->file);
	credential_refresh(w->c);
	expect(w, "good");
	put(w, "better");
	credential_refresh(w->c);
	expect(w, "better");
	close_world(w);
}

/* ---- a command ------------------------------------------------------------------------- */

/* Prints what the world's file holds. */
static void use_command(struct world *w, char *argv[3])
{
	argv[0] = (char *)"cat";
	argv[1] = w->file;
	argv[2] = NULL;
	w->access.exec.argv = argv;
}

static void cred(struct world *w, const char *status)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "{\"kind\":\"ExecCredential\",\"status\":{%s}}", status);
	put(w, text);
}

static void test_command(void **state)
{
	struct world *w = world();
	char *argv[3];

	(void)state;
	cred(w, "\"token\":\"t1\"");
	use_command(w, argv);
	open_it(w);
	assert_true(credential_pending(w->c));
	WAIT(w->ev, w->ready == 1);
	assert_false(credential_pending(w->c));
	expect(w, "t1");
	assert_null(credential_cert(w->c));
	cred(w, "\"clientCertificateData\":\"C\",\"clientKeyData\":\"K\"");
	credential_refresh(w->c); /* 401 */
	expect(w, "t1");          /* until it has answered */
	WAIT(w->ev, w->ready == 2);
	expect(w, "-");
	assert_string_equal(credential_cert(w->c), "C");
	assert_string_equal(credential_key(w->c), "K");
	close_world(w);
}

/* Waiting ends either way, and what was known stays. */
static void test_command_fails(void **state)
{
	struct world *w = world();
	char *argv[3];

	(void)state;
	put(w, "no credentials today");
	use_command(w, argv);
	open_it(w);
	WAIT(w->ev, w->ready == 1);
	assert_false(credential_pending(w->c));
	expect(w, "-");
	cred(w, "\"token\":\"good\"");
	credential_refresh(w->c);
	WAIT(w->ev, w->ready == 2);
	expect(w, "good");
	cred(w, "\"token\":\"b\\u0000d\\r\\nX: y\"");
	credential_refresh(w->c);
	WAIT(w->ev, w->ready == 3);
	put(w, "");
	credential_refresh(w->c);
	WAIT(w->ev, w->ready == 4);
	close_world(w);
}

static void test_bad_bytes_in_token(void **state)
{
	struct world *w = world();
	char *argv[3];

	(void)state;
	cred(w, "\"token\":\"good\"");
	use_command(w, argv);
	open_it(w);
	WAIT(w->ev, w->ready == 1);
	cred(w, "\"token\":\"two\\r\\nlines\"");
	credential_refresh(w->c);
	WAIT(w->ev, w->ready == 2);
	expect(w, "good");
	close_world(w);
}

/* It runs again by itself a minute before the end, and soon after a failure. */
static void test_runs_again(void **state)
{
	struct world *w = world();
	char *argv[3], status[128];
	time_t end = time(NULL) + 3600;
	struct tm tm;
	char stamp[32];

	(void)state;
	(void)gmtime_r(&end, &tm);
	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)snprintf(status, sizeof(status), "\"token\":\"short\",\"expirationTimestamp\":\"%s\"",
		       stamp);
	cred(w, status);
	use_command(w, argv);
	open_it(w);
	WAIT(w->ev, w->ready == 1);
	cred(w, "\"token\":\"next\"");
	later(w->ev, 3500 * 1000);
	assert_int_equal(w->ready, 1);
	expect(w, "short");
	later(w->ev, 3545 * 1000);
	WAIT(w->ev, w->ready == 2);
	expect(w, "next");
	close_world(w);
}

static void test_freed_while_it_runs(void **state)
{
	struct world *w = world();
	char *argv[] = {(char *)"sleep", (char *)"1000", NULL};

	(void)state;
	w->access.exec.argv = argv;
	open_it(w);
	assert_true(credential_pending(w->c));
	close_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_none_and_fixed),       cmocka_unit_test(test_file),
	    cmocka_unit_test(test_file_at_a_bad_moment), cmocka_unit_test(test_command),
	    cmocka_unit_test(test_command_fails),        cmocka_unit_test(test_bad_bytes_in_token),
	    cmocka_unit_test(test_runs_again),           cmocka_unit_test(test_freed_while_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
