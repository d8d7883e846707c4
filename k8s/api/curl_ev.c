/* curl_ev: see curl_ev.h. */
#include "k8s/api/curl_ev.h"

#include <errno.h>
#include <stdlib.h>

#include "common/check.h"
#include "k8s/api/curl_lib.h"
#include "common/loop/timer.h"

struct curl_ev {
	struct ev *ev;
	CURLM *multi;
	struct timer timer;
	struct ev_task ended; /* looks for finished transfers */
	curl_ev_end_fn *end;
	void *arg;
};

struct curl_sock {
	struct ev_fd f;
	struct curl_ev *owner;
};

static void advance(struct curl_ev *c, curl_socket_t s, int bits)
{
	int running;

	(void)curl_multi_socket_action(c->multi, s, bits, &running);
	ev_post(c->ev, &c->ended);
}

static void on_socket(struct ev_fd *f, unsigned ready)
{
	struct curl_sock *s = container_of(f, struct curl_sock, f);
	int bits = 0;

	if (ready & EV_READ)
		bits |= CURL_CSELECT_IN;
	if (ready & EV_WRITE)
		bits |= CURL_CSELECT_OUT;
	if (ready & EV_HUP)
		bits |= CURL_CSELECT_ERR;
	advance(s->owner, f->fd, bits);
}

static void on_timer(struct timer *t)
{
	advance(container_of(t, struct curl_ev, timer), CURL_SOCKET_TIMEOUT, 0);
}

static unsigned interest(int what)
{
	switch (what) {
	case CURL_POLL_IN:
		return EV_READ;
	case CURL_POLL_OUT:
		return EV_WRITE;
	case CURL_POLL_INOUT:
		return EV_READ | EV_WRITE;
	default:
		return 0;
	}
}

/* libcurl: watch this socket so, or forget it (before it closes it). */
static int socket_cb(CURL *easy, curl_socket_t fd, int what, void *arg, void *sock_arg)
{
	struct curl_ev *c = arg;
	struct curl_sock *s = sock_arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL) {
			ev_del(c->ev, &s->f);
			free(s);
		}
		(void)curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (s != NULL) {
		ev_want(c->ev, &s->f, interest(what));
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -1;
	s->f = EV_FD_NONE;
	s->owner = c;
	if (ev_add(c->ev, &s->f, fd, interest(what), on_socket) == -1) {
		free(s);
		return -1;
	}
	(void)curl_multi_assign(c->multi, fd, s);
	return 0;
}

static int timer_cb(CURLM *multi, long ms, void *arg)
{
	struct curl_ev *c = arg;

	(void)multi;
	if (ms < 0)
		timer_cancel(ev_timers(c->ev), &c->timer);
	else
		timer_set(ev_timers(c->ev), &c->timer, ev_now_ms(c->ev) + (uint64_t)ms);
	return 0;
}

static void report_ended(struct ev_task *t)
{
	struct curl_ev *c = container_of(t, struct curl_ev, ended);
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL)
		if (m->msg == CURLMSG_DONE)
			c->end(c->arg, m->easy_handle, m->data.result);
}

struct curl_ev *curl_ev_new(struct ev *ev, curl_ev_end_fn *end, void *arg)
{
	struct curl_ev *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->ev = ev;
	c->end = end;
	c->arg = arg;
	c->ended.fn = report_ended;
	timer_init(&c->timer, on_timer);
	if (curl_lib_load() == -1 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (c->multi = curl_multi_init()) == NULL) {
		free(c);
		errno = ENOMEM;
		return NULL;
	}
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_cb);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timer_cb);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	return c;
}

void curl_ev_free(struct curl_ev *c)
{
	if (c == NULL)
		return;
	(void)curl_multi_cleanup(c->multi);
	timer_cancel(ev_timers(c->ev), &c->timer);
	ev_unpost(c->ev, &c->ended);
	curl_global_cleanup();
	free(c);
}

int curl_ev_add(struct curl_ev *c, CURL *easy)
{
	return curl_multi_add_handle(c->multi, easy) == CURLM_OK ? 0 : -1;
}

void curl_ev_remove(struct curl_ev *c, CURL *easy)
{
	(void)curl_multi_remove_handle(c->multi, easy);
}
