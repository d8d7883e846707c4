/*
 * slot: see slot.h.
 *
 * Everything read here may have been written by a worker that was taken over: no length, index
 * or byte is believed.
 */
#include "common/process/slot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/process/page.h"
#include "common/table/shm.h"

static int slot_name(char name[SHM_NAME_MAX], const char *instance, unsigned i)
{
	char what[16];

	(void)snprintf(what, sizeof(what), "slot.%u", i);
	return shm_name(name, instance, what);
}

int slot_create(const char *instance, unsigned i)
{
	char name[SHM_NAME_MAX];
	struct slot *s;
	int fd;

	fd = slot_name(name, instance, i) == -1 ? -1 : page_create(name, SLOT_FILE_SIZE);
	if (fd == -1)
		return -1;
	s = shm_map(fd, SLOT_MAPPED, true);
	if (s == NULL) {
		close(fd);
		return -1;
	}
	s->magic = SLOT_MAGIC;
	s->abi = SLOT_ABI;
	s->index = i;
	s->size = sizeof(*s);
	slot_unmap(s);
	return fd;
}

int slot_open(const char *instance, unsigned i)
{
	char name[SHM_NAME_MAX];

	return slot_name(name, instance, i) == -1 ? -1 : page_open(name);
}

int slot_grow(int fd, uint32_t from_pages, uint32_t pages)
{
	return shm_grow(fd, SLOT_SERIES_AT + (uint64_t)from_pages * SERIES_PAGE,
			SLOT_SERIES_AT + (uint64_t)pages * SERIES_PAGE);
}

void slot_unlink(const char *instance, unsigned i)
{
	char name[SHM_NAME_MAX];

	if (slot_name(name, instance, i) == 0)
		(void)shm_unlink(name);
}

struct slot *slot_map(int fd, bool writable)
{
	struct stat st;
	struct slot *s;

	if (fstat(fd, &st) == -1)
		return NULL;
	if ((size_t)st.st_size < SLOT_FILE_SIZE) {
		errno = EINVAL;
		return NULL;
	}
	s = shm_map(fd, SLOT_MAPPED, writable);

	if (s != NULL && (s->magic != SLOT_MAGIC || s->abi != SLOT_ABI || s->size != sizeof(*s))) {
		slot_unmap(s);
		errno = EINVAL;
		return NULL;
	}
	return s;
}

void slot_unmap(const struct slot *s)
{
	if (s != NULL)
		(void)munmap((void *)(uintptr_t)s, SLOT_MAPPED);
}

void slot_recycle(struct slot *s, uint32_t state)
{
	for (unsigned i = 0; i < STAT_COUNT; i++)
		if (stat_texts[i].kind == STAT_GAUGE)
			atomic_store(&s->stats[i], 0);
	atomic_store(&s->pins.cur, 0);
	atomic_store(&s->pins.next, 0);
	atomic_store(&s->heartbeat_ms, 0);
	atomic_store(&s->turns, 0);
	atomic_store(&s->pid, 0);
	atomic_store(&s->event_head, 0);
	memset(s->events, 0, sizeof(s->events));
	memset(s->panic, 0, sizeof(s->panic));
	limit_counts_clear(&s->counts);
	atomic_store(&s->state, state);
}

/* Copies until NUL or n - 1 bytes, with everything that could end or forge a log line as '?'. */
static size_t clean_copy(char *to, size_t n, const char *from, size_t from_max)
{
	size_t i;

	for (i = 0; i + 1 < n && i < from_max; i++) {
		char c = *(const volatile char *)&from[i]; /* its writer may still be alive */

		if (c == '\0')
			break;
		to[i] = (c < 0x20 || c == 0x7f) ? '?' : c;
	}
	to[i] = '\0';
	return i;
}

void slot_panic(struct slot *s, const char *text)
{
	if (s->panic[0] == '\0')
		(void)clean_copy(s->panic, sizeof(s->panic), text, SLOT_PANIC_MAX);
}

size_t slot_panic_read(const struct slot *s, char *buf, size_t n)
{
	return clean_copy(buf, n, s->panic, sizeof(s->panic));
}

void slot_event(struct slot *s, const char *fmt, ...)
{
	uint64_t n = atomic_load_explicit(&s->event_head, memory_order_relaxed);
	struct slot_event *e = &s->events[n % SLOT_EVENTS];
	char text[SLOT_EVENT_TEXT];
	struct timespec now;
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	atomic_store_explicit(&e->at_us,
			      (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
			      memory_order_relaxed);
	(void)clean_copy(e->text, sizeof(e->text), text, sizeof(text));
	atomic_store_explicit(&s->event_head, n + 1, memory_order_release);
}

unsigned slot_events_read(const struct slot *s, unsigned most,
			  void (*fn)(void *arg, uint64_t at_us, const char *text), void *arg)
{
	uint64_t head = atomic_load_explicit(&s->event_head, memory_order_acquire);
	uint64_t n = most < SLOT_EVENTS ? most : SLOT_EVENTS;

	if (n > head)
		n = head;
	for (uint64_t i = head - n; i != head; i++) {
		const struct slot_event *e = &s->events[i % SLOT_EVENTS];
		char text[SLOT_EVENT_TEXT];

		(void)clean_copy(text, sizeof(text), e->text, sizeof(e->text));
		fn(arg, atomic_load_explicit(&e->at_us, memory_order_relaxed), text);
	}
	return (unsigned)n;
}
