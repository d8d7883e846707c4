/* sibling: see sibling.h. */
#include "master/process/sibling.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "common/process/msg.h"
#include "common/process/pass_fd.h"
#include "common/process/slot.h"
#include "master/process/identity.h"
#include "master/table/vec.h"
#include "master/workers/backoff.h"
#include "master/workers/spawn.h"

#define WORDS_A_TURN 64
#define WORD_MAX     64
#define WAIT_MOST_MS 500 /* who asks a sibling waits for two seconds */

struct order {
	size_t n;
	int fd;
	_Alignas(8) char bytes[SIBLING_SMALL_MAX];
};

struct sibling {
	struct ev *ev;
	const struct sibling_kind *kind;
	const struct sibling_ops *ops;
	void *arg;
	unsigned sandbox;
	pid_t pid;   /* 0: none */
	pid_t group; /* of the last one and its children */
	struct ev_fd channel;
	struct timer respawn;
	struct backoff backoff;
	uint64_t spawned_ms;
	struct vec waiting; /* of struct order */
};

/* --- orders --------------------------------------------------------------------------------- */

static bool send_now(struct sibling *s, const void *bytes, size_t n, int fd)
{
	struct iovec iov = {(void *)(uintptr_t)bytes, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	union pass_fd room;

	pass_fd(&m, &room, fd);
	if (sendmsg(s->channel.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
		return true;
	ev_want(s->ev, &s->channel, EV_READ | EV_WRITE); /* EPIPE: the read side notices */
	return false;
}

bool sibling_there(const struct sibling *s)
{
	return s->channel.fd != -1;
}

bool sibling_send(struct sibling *s, const void *bytes, size_t n, int fd)
{
	return sibling_there(s) && s->waiting.n == 0 && send_now(s, bytes, n, fd);
}

static bool send_order(struct sibling *s, const struct order *o)
{
	if (!send_now(s, o->bytes, o->n, o->fd))
		return false;
	if (o->fd != -1)
		(void)close(o->fd);
	return true;
}

void sibling_order(struct sibling *s, const void *bytes, size_t n, int fd)
{
	struct order o = {.n = n, .fd = fd}, *place;

	CHECK(n <= sizeof(o.bytes));
	memcpy(o.bytes, bytes, n);
	if (!sibling_there(s)) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	if (s->waiting.n == 0 && send_order(s, &o))
		return;
	place = vec_push(&s->waiting, sizeof(*place));
	CHECK(place != NULL);
	*place = o;
}

static void send_waiting(struct sibling *s)
{
	struct order *o = s->waiting.items;
	size_t n = 0;

	while (n < s->waiting.n && send_order(s, &o[n]))
		n++;
	if (n > 0)
		memmove(o, o + n, (s->waiting.n - n) * sizeof(*o));
	s->waiting.n -= n;
}

static void drop_waiting(struct sibling *s)
{
	struct order *o = s->waiting.items;

	for (size_t i = 0; i < s->waiting.n; i++)
		if (o[i].fd != -1)
			(void)close(o[i].fd);
	s->waiting.n = 0;
}

/* --- the process ---------------------------------------------------------------------------- */

static void lose_channel(struct sibling *s)
{
	int fd = s->channel.fd;

	if (fd == -1)
		return;
	ev_del(s->ev, &s->channel);
	(void)close(fd);
	drop_waiting(s);
}

/* Its death follows, if it is not dead already. */
static void break_off(struct sibling *s)
{
	lose_channel(s);
	if (s->pid != 0)
		(void)kill(s->pid, SIGKILL);
}

static void on_channel(struct ev_fd *f, unsigned ready)
{
	struct sibling *s = container_of(f, struct sibling, channel);
	_Alignas(8) char word[WORD_MAX];

	for (int i = 0; i < WORDS_A_TURN && sibling_there(s); i++) {
		ssize_t n = recv(s->channel.fd, word, sizeof(word), MSG_DONTWAIT);

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0 || !s->ops->heard(s->arg, word, (size_t)n)) {
			break_off(s);
			return;
		}
	}
	if ((ready & EV_WRITE) == 0 || !sibling_there(s))
		return;
	ev_want(s->ev, &s->channel, EV_READ);
	send_waiting(s);
	if (s->waiting.n == 0)
		s->ops->room(s->arg);
}

static pid_t start_process(const struct sibling *s, int channel)
{
	const struct spawn_fd fds[] = {
	    {STDOUT_FILENO, STDOUT_FILENO},
	    {log_fd(), STDERR_FILENO},
	    {channel, SIBLING_FD},
	};
	char path[4096], argument[64], uid[12], mode[12];
	char *argv[] = {"silex", argument, uid, mode, NULL};

	/* A uid of its own, whoever the workers are: not even signals reach it from there. */
	(void)snprintf(argument, sizeof(argument), "%s", s->kind->argument);
	(void)snprintf(uid, sizeof(uid), "%u", IDENTITY_FIRST_UID + SLOT_MAX + s->kind->uid);
	(void)snprintf(mode, sizeof(mode), "%u", s->sandbox);
	if (spawn_beside("silex", path, sizeof(path)) == -1)
		return -1;
	return spawn(path, argv, fds, sizeof(fds) / sizeof(fds[0]));
}

/* As the first process of a container does anyhow: what a child leaves behind is ours to reap. */
static void adopt(const struct sibling *s)
{
	if (s->kind->has_children)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

static bool start(struct sibling *s)
{
	int ends[2];

	adopt(s);
	if (msg_pair(ends) == -1)
		return false;
	s->pid = start_process(s, ends[1]);
	(void)close(ends[1]);
	if (s->pid <= 0 || ev_add(s->ev, &s->channel, ends[0], EV_READ, on_channel) == -1) {
		(void)close(ends[0]);
		s->pid = s->pid < 0 ? 0 : s->pid;
		return false;
	}
	s->group = s->pid;
	s->spawned_ms = ev_now_ms(s->ev);
	log_info("process started", LOG_Z("process", s->kind->name), LOG_I64("pid", s->pid));
	s->ops->born(s->arg);
	return true;
}

static void start_later(struct sibling *s)
{
	uint64_t wait = backoff_died(&s->backoff, ev_now_ms(s->ev) - s->spawned_ms);

	if (wait > WAIT_MOST_MS)
		wait = WAIT_MOST_MS;
	timer_set(ev_timers(s->ev), &s->respawn, ev_now_ms(s->ev) + wait);
}

static void on_respawn(struct timer *t)
{
	sibling_start(container_of(t, struct sibling, respawn));
}

void sibling_start(struct sibling *s)
{
	if (s->pid != 0 || start(s))
		return;
	log_error("a process cannot be started", LOG_Z("process", s->kind->name),
		  LOG_Z("meanwhile", s->kind->without), LOG_ERRNO(errno));
	s->spawned_ms = ev_now_ms(s->ev);
	start_later(s);
}

/* Its children become ours when it dies (adopt()), and end by themselves. */
static void reap_group(const struct sibling *s, int how)
{
	while (s->group > 0 && s->group != s->pid && waitpid(-s->group, NULL, how) > 0)
		;
}

void sibling_reap(struct sibling *s)
{
	int status;

	if (s->pid == 0 || waitpid(s->pid, &status, WNOHANG) != s->pid) {
		reap_group(s, WNOHANG);
		return;
	}
	log_error("process died, starting it anew", LOG_Z("process", s->kind->name),
		  LOG_I64("pid", s->pid),
		  LOG_I64("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		  LOG_I64("exit_code", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
	s->pid = 0;
	reap_group(s, WNOHANG);
	lose_channel(s);
	start_later(s);
}

pid_t sibling_pid(const struct sibling *s)
{
	return s->pid;
}

/* --- life ----------------------------------------------------------------------------------- */

struct sibling *sibling_new(struct ev *ev, unsigned sandbox, const struct sibling_kind *kind,
			    const struct sibling_ops *ops, void *arg)
{
	struct sibling *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ev = ev;
	s->kind = kind;
	s->ops = ops;
	s->arg = arg;
	s->sandbox = sandbox;
	s->channel = EV_FD_NONE;
	timer_init(&s->respawn, on_respawn);
	return s;
}

void sibling_free(struct sibling *s)
{
	if (s == NULL)
		return;
	timer_cancel(ev_timers(s->ev), &s->respawn);
	lose_channel(s);
	if (s->pid != 0) {
		(void)kill(s->pid, SIGKILL);
		if (s->kind->has_children)
			(void)kill(-s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
		s->pid = 0;
		reap_group(s, 0);
	}
	vec_free(&s->waiting);
	free(s);
}
