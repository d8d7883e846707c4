/* pass_fd: a descriptor that goes with a message (SCM_RIGHTS, unix(7)). */
#ifndef SILEX_COMMON_PROCESS_PASS_FD_H
#define SILEX_COMMON_PROCESS_PASS_FD_H

#include <string.h>
#include <sys/socket.h>

union pass_fd { /* room for it, as long as the message is being sent */
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* A copy of fd, which stays the caller's, goes with m; -1: none. */
static inline void pass_fd(struct msghdr *m, union pass_fd *room, int fd)
{
	if (fd == -1)
		return;
	memset(room, 0, sizeof(*room));
	room->head.cmsg_len = CMSG_LEN(sizeof(int));
	room->head.cmsg_level = SOL_SOCKET;
	room->head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&room->head), &fd, sizeof(fd));
	m->msg_control = room->bytes;
	m->msg_controllen = sizeof(room->bytes);
}

#endif
