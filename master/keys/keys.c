/* keys: see keys.h. */
#include "master/keys/keys.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/process/msg.h"
#include "common/process/slot.h"
#include "common/loop/timer.h"
#include "master/workers/backoff.h"
#include "master/process/identity.h"
#include "master/keys/keyd.h"
#include "master/workers/spawn.h"
#include "master/table/vec.h"

#define ACKS_A_TURN  64
#define WAIT_MOST_MS 500 /* handshakes wait for two seconds (worker/sign/signer.h) */

/* An order without a private key, kept until there is room for it. */
struct small_order {
	enum key_order_kind kind;
	int fd; /* KEY_WORKER */
	uint8_t key[SIGN_KEY_ID_LEN];
};

struct keys {
	struct ev *ev;
	const struct keys_ops *ops;
	void *arg;
	uint8_t sandbox;
	pid_t pid; /* 0: none */
	struct ev_fd channel;
	struct timer respawn;
	struct backoff backoff;
	uint64_t spawned_ms;
	uint64_t next_order;
	struct vec waiting;     /* of struct small_order */
	struct key_order order; /* being sent; wiped after each use */
};

/* --- orders --------------------------------------------------------------------------------- */

static bool send_order(struct keys *k, int fd)
{
	struct iovec iov = {&k->order, offsetof(struct key_order, der) + k->order.der_n};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {{0}};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd != -1) {
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
	}
	n = sendmsg(k->channel.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	explicit_bzero(&k->order, iov.iov_len);
	if (n == -1)
		ev_want(k->ev, &k->channel, EV_READ | EV_WRITE);
	return n != -1; /* EPIPE: the read side notices */
}

static bool send_small(struct keys *k, const struct small_order *o)
{
	k->order.id = ++k->next_order;
	k->order.kind = o->kind;
	k->order.der_n = 0;
	memcpy(k->order.key, o->key, sizeof(k->order.key));
	if (!send_order(k, o->fd))
		return false;
	if (o->fd != -1)
		(void)close(o->fd);
	return true;
}

static void order_small(struct keys *k, const struct small_order *o)
{
	struct small_order *place;

	if (k->waiting.n == 0 && send_small(k, o))
		return;
	place = vec_push(&k->waiting, sizeof(*place));
	CHECK(place != NULL);
	*place = *o;
}

static void send_waiting(struct keys *k)
{
	struct small_order *o = k->waiting.items;
	size_t n = 0;

	while (n < k->waiting.n && send_small(k, &o[n]))
		n++;
	if (n > 0)
		memmove(o, o + n, (k->waiting.n - n) * sizeof(*o));
	k->waiting.n -= n;
}

static void drop_waiting(struct keys *k)
{
	struct small_order *o = k->waiting.items;

	for (size_t i = 0; i < k->waiting.n; i++)
		if (o[i].fd != -1)
			(void)close(o[i].fd);
	k->waiting.n = 0;
}

uint64_t keys_put(struct keys *k, struct str der)
{
	CHECK(der.n <= KEY_DER_MAX);
	if (k->channel.fd == -1 || k->waiting.n > 0)
		return 0;
	k->order.id = ++k->next_order;
	k->order.kind = KEY_PUT;
	k->order.der_n = (uint32_t)der.n;
	memcpy(k->order.der, der.p, der.n);
	return send_order(k, -1) ? k->next_order : 0;
}

void keys_forget(struct keys *k, const uint8_t key[SIGN_KEY_ID_LEN])
{
	struct small_order o = {.kind = KEY_DELETE, .fd = -1};

	if (k->channel.fd == -1)
		return; /* it is forgotten already */
	memcpy(o.key, key, sizeof(o.key));
	order_small(k, &o);
}

bool keys_introduce(struct keys *k, int fd)
{
	struct small_order o = {.kind = KEY_WORKER, .fd = fd};

	if (k->channel.fd == -1) {
		(void)close(fd);
		return false;
	}
	order_small(k, &o);
	return true;
}

/* --- the process ---------------------------------------------------------------------------- */

static void lose_channel(struct keys *k)
{
	int fd = k->channel.fd;

	if (fd == -1)
		return;
	ev_del(k->ev, &k->channel);
	(void)close(fd);
	drop_waiting(k);
}

static void heard(struct keys *k, const struct key_ack *ack)
{
	k->ops->acked(k->arg, ack->id, ack->ok != 0, ack->key);
}

static void on_channel(struct ev_fd *f, unsigned ready)
{
	struct keys *k = container_of(f, struct keys, channel);

	for (int i = 0; i < ACKS_A_TURN && k->channel.fd != -1; i++) {
		struct key_ack ack;
		ssize_t n = recv(k->channel.fd, &ack, sizeof(ack), MSG_DONTWAIT);

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n != sizeof(ack)) {
			lose_channel(k); /* its death follows, if it is not dead already */
			if (k->pid != 0)
				(void)kill(k->pid, SIGKILL);
			return;
		}
		heard(k, &ack);
	}
	if ((ready & EV_WRITE) == 0 || k->channel.fd == -1)
		return;
	ev_want(k->ev, &k->channel, EV_READ);
	send_waiting(k);
	if (k->waiting.n == 0)
		k->ops->room(k->arg);
}

static pid_t start_process(const struct keys *k, int channel)
{
	const struct spawn_fd fds[] = {
	    {STDOUT_FILENO, STDOUT_FILENO},
	    {log_fd(), STDERR_FILENO},
	    {channel, KEYD_FD_CHANNEL},
	};
	char path[4096], uid[12], mode[12];
	char *argv[] = {"silex", KEYD_ARG, uid, mode, NULL};

	/* A uid of its own, whoever the workers are: not even signals reach it from there. */
	(void)snprintf(uid, sizeof(uid), "%u", IDENTITY_FIRST_UID + SLOT_MAX);
	(void)snprintf(mode, sizeof(mode), "%u", k->sandbox);
	if (spawn_beside("silex", path, sizeof(path)) == -1)
		return -1;
	return spawn(path, argv, fds, sizeof(fds) / sizeof(fds[0]));
}

static bool start(struct keys *k)
{
	int ends[2];

	if (msg_pair(ends) == -1)
		return false;
	k->pid = start_process(k, ends[1]);
	(void)close(ends[1]);
	if (k->pid <= 0 || ev_add(k->ev, &k->channel, ends[0], EV_READ, on_channel) == -1) {
		(void)close(ends[0]);
		k->pid = k->pid < 0 ? 0 : k->pid;
		return false;
	}
	k->spawned_ms = ev_now_ms(k->ev);
	log_info("keys process started", LOG_I64("pid", k->pid));
	k->ops->born(k->arg);
	return true;
}

static void start_later(struct keys *k)
{
	uint64_t wait = backoff_died(&k->backoff, ev_now_ms(k->ev) - k->spawned_ms);

	if (wait > WAIT_MOST_MS)
		wait = WAIT_MOST_MS;
	timer_set(ev_timers(k->ev), &k->respawn, ev_now_ms(k->ev) + wait);
}

static void on_respawn(struct timer *t)
{
	keys_start(container_of(t, struct keys, respawn));
}

void keys_start(struct keys *k)
{
	if (k->pid != 0 || start(k))
		return;
	log_error("cannot start the keys process; TLS handshakes fail meanwhile", LOG_ERRNO(errno));
	k->spawned_ms = ev_now_ms(k->ev);
	start_later(k);
}

void keys_reap(struct keys *k)
{
	int status;

	if (k->pid == 0 || waitpid(k->pid, &status, WNOHANG) != k->pid)
		return;
	log_error("keys process died, starting it anew", LOG_I64("pid", k->pid),
		  LOG_I64("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		  LOG_I64("exit_code", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
	k->pid = 0;
	lose_channel(k);
	start_later(k);
}

/* --- life ----------------------------------------------------------------------------------- */

struct keys *keys_new(struct ev *ev, const struct conf *conf, const struct keys_ops *ops, void *arg)
{
	struct keys *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->ev = ev;
	k->ops = ops;
	k->arg = arg;
	k->sandbox = conf->sandbox;
	k->channel = EV_FD_NONE;
	timer_init(&k->respawn, on_respawn);
	return k;
}

void keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	timer_cancel(ev_timers(k->ev), &k->respawn);
	lose_channel(k);
	if (k->pid != 0) {
		(void)kill(k->pid, SIGKILL);
		(void)waitpid(k->pid, NULL, 0);
	}
	vec_free(&k->waiting);
	free(k);
}
