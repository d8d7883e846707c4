/*
 * shm: POSIX shared memory objects that never raise SIGBUS.
 *
 * Whoever maps an object maps its largest size once; address space is free. The creator makes
 * it longer with shm_grow(), which reserves the pages (posix_fallocate) before anybody touches
 * them: a full /dev/shm is then an error code and never a signal. Names begin with "/silex.".
 */
#ifndef SILEX_COMMON_TABLE_SHM_H
#define SILEX_COMMON_TABLE_SHM_H

#include <stddef.h>
#include <stdint.h>

#define SHM_NAME_MAX 128

/* "/silex.<instance>.<what>" into buf. -1 with errno EINVAL when the instance is empty, too long
 * or holds anything but letters, digits, '.', '_' and '-'. */
int shm_name(char buf[SHM_NAME_MAX], const char *instance, const char *what);

/* Remove an old object of this name and create it anew, empty, mode 0600 (O_EXCL: nobody else's
 * object is ever opened). Returns a read-write descriptor, close-on-exec, or -1 with errno. */
int shm_create(const char *name);
/* A second descriptor of the object behind fd, which cannot write. -1 with errno; ESTALE when
 * the name belongs to another object by now. */
int shm_open_readonly(const char *name, int fd);
/* Remove the name, unless it belongs to another object than fd's by now. */
void shm_remove(const char *name, int fd);
/* Make it bytes long and reserve every page. 0, or -1 with errno ENOSPC (also for a file size
 * limit of this process), and then the length is what it was. */
int shm_grow(int fd, uint64_t from_bytes, uint64_t bytes);
/* Map bytes of it, which may be more than it is long. NULL with errno. */
void *shm_map(int fd, size_t bytes, int writable);

#endif
