/*
 * page: named shared memory of one fixed size, for slots and the board.
 *
 * Memory is reserved when the object is made: /dev/shm is 64 MiB in a container, and touching a
 * page that cannot be had is SIGBUS, so "no room" has to be an error here and not a crash later.
 * The object is never resized afterwards.
 */
#ifndef SILEX_PAGE_H
#define SILEX_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#define PAGE_NAME_MAX 96

/* Create name ("/silex.main.board"), zeroed and reserved; an old object of that name loses its
 * name, not its readers. A read-write, close-on-exec fd, or -1 with errno (ENOSPC). */
int page_create(const char *name, size_t size);
/* An existing one, read-only. -1 with errno ENOENT, EACCES. */
int page_open(const char *name);
/* Map size bytes of fd, which stays the caller's. NULL with errno EINVAL when the object is of
 * another size. */
void *page_map(int fd, size_t size, bool writable);

#endif
