/* verifier: see verifier.h. */
#include "master/basic/verifier.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/keys/wipe_free.h"
#include "master/process/sibling_main.h"

#define CHANNEL  3
#define NICENESS 10 /* requests that are let in already come first */

/* False: its caller is gone. */
static bool answer_one(struct verifier_ask *a)
{
	ssize_t n = recv(CHANNEL, a, sizeof(*a), 0);
	uint8_t word = VERIFIER_DIFFERS;
	struct str hash, password;

	if (n == -1 && errno == EINTR)
		return true;
	if (n < (ssize_t)offsetof(struct verifier_ask, bytes) || a->hash_n > PASSWORD_HASH_MAX ||
	    a->password_n > BASIC_PASSWORD_MAX ||
	    (size_t)n != offsetof(struct verifier_ask, bytes) + a->hash_n + a->password_n)
		return false;
	hash = str_make(a->bytes, a->hash_n);
	password = str_make(a->bytes + a->hash_n, a->password_n);
	if (password_matches(hash, password))
		word = VERIFIER_MATCHES;
	explicit_bzero(a, sizeof(*a));
	wipe_stack();
	return send(CHANNEL, &word, sizeof(word), MSG_NOSIGNAL) == sizeof(word);
}

__attribute__((noreturn)) static void serve(int fd, const struct sandbox *sandbox)
{
	static struct verifier_ask ask;

	setproctitle("auth: verifier");
	if (fd != CHANNEL && dup2(fd, CHANNEL) == -1)
		_exit(1);
	closefrom(CHANNEL + 1);
	(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	if (!sibling_confine("auth", sandbox))
		_exit(1);
	/* Not before: a change of uid takes it back. Whoever died until now is seen as end of file.
	 */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (answer_one(&ask))
		;
	_exit(0);
}

int verifier_start(const struct sandbox *sandbox)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return -1;
	pid = fork();
	if (pid == 0)
		serve(ends[1], sandbox);
	(void)close(ends[1]);
	if (pid == -1 || fcntl(ends[0], F_SETFL, O_NONBLOCK) == -1) {
		(void)close(ends[0]);
		return -1;
	}
	return ends[0];
}
