/* leader: see leader.h. */
#include "master/kube/leader.h"

#include <errno.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/log/log.h"
#include "common/loop/timer.h"
#include "k8s/write/addresses.h"
#include "k8s/write/lease.h"

#define SOON_MS 500u /* after a change: several Ingresses of one `kubectl apply` are one look */

struct leader {
	struct ev *ev;
	struct api_client *client;
	struct status_writer *writer;
	struct addresses *addresses;
	struct lease *lease; /* NULL: not started, or no election wanted */
	struct lease_conf lease_conf;
	bool (*serves)(void *arg, const struct ingress *i);
	void *arg;
	bool enabled, elect; /* update-status, and not disable-leader-election */
	bool started, writing, again, stopping;
	bool said_failure;
	uint64_t every_ms;
	struct timer look;
	struct timer stop_limit;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

static void look(struct leader *l);

bool leader_is(const struct leader *l)
{
	if (!l->enabled || !l->started)
		return false;
	return !l->elect || (l->lease != NULL && lease_held(l->lease));
}

/* ---- looking ------------------------------------------------------------------------- */

static void look_at(struct leader *l, uint64_t at_ms)
{
	if (!timer_armed(&l->look) || l->look.due > at_ms)
		timer_set(ev_timers(l->ev), &l->look, at_ms);
}

static void written(void *arg)
{
	struct leader *l = arg;

	l->writing = false;
	if (l->again)
		look_at(l, ev_now_ms(l->ev) + SOON_MS);
	l->again = false;
}

static void found(void *arg, const struct status_addresses *addresses, const char *why)
{
	struct leader *l = arg;

	if (addresses == NULL) {
		if (!l->said_failure)
			log_warn("the addresses for Ingress status are not known",
				 LOG_Z("why", why));
		l->said_failure = true;
		written(l);
		return;
	}
	l->said_failure = false;
	if (!leader_is(l) || l->stopping) {
		written(l);
		return;
	}
	status_sync(l->writer, addresses, written);
}

static void look(struct leader *l)
{
	if (l->stopping || !leader_is(l))
		return;
	if (l->writing) {
		l->again = true;
		return;
	}
	l->writing = true;
	addresses_find(l->addresses, found, l);
}

static void on_look(struct timer *t)
{
	struct leader *l = container_of(t, struct leader, look);

	timer_set(ev_timers(l->ev), t, ev_now_ms(l->ev) + l->every_ms);
	look(l);
}

void leader_look_soon(struct leader *l)
{
	if (l->started && l->enabled && !l->stopping)
		look_at(l, ev_now_ms(l->ev) + SOON_MS);
}

/* ---- the Lease ----------------------------------------------------------------------- */

static void changed(void *arg, bool leader)
{
	struct leader *l = arg;

	if (leader)
		look_at(l, ev_now_ms(l->ev));
	else
		status_stop(l->writer);
	if (!leader)
		l->writing = l->again = false;
}

void leader_start(struct leader *l)
{
	if (l->started)
		return;
	l->started = true;
	if (!l->enabled)
		return;
	look_at(l, ev_now_ms(l->ev));
	if (!l->elect)
		return;
	l->lease = lease_new(l->ev, l->client, &l->lease_conf, changed, l);
	if (l->lease == NULL)
		log_error("out of memory: no status is written", LOG_ERRNO(errno));
}

/* ---- the end ------------------------------------------------------------------------- */

static void finish(struct leader *l)
{
	void (*stopped)(void *) = l->stopped;

	timer_cancel(ev_timers(l->ev), &l->stop_limit);
	l->stopped = NULL;
	if (stopped != NULL)
		stopped(l->stopped_arg);
}

static void on_stop_limit(struct timer *t)
{
	struct leader *l = container_of(t, struct leader, stop_limit);

	log_warn("the API server does not answer; status and Lease are left as they are");
	finish(l);
}

static void released(void *arg)
{
	finish(arg);
}

static void release(void *arg)
{
	struct leader *l = arg;

	if (l->lease == NULL)
		finish(l);
	else
		lease_release(l->lease, released, l);
}

static void others_counted(void *arg, int others)
{
	static const struct status_addresses none;
	struct leader *l = arg;

	if (others > 0 || !leader_is(l)) {
		log_info("another replica serves on, status stays", LOG_I64("others", others));
		release(l);
		return;
	}
	/* Fewer than zero: we are no pod, and nobody else can be counted. */
	status_sync(l->writer, &none, release);
}

void leader_stop(struct leader *l, bool clear, void (*done)(void *arg), void *arg)
{
	bool was = leader_is(l);

	l->stopped = done;
	l->stopped_arg = arg;
	l->stopping = true;
	timer_cancel(ev_timers(l->ev), &l->look);
	status_stop(l->writer);
	timer_set(ev_timers(l->ev), &l->stop_limit, ev_now_ms(l->ev) + LEADER_STOP_MS);
	if (was && clear)
		addresses_others(l->addresses, others_counted, l);
	else
		release(l);
}

/* -------------------------------------------------------------------------------------- */

static bool serves(void *arg, const struct ingress *i)
{
	struct leader *l = arg;

	return l->serves(l->arg, i);
}

static bool may_write(void *arg)
{
	return leader_is(arg);
}

static const struct status_ops status_ops = {.ours = serves, .may_write = may_write};

void leader_stats(const struct leader *l, struct status_stats *out)
{
	status_stats(l->writer, out);
}

static struct addresses *make_addresses(struct api_client *client, const struct store *store,
					const struct conf *conf, const struct pod *pod)
{
	struct addresses_conf a = {
	    .fixed = conf->publish_status_address,
	    .service = conf->publish_service,
	    .pod_ns = pod->ns,
	    .pod_name = pod->name,
	    .internal_ip = conf->report_node_internal_ip,
	};

	return addresses_new(client, store, &a);
}

struct leader *leader_new(struct ev *ev, struct api_client *client, const struct store *store,
			  const struct conf *conf, const struct pod *pod,
			  bool (*serve)(void *arg, const struct ingress *i), void *arg)
{
	struct leader *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->ev = ev;
	l->client = client;
	l->serves = serve;
	l->arg = arg;
	l->enabled = conf->update_status;
	l->elect = !conf->disable_leader_election;
	l->every_ms = conf->status_update_ms;
	l->lease_conf = (struct lease_conf){
	    .ns = pod->home,
	    .name = conf->election_id,
	    .identity = pod->identity,
	    .ttl_ms = (uint32_t)conf->election_ttl_ms,
	};
	timer_init(&l->look, on_look);
	timer_init(&l->stop_limit, on_stop_limit);
	l->writer = status_new(client, store, &status_ops, l);
	l->addresses = make_addresses(client, store, conf, pod);
	if (l->writer == NULL || l->addresses == NULL) {
		leader_free(l);
		errno = ENOMEM;
		return NULL;
	}
	return l;
}

void leader_free(struct leader *l)
{
	if (l == NULL)
		return;
	timer_cancel(ev_timers(l->ev), &l->look);
	timer_cancel(ev_timers(l->ev), &l->stop_limit);
	lease_free(l->lease);
	addresses_free(l->addresses);
	status_free(l->writer);
	free(l);
}
