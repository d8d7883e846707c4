/* dial: see dial.h. */
#include "worker/upstream/dial.h"

#include <errno.h>
#include <unistd.h>

#include "common/net/net.h"
#include "common/table/cluster_kind.h"
#include "worker/tls/tls_upstream.h"

int dial(struct conn *c, struct worker *w, const struct pool_key *key, ev_fd_fn *on_ready,
	 timer_fn *on_late, bool *pending)
{
	int fd = net_connect(&key->addr, pending);

	if (fd == -1)
		return -1;
	if (conn_open(c, w, fd, EV_READ | (*pending ? EV_WRITE : 0u), on_ready, on_late) == -1) {
		close(fd);
		return -1;
	}
	if (!cluster_over_tls(key->protocol) || tls_upstream_secure(c, key) == 0)
		return 0;
	conn_close(c, false);
	errno = ENOMEM;
	return -1;
}
