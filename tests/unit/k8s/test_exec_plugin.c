/* exec_plugin: a kubeconfig's command that does what it should, and all it can do instead. */
#include "k8s_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "fake_server.h"
#include "k8s/api/exec_plugin.h"

struct told {
	unsigned done;
	char token[64], cert[64], key[64], error[128];
	int64_t expires;
};

static void keep(char *to, size_t cap, const char *from)
{
	(void)snprintf(to, cap, "%s", from == NULL ? "-" : from);
}

static void on_done(void *arg, const struct exec_credential *what, const char *error)
{
	struct told *t = arg;

	t->done++;
	keep(t->error, sizeof(t->error), error);
	assert_true((what == NULL) == (error != NULL));
	if (what == NULL)
		return;
	keep(t->token, sizeof(t->token), what->token);
	keep(t->cert, sizeof(t->cert), what->cert);
	keep(t->key, sizeof(t->key), what->key);
	t->expires = what->expires_unix;
}

static struct ev *ev;

static int open_ev(void **state)
{
	(void)state;
	ev = ev_new(EV_BACKEND_POLL);
	return ev == NULL ? -1 : 0;
}

static int close_ev(void **state)
{
	(void)state;
	ev_free(ev);
	return 0;
}

static struct told run(const char *script, char **env, uint32_t timeout_ms)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
	struct access_exec exec = {.argv = argv, .env = env, .timeout_ms = timeout_ms};
	struct told t = {0};

	assert_non_null(exec_plugin_start(ev, &exec, on_done, &t));
	WAIT(ev, t.done == 1);
	errno = 0;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody of ours is left to reap */
	assert_int_equal(errno, ECHILD);
	return t;
}

static struct told prints(const char *text)
{
	char script[1024];

	(void)snprintf(script, sizeof(script), "printf '%%s' '%s'", text);
	return run(script, NULL, 0);
}

#define CRED(status)                                                                       \
	"{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\"," \
	"\"status\":{" status "}}"

static void test_token(void **state)
{
	struct told t = prints(CRED("\"token\":\"abc\""));

	(void)state;
	assert_string_equal(t.token, "abc");
	assert_string_equal(t.cert, "-");
	assert_int_equal(t.expires, 0);
	t = prints(CRED("\"token\":\"abc\",\"expirationTimestamp\":\"2030-01-02T03:04:05Z\""));
	assert_int_equal(t.expires, 1893553445);
	t = prints(CRED("\"token\":\"abc\",\"expirationTimestamp\":\"tomorrow\""));
	assert_string_equal(t.token, "abc");
	assert_int_equal(t.expires, 0);
}

static void test_certificate(void **state)
{
	struct told t = prints(CRED("\"clientCertificateData\":\"C\",\"clientKeyData\":\"K\""));

	(void)state;
	assert_string_equal(t.token, "-");
	assert_string_equal(t.cert, "C");
	assert_string_equal(t.key, "K");
	t = prints(CRED("\"clientCertificateData\":\"C\""));
	assert_non_null(strstr(t.error, "without key"));
	t = prints(CRED("\"clientKeyData\":\"K\""));
	assert_non_null(strstr(t.error, "without certificate"));
}

static void test_garbage(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
	    {"", "printed nothing"},
	    {"<html>", "not JSON"},
	    {"{", "not JSON"},
	    {"[]", "not JSON"},
	    {"7", "not JSON"},
	    {"{}", "no ExecCredential"},
	    {"{\"kind\":\"ExecCredential\"}", "no ExecCredential"},
	    {"{\"kind\":\"ExecCredential\",\"status\":[]}", "no ExecCredential"},
	    {"{\"kind\":\"Status\",\"status\":{\"token\":\"t\"}}", "no ExecCredential"},
	    {CRED(""), "neither a token"},
	    {CRED("\"token\":7"), "neither a token"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct told t = prints(cases[i].text);

		if (strstr(t.error, cases[i].error) == NULL)
			fail_msg("\"%s\": %s", cases[i].text, t.error);
	}
}

static void test_fails(void **state)
{
	char *argv[] = {(char *)"/no/such/command", NULL};
	struct access_exec exec = {.argv = argv};
	struct told t = {0};

	(void)state;
	assert_non_null(exec_plugin_start(ev, &exec, on_done, &t));
	WAIT(ev, t.done == 1);
	assert_non_null(strstr(t.error, "printed nothing"));
	t = run("echo oops >&2; exit 3", NULL, 0);
	assert_non_null(strstr(t.error, "printed nothing"));
}

static void test_prints_without_end(void **state)
{
	struct told t = run("yes", NULL, 0);

	(void)state;
	assert_non_null(strstr(t.error, "too much"));
}

static pid_t pid_in(const char *path)
{
	FILE *f = fopen(path, "r");
	int pid = 0;

	if (f != NULL && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f != NULL)
		(void)fclose(f);
	return pid;
}

/* Given up after its time, and killed with all it started. */
static void test_hangs(void **state)
{
	char path[] = "/tmp/silex-exec-XXXXXX", script[256];
	int fd = mkstemp(path);
	struct told t;
	pid_t child;

	(void)state;
	(void)snprintf(script, sizeof(script), "sleep 1000 & echo $! >%s; wait", path);
	t = run(script, NULL, 200);
	assert_non_null(strstr(t.error, "in time"));
	child = pid_in(path);
	if (child > 0)
		WAIT(ev, kill(child, 0) == -1 && errno == ESRCH);
	(void)close(fd);
	(void)unlink(path);
}

static void test_cancel(void **state)
{
	char path[] = "/tmp/silex-exec-XXXXXX", script[256];
	int fd = mkstemp(path);
	char *argv[] = {(char *)"sh", (char *)"-c", script, NULL};
	struct access_exec exec = {.argv = argv};
	struct told t = {0};
	struct exec_plugin *p;
	pid_t child;

	(void)state;
	(void)snprintf(script, sizeof(script), "echo $$ >%s; exec sleep 1000", path);
	exec_plugin_cancel(NULL);
	p = exec_plugin_start(ev, &exec, on_done, &t);
	WAIT(ev, pid_in(path) != 0);
	child = pid_in(path);
	exec_plugin_cancel(p);
	WAIT(ev, kill(child, 0) == -1 && errno == ESRCH);
	assert_int_equal(t.done, 0);
	(void)close(fd);
	(void)unlink(path);
}

/* Its own variables beside ours, nothing to read, no descriptor of the master, no signal blocked.
 */
static void test_surroundings(void **state)
{
	static char *env[] = {(char *)"SILEX_SAYS=hello", NULL};
	int secret = dup(STDERR_FILENO);
	struct told t;
	sigset_t all, before;

	(void)state;
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	t = run("test -n \"$PATH\" && read x; open=$(ls /proc/self/fd | tr '\\n' ' '); "
		"mask=$(sed -n 's/^SigBlk:[^0-9a-f]*//p' /proc/self/status); "
		"printf '%s' '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"'"
		"\"$SILEX_SAYS/$open/$mask\"'\"}}'",
		env, 0);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)close(secret);
	assert_string_equal(t.error, "-");
	assert_string_equal(t.token, "hello/0 1 2 3 /0000000000000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_token),
	    cmocka_unit_test(test_certificate),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_fails),
	    cmocka_unit_test(test_prints_without_end),
	    cmocka_unit_test(test_hangs),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_surroundings),
	};

	return cmocka_run_group_tests(tests, open_ev, close_ev);
}
