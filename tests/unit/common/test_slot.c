/* slot and board: sizes and magic are checked, counters survive, texts are cleaned. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/process/board.h"
#include "common/process/slot.h"

static char instance[32];

static int setup(void **state)
{
	int fd;

	(void)snprintf(instance, sizeof(instance), "unit%d", getpid());
	fd = slot_create(instance, 3);
	assert_int_not_equal(fd, -1);
	*state = slot_map(fd, true);
	assert_non_null(*state);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	slot_unmap(*state);
	slot_unlink(instance, 3);
	return 0;
}

static void readers_map_it_by_name(void **state)
{
	struct slot *s = *state;
	int fd = slot_open(instance, 3);
	struct slot *reader = slot_map(fd, false);

	assert_non_null(reader);
	assert_int_equal(reader->index, 3);
	stat_add(s, STAT_REQ_TOTAL, 5);
	assert_int_equal(atomic_load(&reader->stats[STAT_REQ_TOTAL]), 5);
	slot_unmap(reader);
	close(fd);
	assert_int_equal(slot_open(instance, 4), -1);
	assert_int_equal(errno, ENOENT);
}

static void another_abi_is_refused(void **state)
{
	struct slot *s = *state;
	int fd = slot_open(instance, 3);

	s->abi++;
	assert_null(slot_map(fd, false));
	assert_int_equal(errno, EINVAL);
	s->abi--;
	s->magic++;
	assert_null(slot_map(fd, false));
	s->magic--;
	s->size--; /* a build that counts less */
	assert_null(slot_map(fd, false));
	assert_int_equal(errno, EINVAL);
	s->size++;
	close(fd);
	fd = memfd_create("short", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 64), 0);
	assert_null(slot_map(fd, false));
	assert_int_equal(errno, EINVAL);
	close(fd);
}

static void recycling_keeps_counters_only(void **state)
{
	struct slot *s = *state;
	uint64_t requests = atomic_load(&s->stats[STAT_REQ_TOTAL]);

	stat_add(s, STAT_REQ_TOTAL, 7);
	stat_add(s, STAT_CONN_ACTIVE, 2);
	reason_count(s, REASON_NO_ROUTE);
	atomic_store(&s->pins.cur, 9);
	atomic_store(&s->heartbeat_ms, 1);
	slot_panic(s, "gone");
	slot_event(s, "something");
	slot_recycle(s, SLOT_DEAD);
	assert_int_equal(atomic_load(&s->stats[STAT_REQ_TOTAL]), requests + 7);
	assert_int_equal(atomic_load(&s->reasons[REASON_NO_ROUTE]), 1);
	assert_int_equal(atomic_load(&s->stats[STAT_CONN_ACTIVE]), 0);
	assert_int_equal(atomic_load(&s->pins.cur), 0);
	assert_int_equal(atomic_load(&s->heartbeat_ms), 0);
	assert_int_equal(atomic_load(&s->event_head), 0);
	assert_int_equal(atomic_load(&s->state), SLOT_DEAD);
	assert_int_equal(s->panic[0], 0);
	assert_int_equal(s->index, 3);
}

static void the_first_panic_stays_and_is_cleaned(void **state)
{
	struct slot *s = *state;
	char text[SLOT_PANIC_MAX];

	slot_panic(s, "first\nline\x1b[31m");
	slot_panic(s, "second");
	assert_int_equal(slot_panic_read(s, text, sizeof(text)), 15);
	assert_string_equal(text, "first?line?[31m");
	memset(s->panic, 'x', sizeof(s->panic)); /* a worker gone mad leaves no NUL */
	assert_int_equal(slot_panic_read(s, text, sizeof(text)), SLOT_PANIC_MAX - 1);
	assert_int_equal(slot_panic_read(s, text, 8), 7);
}

struct seen {
	unsigned n;
	char first[SLOT_EVENT_TEXT], last[SLOT_EVENT_TEXT];
};

static void see(void *arg, uint64_t at_us, const char *text)
{
	struct seen *seen = arg;

	(void)snprintf(seen->n++ == 0 ? seen->first : seen->last, SLOT_EVENT_TEXT, "%s", text);
}

static void events_are_a_ring(void **state)
{
	struct slot *s = *state;
	struct seen seen = {0};

	slot_recycle(s, SLOT_READY);
	assert_int_equal(slot_events_read(s, 8, see, &seen), 0);
	for (unsigned i = 0; i < SLOT_EVENTS + 5; i++)
		slot_event(s, "event %u\r", i);
	assert_int_equal(slot_events_read(s, 1000, see, &seen), SLOT_EVENTS);
	assert_string_equal(seen.first, "event 5?");
	assert_string_equal(seen.last, "event 36?");
}

static void a_mad_event_head_is_harmless(void **state)
{
	struct slot *s = *state;
	struct seen seen = {0};

	memset(s->events, 0xff, sizeof(s->events));
	atomic_store(&s->event_head, UINT64_MAX);
	assert_int_equal(slot_events_read(s, SLOT_EVENTS, see, &seen), SLOT_EVENTS);
	assert_int_equal(strlen(seen.last), SLOT_EVENT_TEXT - 1);
}

static void a_name_that_is_none_is_refused(void **state)
{
	assert_int_equal(slot_create("../x", 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_null(board_open("a/b"));
}

static void the_board_says_who_runs(void **state)
{
	struct board_fds fds;
	struct board *b;
	const struct board *reader;

	assert_false(board_running(instance));
	assert_null(board_open(instance));
	b = board_create(instance, &fds);
	assert_non_null(b);
	assert_true(board_running(instance));
	board_add(b, BOARD_RELOADS, 2);
	reader = board_map(fds.read_only);
	assert_non_null(reader);
	assert_int_equal(atomic_load(&reader->stats[BOARD_RELOADS]), 2);
	assert_null(board_map(STDIN_FILENO));
	board_unmap(reader);
	board_unmap(b); /* as when the master dies: the mapping holds the open file too */
	close(fds.lock);
	assert_false(board_running(instance));
	reader = board_open(instance);
	assert_non_null(reader);
	board_unmap(reader);
	close(fds.read_only);
	board_unlink(instance);
	assert_null(board_open(instance));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(readers_map_it_by_name),
	    TEST(another_abi_is_refused),
	    TEST(recycling_keeps_counters_only),
	    TEST(the_first_panic_stays_and_is_cleaned),
	    TEST(events_are_a_ring),
	    TEST(a_mad_event_head_is_harmless),
	    TEST(a_name_that_is_none_is_refused),
	    TEST(the_board_says_who_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
