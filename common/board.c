/* board: see board.h. */
#include "common/board.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/page.h"

const struct stat_text board_stat_texts[BOARD_STAT_COUNT] = {
#define STAT(id, name, kind, help) {name, STAT_##kind, help},
#include "common/board_stat_tbl.h"
#undef STAT
};

static void board_name(char name[PAGE_NAME_MAX], const char *instance)
{
	(void)snprintf(name, PAGE_NAME_MAX, "/silex.%s.board", instance);
}

struct board *board_create(const char *instance, int *ro_fd)
{
	char name[PAGE_NAME_MAX];
	struct board *b;
	int fd;

	board_name(name, instance);
	fd = page_create(name, sizeof(struct board));
	if (fd == -1)
		return NULL;
	b = page_map(fd, sizeof(*b), true);
	close(fd);
	*ro_fd = b == NULL ? -1 : page_open(name);
	if (*ro_fd == -1) {
		board_unmap(b);
		(void)shm_unlink(name);
		return NULL;
	}
	b->magic = BOARD_MAGIC;
	b->abi = BOARD_ABI;
	b->size = sizeof(*b);
	return b;
}

void board_unlink(const char *instance)
{
	char name[PAGE_NAME_MAX];

	board_name(name, instance);
	(void)shm_unlink(name);
}

const struct board *board_map(int fd)
{
	const struct board *b = page_map(fd, sizeof(struct board), false);

	if (b != NULL &&
	    (b->magic != BOARD_MAGIC || b->abi != BOARD_ABI || b->size != sizeof(*b))) {
		board_unmap(b);
		errno = EINVAL;
		return NULL;
	}
	return b;
}

const struct board *board_open(const char *instance)
{
	char name[PAGE_NAME_MAX];
	const struct board *b;
	int fd, error;

	board_name(name, instance);
	fd = page_open(name);
	if (fd == -1)
		return NULL;
	b = board_map(fd);
	error = errno;
	close(fd);
	errno = error;
	return b;
}

void board_unmap(const struct board *b)
{
	if (b != NULL)
		(void)munmap((void *)(uintptr_t)b, sizeof(*b));
}
