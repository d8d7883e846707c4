/* board: see board.h. */
#include "common/process/board.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/process/page.h"
#include "common/table/shm.h"

const struct stat_text board_stat_texts[BOARD_STAT_COUNT] = {
#define STAT(id, name, kind, help) {name, STAT_##kind, help},
#include "common/stat/board_stat_tbl.h"
#undef STAT
};

struct board *board_create(const char *instance, struct board_fds *fds)
{
	char name[SHM_NAME_MAX];
	struct board *b = NULL;

	fds->read_only = fds->lock = -1;
	if (shm_name(name, instance, "board") == 0)
		fds->lock = page_create(name, sizeof(struct board));
	if (fds->lock == -1)
		return NULL;
	if (flock(fds->lock, LOCK_EX | LOCK_NB) == 0)
		b = page_map(fds->lock, sizeof(*b), true);
	if (b != NULL)
		fds->read_only = page_open(name);
	if (fds->read_only == -1) {
		board_unmap(b);
		close(fds->lock);
		(void)shm_unlink(name);
		return NULL;
	}
	b->magic = BOARD_MAGIC;
	b->abi = BOARD_ABI;
	b->size = sizeof(*b);
	return b;
}

bool board_running(const char *instance)
{
	char name[SHM_NAME_MAX];
	bool held;
	int fd;

	fd = shm_name(name, instance, "board") == -1 ? -1 : page_open(name);
	if (fd == -1)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
	close(fd);
	return held;
}

void board_unlink(const char *instance)
{
	char name[SHM_NAME_MAX];

	if (shm_name(name, instance, "board") == 0)
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
	char name[SHM_NAME_MAX];
	const struct board *b;
	int fd, error;

	fd = shm_name(name, instance, "board") == -1 ? -1 : page_open(name);
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
