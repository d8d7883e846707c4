/* sig: signals as events of the loop. See sig.h. */
#include "common/loop/sig.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/check.h"

static void readable(struct ev_fd *f, unsigned ready)
{
	struct sig *s = container_of(f, struct sig, watch);
	struct signalfd_siginfo info;

	/* A handler may close s: then its descriptor is -1 and nothing more is read. */
	while (s->watch.fd != -1) {
		ssize_t n = read(s->watch.fd, &info, sizeof(info));

		if (n == -1 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(info))
			return;
		s->fn(s, (int)info.ssi_signo);
	}
}

int sig_open(struct sig *s, struct ev *ev, const int *signals, void (*fn)(struct sig *s, int signo))
{
	int fd, saved;

	*s = (struct sig){.ev = ev, .watch = EV_FD_NONE, .fn = fn};
	(void)sigemptyset(&s->set);
	for (; *signals != 0; signals++)
		if (sigaddset(&s->set, *signals) == -1)
			return -1;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &s->set, NULL) == -1)
		return -1;
	fd = signalfd(-1, &s->set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd == -1)
		return -1;
	if (ev_add(ev, &s->watch, fd, EV_READ, readable) == 0)
		return 0;
	saved = errno;
	(void)close(fd);
	s->watch = EV_FD_NONE;
	errno = saved;
	return -1;
}

void sig_close(struct sig *s)
{
	int fd = s->watch.fd;

	if (fd == -1)
		return;
	ev_del(s->ev, &s->watch);
	s->watch.fd = -1;
	(void)close(fd);
}

void sig_child_reset(void)
{
	sigset_t none;

	/* SIGKILL, SIGSTOP and the C library's own refuse; every other one becomes default. */
	for (int signo = 1; signo < NSIG; signo++)
		(void)signal(signo, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
