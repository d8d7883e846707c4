/* shm: see shm.h. Nothing here knows what lies inside an object. */
#include "common/table/shm.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int shm_name(char buf[SHM_NAME_MAX], const char *instance, const char *what)
{
	int n;

	for (const char *c = instance; *c != '\0'; c++) {
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '_' && *c != '-') {
			errno = EINVAL;
			return -1;
		}
	}
	n = snprintf(buf, SHM_NAME_MAX, "/silex.%s.%s", instance, what);
	if (*instance == '\0' || n < 0 || n >= SHM_NAME_MAX) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

int shm_create(const char *name)
{
	if (shm_unlink(name) == -1 && errno != ENOENT)
		return -1;
	return shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

int shm_open_readonly(const char *name, int fd)
{
	struct stat want, got;
	int ro = shm_open(name, O_RDONLY | O_CLOEXEC, 0);

	if (ro == -1)
		return -1;
	if (fstat(fd, &want) == -1 || fstat(ro, &got) == -1) {
		close(ro);
		return -1;
	}
	if (want.st_dev != got.st_dev || want.st_ino != got.st_ino) {
		close(ro);
		errno = ESTALE;
		return -1;
	}
	return ro;
}

void shm_remove(const char *name, int fd)
{
	int same = shm_open_readonly(name, fd);

	if (same == -1)
		return;
	(void)shm_unlink(name);
	close(same);
}

/* Beyond RLIMIT_FSIZE the kernel does not only refuse, it sends SIGXFSZ. */
static bool over_file_limit(uint64_t bytes)
{
	struct rlimit lim;

	return getrlimit(RLIMIT_FSIZE, &lim) == 0 && lim.rlim_cur != RLIM_INFINITY &&
	       bytes > lim.rlim_cur;
}

int shm_grow(int fd, uint64_t from_bytes, uint64_t bytes)
{
	int err;

	if (bytes > INT64_MAX || over_file_limit(bytes)) {
		errno = ENOSPC;
		return -1;
	}
	do {
		err = posix_fallocate(fd, (off_t)from_bytes, (off_t)(bytes - from_bytes));
	} while (err == EINTR);
	if (err != 0) {
		(void)!ftruncate(fd, (off_t)from_bytes);
		errno = err == EFBIG || err == ENOMEM ? ENOSPC : err;
		return -1;
	}
	return 0;
}

void *shm_map(int fd, size_t bytes, int writable)
{
	int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	void *p = mmap(NULL, bytes, prot, MAP_SHARED | MAP_NORESERVE, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}
