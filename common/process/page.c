/* page: see page.h. */
#include "common/process/page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/table/shm.h"

int page_create(const char *name, size_t size)
{
	int fd = shm_create(name);

	if (fd != -1 && shm_grow(fd, 0, size) == -1) {
		int error = errno;

		close(fd);
		(void)shm_unlink(name);
		errno = error;
		return -1;
	}
	return fd;
}

int page_open(const char *name)
{
	return shm_open(name, O_RDONLY | O_CLOEXEC, 0);
}

void *page_map(int fd, size_t size, bool writable)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return NULL;
	if ((size_t)st.st_size != size) {
		errno = EINVAL;
		return NULL;
	}
	return shm_map(fd, size, writable);
}
