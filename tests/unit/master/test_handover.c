/* handover: what is left is what is found; nonsense in the variable is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "master/process/handover.h"

#define VARIABLE "SILEX_HANDOVER"

static bool closes_on_exec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static int some_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	assert_true(fd > STDERR_FILENO);
	return fd;
}

static void test_there_and_back(void **state)
{
	struct handover h = HANDOVER_NONE, found;
	int other = some_fd();

	(void)state;
	h.back = true;
	h.slots = 7;
	h.exe_fd = some_fd();
	h.worker_fd = some_fd();
	h.siblings[h.n_siblings++] = 4711;
	h.siblings[h.n_siblings++] = 4712;
	h.n_listens = 1;
	h.listens[0] = (struct handed_listen){some_fd(), ROLE_HEALTHZ, true};
	h.n_ports = 2;
	h.ports[0] = some_fd();
	h.ports[1] = some_fd();
	h.n_workers = 2 * SLOT_MAX;
	for (unsigned i = 0; i < h.n_workers; i++)
		h.workers[i] = (struct handed_worker){(pid_t)(INT32_MAX - 1 - (int)i), INT64_MAX};
	assert_int_equal(handover_leave(&h), 0);
	assert_true(closes_on_exec(other));
	assert_false(closes_on_exec(h.exe_fd));
	assert_false(closes_on_exec(h.listens[0].fd));
	handover_take(&found);
	assert_null(getenv(VARIABLE));
	assert_true(found.present && found.back);
	assert_int_equal(found.slots, 7);
	assert_int_equal(found.exe_fd, h.exe_fd);
	assert_int_equal(found.worker_fd, h.worker_fd);
	assert_int_equal(found.n_siblings, 2);
	assert_int_equal(found.siblings[0], 4711);
	assert_int_equal(found.siblings[1], 4712);
	assert_int_equal(found.n_listens, 1);
	assert_int_equal(found.listens[0].fd, h.listens[0].fd);
	assert_int_equal(found.listens[0].role, ROLE_HEALTHZ);
	assert_true(found.listens[0].given);
	assert_int_equal(found.n_ports, 2);
	assert_int_equal(found.ports[0], h.ports[0]);
	assert_int_equal(found.ports[1], h.ports[1]);
	assert_true(closes_on_exec(h.ports[1]));
	assert_int_equal(found.n_workers, h.n_workers);
	assert_memory_equal(found.workers, h.workers, sizeof(h.workers));
	assert_true(closes_on_exec(h.exe_fd));
	assert_true(closes_on_exec(h.listens[0].fd));
	handover_close(&found);
	assert_int_equal(fcntl(h.listens[0].fd, F_GETFD), -1);
	assert_int_equal(fcntl(h.exe_fd, F_GETFD), -1);
	assert_int_equal(fcntl(h.ports[0], F_GETFD), -1);
	close(other);
}

static void test_cancel(void **state)
{
	struct handover h = HANDOVER_NONE;

	(void)state;
	h.exe_fd = some_fd();
	assert_int_equal(handover_leave(&h), 0);
	handover_cancel(&h);
	assert_null(getenv(VARIABLE));
	assert_true(closes_on_exec(h.exe_fd));
	close(h.exe_fd);
}

/* Descriptors that are not ours to take, numbers out of range, words of a later version. */
static void test_nonsense(void **state)
{
	static const char *const texts[] = {
	    " ",         "x",           "x0 x1 x2 y99999999999 o0 o1 o99999999999 o5.6 k3.4",
	    "l",         "l1.2",        "l900.0.0",
	    "l2.0.0",    "w0.5 w1.5",   "w99999999999.5",
	    "w5",        "zzz q1.2.3",  "w5.x w5. w.5 w5.6.7.8",
	    "s-1 b b2.", "   x900    ", "p p900 p2 p1.2",
	};
	struct handover h;

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(setenv(VARIABLE, texts[i], 1), 0);
		handover_take(&h);
		assert_true(h.present);
		assert_false(h.back);
		assert_int_equal(h.exe_fd, -1);
		assert_int_equal(h.worker_fd, -1);
		assert_int_equal(h.n_siblings, 0);
		assert_int_equal(h.n_listens, 0);
		assert_int_equal(h.n_workers, 0);
		assert_int_equal(h.n_ports, 0);
	}
	handover_take(&h);
	assert_false(h.present);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
