/*
 * sandbox: a child enters it and tries what must not work. Under AddressSanitizer a refused call
 * is EPERM instead of SIGSYS, see sandbox.h; refused it is either way.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem/asan.h"
#include "common/process/sandbox.h"

#define UID     60999
#define WORKED  42
#define REFUSED 43 /* with EPERM */

#define ON ((struct sandbox){.mode = SANDBOX_ON, .uid = UID, .gid = UID, .max_files = 256})

/* Run fn in a child inside the sandbox; returns the waitpid() status. fn: true = it worked. */
static int in_sandbox(struct sandbox s, bool (*fn)(void))
{
	pid_t pid = fork();
	char why[256];
	int status;

	if (pid == 0) {
		(void)signal(SIGSYS, SIG_DFL); /* cmocka's handler calls exit() */
		if (sandbox_enter(&s, why, sizeof(why)) == -1) {
			(void)!write(STDERR_FILENO, why, strlen(why));
			_exit(1);
		}
		_exit(fn() ? WORKED : REFUSED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_works(bool (*fn)(void))
{
	int status = in_sandbox(ON, fn);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), WORKED);
}

static void assert_refused(bool (*fn)(void))
{
	int status = in_sandbox(ON, fn);

	if (UNDER_ASAN)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == REFUSED);
	else
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static bool try_open(void)
{
	return open("/", O_RDONLY) != -1;
}

static bool try_exec(void)
{
	char *argv[] = {"true", NULL};

	return execv("/bin/true", argv) != -1;
}

static bool try_fork(void)
{
	return fork() != -1;
}

static bool try_truncate(void)
{
	return ftruncate(STDERR_FILENO, 0) == 0 || errno != EPERM;
}

static bool try_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) != -1;
}

static bool try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) != -1;
}

static bool try_executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED;
}

static bool try_kill_another(void)
{
	return kill(1, 0) == 0;
}

static bool try_regain(void)
{
	return setresuid(0, 0, 0) == 0;
}

static void what_a_worker_never_needs_is_refused(void **state)
{
	assert_refused(try_open);
	assert_refused(try_exec);
	assert_refused(try_fork);
	assert_refused(try_truncate);
	assert_refused(try_unix_socket);
	assert_refused(try_netlink);
	assert_refused(try_executable_memory);
	assert_refused(try_kill_another);
	assert_refused(try_regain);
}

static bool use_sockets(void)
{
	int four = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int six = socket(AF_INET6, SOCK_STREAM, 0);
	int pipes[2];

	return four != -1 && (six != -1 || errno == EAFNOSUPPORT) && pipe2(pipes, O_CLOEXEC) == 0;
}

static bool use_memory(void)
{
	char *p = malloc(1 << 22), *q;
	bool good;

	if (p == NULL)
		return false;
	memset(p, 1, 1 << 22);
	q = realloc(p, 1 << 23);
	good = q != NULL && q[12345] == 1;
	free(q != NULL ? q : p);
	return good;
}

static void what_a_worker_needs_works(void **state)
{
	assert_works(use_sockets);
	assert_works(use_memory);
}

static bool abort_itself(void)
{
	abort();
}

static void it_can_abort(void **state)
{
	int status = in_sandbox(ON, abort_itself);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* A line of /proc/PID/status of a child that waits in the sandbox. */
static void status_line(pid_t pid, const char *key, char *value, size_t n)
{
	char path[64], line[256];
	FILE *f;

	value[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			(void)snprintf(value, n, "%s", line + strlen(key));
	(void)fclose(f);
	value[strcspn(value, "\n")] = '\0';
}

static pid_t wait_inside(int *release)
{
	int up[2], down[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	pid = fork();
	if (pid == 0) {
		struct sandbox s = ON;
		char why[256];

		close(down[1]);
		if (sandbox_enter(&s, why, sizeof(why)) == -1)
			_exit(1);
		(void)!write(up[1], "x", 1);
		(void)!read(down[0], &c, 1);
		_exit(0);
	}
	close(up[1]);
	close(down[0]);
	assert_int_equal(read(up[0], &c, 1), 1);
	close(up[0]);
	*release = down[1];
	return pid;
}

static void the_kernel_confirms_it(void **state)
{
	char value[128];
	int release, status;
	pid_t pid = wait_inside(&release);

	status_line(pid, "NoNewPrivs:\t", value, sizeof(value));
	assert_string_equal(value, "1");
	status_line(pid, "Seccomp:\t", value, sizeof(value));
	assert_string_equal(value, "2");
	status_line(pid, "CapEff:\t", value, sizeof(value));
	assert_string_equal(value, "0000000000000000");
	status_line(pid, "CapPrm:\t", value, sizeof(value));
	assert_string_equal(value, "0000000000000000");
	status_line(pid, "CapAmb:\t", value, sizeof(value));
	assert_string_equal(value, "0000000000000000");
	if (geteuid() == 0) {
		char path[64], root[256] = "";

		status_line(pid, "Uid:\t", value, sizeof(value));
		assert_string_equal(value, "60999\t60999\t60999\t60999");
		status_line(pid, "Groups:\t", value, sizeof(value));
		assert_true(value[0] == '\0' || value[0] == ' ');
		(void)snprintf(path, sizeof(path), "/proc/%d/root", pid);
		assert_true(readlink(path, root, sizeof(root) - 1) > 0);
		assert_non_null(strstr(root, "(deleted)"));
	}
	close(release);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void off_leaves_the_filter_out_and_nothing_else(void **state)
{
	struct sandbox s = ON;
	int status;

	s.mode = SANDBOX_OFF;
	status = in_sandbox(s, use_sockets);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == WORKED);
	status = in_sandbox(s, try_netlink);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == WORKED);
	if (geteuid() == 0) {
		status = in_sandbox(s, try_regain);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == REFUSED);
	}
}

static void log_mode_lets_it_pass(void **state)
{
	struct sandbox s = ON;
	int status;

	s.mode = SANDBOX_LOG;
	status = in_sandbox(s, try_netlink);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == WORKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_worker_never_needs_is_refused),
	    cmocka_unit_test(what_a_worker_needs_works),
	    cmocka_unit_test(it_can_abort),
	    cmocka_unit_test(the_kernel_confirms_it),
	    cmocka_unit_test(off_leaves_the_filter_out_and_nothing_else),
	    cmocka_unit_test(log_mode_lets_it_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
