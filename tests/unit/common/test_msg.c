/* msg: what is permitted arrives whole; every violation of the table ends the peer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/process/msg.h"

struct pair {
	struct msg_chan master, worker;
};

static int setup(void **state)
{
	static struct pair p;
	int fds[2];

	assert_int_equal(msg_pair(fds), 0);
	msg_chan_init(&p.master, fds[0], MSG_MASTER, MSG_IN_S);
	msg_chan_init(&p.worker, fds[1], MSG_WORKER, MSG_IN_S);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	close(p->master.fd);
	close(p->worker.fd);
	return 0;
}

static unsigned open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* A packet as a peer that keeps no rules would send it. */
static void send_raw(int fd, const void *bytes, size_t n, const int *fds, unsigned n_fds)
{
	struct iovec iov = {(void *)(uintptr_t)bytes, n};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = {0};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > 0) {
		control.align.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.align), fds, n_fds * sizeof(int));
		mh.msg_control = control.bytes;
		mh.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &mh, 0), (ssize_t)n);
}

struct packet {
	struct msg_head head;
	char data[512];
};

static void send_head(int fd, unsigned type, unsigned flags, uint32_t len, size_t really)
{
	struct packet p = {.head = {.type = (uint16_t)type, .flags = (uint16_t)flags, .len = len}};

	send_raw(fd, &p, sizeof(p.head) + really, NULL, 0);
}

static void expect_bad(struct msg_chan *c, const char *text)
{
	struct msg m;

	assert_int_equal(msg_recv(c, &m), MSG_BAD);
	assert_non_null(strstr(c->why, text));
	assert_int_equal(m.fd, -1);
}

static void permitted_messages_arrive_whole(void **state)
{
	struct pair *p = *state;
	struct msg_drain drain = {1234, 1}, got;
	uint64_t version = 77;
	struct msg m;

	assert_int_equal(msg_recv(&p->master, &m), MSG_NONE);
	assert_int_equal(msg_send(&p->worker, MSG_READY, &version, sizeof(version), -1), 0);
	assert_int_equal(msg_recv(&p->master, &m), MSG_OK);
	assert_int_equal(m.type, MSG_READY);
	assert_memory_equal(m.data, &version, sizeof(version));
	assert_int_equal(msg_send(&p->master, MSG_DRAIN, &drain, sizeof(drain), -1), 0);
	assert_int_equal(msg_send(&p->master, MSG_VERSION, &version, sizeof(version), -1), 0);
	assert_int_equal(msg_recv(&p->worker, &m), MSG_OK);
	memcpy(&got, m.data, sizeof(got));
	assert_int_equal(got.timeout_ms, 1234);
	assert_int_equal(m.id, 0);
	assert_int_equal(msg_recv(&p->worker, &m), MSG_OK);
	assert_int_equal(m.id, 1);
	assert_int_equal(msg_recv(&p->worker, &m), MSG_NONE);
}

static void a_descriptor_arrives_close_on_exec(void **state)
{
	struct pair *p = *state;
	uint32_t which = MSG_LOG_ACCESS;
	int null = open("/dev/null", O_WRONLY);
	struct stat a, b;
	struct msg m;

	assert_int_equal(msg_send(&p->master, MSG_LOG, &which, sizeof(which), null), 0);
	assert_int_equal(msg_recv(&p->worker, &m), MSG_OK);
	assert_int_not_equal(m.fd, -1);
	assert_int_equal(fcntl(m.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(null, &a), 0);
	assert_int_equal(fstat(m.fd, &b), 0);
	assert_int_equal(a.st_rdev, b.st_rdev);
	close(m.fd);
	close(null);
}

static void the_end_is_seen(void **state)
{
	struct pair *p = *state;
	uint64_t version = 1;
	struct msg m;

	close(p->worker.fd);
	p->worker.fd = -1;
	assert_int_equal(msg_recv(&p->master, &m), MSG_EOF);
	assert_int_equal(msg_send(&p->master, MSG_VERSION, &version, sizeof(version), -1), -1);
	assert_int_equal(errno, EPIPE);
}

static void a_full_channel_never_blocks(void **state)
{
	struct pair *p = *state;
	uint64_t version = 1;
	int sent = 0;

	while (msg_send(&p->master, MSG_VERSION, &version, sizeof(version), -1) == 0)
		assert_true(++sent < 1000000);
	assert_int_equal(errno, EAGAIN);
	assert_true(sent > 0);
}

static void unknown_types_are_refused(void **state)
{
	struct pair *p = *state;

	send_head(p->worker.fd, 999, 0, 0, 0);
	expect_bad(&p->master, "not in the table");
	send_head(p->worker.fd, 0, 0, 0, 0);
	expect_bad(&p->master, "not in the table");
}

static void the_wrong_direction_is_refused(void **state)
{
	struct pair *p = *state;

	send_head(p->worker.fd, MSG_DRAIN, 0, 8, 8);
	expect_bad(&p->master, "wrong direction");
	send_head(p->master.fd, MSG_READY, 0, 8, 8);
	expect_bad(&p->worker, "wrong direction");
}

static void the_wrong_state_is_refused(void **state)
{
	struct pair *p = *state;

	p->master.state = MSG_IN_R;
	send_head(p->worker.fd, MSG_READY, 0, 8, 8);
	expect_bad(&p->master, "state");
	p->master.state = MSG_IN_S;
	send_head(p->worker.fd, MSG_DRAINED, 0, 0, 0);
	expect_bad(&p->master, "state");
}

static void wrong_lengths_are_refused(void **state)
{
	struct pair *p = *state;

	send_head(p->worker.fd, MSG_READY, 0, 8, 4);
	expect_bad(&p->master, "not what arrived");
	send_head(p->worker.fd, MSG_READY, 0, 4, 8);
	expect_bad(&p->master, "not what arrived");
	send_head(p->worker.fd, MSG_READY, 0, 7, 7);
	expect_bad(&p->master, "out of bounds");
	send_head(p->worker.fd, MSG_READY, 0, 9, 9);
	expect_bad(&p->master, "out of bounds");
	send_head(p->worker.fd, MSG_READY, 0, UINT32_MAX, 8);
	expect_bad(&p->master, "not what arrived");
	send_head(p->worker.fd, MSG_READY, 0, 400, 400); /* more than any message has */
	expect_bad(&p->master, "not what arrived");
	send_raw(p->worker.fd, "short", 5, NULL, 0);
	expect_bad(&p->master, "shorter than its head");
}

static void flags_are_refused(void **state)
{
	struct pair *p = *state;

	send_head(p->worker.fd, MSG_READY, 1, 8, 8);
	expect_bad(&p->master, "flags");
}

static void surplus_descriptors_are_refused_and_closed(void **state)
{
	struct pair *p = *state;
	struct packet ready = {.head = {.type = MSG_READY, .len = 8}};
	struct packet log = {.head = {.type = MSG_LOG, .len = 4}};
	int fds[8];
	unsigned before;

	for (int i = 0; i < 8; i++)
		fds[i] = STDERR_FILENO;
	before = open_files();
	send_raw(p->worker.fd, &ready, sizeof(ready.head) + 8, fds, 1);
	expect_bad(&p->master, "descriptors");
	send_raw(p->master.fd, &log, sizeof(log.head) + 4, fds, 2);
	expect_bad(&p->worker, "descriptors");
	send_raw(p->master.fd, &log, sizeof(log.head) + 4, fds, 8);
	expect_bad(&p->worker, "descriptors");
	assert_int_equal(open_files(), before);
}

static void names_are_known(void **state)
{
	assert_string_equal(msg_name(MSG_READY), "READY");
	assert_string_equal(msg_name((enum msg_type)999), "?");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(permitted_messages_arrive_whole),
	    TEST(a_descriptor_arrives_close_on_exec),
	    TEST(the_end_is_seen),
	    TEST(a_full_channel_never_blocks),
	    TEST(unknown_types_are_refused),
	    TEST(the_wrong_direction_is_refused),
	    TEST(the_wrong_state_is_refused),
	    TEST(wrong_lengths_are_refused),
	    TEST(flags_are_refused),
	    TEST(surplus_descriptors_are_refused_and_closed),
	    cmocka_unit_test(names_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
