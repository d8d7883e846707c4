/*
 * HTTP/2 frames of a hostile client, through nghttp2 and all of our callbacks, into requests that
 * an empty table answers with 404. The preface and SETTINGS are given; the first byte says how
 * much of the rest comes ahead of the handover, the rest comes through a socket. Whatever comes:
 * when the connection is cut, everything it held is given back.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/table/table_view.h"
#include "worker/flow/chunk.h"
#include "worker/accept/client.h"
#include "worker/flow/conn.h"
#include "worker/request/driver.h"
#include "worker/engine.h"
#include "worker/http2/h2_conn.h"

#define TURNS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct worker w;
static struct conf conf;
static struct table table;
static struct table_head nothing_published;

static void need(bool true_always)
{
	if (!true_always)
		abort();
}

/* Once: a worker never takes its engine apart. */
static void set_up(void)
{
	if (w.ev != NULL)
		return;
	conf_init(&conf);
	table = (struct table){.base = &nothing_published, .bytes = sizeof(nothing_published)};
	policy_defaults(&table.builtin);
	w.conf = &conf;
	w.table = &table;
	w.rng = 1;
	w.slot = calloc(1, sizeof(*w.slot));
	w.ev = ev_new(EV_BACKEND_POLL);
	w.timers = ev_timers(w.ev);
	need(w.slot != NULL && engine_init(&w) == 0);
}

static void never(struct ev_fd *f, unsigned ready)
{
	abort();
}

static void never_late(struct timer *t)
{
	abort();
}

static void begin(int fd, const uint8_t *data, size_t n)
{
	static const struct addr nobody;
	char early[H2_PREFACE_LEN + 9 + 256] = H2_PREFACE "\0\0\0\4";
	struct conn c;

	need(n <= 256 && conn_open(&c, &w, fd, EV_READ, never, never_late) == 0);
	memset(early + H2_PREFACE_LEN + 4, 0, 5);
	if (n > 0)
		memcpy(early + H2_PREFACE_LEN + 9, data, n);
	need(client_http2(&c, &nobody, ROLE_HTTP, false, str_make(early, H2_PREFACE_LEN + 9 + n)) ==
	     0);
	driver_run(&w);
}

static void turns(int most)
{
	while (most-- > 0 && ev_turn(w.ev, 0) > 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int fds[2];
	size_t ahead;

	if (n < 2)
		return 0;
	set_up();
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	ahead = data[0] < n - 1 ? data[0] : n - 1;
	begin(fds[0], data + 1, ahead);
	if (n - 1 - ahead > 0)
		(void)send(fds[1], data + 1 + ahead, n - 1 - ahead, MSG_NOSIGNAL);
	turns(TURNS);
	client_cut_all(&w);
	turns(TURNS);
	close(fds[1]);
	turns(TURNS);
	need(slab_used(w.h2_clients) == 0 && slab_used(w.h2_streams) == 0);
	need(slab_used(w.requests) == 0 && slab_used(w.arenas) == 0 && slab_used(w.chunks) == 0);
	return 0;
}
