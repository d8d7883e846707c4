/* What systemd would hear on its socket, and what is believed of the LISTEN variables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/process/sdnotify.h"

static int hear = -1;
static char name[64];

static int setup(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int n = snprintf(name, sizeof(name), "@silex-test-%d", (int)getpid());

	(void)state;
	hear = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	memcpy(un.sun_path + 1, name + 1, (size_t)n - 1);
	if (bind(hear, (struct sockaddr *)&un,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) == -1)
		return -1;
	return setenv("NOTIFY_SOCKET", name, 1);
}

static int teardown(void **state)
{
	(void)state;
	close(hear);
	return unsetenv("NOTIFY_SOCKET");
}

/* The next datagram; *fd is its descriptor or -1. */
static const char *heard(int *fd)
{
	static char text[512];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {text, sizeof(text) - 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(hear, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;

	assert_true(n >= 0);
	text[n] = '\0';
	c = CMSG_FIRSTHDR(&m);
	if (fd != NULL)
		*fd = -1;
	if (c != NULL && fd != NULL)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return text;
}

static void test_states(void **state)
{
	assert_true(sdnotify_enabled());
	assert_int_equal(sdnotify_ready(NULL), 0);
	assert_string_equal(heard(NULL), "READY=1\n");
	assert_int_equal(sdnotify_ready("2 workers\nWATCHDOG=1"), 0);
	assert_string_equal(heard(NULL), "READY=1\nSTATUS=2 workers WATCHDOG=1");
	assert_int_equal(sdnotify_stopping("draining"), 0);
	assert_string_equal(heard(NULL), "STOPPING=1\nSTATUS=draining");
	assert_int_equal(sdnotify_watchdog(), 0);
	assert_string_equal(heard(NULL), "WATCHDOG=1\n");
	assert_int_equal(sdnotify_main_pid(77), 0);
	assert_string_equal(heard(NULL), "MAINPID=77\n");
}

static void test_reloading_has_the_time(void **state)
{
	unsigned long long usec = 0;

	assert_int_equal(sdnotify_reloading(), 0);
	assert_int_equal(sscanf(heard(NULL), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &usec), 1);
	assert_true(usec > 0);
}

static void test_store(void **state)
{
	int p[2], fd;

	assert_int_equal(pipe(p), 0);
	assert_int_equal(sdnotify_store(p[1], "http.0"), 0);
	assert_string_equal(heard(&fd), "FDSTORE=1\nFDNAME=http.0\n");
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(sdnotify_forget("http.0"), 0);
	assert_string_equal(heard(&fd), "FDSTOREREMOVE=1\nFDNAME=http.0\n");
	assert_int_equal(fd, -1);
	assert_int_equal(sdnotify_store(p[1], "a\nREADY=1"), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(sdnotify_store(p[1], ""), -1);
	close(p[0]);
	close(p[1]);
}

static void test_nobody_listens(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	assert_false(sdnotify_enabled());
	assert_int_equal(sdnotify_ready(NULL), 0);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(sdnotify_ready(NULL), -1);
	assert_int_equal(errno, EINVAL);
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	assert_int_equal(sdnotify_ready(NULL), -1);
	unsetenv("NOTIFY_SOCKET");
}

static void set_pid(const char *variable, long pid)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", pid);
	setenv(variable, text, 1);
}

static void test_watchdog(void **state)
{
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(sdnotify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(sdnotify_watchdog_ms(), 15000);
	set_pid("WATCHDOG_PID", getpid());
	assert_int_equal(sdnotify_watchdog_ms(), 15000);
	set_pid("WATCHDOG_PID", getpid() + 1);
	assert_int_equal(sdnotify_watchdog_ms(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(sdnotify_watchdog_ms(), 0);
	unsetenv("WATCHDOG_USEC");
}

/* Descriptors 3.. are given, so this runs in a child where they can be. Exit 0 = as expected. */
static int listen_child(const char *fds, long pid_offset, const char *names)
{
	struct sd_listen got;
	int rc;

	(void)dup2(STDIN_FILENO, 3);
	(void)dup2(STDIN_FILENO, 4);
	(void)close(5);
	setenv("LISTEN_FDS", fds, 1);
	set_pid("LISTEN_PID", getpid() + pid_offset);
	if (names != NULL)
		setenv("LISTEN_FDNAMES", names, 1);
	rc = sd_listen_take(&got);
	if (getenv("LISTEN_FDS") != NULL || getenv("LISTEN_PID") != NULL ||
	    getenv("LISTEN_FDNAMES") != NULL)
		return 100;
	if (rc == -1)
		return errno == EINVAL ? 50 : 101;
	if (got.n == 2 && names != NULL &&
	    (strcmp(got.fds[0].name, "http") != 0 || strcmp(got.fds[1].name, "") != 0))
		return 102;
	for (unsigned i = 0; i < got.n; i++)
		if (got.fds[i].fd != 3 + (int)i || fcntl(got.fds[i].fd, F_GETFD) != FD_CLOEXEC)
			return 103;
	return (int)got.n;
}

static int listen_case(const char *fds, long pid_offset, const char *names)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(listen_child(fds, pid_offset, names));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_listen_fds(void **state)
{
	assert_int_equal(listen_case("2", 0, "http"), 2);
	assert_int_equal(listen_case("2", 0, NULL), 2);
	assert_int_equal(listen_case("0", 0, NULL), 0);
	assert_int_equal(listen_case("2", 1, "http"), 0); /* for another process */
	assert_int_equal(listen_case("3", 0, NULL), 50);  /* the third is not open */
	assert_int_equal(listen_case("many", 0, NULL), 50);
	assert_int_equal(listen_case("65", 0, NULL), 50);
	assert_int_equal(listen_case("-1", 0, NULL), 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_states, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reloading_has_the_time, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_store, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nobody_listens, setup, teardown),
	    cmocka_unit_test(test_watchdog),
	    cmocka_unit_test(test_listen_fds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
