/* sibling_main: see sibling_main.h. */
#include "master/process/sibling_main.h"

#include <bsd/unistd.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/mem/asan.h"
#include "common/str.h"

#if UNDER_ASAN
/* The leak checker starts a tracer at exit that reads /proc, which a sandbox exists to forbid. */
static int confined;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return confined;
}
#endif

static void ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
}

bool sibling_begin(int argc, char **argv, const char *name, struct sandbox *sandbox)
{
	uint64_t uid, mode;

	if (argc != 4 || !str_u64(str_from(argv[2]), UINT32_MAX, &uid) ||
	    !str_u64(str_from(argv[3]), SANDBOX_ON, &mode))
		return false;
	*sandbox = (struct sandbox){.sealed = true, .mode = (enum sandbox_mode)mode};
	sandbox->uid = sandbox->gid = (uid_t)uid;
	log_setup(name, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	setproctitle_init(argc, argv, environ);
	setproctitle("%s", name);
#if UNDER_ASAN
	confined = 1;
#endif
	ignore_signals();
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* Here and now, because later there are no files; and nobody else's settings. */
	return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1;
}

bool sibling_confine(const char *name, const struct sandbox *sandbox)
{
	char why[160];

	if (sandbox_enter(sandbox, why, sizeof(why)) == -1) {
		log_error("a process cannot confine itself", LOG_Z("process", name),
			  LOG_Z("why", why));
		return false;
	}
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* a change of uid may have set it again */
	return true;
}

ssize_t sibling_receive(int from, void *bytes, size_t n, int *fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = bytes, .iov_len = n};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.space,
			   .msg_controllen = sizeof(control.space)};
	ssize_t got = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	*fd = -1;
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(int));
	return got;
}
