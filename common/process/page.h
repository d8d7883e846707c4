/*
 * page: named shared memory of one fixed size, for slots and the board.
 *
 * Made, reserved and mapped in one size and never resized (shm.h: no room is an error when it is
 * made, never a SIGBUS later). Who maps an object of another size is told so.
 */
#ifndef SILEX_COMMON_PROCESS_PAGE_H
#define SILEX_COMMON_PROCESS_PAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Create name ("/silex.main.board"), zeroed and reserved; an old object of that name loses its
 * name, not its readers. A read-write, close-on-exec fd, or -1 with errno (ENOSPC). */
int page_create(const char *name, size_t size);
/* An existing one, read-only. -1 with errno ENOENT, EACCES. */
int page_open(const char *name);
/* Map size bytes of fd, which stays the caller's. NULL with errno EINVAL when the object is of
 * another size. */
void *page_map(int fd, size_t size, bool writable);

#endif
