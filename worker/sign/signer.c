/* signer: see signer.h. */
#include "worker/sign/signer.h"

#include <errno.h>
#include <openssl/async.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/loop/timer.h"

#define ANSWERS_A_TURN 64

/* One question. Lives on the stack of the paused job, which is why it is valid while it waits. */
struct question {
	TAILQ_ENTRY(question) link; /* oldest first */
	struct sign_wait *who;
	uint64_t by_ms;
	bool sent, done;
	uint32_t sig_n;
	uint8_t *sig;
	struct sign_head head;
	struct str tbs; /* OpenSSL's, which keeps it while the job is paused */
};
TAILQ_HEAD(question_list, question);

struct signer {
	struct ev *ev;
	struct ev_fd f;
	struct timer late; /* when the oldest question is given up */
	struct question_list open;
	struct sign_wait *current;
	uint64_t next_id;
	struct signer_stats stats;
};

static void arm(struct signer *s)
{
	const struct question *oldest = TAILQ_FIRST(&s->open);

	if (oldest == NULL)
		timer_cancel(ev_timers(s->ev), &s->late);
	else
		timer_set(ev_timers(s->ev), &s->late, oldest->by_ms);
}

/* The question leaves the list; its job goes on when `who` shakes hands again. */
static void answer(struct signer *s, struct question *q, uint32_t n)
{
	struct sign_wait *who = q->who;

	TAILQ_REMOVE(&s->open, q, link);
	s->stats.waiting--;
	q->sig_n = n;
	q->done = true;
	who->refused = n == 0;
	arm(s);
	who->wake(who); /* q is gone afterwards */
}

static void on_late(struct timer *t)
{
	struct signer *s = container_of(t, struct signer, late);
	struct question *q;

	while ((q = TAILQ_FIRST(&s->open)) != NULL && q->by_ms <= ev_now_ms(s->ev)) {
		s->stats.timed_out++;
		answer(s, q, 0);
	}
}

/* ---- the channel --------------------------------------------------------------------- */

static void detach(struct signer *s)
{
	int fd = s->f.fd;

	if (fd == -1)
		return;
	ev_del(s->ev, &s->f);
	(void)close(fd);
}

static void channel_lost(struct signer *s)
{
	struct question *q;

	s->stats.lost_channels++;
	detach(s);
	TAILQ_FOREACH (q, &s->open, link)
		q->sent = false;
}

static bool send_one(struct signer *s, const struct question *q)
{
	struct iovec iov[2] = {{(void *)(uintptr_t)&q->head, sizeof(q->head)},
			       {(void *)(uintptr_t)q->tbs.p, q->tbs.n}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

	return s->f.fd != -1 && sendmsg(s->f.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) != -1;
}

static void send_open(struct signer *s)
{
	struct question *q;

	TAILQ_FOREACH (q, &s->open, link) {
		if (q->sent)
			continue;
		if (!send_one(s, q))
			break; /* EAGAIN: when writable; EPIPE: the read side notices */
		q->sent = true;
	}
	if (s->f.fd != -1)
		ev_want(s->ev, &s->f, q == NULL ? EV_READ : EV_READ | EV_WRITE);
}

static struct question *find(struct signer *s, uint64_t id)
{
	struct question *q;

	TAILQ_FOREACH (q, &s->open, link)
		if (q->head.id == id)
			return q;
	return NULL; /* given up meanwhile */
}

static bool take(struct signer *s, const struct sign_reply *r, size_t n)
{
	struct question *q;

	if (n < offsetof(struct sign_reply, sig) || r->sig_n > SIGN_SIG_MAX ||
	    n != offsetof(struct sign_reply, sig) + r->sig_n)
		return false;
	q = find(s, r->id);
	if (q == NULL)
		return true;
	if (r->sig_n == 0)
		s->stats.refused++;
	else
		s->stats.answered++;
	memcpy(q->sig, r->sig, r->sig_n);
	answer(s, q, r->sig_n);
	return true;
}

static void on_channel(struct ev_fd *f, unsigned ready)
{
	struct signer *s = container_of(f, struct signer, f);
	struct sign_reply r;

	for (int i = 0; i < ANSWERS_A_TURN && s->f.fd != -1; i++) {
		ssize_t n = recv(s->f.fd, &r, sizeof(r), MSG_DONTWAIT);

		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0 || !take(s, &r, (size_t)n)) {
			channel_lost(s);
			return;
		}
	}
	if ((ready & EV_WRITE) != 0)
		send_open(s);
}

int signer_attach(struct signer *s, int fd)
{
	struct question *q;

	detach(s);
	TAILQ_FOREACH (q, &s->open, link)
		q->sent = false;
	if (ev_add(s->ev, &s->f, fd, EV_READ, on_channel) == -1) {
		(void)close(fd);
		return -1;
	}
	send_open(s);
	return 0;
}

/* ---- asking -------------------------------------------------------------------------- */

void signer_set_current(struct signer *s, struct sign_wait *w)
{
	s->current = w;
}

ptrdiff_t signer_sign(void *arg, const uint8_t id[SIGN_KEY_ID_LEN], enum sign_alg alg,
		      struct str tbs, uint8_t *sig)
{
	struct signer *s = arg;
	struct question q = {.who = s->current, .sig = sig, .tbs = tbs};

	CHECK(tbs.n <= SIGN_TBS_MAX);
	if (ASYNC_get_current_job() == NULL || s->current == NULL)
		return -1; /* would have to block: never */
	q.by_ms = ev_now_ms(s->ev) + SIGNER_WAIT_MS;
	q.head.id = ++s->next_id;
	q.head.alg = (uint32_t)alg;
	q.head.tbs_n = (uint32_t)tbs.n;
	memcpy(q.head.key, id, SIGN_KEY_ID_LEN);
	TAILQ_INSERT_TAIL(&s->open, &q, link);
	s->stats.waiting++;
	s->stats.asked++;
	send_open(s);
	arm(s);
	while (!q.done)
		if (ASYNC_pause_job() != 1)
			BUG("a handshake cannot be suspended");
	return q.sig_n == 0 ? -1 : (ptrdiff_t)q.sig_n;
}

struct signer *signer_new(struct ev *ev)
{
	struct signer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ev = ev;
	s->f = EV_FD_NONE;
	TAILQ_INIT(&s->open);
	timer_init(&s->late, on_late);
	return s;
}

void signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	CHECK(TAILQ_EMPTY(&s->open));
	timer_cancel(ev_timers(s->ev), &s->late);
	detach(s);
	free(s);
}

void signer_stats(const struct signer *s, struct signer_stats *out)
{
	*out = s->stats;
}
