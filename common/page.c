/* page: see page.h. */
#include "common/page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int page_create(const char *name, size_t size)
{
	int fd, error;

	(void)shm_unlink(name);
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	error = ftruncate(fd, (off_t)size) == -1 ? errno : posix_fallocate(fd, 0, (off_t)size);
	if (error != 0) {
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
	void *p;

	if (fstat(fd, &st) == -1)
		return NULL;
	if ((size_t)st.st_size != size) {
		errno = EINVAL;
		return NULL;
	}
	p = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}
