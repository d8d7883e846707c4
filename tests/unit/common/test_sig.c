/* Signals arrive as calls from the loop, under both backends, and a child is free of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/loop/sig.h"

static const int wanted[] = {SIGUSR1, SIGTERM, 0};
static int seen[65];

static void note(struct sig *s, int signo)
{
	(void)s;
	seen[signo]++;
}

static void note_and_close(struct sig *s, int signo)
{
	seen[signo]++;
	sig_close(s);
}

static void delivered(enum ev_backend backend)
{
	struct ev *ev = ev_new(backend);
	struct sig s;

	assert_non_null(ev);
	assert_int_equal(sig_open(&s, ev, wanted, note), 0);
	seen[SIGUSR1] = seen[SIGTERM] = 0;
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(raise(SIGTERM), 0);
	while (seen[SIGUSR1] + seen[SIGTERM] < 2)
		ev_turn(ev, 10000);
	assert_int_equal(seen[SIGUSR1], 1);
	assert_int_equal(seen[SIGTERM], 1);
	sig_close(&s);
	sig_close(&s);
	ev_free(ev);
}

static void test_epoll(void **state)
{
	delivered(EV_BACKEND_EPOLL);
}

static void test_poll(void **state)
{
	delivered(EV_BACKEND_POLL);
}

static void test_handler_may_close(void **state)
{
	struct ev *ev = ev_new(EV_BACKEND_POLL);
	struct sig s;

	assert_int_equal(sig_open(&s, ev, wanted, note_and_close), 0);
	seen[SIGUSR1] = 0;
	assert_int_equal(raise(SIGUSR1), 0);
	while (seen[SIGUSR1] == 0)
		ev_turn(ev, 10000);
	assert_int_equal(s.watch.fd, -1);
	ev_free(ev);
}

static int child(void)
{
	struct sigaction sa;
	sigset_t mask;

	sig_child_reset();
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int signo = 1; signo < 32; signo++)
		if (sigismember(&mask, signo))
			return 1;
	(void)sigaction(SIGPIPE, NULL, &sa);
	if (sa.sa_handler != SIG_DFL)
		return 2;
	(void)raise(SIGTERM); /* default again: ends us */
	return 3;
}

static void test_child_is_clean(void **state)
{
	struct ev *ev = ev_new(EV_BACKEND_POLL);
	struct sig s;
	struct sigaction sa;
	int status;
	pid_t pid;

	assert_int_equal(sig_open(&s, ev, wanted, note), 0);
	assert_int_equal(sigaction(SIGPIPE, NULL, &sa), 0);
	assert_true(sa.sa_handler == SIG_IGN);
	pid = fork();
	if (pid == 0)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	sig_close(&s);
	ev_free(ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_epoll),
	    cmocka_unit_test(test_poll),
	    cmocka_unit_test(test_handler_may_close),
	    cmocka_unit_test(test_child_is_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
