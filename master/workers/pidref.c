/* pidref: see pidref.h. */
#include "master/workers/pidref.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define START_FIELD 22

uint64_t pidref_start(pid_t pid)
{
	char path[48], text[1024];
	uint64_t start = 0;
	const char *p;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')'); /* the name before it may hold anything */
	for (int field = 2; p != NULL && field < START_FIELD; field++) {
		p = strchr(p, ' ');
		p = p == NULL ? NULL : p + 1;
	}
	if (p == NULL || sscanf(p, "%" SCNu64, &start) != 1)
		return 0;
	return start;
}

int pidref_open(pid_t pid, uint64_t start)
{
	int fd = pidfd_open(pid, 0);

	if (fd == -1)
		return -1;
	if (start != 0 && pidref_start(pid) == start)
		return fd;
	close(fd);
	errno = ESRCH;
	return -1;
}

int pidref_signal(pid_t pid, uint64_t start, int signo)
{
	int fd = pidref_open(pid, start), rc;

	if (fd == -1)
		return -1;
	rc = pidfd_send_signal(fd, signo, NULL, 0);
	close(fd);
	return rc;
}
